using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Locks;

/// <summary>
/// A project's reservations: advisory locks with a time to live on opaque keys, or on patterns of keys (protocol 9). Key: project id.
/// What has expired is invisible at once and leaves the state with the next write.
/// </summary>
[Alias("beadhub.locks")]
public interface ILocksGrain : IGrainWithStringKey
{
    /// <summary>Reserves all of the keys or none. A key that is held is a conflict, for its holder too (protocol 9.2); but
    /// keys that are held by this very reservation are what was asked for.</summary>
    /// <exception cref="RefusedException">Invalid: the project holds too much already.</exception>
    [Repeatable, AlwaysInterleave]
    Task<AcquireOutcome> Acquire(AcquireReservations command);

    /// <summary>Sets a new end, counted from now (protocol 9.3).</summary>
    /// <exception cref="RefusedException">Not found: nobody holds the key. Conflict: another agent does.</exception>
    [Repeatable, AlwaysInterleave]
    Task<DateTimeOffset> Renew(RenewReservation command);

    /// <summary>Gives a key back; nothing happens when nobody holds it (protocol 9.4).</summary>
    /// <exception cref="RefusedException">Conflict: another agent holds it.</exception>
    [Repeatable, AlwaysInterleave]
    Task Release(string key, string agentId);

    /// <summary>Gives back everything that the agent holds, or that of it which begins with a prefix (protocol 9.5).</summary>
    /// <returns>The keys given back, in order.</returns>
    /// <exception cref="RefusedException">Forbidden: only other agents hold keys with the prefix.</exception>
    [AlwaysInterleave]
    Task<ImmutableArray<string>> Revoke(string? prefix, string agentId);

    /// <summary>What is held now, by key, all or what begins with a prefix (protocol 9.6). The same object is returned while it would show
    /// the same.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ReservationList> List(string? prefix);
}

/// <summary>Reserves keys.</summary>
/// <param name="ReservationId">Id for the acquisition.</param>
/// <param name="Keys">The keys, without repeats; at least one.</param>
/// <param name="IsPattern">Whether they are patterns; they can be read then.</param>
/// <param name="AgentId">Who wants them.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="TtlSeconds">Time to live; clamped to what is allowed.</param>
/// <param name="Metadata">A JSON object.</param>
[GenerateSerializer, Immutable, Alias("reservation.acquire.v1")]
public sealed record AcquireReservations(
    [property: Id(0)] string ReservationId,
    [property: Id(1)] ImmutableArray<string> Keys,
    [property: Id(2)] bool IsPattern,
    [property: Id(3)] string AgentId,
    [property: Id(4)] string Alias,
    [property: Id(5)] long TtlSeconds,
    [property: Id(6)] string Metadata = "{}");

/// <summary>Renews a key.</summary>
[GenerateSerializer, Immutable, Alias("reservation.renew.v1")]
public sealed record RenewReservation([property: Id(0)] string Key, [property: Id(1)] string AgentId, [property: Id(2)] long TtlSeconds);

/// <summary>The keys were reserved, or these stand in the way.</summary>
/// <param name="AcquiredAt">When they were reserved.</param>
/// <param name="ExpiresAt">Until when.</param>
/// <param name="Conflicts">What stands in the way, in the order of the keys asked for; empty when they were reserved.</param>
[GenerateSerializer, Immutable, Alias("reservation.outcome.v1")]
public sealed record AcquireOutcome(
    [property: Id(0)] DateTimeOffset AcquiredAt,
    [property: Id(1)] DateTimeOffset ExpiresAt,
    [property: Id(2)] ImmutableArray<ReservationConflict> Conflicts);

/// <summary>A reservation that stands in the way of another.</summary>
/// <param name="Key">The key asked for.</param>
/// <param name="HeldKey">The key or pattern that is held.</param>
/// <param name="HeldIsPattern">Whether that is a pattern.</param>
/// <param name="HolderAgentId">Who holds it.</param>
/// <param name="HolderAlias">Its alias.</param>
/// <param name="ExpiresAt">Until when.</param>
[GenerateSerializer, Immutable, Alias("reservation.conflict.v1")]
public sealed record ReservationConflict(
    [property: Id(0)] string Key,
    [property: Id(1)] string HeldKey,
    [property: Id(2)] bool HeldIsPattern,
    [property: Id(3)] string HolderAgentId,
    [property: Id(4)] string HolderAlias,
    [property: Id(5)] DateTimeOffset ExpiresAt);

/// <summary>Reservations by key, in the order of the keys' UTF-8 bytes.</summary>
/// <param name="Reservations">The reservations.</param>
/// <param name="At">The time for which <see cref="ReservationView.SecondsLeft"/> holds.</param>
[GenerateSerializer, Immutable, Alias("reservation.list.v1")]
public sealed record ReservationList([property: Id(0)] ImmutableArray<ReservationView> Reservations, [property: Id(1)] DateTimeOffset At);

/// <summary>A reservation that is in force.</summary>
/// <param name="ReservationId">Id of the acquisition; keys that were reserved at once share it.</param>
/// <param name="Key">The key or pattern.</param>
/// <param name="IsPattern">Whether it is a pattern.</param>
/// <param name="HolderAgentId">Who holds it.</param>
/// <param name="HolderAlias">Its alias.</param>
/// <param name="AcquiredAt">Since when.</param>
/// <param name="ExpiresAt">Until when.</param>
/// <param name="SecondsLeft">Whole seconds until then, rounded up.</param>
/// <param name="Metadata">A JSON object, as it was sent.</param>
[GenerateSerializer, Immutable, Alias("reservation.view.v1")]
public sealed record ReservationView(
    [property: Id(0)] string ReservationId,
    [property: Id(1)] string Key,
    [property: Id(2)] bool IsPattern,
    [property: Id(3)] string HolderAgentId,
    [property: Id(4)] string HolderAlias,
    [property: Id(5)] DateTimeOffset AcquiredAt,
    [property: Id(6)] DateTimeOffset ExpiresAt,
    [property: Id(7)] int SecondsLeft,
    [property: Id(8)] string Metadata);
