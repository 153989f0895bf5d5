using System.Collections.Immutable;

namespace Beadhub.EventLog;

/// <summary>What a pure decision came to: the events to append (none when nothing changes) and the answer to the caller.</summary>
public readonly record struct Decision<TResult>(ImmutableArray<IEvent> Events, TResult Result);

/// <summary>Makes decisions. A refusal is a <see cref="RefusedException"/>, thrown by the decision.</summary>
public static class Decision
{
    /// <summary>These events happen.</summary>
    public static Decision<TResult> Accept<TResult>(TResult result, params ImmutableArray<IEvent> events) => new(events, result);

    /// <summary>Nothing changes.</summary>
    public static Decision<TResult> None<TResult>(TResult result) => new([], result);
}
