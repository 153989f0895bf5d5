using System.Collections.Immutable;
using Beadhub.Gateway;

namespace Beadhub.Hosting.Cluster.Leases;

/// <summary>
/// Background work of the whole installation (webhooks, what a lost server has left undone) runs on one node at a time: the one that holds
/// this lease. When that node dies, another takes it up.
/// </summary>
internal interface IBackgroundLease
{
    /// <summary>Waits until this node holds the lease.</summary>
    /// <returns>Cancelled when it holds it no longer; then the work ends, and waits again.</returns>
    /// <exception cref="OperationCanceledException">The node is stopping.</exception>
    Task<CancellationToken> Held(CancellationToken stopping);

    /// <summary>How often its holder looks for work that other nodes were given; null when there are no others.</summary>
    TimeSpan? LookEvery { get; }

    /// <summary>The nodes that live, and which of them holds the lease.</summary>
    ValueTask<ImmutableArray<InstanceNode>> Nodes();

    /// <summary>A node was lost, and may have left something undone. Raised at the holder only.</summary>
    event Action? NodeLost;
}
