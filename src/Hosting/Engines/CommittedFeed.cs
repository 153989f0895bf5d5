using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.Engines;

/// <summary>Tells the followers inside this process what was committed, then announces it to everybody else.</summary>
internal sealed class CommittedFeed(IFeedPublisher next) : IFeedPublisher, ICommittedFeed
{
    private ImmutableDictionary<string, ImmutableArray<Follower>> _followers = ImmutableDictionary<string, ImmutableArray<Follower>>.Empty;

    public IDisposable Follow(string project, Action<IReadOnlyList<FeedEvent>> committed)
    {
        var follower = new Follower(this, project, committed);
        ImmutableInterlocked.AddOrUpdate(ref _followers, project, _ => [follower], (_, all) => all.Add(follower));
        return follower;
    }

    public void Publish(string project, IReadOnlyList<FeedEvent> events)
    {
        if (Volatile.Read(ref _followers).TryGetValue(project, out var followers))
            foreach (var follower in followers) follower.Committed(events);
        next.Publish(project, events);
    }

    private void Remove(Follower follower) => ImmutableInterlocked.Update(ref _followers, static (all, follower) =>
    {
        if (!all.TryGetValue(follower.Project, out var followers)) return all;
        var left = followers.Remove(follower);
        return left.IsEmpty ? all.Remove(follower.Project) : all.SetItem(follower.Project, left);
    }, follower);

    private sealed class Follower(CommittedFeed feed, string project, Action<IReadOnlyList<FeedEvent>> committed) : IDisposable
    {
        public string Project => project;

        public Action<IReadOnlyList<FeedEvent>> Committed => committed;

        public void Dispose() => feed.Remove(this);
    }
}
