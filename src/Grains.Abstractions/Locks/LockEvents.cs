using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Locks;

/// <summary>An agent reserved resource keys, all at once.</summary>
/// <param name="ReservationId">Id of this acquisition; its mark, where the request may be repeated.</param>
/// <param name="Keys">The keys.</param>
/// <param name="IsPattern">Whether the keys are patterns.</param>
/// <param name="AgentId">Holder.</param>
/// <param name="Alias">Holder's alias at that time.</param>
/// <param name="TtlSeconds">Time to live as granted.</param>
/// <param name="Metadata">What the holder notes about it: a JSON object as it was sent.</param>
/// <param name="At">When.</param>
/// <param name="ExpiresAt">When it ends unless it is renewed.</param>
[GenerateSerializer, Immutable, Alias("reservation.acquired.v1")]
public sealed record ReservationAcquired(
    [property: Id(0)] string ReservationId,
    [property: Id(1)] ImmutableArray<string> Keys,
    [property: Id(2)] bool IsPattern,
    [property: Id(3)] string AgentId,
    [property: Id(4)] string Alias,
    [property: Id(5)] int TtlSeconds,
    [property: Id(6)] string Metadata,
    [property: Id(7)] DateTimeOffset At,
    [property: Id(8)] DateTimeOffset ExpiresAt) : IEvent;

/// <summary>The holder has set a new end.</summary>
/// <param name="Key">The key.</param>
/// <param name="AgentId">Holder.</param>
/// <param name="At">When.</param>
/// <param name="ExpiresAt">The new end.</param>
[GenerateSerializer, Immutable, Alias("reservation.renewed.v1")]
public sealed record ReservationRenewed(
    [property: Id(0)] string Key,
    [property: Id(1)] string AgentId,
    [property: Id(2)] DateTimeOffset At,
    [property: Id(3)] DateTimeOffset ExpiresAt) : IEvent;

/// <summary>The holder gave a key back before its end.</summary>
/// <param name="Key">The key.</param>
/// <param name="AgentId">Former holder.</param>
/// <param name="Alias">Its alias when it took the key.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("reservation.released.v1")]
public sealed record ReservationReleased(
    [property: Id(0)] string Key,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string Alias,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>
/// The clock had been ahead when reservations were taken or renewed, and is right again: each of them holds for its time to live from here
/// on, not until the date that the clock led to.
/// </summary>
/// <param name="At">When that was seen.</param>
[GenerateSerializer, Immutable, Alias("reservation.ends_bounded.v1")]
public sealed record ReservationEndsBounded([property: Id(0)] DateTimeOffset At) : IEvent;
