using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// Whether an issue is ready, by the rules of the client's tool (bd 1.0.5, internal/storage/issueops) and of contract 7.8, which goes
/// before: the status is exactly open, and a blocker that is not stored blocks. Pure.
/// </summary>
/// <param name="beads">Every bead, by id.</param>
/// <param name="dependents">Ids of the beads whose readiness a bead may change, its parts among them.</param>
internal readonly struct Readiness(ImmutableDictionary<string, BeadView> beads,
    ImmutableDictionary<string, ImmutableHashSet<string>> dependents)
{
    private const int MaxAncestors = 50;

    /// <summary>Whether an issue blocks nobody any more: closed, deleted, or pinned, which is never closed.</summary>
    public static bool IsDone(BeadRecord issue) => issue.Status is "closed" or "tombstone" or "pinned";

    /// <summary>Whether somebody can begin with an issue.</summary>
    public bool IsReady(BeadRecord issue) => issue.Status == "open" && issue.Terms is not { IsNoWork: true } && !IsBlocked(issue);

    /// <summary>Whether an issue, or one of those above it that are not done, waits for another.</summary>
    public bool IsBlocked(BeadRecord issue)
    {
        for (var step = 0; step <= MaxAncestors; step++)
        {
            if (IsHeldUp(issue)) return true;
            if (issue.Parent is not { } parent || Board.Find(beads, parent) is not { } above || IsDone(above)) return false;
            issue = above;
        }

        return false;
    }

    private bool IsHeldUp(BeadRecord issue)
    {
        foreach (var blocker in issue.BlockedBy)
            if (Board.Find(beads, blocker) is not { } other || !IsDone(other)) return true;
        if (issue.Terms is not { } terms) return false;
        foreach (var condition in terms.Conditions)
            if (Board.Find(beads, condition) is { } other && !IsDone(other)) return true;
        foreach (var wait in terms.Waits)
            if (Waits(wait)) return true;
        return false;
    }

    private bool Waits(BeadWait wait)
    {
        bool anyLeft = false, anyClosed = false;
        foreach (var id in dependents.GetValueOrDefault(wait.Spawner.BeadId, []))
        {
            foreach (var part in beads.GetValueOrDefault(id)?.Records ?? [])
            {
                if (part.Parent != wait.Spawner) continue;
                anyLeft |= !IsDone(part);
                anyClosed |= part.Status == "closed";
            }
        }

        return anyLeft && !(wait.AnyPart && anyClosed);
    }
}
