using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.EventLogs;

/// <summary>The log as the grains see it: what they read and write shows in the traces of the requests that cause it.</summary>
internal sealed class TracedEventLog(IEventLog log) : IEventLog
{
    public long ExclusiveEpoch => log.ExclusiveEpoch;

    public TimeProvider Time => log.Time;

    public bool IsElsewhere(string project) => log.IsElsewhere(project);

    public ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? new(Traced("load", stream.Kind, () => log.Load(stream, cancellation).AsTask()))
            : log.Load(stream, cancellation);

    // Read a row at a time, by whoever asks for the next one: the time between is not the log's.
    public IAsyncEnumerable<StoredStream> LoadAll(string project, string kind, CancellationToken cancellation = default) =>
        log.LoadAll(project, kind, cancellation);

    public ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default) => log.Keys(kind, cancellation);

    public ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? new(Traced("version", stream.Kind, () => log.Version(project, stream, cancellation).AsTask()))
            : log.Version(project, stream, cancellation);

    public Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? Traced("append", append.Stream.Kind, () => log.Append(append, cancellation))
            : log.Append(append, cancellation);

    public ValueTask<IReadOnlyList<StoredEvent>> ReadStream(StreamKey stream, long after, int max,
        CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted
            ? new(Traced("read", stream.Kind, () => log.ReadStream(stream, after, max, cancellation).AsTask()))
            : log.ReadStream(stream, after, max, cancellation);

    public ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted && places.Count > 0
            ? new(Traced("read", places[0].Stream.Kind, () => log.ReadEvents(places, cancellation).AsTask()))
            : log.ReadEvents(places, cancellation);

    public ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? new(Traced("find", null, () => log.FindMark(project, mark, cancellation).AsTask()))
            : log.FindMark(project, mark, cancellation);

    public ValueTask<long> Head(string project, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? new(Traced("head", null, () => log.Head(project, cancellation).AsTask()))
            : log.Head(project, cancellation);

    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(string project, long after, int max, CancellationToken cancellation = default) =>
        EventLogTraces.AreWanted ? new(Traced("feed", null, () => log.ReadFeed(project, after, max, cancellation).AsTask()))
            : log.ReadFeed(project, after, max, cancellation);

    // Whoever opened the log closes it.
    public ValueTask DisposeAsync() => default;

    private static async Task<T> Traced<T>(string operation, string? kind, Func<Task<T>> call)
    {
        using var span = EventLogTraces.Start(operation, kind);
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            span.Failed(exception);
            throw;
        }
    }
}
