using System.Collections.Concurrent;
using Beadhub.Feed;
using Beadhub.Projects;
using Orleans;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Gateway.Streaming;

/// <summary>The feeds of the projects that somebody watches on this node: one subscription a project, however many watch.</summary>
internal sealed class FeedHub(IClusterClient cluster, StreamMetrics metrics, ILogger<FeedHub> logger)
{
    private readonly ConcurrentDictionary<string, Watched> _projects = new();

    private sealed class Watched
    {
        public readonly SemaphoreSlim Turn = new(1, 1);
        public ProjectFeed? Feed;
        public StreamSubscriptionHandle<FeedBatch>? Subscription;
        public int Watchers;
        public bool Ended;
    }

    /// <summary>Starts watching; every call is matched by one of <see cref="Leave"/>.</summary>
    public async Task<ProjectFeed> Watch(string projectId)
    {
        while (true)
        {
            var watched = _projects.GetOrAdd(projectId, _ => new());
            await watched.Turn.WaitAsync();
            try
            {
                if (watched.Ended) continue;
                watched.Feed ??= await Open(projectId, watched);
                watched.Watchers++;
                return watched.Feed;
            }
            catch
            {
                // Nobody watches yet, and nobody will call Leave: without this the entry, and its subscription, would stay for ever.
                await End(projectId, watched);
                throw;
            }
            finally
            {
                watched.Turn.Release();
            }
        }
    }

    /// <summary>Stops watching.</summary>
    public async Task Leave(string projectId)
    {
        if (!_projects.TryGetValue(projectId, out var watched)) return;
        await watched.Turn.WaitAsync();
        try
        {
            if (--watched.Watchers == 0) await End(projectId, watched);
        }
        finally
        {
            watched.Turn.Release();
        }
    }

    /// <summary>Number of projects that are watched.</summary>
    public int Count => _projects.Count;

    private async Task<ProjectFeed> Open(string projectId, Watched watched)
    {
        var log = cluster.GetGrain<IFeedGrain>(projectId);
        var slug = (await cluster.GetGrain<IProjectGrain>(projectId).Describe())?.Slug ?? "";
        var feed = new ProjectFeed(log, slug, metrics, logger);
        // Subscribed before the position is read: what comes in between is seen by one or the other.
        watched.Subscription = await cluster.GetStreamProvider(IFeedGrain.Stream)
            .GetStream<FeedBatch>(StreamId.Create(IFeedGrain.Stream, projectId))
            .SubscribeAsync((batch, _) => feed.Receive(batch));
        feed.StartAt(await log.Head());
        return feed;
    }

    private async Task End(string projectId, Watched watched)
    {
        watched.Ended = true;
        _projects.TryRemove(projectId, out _);
        if (watched.Subscription is { } subscription) await subscription.UnsubscribeAsync();
    }
}
