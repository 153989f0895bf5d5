using Beadhub.EventLog;
using Beadhub.Search;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.Search;

/// <summary>
/// The search index in a SQLite file beside the log's (FTS5): a file of its own, so that it neither waits for the log's writer nor makes it
/// wait, and may be deleted.
/// </summary>
internal sealed class SqliteSearchIndex(string path) : ISearchIndex, IDisposable
{
    private const string Schema = """
        PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS search_positions (project TEXT PRIMARY KEY, position INTEGER NOT NULL, stamp TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS search_documents (
            number INTEGER PRIMARY KEY, project TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, repo TEXT NOT NULL,
            branch TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, from_alias TEXT, from_agent TEXT, to_agent TEXT,
            at INTEGER NOT NULL, UNIQUE (project, id));
        CREATE VIRTUAL TABLE IF NOT EXISTS search_words USING fts5(title, body, tokenize = "unicode61 remove_diacritics 0");
        """;

    private readonly Lock _lock = new();
    private SqliteConnection? _connection;

    /// <summary>The index's file beside a log's.</summary>
    public static string Beside(string log) => log + ".search";

    /// <inheritdoc/>
    public ValueTask<SearchCursor> Cursor(string project, CancellationToken cancellation = default) => Run(connection =>
    {
        using var command = Command(
            connection, "SELECT position, stamp FROM search_positions WHERE project = @project", ("@project", project));
        using var reader = command.ExecuteReader();
        return reader.Read() ? new SearchCursor(reader.GetInt64(0), reader.GetString(1)) : new(0, "");
    });

    /// <inheritdoc/>
    public ValueTask<bool> Put(string project, SearchCursor from, SearchCursor to, IReadOnlyList<SearchDocument> documents,
        CancellationToken cancellation = default) => Run(connection =>
    {
        using var transaction = connection.BeginTransaction();
        using (var move = Command(connection, from.Position == 0
            ? "INSERT INTO search_positions VALUES (@project, @to, @stamp) ON CONFLICT DO NOTHING"
            : "UPDATE search_positions SET position = @to, stamp = @stamp WHERE project = @project AND position = @from",
            ("@project", project), ("@from", from.Position), ("@to", to.Position), ("@stamp", to.Stamp)))
            if (move.ExecuteNonQuery() == 0) return false;
        foreach (var document in documents)
        {
            Execute(connection, """
                DELETE FROM search_words WHERE rowid = (SELECT number FROM search_documents WHERE project = @project AND id = @id);
                DELETE FROM search_documents WHERE project = @project AND id = @id;
                """, ("@project", project), ("@id", document.Id));
            if (document.IsGone) continue;
            Execute(connection, """
                INSERT INTO search_documents (project, id, kind, name, repo, branch, title, body, from_alias, from_agent, to_agent, at)
                    VALUES (@project, @id, @kind, @name, @repo, @branch, @title, @body, @fromAlias, @fromAgent, @toAgent, @at);
                INSERT INTO search_words (rowid, title, body) VALUES (last_insert_rowid(), @titleWords, @words);
                """,
                ("@project", project), ("@id", document.Id), ("@kind", document.Kind), ("@name", document.Name), ("@repo", document.Repo),
                ("@branch", document.Branch), ("@title", document.Title), ("@body", document.Body), ("@fromAlias", document.FromAlias),
                ("@fromAgent", document.FromAgentId), ("@toAgent", document.ToAgentId), ("@at", document.At.UtcTicks),
                ("@titleWords", string.Join(' ', SearchWords.Of(document.Title))),
                ("@words", string.Join(' ', SearchWords.Of(document.Title, document.Body, document.Name))));
        }

        transaction.Commit();
        return true;
    });

    /// <inheritdoc/>
    public async ValueTask Forget(string project, CancellationToken cancellation = default) => await Run(connection =>
    {
        using var transaction = connection.BeginTransaction();
        Execute(connection, """
            DELETE FROM search_words WHERE rowid IN (SELECT number FROM search_documents WHERE project = @project);
            DELETE FROM search_documents WHERE project = @project;
            DELETE FROM search_positions WHERE project = @project;
            """, ("@project", project));
        transaction.Commit();
        return true;
    });

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SearchDocument>> Find(string project, IReadOnlyList<string> words, string? kind, string? agent,
        int limit, CancellationToken cancellation = default) => Run<IReadOnlyList<SearchDocument>>(connection =>
    {
        // Words are letters and digits only: nothing in them means anything to FTS5.
        var all = string.Join(' ', words.Select(word => $"\"{word}\"*"));
        using var command = Command(connection, """
            SELECT id, kind, name, repo, branch, title, body, from_alias, from_agent, to_agent, at FROM search_documents
            WHERE number IN (SELECT rowid FROM search_words WHERE search_words MATCH @body) AND project = @project
                AND (@kind IS NULL OR kind = @kind) AND (kind = 'bead' OR from_agent = @agent OR to_agent = @agent)
            ORDER BY number IN (SELECT rowid FROM search_words WHERE search_words MATCH @title) DESC, at DESC, number DESC LIMIT @limit
            """,
            ("@project", project), ("@kind", kind), ("@agent", agent), ("@limit", limit), ("@body", $"body : ({all})"),
            ("@title", $"title : ({all})"));
        using var reader = command.ExecuteReader();
        var found = new List<SearchDocument>();
        while (reader.Read())
            found.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4),
                reader.GetString(5), reader.GetString(6), Text(reader, 7), Text(reader, 8), Text(reader, 9),
                new(reader.GetInt64(10), TimeSpan.Zero)));
        return found;
    });

    public void Dispose()
    {
        lock (_lock) _connection?.Dispose();
    }

    private static string? Text(SqliteDataReader reader, int at) => reader.IsDBNull(at) ? null : reader.GetString(at);

    // One connection, one after the other: a page is taken in within milliseconds.
    private ValueTask<T> Run<T>(Func<SqliteConnection, T> query)
    {
        try
        {
            lock (_lock) return new(query(_connection ??= Open()));
        }
        catch (SqliteException error)
        {
            throw new EventLogUnavailableException($"The search index beside the log cannot be used: {error.Message}", error);
        }
    }

    private SqliteConnection Open()
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);
        connection.Open();
        Execute(connection, Schema);
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(connection, sql, values);
        command.ExecuteNonQuery();
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
