namespace Beadhub.Bench;

/// <summary>Writes with an <c>Idempotency-Key</c> acknowledged a second, against the same writes without one.</summary>
internal static class KeyedWrites
{
    private static readonly int[] Clients = [1, 16, 64];

    public static async Task Run(Lab lab)
    {
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        var team = await Team.Create(server.Api, agents: 16);

        await Against(lab, "mail", server, database, team, """
            path = "/v1/messages"
            body = '{"to_alias":"agent-'..(((caller + 1) % 16) + 1)..'","subject":"The sync, part '..n..'","body":"The sync fails when the network drops in the middle of an upload; retry it with a delay that grows, and tell the user after the third time."}'
            """);
        await Against(lab, "task", server, database, team, """
            path = "/v1/tasks"
            body = '{"title":"Retry the upload, part '..n..'"}'
            """);
        await Against(lab, "lock (acquire or release)", server, database, team, """
            -- Releases come late enough to find what they release, and soon enough that hardly any find nothing.
            local pair = math.floor(n / 32)
            if math.floor(n / 16) % 2 == 0 then
                path = "/v1/reservations"
                body = '{"resource_key":"src/'..run..'/'..pair..'/'..caller..'.cs","ttl_seconds":600}'
            else
                path = "/v1/reservations/release"
                body = '{"resource_key":"src/'..run..'/'..(pair - lag)..'/'..caller..'.cs"}'
            end
            """);
    }

    private static async Task Against(Lab lab, string name, Host server, string database, Team team, string request)
    {
        await Load(16, lab.Options.WarmUp, true)();
        foreach (var clients in Clients)
        {
            var seconds = lab.Options.Seconds;
            var medians = await Measure.Alternate(Math.Min(3, lab.Options.Rounds), Load(clients, seconds, true),
                Load(clients, seconds, false));
            var suffix = clients == 1 ? "1 client" : $"{clients} clients";
            lab.Results.Add(new($"keyed {name}, {suffix}", "the same without a key", medians[0], medians[1], "/s", Goal.Least(0.9)));
            lab.Say($"{name}, {suffix}: with a key {medians[0]:0}/s, without {medians[1]:0}/s");
        }

        Func<Task<double>> Load(int clients, int seconds, bool keyed) => async () =>
        {
            var before = await Writes.Stored(database);
            var run = PostScript.NextRun();
            var script = $"local run = {run}\nlocal lag = {(clients == 1 ? 0 : 16)}\n" + request
                + (keyed ? "\nkey = \"k-\"..run..\"-\"..n" : "");
            var result = await Wrk.Run(lab, server.Port, "/", PostScript.Write(team.Agents, script), clients, seconds);
            var stored = await Writes.Stored(database) - before;
            if (stored < (result.Requests - 1024) * 0.95)
                throw new InvalidOperationException($"{result.Requests} requests were acknowledged, but only {stored} events are stored.");
            return result.PerSecond;
        };
    }
}
