using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.Cluster.Feeds;

/// <summary>
/// Brings what any node commits to those who follow it on this node, each event once and in order: what the bus announces, put in order
/// with what is committed here; what is missing is read from the log. While the bus is away, the log's heads are looked at instead.
/// </summary>
internal sealed partial class FeedRelay(IServiceProvider services, IFeedBus bus, TimeProvider time, ILogger<FeedRelay> logger)
    : IFeedPublisher, IHostedService
{
    private static readonly TimeSpan Now = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WithBus = TimeSpan.FromSeconds(5); // the bus may lose an announcement without anybody's knowing

    private readonly IFeedBus _bus = bus;
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private readonly ConcurrentDictionary<string, Followed> _followed = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _soon = new(0, 1);
    private Task _looking = Task.CompletedTask;

    // Asked for late: the log is opened with this as its publisher.
    private IEventLog Log => field ??= services.GetRequiredService<IEventLog>();

    /// <inheritdoc/>
    public void Publish(string project, IReadOnlyList<FeedEvent> events)
    {
        if (_followed.TryGetValue(project, out var followed)) followed.Take(events, events[^1].Position);
        _bus.Announce(project, events);
    }

    /// <summary>Follows a project; <paramref name="deliver"/> gets what is committed after the task has completed, in order and without
    /// gaps, one batch at a time.</summary>
    /// <returns>Ends it when disposed.</returns>
    public async Task<IAsyncDisposable> Follow(string project, Action<FeedBatch> deliver)
    {
        while (true)
        {
            var followed = _followed.GetOrAdd(project, id => new(id, this));
            if (await followed.Add(deliver)) return new Following(followed, deliver);
        }
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _bus.Start(
            announced =>
            {
                if (_followed.TryGetValue(announced.Project, out var followed)) followed.Take(announced.Events, announced.Last);
            },
            LookSoon);
        _looking = Task.Run(Look, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _looking;
        await _bus.DisposeAsync();
    }

    private void LookSoon()
    {
        try
        {
            _soon.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
    }

    /// <summary>Looks at the heads of all that is followed: often, and ever less often while nothing comes, as long as the bus is away;
    /// seldom otherwise.</summary>
    private async Task Look()
    {
        var pause = Now;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _soon.WaitAsync(_bus.IsConnected ? WithBus : pause, _stopping.Token);
                // The log answers many of these questions with one query.
                var moved = await Task.WhenAll(_followed.Values.Select(static followed => followed.Look()));
                pause = moved.Contains(true) ? Now : pause * 1.5 < Slowest ? pause * 1.5 : Slowest;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogUnread(_logger, e.Message);
                pause = Slowest;
                await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The feeds that are followed could not be read: {Reason}")]
    private static partial void LogUnread(ILogger logger, string reason);

    private sealed class Following(Followed followed, Action<FeedBatch> deliver) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await followed.Remove(deliver);
    }

    /// <summary>A project that somebody on this node follows.</summary>
    private sealed class Followed(string project, FeedRelay relay)
    {
        private const int PageSize = 500;

        // Nodes commit one after the other, but their announcements may overtake one another: a moment's patience saves reading the log.
        private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

        private readonly Lock _gate = new();
        private readonly SemaphoreSlim _turn = new(1, 1);
        private readonly EarlyEvents _early = new();
        private readonly List<Action<FeedBatch>> _followers = [];
        private long _last = -1; // position of the newest event delivered; below zero before the beginning
        private long _announced;
        private bool _filling;
        private bool _ended;

        /// <summary>False when this one has ended, and another is to be made.</summary>
        public async Task<bool> Add(Action<FeedBatch> deliver)
        {
            await _turn.WaitAsync();
            try
            {
                if (_ended) return false;
                if (_last < 0)
                {
                    try
                    {
                        // First the bus, then the head: what comes in between is known from one of them.
                        await relay._bus.Watch(project);
                        var head = await relay.Log.Head(project);
                        lock (_gate) _last = head;
                    }
                    catch
                    {
                        await End();
                        throw;
                    }
                }

                lock (_gate) _followers.Add(deliver);
                return true;
            }
            finally
            {
                _turn.Release();
            }
        }

        public async Task Remove(Action<FeedBatch> deliver)
        {
            await _turn.WaitAsync();
            try
            {
                lock (_gate)
                {
                    _followers.Remove(deliver);
                    if (_followers.Count > 0) return;
                }

                if (!_ended) await End();
            }
            finally
            {
                _turn.Release();
            }
        }

        /// <summary>Takes events that were committed, or only how far the project has come.</summary>
        public void Take(IReadOnlyList<FeedEvent>? events, long last)
        {
            TimeSpan patience;
            lock (_gate)
            {
                if (_last < 0 || last <= _last) return;
                _announced = Math.Max(_announced, last);
                if (events is not null)
                {
                    if (events[0].Position <= _last + 1)
                    {
                        Deliver(events);
                        DeliverEarly();
                    }
                    else
                    {
                        _early.Add(events);
                    }
                }

                if (_last >= _announced || _filling) return;
                _filling = true;
                patience = events is null ? TimeSpan.Zero : Patience;
            }

            _ = Fill(patience);
        }

        /// <summary>Reads on when the log has more; whether it had.</summary>
        public async Task<bool> Look()
        {
            long last;
            lock (_gate) last = _last;
            if (last < 0) return false;
            var head = await relay.Log.Head(project);
            if (head <= last) return false;
            Take(null, head);
            return true;
        }

        private async Task End()
        {
            _ended = true;
            relay._followed.TryRemove(new(project, this));
            await relay._bus.Unwatch(project);
        }

        private async Task Fill(TimeSpan patience)
        {
            try
            {
                if (patience > TimeSpan.Zero) await Task.Delay(patience, relay._time);
                while (true)
                {
                    long after;
                    lock (_gate)
                    {
                        if (_last >= _announced)
                        {
                            _filling = false;
                            return;
                        }

                        after = _last;
                    }

                    var page = await relay.Log.ReadFeed(project, after, PageSize);
                    lock (_gate)
                    {
                        if (page.Count == 0)
                        {
                            // Nobody can have announced what is not there, unless the log was replaced.
                            _announced = _last;
                            continue;
                        }

                        Deliver(page);
                        DeliverEarly();
                    }
                }
            }
            catch (Exception e)
            {
                // The next announcement or the next look tries again.
                lock (_gate) (_filling, _announced) = (false, _last);
                LogUnread(relay._logger, e.Message);
            }
        }

        private void Deliver(IReadOnlyList<FeedEvent> events)
        {
            if (events[^1].Position <= _last) return;
            var news = events[0].Position == _last + 1 ? [.. events] : events.Where(e => e.Position > _last).ToImmutableArray();
            _last = news[^1].Position;
            var batch = new FeedBatch(news);
            foreach (var deliver in _followers) deliver(batch);
        }

        private void DeliverEarly()
        {
            if (_early.After(_last) is { Count: > 0 } ready) Deliver(ready);
        }
    }
}
