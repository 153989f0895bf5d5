using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Beadhub.HiveSync;
using Orleans;

namespace Beadhub.Gateway.HiveSync;

/// <summary>What heartbeats say, and what is made of those of others: how far the logs are, and which peers there are.</summary>
internal sealed class Gossip(IGrainFactory grains, SyncGroups groups, MeshSettings settings)
{
    /// <summary>Where this site is reached; set at the start.</summary>
    public string OwnEndpoint { get; set; } = settings.Endpoint ?? "";

    private ISyncPeersGrain Peers => grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key);

    /// <summary>What is said to a peer.</summary>
    /// <param name="instanceId">The peer.</param>
    /// <param name="withPeers">Whether it is told of peers, too.</param>
    public async Task<HeartbeatBody> Say(string instanceId, bool withPeers)
    {
        var seqs = ImmutableSortedDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        var own = "";
        var shared = new HashSet<string>(StringComparer.Ordinal);
        var keys = new Dictionary<string, string>(StringComparer.Ordinal); // of peers that were met, by endpoint
        string? target = null;
        foreach (var group in (await groups.All()).Where(static group => group.IsShared))
        {
            own = group.InstanceId;
            var peers = await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Peers();
            foreach (var peer in peers) keys[peer.Endpoint] = peer.SigningKey;
            if (peers.FirstOrDefault(peer => peer.InstanceId == instanceId) is not { } recipient) continue;
            target = recipient.Endpoint;
            shared.Add(group.Name);
            shared.Add(group.Hive);
            seqs[recipient.IsBeadhub ? group.Name : group.Hive] = await grains.GetGrain<IHiveSyncGroupGrain>(group.GroupId).Head();
        }

        if (own.Length == 0) own = (await grains.GetGrain<IMeshInstanceGrain>(IMeshInstanceGrain.Key).Get()).InstanceId;
        ToldPeer[]? told = null;
        if (withPeers && settings.Gossip)
        {
            told = [.. (await Peers.List())
                .Where(peer => peer.Ttl > 0 && peer.InstanceId != instanceId && peer.Endpoint != target && peer.Status != "unreachable")
                .Select(peer => (Peer: peer, Hives: peer.SharedHives.Where(shared.Contains).ToImmutableArray()))
                .Where(static one => one.Hives.Length > 0)
                .Take(settings.GossipMaxPeers)
                .Select(one => new ToldPeer(one.Peer.Endpoint, one.Peer.Name, one.Hives, keys.GetValueOrDefault(one.Peer.Endpoint),
                    one.Peer.Ttl - 1))];
            if (told.Length == 0) told = null;
        }

        return new(own, seqs.ToImmutable(), told);
    }

    /// <summary>Takes in the peers that a peer has told of.</summary>
    public async Task Hear(JsonElement? told, string via)
    {
        if (!settings.Gossip || told is not { ValueKind: JsonValueKind.Array } list) return;
        var own = (await groups.All()).Where(static group => group.IsShared).Select(static group => group.Name)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var one in list.EnumerateArray().Take(settings.GossipMaxPeers))
        {
            if (one.ValueKind != JsonValueKind.Object
                || Text(one, "sync_endpoint") is not { } url || MeshSettings.EndpointOf(url) is not { } endpoint
                || endpoint == OwnEndpoint || !one.TryGetProperty("ttl", out var ttl) || ttl.ValueKind != JsonValueKind.Number
                || !ttl.TryGetInt32(out var hops) || hops is < 0 or > 16
                || !one.TryGetProperty("shared_hives", out var hives) || hives.ValueKind != JsonValueKind.Array
                || !await LeadsIntoMesh(endpoint)) continue;
            ImmutableArray<string> shared = [.. hives.EnumerateArray().Where(static hive => hive.ValueKind == JsonValueKind.String)
                .Select(static hive => hive.GetString()!).Where(own.Contains).Distinct()];
            if (shared.IsEmpty) continue;
            var name = Text(one, "name") is { Length: > 0 and <= 200 } given ? given : endpoint;
            await Peers.Add(new(name, endpoint, shared, "gossip", hops, via, settings.GossipMaxPeers));
        }
    }

    /// <summary>Whether all that an endpoint's name leads to is of the mesh's networks.</summary>
    public async Task<bool> LeadsIntoMesh(string endpoint)
    {
        var host = new Uri(endpoint).DnsSafeHost;
        try
        {
            var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host);
            return addresses.Length > 0 && Array.TrueForAll(addresses, settings.Allows);
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
