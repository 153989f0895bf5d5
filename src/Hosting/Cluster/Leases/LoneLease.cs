using System.Collections.Immutable;
using Beadhub.Gateway;

namespace Beadhub.Hosting.Cluster.Leases;

/// <summary>The lease of a node that runs alone: it always holds it.</summary>
internal sealed class LoneLease(NodeId node) : IBackgroundLease
{
    /// <inheritdoc/>
    public event Action? NodeLost
    {
        add { }
        remove { }
    }

    /// <inheritdoc/>
    public TimeSpan? LookEvery => null;

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<InstanceNode>> Nodes() => new([new(node.Id, DoesBackgroundWork: true)]);

    /// <inheritdoc/>
    public Task<CancellationToken> Held(CancellationToken stopping) => Task.FromResult(CancellationToken.None);
}
