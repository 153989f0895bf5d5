using System.Collections.Concurrent;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>Announces over Orleans' streams, one a project, subscribed to while somebody on this node follows it.</summary>
/// <param name="services">Asked late: grains need the log, the log is opened with what announces, and that is this.</param>
/// <param name="time">Measures pauses.</param>
/// <param name="logger">For operators.</param>
internal sealed partial class StreamFeedBus(IServiceProvider services, TimeProvider time, ILogger<StreamFeedBus> logger) : IFeedBus,
    ISiloStatusListener
{
    // After a failure, or while the cluster changes, announcements may be lost for so long: whoever follows looks at the log meanwhile.
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private Action<Announcement> _heard = static _ => { };
    private Action _restored = static () => { };
    private long _doubtedUntil;

    private IStreamProvider Streams => field ??= services.GetRequiredKeyedService<IStreamProvider>(Engine.BetweenSilos);

    private sealed class Watched
    {
        public readonly SemaphoreSlim Turn = new(1, 1);
        public StreamSubscriptionHandle<FeedBatch>? Subscription;
        public bool Ended;
    }

    /// <inheritdoc/>
    public bool IsConnected =>
        time.GetTimestamp() >= Volatile.Read(ref _doubtedUntil) && !_watched.Values.Any(static watched => watched.Subscription is null);

    /// <inheritdoc/>
    public Task Start(Action<Announcement> heard, Action restored)
    {
        (_heard, _restored) = (heard, restored);
        services.GetRequiredService<ISiloStatusOracle>().SubscribeToSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task Watch(string project)
    {
        var watched = _watched.GetOrAdd(project, static _ => new());
        if (!await TrySubscribe(project, watched)) _ = SubscribeLater(project, watched);
    }

    /// <inheritdoc/>
    public async Task Unwatch(string project)
    {
        if (!_watched.TryRemove(project, out var watched)) return;
        await watched.Turn.WaitAsync();
        try
        {
            watched.Ended = true;
            if (watched.Subscription is { } subscription) await subscription.UnsubscribeAsync();
        }
        catch (Exception e)
        {
            // What still comes is for nobody.
            LogUnheard(logger, project, e.Message);
        }
        finally
        {
            watched.Turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Announce(string project, IReadOnlyList<FeedEvent> events)
    {
        try
        {
            var announced = Stream(project).OnNextAsync(new([.. events]));
            if (!announced.IsCompletedSuccessfully) _ = Await(announced);
        }
        catch (Exception e)
        {
            LogUnannounced(logger, e.Message);
        }

        async Task Await(Task announced)
        {
            try
            {
                await announced;
            }
            catch (Exception e)
            {
                LogUnannounced(logger, e.Message);
            }
        }
    }

    /// <summary>A silo that comes or goes takes queues along, and what is in them may be late or lost.</summary>
    void ISiloStatusListener.SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        BeginDoubt();
        _restored();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var project in _watched.Keys) await Unwatch(project);
    }

    private IAsyncStream<FeedBatch> Stream(string project) => Streams.GetStream<FeedBatch>(StreamId.Create(IFeedGrain.Stream, project));

    private async Task<bool> TrySubscribe(string project, Watched watched)
    {
        await watched.Turn.WaitAsync();
        try
        {
            if (watched.Ended || watched.Subscription is not null) return true;
            watched.Subscription = await Stream(project).SubscribeAsync((batch, _) =>
            {
                if (!batch.Events.IsDefaultOrEmpty) _heard(new(project, batch.Events[^1].Position, batch.Events));
                return Task.CompletedTask;
            });
            return true;
        }
        catch (Exception e)
        {
            LogUnheard(logger, project, e.Message);
            return false;
        }
        finally
        {
            watched.Turn.Release();
        }
    }

    private async Task SubscribeLater(string project, Watched watched)
    {
        do
        {
            await Task.Delay(RetryAfter, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested) return;
        }
        while (!await TrySubscribe(project, watched));
        _restored();
    }

    private void BeginDoubt() =>
        Volatile.Write(ref _doubtedUntil, time.GetTimestamp() + (long)(Doubt.TotalSeconds * time.TimestampFrequency));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Announcements of project {Project} do not come in or cannot be ended: {Reason}")]
    private static partial void LogUnheard(ILogger logger, string project, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A feed batch was not announced to other nodes: {Reason}")]
    private static partial void LogUnannounced(ILogger logger, string reason);
}
