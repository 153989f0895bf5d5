using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Controls;

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
