using System.Collections.Immutable;
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
        return Transact(queue => queue.Signal(command, toAgentId: key[(key.IndexOf('/') + 1)..], time.Now()), result: ControlJson.Relaxed.Boolean);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<ControlSignal>> Take() => Transact(queue => queue.Take(time.Now()));
}
