using System.Collections.Immutable;

namespace Beadhub.EventLog;

/// <summary>What a pure decision came to: the events to append (none when nothing changes) and the answer to the caller.</summary>
public readonly record struct Decision<TResult>(ImmutableArray<IEvent> Events, TResult Result)
{
    /// <summary>A name that no other event of the project may carry; the first event gets it (<see cref="NewEvent.Mark"/>).</summary>
    public string? Mark { get; init; }
}

/// <summary>The decision's mark is carried by another event of the project already; nothing was written.</summary>
/// <param name="mark">The mark.</param>
/// <param name="marked">The event that carries it; null when it was decided at the same moment.</param>
internal sealed class MarkTakenException(string mark, MarkedEvent? marked) : Exception($"The mark {mark} is taken.")
{
    /// <summary>The event that carries the mark; null when it was decided at the same moment and cannot be told yet.</summary>
    public MarkedEvent? Marked { get; } = marked;
}

/// <summary>Makes decisions. A refusal is a <see cref="RefusedException"/>, thrown by the decision.</summary>
public static class Decision
{
    /// <summary>These events happen.</summary>
    public static Decision<TResult> Accept<TResult>(TResult result, params ImmutableArray<IEvent> events) => new(events, result);

    /// <summary>Nothing changes.</summary>
    public static Decision<TResult> None<TResult>(TResult result) => new([], result);
}
