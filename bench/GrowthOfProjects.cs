using System.Text;

namespace Beadhub.Bench;

/// <summary>
/// What 10,000 projects cost, against one: the median latency of one client that goes round all of them. Each count has a server and a
/// database of its own.
/// </summary>
internal static class GrowthOfProjects
{
    private const int Beads = 10;

    public static async Task Run(Lab lab)
    {
        var count = lab.Options.Quick ? 1000 : 10_000;
        await using var small = await lab.Server(await lab.Database());
        await using var large = await lab.Server(await lab.Database());
        Team[] one = [await (await Team.Create(small.Api)).WithPlainIssues(Beads)];
        var many = new Team[count];
        var made = 0;
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            many[i] = await (await Team.Create(large.Api)).WithPlainIssues(Beads);
            if (Interlocked.Increment(ref made) % 1000 == 0) lab.Say($"{made:#,0} projects made");
        });

        Func<Task<double>> Load(Host host, string script, int seconds) =>
            async () => (await Wrk.Run(lab, host.Port, "/v1/status", script, 1, seconds)).P50;
        (string Name, Func<Team[], string> Script)[] calls =
        [
            ("status", Status),
            ("one-issue sync", teams => SyncScript.Write(teams, Beads, claims: false)),
        ];
        foreach (var (name, script) in calls)
        {
            await Measure.Alternate(1, Load(large, script(many), lab.Options.WarmUp), Load(small, script(one), lab.Options.WarmUp));
            // A script of its own for each run: no two runs write the same.
            Func<Task<double>> Fresh(Host host, Team[] teams) => () => Load(host, script(teams), lab.Options.Seconds)();
            var medians = await Measure.Alternate(lab.Options.Rounds, Fresh(large, many), Fresh(small, one),
                Fresh(large, [many[count / 2]]));
            lab.Results
                .Add(new($"{name}, p50 going round {count:#,0} projects", "with 1 project", medians[0], medians[1], "s", Goal.Most(1.3)));
            lab.Results
                .Add(new($"{name}, p50 in one of {count:#,0} projects", "with 1 project", medians[2], medians[1], "s", Goal.Most(1.3)));
            lab.Say($"{name}: {medians[0] * 1e6:0} µs round, {medians[2] * 1e6:0} µs in one, {medians[1] * 1e6:0} µs with one");
        }
    }

    /// <summary>Reads each project's status in turn.</summary>
    private static string Status(Team[] teams)
    {
        var script = new StringBuilder("local keys = {\n");
        foreach (var team in teams) script.Append($"\"{team.Agent.Key}\",\n");
        return script.Append("""
            }
            local n = 0
            function request()
                n = n + 1
                return "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "..keys[n % #keys + 1].."\r\n\r\n"
            end
            """).ToString();
    }
}
