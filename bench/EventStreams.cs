using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Beadhub.Bench;

/// <summary>
/// Open event streams of many projects on one node: what one costs in memory, and how long a commit takes to reach all streams of its
/// project, against a bare app that writes the same frame to as many.
/// </summary>
internal static class EventStreams
{
    private const int StreamsOfProject = 10;
    private const int Commits = 300; // of a round
    private const int Rounds = 2;
    private const double MostMemory = 20; // KB

    public static async Task Run(Lab lab)
    {
        var projects = lab.Options.Quick ? 100 : 1000;
        var count = projects * StreamsOfProject;
        await using var server = await lab.Server(await lab.Database());
        await using var bare = await lab.Reference("fan-out");
        var teams = new Team[projects];
        for (var i = 0; i < projects; i++) teams[i] = await Team.Create(server.Api);
        using var toServer = new HttpConnection(server.Port);
        using var toBare = new HttpConnection(bare.Port);
        for (var i = 0; i < Commits; i++) Commit(teams[i % projects], $"warm-{i}");
        lab.Say($"{projects:#,0} projects made");

        // One side after the other: both at once are more open files than most users may have.
        double? memory = null, bareMemory = null;
        List<double> answers = [], events = [], bares = [];
        for (var round = 0; round < Rounds; round++)
        {
            var before = await server.IdleMemory();
            byte[] Ours(int stream) => HttpConnection.Get("/v1/status/stream", teams[stream % projects].Agent.Key);
            using (var streams = await OpenStreams.Open(server.Port, count, Ours))
            {
                memory ??= (await server.IdleMemory() - before) / 1024.0 / count;
                await Each(async project =>
                {
                    var answer = 0.0;
                    events.Add(await streams.Time(StreamsOfProject, mark =>
                    {
                        var start = Stopwatch.GetTimestamp();
                        Commit(teams[project], mark);
                        answer = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    }));
                    answers.Add(answer);
                }, events, answers);
            }

            var bareBefore = await bare.IdleMemory();
            byte[] Theirs(int stream) => HttpConnection.Get($"/stream?group={round}-{stream % projects}");
            using (var streams = await OpenStreams.Open(bare.Port, count, Theirs))
            {
                bareMemory ??= (await bare.IdleMemory() - bareBefore) / 1024.0 / count;
                async Task Bare(int project) =>
                    bares.Add(await streams.Time(StreamsOfProject, mark => Write($"{round}-{project}", mark)));
                await Each(Bare, bares);
            }
        }

        var of = $"{count:#,0} streams of {projects:#,0} projects";
        lab.Results.Add(new($"memory of an open event stream, {of}", "the limit", memory!.Value, MostMemory, "KB", Goal.Most(1)));
        lab.Results.Add(new($"memory of an open event stream, {of}", "bare Kestrel", memory.Value, bareMemory!.Value, "KB", Goal.None));
        foreach (var (name, part) in new[] { ("p50", 0.5), ("p99", 0.99) })
        {
            var reached = Measure.Percentile([.. events], part);
            var goal = part > 0.9 ? Goal.Most(1.5) : Goal.None;
            var what = $"commit → all {StreamsOfProject} streams of its project, {of}, {name}";
            lab.Results.Add(new(what, "bare Kestrel, such a frame", reached, Measure.Percentile([.. bares], part), "s", goal));
            lab.Results.Add(new(what, "the claim's answer", reached, Measure.Percentile([.. answers], part), "s", goal));
        }

        lab.Say($"streams: {memory:0.0} KB each, bare {bareMemory:0.0} KB");

        async Task Each(Func<int, Task> measure, params List<double>[] times)
        {
            for (var i = -Commits / 10; i < Commits; i++)
            {
                // The first do not count.
                foreach (var list in times)
                    if (i == 0) list.RemoveRange(list.Count - (Commits / 10), Commits / 10);
                await measure((i + Commits) * 7 % projects);
            }
        }

        void Write(string group, string mark)
        {
            var data = JsonSerializer.Serialize(new { type = "bead.claimed", text = new string('x', 330), mark });
            var frame = Encoding.UTF8.GetBytes($"id: 1234\ndata: {data}\n\n");
            if (toBare.Send(HttpConnection.Post($"/send?group={group}", "none", frame)) is not 200 and var status)
                throw new InvalidOperationException($"A frame was answered with {status}.");
        }

        void Commit(Team team, string bead)
        {
            var issue = JsonSerializer.Serialize(new { id = bead, title = "A bead to work on", status = "in_progress" });
            var body = Team.SyncBody(team.Agent, "incremental", issue, $"update {bead} --status in_progress");
            if (toServer.Send(HttpConnection.Post("/v1/bdh/sync", team.Agent.Key, body)) is not 200 and var status)
                throw new InvalidOperationException($"A claim was answered with {status}.");
        }
    }
}
