namespace Beadhub.Bench;

/// <summary>What a project of 100,000 beads costs its callers, against one of 100: the median latency of one client.</summary>
internal static class GrowthOfBeads
{
    private const int Small = 100;

    public static async Task Run(Lab lab)
    {
        var large = lab.Options.Quick ? 20_000 : 100_000;
        await using var server = await lab.Server(await lab.Database());
        var few = await (await Team.Create(server.Api)).WithPlainIssues(Small);
        var many = await (await (await Team.Create(server.Api)).WithPlainIssues(Small)).WithIssues(large - Small, "g");
        lab.Say($"{large:#,0} beads loaded");

        Func<Task<double>> Read(Team team, Func<Team, string> path, int seconds) =>
            async () => (await Wrk.Get(lab, server.Port, path(team), team.Agent.Key, 1, seconds)).P50;
        Func<Task<double>> Sync(Team team, int seconds) =>
            async () => (await Wrk.Run(lab, server.Port, "/v1/bdh/sync", SyncScript.Write([team], Small, claims: false), 1, seconds)).P50;
        (string Name, Func<Team, int, Func<Task<double>>> Measurement)[] calls =
        [
            ("status", (team, seconds) => Read(team, _ => "/v1/status", seconds)),
            ("ready", (team, seconds) => Read(team, t => $"/v1/beads/ready?workspace_id={t.Agent.Id}", seconds)),
            ("first page of issues", (team, seconds) => Read(team, _ => "/v1/beads/issues?limit=50", seconds)),
            ("one-issue sync", Sync),
        ];
        foreach (var (name, measurement) in calls)
        {
            await Measure.Alternate(1, measurement(many, lab.Options.WarmUp), measurement(few, lab.Options.WarmUp));
            var medians = await Measure.Alternate(lab.Options.Rounds, measurement(many, lab.Options.Seconds),
                measurement(few, lab.Options.Seconds));
            lab.Results.Add(new($"{name}, p50 at {large:#,0} beads", $"at {Small} beads", medians[0], medians[1], "s", Goal.Most(1.3)));
            lab.Say($"{name}: {medians[0] * 1e6:0} µs, few {medians[1] * 1e6:0} µs");
        }
    }
}
