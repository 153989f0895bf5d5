using System.Runtime.CompilerServices;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>A log in memory for one project, with a count of what is asked of it.</summary>
internal sealed class FeedLog : IEventLog
{
    private readonly Dictionary<StreamKey, List<StoredEvent>> _streams = [];
    private readonly Dictionary<StreamKey, (long Version, string State)> _snapshots = [];
    private readonly List<FeedEvent> _feed = [];
    private readonly Dictionary<(string Project, string Mark), MarkedEvent> _marks = [];

    public long ExclusiveEpoch { get; set; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Holds up what a look at a version or at the head has found, which may be old by then.</summary>
    public Func<Task> Hold { get; set; } = () => Task.CompletedTask;

    /// <summary>What an append fails with once it is written.</summary>
    public Exception? FailsAfterwards { get; set; }

    /// <summary>What an append fails with before anything is written.</summary>
    public Func<StreamAppend, Exception?>? Fails { get; set; }

    public int Asked { get; private set; }

    /// <summary>Appends wait until it is set.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public int FeedPages { get; private set; }

    /// <summary>Number of events that were read from streams.</summary>
    public int EventsRead { get; private set; }

    public ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default)
    {
        Asked++;
        return new(Stored(stream));
    }

    public async IAsyncEnumerable<StoredStream> LoadAll(string project, string kind,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Asked++;
        await Task.Yield();
        foreach (var stream in _streams.Keys.Where(key => key.Kind == kind && key.Key.StartsWith(project, StringComparison.Ordinal))
            .ToList())
            yield return Stored(stream);
    }

    public ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default)
    {
        Asked++;
        return Held(_streams.TryGetValue(stream, out var events) ? events.Count : 0);
    }

    public async Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default)
    {
        if (Gate is { } gate) await gate.Task;
        if (Fails?.Invoke(append) is { } fails) throw fails;
        foreach (var before in append.Before ?? []) await Append(before, cancellation);
        var events = _streams.TryGetValue(append.Stream, out var known) ? known : _streams[append.Stream] = [];
        if (events.Count != append.ExpectedVersion && !append.AnyVersion) return default;
        if (append.Events.Any(e => e.Mark is not null && _marks.ContainsKey((append.Project, e.Mark)))) return default;
        foreach (var e in append.Events)
        {
            if (e.Mark is not null) _marks[(append.Project, e.Mark)] = new(append.Stream, events.Count + 1);
            events.Add(new(events.Count + 1, e.Type, e.Data, e.At));
            _feed.Add(new(append.Project, _feed.Count + 1, append.Stream.Kind, append.Stream.Key, events.Count, e.Type, e.Data, e.At));
        }

        var first = events.Count - append.Events.Count + 1;
        if (append.Snapshot is not null && first == append.ExpectedVersion + 1) _snapshots[append.Stream] = (events.Count, append.Snapshot);
        if (FailsAfterwards is { } failure) throw failure;
        return new(true, _feed.Count - append.Events.Count + 1, first);
    }

    public ValueTask<long> Head(string project, CancellationToken cancellation = default)
    {
        Asked++;
        return Held(_feed.Count);
    }

    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(string project, long after, int max, CancellationToken cancellation = default)
    {
        Asked++;
        FeedPages++;
        return new([.. _feed.Skip((int)after).Take(max)]);
    }

    public ValueTask<IReadOnlyList<StoredEvent>> ReadStream(StreamKey stream, long after, int max, CancellationToken cancellation = default)
    {
        Asked++;
        return new(EventsOf(stream, after, max));
    }

    public ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places, CancellationToken cancellation = default)
    {
        Asked++;
        return new([.. places.Select(place => EventsOf(place.Stream, place.Version - 1, 1) is [var found] ? found : (StoredEvent?)null)]);
    }

    /// <summary>Forgets the newest events of a stream, as an older backup does.</summary>
    public void Truncate(StreamKey stream, int count) => _streams[stream].RemoveRange(count, _streams[stream].Count - count);

    public ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default)
    {
        Asked++;
        return new(_marks.TryGetValue((project, mark), out var marked) ? marked : null);
    }

    public ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default)
    {
        Asked++;
        return new(_streams.Keys.Where(stream => stream.Kind == kind).Select(stream => stream.Key).ToList());
    }

    public ValueTask DisposeAsync() => default;

    private async ValueTask<long> Held(long found)
    {
        await Hold();
        return found;
    }

    private StoredStream Stored(StreamKey stream)
    {
        var (version, state) = _snapshots.GetValueOrDefault(stream);
        return new(stream.Key, _streams.GetValueOrDefault(stream)?.Count ?? 0, version, state, EventsOf(stream, version, int.MaxValue));
    }

    private List<StoredEvent> EventsOf(StreamKey stream, long after, int max)
    {
        if (!_streams.TryGetValue(stream, out var events) || after >= events.Count) return [];
        var read = events.GetRange((int)after, (int)Math.Min(max, events.Count - after));
        EventsRead += read.Count;
        return read;
    }
}
