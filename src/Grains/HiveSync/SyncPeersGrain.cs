using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.HiveSync;

/// <inheritdoc cref="ISyncPeersGrain"/>
public sealed class SyncPeersGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<SyncPeers>(log), ISyncPeersGrain
{
    private static readonly Func<SyncPeers, ImmutableArray<SyncPeer>> ListOf = static peers => peers.All;
    private static readonly Func<SyncPeers, ImmutableArray<RefusedSite>> RefusedOf = static peers => peers.Refused;

    /// <inheritdoc/>
    public Task<SyncPeer?> Add(AddSyncPeer command)
    {
        var id = MeshIds.New("pc_");
        return Transact(peers => peers.Add(id, command, time.Now()));
    }

    /// <inheritdoc/>
    public Task<SyncPeer?> Change(ChangeSyncPeer command) => Transact(peers => peers.Change(command, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Remove(string peerId) => Transact(peers => peers.Remove(peerId, time.Now()));

    /// <inheritdoc/>
    public Task Refuse(RefuseSyncSite command) => Transact(peers => peers.Refuse(command, time.Now()));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<RefusedSite>> Refused() => Read(RefusedOf);

    /// <inheritdoc/>
    public Task Note(NoteSyncPeer command) => Transact(peers => peers.Note(command, time.Now()));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<SyncPeer>> List() => Read(ListOf);
}

/// <summary>The sites that this one is told to mesh with. Pure.</summary>
/// <param name="All">Oldest first.</param>
/// <param name="Refused">Sites that an administrator has removed and not entered again.</param>
public sealed record SyncPeers(ImmutableArray<SyncPeer> All, ImmutableArray<RefusedSite> Refused) : IEventSourced<SyncPeers>
{
    private static readonly string[] Sources = ["gossip", "hub", "manual"]; // the stronger one later
    private static readonly TimeSpan NoteAliveEvery = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public static SyncPeers Empty { get; } = new([], []);

    /// <inheritdoc/>
    public static StreamKind<SyncPeers> Kind { get; } =
        new("sync_peers", HiveSyncJson.Default.SyncPeers, SnapshotEvery: 100, _ => InstanceFeed.Id) { Fold = 2 };

    /// <inheritdoc/>
    public SyncPeers Apply(IEvent @event) => @event switch
    {
        SyncPeerEntered e => new(All.Any(peer => peer.PeerId == e.Peer.PeerId)
            ? [.. All.Select(peer => peer.PeerId == e.Peer.PeerId ? e.Peer : peer)] : All.Add(e.Peer),
            e.Peer.Source == "manual" ? Refused.RemoveAll(site => IsOf(e.Peer, site)) : Refused),
        SyncPeerRemoved e => this with { All = All.RemoveAll(peer => peer.PeerId == e.PeerId) },
        SyncSiteRefused e => new(All.RemoveAll(peer => IsOf(peer, e.Site)), Refused.RemoveAll(site => site.Endpoint == e.Site.Endpoint
            || (site.InstanceId is { } id && id == e.Site.InstanceId)).Add(e.Site)),
        _ => this,
    };

    /// <summary>Enters a site, unless a stronger source has.</summary>
    public Decision<SyncPeer?> Add(string id, AddSyncPeer command, DateTimeOffset now)
    {
        var there = All.FirstOrDefault(peer => peer.Endpoint == command.Endpoint);
        if (there is not null)
        {
            var (old, given) = (Array.IndexOf(Sources, there.Source), Array.IndexOf(Sources, command.Source));
            if (old == given && command.Source == "manual")
                throw new RefusedException(RefusalKind.Conflict, $"There is a peer with this sync_endpoint: {there.Name}");
            // What gossip says of hops only ever becomes less.
            var ttl = old == given ? Math.Min(there.Ttl, command.Ttl) : command.Ttl;
            ImmutableArray<string> hives = old == given
                ? [.. there.SharedHives.Union(command.SharedHives, StringComparer.Ordinal)] : command.SharedHives;
            if (given < old || (old == given && ttl == there.Ttl && hives.Length == there.SharedHives.Length))
                return Decision.None<SyncPeer?>(null);
            return Entered(there with
            {
                Name = old == given ? there.Name : command.Name, SharedHives = hives, Source = command.Source, Ttl = ttl, UpdatedAt = now,
            }, now);
        }

        // Who was removed by an administrator is entered by one.
        if (command.Source != "manual" && Refused.Any(site => site.Endpoint == command.Endpoint))
            return command.Source == "gossip" ? Decision.None<SyncPeer?>(null) : throw new RefusedException(RefusalKind.Conflict,
                "An administrator has removed this site: it is entered again by source manual only");
        if (All.Count(peer => peer.Source == command.Source) >= command.MostOfSource)
            return command.Source == "gossip" ? Decision.None<SyncPeer?>(null)
                : throw new RefusedException(RefusalKind.Conflict, $"Too many peers: at most {command.MostOfSource}");
        return Entered(new(id, command.Name, command.Endpoint, command.SharedHives, command.Source, command.Ttl, command.DiscoveredVia,
            "pending", null, 0, null, null, now, now), now);
    }

    /// <summary>Changes what an administrator has said; what gossip had said becomes an administrator's word by it.</summary>
    public Decision<SyncPeer?> Change(ChangeSyncPeer command, DateTimeOffset now)
    {
        if (Find(command.PeerId) is not { } peer) return Decision.None<SyncPeer?>(null);
        if (command.Endpoint is { } endpoint && All.Any(other => other.PeerId != peer.PeerId && other.Endpoint == endpoint))
            throw new RefusedException(RefusalKind.Conflict, "There is another peer with this sync_endpoint");
        return Entered(peer with
        {
            Name = command.Name ?? peer.Name,
            Endpoint = command.Endpoint ?? peer.Endpoint,
            SharedHives = command.SharedHives ?? peer.SharedHives,
            Source = "manual",
            Status = "pending",
            Failures = 0,
            LastError = null,
            UpdatedAt = now,
        }, now);
    }

    /// <summary>Forgets a site.</summary>
    public Decision<bool> Remove(string id, DateTimeOffset now) =>
        Find(id) is null ? Decision.None(false) : Decision.Accept(true, new SyncPeerRemoved(id, now));

    /// <summary>Forgets a site, and refuses it from now on.</summary>
    public Decision<bool> Refuse(RefuseSyncSite command, DateTimeOffset now)
    {
        var site = new RefusedSite(command.Name, command.Endpoint, command.InstanceId, now);
        return Refused.Any(there => there with { At = now } == site) && !All.Any(peer => IsOf(peer, site)) ? Decision.None(false)
            : Decision.Accept(true, new SyncSiteRefused(site));
    }

    private static bool IsOf(SyncPeer peer, RefusedSite site) =>
        peer.Endpoint == site.Endpoint || (site.InstanceId is { } id && peer.InstanceId == id);

    /// <summary>Notes how a site does. That it is alive is worth an event once a minute.</summary>
    public Decision<bool> Note(NoteSyncPeer note, DateTimeOffset now)
    {
        if (Find(note.PeerId) is not { } peer) return Decision.None(false);
        var changed = peer with
        {
            Status = note.Status, InstanceId = note.InstanceId ?? peer.InstanceId, LastError = note.Error, Failures = note.Failures,
        };
        // Of failures in a row the first, the second, the fourth … is: a peer that is away for weeks does not fill the log.
        var isSame = changed with { Failures = peer.Failures } == peer
            && (changed.Failures == peer.Failures || (changed.Failures & (changed.Failures - 1)) != 0);
        if (isSame && !(note.IsAlive && (peer.LastHeartbeatAt is not { } last || now - last >= NoteAliveEvery)))
            return Decision.None(true);
        return Decision.Accept(true, new SyncPeerEntered(note.IsAlive ? changed with { LastHeartbeatAt = now } : changed, now));
    }

    private SyncPeer? Find(string id) => All.FirstOrDefault(peer => peer.PeerId == id);

    private static Decision<SyncPeer?> Entered(SyncPeer peer, DateTimeOffset now) =>
        Decision.Accept<SyncPeer?>(peer, new SyncPeerEntered(peer, now));
}
