using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Beadhub.Silo.Administration;

/// <summary>
/// A log that an operator's command changes by statements of its own: held as a lone server holds it, which neither another server nor a
/// node of a cluster can be beside.
/// </summary>
internal sealed class HeldLog : IAsyncDisposable
{
    private readonly string _description;

    private HeldLog(DurableEventLog log, DbConnection connection, string description) =>
        (Log, Connection, _description) = (log, connection, description);

    /// <summary>The log as grains read it.</summary>
    public DurableEventLog Log { get; }

    /// <summary>For the command's statements.</summary>
    public DbConnection Connection { get; }

    /// <summary>The file of a log in SQLite; null for PostgreSQL.</summary>
    public string? SqliteFile => (Connection as SqliteConnection)?.DataSource;

    /// <summary>Takes the log for itself.</summary>
    /// <param name="url">Where the log is.</param>
    /// <param name="what">What would be done, to name it where a server runs.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="CommandFailedException">There is none, a server runs on it, or the rights on it do not suffice.</exception>
    public static async Task<HeldLog> Take(DatabaseUrl url, string what, CancellationToken cancellation)
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
                $"a server runs on {url.Description}: stop it, and all nodes of a cluster, before anything is {what}");
        }
        catch
        {
            if (held is not null) await held.DisposeAsync();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>The project with a slug or an id; null when there is none.</summary>
    public async Task<HeldProject?> Find(string slugOrId, CancellationToken cancellation)
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

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Log.DisposeAsync();
    }

    /// <summary>What was deleted must not lie about in free pages, nor in the journal.</summary>
    public async Task GiveBackSpace(CancellationToken cancellation)
    {
        if (SqliteFile is not null)
        {
            await Execute("VACUUM", cancellation);
            await Execute("PRAGMA wal_checkpoint(TRUNCATE)", cancellation);
        }
        else
        {
            await Execute("VACUUM events, snapshots", cancellation);
        }
    }

    public async Task<long> Count(string sql, CancellationToken cancellation, params (string Name, object Value)[] values) =>
        Convert.ToInt64(await Value(sql, cancellation, values), CultureInfo.InvariantCulture);

    public async Task<object?> Value(string sql, CancellationToken cancellation, params (string Name, object Value)[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteScalarAsync(cancellation);
    }

    public async Task<long> Execute(string sql, CancellationToken cancellation, params (string Name, object Value)[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>All rows of a query.</summary>
    public async Task<List<T>> Rows<T>(string sql, Func<DbDataReader, T> row, CancellationToken cancellation,
        params (string Name, object Value)[] values)
    {
        await using var command = Command(sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(row(reader));
        return rows;
    }

    /// <summary>A time as the store keeps it.</summary>
    public object Stored(DateTimeOffset at) => SqliteFile is null ? at.UtcDateTime : SqliteTime.Store(at.UtcDateTime);

    /// <summary>A time that the store has kept.</summary>
    public DateTimeOffset Time(DbDataReader row, int column) =>
        SqliteFile is null ? new(row.GetDateTime(column)) : SqliteTime.Restore(row.GetInt64(column));

    public CommandFailedException Failed(DbException e) =>
        new($"{_description} refuses: {(e as PostgresException)?.MessageText ?? e.Message}; nothing was changed");

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
            ApplicationName = "beadhub operator" };
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

    private DbCommand Command(string sql, (string Name, object Value)[] values)
    {
        var command = Connection.CreateCommand();
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

/// <summary>A project in the log.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Slug">Its slug.</param>
/// <param name="Events">How many events it has.</param>
internal sealed record HeldProject(string Id, string Slug, long Events);
