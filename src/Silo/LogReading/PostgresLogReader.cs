using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Silo.LogReading;

/// <summary>Reads a log in PostgreSQL, over one connection that cannot write.</summary>
internal sealed class PostgresLogReader(string connectionString, string description) : ILogReader
{
    private const string Columns = "SELECT project, position, kind, key, version, type, data, at FROM events ";

    private readonly NpgsqlDataSource _source = PostgresSession.DataSource(connectionString, new EventLogOptions(), static settings =>
    {
        settings.MaxPoolSize = 1;
        settings.ApplicationName = "beadhub log";
        settings.Options = $"{settings.Options} -c default_transaction_read_only=on".Trim();
    });

    public async Task<string?> FindProject(string slug, CancellationToken cancellation)
    {
        var events = await Stream(new(Slug.Kind.Name, slug), 0, int.MaxValue, cancellation);
        return new StoredStream(slug, events.Count, 0, null, [.. events.Select(e => new StoredEvent(e.Version, e.Type, e.Data, e.At))])
            .Fold<Slug>().ProjectId;
    }

    public Task<IReadOnlyList<FeedEvent>> Feed(string project, long after, int max, CancellationToken cancellation) =>
        Read(Columns + "WHERE project = $1 AND position > $2 ORDER BY position LIMIT $3", cancellation, Text(project), Number(after),
            Number(max));

    public async Task<IReadOnlyList<FeedEvent>> Stream(StreamKey stream, long after, int max, CancellationToken cancellation) =>
        [.. (await Read(
            Columns + "WHERE kind = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4", cancellation, Text(stream.Kind),
            Text(stream.Key), Number(after), Number(max)))
            .Select(static e => e with { ProjectId = "", Position = 0 })];

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<IReadOnlyList<FeedEvent>> Read(string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters)
    {
        var events = new List<FeedEvent>();
        await using var query = await PostgresQuery.Run(_source, description, sql, parameters, null, cancellation);
        while (await query.Read())
        {
            var row = query.Rows;
            events.Add(new(
                row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetString(5), row.GetString(6),
                new(row.GetDateTime(7))));
        }

        return events;
    }

    private static NpgsqlParameter Text(string value) =>
        new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Number(long value) => new NpgsqlParameter<long> { TypedValue = value };
}
