using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>An issue read from its line, before it is known which of the issues that block it are closed by other lines.</summary>
/// <param name="Record">The issue; its blockers are those of <c>blocked_by</c>.</param>
/// <param name="Blocks">Targets of its <c>blocks</c> dependencies, in order.</param>
internal readonly record struct IssueLine(BeadRecord Record, ImmutableArray<IssueLine.Blocker> Blocks)
{
    /// <summary>The issue without those blockers that the same payload closes (contract 7.2).</summary>
    public BeadRecord Resolve(Func<string, bool> closes)
    {
        if (Blocks.IsEmpty) return Record;
        var blockedBy = Record.BlockedBy.ToBuilder();
        var elided = ImmutableArray.CreateBuilder<string>();
        foreach (var blocker in Blocks)
        {
            if (blocker.IsInPayload && closes(blocker.Target.BeadId)) elided.Add(blocker.Target.BeadId);
            else blockedBy.Add(blocker.Target);
        }

        return Record with { BlockedBy = blockedBy.DrainToImmutable(), ElidedIds = elided.DrainToImmutable() };
    }

    /// <summary>Target of a <c>blocks</c> dependency.</summary>
    /// <param name="Target">The issue that blocks.</param>
    /// <param name="IsInPayload">Whether it was named without a repository, so that the payload itself may hold it.</param>
    internal readonly record struct Blocker(BeadRef Target, bool IsInPayload);
}
