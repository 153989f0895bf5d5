using System.Collections.Concurrent;
using System.Diagnostics;
using Beadhub.Gateway;
using Beadhub.Gateway.Streaming;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Webhooks;
using Orleans;

namespace Beadhub.Hosting.Webhooks;

/// <summary>
/// Serves the endpoints of all projects: one task each, that follows the feed from the endpoint's position and sends what it wants, in
/// order, until it is taken. No endpoint waits for another. One node does it for all (<see cref="IBackgroundLease"/>).
/// </summary>
internal sealed class WebhookDelivery(
    IGrainFactory grains, FeedHub hub, WebhookSender sender, IBackgroundLease lease, WebhookMetrics metrics, GatewaySettings settings,
    TimeProvider time,
    ILogger<WebhookDelivery> logger)
    : BackgroundService, IWebhookDelivery
{
    private const string SecretLost = "the secret cannot be opened: the server's secret key was changed or is missing";

    private const int LongSilence = 1000; // events passed over without a delivery after which the position is noted all the same

    private static readonly TimeSpan NoteEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Served> _served = new();
    private readonly ConcurrentDictionary<string, bool> _unread = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private CancellationToken _serving = new(canceled: true);

    /// <summary>An endpoint that is being served.</summary>
    private sealed class Served(string projectId, CancellationTokenSource end)
    {
        public string ProjectId => projectId;

        public CancellationTokenSource End => end;

        public Task Task { get; set; } = Task.CompletedTask;

        /// <summary>Everything up to here was sent or is not wanted.</summary>
        public long Position;

        /// <summary>What the endpoint follows, once it does.</summary>
        public ProjectFeed? Feed;

        /// <summary>Timestamp of the first try of what waits to be taken; 0 when nothing does.</summary>
        public long TriedSince;
    }

    /// <inheritdoc/>
    public long? PositionOf(string webhookId) => _served.TryGetValue(webhookId, out var served) ? Volatile.Read(ref served.Position) : null;

    /// <inheritdoc/>
    public async Task Refresh(string projectId)
    {
        try
        {
            await Look(projectId);
            _unread.TryRemove(projectId, out _);
        }
        catch (UnavailableException e)
        {
            _unread[projectId] = true;
            logger.LogWarning(e, "The webhooks of project {Project} cannot be read; looking again in {Seconds} s", projectId,
                LookEvery.TotalSeconds);
        }
    }

    private async Task Look(string projectId)
    {
        await _turn.WaitAsync();
        try
        {
            var targets = (await grains.GetGrain<IWebhooksGrain>(projectId).Targets()).ToDictionary(target => target.View.WebhookId);
            foreach (var (id, served) in _served)
            {
                if (served.ProjectId != projectId || (targets.ContainsKey(id) && !served.Task.IsCompleted)) continue;
                await served.End.CancelAsync();
                await served.Task;
                _served.TryRemove(id, out _);
                served.End.Dispose();
            }

            foreach (var (id, target) in targets)
            {
                if (_served.ContainsKey(id) || _serving.IsCancellationRequested) continue;
                var served = new Served(projectId,
                    CancellationTokenSource.CreateLinkedTokenSource(_serving)) { Position = target.View.Position };
                _served[id] = served;
                served.Task = Task.Run(() => Serve(served, target, served.End.Token), CancellationToken.None);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.Watch(Lags);
        await Task.Yield();
        try
        {
            // A lease that is held is given at once, also to a node that stops.
            while (!stoppingToken.IsCancellationRequested)
            {
                var held = await lease.Held(stoppingToken);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                await ServeAll(serving.Token);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>How the endpoints do that are served here.</summary>
    public WebhookLag Lag()
    {
        var lags = Lags().ToList();
        return new(lags.Count, lags.Select(static one => one.Events).DefaultIfEmpty().Max(),
            Math.Round(lags.Select(static one => one.Waiting.TotalSeconds).DefaultIfEmpty().Max(), 1));
    }

    private IEnumerable<(long Events, TimeSpan Waiting)> Lags()
    {
        foreach (var served in _served.Values)
        {
            var since = Volatile.Read(ref served.TriedSince);
            var newest = Volatile.Read(ref served.Feed)?.Last ?? 0;
            yield return (Math.Max(0, newest - Volatile.Read(ref served.Position)),
                since == 0 ? TimeSpan.Zero : time.GetElapsedTime(since));
        }
    }

    /// <summary>Serves all endpoints of all projects as long as this node is to.</summary>
    private async Task ServeAll(CancellationToken serving)
    {
        _serving = serving;
        try
        {
            while (!await TryLookAtAll()) await Task.Delay(LookEvery, time, serving);
            while (true)
            {
                await Task.Delay(lease.LookEvery ?? LookEvery, time, serving);
                // Other nodes take up what is registered, too.
                if (lease.LookEvery is not null) await TryLookAtAll();
                else foreach (var project in _unread.Keys) await Refresh(project);
            }
        }
        catch (OperationCanceledException) when (serving.IsCancellationRequested)
        {
            await EndAll();
        }
    }

    private async Task EndAll()
    {
        await _turn.WaitAsync();
        try
        {
            await Task.WhenAll(_served.Values.Select(served => served.Task));
            foreach (var served in _served.Values) served.End.Dispose();
            _served.Clear();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<bool> TryLookAtAll()
    {
        try
        {
            foreach (var project in await grains.GetGrain<IWebhookProjectsGrain>("all").All()) await Refresh(project);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogWarning(e, "The webhooks cannot be read; looking again in {Seconds} s", LookEvery.TotalSeconds);
            return false;
        }
    }

    private async Task Serve(Served served, WebhookTarget target, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                var feed = await hub.Watch(served.ProjectId);
                try
                {
                    if (!await Follow(served, target, feed, ended)) return;
                }
                finally
                {
                    await hub.Leave(served.ProjectId);
                }
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogWarning(e, "Webhook {Webhook} cannot be served right now", target.View.WebhookId);
                await Task.Delay(LookEvery, time, ended).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>False when the endpoint is not to be served any longer.</summary>
    private async Task<bool> Follow(Served served, WebhookTarget target, ProjectFeed feed, CancellationToken ended)
    {
        var id = target.View.WebhookId;
        var wants = Filter(target.View.Events);
        var webhooks = grains.GetGrain<IWebhooksGrain>(served.ProjectId);
        var failures = target.View.Failures;
        var noted = served.Position;
        var notedAt = time.GetTimestamp();
        var toNote = failures > 0;
        Volatile.Write(ref served.Feed, feed);
        try
        {
            while (true)
            {
                var news = feed.News;
                var before = served.Position;
                var (frames, position) = await feed.Read(before);
                if (WebhookBatch.Of(served.ProjectId, id, wants, frames, position) is { } batch)
                {
                    // Removed or disabled by way of another node, it is not to be sent anything more.
                    if (lease.LookEvery is not null && !(await webhooks.Targets()).Any(known => known.View.WebhookId == id)) return false;
                    Volatile.Write(ref served.TriedSince, time.GetTimestamp());
                    while (await Send(target, batch, ended) is { } error)
                    {
                        if (ended.IsCancellationRequested) return false;
                        if (await webhooks.Failed(id, error, settings.WebhookLimits) is not { IsActive: true } failed) return false;
                        failures = failed.Failures;
                        await Task.Delay(Wait(failures), time, ended);
                    }

                    Volatile.Write(ref served.TriedSince, 0);
                    Volatile.Write(ref served.Position, batch.Last);
                    toNote = true;
                }
                else
                {
                    Volatile.Write(ref served.Position, position);
                    // A note is an event too: only what was delivered, or many that were passed over, is worth one.
                    toNote |= position - noted >= LongSilence;
                }

                var sinceNote = time.GetElapsedTime(notedAt);
                if (toNote && (failures > 0 || sinceNote >= NoteEvery))
                {
                    await webhooks.Delivered(id, served.Position);
                    (noted, notedAt, toNote, failures) = (served.Position, time.GetTimestamp(), false, 0);
                }

                if (served.Position > before) continue;
                try
                {
                    await news.WaitAsync(toNote ? NoteEvery - sinceNote : LookEvery, time, ended);
                }
                catch (TimeoutException)
                {
                    if (!toNote) await feed.CatchUp();
                }
            }
        }
        finally
        {
            // At an orderly end nothing has to be sent twice.
            if (toNote && served.Position > noted) await Note(webhooks, id, served.Position);
        }
    }

    private async Task<string?> Send(WebhookTarget target, WebhookBatch batch, CancellationToken ended)
    {
        if (target.Secret is not { } secret) return SecretLost;
        var begun = Stopwatch.GetTimestamp();
        var error = await sender.Send(target.View.Url, secret, batch, ended);
        metrics.Tried(begun, error is null);
        return error;
    }

    private async Task Note(IWebhooksGrain webhooks, string id, long position)
    {
        try
        {
            await webhooks.Delivered(id, position).WaitAsync(NoteEvery, time);
        }
        catch (Exception e)
        {
            logger.LogDebug(e, "The position of webhook {Webhook} was not noted; it will be sent some events again", id);
        }
    }

    /// <summary>1, 2, 4 … seconds up to five minutes, each up to a quarter shorter, so that endpoints that fail together do not come
    /// together.</summary>
    private static TimeSpan Wait(int failures)
    {
        var seconds = Math.Min(LongestWait.TotalSeconds, Math.Pow(2, Math.Min(failures - 1, 20)));
        return TimeSpan.FromSeconds(seconds * (1 - (Random.Shared.NextDouble() / 4)));
    }

    private static Func<Frame, bool> Filter(IReadOnlyCollection<string> events)
    {
        if (events.Count == 0) return static frame => WireEvents.UnlessAsked.Contains(frame.Category);
        var wanted = events.ToHashSet(StringComparer.Ordinal);
        return frame => wanted.Contains(frame.Category) || wanted.Contains(frame.Type);
    }
}
