using System.Diagnostics;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Storm;

/// <summary>How a storm is to be.</summary>
/// <param name="Length">How long agents work and faults come.</param>
/// <param name="Agents">Agents in all, in two projects.</param>
/// <param name="Nodes">Nodes of the cluster.</param>
/// <param name="HasRedis">Whether there is a Redis.</param>
/// <param name="Pause">How long a node stands still; one to ten seconds unless said.</param>
/// <param name="Calm">Time between two faults.</param>
/// <param name="Seed">What the agents and the faults choose by.</param>
/// <param name="PlantsStaleReads">Whether the balancer answers from a cache and nothing fails: the check must find it.</param>
public sealed record Weather(TimeSpan Length, int Agents = 32, int Nodes = 3, bool HasRedis = true, TimeSpan? Pause = null,
    TimeSpan? Calm = null, int Seed = 1, bool PlantsStaleReads = false)
{
    private const int Projects = 2;
    private const int Wanted = 12;
    private const int ListenersAProject = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Lets a storm pass over a cluster, and checks what is left.</summary>
    public async Task<Report> Run(Action<string> tell)
    {
        await using var cluster = await Cluster.Start(Nodes, HasRedis, clocks: true, answersStale: PlantsStaleReads);
        tell($"{Nodes} nodes run behind {cluster.Balancer.Address}");
        var history = new History();
        var teams = await Task.WhenAll(Enumerable.Range(0, Projects).Select(_ => Team(cluster)));
        using var end = new CancellationTokenSource();
        using var quiet = new CancellationTokenSource();
        var listeners = teams.SelectMany(team => Enumerable.Range(0, ListenersAProject).Select(i => Listen(team[i], i, history))).ToArray();
        var listening = listeners.Select(listener => Task.Run(() => listener.Run(quiet.Token))).ToArray();
        var callers = teams.SelectMany(team => team.Select(agent => new Caller(agent, history, end.Token))).ToArray();
        var watch = Stopwatch.StartNew();
        var working = callers.Select((caller, i) => Task.Run(() =>
            new Worker(caller, teams.Single(team => team.Contains(caller.Agent)),
                [.. Enumerable.Range(0, Wanted).Select(n => $"wanted-{n}")], history, Seed * 1000 + i, end.Token).Run())).ToArray();
        var faults = new Faults(cluster, Seed, Pause, PlantsStaleReads ? Length : Calm ?? TimeSpan.FromSeconds(2), text =>
            tell($"{watch.Elapsed.TotalSeconds,6:0.0} s  {text}"));
        end.CancelAfter(Length);
        await faults.Run(end.Token);
        await Task.WhenAll(working);
        var elapsed = watch.Elapsed;
        foreach (var clock in cluster.Clocks) clock.Step(TimeSpan.Zero);
        if (PlantsStaleReads)
        {
            await quiet.CancelAsync();
            await Task.WhenAll(listening);
            foreach (var caller in callers) caller.Dispose();
            return new(this, elapsed, history, faults.Injected, 0, [.. HistoryCheck.StaleReads(history)]);
        }

        tell($"{elapsed.TotalSeconds,6:0.0} s  the storm is over; reading what is left");

        var ending = new Ending();
        foreach (var team in teams) await Read(team, history, ending);
        var caughtUp = Stopwatch.StartNew();
        while (listeners.Any(listener => ending.Feeds[listener.Feed].LastOrDefault() > listener.Position) && caughtUp.Elapsed < Patience)
            await Task.Delay(50);
        await quiet.CancelAsync();
        await Task.WhenAll(listening);
        foreach (var caller in callers) caller.Dispose();
        var report = new Report(this, elapsed, history, faults.Injected, listeners.Sum(listener => listener.Connections),
            HistoryCheck.Violations(history, ending));
        foreach (var thing in history.Holdings.Where(holding =>
            report.Violations.Any(violation => violation.Contains(holding.Thing, StringComparison.Ordinal)))
            .GroupBy(holding => (holding.Kind, holding.Thing)))
            await Show(cluster, thing.Key.Kind, thing.Key.Thing, thing, tell);
        return report;
    }

    /// <summary>What is known of a thing that somebody had against the rules: who was told what and when, and for a bead what the log
    /// says.</summary>
    private static async Task Show(Cluster cluster, string kind, string thing, IEnumerable<Holding> holdings, Action<string> tell)
    {
        tell($"{kind} {thing}");
        foreach (var holding in holdings.OrderBy(holding => holding.From))
            tell($"  {holding.Holder} was told so at {At(holding.From)}, "
                + $"{(holding.Until == long.MaxValue ? "and kept it" : $"and began to give it back at {At(holding.Until)}")}");
        if (kind == "bead")
            tell((await CommandRun.Of(Path.GetTempPath(), [("BEADHUB_DATABASE_URL", cluster.DatabaseUrl)], "log", "--stream",
                $"bead/{thing}")).Output);

        static string At(long ticks) => $"{DateTime.UtcNow - Stopwatch.GetElapsedTime(ticks):HH:mm:ss.ffffff}";
    }

    private async Task<Agent[]> Team(Cluster cluster)
    {
        var project = new Project(cluster.Api);
        var team = new List<Agent>();
        for (var i = 0; i < Agents / Projects; i++) team.Add(await project.Agent($"agent-{i}"));
        (await team[0]
            .Change(Jsonl
            .Of(Enumerable.Range(0, Wanted).Select(n => new { id = $"wanted-{n}", title = $"wanted-{n}", status = "closed" })))).Ok();
        return [.. team];
    }

    private static Listener Listen(Agent agent, int number, History history)
    {
        var listening = new Listening($"{agent.Alias}/{number}", agent.ProjectId);
        history.Listenings.Enqueue(listening);
        return new(agent, listening);
    }

    private static async Task Read(Agent[] team, History history, Ending ending)
    {
        var (first, project) = (team[0], team[0].ProjectId);
        await foreach (var bead in Pages(first, "/v1/beads/issues?limit=200", "issues")) ending.Beads
            .Add($"{project}/{bead.Text("bead_id")}");
        await foreach (var claim in Pages(first, "/v1/claims?limit=200", "claims")) Holds("bead", claim.Text("bead_id"),
            claim.Text("workspace_id"));
        foreach (var held in (await first.Get("/v1/reservations").Ok()).Items("reservations"))
            Holds("lock", held.Text("resource_key"), held.Text("holder_agent_id"));
        foreach (var agent in team) ending.Texts[("mail", agent.Id)] = await Mails(agent);
        foreach (var session in history.Sendings.Where(sending => sending.Kind == "chat").Select(sending => sending.To).Distinct())
            if (team.FirstOrDefault(agent => session.StartsWith(agent.Id, StringComparison.Ordinal)) is { } member)
                ending.Texts[("chat", session)] = await Chats(member,
                    team.Single(agent => session.EndsWith(agent.Id, StringComparison.Ordinal)));
        ending.Feeds[project] = await Feed(first);

        void Holds(string kind, string thing, string holder)
        {
            if (!ending.Holders.TryGetValue((kind, $"{project}/{thing}"), out var holders))
                ending.Holders[(kind, $"{project}/{thing}")] = holders = [];
            holders.Add(holder);
        }
    }

    private static async IAsyncEnumerable<JsonElement> Pages(Agent agent, string path, string list)
    {
        string? cursor = null;
        do
        {
            var page = await agent.Get(path + (cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")).Ok();
            foreach (var item in page.Items(list)) yield return item;
            cursor = page.Maybe("next_cursor");
        }
        while (cursor is not null);
    }

    // The inbox shows 500 at most: those that were read make room for the others.
    private static async Task<List<string>> Mails(Agent agent)
    {
        var texts = new List<string>();
        while (await agent.Inbox(unreadOnly: true, limit: 500) is { Length: > 0 } page)
        {
            texts.AddRange(page.Select(mail => mail.Text("body")));
            foreach (var chunk in page.Chunk(16)) await Task.WhenAll(chunk.Select(mail => agent.Ack(mail.Text("message_id")).Ok()));
        }

        return texts;
    }

    private static async Task<List<string>> Chats(Agent one, Agent other)
    {
        var session = (await one.Get("/v1/chat/sessions").Ok()).Items("sessions").Single(session =>
            session.Items("participants") is [_, _] both
                && both.Any(participant => Id(participant) == other.Id || Alias(participant) == other.Alias));
        return [.. (await one.History(session.Text("session_id"), "?limit=2000")).Select(message => message.Text("body"))];

        static string? Id(JsonElement participant) =>
            participant.ValueKind == JsonValueKind.Object && participant.TryGetProperty("agent_id", out var id) ? id.GetString() : null;
        static string? Alias(JsonElement participant) =>
            participant.ValueKind == JsonValueKind.String
            ? participant.GetString() : participant.TryGetProperty("alias", out var alias) ? alias.GetString() : null;
    }

    /// <summary>All positions that the project's stream shows, up to an event that is made for the purpose.</summary>
    private static async Task<List<long>> Feed(Agent agent)
    {
        await using var stream = await agent.Stream(lastEventId: "0");
        await agent.Claim("the-end").Ok();
        var seen = await stream.Until(e => e.Type == "bead.claimed" && e.Data.Text("bead_id") == "the-end");
        // What belongs to the same sync follows at once; nobody else does anything any more.
        await stream.Comment();
        await stream.Comment();
        return [.. seen.Select(e => e.Position), .. stream.Waiting().Select(e => e.Position)];
    }
}

/// <summary>What came of a storm.</summary>
public sealed record Report(
    Weather Weather, TimeSpan Elapsed, History History, IReadOnlyDictionary<string, int> Faults, int Connections,
    IReadOnlyList<string> Violations)
{
    private string Clocks => SteppedClock.Missing is { } missing ? $"; no clock was stepped: {missing}" : "";

    public override string ToString() =>
        $"""
        {Weather.Agents} agents on {Weather.Nodes} nodes for {Elapsed.TotalSeconds:0} s{(Weather.HasRedis ? "" : ", without Redis")}
        acknowledged   {History.Acknowledged} operations ({History.Acknowledged / Elapsed.TotalSeconds:0}/s), of them {History.Synced.Count} syncs, {History.Holdings.Count} claims and locks, {History.Sendings.Count(sending => sending.IsAcknowledged)} mails and chats
        repeated       {History.Unknown} times, because the connection broke or no answer came
        faults         {(Faults.Count == 0 ? "none" : string.Join(", ", Faults.Select(fault => $"{fault.Value} × {fault.Key}")))}
        read           {History.Readings.Count} times{Clocks}
        listeners      {History.Listenings.Count}, over {Connections} connections, {History.Listenings.Sum(listening => listening.Positions.Count)} events
        violations     {Violations.Count}{string.Concat(Violations.Take(20).Select(violation => "\n  " + violation))}
        """;
}
