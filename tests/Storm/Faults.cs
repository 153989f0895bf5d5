using Beadhub.Testing;

namespace Beadhub.Storm;

/// <summary>The weather: nodes are killed and come back, PostgreSQL is restarted, Redis goes and returns, a node stands still; one after
/// the other.</summary>
public sealed class Faults(Cluster cluster, int seed, TimeSpan? pause, TimeSpan calm, Action<string> tell)
{
    private static readonly TimeSpan Stirring = TimeSpan.FromSeconds(1);

    private readonly Random _random = new(seed);

    /// <summary>How often each came.</summary>
    public SortedDictionary<string, int> Injected { get; } = new(StringComparer.Ordinal);

    /// <summary>Goes through all kinds again and again until the storm ends; at the end everything runs.</summary>
    public async Task Run(CancellationToken end)
    {
        var kinds = new Func<Task>[] { KillNode, PauseNode, StepClock, RestartPostgres, StopRedis, KillNode, StepClock, CrashPostgres };
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            await Task.Delay(calm, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!end.IsCancellationRequested) await kinds[i % kinds.Length]();
        }
    }

    private async Task KillNode()
    {
        var node = _random.Next(cluster.Count);
        Count("node killed (SIGKILL)", $"node {node} is killed");
        await cluster[node].Kill();
        await Task.Delay(Stirring);
        await cluster.StartNode(node);
    }

    private async Task PauseNode()
    {
        var node = _random.Next(cluster.Count);
        var length = pause ?? TimeSpan.FromSeconds(1 + _random.Next(10));
        Count("node paused (SIGSTOP)", $"node {node} stands still for {length.TotalSeconds:0} s");
        cluster[node].Pause();
        await Task.Delay(length);
        cluster[node].Continue();
    }

    /// <summary>A clock is put forward or back, and is right again when its turn comes the next time.</summary>
    private Task StepClock()
    {
        if (cluster.Clocks is not [_, ..] clocks) return Task.CompletedTask;
        foreach (var clock in clocks) clock.Step(TimeSpan.Zero);
        var (which, seconds) = (_random.Next(clocks.Count), _random.Next(-120, 121));
        var whose = which == cluster.Count ? "PostgreSQL's" : $"node {which}'s";
        Count("clock stepped", $"{whose} clock is put {(seconds < 0 ? "back" : "forward")} by {Math.Abs(seconds)} s");
        clocks[which].Step(TimeSpan.FromSeconds(seconds));
        return Task.CompletedTask;
    }

    private async Task RestartPostgres()
    {
        Count("PostgreSQL restarted", "PostgreSQL is restarted");
        await cluster.Postgres.Stop();
        await cluster.Postgres.Start();
    }

    private async Task CrashPostgres()
    {
        Count("PostgreSQL crashed", "PostgreSQL crashes");
        await cluster.Postgres.Stop(crash: true);
        await cluster.Postgres.Start();
    }

    private async Task StopRedis()
    {
        if (cluster.Redis is not { } redis) return;
        Count("Redis stopped and started", "Redis goes");
        await redis.Stop();
        await Task.Delay(Stirring * 2);
        await redis.Start();
    }

    private void Count(string kind, string text)
    {
        Injected[kind] = Injected.GetValueOrDefault(kind) + 1;
        tell(text);
    }
}
