using System.Collections.Immutable;
using System.Net;

namespace Beadhub.Gateway.HiveSync;

/// <summary>What an operator may set about the mesh.</summary>
public sealed record MeshSettings
{
    /// <summary>Addresses from which handshakes are taken when there is no secret, and to which peers that others have named may lead:
    /// this machine, private networks, and the range of Tailscale.</summary>
    public static readonly ImmutableArray<IPNetwork> PrivateNetworks =
    [
        .. new[] { "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10" }
            .Select(static text => IPNetwork.Parse(text)),
    ];

    /// <summary>Whether there is a mesh. <c>BEADHUB_SYNC</c>.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>What this site is called, to operators of others. <c>BEADHUB_SYNC_NAME</c>.</summary>
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>Where peers reach this site, <c>…/sync/v1</c>; null for where it listens. <c>BEADHUB_SYNC_ENDPOINT</c>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Secret that peers show when they shake hands; null for none. <c>BEADHUB_SYNC_SECRET</c>.</summary>
    public string? Secret { get; init; }

    /// <summary>From where handshakes are taken without a secret. <c>BEADHUB_SYNC_NETWORKS</c>.</summary>
    public ImmutableArray<IPNetwork> Networks { get; init; } = PrivateNetworks;

    /// <summary>Peers that are always there. <c>BEADHUB_SYNC_PEERS</c>: <c>name=endpoint|hive,hive</c>, with semicolons between.</summary>
    public ImmutableArray<StaticPeer> Peers { get; init; } = [];

    /// <summary>How often peers are asked how they do. <c>BEADHUB_SYNC_HEARTBEAT_SECONDS</c>.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence after which a peer is unreachable. <c>BEADHUB_SYNC_PEER_TIMEOUT_SECONDS</c>.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Events a second that a peer may send for ever. <c>BEADHUB_SYNC_EVENTS_PER_SECOND</c>.</summary>
    public int EventsPerSecond { get; init; } = 100;

    /// <summary>Events that it may send at once, after a silence. <c>BEADHUB_SYNC_EVENTS_BURST</c>.</summary>
    public int EventsBurst { get; init; } = 20_000;

    /// <summary>Whether peers tell each other of peers. <c>BEADHUB_SYNC_GOSSIP</c>.</summary>
    public bool Gossip { get; init; } = true;

    /// <summary>Hops over which a peer that an administrator has entered is told on. <c>BEADHUB_SYNC_GOSSIP_TTL</c>.</summary>
    public int GossipTtl { get; init; } = 2;

    /// <summary>The same for one that a hub has told. <c>BEADHUB_SYNC_GOSSIP_HUB_TTL</c>.</summary>
    public int GossipHubTtl { get; init; } = 1;

    /// <summary>How often peers tell of peers. <c>BEADHUB_SYNC_GOSSIP_SECONDS</c>.</summary>
    public TimeSpan GossipInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most peers that are learnt so. <c>BEADHUB_SYNC_GOSSIP_MAX_PEERS</c>.</summary>
    public int GossipMaxPeers { get; init; } = 50;

    /// <summary>Failures in a row, each a heartbeat's, after which one that was learnt so is forgotten.
    /// <c>BEADHUB_SYNC_GOSSIP_MAX_FAILURES</c>.</summary>
    public int GossipMaxFailures { get; init; } = 3;

    /// <summary>Whether an address is one of the mesh's.</summary>
    public bool Allows(IPAddress? address)
    {
        if (address is null) return false;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Networks.Any(network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain));
    }

    /// <summary>A sync endpoint as it is kept, without a slash at the end; null when it is none.</summary>
    public static string? EndpointOf(string text)
    {
        var trimmed = text.TrimEnd('/');
        return trimmed.Length <= 2048 && !trimmed.Any(static c => c is <= ' ' or '\\' or '\u007f')
            && Uri.TryCreate(trimmed, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && url.Query.Length == 0 && url.Host.Length > 0 ? trimmed : null;
    }
}

/// <summary>A peer of the settings.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="Hives">Names of the groups that are shared with it.</param>
public sealed record StaticPeer(string Name, string Endpoint, ImmutableArray<string> Hives);
