using System.Collections.Immutable;
using Orleans;

namespace Beadhub.HiveSync;

/// <summary>
/// A change of a hive, as its origin signed it: what a hive's log holds, nothing else. Its <c>seq</c> at this site is its version in the
/// log's stream (<see cref="IHiveSyncGroupGrain.LogKind"/>), without gaps.
/// </summary>
/// <param name="EventId">
/// Derived from what the origin signed, so it is the same at every site and no relay can choose it: of origin and origin's number for a
/// Beadhub's event, of its content otherwise.
/// </param>
/// <param name="Type">Event type as on the wire, for example <c>post_created</c>; unknown ones are kept and relayed.</param>
/// <param name="Origin">Id of the instance that made it; <c>bh_…</c> for a Beadhub.</param>
/// <param name="OriginTs">When, by the origin's clock: milliseconds since 1970.</param>
/// <param name="OriginSeq">The origin's own number of the event in this group, from <c>_s</c>; null of an instance that is no
/// Beadhub.</param>
/// <param name="Payload">JSON text, byte for byte as the origin signed it. Never written anew.</param>
/// <param name="Signature">Ed25519 over the payload's UTF-8 bytes, base64.</param>
/// <param name="IsLocal">Whether it was made here.</param>
/// <param name="ReceivedAt">When it was stored here, UTC.</param>
/// <param name="Via">Instance that delivered it, to which it is not sent back; null when it was made here.</param>
[GenerateSerializer, Immutable, Alias("hive.mesh_event.v1")]
public sealed record MeshEvent(
    [property: Id(0)] string EventId,
    [property: Id(1)] string Type,
    [property: Id(2)] string Origin,
    [property: Id(3)] long OriginTs,
    [property: Id(4)] long? OriginSeq,
    [property: Id(5)] string Payload,
    [property: Id(6)] string Signature,
    [property: Id(7)] bool IsLocal,
    [property: Id(8)] DateTimeOffset ReceivedAt,
    [property: Id(9)] string? Via = null) : IEvent;

/// <summary>A mesh event at its place in the log.</summary>
/// <param name="Seq">Its number at this site: 1, 2, 3 … without gaps.</param>
/// <param name="Event">The event.</param>
[GenerateSerializer, Immutable, Alias("hive.mesh_entry.v1")]
public sealed record MeshEntry([property: Id(0)] long Seq, [property: Id(1)] MeshEvent Event);

/// <summary>A page of a hive's log.</summary>
/// <param name="Entries">In order, without gaps.</param>
/// <param name="Head">Seq of the newest event of the log when it was read; at least that of the last entry.</param>
[GenerateSerializer, Immutable, Alias("hive.mesh_page.v1")]
public sealed record MeshPage([property: Id(0)] ImmutableArray<MeshEntry> Entries, [property: Id(1)] long Head);
