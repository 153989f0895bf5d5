using Beadhub.Feed;

namespace Beadhub.Hosting.Cluster.Feeds;

/// <summary>
/// Tells other nodes what this one has committed, and this one what they have. Only a wake-up call: what it loses is read from the log, so
/// it may lose anything, and nobody waits for it.
/// </summary>
internal interface IFeedBus : IAsyncDisposable
{
    /// <summary>Whether announcements come in, as far as is known.</summary>
    bool IsConnected { get; }

    /// <summary>Begins. What other nodes announce goes to <paramref name="heard"/>; <paramref name="restored"/> is called when something
    /// may have been missed.</summary>
    Task Start(Action<Announcement> heard, Action restored);

    /// <summary>Hears of a project from when the task has completed; when the bus is away, from its return.</summary>
    Task Watch(string project);

    /// <summary>Hears of a project no more.</summary>
    Task Unwatch(string project);

    /// <summary>Announces events with consecutive positions. Returns at once and never throws.</summary>
    void Announce(string project, IReadOnlyList<FeedEvent> events);
}

/// <summary>What another node has committed.</summary>
/// <param name="Project">Whose feed it is.</param>
/// <param name="Last">Position of the newest event announced.</param>
/// <param name="Events">The events themselves, with consecutive positions up to <paramref name="Last"/>; null when they are to be read from
/// the log.</param>
internal sealed record Announcement(string Project, long Last, IReadOnlyList<FeedEvent>? Events);
