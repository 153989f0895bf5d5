using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs.Sqlite;
using Microsoft.Data.Sqlite;

namespace Beadhub.Silo.LogReading;

/// <summary>Reads a log in a SQLite file.</summary>
internal sealed class SqliteLogReader : ILogReader
{
    private readonly string _path;
    private readonly SqliteReader _reader;

    /// <exception cref="EventLogUnavailableException">The file is not there, or holds no log.</exception>
    public SqliteLogReader(string path)
    {
        _path = path;
        if (!File.Exists(path)) throw new EventLogUnavailableException($"There is no event log at sqlite {path}.");
        try
        {
            _reader = new(path);
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Unavailable("sqlite " + path, e);
        }
    }

    public Task<string?> FindProject(string slug, CancellationToken cancellation) =>
        Ask(reader => reader.ReadStream(new(Slug.Kind.Name, slug), 0, int.MaxValue).Fold(Slug.Empty).ProjectId);

    public Task<IReadOnlyList<FeedEvent>> Feed(string project, long after, int max, CancellationToken cancellation) =>
        Ask(reader => reader.ReadFeed(project, after, max));

    public Task<IReadOnlyList<FeedEvent>> Stream(StreamKey stream, long after, int max, CancellationToken cancellation) => Ask(reader =>
        (IReadOnlyList<FeedEvent>)[.. reader.ReadStream(stream, after, max)
            .Select(e => new FeedEvent("", 0, stream.Kind, stream.Key, e.Version, e.Type, e.Data, e.At))]);

    public ValueTask DisposeAsync()
    {
        _reader.Dispose();
        return default;
    }

    private Task<T> Ask<T>(Func<SqliteReader, T> question)
    {
        try
        {
            return Task.FromResult(question(_reader));
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Unavailable("sqlite " + _path, e);
        }
    }
}
