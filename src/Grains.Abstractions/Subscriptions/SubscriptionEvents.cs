using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Subscriptions;

/// <summary>A workspace wants to hear of a bead, or of other changes of it than before.</summary>
/// <param name="SubscriptionId">Id.</param>
/// <param name="WorkspaceId">Subscriber.</param>
/// <param name="BeadId">The bead, perhaps with its repository and a colon before it.</param>
/// <param name="Repo">Canonical origin; null for any.</param>
/// <param name="EventTypes">What to hear of.</param>
/// <param name="At">When it subscribed first.</param>
[GenerateSerializer, Immutable, Alias("subscription.made.v1")]
public sealed record SubscriptionMade(
    [property: Id(0)] string SubscriptionId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Repo,
    [property: Id(4)] ImmutableArray<string> EventTypes,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A workspace does not want to hear of a bead any more.</summary>
[GenerateSerializer, Immutable, Alias("subscription.ended.v1")]
public sealed record SubscriptionEnded(
    [property: Id(0)] string SubscriptionId, [property: Id(1)] string WorkspaceId, [property: Id(2)] DateTimeOffset At) : IEvent;
