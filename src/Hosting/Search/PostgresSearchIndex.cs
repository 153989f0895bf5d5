using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Search;
using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.Search;

/// <summary>The search index in PostgreSQL (<c>tsvector</c>), beside the log's tables.</summary>
internal sealed class PostgresSearchIndex(string connectionString) : ISearchIndex, IAsyncDisposable
{
    private const int Connections = 4;

    private readonly NpgsqlDataSource _source =
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = Connections });
    private volatile bool _hasTables;

    /// <inheritdoc/>
    public ValueTask<SearchCursor> Cursor(string project, CancellationToken cancellation = default) => Run(async connection =>
    {
        await using var command = Command(connection, "SELECT position, stamp FROM search_positions WHERE project = $1", project);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? new SearchCursor(reader.GetInt64(0), reader.GetString(1)) : new(0, "");
    }, cancellation);

    /// <inheritdoc/>
    public ValueTask<bool> Put(string project, SearchCursor from, SearchCursor to, IReadOnlyList<SearchDocument> documents,
        CancellationToken cancellation = default) => Run(async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var move = from.Position == 0
            ? Command(connection, "INSERT INTO search_positions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", project, to.Position, to.Stamp)
            : Command(connection, "UPDATE search_positions SET position = $2, stamp = $3 WHERE project = $1 AND position = $4",
                project, to.Position, to.Stamp, from.Position))
            if (await move.ExecuteNonQueryAsync(cancellation) == 0) return false;
        foreach (var document in documents)
        {
            await using var put = document.IsGone
                ? Command(connection, "DELETE FROM search_documents WHERE project = $1 AND id = $2", project, document.Id)
                : Command(connection, """
                    INSERT INTO search_documents VALUES
                        ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, array_to_tsvector($13), array_to_tsvector($14))
                    ON CONFLICT (project, id) DO UPDATE SET title = $7, body = $8, at = $12, title_words = array_to_tsvector($13),
                        words = array_to_tsvector($14)
                    """,
                    project, document.Id, document.Kind, document.Name, document.Repo, document.Branch, Stored(document.Title),
                    Stored(document.Body), document.FromAlias, document.FromAgentId, document.ToAgentId, document.At.UtcDateTime,
                    SearchWords.Of(document.Title).ToArray(), SearchWords.Of(document.Title, document.Body, document.Name).ToArray());
            await put.ExecuteNonQueryAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return true;
    }, cancellation);

    /// <inheritdoc/>
    public async ValueTask Forget(string project, CancellationToken cancellation = default) => await Run(async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        foreach (var table in new[] { "search_documents", "search_positions" })
        {
            await using var forget = Command(connection, $"DELETE FROM {table} WHERE project = $1", project);
            await forget.ExecuteNonQueryAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return true;
    }, cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SearchDocument>> Find(string project, IReadOnlyList<string> words, string? kind, string? agent,
        int limit, CancellationToken cancellation = default) => Run<IReadOnlyList<SearchDocument>>(async connection =>
    {
        // Words are letters and digits only: nothing in them means anything to the parser of queries.
        await using var command = Command(connection, """
            SELECT id, kind, name, repo, branch, title, body, from_alias, from_agent, to_agent, at FROM search_documents
            WHERE words @@ $2::tsquery AND project = $1 AND ($3 IS NULL OR kind = $3)
                AND (kind = 'bead' OR from_agent = $4 OR to_agent = $4)
            ORDER BY title_words @@ $2::tsquery DESC, at DESC, id DESC LIMIT $5
            """, project, string.Join(" & ", words.Select(word => $"'{word}':*")), kind, agent, limit);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = new List<SearchDocument>();
        while (await reader.ReadAsync(cancellation))
            found.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4),
                reader.GetString(5), reader.GetString(6), Text(reader, 7), Text(reader, 8), Text(reader, 9),
                reader.GetFieldValue<DateTimeOffset>(10)));
        return found;
    }, cancellation);

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static string? Text(NpgsqlDataReader reader, int at) => reader.IsDBNull(at) ? null : reader.GetString(at);

    // PostgreSQL keeps no NUL characters in texts.
    private static string Stored(string text) => text.Replace("\0", "", StringComparison.Ordinal);

    private async ValueTask<T> Run<T>(Func<NpgsqlConnection, Task<T>> query, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellation);
            if (!_hasTables) await MakeTables(connection, cancellation);
            return await query(connection);
        }
        catch (NpgsqlException error)
        {
            throw new EventLogUnavailableException($"The search index cannot be used: {error.Message}", error);
        }
    }

    private async Task MakeTables(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using (var look = Command(connection, "SELECT to_regclass('search_documents') IS NOT NULL"))
        {
            if (await look.ExecuteScalarAsync(cancellation) is false)
            {
                // Nodes that begin together would meet in the catalogue.
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                await using var make = Command(
                    connection, "SELECT pg_advisory_xact_lock(hashtext('beadhub search')); " + EmbeddedSql.Of("postgres.search"));
                await make.ExecuteNonQueryAsync(cancellation);
                await transaction.CommitAsync(cancellation);
            }
        }

        _hasTables = true;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(value is null
                ? new() { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text } : new NpgsqlParameter { Value = value });
        return command;
    }
}
