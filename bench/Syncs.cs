using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Bench;

/// <summary>A full sync of 10,000 issues against PostgreSQL's COPY, and the same sync again against parsing its bytes.</summary>
internal static class Syncs
{
    private const int Count = 10_000;
    private const double MostMemory = 250;

    public static async Task Run(Lab lab)
    {
        var database = await lab.Database();
        await using var server = await lab.Server(database);
        using var connection = new HttpConnection(server.Port);
        var issues = Team.IssueFile(Count, "x");
        var jsonl = Encoding.UTF8.GetBytes(issues);
        var (request, body) = await Fresh(server, issues);
        Send(connection, request);
        List<EventRow> rows;
        await using (var reader = await PostgresCluster.Connect(database))
            rows = await EventRow.All(reader);
        await using var copyTo = await PostgresCluster.Connect(await lab.Database());

        async Task<double> Full()
        {
            (request, _) = await Fresh(server, issues);
            return Seconds(() => Send(connection, request));
        }
        Task<double> Again() => Task.FromResult(Seconds(() => Send(connection, request)));
        Task<double> ParseLines() => Task.FromResult(Seconds(() => ParseEachLine(jsonl)));
        Task<double> ParseBody() => Task.FromResult(Seconds(() => JsonDocument.Parse(body).Dispose()));

        Func<Task<double>>[] all = [Full, () => Copy(copyTo, rows), Again, ParseLines, ParseBody];
        await Measure.Alternate(lab.Options.Quick ? 2 : 5, all);
        var memory = server.Memory();
        var medians = await Measure.Alternate(lab.Options.Rounds, all);
        lab.Results
            .Add(new($"full sync of {Count:#,0} issues ({body.Length / 1e6:0.0} MB)", $"COPY of the {rows.Count:#,0} event rows",
            medians[0], medians[1], "s", Goal.Most(3)));
        lab.Results.Add(new($"the same again, unchanged", "parsing each line", medians[2], medians[3], "s", Goal.Most(2)));
        lab.Results.Add(new($"the same again, unchanged", "parsing the HTTP body only", medians[2], medians[4], "s", Goal.None));
        lab.Results.Orient($"full sync of {Count:#,0} issues", medians[0], 2.6, "s", Goal.Most(0.2));
        lab.Results.Orient("memory after such syncs", Math.Max(memory, server.Memory()) / 1e6, 84, "MB", Goal.None);
        await Memory(lab, issues);
        lab.Say($"full {medians[0] * 1000:0} ms, copy {medians[1] * 1000:0} ms, again {medians[2] * 1000:0} ms, lines "
            + $"{medians[3] * 1000:0} ms, body {medians[4] * 1000:0} ms");
    }

    /// <summary>What a server holds after full syncs of ten projects, each of 10,000 issues.</summary>
    private static async Task Memory(Lab lab, string issues)
    {
        const int projects = 10;
        await using var server = await lab.Server(await lab.Database());
        using var connection = new HttpConnection(server.Port);
        for (var i = 0; i < projects; i++) Send(connection, (await Fresh(server, issues)).Request);
        lab.Results.Add(new($"memory after syncs of {projects} × {Count:#,0} issues", "the limit", server.Memory() / 1e6, MostMemory, "MB",
            Goal.Most(1)));
    }

    /// <summary>A sync of these issues to a project that has none.</summary>
    private static async Task<(byte[] Request, byte[] Body)> Fresh(Host server, string issues)
    {
        var team = await Team.Create(server.Api);
        var body = Team.SyncBody(team.Agent, "full", issues);
        return (HttpConnection.Post("/v1/bdh/sync", team.Agent.Key, body), body);
    }

    private static void Send(HttpConnection connection, byte[] request)
    {
        if (connection.Send(request) is not 200 and var status)
            throw new InvalidOperationException($"A full sync was answered with {status}.");
    }

    private static void ParseEachLine(ReadOnlyMemory<byte> jsonl)
    {
        while (jsonl.Length > 0)
        {
            var end = jsonl.Span.IndexOf((byte)'\n');
            JsonDocument.Parse(jsonl[..end]).Dispose();
            jsonl = jsonl[(end + 1)..];
        }
    }

    /// <summary>Writes the rows of a full sync into an empty table with the event table's columns and primary key.</summary>
    private static async Task<double> Copy(NpgsqlConnection connection, List<EventRow> rows)
    {
        await using (var table = new NpgsqlCommand("DROP TABLE IF EXISTS events; "
            + EventTable.Create.Replace("(project, position),", "(project, position)").Replace("UNIQUE (kind, key, version)", ""),
            connection))
            await table.ExecuteNonQueryAsync();

        var watch = Stopwatch.StartNew();
        await using var import = await connection.BeginBinaryImportAsync("COPY events FROM STDIN (FORMAT BINARY)");
        foreach (var row in rows)
            await row.Write(import);
        await import.CompleteAsync();
        return watch.Elapsed.TotalSeconds;
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
