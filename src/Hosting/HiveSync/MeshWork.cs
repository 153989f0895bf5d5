using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Streaming;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.HiveSync;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Orleans;

namespace Beadhub.Hosting.HiveSync;

/// <summary>
/// Meshes with all sites: a <see cref="PeerLink"/> for each group and site, and heartbeats to each site. One node does it for all
/// (<see cref="IBackgroundLease"/>).
/// </summary>
internal sealed class MeshWork : BackgroundService, IMeshWork
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly IGrainFactory _grains;
    private readonly SyncGroups _groups;
    private readonly Gossip _gossip;
    private readonly MeshHttp _http;
    private readonly FeedHub _hub;
    private readonly IBackgroundLease _lease;
    private readonly MeshSettings _settings;
    private readonly Settings _server;
    private readonly IServer _web;
    private readonly TimeProvider _time;
    private readonly ILogger<MeshWork> _logger;
    private readonly CompositePeerResolver _resolver;
    private readonly ConcurrentDictionary<(string GroupId, string Endpoint), Running> _links = new();
    private readonly ConcurrentDictionary<string, Running> _beats = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource _woken = New();

    public MeshWork(IGrainFactory grains, SyncGroups groups, Gossip gossip, MeshHttp http, FeedHub hub, IBackgroundLease lease,
        MeshSettings settings, Settings server, IServer web, TimeProvider time, IMeterFactory meters, ILogger<MeshWork> logger)
    {
        (_grains, _groups, _gossip, _http, _hub, _lease) = (grains, groups, gossip, http, hub, lease);
        (_settings, _server, _web, _time, _logger) = (settings, server, web, time, logger);
        _resolver = new(new EnteredPeers(grains), new MetPeers(grains, groups));
        var meter = meters.Create("Beadhub.Mesh");
        meter.CreateObservableGauge("beadhub.mesh.lag", () => Each(static link => link.Lag), "{event}",
            "Events that a peer has not been sent yet");
        meter.CreateObservableGauge("beadhub.mesh.failures", () => Each(static link => (long)link.Failures), "{failure}",
            "Failures in a row with a peer");
        meter.CreateObservableCounter("beadhub.mesh.sent", () => Each(static link => link.Sent), "{event}", "Events pushed to a peer");
        meter.CreateObservableCounter("beadhub.mesh.taken", () => Each(static link => link.Taken), "{event}",
            "Events taken of a peer by pulls");
    }

    private ISyncPeersGrain Peers => _grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key);

    /// <summary>Something that runs until it is ended.</summary>
    private sealed class Running(CancellationTokenSource end)
    {
        public CancellationTokenSource End => end;

        public Task Task { get; set; } = Task.CompletedTask;

        public PeerLink? Link { get; init; }
    }

    /// <inheritdoc/>
    public void Wake() => _woken.TrySetResult();

    /// <inheritdoc/>
    public async Task Restart(string groupId)
    {
        foreach (var (key, running) in _links)
            if (key.GroupId == groupId) await Stop(_links, key, running);
        Wake();
    }

    /// <inheritdoc/>
    public async Task<PeerTested> Test(SyncPeer peer)
    {
        var begun = _time.GetTimestamp();
        foreach (var group in (await _groups.All()).Where(static group => group.IsShared))
        {
            var sync = _grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId);
            if ((await sync.Peers()).FirstOrDefault(one => one.Endpoint == peer.Endpoint) is not { } met
                || await sync.Link(met.InstanceId) is not { Token: { } token }) continue;
            try
            {
                var answer = await _http.Heartbeat(new(peer.Endpoint, token, IsTrusted: true), await _gossip.Say(met.InstanceId, false),
                    CancellationToken.None);
                return new(true, (long)_time.GetElapsedTime(begun).TotalMilliseconds, answer.InstanceId, met.Status, null);
            }
            catch (PeerException e)
            {
                return new(false, (long)_time.GetElapsedTime(begun).TotalMilliseconds, peer.InstanceId, "error", e.Message);
            }
        }

        return new(false, 0, peer.InstanceId, peer.Status, peer.LastError ?? "no handshake with it has succeeded yet");
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_settings.Enabled) return;
        await Task.Yield();
        try
        {
            await FindOwnEndpoint(stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                var held = await _lease.Held(stoppingToken);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                await Serve(serving.Token);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private async Task Serve(CancellationToken serving)
    {
        var hasEntered = false;
        try
        {
            while (true)
            {
                var woken = _woken = New();
                try
                {
                    if (!hasEntered) await EnterStaticPeers();
                    hasEntered = true;
                    await Look(serving);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    _logger.LogWarning(e, "The mesh's peers cannot be read; looking again in {Seconds} s", LookEvery.TotalSeconds);
                }

                await Task.WhenAny(woken.Task, Task.Delay(LookEvery, _time, serving));
                serving.ThrowIfCancellationRequested();
                _groups.Forget();
            }
        }
        catch (OperationCanceledException) when (serving.IsCancellationRequested)
        {
            foreach (var (key, running) in _links) await Stop(_links, key, running);
            foreach (var (key, running) in _beats) await Stop(_beats, key, running);
        }
    }

    /// <summary>Begins what is to run and does not, and ends what runs and is not to.</summary>
    private async Task Look(CancellationToken serving)
    {
        var groups = (await _groups.All()).Where(static group => group.IsShared).ToList();
        var peers = (await _resolver.Resolve()).Where(peer => peer.Endpoint != _gossip.OwnEndpoint).ToList();
        var wanted = new Dictionary<(string, string), (HiveSyncGroup Group, ResolvedPeer Peer)>();
        foreach (var group in groups)
            foreach (var peer in peers)
                if (peer.Hives.Contains(group.Name) || peer.Hives.Contains(group.Hive))
                    wanted[(group.GroupId, peer.Endpoint)] = (group, peer);
        foreach (var (key, running) in _links)
            if (!wanted.ContainsKey(key) || running.Task.IsCompleted) await Stop(_links, key, running);
        foreach (var (key, running) in _beats)
            if (!wanted.Keys.Any(one => one.Item2 == key) || running.Task.IsCompleted) await Stop(_beats, key, running);
        foreach (var (key, (group, peer)) in wanted)
        {
            if (_links.ContainsKey(key)) continue;
            var link = new PeerLink(group, peer, _grains, _http, _hub, _gossip, _time, _logger);
            Start(_links, key, link.Run, serving, link);
        }

        foreach (var peer in wanted.Values.Select(static one => one.Peer).DistinctBy(static peer => peer.Endpoint))
            if (!_beats.ContainsKey(peer.Endpoint)) Start(_beats, peer.Endpoint, ended => Beat(peer, ended), serving);
    }

    /// <summary>Asks a site how it does, and tells how this one does.</summary>
    private async Task Beat(ResolvedPeer peer, CancellationToken ended)
    {
        var (failures, alive, toldAt) = (0, _time.GetTimestamp(), 0L);
        while (!ended.IsCancellationRequested)
        {
            var links = _links.Where(one => one.Key.Endpoint == peer.Endpoint).Select(static one => one.Value.Link!).ToList();
            string? error = null;
            var instance = links.Select(static link => link.Known?.Peer.InstanceId).FirstOrDefault(static id => id is not null);
            try
            {
                if (links.Find(static link => link.Known is not null) is { } one
                    && await _grains.GetGrain<IHiveSyncSettingsGrain>(one.Group.GroupId).Link(one.Known!.Peer.InstanceId)
                        is { Token: { } token } known)
                {
                    var withPeers = toldAt == 0 || _time.GetElapsedTime(toldAt) >= _settings.GossipInterval;
                    var answer = await _http.Heartbeat(one.Target(token), await _gossip.Say(known.Peer.InstanceId, withPeers), ended);
                    if (withPeers) toldAt = _time.GetTimestamp();
                    await _gossip.Hear(answer.Told, known.Peer.InstanceId);
                    foreach (var link in links)
                    {
                        var seq = answer.Seqs.GetValueOrDefault(link.Group.Name, answer.Seqs.GetValueOrDefault(link.Group.Hive, -1));
                        var received = (await _grains.GetGrain<IHiveSyncSettingsGrain>(link.Group.GroupId).Link(known.Peer.InstanceId))
                            ?.Peer.LastSeqReceived;
                        if (seq > received) link.Ask();
                    }

                    (failures, alive) = (0, _time.GetTimestamp());
                    // Who answers heartbeats and fails at all else is no peer to rely on.
                    error = links.Select(static link => link.Error).FirstOrDefault(static wrong => wrong is not null);
                    if (answer.Told is not null) Wake();
                }
                else if (links.Find(static link => link.Error is not null) is { } failing)
                {
                    (failures, error) = (failures + 1, failing.Error);
                }
            }
            catch (PeerException e)
            {
                (failures, error) = (failures + 1, e.Message);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _logger.LogWarning(e, "No heartbeat to {Peer}", peer.Name);
            }

            if (peer.PeerId is { } id) await Note(id, peer, instance, failures, error, alive);
            // Hands are shaken first: the first heartbeat waits for that, not for the interval.
            var wait = instance is null && failures == 0 ? TimeSpan.FromMilliseconds(200) : _settings.Heartbeat;
            await Task.Delay(wait, _time, ended).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task Note(string id, ResolvedPeer peer, string? instance, int failures, string? error, long alive)
    {
        try
        {
            var entry = (await Peers.List()).FirstOrDefault(one => one.PeerId == id);
            if (entry is { Source: "gossip" } && failures >= _settings.GossipMaxFailures)
            {
                _logger.LogInformation("{Peer}, learnt by gossip, does not answer and is forgotten: {Error}", peer.Name, error);
                await Peers.Remove(id);
                Wake();
                return;
            }

            var isGone = _time.GetElapsedTime(alive) >= _settings.PeerTimeout;
            var status = error is null ? (instance is null ? "pending" : "active") : isGone ? "unreachable" : "error";
            if (instance is not null || error is not null)
                await Peers.Note(new(id, status, instance, error, failures, IsAlive: error is null && instance is not null));
        }
        catch (UnavailableException)
        {
            // It is noted the next time.
        }
    }

    private async Task EnterStaticPeers()
    {
        var there = await Peers.List();
        foreach (var peer in _settings.Peers)
        {
            if (!there.Any(one => one.Endpoint == peer.Endpoint && one.Source == "manual"))
                await Peers.Add(new(peer.Name, peer.Endpoint, peer.Hives, "manual", _settings.GossipTtl, null, 500));
            foreach (var hive in peer.Hives)
                if (await _groups.Named(hive) is not { IsShared: true }) await _groups.Share(hive);
        }
    }

    /// <summary>Where peers reach this site: what is set, else where it listens.</summary>
    private async Task FindOwnEndpoint(CancellationToken stopping)
    {
        if (_gossip.OwnEndpoint.Length > 0) return;
        var host = _server.Host is "0.0.0.0" or "::" or "*" ? "127.0.0.1" : _server.Host;
        for (var i = 0; i < 100 && !stopping.IsCancellationRequested; i++)
        {
            if (_web.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() is { } address
                && Uri.TryCreate(address.Replace("*", host).Replace("+", host).Replace("[::]", host).Replace("0.0.0.0", host),
                    UriKind.Absolute, out var url) && url.Port > 0)
            {
                _gossip.OwnEndpoint = $"{url.GetLeftPart(UriPartial.Authority)}/sync/v1";
                return;
            }

            await Task.Delay(50, stopping);
        }

        _gossip.OwnEndpoint = $"http://{host}:{_server.Port}/sync/v1";
    }

    private static void Start<TKey>(ConcurrentDictionary<TKey, Running> all, TKey key, Func<CancellationToken, Task> run,
        CancellationToken serving, PeerLink? link = null) where TKey : notnull
    {
        var running = new Running(CancellationTokenSource.CreateLinkedTokenSource(serving)) { Link = link };
        all[key] = running;
        running.Task = Task.Run(() => run(running.End.Token), CancellationToken.None);
    }

    private static async Task Stop<TKey>(ConcurrentDictionary<TKey, Running> all, TKey key, Running running) where TKey : notnull
    {
        await running.End.CancelAsync();
        await running.Task.ContinueWith(static _ => { }, TaskScheduler.Default);
        all.TryRemove(new KeyValuePair<TKey, Running>(key, running));
        running.End.Dispose();
    }

    private IEnumerable<Measurement<long>> Each(Func<PeerLink, long> read) => _links.Values.Select(running => new Measurement<long>(
        read(running.Link!), new TagList { { "mesh.group", running.Link!.Group.Name }, { "mesh.peer", running.Link.Peer.Name } }));

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Those that an administrator, a hub or gossip has named.</summary>
    private sealed class EnteredPeers(IGrainFactory grains) : IPeerResolver
    {
        public async ValueTask<ImmutableArray<ResolvedPeer>> Resolve() =>
        [
            .. (await grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key).List())
                .OrderBy(static peer => peer.Source switch { "manual" => 0, "hub" => 1, _ => 2 })
                .Select(static peer => new ResolvedPeer(peer.Endpoint, peer.Name, peer.SharedHives, peer.PeerId, peer.Source == "manual",
                    peer.InstanceId)),
        ];
    }

    /// <summary>Those that have shaken hands of themselves.</summary>
    private sealed class MetPeers(IGrainFactory grains, SyncGroups groups) : IPeerResolver
    {
        public async ValueTask<ImmutableArray<ResolvedPeer>> Resolve()
        {
            var found = new Dictionary<string, ResolvedPeer>(StringComparer.Ordinal);
            foreach (var group in (await groups.All()).Where(static group => group.IsShared))
            {
                foreach (var peer in await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Peers())
                {
                    ImmutableArray<string> hives = found.TryGetValue(peer.Endpoint, out var known)
                        ? known.Hives.Add(group.Name) : [group.Name];
                    found[peer.Endpoint] = new(peer.Endpoint, peer.InstanceId, hives, null, IsTrusted: false,
                        peer.InstanceId);
                }
            }

            return [.. found.Values];
        }
    }
}
