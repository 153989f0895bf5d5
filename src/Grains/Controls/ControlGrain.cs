using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Controls;

/// <inheritdoc cref="IControlGrain"/>
public sealed class ControlGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<SignalQueue>(log), IControlGrain
{
    /// <inheritdoc/>
    public Task Signal(SendSignal command)
    {
        var key = this.GetPrimaryKeyString();
        return Transact(queue => queue.Signal(command, toAgentId: key[(key.IndexOf('/') + 1)..], time.Now()),
            result: ControlJson.Relaxed.Boolean);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<ControlSignal>> Take() => Transact(queue => queue.Take(time.Now()));
}

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
    public static StreamKind<SignalQueue> Kind { get; } = new("control", ControlJson.Relaxed.SignalQueue, SnapshotEvery: 64, key =>
        key[..key.IndexOf('/')]);

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

/// <summary>JSON of the snapshots of signal queues.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SignalQueue))]
[JsonSerializable(typeof(bool))]
internal sealed partial class ControlJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static ControlJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
