using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>Mail, locks and claim-next acknowledged a second, against one-row transactions on the same PostgreSQL.</summary>
internal static class CoordinationWrites
{
    private const int Agents = 16;
    private static readonly int[] Clients = [1, 16, 64];

    public static async Task Run(Lab lab)
    {
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        var team = await Team.Create(server.Api, Agents);

        await team.Agents[0].Post("/v1/messages",
            new { to_alias = "agent-2", subject = "first", body = "A mail of ordinary size. " + new string('x', 200) }).Ok();
        await Against(lab, "mail", database, clients => (seconds) => Load(lab, server, database, team, clients, seconds, events: 1, """
            path = "/v1/messages"
            body = '{"to_alias":"agent-'..(((caller + 1) % 16) + 1)..'","subject":"The sync, part '..n..'","body":"The sync fails when the network drops in the middle of an upload; retry it with a delay that grows, and tell the user after the third time."}'
            """));

        // A lock is released 512 requests after it was taken, by the agent that holds it.
        await Against(lab, "lock (acquire or release)", database, clients =>
        {
            var run = PostScript.NextRun();
            return seconds => Load(lab, server, database, team, clients, seconds, events: 0.95, $"local run = {run}\n" + """
                local pair = math.floor(n / 32)
                if math.floor(n / 16) % 2 == 0 then
                    path = "/v1/reservations"
                    body = '{"resource_key":"src/'..run..'/'..pair..'/'..caller..'.cs","ttl_seconds":600,"metadata":{"reason":"auto-reserve"}}'
                else
                    path = "/v1/reservations/release"
                    body = '{"resource_key":"src/'..run..'/'..(pair - 16)..'/'..caller..'.cs"}'
                end
                """, settle: 1024);
        });
    }

    /// <summary>Each run drains a project of its own, which has more ready beads than the run can take.</summary>
    public static async Task ClaimNext(Lab lab)
    {
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        await Against(lab, "claim-next", database, clients => async seconds =>
        {
            var team = await (await Team.Create(server.Api, Agents)).WithPlainIssues(seconds * (clients == 1 ? 5_000 : 20_000));
            return await Load(lab, server, database, team, clients, seconds, events: 1, """
                path = "/v1/beads/claim-next"
                body = "{}"
                """);
        });
    }

    private static async Task Against(Lab lab, string name, string database, Func<int, Func<int, Task<double>>> load)
    {
        await load(16)(lab.Options.WarmUp);
        var inserts = await PgBench.Like(lab, database);
        await inserts.Run(16, 1);
        foreach (var clients in Clients)
        {
            var seconds = lab.Options.Seconds;
            var medians = await Measure.Alternate(Math.Min(3, lab.Options.Rounds), () => load(clients)(seconds), () =>
                inserts.Run(clients, seconds));
            var suffix = clients == 1 ? "1 client" : $"{clients} clients";
            lab.Results.Add(new($"{name}, {suffix}", "pgbench insert", medians[0], medians[1], "/s", Goal.OfWrites(clients)));
            lab.Say($"{name}, {suffix}: {medians[0]:0}/s, insert {medians[1]:0}/s");
        }
    }

    /// <param name="lab">The bench.</param>
    /// <param name="server">Where to send.</param>
    /// <param name="database">The server's database.</param>
    /// <param name="team">Who sends.</param>
    /// <param name="clients">Connections.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="events">Events that a request must at least leave in the log: what was acknowledged and is not there fails the
    /// run.</param>
    /// <param name="request">Lua.</param>
    /// <param name="settle">Requests of the run that may leave none.</param>
    private static async Task<double> Load(Lab lab, Host server, string database, Team team, int clients, int seconds, double events,
        string request, int settle = 0)
    {
        var before = await Writes.Stored(database);
        var result = await Wrk.Run(lab, server.Port, "/", PostScript.Write(team.Agents, request), clients, seconds);
        var stored = await Writes.Stored(database) - before;
        if (stored < (result.Requests - settle) * events)
            throw new InvalidOperationException($"{result.Requests} requests were acknowledged, but only {stored} events are stored.");
        return result.PerSecond;
    }
}
