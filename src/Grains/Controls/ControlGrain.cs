using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Controls;

/// <inheritdoc cref="IControlGrain"/>
public sealed class ControlGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<SignalQueue>(log), IControlGrain
{
    /// <inheritdoc/>
    public async Task Signal(SendSignal command)
    {
        var key = this.GetPrimaryKeyString();
        try
        {
            await Transact(queue => queue.Signal(command, toAgentId: key[(key.IndexOf('/') + 1)..], time.Now()));
        }
        catch (MarkTakenException)
        {
            // A repeat: the signal was queued, and perhaps taken since.
        }
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<ControlSignal>> Take() => Transact(queue => queue.Take(time.Now()));
}
