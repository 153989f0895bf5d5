using System.Text.Json.Nodes;
using Beadhub.EventLog;
using Beadhub.Feed;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>A reading connection with its prepared queries; used by one caller at a time.</summary>
internal sealed class SqliteReader : IDisposable
{
    // One row an event of the tail, and one for a stream whose newest event its snapshot reflects; the first event of a tail alone carries
    // the snapshot, which can be large.
    private const string Streams = """
        SELECT w.key, coalesce(s.version, 0), CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.snapshot END,
            e.version, e.type, e.data, e.at
        FROM events w LEFT JOIN snapshots s ON s.kind = w.kind AND s.key = w.key
        LEFT JOIN events e ON e.kind = w.kind AND e.key = w.key AND e.version > coalesce(s.version, 0)
        WHERE w.version = 1 AND w.kind = $1
        """;

    /// <summary>The version of a stream.</summary>
    public const string NewestVersion = "SELECT version FROM events WHERE kind = $1 AND key = $2 ORDER BY version DESC LIMIT 1";

    /// <summary>The position of a project's newest event.</summary>
    public const string NewestPosition = "SELECT position FROM events WHERE project = $1 ORDER BY position DESC LIMIT 1";

    // From project to project by the key: no event is read.
    private const string NewestPositions = """
        WITH RECURSIVE projects (project) AS (
            SELECT min(project) FROM events
            UNION ALL
            SELECT (SELECT min(project) FROM events WHERE project > p.project) FROM projects p WHERE p.project IS NOT NULL
        )
        SELECT project, (SELECT position FROM events e WHERE e.project = p.project ORDER BY position DESC LIMIT 1)
        FROM projects p WHERE project IS NOT NULL
        """;

    private const string Bytes = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

    private const string BytesOf = """
        SELECT coalesce(max(position), $2), coalesce(sum(length(CAST(data AS BLOB))), 0),
            count(*) FILTER (WHERE type IN (SELECT value FROM json_each($3)))
        FROM events WHERE project = $1 AND position > $2
        """;

    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _stream;
    private readonly SqliteStatement _kind;
    private readonly SqliteStatement _version;
    private readonly SqliteStatement _head;
    private readonly SqliteStatement _feed;
    private readonly SqliteStatement _events;
    private readonly SqliteStatement _event;
    private readonly SqliteStatement _marked;
    private readonly SqliteStatement _keys;
    private readonly SqliteStatement _heads;
    private readonly SqliteStatement _bytes;
    private readonly SqliteStatement _bytesOf;

    public SqliteReader(string path)
    {
        _connection = SqliteDatabase.Open(path, write: false);
        _stream = new(_connection, Streams + " AND w.key = $2 ORDER BY e.version");
        _kind = new(_connection, Streams + " AND w.project = $2 ORDER BY w.key, e.version");
        _version = new(_connection, NewestVersion);
        _head = new(_connection, NewestPosition);
        _feed = new(_connection,
            "SELECT position, kind, key, version, type, data, at FROM events WHERE project = $1 AND position > $2 ORDER BY "
                + "position LIMIT $3");
        _events = new(_connection,
            "SELECT version, type, data, at FROM events WHERE kind = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4");
        _event = new(_connection, "SELECT version, type, data, at FROM events WHERE kind = $1 AND key = $2 AND version = $3");
        _marked = new(_connection, "SELECT kind, key, version FROM events WHERE project = $1 AND mark = $2");
        _keys = new(_connection, "SELECT key FROM events WHERE kind = $1 AND version = 1 ORDER BY key");
        _heads = new(_connection, NewestPositions);
        _bytes = new(_connection, Bytes);
        _bytesOf = new(_connection, BytesOf);
    }

    public void Dispose() => _connection.Dispose();

    public long Version(StreamKey stream) => _version.Number(stream.Kind, stream.Key);

    public long Head(string project) => _head.Number(project);

    public LogSize Size()
    {
        var heads = new Dictionary<string, long>(StringComparer.Ordinal);
        using (var row = _heads.Read())
            while (row.Read()) heads[row.GetString(0)] = row.GetInt64(1);
        return new(_bytes.Number(), heads);
    }

    public ProjectSize SizeOf(string project, long after, IReadOnlyCollection<string> types)
    {
        var asked = new JsonArray([.. types.Select(static type => JsonValue.Create(type))]);
        using var row = _bytesOf.Read(project, after, asked.ToJsonString());
        row.Read();
        return new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2));
    }

    public StoredStream Load(StreamKey stream)
    {
        using var rows = _stream.Read(stream.Kind, stream.Key);
        return ReadStreams(rows).SingleOrDefault() ?? new StoredStream(stream.Key, 0, 0, null, []);
    }

    public IEnumerable<StoredStream> LoadAll(string project, string kind)
    {
        using var rows = _kind.Read(kind, project);
        foreach (var stream in ReadStreams(rows)) yield return stream;
    }

    public IReadOnlyList<FeedEvent> ReadFeed(string project, long after, int max)
    {
        var events = new List<FeedEvent>();
        using var row = _feed.Read(project, after, max);
        while (row.Read())
        {
            events.Add(new FeedEvent(
                project, row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetString(4), row.GetString(5),
                SqliteTime.Restore(row.GetInt64(6))));
        }
        return events;
    }

    public IReadOnlyList<StoredEvent> ReadStream(StreamKey stream, long after, int max)
    {
        var events = new List<StoredEvent>();
        using var row = _events.Read(stream.Kind, stream.Key, after, max);
        while (row.Read())
            events.Add(new StoredEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), SqliteTime.Restore(row.GetInt64(3))));
        return events;
    }

    public IReadOnlyList<StoredEvent?> ReadEvents(IReadOnlyList<EventPlace> places)
    {
        var events = new StoredEvent?[places.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var (stream, version) = places[i];
            using var row = _event.Read(stream.Kind, stream.Key, version);
            if (row.Read())
                events[i] = new StoredEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), SqliteTime.Restore(row.GetInt64(3)));
        }
        return events;
    }

    public IReadOnlyList<string> Keys(string kind)
    {
        var keys = new List<string>();
        using var row = _keys.Read(kind);
        while (row.Read()) keys.Add(row.GetString(0));
        return keys;
    }

    public MarkedEvent? FindMark(string project, string mark)
    {
        using var row = _marked.Read(project, mark);
        return row.Read() ? new MarkedEvent(new StreamKey(row.GetString(0), row.GetString(1)), row.GetInt64(2)) : null;
    }

    private static IEnumerable<StoredStream> ReadStreams(SqliteDataReader row)
    {
        string? key = null, snapshot = null;
        var snapshotVersion = 0L;
        List<StoredEvent> tail = [];
        while (row.Read())
        {
            var next = row.GetString(0);
            if (next != key)
            {
                if (key is not null) yield return Stream();
                (key, snapshotVersion, snapshot, tail) = (next, row.GetInt64(1), row.IsDBNull(2) ? null : row.GetString(2), []);
            }
            if (!row.IsDBNull(3))
                tail.Add(new StoredEvent(row.GetInt64(3), row.GetString(4), row.GetString(5), SqliteTime.Restore(row.GetInt64(6))));
        }
        if (key is not null) yield return Stream();

        StoredStream Stream() => new(key, tail.Count > 0 ? tail[^1].Version : snapshotVersion, snapshotVersion, snapshot, tail);
    }
}
