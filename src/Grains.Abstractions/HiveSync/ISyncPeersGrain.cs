using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.HiveSync;

/// <summary>The sites that this one is told to mesh with: by an administrator, by a hub, or by other peers. Key: <see
/// cref="Key"/>.</summary>
[Alias("beadhub.sync_peers")]
public interface ISyncPeersGrain : IGrainWithStringKey
{
    /// <summary>The only key.</summary>
    const string Key = "peers";

    /// <summary>
    /// Enters a site. Sites are told apart by their endpoints; of two sources the stronger one's word counts: an administrator's over a
    /// hub's, and a hub's over that of gossip. Null when a weaker one has nothing to add, or there is no room for it.
    /// </summary>
    /// <exception cref="RefusedException">Conflict: an administrator has entered the endpoint already.</exception>
    Task<SyncPeer?> Add(AddSyncPeer command);

    /// <summary>Changes what an administrator has said; what is null stays. Null when there is no such peer.</summary>
    Task<SyncPeer?> Change(ChangeSyncPeer command);

    /// <summary>Forgets a site; false when there is none.</summary>
    Task<bool> Remove(string peerId);

    /// <summary>Forgets a site, and meshes with it no more until an administrator enters it again: neither when it asks of itself nor when
    /// others tell of it.</summary>
    [Repeatable]
    Task Refuse(RefuseSyncSite command);

    /// <summary>Sites that are refused, in the order in which they were removed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<RefusedSite>> Refused();

    /// <summary>Notes how a site does. Nothing happens when it is gone.</summary>
    [Repeatable]
    Task Note(NoteSyncPeer command);

    /// <summary>All, oldest first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<SyncPeer>> List();
}

/// <summary>Enters a site.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Endpoint">Where it is reached, <c>…/sync/v1</c>.</param>
/// <param name="SharedHives">Names of the groups that are shared with it.</param>
/// <param name="Source"><c>manual</c>, <c>hub</c> or <c>gossip</c>.</param>
/// <param name="Ttl">How many more hops others are told of it.</param>
/// <param name="DiscoveredVia">Peer that has told of it; null unless by gossip.</param>
/// <param name="MostOfSource">Most peers of this source.</param>
[GenerateSerializer, Immutable, Alias("sync_peers.add.v1")]
public sealed record AddSyncPeer(
    [property: Id(0)] string Name,
    [property: Id(1)] string Endpoint,
    [property: Id(2)] ImmutableArray<string> SharedHives,
    [property: Id(3)] string Source,
    [property: Id(4)] int Ttl,
    [property: Id(5)] string? DiscoveredVia,
    [property: Id(6)] int MostOfSource);

/// <summary>Changes a site's entry.</summary>
[GenerateSerializer, Immutable, Alias("sync_peers.change.v1")]
public sealed record ChangeSyncPeer(
    [property: Id(0)] string PeerId,
    [property: Id(1)] string? Name,
    [property: Id(2)] string? Endpoint,
    [property: Id(3)] ImmutableArray<string>? SharedHives);

/// <summary>Notes how a site does.</summary>
[GenerateSerializer, Immutable, Alias("sync_peers.note.v1")]
public sealed record NoteSyncPeer(
    [property: Id(0)] string PeerId,
    [property: Id(1)] string Status,
    [property: Id(2)] string? InstanceId,
    [property: Id(3)] string? Error,
    [property: Id(4)] int Failures,
    [property: Id(5)] bool IsAlive);

/// <summary>A site.</summary>
/// <param name="PeerId"><c>pc_…</c></param>
/// <param name="Name">What it is called.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="SharedHives">Names of the groups that are shared with it.</param>
/// <param name="Source"><c>manual</c>, <c>hub</c> or <c>gossip</c>.</param>
/// <param name="Ttl">How many more hops others are told of it.</param>
/// <param name="DiscoveredVia">Peer that has told of it.</param>
/// <param name="Status"><c>pending</c>, <c>active</c>, <c>error</c> or <c>unreachable</c>.</param>
/// <param name="InstanceId">Its instance id, once it is known.</param>
/// <param name="Failures">Failures in a row.</param>
/// <param name="LastHeartbeatAt">When it last answered.</param>
/// <param name="LastError">What was last wrong.</param>
/// <param name="CreatedAt">When it was entered.</param>
/// <param name="UpdatedAt">When that was last changed.</param>
[GenerateSerializer, Immutable, Alias("sync_peers.peer.v1")]
public sealed record SyncPeer(
    [property: Id(0)] string PeerId,
    [property: Id(1)] string Name,
    [property: Id(2)] string Endpoint,
    [property: Id(3)] ImmutableArray<string> SharedHives,
    [property: Id(4)] string Source,
    [property: Id(5)] int Ttl,
    [property: Id(6)] string? DiscoveredVia,
    [property: Id(7)] string Status,
    [property: Id(8)] string? InstanceId,
    [property: Id(9)] int Failures,
    [property: Id(10)] DateTimeOffset? LastHeartbeatAt,
    [property: Id(11)] string? LastError,
    [property: Id(12)] DateTimeOffset CreatedAt,
    [property: Id(13)] DateTimeOffset UpdatedAt);

/// <summary>A site was entered, or what is said of it was changed.</summary>
[GenerateSerializer, Immutable, Alias("sync_peers.entered.v1")]
public sealed record SyncPeerEntered([property: Id(0)] SyncPeer Peer, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>Puts a site out.</summary>
/// <param name="Name">What it was called.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="InstanceId">Its instance id, where it is known.</param>
[GenerateSerializer, Immutable, Alias("sync_peers.refuse.v1")]
public sealed record RefuseSyncSite(
    [property: Id(0)] string Name, [property: Id(1)] string Endpoint, [property: Id(2)] string? InstanceId);

/// <summary>A site that an administrator has removed.</summary>
/// <param name="Name">What it was called.</param>
/// <param name="Endpoint">Where it was reached.</param>
/// <param name="InstanceId">Its instance id, where it was known.</param>
/// <param name="At">When it was removed.</param>
[GenerateSerializer, Immutable, Alias("sync_peers.refused_site.v1")]
public sealed record RefusedSite(
    [property: Id(0)] string Name, [property: Id(1)] string Endpoint, [property: Id(2)] string? InstanceId,
    [property: Id(3)] DateTimeOffset At)
{
    /// <summary>Whether this is the site: by its instance id, or where that was not known by its address.</summary>
    public bool Is(string? instanceId, string endpoint) =>
        InstanceId is { } own && instanceId is not null ? own == instanceId : Endpoint == endpoint;
}

/// <summary>An administrator has removed a site.</summary>
[GenerateSerializer, Immutable, Alias("sync_peers.refused.v1")]
public sealed record SyncSiteRefused([property: Id(0)] RefusedSite Site) : IEvent;

/// <summary>A site was forgotten.</summary>
[GenerateSerializer, Immutable, Alias("sync_peers.removed.v1")]
public sealed record SyncPeerRemoved([property: Id(0)] string PeerId, [property: Id(1)] DateTimeOffset At) : IEvent;
