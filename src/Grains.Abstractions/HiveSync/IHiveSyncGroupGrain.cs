using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.HiveSync;

/// <summary>
/// The log of a hive: every change of it, made here or at a peer, signed by its origin and verified before it is stored. The hive itself
/// is a view that is folded from it. Key: sync group id (<c>sg_…</c>), which is this site's own and is found by the hive's name
/// (<see cref="Directories.IDirectoryGrain.HiveName"/>).
/// </summary>
/// <remarks>
/// The log's stream is of the kind <see cref="LogKind"/> under the group's id, alone in a project of that id: a position of the project's
/// feed is the event's <c>seq</c>, so a view follows it as a projection of that feed, and writers of different hives never wait for each
/// other. The id is no UUID, so that no project's reader can ever name it. Settings, keys, peers and cursors are in another stream.
/// </remarks>
[Alias("beadhub.hive_sync_group")]
public interface IHiveSyncGroupGrain : IGrainWithStringKey
{
    /// <summary>Kind of the streams that hold the hives' logs; the key, and the project, is the group's id.</summary>
    const string LogKind = "hive_log";

    /// <summary>Makes the log of a hive, with its keys. Once: a repeat answers with what there is. Nobody can mesh with it until it is
    /// shared.</summary>
    /// <exception cref="RefusedException">The log is another hive's.</exception>
    [Repeatable, AlwaysInterleave]
    Task<HiveSyncGroup> Create(CreateHiveSyncGroup command);

    /// <summary>Stamps changes that were made here with origin, origin's number and time, signs and appends them, all or none.</summary>
    /// <exception cref="RefusedException">NotFound: there is no such group. Invalid: a change is no JSON object, or is too
    /// large.</exception>
    [AlwaysInterleave]
    Task<HiveChangesWritten> Write(WriteHiveChanges command);

    /// <summary>Signs with a new key from now on: the first event that it signs is its certificate.</summary>
    /// <exception cref="RefusedException">NotFound: there is no such group.</exception>
    [AlwaysInterleave]
    Task<HiveSyncGroup> RotateKey();

    /// <summary>Verifies what a peer has sent and stores what is new and good; the rest is counted, and told with the reason.</summary>
    /// <exception cref="RefusedException">NotFound: there is no such group.</exception>
    [Repeatable, AlwaysInterleave]
    Task<MeshEventsIngested> Ingest(IngestMeshEvents command);

    /// <summary>Events after a <c>seq</c>, in order.</summary>
    /// <param name="after">Seq of the last event that is known; 0 for none.</param>
    /// <param name="max">At most this many; at most 1,000.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<MeshPage> Read(long after, int max);

    /// <summary>Seq of the newest event; 0 when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<long> Head();

    /// <summary>Whether a Beadhub that has answered a handshake of ours proves that it is who it says.</summary>
    /// <param name="answer">Who answers, with the proof.</param>
    /// <param name="offeredAt">The time that our proof said.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<bool> IsAnswerGood(HandshakeOffer answer, long offeredAt);

    /// <summary>What was refused lately, the newest first, as this node has seen it.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<RefusedMeshEvent>> Refused();
}

/// <summary>Makes the log of a hive.</summary>
/// <param name="Hive">Name of the hive.</param>
/// <param name="Name">Name under which sites meet; null for the hive's.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.create.v1")]
public sealed record CreateHiveSyncGroup([property: Id(0)] string Hive, [property: Id(1)] string? Name = null);

/// <summary>Changes of a hive that were made here.</summary>
/// <param name="Changes">At least one, in order.</param>
/// <param name="Key">
/// Deduplication key: the same key again writes nothing and answers with the events of the first time. Null for none. A request's
/// <c>HttpContext.NewId()</c> serves: it follows from the request's <c>Idempotency-Key</c>.
/// </param>
[GenerateSerializer, Immutable, Alias("hive_sync.write.v1")]
public sealed record WriteHiveChanges([property: Id(0)] ImmutableArray<HiveChange> Changes, [property: Id(1)] string? Key = null);

/// <summary>A change of a hive.</summary>
/// <param name="Type">Event type, for example <c>post_created</c>.</param>
/// <param name="Payload">A JSON object, as it goes onto the wire; <c>_s</c> is added behind its last member.</param>
/// <param name="NotBefore">
/// Milliseconds since 1970 that the event's time is at least: that of what it changes, whose origin's clock may be ahead. 0 for none.
/// </param>
[GenerateSerializer, Immutable, Alias("hive_sync.change.v1")]
public sealed record HiveChange([property: Id(0)] string Type, [property: Id(1)] string Payload, [property: Id(2)] long NotBefore = 0);

/// <summary>What was written.</summary>
/// <param name="Entries">One for each change, in order.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.written.v1")]
public sealed record HiveChangesWritten([property: Id(0)] ImmutableArray<MeshEntry> Entries);

/// <summary>A batch that a peer has sent.</summary>
/// <param name="Events">In the peer's order.</param>
/// <param name="Via">The peer's instance id.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.ingest.v1")]
public sealed record IngestMeshEvents([property: Id(0)] ImmutableArray<ReceivedMeshEvent> Events, [property: Id(1)] string Via);

/// <summary>An event as it came over the wire. The sender's id and number of it mean nothing here.</summary>
/// <param name="Type">Event type.</param>
/// <param name="Origin">Instance that made it, as the envelope says.</param>
/// <param name="OriginTs">When, as the envelope says: milliseconds since 1970.</param>
/// <param name="Payload">JSON text, as it came.</param>
/// <param name="Signature">Base64.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.received.v1")]
public sealed record ReceivedMeshEvent(
    [property: Id(0)] string Type,
    [property: Id(1)] string Origin,
    [property: Id(2)] long OriginTs,
    [property: Id(3)] string Payload,
    [property: Id(4)] string Signature);

/// <summary>What became of a batch.</summary>
/// <param name="Head">Seq of the newest event of the log afterwards.</param>
/// <param name="Stored">Events that were new and good.</param>
/// <param name="Duplicates">Events that were there already.</param>
/// <param name="Refused">Events that were not stored, and why.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.ingested.v1")]
public sealed record MeshEventsIngested(
    [property: Id(0)] long Head,
    [property: Id(1)] int Stored,
    [property: Id(2)] int Duplicates,
    [property: Id(3)] int Refused);

/// <summary>An event of a peer that was not stored.</summary>
/// <param name="At">When it came.</param>
/// <param name="Via">Peer that sent it.</param>
/// <param name="Origin">Instance that is said to have made it.</param>
/// <param name="Type">What it is said to be.</param>
/// <param name="Reason">Why, for an administrator.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.refused.v1")]
public sealed record RefusedMeshEvent(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] string Via,
    [property: Id(2)] string Origin,
    [property: Id(3)] string Type,
    [property: Id(4)] string Reason);
