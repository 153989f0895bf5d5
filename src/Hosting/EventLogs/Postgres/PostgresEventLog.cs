using System.Diagnostics;
using System.Runtime.CompilerServices;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs.Ownership;
using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>The event log in PostgreSQL, for one node or many.</summary>
internal sealed class PostgresEventLog : DurableEventLog
{
    // A stream's snapshot with the events after it: one row an event, and one for a stream whose newest event its snapshot reflects. The
    // first event of
    // a tail alone carries the snapshot: it can be large. OFFSET 0 keeps the look-up of events inside.
    private const string StreamColumns =
        "w.key, coalesce(s.version, 0), CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.snapshot END, e.version, "
            + "e.type, e.data, e.at";

    private const string Tail = """
        LEFT JOIN snapshots s ON s.kind = w.kind AND s.key = w.key LEFT JOIN LATERAL (
            SELECT version, type, data, at FROM events
            WHERE kind = w.kind AND key = w.key AND version > coalesce(s.version, 0)
            ORDER BY version OFFSET 0
        ) e ON true
        """;

    private const string LoadSome =
        $"SELECT {StreamColumns}, w.ordinal FROM unnest($1, $2) WITH ORDINALITY AS w (kind, key, ordinal) {Tail}";

    private const string LoadKind = $"SELECT {StreamColumns} FROM events w {Tail} WHERE w.project = $1 AND w.kind = $2 AND w.version = 1";

    private const string Versions = """
        SELECT (SELECT version FROM events e WHERE e.kind = w.kind AND e.key = w.key ORDER BY version DESC LIMIT 1)
        FROM unnest($1, $2) WITH ORDINALITY AS w (kind, key, ordinal) ORDER BY w.ordinal
        """;

    // One more than anybody may be behind, so that who is further behind sees that.
    private static readonly string NewsOfMany = $"""
        SELECT w.ordinal, e.position, e.kind, e.key, e.version, e.type, e.data, e.at
        FROM unnest($1, $2) WITH ORDINALITY AS w (project, after, ordinal)
        CROSS JOIN LATERAL (
            SELECT * FROM events WHERE project = w.project AND position > w.after ORDER BY position LIMIT {VersionCache.MostNews + 1}
        ) e ORDER BY w.ordinal, e.position
        """;

    private const string Heads = """
        SELECT (SELECT position FROM events e WHERE e.project = w.project ORDER BY position DESC LIMIT 1)
        FROM unnest($1) WITH ORDINALITY AS w (project, ordinal) ORDER BY w.ordinal
        """;

    // From project to project by the key: no event is read.
    private const string AllHeads = """
        WITH RECURSIVE projects (project) AS (
            SELECT min(project) FROM events
            UNION ALL
            SELECT (SELECT min(project) FROM events WHERE project > p.project) FROM projects p WHERE p.project IS NOT NULL
        )
        SELECT project, (SELECT position FROM events e WHERE e.project = p.project ORDER BY position DESC LIMIT 1)
        FROM projects p WHERE project IS NOT NULL
        """;

    private const string Bytes = "SELECT pg_total_relation_size('events') + pg_total_relation_size('snapshots')";

    private const string BytesOf = """
        SELECT coalesce(max(position), $2), coalesce(sum(octet_length(data)), 0), count(*) FILTER (WHERE type = ANY ($3))
        FROM events WHERE project = $1 AND position > $2
        """;

    private const string Feed =
        "SELECT position, kind, key, version, type, data, at FROM events WHERE project = $1 AND position > $2 ORDER BY position LIMIT $3";

    private const string Stream =
        "SELECT version, type, data, at FROM events WHERE kind = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4";

    private const string Events = """
        SELECT w.ordinal, e.version, e.type, e.data, e.at FROM unnest($1, $2, $3) WITH ORDINALITY AS w (kind, key, version, ordinal)
        JOIN events e ON e.kind = w.kind AND e.key = w.key AND e.version = w.version
        """;

    private const string Marked = "SELECT kind, key, version FROM events WHERE project = $1 AND mark = $2";

    private const string KeysOfKind = "SELECT key FROM events WHERE kind = $1 AND version = 1 ORDER BY key";

    private const int QuestionsAQuery = 500;

    private readonly NpgsqlDataSource _reads;
    private readonly PostgresLock _lock;
    private readonly ReadPatience _patience;
    private readonly SharedQuery<StreamKey, StoredStream> _streams;
    private readonly SharedQuery<StreamKey, long> _versions;
    private readonly SharedQuery<string, long> _heads;
    private readonly SharedQuery<(string Project, long After), IReadOnlyList<FeedEvent>> _news;
    private readonly VersionCache? _cache; // where others write too
    private readonly PostgresOwners? _owners;

    private PostgresEventLog(
        GroupCommit commits, string description, PostgresOwners? owners, CachingPublisher publisher, NpgsqlDataSource reads,
        PostgresLock held, EventLogOptions options, TimeProvider time)
        : base(commits, description, time)
    {
        _patience = new(options.Patience, time);
        _reads = reads;
        _lock = held;
        _streams = new(LoadStreams, options.ParallelQueries, QuestionsAQuery);
        _versions = new(ReadVersions, options.ParallelQueries, QuestionsAQuery);
        _heads = new(ReadHeads, options.ParallelQueries, QuestionsAQuery);
        _news = new(ReadNews, options.ParallelQueries, QuestionsAQuery);
        if (owners is null) return;
        _owners = owners;
        _cache = publisher.Cache = new(project => _heads.Ask(project, default), (project, after) => _news.Ask((project, after), default),
            stream => _versions.Ask(stream, default), owners);
    }

    private protected override long Exclusive => _lock.Epoch;

    /// <summary>Takes the lock, applies the schema and starts the committer.</summary>
    public static async Task<DurableEventLog> Open(
        string connectionString, string description, bool cluster, IFeedPublisher publisher, ILoggerFactory loggers, TimeProvider time,
        EventLogOptions options, CancellationToken cancellation)
    {
        var logger = loggers.CreateLogger<PostgresEventLog>();
        PostgresLock? held = null;
        NpgsqlDataSource? reads = null;
        PostgresOwners? owners = null;
        try
        {
            reads = PostgresSession.DataSource(connectionString, options, settings => settings.MaxPoolSize = options.MaxReadConnections);
            held = await PostgresLock.Take(connectionString, cluster, description, options, logger, time, cancellation);
            await using (var connection = await reads.OpenConnectionAsync(cancellation))
                await PostgresSchema.Apply(connection, description, cancellation);
            if (cluster) owners = new(connectionString, description, held, options, logger);
            var writer = new PostgresWriter(connectionString, description, owners is null ? null : () => owners.Session, options);
            var caching = new CachingPublisher(publisher);
            return new PostgresEventLog(new GroupCommit(writer, caching, options, logger, time, caching), description, owners, caching,
                reads, held, options, time);
        }
        catch (Exception failed)
        {
            if (owners is not null) await owners.DisposeAsync();
            if (held is not null) await held.DisposeAsync();
            if (reads is not null) await reads.DisposeAsync();
            if (PostgresErrors.IsFromStore(failed)) throw PostgresErrors.Unavailable(description, failed);
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default) =>
        _streams.Ask(stream, cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default) =>
        _cache?.Version(project, stream, cancellation) ?? _versions.Ask(stream, cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> Head(string project, CancellationToken cancellation = default) =>
        _cache?.Head(project, cancellation) ?? _heads.Ask(project, cancellation);

    /// <inheritdoc/>
    public override Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default)
    {
        return _cache is { } cache ? Appended() : base.Append(append, cancellation);

        async Task<AppendResult> Appended()
        {
            while (true)
            {
                var written = false;
                try
                {
                    var result = await base.Append(append, cancellation).ConfigureAwait(false);
                    written = result.Written;
                    if (written) return result;
                }
                finally
                {
                    // Another node was faster, or nobody knows: the answer to whoever looks why must not come from before.
                    if (!written) cache.Invalidate(append.Project);
                }

                if (!await _owners!.WasAnothers(append.Project, cancellation).ConfigureAwait(false)) return default;
            }
        }
    }

    /// <inheritdoc/>
    public override long Grant(string project) => _owners?.Grant(project, Stopwatch.GetTimestamp()) ?? 0;

    /// <inheritdoc/>
    public override bool IsElsewhere(string project) => _owners?.IsElsewhere(project) == true;

    /// <inheritdoc/>
    public override ValueTask<string?> OwnerOf(string project, CancellationToken cancellation = default) =>
        _owners?.AddressOf(project, cancellation) ?? default;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<StoredStream> LoadAll(
        string project, string kind, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await using var query = await Query(LoadKind, cancellation, Text(project), Text(kind));
        // Rows of one stream follow each other.
        StreamRows? stream = null;
        while (await query.Read())
        {
            var key = query.Rows.GetString(0);
            if (stream?.Key != key)
            {
                if (stream is not null) yield return stream.Stream;
                stream = new(query.Rows, key);
            }
            stream.Add(query.Rows);
        }
        if (stream is not null) yield return stream.Stream;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(
        string project, long after, int max, CancellationToken cancellation = default)
    {
        if (_cache?.Feed(project, after, max) is { } known) return known;
        var events = new List<FeedEvent>();
        await using var query = await Query(
            Feed, cancellation, Text(project), Number(after), Number(max));
        while (await query.Read()) events.Add(FeedRow(query.Rows, project, 0));
        return events;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StoredEvent>> ReadStream(
        StreamKey stream, long after, int max, CancellationToken cancellation = default)
    {
        var events = new List<StoredEvent>();
        await using var query = await Query(Stream, cancellation, Text(stream.Kind), Text(stream.Key), Number(after), Number(max));
        while (await query.Read())
        {
            var row = query.Rows;
            events.Add(new StoredEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), At(row, 3)));
        }
        return events;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places,
        CancellationToken cancellation = default)
    {
        var events = new StoredEvent?[places.Count];
        await using var query = await Query(
            Events, cancellation, Texts([.. places.Select(static place => place.Stream.Kind)]),
            Texts([.. places.Select(static place => place.Stream.Key)]),
            Longs([.. places.Select(static place => place.Version)]));
        while (await query.Read())
        {
            var row = query.Rows;
            events[row.GetInt64(0) - 1] = new StoredEvent(row.GetInt64(1), row.GetString(2), row.GetString(3), At(row, 4));
        }
        return events;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default)
    {
        var keys = new List<string>();
        await using var query = await Query(KeysOfKind, cancellation, Text(kind));
        while (await query.Read()) keys.Add(query.Rows.GetString(0));
        return keys;
    }

    /// <inheritdoc/>
    public override async ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default)
    {
        await using var query = await Query(Marked, cancellation, Text(project), Text(mark));
        return await query.Read()
            ? new MarkedEvent(new StreamKey(query.Rows.GetString(0), query.Rows.GetString(1)), query.Rows.GetInt64(2))
            : null;
    }

    /// <inheritdoc/>
    public override async ValueTask<LogSize> Size(CancellationToken cancellation = default)
    {
        var heads = new Dictionary<string, long>(StringComparer.Ordinal);
        await using (var query = await Query(AllHeads, cancellation))
            while (await query.Read()) heads[query.Rows.GetString(0)] = query.Rows.GetInt64(1);
        await using var size = await Query(Bytes, cancellation);
        await size.Read();
        return new(size.Rows.GetInt64(0), heads);
    }

    /// <inheritdoc/>
    public override async ValueTask<ProjectSize> SizeOf(
        string project, long after, IReadOnlyCollection<string> types, CancellationToken cancellation = default)
    {
        await using var query = await Query(BytesOf, cancellation, Text(project), Number(after), Texts([.. types]));
        await query.Read();
        return new(query.Rows.GetInt64(0), query.Rows.GetInt64(1), query.Rows.GetInt64(2));
    }

    private protected override async ValueTask Ping(CancellationToken cancellation)
    {
        await using var query = await PostgresQuery.Run(_reads, Description, "SELECT 1", [], null, cancellation);
        await query.Read();
    }

    private protected override async ValueTask Close()
    {
        if (_owners is not null) await _owners.DisposeAsync();
        await _reads.DisposeAsync();
        await _lock.DisposeAsync();
    }

    private async Task<StoredStream[]> LoadStreams(IReadOnlyList<StreamKey> keys)
    {
        var streams = new StreamRows?[keys.Count];
        await using var query = await Query(LoadSome, default, Kinds(keys), Keys(keys));
        while (await query.Read())
        {
            var index = (int)query.Rows.GetInt64(7) - 1;
            (streams[index] ??= new(query.Rows, keys[index].Key)).Add(query.Rows);
        }
        return Array.ConvertAll(streams, static stream => stream!.Stream);
    }

    private Task<long[]> ReadVersions(IReadOnlyList<StreamKey> keys) => Numbers(keys.Count, Versions, Kinds(keys), Keys(keys));

    private Task<long[]> ReadHeads(IReadOnlyList<string> projects) => Numbers(projects.Count, Heads, Texts([.. projects]));

    private async Task<IReadOnlyList<FeedEvent>[]> ReadNews(IReadOnlyList<(string Project, long After)> questions)
    {
        var news = new List<FeedEvent>[questions.Count];
        for (var i = 0; i < news.Length; i++) news[i] = [];
        await using var query = await Query(NewsOfMany, default, Texts([.. questions.Select(static question => question.Project)]),
            Longs([.. questions.Select(static question => question.After)]));
        while (await query.Read())
        {
            var index = (int)query.Rows.GetInt64(0) - 1;
            news[index].Add(FeedRow(query.Rows, questions[index].Project, 1));
        }
        return news;
    }

    private async Task<long[]> Numbers(int count, string sql, params NpgsqlParameter[] parameters)
    {
        var numbers = new long[count];
        await using var query = await Query(sql, default, parameters);
        for (var i = 0; await query.Read(); i++) numbers[i] = query.Rows.IsDBNull(0) ? 0 : query.Rows.GetInt64(0);
        return numbers;
    }

    private Task<PostgresQuery> Query(string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters) =>
        PostgresQuery.Run(_reads, Description, sql, parameters, _patience, cancellation);

    private static FeedEvent FeedRow(NpgsqlDataReader row, string project, int first) => new(
        project, row.GetInt64(first), row.GetString(first + 1), row.GetString(first + 2), row.GetInt64(first + 3), row.GetString(first + 4),
        row.GetString(first + 5),
        At(row, first + 6));

    private static DateTimeOffset At(NpgsqlDataReader row, int column) => new(row.GetDateTime(column));

    private static NpgsqlParameter Kinds(IReadOnlyList<StreamKey> keys) => Texts([.. keys.Select(static key => key.Kind)]);

    private static NpgsqlParameter Keys(IReadOnlyList<StreamKey> keys) => Texts([.. keys.Select(static key => key.Key)]);

    private static NpgsqlParameter Texts(string[] values) =>
        new NpgsqlParameter<string[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static NpgsqlParameter Longs(long[] values) =>
        new NpgsqlParameter<long[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    private static NpgsqlParameter Number(long value) => new NpgsqlParameter<long> { TypedValue = value };

    private static NpgsqlParameter Text(string value) =>
        new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>A stream under construction, from its rows.</summary>
    private sealed class StreamRows(NpgsqlDataReader first, string key)
    {
        private readonly long _snapshotVersion = first.GetInt64(1);
        private readonly string? _snapshot = first.IsDBNull(2) ? null : first.GetString(2);
        private readonly List<StoredEvent> _tail = [];

        public string Key => key;

        public StoredStream Stream => new(key, _tail.Count > 0 ? _tail[^1].Version : _snapshotVersion, _snapshotVersion, _snapshot, _tail);

        public void Add(NpgsqlDataReader row)
        {
            if (!row.IsDBNull(3)) _tail.Add(new StoredEvent(row.GetInt64(3), row.GetString(4), row.GetString(5), At(row, 6)));
        }
    }

    /// <summary>Tells the cache what this node commits, before anybody else.</summary>
    private sealed class CachingPublisher(IFeedPublisher next) : IFeedPublisher, IBatchObserver
    {
        public VersionCache? Cache { get; set; }

        public void Begins(IReadOnlyList<PendingAppend> batch) => Cache?.Begins(batch);

        public void Landed(IReadOnlyList<PendingAppend> batch) => Cache?.Landed(batch);

        public void Doubted(IReadOnlyList<PendingAppend> batch) => Cache?.Doubted(batch);

        public void Publish(string project, IReadOnlyList<FeedEvent> events)
        {
            Cache?.Committed(project, events);
            next.Publish(project, events);
        }
    }
}
