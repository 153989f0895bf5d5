using System.Globalization;
using System.Text.RegularExpressions;
using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Bench;

/// <summary>PostgreSQL's own load generator, inserting one row a transaction.</summary>
internal sealed class PgBench
{
    private readonly string _script;
    private readonly NpgsqlConnectionStringBuilder _database;

    private PgBench(string script, NpgsqlConnectionStringBuilder database) => (_script, _database) = (script, database);

    /// <summary>
    /// Makes an empty table with the columns, keys and indexes of a server's event table, in a database of its own, and a script that
    /// inserts a row like the server's newest one.
    /// </summary>
    public static async Task<PgBench> Like(Lab lab, string serverDatabase)
    {
        await using var from = await PostgresCluster.Connect(serverDatabase);
        await using var newest = new NpgsqlCommand("SELECT project, kind, key, type, data FROM events ORDER BY at DESC LIMIT 1", from);
        string project, kind, key, type, data;
        await using (var row = await newest.ExecuteReaderAsync())
        {
            await row.ReadAsync();
            (project, kind, key, type, data) = (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4));
        }

        var database = await lab.Database();
        await PostgresCluster.Execute(database, EventTable.Create + "CREATE SEQUENCE positions CACHE 100;");
        var script = Path.Combine(lab.Folder(), "insert.sql");
        await File.WriteAllTextAsync(script, $"""
            \set rowversion random(1, 9000000000000000000)
            INSERT INTO events (project, position, kind, key, version, type, data, at)
            VALUES ({Quote(project)}, nextval('positions'), {Quote(kind)}, {Quote(key)}, :rowversion, {Quote(type)}, {Quote(data)}, now());
            """);
        await using var connection = await PostgresCluster.Connect(database);
        return new(script, new(connection.ConnectionString));
    }

    /// <returns>Transactions a second.</returns>
    public async Task<double> Run(int clients, int seconds)
    {
        var output = await Tool.Run(TimeSpan.FromSeconds(seconds + 30), Program, "-n", "-f", _script, "-c", $"{clients}", "-j",
            $"{Math.Min(2, clients)}",
            "-T", $"{seconds}", "-h", _database.Host!, "-p", $"{_database.Port}", "-U", _database.Username!, _database.Database!);
        var tps = Regex.Match(output, @"tps = ([0-9.]+)");
        return tps.Success ? double.Parse(tps.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException(output);
    }

    private static string Program =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(folder => Path.Combine(folder, "bin", "pgbench"))
                .LastOrDefault(File.Exists) ?? "pgbench"
            : "pgbench";

    private static string Quote(string text) => $"'{text.Replace("'", "''")}'";
}
