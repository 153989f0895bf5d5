using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Beadhub.EventLog;
using Beadhub.Feed;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>The event log in a SQLite file, for one node that needs nothing installed.</summary>
/// <remarks>Look-ups run on the caller's thread: they take microseconds, less than handing them to another thread would.</remarks>
internal sealed class SqliteEventLog : DurableEventLog
{
    private readonly SqliteFile _file;
    private readonly ConcurrentBag<SqliteReader> _readers = [];
    private volatile bool _closed;

    private SqliteEventLog(SqliteFile file, GroupCommit commits, TimeProvider time) : base(commits, file.Description, time) => _file = file;

    // The operating system takes the lock away only together with the process.
    private protected override long Exclusive => _closed ? 0 : 1;

    /// <summary>Takes the lock, applies the schema and starts the committer.</summary>
    public static DurableEventLog Open(
        string path, string description, IFeedPublisher publisher, ILoggerFactory loggers, TimeProvider time, EventLogOptions options)
    {
        SqliteFile? file = null;
        SqliteWriter? writer = null;
        try
        {
            file = SqliteFile.Hold(path, description, options.LockPatience, time);
            writer = new SqliteWriter(file, options);
            writer.Connect();
            file.Watch();
            return new SqliteEventLog(file, new GroupCommit(writer, publisher, options, loggers.CreateLogger<SqliteEventLog>(), time),
                time);
        }
        catch (Exception failed)
        {
            writer?.Dispose();
            file?.Dispose();
            if (failed is IOException or UnauthorizedAccessException or SqliteException)
                throw SqliteErrors.Unavailable(description, failed);
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default) =>
        Read(reader => reader.Load(stream), cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default) =>
        Read(reader => reader.Version(stream), cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> Head(string project, CancellationToken cancellation = default) =>
        Read(reader => reader.Head(project), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(
        string project, long after, int max, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadFeed(project, after, max), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StoredEvent>> ReadStream(
        StreamKey stream, long after, int max, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadStream(stream, after, max), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places,
        CancellationToken cancellation = default) =>
        Read(reader => reader.ReadEvents(places), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default) =>
        Read(reader => reader.Keys(kind), cancellation);

    /// <inheritdoc/>
    public override ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default) =>
        Read(reader => reader.FindMark(project, mark), cancellation);

    /// <inheritdoc/>
    public override ValueTask<LogSize> Size(CancellationToken cancellation = default) =>
        Read(static reader => reader.Size(), cancellation);

    /// <inheritdoc/>
    public override ValueTask<ProjectSize> SizeOf(
        string project, long after, IReadOnlyCollection<string> types, CancellationToken cancellation = default) =>
        Read(reader => reader.SizeOf(project, after, types), cancellation);

    /// <inheritdoc/>
    public override async IAsyncEnumerable<StoredStream> LoadAll(
        string project, string kind, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        // A whole project is read elsewhere than on the caller's thread; reading a page at a time keeps memory flat.
        const int Page = 500;
        var reader = await Read(static reader => reader, cancellation, keep: true);
        try
        {
            using var streams = reader.LoadAll(project, kind).GetEnumerator();
            while (true)
            {
                var page = await Task.Run(() => Next(streams, Page), cancellation);
                foreach (var stream in page)
                {
                    cancellation.ThrowIfCancellationRequested();
                    yield return stream;
                }
                if (page.Count < Page) break;
            }
        }
        finally
        {
            GiveBack(reader);
        }
    }

    private protected override ValueTask Ping(CancellationToken cancellation)
    {
        _file.Check();
        var answer = Read(static reader => reader.Head(""), cancellation);
        return answer.IsCompletedSuccessfully ? default : new ValueTask(answer.AsTask());
    }

    private protected override ValueTask Close()
    {
        _closed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _file.Finish();
        _file.Dispose();
        return default;
    }

    private List<StoredStream> Next(IEnumerator<StoredStream> streams, int most)
    {
        try
        {
            var page = new List<StoredStream>(most);
            while (page.Count < most && streams.MoveNext()) page.Add(streams.Current);
            return page;
        }
        catch (SqliteException error)
        {
            throw _file.Unavailable(error);
        }
    }

    private ValueTask<T> Read<T>(Func<SqliteReader, T> query, CancellationToken cancellation, bool keep = false)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<T>(cancellation);
        SqliteReader? reader = null;
        try
        {
            if (_closed) throw new EventLogUnavailableException("The event log is closed.");
            if (!_readers.TryTake(out reader)) reader = NewReader();
            var answer = query(reader);
            if (!keep) GiveBack(reader);
            return new ValueTask<T>(answer);
        }
        catch (SqliteException error)
        {
            reader?.Dispose();
            return ValueTask.FromException<T>(_file.Unavailable(error));
        }
        catch (EventLogUnavailableException closed)
        {
            return ValueTask.FromException<T>(closed);
        }
    }

    private SqliteReader NewReader()
    {
        // Opened by its name: the file must still be the one that was opened before.
        _file.Check();
        return new(_file.Path);
    }

    private void GiveBack(SqliteReader reader)
    {
        if (_closed) reader.Dispose();
        else _readers.Add(reader);
    }
}
