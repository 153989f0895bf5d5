using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Directories;

/// <inheritdoc cref="IOriginGrain"/>
public sealed class OriginGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<OriginUses>(log), IOriginGrain
{
    private static readonly Func<OriginUses, ImmutableArray<OriginUse>> All = origin => origin.Uses;

    /// <inheritdoc/>
    public Task Use(OriginUse use) => Transact(origin => origin.Use(use, time.Now()));

    /// <inheritdoc/>
    public Task Leave(string projectId) => Transact(origin => origin.Leave(projectId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<OriginUse>> Projects()
    {
        var uses = await Read(All);
        // Anybody may look any origin up: what is not there must not stay in memory.
        if (uses.IsEmpty) DeactivateOnIdle();
        return uses;
    }
}
