using System.Collections.Immutable;
using Beadhub.HiveSync;

namespace Beadhub.Hosting.HiveSync;

/// <summary>A site to mesh with.</summary>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Hives">Names of the groups that are shared with it.</param>
/// <param name="PeerId">Its entry; null when it has none (a site that has shaken hands of itself).</param>
/// <param name="IsTrusted">Whether an administrator has named it.</param>
/// <param name="InstanceId">Its instance id, where it is known.</param>
internal sealed record ResolvedPeer(
    string Endpoint, string Name, ImmutableArray<string> Hives, string? PeerId, bool IsTrusted, string? InstanceId);

/// <summary>Tells which sites to mesh with.</summary>
internal interface IPeerResolver
{
    /// <summary>The sites that this source knows.</summary>
    ValueTask<ImmutableArray<ResolvedPeer>> Resolve();
}

/// <summary>
/// Several sources as one: of a site that several know, by its address or, once hands were shaken, by its instance id, the first one's
/// word counts (an administrator, then a hub, then gossip, then the site itself). What the first three have said is
/// kept in <see cref="ISyncPeersGrain"/>, by the same precedence, so that a hub that is away changes nothing.
/// </summary>
internal sealed class CompositePeerResolver(params ImmutableArray<IPeerResolver> sources) : IPeerResolver
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<ResolvedPeer>> Resolve()
    {
        var found = ImmutableArray.CreateBuilder<ResolvedPeer>();
        var (endpoints, instances) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var source in sources)
            foreach (var peer in await source.Resolve())
                if (!endpoints.Contains(peer.Endpoint) && (peer.InstanceId is not { } instance || instances.Add(instance)))
                {
                    endpoints.Add(peer.Endpoint);
                    found.Add(peer);
                }

        return found.ToImmutable();
    }
}
