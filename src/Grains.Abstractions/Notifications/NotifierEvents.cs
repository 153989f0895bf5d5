using Orleans;

namespace Beadhub.Notifications;

/// <summary>All mail that the feed up to a position brings has been delivered.</summary>
/// <param name="Position">Position in the project's feed.</param>
/// <param name="SubscriptionsVersion">Version of the subscriptions at that position.</param>
[GenerateSerializer, Immutable, Alias("notifier.advanced.v1")]
public sealed record NotifierAdvanced([property: Id(0)] long Position, [property: Id(1)] long SubscriptionsVersion) : IEvent;
