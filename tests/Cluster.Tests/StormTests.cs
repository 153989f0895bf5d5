using Beadhub.Storm;

namespace Beadhub.Cluster.Tests;

/// <summary>
/// 32 agents at work while nodes, PostgreSQL and Redis fail: nothing acknowledged is missing, nothing has two holders, everything arrives
/// once. Short here;
/// <c>dotnet run -c Release --project tests/Storm -- --seconds 600</c> is the long one.
/// </summary>
public sealed class StormTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_acknowledged_is_lost_or_done_twice(bool hasRedis)
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        var weather = new Weather(
            TimeSpan.FromSeconds(hasRedis ? 20 : 8), HasRedis: hasRedis, Pause: TimeSpan.FromSeconds(4), Calm: TimeSpan.FromSeconds(1),
            Seed: hasRedis ? 1 : 2);

        var report = await weather.Run(text => TestContext.Current.TestOutputHelper?.WriteLine(text));

        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
        report.Violations.ShouldBeEmpty();
        report.History.Acknowledged.ShouldBeGreaterThan(100);
        report.Faults.ShouldNotBeEmpty();
    }

    /// <summary>The check would see a node that answers from an old state: here the balancer does.</summary>
    [Fact]
    public async Task Stale_reads_that_are_planted_are_found()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);

        var report = await new Weather(TimeSpan.FromSeconds(4), Agents: 8, Nodes: 2, HasRedis: false, PlantsStaleReads: true)
            .Run(text => TestContext.Current.TestOutputHelper?.WriteLine(text));

        report.Violations.ShouldNotBeEmpty();
        report.Violations.ShouldAllBe(violation => violation.StartsWith("stale read: ", StringComparison.Ordinal));
    }
}
