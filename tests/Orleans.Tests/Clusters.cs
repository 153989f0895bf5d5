using Beadhub.Testing;

namespace Beadhub.Orleans.Tests;

/// <summary>Clusters of silos, and what PostgreSQL knows of them.</summary>
internal static class Clusters
{
    public const int Active = 3;
    public const int Dead = 6;

    /// <summary>Starts silos; a test is skipped where they cannot run.</summary>
    public static async Task<Cluster> Start(int nodes, bool redis, params (string Name, string Value)[] settings)
    {
        if (PostgresCluster.Missing is { } postgres) Assert.Skip(postgres);
        if (Balancer.Missing is { } nginx) Assert.Skip(nginx);
        if (redis && RedisServer.Missing is { } missing) Assert.Skip(missing);
        var cluster = await Cluster.Start(nodes, redis, settings);
        await cluster.UntilMembers(Active, nodes);
        return cluster;
    }

    /// <summary>Number of members with a status.</summary>
    public static async Task<long> Members(this Cluster cluster, int status) =>
        (long)(await PostgresCluster.Execute(cluster.DatabaseUrl, $"SELECT count(*) FROM orleans_silos WHERE status = {status}"))!;

    /// <summary>Waits until so many members have a status.</summary>
    public static async Task UntilMembers(this Cluster cluster, int status, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await cluster.Members(status) != count) await Task.Delay(50, patience.Token);
    }

    /// <summary>Asks again as a client does that is told to come back later. Every answer on the way says so properly.</summary>
    public static async Task<Answer> Persist(Func<Task<Answer>> call)
    {
        var until = TimeProvider.System.GetTimestamp() + (30 * TimeProvider.System.TimestampFrequency);
        while (true)
        {
            var answer = await call();
            if (answer.Status != 503) return answer;
            answer.Header("Retry-After").ShouldBe("1");
            answer.Json.Text("detail").ShouldBe("Service temporarily unavailable. Please retry.");
            TimeProvider.System.GetTimestamp().ShouldBeLessThan(until, "The cluster does not come back.");
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }
    }
}
