using Beadhub.Feed;
using Orleans;

namespace Beadhub.EventLog;

/// <summary>
/// The truth: streams of events, one a grain, and a feed of all events a project. Two stores implement it (SQLite and PostgreSQL)
/// and pass one acceptance test class. Appends of many grains are committed in groups; a conflict fails only its own append.
/// </summary>
/// <remarks>Every method throws <see cref="EventLogUnavailableException"/> when the store cannot be reached or refuses to write (a full
/// disk).</remarks>
public interface IEventLog : IAsyncDisposable
{
    /// <summary>
    /// Above zero while this process is known to be the only writer, so that a state in memory which was read or checked under
    /// the same number needs no second look. Zero when other nodes may write, or when the exclusive lock was lost; a new number after it
    /// was regained.
    /// </summary>
    long ExclusiveEpoch { get; }

    /// <summary>The clock by which events are dated.</summary>
    TimeProvider Time => TimeProvider.System;

    /// <summary>Whether the project is owned by another node to which grains can be moved: they answer from memory there.</summary>
    bool IsElsewhere(string project) => false;

    /// <summary>Reads a stream: its newest snapshot and the events after it. Concurrent calls share a query. A stream never written has
    /// version 0.</summary>
    ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default);

    /// <summary>Reads all streams of one kind in one project, in no particular order, streaming.</summary>
    IAsyncEnumerable<StoredStream> LoadAll(string project, string kind, CancellationToken cancellation = default);

    /// <summary>Keys of all streams of one kind, in all projects: to take up again, at start, work that a project has left.</summary>
    ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default);

    /// <summary>The version of a project's stream (0 when never written), as of the request's <see cref="ReadBarrier"/>.</summary>
    ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default);

    /// <summary>
    /// Appends the events atomically when the stream still has the expected version, or any (<see cref="StreamAppend.AnyVersion"/>);
    /// completes once they are durable.
    /// </summary>
    /// <returns>Whether the events were written, and then where the first one is.</returns>
    /// <exception cref="EventLogUnavailableException">The outcome is unknown: the caller must read the stream again before it decides
    /// anew.</exception>
    Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default);

    /// <summary>Reads at most <paramref name="max"/> events of a stream with a version above <paramref name="after"/>, in order.</summary>
    ValueTask<IReadOnlyList<StoredEvent>> ReadStream(StreamKey stream, long after, int max, CancellationToken cancellation = default);

    /// <summary>Reads single events of many streams at once, by their places; null where there is none. As many as are asked for are in
    /// memory.</summary>
    ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places, CancellationToken cancellation = default);

    /// <summary>Finds the event of a project that carries a mark (<see cref="NewEvent.Mark"/>); null when none does.</summary>
    ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default);

    /// <summary>
    /// The feed position of the newest event of the project, as of the request's <see cref="ReadBarrier"/>; 0 when there is none. What this
    /// process has committed since is always counted.
    /// </summary>
    ValueTask<long> Head(string project, CancellationToken cancellation = default);

    /// <summary>Reads at most <paramref name="max"/> events of a project's feed with a position above <paramref name="after"/>, in order,
    /// without gaps.</summary>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(string project, long after, int max, CancellationToken cancellation = default);
}

/// <summary>Names a stream: the kind of grain and its key.</summary>
public readonly record struct StreamKey(string Kind, string Key)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kind}/{Key}";
}

/// <summary>Events to be written to one stream, all or none.</summary>
/// <param name="Project">Id of the project in whose feed the events appear.</param>
/// <param name="Stream">The stream.</param>
/// <param name="ExpectedVersion">The version that the stream must have: the number of its events so far.</param>
/// <param name="Events">At least one.</param>
/// <param name="Snapshot">State after the last of the events, as JSON, when one is due.</param>
/// <param name="AnyVersion">
/// The events mean the same whatever the stream holds: when it has another version than expected, they are appended after that, without the
/// snapshot. The first event must carry a mark.
/// </param>
/// <param name="InCompany">Its caller makes more appends in the same breath: it waits for them rather than be committed alone.</param>
/// <param name="Before">
/// Appends to other streams on which this one rests: written in the same transaction or before. It fails when one of them fails; that
/// one is refused, since its stream has another version, is not in its way.
/// </param>
public sealed record StreamAppend(string Project, StreamKey Stream, long ExpectedVersion, IReadOnlyList<NewEvent> Events, string? Snapshot,
    bool AnyVersion = false, bool InCompany = false, IReadOnlyList<StreamAppend>? Before = null);

/// <summary>An event to be written.</summary>
/// <param name="Type">Event type name with its version suffix.</param>
/// <param name="Data">JSON.</param>
/// <param name="At">When it was decided, UTC, microseconds.</param>
/// <param name="Mark">
/// A name that no other event of the project may carry, by which the event is found again (the id of a message, say). An append with a mark
/// that is taken is refused as a whole, like one with a wrong version.
/// </param>
public readonly record struct NewEvent(string Type, string Data, DateTimeOffset At, string? Mark = null);

/// <summary>Where one event is.</summary>
/// <param name="Stream">Its stream.</param>
/// <param name="Version">Its version within the stream.</param>
public readonly record struct EventPlace(StreamKey Stream, long Version);

/// <summary>Where the event with a mark is.</summary>
/// <param name="Stream">Its stream.</param>
/// <param name="Version">Its version within the stream.</param>
public readonly record struct MarkedEvent(StreamKey Stream, long Version);

/// <summary>What came of an append.</summary>
/// <param name="Written">False when the stream had another version, or a mark was taken; nothing was written then.</param>
/// <param name="FirstPosition">Feed position of the first event; 0 when nothing was written.</param>
/// <param name="FirstVersion">Version of the first event within the stream; 0 when nothing was written.</param>
public readonly record struct AppendResult(bool Written, long FirstPosition, long FirstVersion);

/// <summary>A stream as stored.</summary>
/// <param name="Key">Key of the stream within its kind.</param>
/// <param name="Version">Number of events ever written to it.</param>
/// <param name="SnapshotVersion">Version that <paramref name="Snapshot"/> reflects; 0 when there is none.</param>
/// <param name="Snapshot">JSON of the state, or null.</param>
/// <param name="Tail">Events after the snapshot, in order.</param>
public sealed record StoredStream(string Key, long Version, long SnapshotVersion, string? Snapshot, IReadOnlyList<StoredEvent> Tail)
{
    /// <summary>The state that the snapshot and the events after it lead to.</summary>
    public TState Fold<TState>() where TState : class, IEventSourced<TState> =>
        Tail.Fold(Snapshot is null ? TState.Empty : TState.Kind.Restore(Snapshot));
}

/// <summary>Folds events as they are stored.</summary>
public static class StoredEvents
{
    /// <summary>
    /// The state that events lead to from another. An event of a type that this version does not know concerns no state, but is shown to it
    /// all the same: states that count their events count it too.
    /// </summary>
    public static TState Fold<TState>(this IReadOnlyList<StoredEvent> events, TState state) where TState : class, IEventSourced<TState>
    {
        foreach (var stored in events) state = state.Apply(EventTypes.Parse(stored.Type, stored.Data) ?? UnknownEvent.Instance);
        return state;
    }

    /// <summary>Whether this version does not know one of them. No snapshot is made over such an event: it would hide it from the version
    /// that knows it.</summary>
    public static bool HoldUnknown(this IReadOnlyList<StoredEvent> events)
    {
        foreach (var stored in events)
            if (!EventTypes.Knows(stored.Type)) return true;
        return false;
    }
}

/// <summary>An event as stored in its stream.</summary>
public readonly record struct StoredEvent(long Version, string Type, string Data, DateTimeOffset At);

/// <summary>Receives what was committed, in commit order, batch by batch, before the appends are acknowledged. Must return
/// quickly.</summary>
public interface IFeedPublisher
{
    /// <summary>Events of one project, with consecutive positions.</summary>
    void Publish(string project, IReadOnlyList<FeedEvent> events);
}

/// <summary>The store cannot be reached or cannot write. Whether an append in flight was written is unknown.</summary>
[GenerateSerializer, Alias("log_unavailable.v1")]
public sealed class EventLogUnavailableException : UnavailableException
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public EventLogUnavailableException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>
/// What this process commits, told before the writers are answered. While the process is the only writer, whoever follows a project here
/// knows of every acknowledged event without a look at the log.
/// </summary>
public interface ICommittedFeed
{
    /// <summary>
    /// Follows a project until the result is disposed. The callback gets events with rising positions; it comes on the log's own thread,
    /// must return at once and must not throw. Should the positions have a hole, the log has what is missing.
    /// </summary>
    IDisposable Follow(string project, Action<IReadOnlyList<FeedEvent>> committed);
}
