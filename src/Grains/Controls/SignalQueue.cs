using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Controls;

/// <summary>The signals that wait for an agent, oldest first.</summary>
/// <param name="Waiting">The signals.</param>
public sealed record SignalQueue(ImmutableList<ControlSignal> Waiting) : IEventSourced<SignalQueue>
{
    /// <summary>An agent that nobody listens for does not collect signals without end.</summary>
    private const int MaxWaiting = 1000;

    private const int MaxTaken = 10;

    /// <inheritdoc/>
    public static SignalQueue Empty { get; } = new([]);

    /// <inheritdoc/>
    public static StreamKind<SignalQueue> Kind { get; } = new("control", ControlJson.Relaxed.SignalQueue, SnapshotEvery: 64, key => key[..key.IndexOf('/')]);

    /// <inheritdoc/>
    public SignalQueue Apply(IEvent @event) => @event switch
    {
        ControlSignalled e => new(Waiting.Add(new(e.SignalId, e.Signal))),
        ControlTaken e => new(Waiting.RemoveAll(signal => e.SignalIds.Contains(signal.SignalId))),
        _ => this,
    };

    /// <summary>Queues a signal.</summary>
    public Decision<bool> Signal(SendSignal command, string toAgentId, DateTimeOffset now)
    {
        var (id, signal) = command.Signal;
        if (Waiting.Count >= MaxWaiting)
            throw new RefusedException(RefusalKind.Conflict, $"{MaxWaiting} control signals wait for the agent already");
        return Decision.Accept(true, new ControlSignalled(id, toAgentId, command.FromAgentId, signal, now));
    }

    /// <summary>Hands out what waits.</summary>
    public Decision<ImmutableArray<ControlSignal>> Take(DateTimeOffset now)
    {
        if (Waiting.IsEmpty) return Decision.None(ImmutableArray<ControlSignal>.Empty);
        ImmutableArray<ControlSignal> taken = [.. Waiting.Take(MaxTaken)];
        return Decision.Accept(taken, new ControlTaken([.. taken.Select(signal => signal.SignalId)], now));
    }
}
