using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Controls;

/// <summary>
/// The control signals that wait for an agent (protocol 6.8). Key: project id / agent id. A grain apart, because the signals are kept until
/// an event stream of the agent takes them, which nothing else of the agent has to wait for.
/// </summary>
[Alias("beadhub.control")]
public interface IControlGrain : IGrainWithStringKey
{
    /// <summary>Key of an agent's signals.</summary>
    static string Key(string projectId, string agentId) => $"{projectId}/{agentId}";

    /// <summary>Queues a signal. The same one again changes nothing when the command may be a repeat.</summary>
    /// <exception cref="RefusedException">Too many signals wait already.</exception>
    [AlwaysInterleave]
    Task Signal(SendSignal command);

    /// <summary>
    /// Takes the signals that wait, oldest first, at most ten: each is handed out once and to one taker, even should the taker's connection
    /// be gone.
    /// </summary>
    [AlwaysInterleave]
    Task<ImmutableArray<ControlSignal>> Take();
}

/// <summary>A signal to be queued.</summary>
/// <param name="Signal">The signal.</param>
/// <param name="FromAgentId">Sender.</param>
[GenerateSerializer, Immutable, Alias("control.send.v1")]
public sealed record SendSignal([property: Id(0)] ControlSignal Signal, [property: Id(1)] string FromAgentId);

/// <summary>A signal.</summary>
/// <param name="SignalId">Id.</param>
/// <param name="Signal"><c>pause</c>, <c>resume</c> or <c>interrupt</c>.</param>
[GenerateSerializer, Immutable, Alias("control.signal.v1")]
public sealed record ControlSignal([property: Id(0)] string SignalId, [property: Id(1)] string Signal);

/// <summary>A signal waits for an agent.</summary>
[GenerateSerializer, Immutable, Alias("control.signalled.v1")]
public sealed record ControlSignalled(
    [property: Id(0)] string SignalId,
    [property: Id(1)] string ToAgentId,
    [property: Id(2)] string FromAgentId,
    [property: Id(3)] string Signal,
    [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>Signals were handed to an event stream of their agent.</summary>
[GenerateSerializer, Immutable, Alias("control.taken.v1")]
public sealed record ControlTaken([property: Id(0)] ImmutableArray<string> SignalIds, [property: Id(1)] DateTimeOffset At) : IEvent;
