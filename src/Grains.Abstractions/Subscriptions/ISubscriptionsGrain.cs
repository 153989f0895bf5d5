using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Subscriptions;

/// <summary>Which workspaces of a project want to hear of which beads (contract 12). Key: project id.</summary>
[Alias("beadhub.subscriptions")]
public interface ISubscriptionsGrain : IGrainWithStringKey
{
    /// <summary>Subscribes. For the same workspace, bead and repository the event types are replaced, under the same id.</summary>
    /// <exception cref="RefusedException">Conflict: the workspace has as many as it may.</exception>
    [AlwaysInterleave]
    Task<Subscription> Subscribe(SubscribeToBead command);

    /// <summary>Ends a subscription of a workspace.</summary>
    /// <exception cref="RefusedException">Not found: the workspace has none with this id.</exception>
    [AlwaysInterleave]
    Task Unsubscribe(string workspaceId, string subscriptionId);

    /// <summary>The subscriptions of a workspace, newest first. The same object is returned while nothing has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<SubscriptionList> Of(string workspaceId);

    /// <summary>The beads that somebody wants to hear of. The same object is returned while nothing has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<WatchedBeads> Watched();
}

/// <summary>What a subscriber may want to hear of (contract 12.1).</summary>
public static class SubscribedEvents
{
    /// <summary>Another status.</summary>
    public const string Status = "status_change";

    /// <summary>Another priority.</summary>
    public const string Priority = "priority_change";

    /// <summary>Another assignee.</summary>
    public const string Assignee = "assignee_change";

    /// <summary>Any of them.</summary>
    public const string All = "all";

    /// <summary>Every type.</summary>
    public static ImmutableArray<string> Types { get; } = [Status, Priority, Assignee, All];
}

/// <summary>Subscribes a workspace to a bead.</summary>
/// <param name="SubscriptionId">Id for a new subscription.</param>
/// <param name="WorkspaceId">Subscriber, an active workspace of the project.</param>
/// <param name="BeadId">The bead, perhaps with its repository and a colon before it.</param>
/// <param name="Repo">Canonical origin; null for any.</param>
/// <param name="EventTypes">What to hear of; each is known.</param>
[GenerateSerializer, Immutable, Alias("subscription.subscribe.v1")]
public sealed record SubscribeToBead(
    [property: Id(0)] string SubscriptionId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Repo,
    [property: Id(4)] ImmutableArray<string> EventTypes);

/// <summary>A subscription.</summary>
/// <param name="Id">Id.</param>
/// <param name="WorkspaceId">Subscriber.</param>
/// <param name="BeadId">The bead, perhaps with its repository and a colon before it.</param>
/// <param name="Repo">Canonical origin; null for any.</param>
/// <param name="EventTypes">What to hear of; nothing when empty.</param>
/// <param name="CreatedAt">When it was made first.</param>
[GenerateSerializer, Immutable, Alias("subscription.v1")]
public sealed record Subscription(
    [property: Id(0)] string Id,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Repo,
    [property: Id(4)] ImmutableArray<string> EventTypes,
    [property: Id(5)] DateTimeOffset CreatedAt);

/// <summary>Subscriptions, newest first.</summary>
[GenerateSerializer, Immutable, Alias("subscription.list.v1")]
public sealed record SubscriptionList([property: Id(0)] ImmutableArray<Subscription> Subscriptions);

/// <summary>The beads that somebody wants to hear of.</summary>
/// <param name="BeadIds">Their ids, without repositories.</param>
[GenerateSerializer, Immutable, Alias("subscription.watched.v1")]
public sealed record WatchedBeads([property: Id(0)] ImmutableHashSet<string> BeadIds);

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
