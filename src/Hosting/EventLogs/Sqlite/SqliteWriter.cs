using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>
/// Writes batches over the database's one writing connection. Versions and marks are looked up before, so a conflict costs its own append
/// and
/// nothing else.
/// </summary>
internal sealed class SqliteWriter(SqliteFile file, EventLogOptions options) : IBatchWriter
{
    private readonly Dictionary<string, long> _heads = [];
    private SqliteConnection? _connection;
    private bool _wasOpen;
    private SqliteStatement _beginTransaction = null!;
    private SqliteStatement _commit = null!;
    private SqliteStatement _version = null!;
    private SqliteStatement _head = null!;
    private SqliteStatement _insert = null!;
    private SqliteStatement _save = null!;
    private SqliteStatement _isMarked = null!;
    private SqliteStatement _find = null!;

    public void Connect()
    {
        if (_connection is not null) return;
        // Opening by name could make another database where this one was.
        if (_wasOpen) file.Check();
        SqliteConnection? connection = null;
        try
        {
            connection = SqliteDatabase.Open(file.Path, write: true);
            SqliteDatabase.ApplySchema(connection, file.Description);
            if (options.MaxSqlitePages is { } pages) SqliteDatabase.Execute(connection, $"PRAGMA max_page_count = {pages}");
            _beginTransaction = new(connection, "BEGIN IMMEDIATE");
            _commit = new(connection, "COMMIT");
            _version = new(connection, SqliteReader.NewestVersion);
            _head = new(connection, SqliteReader.NewestPosition);
            _insert = new(connection,
                "INSERT INTO events (project, position, kind, key, version, type, data, at, mark) VALUES ($1, $2, $3, $4, $5, $6, "
                    + "$7, $8, $9)");
            _save = new(connection, """
                INSERT INTO snapshots (kind, key, project, version, snapshot) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, snapshot = excluded.snapshot
                """);
            _isMarked = new(connection, "SELECT 1 FROM events WHERE project = $1 AND mark = $2");
            _find = new(connection, """
                SELECT position, version, type, data, at FROM events
                WHERE kind = $1 AND key = $2 AND version = coalesce((SELECT version FROM events WHERE project = $3 AND mark = $4), $5)
                """);
            _connection = connection;
            _wasOpen = true;
        }
        catch (SqliteException error)
        {
            connection?.Dispose();
            throw file.Unavailable(error);
        }
    }

    public void Write(IReadOnlyList<PendingAppend> batch)
    {
        try
        {
            if (_connection is null) Connect();
            file.Check();
            _heads.Clear();
            _beginTransaction.Execute();
            foreach (var pending in batch) Write(pending);
            _commit.Execute();
            // What went into a file that nobody finds again is not acknowledged.
            file.Check();
        }
        catch (SqliteException bad) when (SqliteErrors.IsBadData(bad))
        {
            Undo();
            throw new BadAppendException($"The event log refuses an append: {bad.Message}", bad);
        }
        catch (SqliteException error)
        {
            Undo();
            throw file.Unavailable(error);
        }
    }

    public void Find(IReadOnlyList<PendingAppend> appends)
    {
        try
        {
            if (_connection is null) Connect();
            file.Check();
            foreach (var pending in appends)
            {
                var append = pending.Append;
                pending.FirstPosition = 0;
                using var row = _find.Read(
                    append.Stream.Kind, append.Stream.Key, append.Project, append.AnyVersion ? append.Events[0].Mark : null,
                    append.ExpectedVersion + 1);
                if (row.Read() && pending.IsFirst(row.GetString(2), row.GetString(3), SqliteTime.Restore(row.GetInt64(4)).UtcDateTime))
                    (pending.FirstPosition, pending.FirstVersion) = (row.GetInt64(0), row.GetInt64(1));
            }
        }
        catch (SqliteException error)
        {
            throw file.Unavailable(error);
        }
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private void Write(PendingAppend pending)
    {
        var append = pending.Append;
        var (kind, key) = append.Stream;
        pending.FirstPosition = 0;
        if (pending.HasMarks && append.Events.Any(e => e.Mark is not null && _isMarked.Number(append.Project, e.Mark) != 0)) return;
        var prior = _version.Number(kind, key);
        if (prior != append.ExpectedVersion && !append.AnyVersion) return;

        if (!_heads.TryGetValue(append.Project, out var head)) head = _head.Number(append.Project);
        for (var i = 0; i < append.Events.Count; i++)
        {
            var @event = append.Events[i];
            _insert.Execute(
                append.Project, head + i + 1, kind, key, prior + i + 1, @event.Type, @event.Data, SqliteTime.Store(pending.At(i)),
                @event.Mark);
        }
        if (append.Snapshot is not null && prior == append.ExpectedVersion)
            _save.Execute(kind, key, append.Project, pending.NewVersion, append.Snapshot);
        pending.FirstVersion = prior + 1;
        pending.FirstPosition = head + 1;
        _heads[append.Project] = head + append.Events.Count;
    }

    /// <summary>
    /// After a failure nothing may stay open. What cannot be rolled back is given up: a new connection finds the last commit.
    /// </summary>
    private void Undo()
    {
        if (_connection is null) return;
        try
        {
            // SQLite itself rolls back on some errors; then there is nothing left to do.
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0) SqliteDatabase.Execute(_connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            Dispose();
        }
    }
}
