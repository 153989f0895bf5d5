using System.Runtime.CompilerServices;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo.Doctor;

/// <summary>All checks, in the order in which one thing stands on the other.</summary>
internal static class Examination
{
    /// <summary>Examines what the settings lead to.</summary>
    /// <param name="variable">Environment variables.</param>
    /// <param name="database">Overrides the database's URL.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async IAsyncEnumerable<Finding> Run(
        Func<string, string?> variable, string? database, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (settings, findings) = ReadSettings(variable, database);
        foreach (var finding in findings) yield return finding;
        if (settings is null) yield break;

        if (Understand(settings.DatabaseUrl, out var url) is { } unclear)
        {
            yield return unclear;
        }
        else if (url!.SqlitePath is { } path)
        {
            if (settings.Cluster)
                yield return Finding.Fail("cluster", "SQLite serves one node",
                    "Set BEADHUB_DATABASE_URL to postgres://…, or BEADHUB_CLUSTER to false.");
            if (PathChecks.Database(settings.DatabaseUrl, path) is { } relative) yield return relative;
            foreach (var finding in SqliteChecks.Run(path)) yield return finding;
        }
        else
        {
            await foreach (var finding in PostgresChecks.Run(url, settings.Cluster, cancellation)) yield return finding;
        }

        if (await PathChecks.Backups(settings, cancellation) is { } backups) yield return backups;
        await foreach (var finding in RedisChecks.Run(settings, cancellation)) yield return finding;
        await foreach (var finding in MeshChecks.Run(settings.Gateway.Mesh, cancellation)) yield return finding;
        yield return await PortCheck.Run(settings, cancellation);
        yield return OpenFilesCheck.Run();
    }

    private static (Settings? Settings, List<Finding> Findings) ReadSettings(Func<string, string?> variable, string? database)
    {
        try
        {
            var (settings, unknown) = Variables.Read(variable);
            return (database is null ? settings : settings with { DatabaseUrl = database },
            [
                unknown.IsEmpty
                    ? Finding.Ok("settings", "all can be read")
                    : Finding.Warn("settings", $"unknown: {string.Join(", ", unknown)}",
                        "It has no effect: correct its name, or remove it. docs/operations.md lists all."),
            ]);
        }
        catch (SettingsException e)
        {
            return (null, [Finding.Fail("settings", e.Message, "Correct the variable; docs/operations.md says what each may hold.")]);
        }
    }

    private static Finding? Understand(string text, out DatabaseUrl? url)
    {
        try
        {
            url = DatabaseUrl.Parse(text);
            return null;
        }
        catch (ArgumentException e)
        {
            url = null;
            return Finding.Fail("database", e.Message, "Correct BEADHUB_DATABASE_URL.");
        }
    }
}
