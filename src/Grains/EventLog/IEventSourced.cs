using System.Text.Json.Serialization.Metadata;

namespace Beadhub.EventLog;

/// <summary>An immutable state that is the fold of a stream's events.</summary>
public interface IEventSourced<TSelf> where TSelf : class, IEventSourced<TSelf>
{
    /// <summary>State of a stream without events.</summary>
    static abstract TSelf Empty { get; }

    /// <summary>The kind of stream, how its state is kept as a snapshot and how often.</summary>
    static abstract StreamKind<TSelf> Kind { get; }

    /// <summary>The state after one more event. Pure; an event that does not concern it leaves it as it is.</summary>
    TSelf Apply(IEvent @event);
}

/// <summary>What the log has to know about the streams of one kind of grain.</summary>
/// <param name="Name">Kind as stored, for example <c>bead</c>. Never changes.</param>
/// <param name="Snapshot">JSON of the state.</param>
/// <param name="SnapshotEvery">Number of events after which a new snapshot is written.</param>
/// <param name="ProjectOf">Id of the project in whose feed the events of a stream appear, from the grain's key.</param>
public sealed record StreamKind<TState>(string Name, JsonTypeInfo<TState> Snapshot, int SnapshotEvery, Func<string, string> ProjectOf)
{
    /// <summary>For states that grow: how many events a new snapshot is at least worth, when that is more than <see cref="SnapshotEvery"/>.</summary>
    public Func<TState, int>? EventsOf { get; init; }

    /// <summary>Whether a snapshot of a state is due that follows the last one by so many events.</summary>
    public bool IsSnapshotDue(TState state, long events) => events >= SnapshotEvery && (EventsOf is null || events >= EventsOf(state));
}
