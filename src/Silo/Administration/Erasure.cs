using System.Data.Common;
using Beadhub.Hosting.Search;

namespace Beadhub.Silo.Administration;

/// <summary>
/// Removes a project from a log: its own rows, and what the instance keeps of it (its names, its keys, its uses of repositories). The log
/// is written by nobody else meanwhile: it is held as a lone server holds it, which neither another server nor a node of a cluster can be
/// beside.
/// </summary>
/// <remarks>
/// In the streams that the project shares with others, the uses of repositories, its events are not taken out, which would tear their
/// versions, but emptied: they then say that nobody left. Snapshots of these streams go, and are made anew from the events.
/// </remarks>
internal sealed class Erasure(HeldLog held)
{
    // What belongs to no project, and in which kinds of streams it names one.
    private const string Instance = "-";
    private const string OfOne = "kind IN ('directory', 'api_key')";

    // In place of an event of a stream that others use too.
    private const string Emptied = """{"project_id":"","at":"2000-01-01T00:00:00+00:00"}""";

    /// <summary>Removes it, all or nothing, and counts what is left.</summary>
    /// <exception cref="CommandFailedException">Something was left, or the store refused; nothing was changed then.</exception>
    public async Task<Erased> Run(HeldProject project, CancellationToken cancellation)
    {
        try
        {
            Erased erased;
            var names = new (string, object)[] { ("id", project.Id), ("named", $"%\"project_id\":\"{project.Id}\"%"),
                ("any", $"%{project.Id}%"), ("emptied", Emptied) };
            if (held.SqliteFile is not null) await held.Execute("PRAGMA secure_delete = ON", cancellation);
            await using (var transaction = await held.Connection.BeginTransactionAsync(cancellation))
            {
                const string Named = $"SELECT kind, key FROM events WHERE project = '{Instance}' AND data LIKE @named";
                var keys =
                    await held.Count(
                    $"SELECT count(DISTINCT key) FROM events WHERE project = '{Instance}' AND kind = 'api_key' AND data LIKE @named",
                    cancellation, names);
                var slugs =
                    await held.Count(
                    $"SELECT count(DISTINCT key) FROM events WHERE project = '{Instance}' AND kind = 'directory' AND data LIKE @named",
                    cancellation, names);
                var origins =
                    await held.Count($"SELECT count(*) FROM events WHERE project = '{Instance}' AND kind = 'origin' AND data LIKE @named",
                    cancellation, names);
                // A repository that nobody else ever used goes with its name.
                const string Others = "SELECT key FROM events WHERE kind = 'origin' AND data NOT LIKE @named AND data NOT LIKE @emptied";
                await held.Execute($"DELETE FROM snapshots WHERE kind = 'origin' AND (kind, key) IN ({Named})", cancellation, names);
                foreach (var table in new[] { "snapshots", "events" })
                {
                    // The snapshots first: the events say which they are.
                    await held.Execute($"DELETE FROM {table} WHERE {OfOne} AND (kind, key) IN ({Named})", cancellation, names);
                    await held.Execute($"DELETE FROM {table} WHERE kind = 'origin' AND (kind, key) IN ({Named}) AND key NOT IN ({Others})",
                        cancellation, names);
                }

                await held.Execute(
                    $"UPDATE events SET type = 'origin.left.v1', data = @emptied WHERE project = '{Instance}' AND kind = 'origin' AND "
                    + $"data LIKE @named", cancellation, names);
                var streams = await held.Count("SELECT count(*) FROM events WHERE project = @id AND version = 1", cancellation, names);
                var marks = await held.Count("SELECT count(*) FROM events WHERE project = @id AND mark IS NOT NULL", cancellation, names);
                var events = await held.Execute("DELETE FROM events WHERE project = @id", cancellation, names);
                await held.Execute("DELETE FROM snapshots WHERE project = @id", cancellation, names);
                if (held.SqliteFile is null && await held.Value("SELECT to_regclass('search_documents')::text", cancellation) is string)
                {
                    await held.Execute("DELETE FROM search_documents WHERE project = @id", cancellation, names);
                    await held.Execute("DELETE FROM search_positions WHERE project = @id", cancellation, names);
                }

                // Other projects' members may have written the id down; that is theirs.
                const string Left =
                    $"""
                    SELECT (SELECT count(*) FROM events WHERE project = @id) + (SELECT count(*) FROM snapshots WHERE project = @id)
                        + (SELECT count(*) FROM events WHERE project = '{Instance}' AND (data LIKE @any OR key LIKE @any))
                        + (SELECT count(*) FROM snapshots WHERE project = '{Instance}' AND (snapshot LIKE @any OR key LIKE @any))
                    """;
                if (await held.Count(Left, cancellation, names) is > 0 and var left)
                    throw new CommandFailedException(
                        $"{left} rows of the project would be left, of a kind that this version does not know; nothing was changed");
                var mentions = await held.Count("SELECT count(*) FROM events WHERE data LIKE @any OR key LIKE @any", cancellation, names);
                await transaction.CommitAsync(cancellation);
                erased = new(events, streams, marks, slugs, keys, origins, mentions);
            }

            // The search index is made anew from what is left.
            if (held.SqliteFile is { } log)
                foreach (var end in new[] { "", "-wal", "-shm" }) File.Delete(SqliteSearchIndex.Beside(log) + end);
            await held.GiveBackSpace(cancellation);
            return erased;
        }
        catch (DbException e)
        {
            throw held.Failed(e);
        }
    }
}

/// <summary>
/// What was removed: rows of the project, its names and keys, and what other projects' members have written that mentions its id.
/// </summary>
internal sealed record Erased(long Events, long Streams, long Marks, long Names, long Keys, long Origins, long Mentions);
