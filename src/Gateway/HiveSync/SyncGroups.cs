using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Orleans;

namespace Beadhub.Gateway.HiveSync;

/// <summary>Who asks over <c>/sync/v1</c>.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Group">The group that its token opens: the one of the path, or one of its own where the path names none that there
/// is.</param>
internal sealed record SyncCaller(GroupPeer Peer, HiveSyncGroup Group);

/// <summary>
/// The sync groups, as the gateway looks them up: from a list that is some seconds old at most, so that no id that a stranger makes up
/// reaches a grain.
/// </summary>
internal sealed class SyncGroups(IGrainFactory grains, MeshSettings settings, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    /// <summary>A peer with a token of a handshake.</summary>
    public static readonly Need<SyncCaller> Caller = new("peer", Credentials.Required, static (_, http) =>
        http.RequestServices.GetRequiredService<SyncGroups>().Identify(http));

    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile Listed? _listed;

    private sealed record Listed(ImmutableArray<HiveSyncGroup> Groups, long At);

    /// <summary>All groups.</summary>
    public async ValueTask<ImmutableArray<HiveSyncGroup>> All()
    {
        if (IsFresh(_listed)) return _listed!.Groups;
        await _turn.WaitAsync();
        try
        {
            if (IsFresh(_listed)) return _listed!.Groups;
            var at = time.GetTimestamp();
            var groups = await grains.GetGrain<IHiveSyncGroupsGrain>(IHiveSyncGroupsGrain.Key).All();
            _listed = new(groups, at);
            return groups;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What is known is looked at again.</summary>
    public void Forget() => _listed = null;

    /// <summary>A group by its id.</summary>
    public async ValueTask<HiveSyncGroup?> Find(string id) => (await All()).FirstOrDefault(group => group.GroupId == id);

    /// <summary>A group by its name, or by its hive's.</summary>
    public async ValueTask<HiveSyncGroup?> Named(string name)
    {
        var all = await All();
        return all.FirstOrDefault(group => group.Name == name) ?? all.FirstOrDefault(group => group.Hive == name);
    }

    /// <summary>The log of a hive, shared: made, with the hive, when there is none.</summary>
    public async Task<HiveSyncGroup> Share(string hive, string? name = null)
    {
        var id = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.HiveName(hive)).Ensure(MeshIds.NewGroup());
        await grains.GetGrain<IHiveSyncGroupGrain>(id).Create(new(hive, name));
        await grains.GetGrain<IHivesGrain>(IHivesGrain.Key).Open(hive);
        var group = await grains.GetGrain<IHiveSyncSettingsGrain>(id).Share(isShared: true);
        Forget();
        return group;
    }

    /// <summary>Hash of what a group's hive has come to: the same at all sites that have the same events.</summary>
    public async Task<string> StateHash(HiveSyncGroup group) =>
        (await grains.GetGrain<IHiveGrain>(group.Hive).Status()).StateHash;

    /// <summary>
    /// Whether somebody may shake hands: with the secret where there is one, else from the mesh's networks. Of a request that a proxy has
    /// brought, and that is not one of <see cref="GatewaySettings.TrustedProxies"/>, only the proxy's own address is known.
    /// </summary>
    public bool Admits(HttpContext http)
    {
        if (settings.Secret is not { } secret)
            return settings.Allows(http.Connection.RemoteIpAddress) && !LocalCallers.IsFromUnknown(http.Request.Headers);
        var shown = http.Request.Headers["X-Handshake-Secret"].ToString();
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(secret)),
            SHA256.HashData(Encoding.UTF8.GetBytes(shown)));
    }

    private async ValueTask<SyncCaller> Identify(HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (header.Length == 0) throw ApiException.Unauthorized("Missing Authorization header. Provide a sync token.");
        if (!header.StartsWith("Bearer ", StringComparison.Ordinal) || header.Length == 7)
            throw ApiException.Unauthorized("Invalid Authorization header format. Use: Bearer <sync_token>");
        var token = header[7..];
        if (token.Length == 64 && token.All(char.IsAsciiHexDigitLower) && settings.Enabled)
        {
            var all = await All();
            // A token is bound to its group; of a group that there is not, nobody has one.
            var named = all.FirstOrDefault(group => group.GroupId == http.Request.RouteValues["id"] as string);
            foreach (var group in named is null ? all : [named])
                if (await grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId).Authenticate(token) is { } peer) return new(peer, group);
        }

        throw ApiException.Unauthorized("Invalid or expired sync token");
    }

    private bool IsFresh(Listed? listed) => listed is not null && time.GetElapsedTime(listed.At) < Fresh;
}
