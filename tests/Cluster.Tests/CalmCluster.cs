namespace Beadhub.Cluster.Tests;

/// <summary>Three nodes that nobody harms, for all tests that need no more; they start with the first test that asks.</summary>
public sealed class CalmCluster : IAsyncDisposable
{
    private readonly Lazy<Task<Testing.Cluster>> _cluster = new(() => Testing.Cluster.Start(nodes: 3));

    public Task<Testing.Cluster> Get()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        return _cluster.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster.IsValueCreated) await (await _cluster.Value).DisposeAsync();
    }
}
