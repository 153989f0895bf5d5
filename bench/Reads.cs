using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>Requests a second that a read reaches, against a bare endpoint that writes the same bytes.</summary>
internal static class Reads
{
    private const int Connections = 16;

    public static async Task Run(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        var team = await (await Team.Create(server.Api, agents: 10)).WithIssues(1000);
        foreach (var agent in team.Agents)
            await agent.Heartbeat("main").Ok();
        for (var i = 0; i < 50; i++)
            await team.Agents[i % 10].Claim($"claimed-{i}", "A claimed bead").Ok();

        (string Name, string Path, double? Earlier)[] reads =
        [
            ("status", "/v1/status", 880),
            ("ready, 1,000 beads", $"/v1/beads/ready?workspace_id={team.Agent.Id}", 750),
            ("claims, 50", "/v1/claims", null),
            ("issues, 50 of 1,000", "/v1/beads/issues?limit=50", null),
            ("workspaces, 10", "/v1/workspaces", null),
        ];
        var captured = lab.Folder();
        var sizes = new Dictionary<string, int>();
        foreach (var (_, path, _) in reads)
        {
            var answer = await CapturedAnswer.Of(team.Agent, path);
            sizes[path] = answer.Body.Length;
            await answer.Save(captured);
        }

        await using var bare = await lab.Reference("reference", captured);
        foreach (var (name, path, earlier) in reads)
        {
            Func<Task<double>> From(Host host, int seconds) =>
                async () => (await Wrk.Get(lab, host.Port, path, team.Agent.Key, Connections, seconds)).PerSecond;
            await Measure.Alternate(1, From(server, lab.Options.WarmUp), From(bare, lab.Options.WarmUp));
            var medians = await Measure.Alternate(lab.Options.Rounds, From(server, lab.Options.Seconds), From(bare, lab.Options.Seconds));
            lab.Results.Add(new($"read: {name} ({sizes[path]:#,0} bytes)", "bare Kestrel", medians[0], medians[1], "/s", Goal.Least(0.85)));
            if (earlier is not null) lab.Results.Orient($"read: {name}", medians[0], earlier.Value, "/s", Goal.Least(10));
            lab.Say($"{name}: {medians[0]:0}/s, bare {medians[1]:0}/s");
        }
    }
}
