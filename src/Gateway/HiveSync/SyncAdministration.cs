using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.HiveSync;
using Orleans;

namespace Beadhub.Gateway.HiveSync;

/// <summary><c>/api/v1/sync</c>: sync groups and peers, for administrators. No answer has a private key or a token.</summary>
internal sealed class SyncAdministration(IGrainFactory grains, SyncGroups groups, IMeshWork work, MeshSettings settings)
{
    private const int MaxPeers = 500;

    private static readonly Field<string> Id = InPath.Text("id", "Id of the sync group or peer");
    private static readonly Field<string> Hive = InBody.Required("hive_name", "Name of the hive", 2, 32)
        .Must(IsHive, "Lower-case letters, digits, hyphens and underscores").Example("engineering");
    private static readonly Field<string?> GroupName =
        InBody.Optional("sync_group_name", "Name under which sites meet, where it is not the hive's; given when the group is made", 1, 200);
    private static readonly Field<string?> PeerToJoin =
        InBody.Optional("peer_id", "Peer that shares the hive; all that do unless given", 1, 64);
    private static readonly Field<string> Source = InBody.Choice("source",
        "Who has named the peer: an administrator, or a hub whose list is entered here; an administrator's word counts over a hub's",
        "manual", "manual", "hub");
    private static readonly Field<string> Name = InBody.Required("name", "What the peer is called", 1, 200);
    private static readonly Field<string?> NewName = InBody.Optional("name", "What the peer is called", 1, 200);
    private static readonly Field<string> Endpoint = InBody.Required("sync_endpoint", "Where the peer is reached", 1, 2048)
        .To<string>((text, out endpoint) => (endpoint = MeshSettings.EndpointOf(text)) is not null, "Invalid url")
        .Example("http://10.0.0.5:8000/sync/v1");
    private static readonly Field<string?> NewEndpoint = InBody.Optional("sync_endpoint", "Where the peer is reached", 1, 2048)
        .To<string?>((text, out endpoint) => (endpoint = text is null ? null : MeshSettings.EndpointOf(text)) is not null || text is null,
            "Invalid url");
    private static readonly Field<List<string>> Hives = InBody.RequiredTexts("shared_hives", "Hives that are shared with it", 100)
        .Must(static names => names.TrueForAll(IsHive), "Names of hives: lower-case letters, digits, hyphens and underscores");
    private static readonly Field<List<string>> NewHives = InBody.Texts("shared_hives", "Hives that are shared with it", 100)
        .Must(static names => names.TrueForAll(IsHive), "Names of hives: lower-case letters, digits, hyphens and underscores");
    private static readonly Field<int> Limit = InQuery.Integer("limit", "How many at most", 50, 1, 1000);
    private static readonly Field<int> Offset = InQuery.Integer("offset", "How many to leave out", 0, 0, int.MaxValue);

    private ISyncPeersGrain Peers => grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<SyncAdministration>();
        var settings = routes.ServiceProvider.GetRequiredService<MeshSettings>();
        var requests = new RequestGroup("/api/v1/sync", "sync", "Sync groups and peers of the mesh, for administrators");
        routes.Map(
            requests.Post("/groups", "createSyncGroup", "Share a hive with other sites; it is made when there is none").Needs(Caller.Admin)
                .Audited("mesh.group_shared")
                .Takes(Hive, GroupName).Fails(409)
                .Bind(static fields => (Hive: fields.Get(Hive), Name: fields.Get(GroupName))).Creates(Wire.Types.SyncGroupView),
            (request, _) => endpoints.Share(request.Hive, request.Name));
        routes.Map(
            requests.Get("/groups", "listSyncGroups", "Sync groups").Needs(Caller.Admin).Answers(Wire.Types.SyncGroupList),
            _ => endpoints.List());
        routes.Map(
            requests.Get("/groups/{id}", "getSyncGroup", "A sync group, its peers, and what was refused lately").Needs(Caller.Admin)
                .Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).Answers(Wire.Types.SyncGroupView),
            (id, _) => endpoints.Get(id));
        routes.Map(
            requests.Delete("/groups/{id}", "deleteSyncGroup", "End the sharing of a hive; the hive stays").Needs(Caller.Admin)
                .Audited("mesh.group_ended")
                .Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).AnswersEmpty(),
            (id, _) => endpoints.Unshare(id));
        routes.Map(
            requests.Get("/groups/{id}/events", "listSyncEvents", "Events of a group's log, the newest first").Needs(Caller.Admin)
                .Takes(Id, Limit, Offset).Fails(404)
                .Bind(static fields => (Id: fields.Get(Id), Limit: fields.Get(Limit), Offset: fields.Get(Offset)))
                .Answers(Wire.Types.SyncEventList),
            (request, _) => endpoints.Events(request.Id, request.Limit, request.Offset));
        routes.Map(
            requests.Post("/groups/join", "joinSyncGroup", "Share a hive and shake hands with the peers that do").Needs(Caller.Admin)
                .Audited("mesh.group_joined")
                .Takes(Hive, PeerToJoin).Fails(404, 409)
                .Bind(static fields => (Hive: fields.Get(Hive), Peer: fields.Get(PeerToJoin))).Answers(Wire.Types.SyncGroupView),
            (request, _) => endpoints.Join(request.Hive, request.Peer));
        routes.Map(
            requests.Post("/groups/{id}/join", "joinPeersOfSyncGroup", "Shake hands with the peers of a group now").Needs(Caller.Admin)
                .Audited("mesh.group_joined")
                .Takes(Id, PeerToJoin).Fails(404, 409).BodyMayBeMissing()
                .Bind(static fields => (Id: fields.Get(Id), Peer: fields.Get(PeerToJoin))).Answers(Wire.Types.SyncGroupView),
            async (request, _) => await endpoints.Join((await endpoints.Group(request.Id)).Hive, request.Peer));
        routes.Map(
            requests.Post("/groups/{id}/resync", "resyncGroup", "Send the peers of a group everything again, and take everything of them")
                .Needs(Caller.Admin)
                .Audited("mesh.group_resynced").Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).Answers(Wire.Types.ResyncView),
            (id, _) => endpoints.Resync(id));
        routes.Map(
            requests.Post("/groups/{id}/rotate-key", "rotateSyncKey", "Sign with a new key from now on").Needs(Caller.Admin)
                .Audited("mesh.key_rotated")
                .Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).Answers(Wire.Types.SyncGroupView),
            (id, _) => endpoints.Rotate(id));
        routes.Map(
            requests.Get("/status", "getSyncStatus", "How the mesh does").Needs(Caller.Admin).Answers(Wire.Types.SyncOverview),
            _ => endpoints.Overview());
        routes.Map(
            new RequestGroup("/api/v1/federation", "sync", requests.Description).Get("/status", "getFederationStatus",
                    "Whether this site meshes with others, and how that does").Needs(Caller.Admin).Answers(Wire.Types.FederationStatus),
            async _ => new FederationStatus(settings.Enabled, "open", (await endpoints.Peers.List()).Length, await endpoints.Overview()));
        routes.Map(
            requests.Post("/peers", "addSyncPeer", "Mesh with a site: its hives are shared, and hands are shaken at once")
                .Needs(Caller.Admin)
                .Audited("mesh.peer_added").Takes(Name, Endpoint, Hives, Source).Fails(409)
                .Bind(static fields => (Name: fields.Get(Name), Endpoint: fields.Get(Endpoint), Hives: fields.Get(Hives),
                    Source: fields.Get(Source)))
                .Answers(Wire.Types.SyncPeerView),
            (request, _) => endpoints.Add(request.Name, request.Endpoint, [.. request.Hives.Distinct()], request.Source));
        routes.Map(
            requests.Get("/peers", "listSyncPeers", "Sites that this one meshes with").Needs(Caller.Admin)
                .Answers(Wire.Types.SyncPeerList),
            _ => endpoints.ListPeers());
        routes.Map(
            requests.Patch("/peers/{id}", "changeSyncPeer", "Change what is said of a site").Needs(Caller.Admin)
                .Audited("mesh.peer_changed")
                .Takes(Id, NewName, NewEndpoint, NewHives).Fails(404, 409)
                .Bind(static fields => new ChangeSyncPeer(fields.Get(Id), fields.Get(NewName), fields.Get(NewEndpoint),
                    fields.Get(NewHives) is { Count: > 0 } hives ? [.. hives.Distinct()] : null))
                .Answers(Wire.Types.SyncPeerView),
            (change, _) => endpoints.Change(change));
        routes.Map(
            requests.Delete("/peers/{id}", "removeSyncPeer",
                    "Mesh with a site no longer, until it is added again: it is refused when it asks; what came of it stays")
                .Needs(Caller.Admin)
                .Audited("mesh.peer_removed")
                .Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).AnswersEmpty(),
            (id, _) => endpoints.Remove(id));
        routes.Map(
            requests.Post("/peers/{id}/test", "testSyncPeer", "Whether a site is reached").Needs(Caller.Admin)
                .Audited("mesh.peer_tested")
                .Takes(Id).Fails(404).Bind(static fields => fields.Get(Id)).Answers(Wire.Types.PeerTested),
            (id, _) => endpoints.Test(id));
    }

    private async Task<SyncGroupView> Share(string hive, string? name)
    {
        var group = await groups.Share(hive, name);
        if (name is not null && group.Name != name)
            throw new RefusedException(RefusalKind.Conflict, $"The hive's sync group is called {group.Name} already");
        work.Wake();
        return await View(group);
    }

    private async Task<SyncGroupList> List() => new([.. await Task.WhenAll((await Shared()).Select(View))]);

    private async Task<SyncGroupView> Get(string id) => await View(await Group(id));

    private async Task<Nothing> Unshare(string id)
    {
        await grains.GetGrain<IHiveSyncSettingsGrain>((await Group(id)).GroupId).Share(isShared: false);
        groups.Forget();
        work.Wake();
        return default;
    }

    private async Task<SyncEventList> Events(string id, int limit, int offset)
    {
        var log = grains.GetGrain<IHiveSyncGroupGrain>((await Group(id)).GroupId);
        var head = await log.Head();
        var last = head - offset;
        if (last <= 0) return new([], head, limit, offset);
        var page = await log.Read(Math.Max(0, last - limit), (int)Math.Min(limit, last));
        return new([.. page.Entries.Reverse().Select(entry => SyncedEvent.Of(id, entry))], head, limit, offset);
    }

    private async Task<SyncGroupView> Join(string hive, string? peerId)
    {
        if (peerId is not null)
        {
            var peer = (await Peers.List()).FirstOrDefault(peer => peer.PeerId == peerId) ?? throw ApiException.NotFound("Peer not found");
            if (!peer.SharedHives.Contains(hive)) await Peers.Change(new(peerId, null, null, peer.SharedHives.Add(hive)));
        }

        var group = await groups.Share(hive);
        work.Wake();
        return await View(group);
    }

    private async Task<ResyncView> Resync(string id)
    {
        var group = await Group(id);
        var sync = grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId);
        var peers = await sync.Peers();
        foreach (var peer in peers) await sync.Reset(peer.InstanceId);
        await work.Restart(group.GroupId);
        return new([.. peers.Select(static peer => new ResyncedPeer(peer.InstanceId, peer.LastSeqReceived))]);
    }

    private async Task<SyncGroupView> Rotate(string id)
    {
        var rotated = await grains.GetGrain<IHiveSyncGroupGrain>((await Group(id)).GroupId).RotateKey();
        groups.Forget();
        return await View(rotated);
    }

    private async Task<SyncPeerView> Add(string name, string endpoint, ImmutableArray<string> hives, string source)
    {
        var ttl = source == "hub" ? settings.GossipHubTtl : settings.GossipTtl;
        var peer = await Peers.Add(new(name, endpoint, hives, source, ttl, null, MaxPeers))
            ?? (await Peers.List()).First(peer => peer.Endpoint == endpoint); // what is there already counts
        foreach (var hive in hives)
            if (await groups.Named(hive) is not { IsShared: true }) await groups.Share(hive);
        work.Wake();
        return SyncPeerView.Of(peer!);
    }

    private async Task<SyncPeerList> ListPeers() => new([.. (await Peers.List()).Select(SyncPeerView.Of)],
        [.. (await Peers.Refused()).Select(static site => new RefusedSiteView(site.Name, site.Endpoint, site.InstanceId, site.At))]);

    private async Task<SyncPeerView> Change(ChangeSyncPeer change)
    {
        var peer = await Peers.Change(change) ?? throw ApiException.NotFound("Peer not found");
        foreach (var hive in peer.SharedHives)
            if (await groups.Named(hive) is not { IsShared: true }) await groups.Share(hive);
        work.Wake();
        return SyncPeerView.Of(peer);
    }

    private async Task<Nothing> Remove(string id)
    {
        var all = await groups.All();
        var met = (await Task.WhenAll(all.Select(async group =>
            (Group: group, Peers: await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Peers())))).ToList();
        var members = met.SelectMany(static one => one.Peers).ToList();
        // One that has shaken hands of itself has no entry, but is a peer of a group.
        var site = (await Peers.List()).FirstOrDefault(peer => peer.PeerId == id) is { } entry
            ? new RefuseSyncSite(entry.Name, entry.Endpoint,
                entry.InstanceId ?? members.Find(one => one.Endpoint == entry.Endpoint)?.InstanceId)
            : members.Find(one => one.PeerId == id) is { } peer
                ? new RefuseSyncSite(peer.InstanceId, peer.Endpoint, peer.InstanceId) : throw ApiException.NotFound("Peer not found");
        await Peers.Refuse(site);
        foreach (var (group, peers) in met)
            foreach (var one in peers.Where(one => one.Endpoint == site.Endpoint || one.InstanceId == site.InstanceId))
                await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Leave(one.InstanceId);

        work.Wake();
        return default;
    }

    private async Task<PeerTested> Test(string id)
    {
        var peer = (await Peers.List()).FirstOrDefault(peer => peer.PeerId == id) ?? throw ApiException.NotFound("Peer not found");
        return await work.Test(peer);
    }

    private async Task<SyncOverview> Overview()
    {
        var own = await grains.GetGrain<IMeshInstanceGrain>(IMeshInstanceGrain.Key).Get();
        return new(settings.Enabled, own.InstanceId, [.. (await Task.WhenAll((await Shared()).Select(View))).Select(static group =>
            new SyncOverviewGroup(group.SyncGroupName, group.HiveName, group.Seq, group.Peers))]);
    }

    private async Task<IEnumerable<HiveSyncGroup>> Shared() => (await groups.All()).Where(static group => group.IsShared);

    private async Task<HiveSyncGroup> Group(string id) =>
        await groups.Find(id) is { } group ? group : throw ApiException.NotFound("Sync group not found");

    private async Task<SyncGroupView> View(HiveSyncGroup group)
    {
        var log = grains.GetGrain<IHiveSyncGroupGrain>(group.GroupId);
        var (head, names) = (await log.Head(), (await Peers.List()).ToLookup(static peer => peer.Endpoint, static peer => peer.Name));
        return new(group.GroupId, group.Hive, group.Name, group.IsShared, group.InstanceId, group.PublicKey, group.KeyVersion, head,
            group.CreatedAt, await groups.StateHash(group),
            [.. (await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Peers()).Select(peer => new SyncGroupPeerView(peer.PeerId,
                names[peer.Endpoint].FirstOrDefault() ?? peer.InstanceId, peer.InstanceId, peer.Endpoint, peer.Status, peer.LastSeqSent,
                peer.LastSeqReceived, head - peer.LastSeqSent, peer.LastSyncAt, peer.LastError))],
            [.. (await log.Refused()).Select(static one => new RefusedView(one.At, one.Via, one.Origin, one.Type, one.Reason))]);
    }

    private static bool IsHive(string name) =>
        name.Length is >= 2 and <= 32 && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
}

/// <summary>What meshes in the background, on one node.</summary>
internal interface IMeshWork
{
    /// <summary>Looks at groups and peers again.</summary>
    void Wake();

    /// <summary>Begins anew with the peers of a group.</summary>
    Task Restart(string groupId);

    /// <summary>Asks a peer.</summary>
    Task<PeerTested> Test(SyncPeer peer);
}

/// <summary>A sync group.</summary>
internal sealed record SyncGroupView(
    string Id, string HiveName, string SyncGroupName, bool IsShared, string CreatedByInstanceId, string InstanceSigningKey, int KeyVersion,
    long Seq, DateTimeOffset CreatedAt, string StateHash, ImmutableArray<SyncGroupPeerView> Peers, ImmutableArray<RefusedView> Refused);

/// <summary>A peer of a group.</summary>
internal sealed record SyncGroupPeerView(
    string Id, string Name, string PeerSwarmId, string PeerEndpoint, string Status, long LastSeqSent, long LastSeqReceived, long Lag,
    DateTimeOffset? LastSync, string? LastError);

/// <summary>An event that was not stored.</summary>
internal sealed record RefusedView(DateTimeOffset At, string Via, string OriginInstanceId, string EventType, string Reason);

/// <summary>Sync groups.</summary>
internal sealed record SyncGroupList(ImmutableArray<SyncGroupView> Data);

/// <summary>Events of a log.</summary>
internal sealed record SyncEventList(ImmutableArray<SyncedEvent> Data, long Total, int Limit, int Offset);

/// <summary>What a resync begins from.</summary>
internal sealed record ResyncView(ImmutableArray<ResyncedPeer> Results);

/// <summary>A peer of which everything is taken again.</summary>
internal sealed record ResyncedPeer(string Peer, long EventsBefore);

/// <summary>How the mesh does.</summary>
internal sealed record SyncOverview(bool Enabled, string InstanceId, ImmutableArray<SyncOverviewGroup> Groups);

/// <summary>Whether this site meshes with others.</summary>
internal sealed record FederationStatus(bool Enabled, string Policy, int PeersCount, SyncOverview Sync);

/// <summary>How a group does.</summary>
internal sealed record SyncOverviewGroup(
    string GroupName, string HiveName, long LocalSeq, ImmutableArray<SyncGroupPeerView> Peers);

/// <summary>Whether a peer was reached.</summary>
internal sealed record PeerTested(bool Reachable, long LatencyMs, string? PeerInstanceId, string Status, string? Error);

/// <summary>Sites, and those that were removed and are refused until they are added again.</summary>
internal sealed record SyncPeerList(ImmutableArray<SyncPeerView> Data, ImmutableArray<RefusedSiteView> Refused);

/// <summary>A site that was removed.</summary>
internal sealed record RefusedSiteView(string Name, string SyncEndpoint, string? PeerInstanceId, DateTimeOffset RemovedAt);

/// <summary>A site.</summary>
internal sealed record SyncPeerView(
    string Id, string Name, string SyncEndpoint, ImmutableArray<string> SharedHives, string? PeerInstanceId, int IsManual, string Source,
    string Status, DateTimeOffset? LastHeartbeatAt, string? LastError, int GossipTtl, int FailureCount, string? DiscoveredVia,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    public static SyncPeerView Of(SyncPeer peer) => new(peer.PeerId, peer.Name, peer.Endpoint, peer.SharedHives, peer.InstanceId,
        peer.Source == "manual" ? 1 : 0, peer.Source, peer.Status, peer.LastHeartbeatAt, peer.LastError, peer.Ttl, peer.Failures,
        peer.DiscoveredVia, peer.CreatedAt, peer.UpdatedAt);
}
