using System.Diagnostics;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>What versions of 100,000 beads cost: a commit after one change, a difference of ten, a page as it was.</summary>
internal static class History
{
    private const int Small = 1_000;
    private const int Samples = 40;
    private const double MayTake = 0.005, DiffMayTake = 0.010; // seconds

    public static async Task Run(Lab lab)
    {
        var large = lab.Options.Beads ?? (lab.Options.Quick ? 20_000 : 100_000);
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        var few = await (await Team.Create(server.Api)).WithPlainIssues(Small);
        var many = await (await Team.Create(server.Api)).WithPlainIssues(large);
        foreach (var team in (Team[])[few, many])
        {
            var begun = Stopwatch.GetTimestamp();
            await Commit(team, "all");
            lab.Say($"first commit: {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.00} s");
            for (var change = 0; change < 10; change++) await Change(team, change);
            await Commit(team, "ten");
        }

        // As the first of a project pays for reading what is there, so do its commits: other samples are of both.
        for (var i = 0; i < 3; i++)
        {
            await Change(many, 10 + i);
            await Commit(many, "warm");
        }

        var (commits, syncs) = (new double[Samples], new double[Samples]);
        for (var i = 0; i < Samples; i++)
        {
            syncs[i] = await Time(() => Change(many, 20 + i));
            commits[i] = await Time(() => Commit(many, "one"));
        }

        var (commit, sync) = (Measure.Median(commits), Measure.Median(syncs));
        lab.Results.Add(new($"commit after one change, p50 at {large:#,0} beads", "one-issue sync and 5 ms", commit, sync + MayTake, "s",
            Goal.Most(1)));
        lab.Say($"commit: {commit * 1e3:0.0} ms, sync {sync * 1e3:0.0} ms");

        for (var i = 0; i < Samples; i++)
        {
            await Change(few, 20 + i);
            await Commit(few, "one");
        }

        // Each sample is another pair of commits, ten changes apart.
        static Func<Task<double>> Diff(Team team) => async () =>
        {
            var times = new double[Samples - 10];
            for (var i = 0; i < times.Length; i++)
                times[i] = await Time(() => team.Agent.Get($"/v1/beads/diff?from=HEAD~{i + 10}&to=HEAD~{i}").Ok());
            return Measure.Median(times);
        };
        var medians = await Measure.Alternate(lab.Options.Rounds, Diff(many), Diff(few));
        lab.Results.Add(new($"difference of ten beads, p50 at {large:#,0} beads", $"at {Small:#,0} beads", medians[0], medians[1], "s",
            Goal.Most(1.3)));
        lab.Results.Add(new($"difference of ten beads, p50 at {large:#,0} beads", "10 ms", medians[0], DiffMayTake, "s", Goal.Most(1)));
        lab.Say($"diff: {medians[0] * 1e3:0.00} ms, few {medians[1] * 1e3:0.00} ms");

        var first = await Time(() => many.Agent.Get("/v1/beads/issues?limit=50&as_of=HEAD~1").Ok());
        var next = await Time(() => many.Agent.Get("/v1/beads/issues?limit=50&as_of=HEAD~2").Ok());
        lab.Say($"first page of the first past version: {first * 1e3:0} ms, of the next one: {next * 1e3:0.0} ms");
        Func<Task<double>> Page(string path) =>
            async () => (await Wrk.Get(lab, server.Port, path, many.Agent.Key, 1, lab.Options.Seconds)).P50;
        var pages = await Measure.Alternate(lab.Options.Rounds, Page("/v1/beads/issues?limit=50&as_of=HEAD~1"),
            Page("/v1/beads/issues?limit=50"));
        lab.Results.Add(new($"page of issues as of a commit, p50 at {large:#,0} beads", "today's", pages[0], pages[1], "s", Goal.Most(3)));

        await server.DisposeAsync();
        await using var again = await lab.Server(database);
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{again.Port}") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", many.Agent.Key);
        var board = await Time(() => http.GetStringAsync("/v1/beads/issues?limit=50"));
        var past = await Time(() => http.GetStringAsync("/v1/beads/issues?limit=50&as_of=HEAD~1"));
        lab.Results.Add(new($"first page as of a commit after a start, at {large:#,0} beads", "today's first page", past, board, "s",
            Goal.Most(1)));
        var diff = await Time(() => http.GetStringAsync("/v1/beads/diff?from=HEAD&to=WORKING"));
        lab.Results.Add(new($"first difference to what stands after a start, at {large:#,0} beads", "today's first page", diff, board, "s",
            Goal.Most(1)));
    }

    private static async Task Commit(Team team, string message) => await team.Agent.Post("/v1/beads/commits", new { message }).Ok();

    private static async Task Change(Team team, int issue) => await team.Agent
        .Change(SyncScript.Issue(issue * 17, $"Changed {issue}", "open", DateTimeOffset.UnixEpoch.AddDays(1))).Ok();

    private static async Task<double> Time(Func<Task> act)
    {
        var begun = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
