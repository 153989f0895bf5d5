using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Sqlite;
using Beadhub.Hosting.Search;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

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
internal sealed class Erasure : IAsyncDisposable
{
    // What belongs to no project, and in which kinds of streams it names one.
    private const string Instance = "-";
    private const string OfOne = "kind IN ('directory', 'api_key')";

    // In place of an event of a stream that others use too.
    private const string Emptied = """{"project_id":"","at":"2000-01-01T00:00:00+00:00"}""";

    private readonly DurableEventLog _held;
    private readonly DbConnection _connection;
    private readonly string _description;

    private Erasure(DurableEventLog held, DbConnection connection, string description) =>
        (_held, _connection, _description) = (held, connection, description);

    /// <summary>Takes the log for itself.</summary>
    /// <exception cref="CommandFailedException">There is none, a server runs on it, or the rights on it do not suffice.</exception>
    public static async Task<Erasure> Begin(DatabaseUrl url, CancellationToken cancellation)
    {
        var (connection, database) = url.SqlitePath is { } path ? (Sqlite(path), $"sqlite:{path}") : await Postgres(url, cancellation);
        DurableEventLog? held = null;
        try
        {
            // As a lone server would: it waits a moment for one that was told to stop.
            held = await EventLogStore.Open(database, cluster: false, new Nobody(), NullLoggerFactory.Instance, TimeProvider.System,
                cancellation);
            if (connection.State != System.Data.ConnectionState.Open) await connection.OpenAsync(cancellation);
            return new(held, connection, url.Description);
        }
        catch (EventLogInUseException)
        {
            await connection.DisposeAsync();
            throw new CommandFailedException(
                $"a server runs on {url.Description}: stop it, and all nodes of a cluster, before anything is erased");
        }
        catch
        {
            if (held is not null) await held.DisposeAsync();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>The project with a slug or an id; null when there is none.</summary>
    public async Task<ErasedProject?> Find(string slugOrId, CancellationToken cancellation)
    {
        try
        {
            var named = await Value("SELECT data FROM events WHERE kind = 'directory' AND key = @key AND version = 1", cancellation,
                ("key", slugOrId)) as string;
            var id = named is not null ? Read(named, "project_id") : Names.TryNormalizeUuid(slugOrId, out var uuid) ? uuid : null;
            if (id is null) return null;
            var events = Convert.ToInt64(await Value("SELECT count(*) FROM events WHERE project = @id", cancellation, ("id", id)),
                CultureInfo.InvariantCulture);
            var created = await Value("SELECT data FROM events WHERE kind = 'project' AND key = @id AND version = 1", cancellation,
                ("id", id)) as string;
            // A name that was taken while its project could not be made is all that there is of it.
            if (created is null && named is null && events == 0) return null;
            return new(id, (created is null ? null : Read(created, "slug")) ?? slugOrId, events);
        }
        catch (DbException e)
        {
            throw Failed(e);
        }
    }

    /// <summary>Removes it, all or nothing, and counts what is left.</summary>
    /// <exception cref="CommandFailedException">Something was left, or the store refused; nothing was changed then.</exception>
    public async Task<Erased> Run(ErasedProject project, CancellationToken cancellation)
    {
        try
        {
            Erased erased;
            var names = new (string, object)[] { ("id", project.Id), ("named", $"%\"project_id\":\"{project.Id}\"%"),
                ("any", $"%{project.Id}%"), ("emptied", Emptied) };
            if (_connection is SqliteConnection) await Execute("PRAGMA secure_delete = ON", cancellation);
            await using (var transaction = await _connection.BeginTransactionAsync(cancellation))
            {
                const string Named = $"SELECT kind, key FROM events WHERE project = '{Instance}' AND data LIKE @named";
                var keys =
                    await Count(
                    $"SELECT count(DISTINCT key) FROM events WHERE project = '{Instance}' AND kind = 'api_key' AND data LIKE @named",
                    cancellation, names);
                var slugs =
                    await Count(
                    $"SELECT count(DISTINCT key) FROM events WHERE project = '{Instance}' AND kind = 'directory' AND data LIKE @named",
                    cancellation, names);
                var origins =
                    await Count($"SELECT count(*) FROM events WHERE project = '{Instance}' AND kind = 'origin' AND data LIKE @named",
                    cancellation, names);
                // A repository that nobody else ever used goes with its name.
                const string Others = "SELECT key FROM events WHERE kind = 'origin' AND data NOT LIKE @named AND data NOT LIKE @emptied";
                await Execute($"DELETE FROM snapshots WHERE kind = 'origin' AND (kind, key) IN ({Named})", cancellation, names);
                foreach (var table in new[] { "snapshots", "events" })
                {
                    // The snapshots first: the events say which they are.
                    await Execute($"DELETE FROM {table} WHERE {OfOne} AND (kind, key) IN ({Named})", cancellation, names);
                    await Execute($"DELETE FROM {table} WHERE kind = 'origin' AND (kind, key) IN ({Named}) AND key NOT IN ({Others})",
                        cancellation, names);
                }

                await Execute(
                    $"UPDATE events SET type = 'origin.left.v1', data = @emptied WHERE project = '{Instance}' AND kind = 'origin' AND "
                    + $"data LIKE @named", cancellation, names);
                var streams = await Count("SELECT count(*) FROM events WHERE project = @id AND version = 1", cancellation, names);
                var marks = await Count("SELECT count(*) FROM events WHERE project = @id AND mark IS NOT NULL", cancellation, names);
                var events = await Execute("DELETE FROM events WHERE project = @id", cancellation, names);
                await Execute("DELETE FROM snapshots WHERE project = @id", cancellation, names);
                if (_connection is NpgsqlConnection && await Value("SELECT to_regclass('search_documents')::text", cancellation) is string)
                {
                    await Execute("DELETE FROM search_documents WHERE project = @id", cancellation, names);
                    await Execute("DELETE FROM search_positions WHERE project = @id", cancellation, names);
                }

                // Other projects' members may have written the id down; that is theirs.
                const string Left =
                    $"""
                    SELECT (SELECT count(*) FROM events WHERE project = @id) + (SELECT count(*) FROM snapshots WHERE project = @id)
                        + (SELECT count(*) FROM events WHERE project = '{Instance}' AND (data LIKE @any OR key LIKE @any))
                        + (SELECT count(*) FROM snapshots WHERE project = '{Instance}' AND (snapshot LIKE @any OR key LIKE @any))
                    """;
                if (await Count(Left, cancellation, names) is > 0 and var left)
                    throw new CommandFailedException(
                        $"{left} rows of the project would be left, of a kind that this version does not know; nothing was changed");
                var mentions = await Count("SELECT count(*) FROM events WHERE data LIKE @any OR key LIKE @any", cancellation, names);
                await transaction.CommitAsync(cancellation);
                erased = new(events, streams, marks, slugs, keys, origins, mentions);
            }

            // The search index is made anew from what is left.
            if (_connection is SqliteConnection { DataSource: var log })
                foreach (var end in new[] { "", "-wal", "-shm" }) File.Delete(SqliteSearchIndex.Beside(log) + end);
            await GiveBackSpace(cancellation);
            return erased;
        }
        catch (DbException e)
        {
            throw Failed(e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _held.DisposeAsync();
    }

    // What was deleted must not lie about in free pages, nor in the journal.
    private async Task GiveBackSpace(CancellationToken cancellation)
    {
        if (_connection is SqliteConnection)
        {
            await Execute("VACUUM", cancellation);
            await Execute("PRAGMA wal_checkpoint(TRUNCATE)", cancellation);
        }
        else
        {
            await Execute("VACUUM events, snapshots", cancellation);
        }
    }

    private static DbConnection Sqlite(string path)
    {
        if (!File.Exists(path)) throw new CommandFailedException($"there is no event log at sqlite {path}");
        return SqliteDatabase.Open(path, write: true);
    }

    /// <summary>
    /// A connection to the log, and the URL of it: the tables may be in the schema of <c>roles.sql</c>, where the owner does not look by
    /// itself.
    /// </summary>
    private static async Task<(DbConnection, string)> Postgres(DatabaseUrl url, CancellationToken cancellation)
    {
        var settings = new NpgsqlConnectionStringBuilder(url.ConnectionString) { Pooling = false, Enlist = false, CommandTimeout = 0,
            ApplicationName = "beadhub erase" };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellation);
            var schema =
                await Ask(
                "SELECT CASE WHEN to_regclass('events') IS NOT NULL THEN '' WHEN to_regclass('beadhub.events') IS NOT NULL THEN "
                + "'beadhub' END") as string
                ?? throw new CommandFailedException($"there is no event log at {url.Description}");
            if (schema.Length > 0)
            {
                await Ask("SET search_path = beadhub");
                settings.Options = $"{settings.Options} -c search_path=beadhub".Trim();
            }

            if (await Ask(
                "SELECT has_table_privilege('events', 'DELETE') AND has_table_privilege('events', 'UPDATE') AND "
                + "has_table_privilege('snapshots', 'DELETE')") is not true)
                throw new CommandFailedException(
                    $"{settings.Username} may not delete in {url.Description}: connect as the owner of the tables, or as a superuser");
            settings.CommandTimeout = 30;
            settings.ApplicationName = "beadhub";
            return (connection, settings.ConnectionString);
        }
        catch (Exception e) when (e is NpgsqlException or System.Net.Sockets.SocketException or TimeoutException)
        {
            await connection.DisposeAsync();
            throw new CommandFailedException(
                $"{url.Description} cannot be asked: {(e as PostgresException)?.MessageText ?? (e.InnerException ?? e).Message}");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        async Task<object?> Ask(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(cancellation);
        }
    }

    private async Task<long> Count(string sql, CancellationToken cancellation, params (string Name, object Value)[] values) =>
        Convert.ToInt64(await Value(sql, cancellation, values), CultureInfo.InvariantCulture);

    private async Task<object?> Value(string sql, CancellationToken cancellation, params (string Name, object Value)[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteScalarAsync(cancellation);
    }

    private async Task<long> Execute(string sql, CancellationToken cancellation, params (string Name, object Value)[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private DbCommand Command(string sql, (string Name, object Value)[] values)
    {
        var command = _connection.CreateCommand();
        (command.CommandText, command.CommandTimeout) = (sql, 0);
        foreach (var (name, value) in values)
        {
            // Neither library likes parameters that its statement does not have.
            if (!sql.Contains($"@{name}", StringComparison.Ordinal)) continue;
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private CommandFailedException Failed(DbException e) =>
        new($"{_description} refuses: {(e as PostgresException)?.MessageText ?? e.Message}; nothing was changed");

    private static string? Read(string data, string field)
    {
        using var document = JsonDocument.Parse(data);
        return document.RootElement.TryGetProperty(field, out var value) ? value.GetString() : null;
    }

    private sealed class Nobody : IFeedPublisher
    {
        public void Publish(string project, IReadOnlyList<Beadhub.Feed.FeedEvent> events) { }
    }
}

/// <summary>A project that is to be erased.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Slug">Its slug.</param>
/// <param name="Events">How many events it has.</param>
internal sealed record ErasedProject(string Id, string Slug, long Events);

/// <summary>
/// What was removed: rows of the project, its names and keys, and what other projects' members have written that mentions its id.
/// </summary>
internal sealed record Erased(long Events, long Streams, long Marks, long Names, long Keys, long Origins, long Mentions);
