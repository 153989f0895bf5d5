using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Beadhub.EventLog;
using Beadhub.Feed;
using Microsoft.Data.Sqlite;

namespace Beadhub.Silo.EventLogs.Sqlite;

/// <summary>The event log in a SQLite file, for one node that needs nothing installed.</summary>
/// <remarks>Look-ups run on the caller's thread: they take microseconds, less than handing them to another thread would.</remarks>
internal sealed class SqliteEventLog : DurableEventLog
{
    private readonly string _path;
    private readonly FileStream _lock;
    private readonly ConcurrentBag<SqliteReader> _readers = [];
    private volatile bool _closed;

    private SqliteEventLog(string path, string description, FileStream held, GroupCommit commits, TimeProvider time) : base(commits, description, time)
    {
        _path = path;
        _lock = held;
    }

    // The operating system takes the lock away only together with the process.
    private protected override long Exclusive => _closed ? 0 : 1;

    /// <summary>Takes the lock, applies the schema and starts the committer.</summary>
    public static DurableEventLog Open(
        string path, string description, IFeedPublisher publisher, ILoggerFactory loggers, TimeProvider time, EventLogOptions options)
    {
        FileStream? held = null;
        SqliteWriter? writer = null;
        try
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            held = Lock(path, description, options, time);
            writer = new SqliteWriter(path, description, options);
            writer.Connect();
            return new SqliteEventLog(
                path, description, held, new GroupCommit(writer, publisher, options, loggers.CreateLogger<SqliteEventLog>(), time), time);
        }
        catch (Exception failed)
        {
            writer?.Dispose();
            held?.Dispose();
            if (failed is IOException or UnauthorizedAccessException) throw SqliteErrors.Unavailable(description, failed);
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
    public override ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadEvents(places), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default) =>
        Read(reader => reader.Keys(kind), cancellation);

    /// <inheritdoc/>
    public override ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default) =>
        Read(reader => reader.FindMark(project, mark), cancellation);

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
        var answer = Read(static reader => reader.Head(""), cancellation);
        return answer.IsCompletedSuccessfully ? default : new ValueTask(answer.AsTask());
    }

    private protected override async ValueTask Close()
    {
        _closed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        await _lock.DisposeAsync();
    }

    private static FileStream Lock(string path, string description, EventLogOptions options, TimeProvider time)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                // The file stays when the log is closed: deleting it would let two processes lock two files of one name.
                return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException taken) when (taken is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
            {
                if (time.GetElapsedTime(since) >= options.LockPatience)
                {
                    throw new EventLogInUseException(
                        $"Another Beadhub runs on this database ({description}). Stop it first; to run several nodes, use PostgreSQL and start them with BEADHUB_CLUSTER=true.",
                        taken);
                }
                Thread.Sleep(50);
            }
        }
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
            throw SqliteErrors.Unavailable(Description, error);
        }
    }

    private ValueTask<T> Read<T>(Func<SqliteReader, T> query, CancellationToken cancellation, bool keep = false)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<T>(cancellation);
        SqliteReader? reader = null;
        try
        {
            if (_closed) throw new EventLogUnavailableException("The event log is closed.");
            if (!_readers.TryTake(out reader)) reader = new SqliteReader(_path);
            var answer = query(reader);
            if (!keep) GiveBack(reader);
            return new ValueTask<T>(answer);
        }
        catch (SqliteException error)
        {
            reader?.Dispose();
            return ValueTask.FromException<T>(SqliteErrors.Unavailable(Description, error));
        }
        catch (EventLogUnavailableException closed)
        {
            return ValueTask.FromException<T>(closed);
        }
    }

    private void GiveBack(SqliteReader reader)
    {
        if (_closed) reader.Dispose();
        else _readers.Add(reader);
    }
}
