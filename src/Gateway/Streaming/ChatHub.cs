using System.Collections.Concurrent;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Feed;
using Beadhub.Projects;
using Orleans;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Gateway.Streaming;

/// <summary>
/// The chat sessions that somebody follows on this node: one subscription to the feed of each project, whose events go to the session they
/// belong to, so that a stream wakes up for its own session only.
/// </summary>
internal sealed class ChatHub(IClusterClient cluster, IChatPresence presence)
{
    private readonly ConcurrentDictionary<string, Watched> _projects = new(StringComparer.Ordinal);

    private sealed class Watched
    {
        public readonly SemaphoreSlim Turn = new(1, 1);
        public readonly ConcurrentDictionary<string, ChatFeed> Feeds = new(StringComparer.Ordinal);
        public StreamSubscriptionHandle<FeedBatch>? Subscription;
        public string Slug = "";
        public bool Ended;

        public async Task Receive(FeedBatch batch)
        {
            foreach (var stored in batch.Events)
                if (stored.Kind == ChatFeed.Kind && Feeds.TryGetValue(stored.Key, out var feed)) await feed.Receive(stored);
        }
    }

    /// <summary>Starts following a session; every call is matched by one of <see cref="Leave"/>.</summary>
    public async Task<ChatFeed> Follow(string projectId, string sessionId)
    {
        var key = IChatGrain.Key(projectId, sessionId);
        while (true)
        {
            var watched = _projects.GetOrAdd(projectId, static _ => new());
            await watched.Turn.WaitAsync();
            try
            {
                if (watched.Ended) continue;
                if (watched.Subscription is null)
                {
                    watched.Slug = (await cluster.GetGrain<IProjectGrain>(projectId).Describe())?.Slug ?? "";
                    watched.Subscription = await cluster.GetStreamProvider(IFeedGrain.Stream)
                        .GetStream<FeedBatch>(StreamId.Create(IFeedGrain.Stream, projectId))
                        .SubscribeAsync((batch, _) => watched.Receive(batch));
                }

                var feed = watched.Feeds.GetOrAdd(key, _ =>
                    new(cluster.GetGrain<IChatGrain>(key), cluster.GetGrain<IContactsGrain>(projectId), presence, projectId, sessionId,
                    watched.Slug));
                feed.Followers++;
                return feed;
            }
            catch when (watched.Feeds.IsEmpty)
            {
                await End(projectId, watched);
                throw;
            }
            finally
            {
                watched.Turn.Release();
            }
        }
    }

    /// <summary>Stops following.</summary>
    public async Task Leave(ChatFeed feed)
    {
        if (!_projects.TryGetValue(feed.ProjectId, out var watched)) return;
        await watched.Turn.WaitAsync();
        try
        {
            if (--feed.Followers > 0) return;
            watched.Feeds.TryRemove(IChatGrain.Key(feed.ProjectId, feed.SessionId), out _);
            if (watched.Feeds.IsEmpty) await End(feed.ProjectId, watched);
        }
        finally
        {
            watched.Turn.Release();
        }
    }

    private async Task End(string projectId, Watched watched)
    {
        watched.Ended = true;
        _projects.TryRemove(projectId, out _);
        if (watched.Subscription is { } subscription) await subscription.UnsubscribeAsync();
    }
}
