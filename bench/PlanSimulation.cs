using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>
/// How long 16 agents take for random plans by each strategy of claim-next, in minutes of simulated work, against the lower bound that the
/// server tells; and what the insight costs. Claims and closing go through the API, time is only counted.
/// </summary>
internal static class PlanSimulation
{
    private const int Beads = 1000;
    private const int Agents = 16;
    private static readonly string[] Strategies = ["priority", "unblock", "track"];

    public static async Task Run(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        var times = Strategies.ToDictionary(strategy => strategy, _ => new List<double>());
        var plans = lab.Options.Quick ? 2 : 5;
        for (var seed = 1; seed <= plans; seed++)
        {
            var plan = Plan(seed);
            foreach (var strategy in Strategies)
            {
                var team = await Team.Create(server.Api, Agents);
                await team.Agent.Sync(string.Join('\n', plan.Select(bead => bead.Line("open")))).Ok();
                var bound = (await team.Agent.Get($"/v1/beads/insights?agents={Agents}&limit=1").Ok()).At("tracks")
                    .Number("lower_bound_minutes");
                times[strategy].Add(await Work(team, plan, strategy) / bound);
            }
        }

        var usual = times["priority"].Average();
        foreach (var strategy in Strategies)
        {
            var mean = times[strategy].Average();
            lab.Results.Add(new($"makespan of {plans} plans of {Beads:#,0} beads, {Agents} agents, {strategy}", "the lower bound", mean, 1,
                "×", Goal.None));
            if (strategy == "unblock")
                lab.Results.Add(new("the same, unblock", "priority", mean, usual, "×", Goal.Most(0.999)));
        }

        await Latency(lab, server);
    }

    /// <summary>What the insight of 10,000 open beads takes after a change, and again.</summary>
    private static async Task Latency(Lab lab, Host server)
    {
        var team = await (await Team.Create(server.Api)).WithPlainIssues(10_000);
        using var connection = new HttpConnection(server.Port);
        var insights = HttpConnection.Get("/v1/beads/insights", team.Agent.Key);
        var (after, again) = (new List<double>(), new List<double>());
        for (var i = 0; i < (lab.Options.Quick ? 20 : 60); i++)
        {
            await team.Agent.Sync(SyncScript.Issue(i, $"Changed {i}", "open", DateTimeOffset.UtcNow)).Ok();
            after.Add(Seconds(insights));
            again.Add(Seconds(insights));
        }

        lab.Results.Add(new("insights of 10,000 beads after a change, p50", "the limit", Measure.Median([.. after]), 0.020, "s",
            Goal.Most(1)));
        lab.Results.Add(new("the same, unchanged", "the limit", Measure.Median([.. again]), 0.001, "s", Goal.Most(1)));

        double Seconds(byte[] request)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            if (connection.Send(request) != 200) throw new InvalidOperationException("The insights were refused.");
            return watch.Elapsed.TotalSeconds;
        }
    }

    /// <summary>Each agent claims, works as long as the bead takes, closes it and claims again; who finds nothing waits for the next that
    /// is closed.</summary>
    private static async Task<double> Work(Team team, Bead[] plan, string strategy)
    {
        var beads = plan.ToDictionary(bead => bead.Id);
        var running = new PriorityQueue<(int Agent, Bead Bead), (long End, int Agent)>();
        var idle = new SortedSet<int>(Enumerable.Range(0, team.Agents.Length));
        var now = 0L;
        for (var done = 0; ; done++)
        {
            foreach (var agent in idle.ToArray())
            {
                var claimed = await team.Agents[agent].Post("/v1/beads/claim-next", new { strategy }).Ok();
                if (!claimed.Flag("claimed")) break;
                var bead = beads[claimed.At("bead").Text("bead_id")];
                idle.Remove(agent);
                running.Enqueue((agent, bead), (now + bead.Minutes, agent));
            }

            if (!running.TryDequeue(out var finished, out var at))
                return done == plan.Length ? now : throw new InvalidOperationException($"{plan.Length - done} beads were never ready.");
            now = at.End;
            await team.Agents[finished.Agent].Sync(finished.Bead.Line("closed"), $"close {finished.Bead.Id}").Ok();
            idle.Add(finished.Agent);
        }
    }

    /// <summary>A plan in layers, as projects have them: most beads wait for one to three of the layer before, some for earlier
    /// ones.</summary>
    private static Bead[] Plan(int seed)
    {
        var random = new Random(seed);
        const int Layer = 40;
        return [.. Enumerable.Range(0, Beads).Select(i =>
        {
            var layer = i / Layer * Layer;
            var blockers = layer == 0 ? [] : Enumerable.Range(0, random.Next(4))
                .Select(_ => random.Next(5) == 0 ? random.Next(layer) : layer - Layer + random.Next(Layer)).Distinct().Select(Id).ToArray();
            // Few are long, as in life.
            return new Bead(Id(i), (long)Math.Ceiling(-30 * Math.Log(1 - random.NextDouble())) + 1, blockers, $"area-{random.Next(8)}");
        })];

        static string Id(int i) => $"plan-{i:0000}";
    }

    private sealed record Bead(string Id, long Minutes, string[] Blockers, string Label)
    {
        private int _version;

        public string Line(string status) => JsonSerializer.Serialize(new
        {
            id = Id,
            title = $"Bead {Id}",
            status,
            priority = 2,
            labels = new[] { Label },
            estimated_minutes = Minutes,
            updated_at = DateTimeOffset.UnixEpoch.AddSeconds(++_version),
            dependencies = Blockers.Select(blocker => new { depends_on_id = blocker, type = "blocks" }),
        });
    }
}
