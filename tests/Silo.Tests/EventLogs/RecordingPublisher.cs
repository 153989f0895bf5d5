using System.Collections.Concurrent;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>Keeps what was published, by project, in the order of publication.</summary>
internal sealed class RecordingPublisher : IFeedPublisher
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<FeedEvent>> _feeds = new();

    public IReadOnlyList<FeedEvent> Feed(string project) => _feeds.TryGetValue(project, out var feed) ? [.. feed] : [];

    public void Publish(string project, IReadOnlyList<FeedEvent> events)
    {
        var feed = _feeds.GetOrAdd(project, _ => []);
        foreach (var @event in events) feed.Enqueue(@event);
    }
}
