using Beadhub.EventLog;
using Beadhub.Feed;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>A reading connection with its prepared queries; used by one caller at a time.</summary>
internal sealed class SqliteReader : IDisposable
{
    // One row an event of the tail and one for a stream without; the first event of a tail alone carries the snapshot, which can be large.
    private const string Streams = """
        SELECT s.key, s.version, s.snapshot_version, CASE WHEN e.version IS NULL OR e.version = s.snapshot_version + 1 THEN s.snapshot END,
            e.version, e.type, e.data, e.at
        FROM streams s LEFT JOIN events e ON s.version > s.snapshot_version AND e.kind = s.kind AND e.key = s.key AND e.version > s.snapshot_version
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

    public SqliteReader(string path)
    {
        _connection = SqliteDatabase.Open(path, write: false);
        _stream = new(_connection, Streams + " WHERE s.kind = $1 AND s.key = $2 ORDER BY e.version");
        _kind = new(_connection, Streams + " WHERE s.project = $1 AND s.kind = $2 ORDER BY s.rowid, e.version");
        _version = new(_connection, "SELECT version FROM streams WHERE kind = $1 AND key = $2");
        _head = new(_connection, "SELECT position FROM heads WHERE project = $1");
        _feed = new(_connection,
            "SELECT position, kind, key, version, type, data, at FROM events WHERE project = $1 AND position > $2 ORDER BY position LIMIT $3");
        _events = new(_connection, "SELECT version, type, data, at FROM events WHERE kind = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4");
        _event = new(_connection, "SELECT version, type, data, at FROM events WHERE kind = $1 AND key = $2 AND version = $3");
        _marked = new(_connection, "SELECT kind, key, version FROM marks WHERE project = $1 AND mark = $2");
        _keys = new(_connection, "SELECT key FROM streams WHERE kind = $1 ORDER BY key");
    }

    public void Dispose() => _connection.Dispose();

    public long Version(StreamKey stream) => _version.Number(stream.Kind, stream.Key);

    public long Head(string project) => _head.Number(project);

    public StoredStream Load(StreamKey stream)
    {
        using var rows = _stream.Read(stream.Kind, stream.Key);
        return ReadStreams(rows).SingleOrDefault() ?? new StoredStream(stream.Key, 0, 0, null, []);
    }

    public IEnumerable<StoredStream> LoadAll(string project, string kind)
    {
        using var rows = _kind.Read(project, kind);
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
        while (row.Read()) events.Add(new StoredEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), SqliteTime.Restore(row.GetInt64(3))));
        return events;
    }

    public IReadOnlyList<StoredEvent?> ReadEvents(IReadOnlyList<EventPlace> places)
    {
        var events = new StoredEvent?[places.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var (stream, version) = places[i];
            using var row = _event.Read(stream.Kind, stream.Key, version);
            if (row.Read()) events[i] = new StoredEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), SqliteTime.Restore(row.GetInt64(3)));
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
        StoredStream? stream = null;
        List<StoredEvent>? tail = null;
        while (row.Read())
        {
            var key = row.GetString(0);
            if (stream?.Key != key)
            {
                if (stream is not null) yield return stream;
                tail = row.IsDBNull(4) ? null : [];
                stream = new StoredStream(key, row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetString(3), (IReadOnlyList<StoredEvent>?)tail ?? []);
            }
            tail?.Add(new StoredEvent(row.GetInt64(4), row.GetString(5), row.GetString(6), SqliteTime.Restore(row.GetInt64(7))));
        }
        if (stream is not null) yield return stream;
    }
}
