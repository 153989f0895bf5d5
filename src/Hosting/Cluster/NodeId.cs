namespace Beadhub.Hosting.Cluster;

/// <summary>Which node of the cluster this process is: new at every start, since what a node that died held is not its
/// successor's.</summary>
/// <param name="Id">Unique, short enough to read in a table.</param>
internal sealed record NodeId(string Id)
{
    public static NodeId New() => new($"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}");
}
