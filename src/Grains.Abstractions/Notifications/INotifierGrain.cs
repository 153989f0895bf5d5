using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Notifications;

/// <summary>
/// Turns changes of beads into mail to their subscribers (contract 12.4). Key: project id. It follows the project's feed from a position
/// that it keeps, so that a change is not lost when the server dies before the mail; and a mail's id follows from the change and the
/// recipient, so that none comes twice.
/// </summary>
[Alias("beadhub.notifier")]
public interface INotifierGrain : IGrainWithStringKey
{
    /// <summary>Starts at the end of the feed: what lies before a project's first subscription concerns nobody.</summary>
    /// <param name="subscriptionsVersion">Version of the subscriptions at which there is none.</param>
    [AlwaysInterleave]
    Task Begin(long subscriptionsVersion);

    /// <summary>Delivers the mail that changes bring; completes when that is done. The changes are durable.</summary>
    [AlwaysInterleave]
    Task<Notified> Notify(ImmutableArray<BeadNews> news);

    /// <summary>Reads on in the feed sometime soon: something has happened, or the server has just started.</summary>
    [Repeatable, AlwaysInterleave]
    Task Wake();
}

/// <summary>A change of a bead that somebody may have subscribed to.</summary>
/// <param name="BeadId">The bead.</param>
/// <param name="Version">Version of the bead after the change.</param>
[GenerateSerializer, Immutable, Alias("notifier.news.v1")]
public sealed record BeadNews([property: Id(0)] string BeadId, [property: Id(1)] long Version);

/// <summary>What became of the mail.</summary>
/// <param name="Sent">Mails that were delivered.</param>
/// <param name="Failed">Mails that could not be delivered yet.</param>
[GenerateSerializer, Immutable, Alias("notifier.notified.v1")]
public sealed record Notified([property: Id(0)] int Sent, [property: Id(1)] int Failed)
{
    /// <summary>There was nothing to tell.</summary>
    public static Notified Nothing { get; } = new(0, 0);
}

/// <summary>All mail that the feed up to a position brings has been delivered.</summary>
/// <param name="Position">Position in the project's feed.</param>
/// <param name="SubscriptionsVersion">Version of the subscriptions at that position.</param>
[GenerateSerializer, Immutable, Alias("notifier.advanced.v1")]
public sealed record NotifierAdvanced([property: Id(0)] long Position, [property: Id(1)] long SubscriptionsVersion) : IEvent;
