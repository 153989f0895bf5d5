using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>Finds the root of a bead's parents (contract 9.3).</summary>
internal static class ApexWalk
{
    private const int MaxSteps = 20;

    /// <summary>Follows the parents, each named exactly, at most 20 steps, which also ends cycles; stops where there is none or it is not
    /// stored.</summary>
    /// <param name="start">Most recently synced issue of the bead; null when the bead is unknown.</param>
    /// <param name="find">Looks up an issue.</param>
    public static BeadRef? From(BeadRecord? start, Func<BeadRef, BeadRecord?> find)
    {
        if (start is null) return null;
        var at = start;
        for (var step = 0; step < MaxSteps && at.Parent is { } parent && find(parent) is { } above; step++) at = above;
        return new(at.Repo, at.Branch, at.BeadId);
    }
}
