using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>Durable writes acknowledged a second, against one-row transactions on the same PostgreSQL.</summary>
internal static class Writes
{
    private const int Beads = 1024;
    private static readonly int[] Clients = [1, 16, 64];

    public static async Task Run(Lab lab)
    {
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        var team = await (await Team.Create(server.Api, agents: 16)).WithPlainIssues(Beads);

        Func<Task<double>> Syncs(bool claims, int clients, int seconds) => async () =>
        {
            var before = await Stored(database);
            var result = await Wrk.Run(lab, server.Port, "/v1/bdh/sync", SyncScript.Write([team], Beads, claims), clients, seconds);
            var stored = await Stored(database) - before;
            if (stored < result.Requests)
                throw new InvalidOperationException($"{result.Requests} syncs were acknowledged, but only {stored} events are stored.");
            return result.PerSecond;
        };

        await Measure.Alternate(1, Syncs(false, 16, lab.Options.WarmUp), Syncs(true, 16, lab.Options.WarmUp));
        await team.Agent.Run("update w-0", SyncScript.IssueId(0), "open");
        var inserts = await PgBench.Like(lab, database);
        await inserts.Run(16, 1);
        foreach (var clients in Clients)
        {
            var seconds = lab.Options.Seconds;
            var medians = await Measure.Alternate(lab.Options.Rounds, Syncs(false, clients, seconds), () => inserts.Run(clients, seconds),
                Syncs(true, clients, seconds));
            var goal = Goal.OfWrites(clients);
            var suffix = clients == 1 ? "1 client" : $"{clients} clients";
            lab.Results.Add(new($"one-issue sync, {suffix}", "pgbench insert", medians[0], medians[1], "/s", goal));
            lab.Results.Add(new($"one-issue sync with claim, {suffix}", "pgbench insert", medians[2], medians[1], "/s",
                clients == 1 ? Goal.Least(0.5) : goal));
            if (clients == 16) lab.Results.Orient("one-issue sync, 16 clients", medians[0], 600, "/s", Goal.Least(5));
            lab.Say($"{suffix}: sync {medians[0]:0}/s, with claim {medians[2]:0}/s, insert {medians[1]:0}/s");
        }
    }

    /// <summary>How many events the server's log holds.</summary>
    public static async Task<long> Stored(string database) =>
        (long)(await PostgresCluster.Execute(database, "SELECT count(*) FROM events"))!;
}
