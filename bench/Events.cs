using System.Diagnostics;

namespace Beadhub.Bench;

/// <summary>How long after a claim another agent sees it on its stream, against how long the claim's own answer takes.</summary>
internal static class Events
{
    private const int Claims = 2000;

    public static async Task Run(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        await Between(lab, server, server, "another agent", Goal.Most(1.5));
    }

    /// <summary>Claims at one server, listens at another (or the same).</summary>
    public static async Task Between(Lab lab, Host server, Host listener, string where, Goal goal)
    {
        List<double> answers = [], events = [], answerP99s = [], eventP99s = [];
        await Round(server, listener, [], []);
        for (var i = 0; i < Math.Max(3, lab.Options.Rounds); i++)
        {
            List<double> answer = [], seen = [];
            await Round(server, listener, answer, seen);
            answers.AddRange(answer);
            events.AddRange(seen);
            answerP99s.Add(Measure.Percentile([.. answer], 0.99));
            eventP99s.Add(Measure.Percentile([.. seen], 0.99));
        }
        lab.Results
            .Add(new($"claim → event at {where}, p50", "the claim's answer, p50", Measure.Median([.. events]), Measure.Median([.. answers]),
            "s", Goal.None));
        lab.Results
            .Add(new($"claim → event at {where}, p99", "the claim's answer, p99", Measure.Median([.. eventP99s]),
            Measure.Median([.. answerP99s]), "s", goal));
        lab.Say($"p99: event {Measure.Median([.. eventP99s]) * 1000:0.00} ms, answer {Measure.Median([.. answerP99s]) * 1000:0.00} ms");
    }

    /// <summary>One agent claims bead after bead, another listens; both times count from before the request is sent.</summary>
    private static async Task Round(Host server, Host listensTo, List<double> answers, List<double> events)
    {
        var team = await (await Team.Create(server.Api, agents: 2)).WithPlainIssues(Claims);
        var requests = Enumerable.Range(0, Claims).Select(i =>
            HttpConnection.Post("/v1/bdh/sync", team.Agent.Key, Team.SyncBody(team.Agent, "incremental",
            SyncScript.Issue(i, "A bead to work on", "in_progress", DateTimeOffset.UtcNow),
            $"update {SyncScript.IssueId(i)} --status in_progress"))).ToArray();

        using var stream = new HttpConnection(listensTo.Port);
        if (stream.Open(HttpConnection.Get("/v1/status/stream", team.Agents[1].Key)) != 200)
            throw new InvalidOperationException("The stream was refused.");
        using var seen = new SemaphoreSlim(0);
        var seenAt = new long[Claims];
        var listener = new Thread(() =>
        {
            for (var i = 0; i < Claims; i++)
            {
                stream.WaitFor("\"bead.claimed\""u8);
                seenAt[i] = Stopwatch.GetTimestamp();
                seen.Release();
            }
        })
        { IsBackground = true };
        listener.Start();

        using var connection = new HttpConnection(server.Port);
        for (var i = 0; i < Claims; i++)
        {
            var start = Stopwatch.GetTimestamp();
            if (connection.Send(requests[i]) is not 200 and var status)
                throw new InvalidOperationException($"A claim was answered with {status}.");
            answers.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (!seen.Wait(TimeSpan.FromSeconds(10))) throw new TimeoutException($"No event of claim {i}.");
            events.Add(Stopwatch.GetElapsedTime(start, seenAt[i]).TotalSeconds);
        }
    }
}
