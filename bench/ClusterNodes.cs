using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>One, two and three nodes on one PostgreSQL and one Redis: what being a cluster costs and brings, and how fast an event comes
/// from node to node.</summary>
internal static class ClusterNodes
{
    private const int Agents = 16;
    private const int Clients = 48;
    private const int MostWarmUps = 8;
    private static readonly TimeSpan Counted = TimeSpan.FromSeconds(3);
    private const string Mail = """
        path = "/v1/messages"
        body = '{"to_alias":"agent-'..(((caller + 1) % 16) + 1)..'","subject":"The sync, part '..n..'","body":"The sync fails when the network drops in the middle of an upload; retry it with a delay that grows, and tell the user after the third time."}'
        """;

    public static async Task Run(Lab lab)
    {
        if (RedisServer.Missing is { } missing)
        {
            lab.Say(missing);
            return;
        }

        await using var redis = new RedisServer();
        await redis.Start();
        var alone = await Alone(lab);
        for (var count = 1; count <= 3; count++)
        {
            var database = await lab.Database();
            var nodes = new List<Host>();
            try
            {
                for (var i = 0; i < count; i++) nodes.Add(await lab.Server(database, redis.Url));
                var team = await Team.Create(nodes[0].Api, Agents);
                var names = count == 1 ? "1 node" : $"{count} nodes";
                if (count == 1) await Transactions(lab, database, team);
                var mails = await Median(lab, () => Load(lab, nodes, team, Mail));
                lab.Results
                    .Add(new($"mail, {Clients} clients, {names} of a cluster", "one server alone", mails, alone.Mails, "/s", Goal.None));
                var reads = await Median(lab, () => Statuses(lab, nodes, team));
                lab.Results
                    .Add(new($"status, {Clients} clients, {names} of a cluster", "one server alone", reads, alone.Reads, "/s", Goal.None));
                lab.Say($"{names}: {mails:0} mails/s, {reads:0} statuses/s; alone {alone.Mails:0} and {alone.Reads:0}");
                if (count == 2) await Events.Between(lab, nodes[0], nodes[1], "another node", Goal.Most(3));
            }
            finally
            {
                foreach (var node in nodes) await node.DisposeAsync();
            }
        }
    }

    /// <summary>What one client's requests, one after the other, cost PostgreSQL; what the node does besides is subtracted.</summary>
    private static async Task Transactions(Lab lab, string database, Team team)
    {
        var (one, other) = (team.Agents[0], team.Agents[1]);
        foreach (var (name, call) in new (string, Func<Task<Answer>>)[]
        {
            ("status", () => one.Get("/v1/status")), ("mail", () => one.Mail(other)), ("inbox", () => other.Get("/v1/messages/inbox")),
        })
        {
            for (var i = 0; i < 20; i++) await call();
            var (idle, _) = await Commits(static () => Task.Delay(Counted));
            var (busy, calls) = await Commits(async () =>
            {
                var until = DateTime.UtcNow + Counted;
                var made = 0;
                for (; DateTime.UtcNow < until; made++) await call();
                return made;
            });
            lab.Results
                .Add(new($"PostgreSQL transactions: {calls} × {name}, 1 node of a cluster", "requests", busy - idle, calls, "", Goal.None));
        }

        async Task<(long Commits, int Calls)> Commits<T>(Func<T> run) where T : Task
        {
            var before = await Counter();
            var running = run();
            await running;
            return (await Counter() - before, running is Task<int> counted ? await counted : 0);
        }

        async Task<long> Counter()
        {
            // Backends tell what they have done after a second.
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            return (long)(await PostgresCluster.Execute(database,
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"))!;
        }
    }

    private static async Task<(double Mails, double Reads)> Alone(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        var team = await Team.Create(server.Api, Agents);
        return (await Median(lab, () => Load(lab, [server], team, Mail)), await Median(lab, () => Statuses(lab, [server], team)));
    }

    /// <summary>The median of some rounds, after those that do not count: several nodes on few cores take long until their code is compiled
    /// for good.</summary>
    private static async Task<double> Median(Lab lab, Func<Task<double>> measure)
    {
        var warm = await measure();
        for (var i = 0; i < MostWarmUps; i++)
        {
            var now = await measure();
            if (now < warm * 1.05) break;
            warm = now;
        }

        var rounds = new List<double>();
        for (var i = 0; i < 3; i++) rounds.Add(await measure());
        return Measure.Median([.. rounds]);
    }

    /// <summary>The clients are divided among the nodes; what all together were answered a second.</summary>
    private static async Task<double> Load(Lab lab, IReadOnlyList<Host> nodes, Team team, string request) =>
        (await Task
            .WhenAll(nodes.Select(node =>
            Wrk.Run(lab, node.Port, "/", PostScript.Write(team.Agents, request), Clients / nodes.Count, lab.Options.Seconds))))
            .Sum(result => result.PerSecond);

    private static async Task<double> Statuses(Lab lab, IReadOnlyList<Host> nodes, Team team) =>
        (await Task
            .WhenAll(nodes.Select(node =>
            Wrk.Get(lab, node.Port, "/v1/status", team.Agent.Key, Clients / nodes.Count, lab.Options.Seconds))))
            .Sum(result => result.PerSecond);
}
