using System.Net;
using Beadhub.Gateway;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Silo.Tests.Presence;

namespace Beadhub.Silo.Tests.Cluster;

/// <summary>Bootstraps are counted for all nodes together.</summary>
public sealed class RedisInitRateTests : IAsyncDisposable
{
    private static readonly IPAddress Client = IPAddress.Parse("192.0.2.7");
    private static readonly GatewaySettings Settings = new() { InitRateLimit = 3, InitRateWindow = TimeSpan.FromSeconds(2) };

    private readonly OwnRedis _redis = new();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Nodes_share_one_window_for_each_address()
    {
        var (here, there) = (await Node(), await Node());
        for (var n = 0; n < 3; n++) (await (n == 1 ? there : here).Take(Client)).ShouldBeNull();
        foreach (var node in new[] { here, there })
            (await node.Take(Client)).ShouldNotBeNull().ShouldBeInRange(TimeSpan.Zero, Settings.InitRateWindow);
        (await here.Take(IPAddress.IPv6Loopback)).ShouldBeNull();

        // Who waits as long as it was told is let in.
        while (await there.Take(Client) is { } wait)
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1), TestContext.Current.CancellationToken);
        (await here.Take(Client)).ShouldBeNull();
    }

    [Fact]
    public async Task While_Redis_is_away_each_node_counts_for_itself()
    {
        var (here, there) = (await Node(), await Node());
        await _redis.Server.Stop();
        foreach (var node in new[] { here, there })
        {
            for (var n = 0; n < 3; n++) (await node.Take(Client)).ShouldBeNull();
            (await node.Take(Client)).ShouldNotBeNull();
        }
    }

    private async Task<RedisInitRate> Node() => new(await _redis.Connect(), new MemoryInitRate(Settings, TimeProvider.System), Settings);
}
