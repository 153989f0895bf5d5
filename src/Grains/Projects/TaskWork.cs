using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Tasks;

namespace Beadhub.Projects;

/// <summary>
/// Who works on what, with the titles of native tasks: of a task and a bead with one id the task's title is shown (contract 5.6). The board
/// knows its beads only, and tasks are asked only where a claim or an apex may be one.
/// </summary>
/// <param name="Board">What the board says.</param>
/// <param name="Refs">References in it that may name native tasks.</param>
/// <param name="Titles">Titles of those that do.</param>
/// <param name="Work">Both together.</param>
internal sealed record TaskWork(BoardWork Board, ImmutableArray<string> Refs, TaskTitles Titles, BoardWork Work)
{
    private static readonly TaskTitles None = new([]);

    /// <summary>What the board says, before tasks were asked.</summary>
    public static TaskWork Of(BoardWork board, string slug) =>
        new(board, [.. board.Claims.SelectMany(Named).Distinct().Where(id => IsReference(id, slug))], None, board);

    /// <summary>The same with the titles of tasks; the same object while they have not changed.</summary>
    public TaskWork With(TaskTitles titles)
    {
        if (titles.Tasks.AsSpan().SequenceEqual(Titles.Tasks.AsSpan())) return this;
        var known = titles.Tasks.ToDictionary(task => task.Ref, StringComparer.Ordinal);
        return this with
        {
            Titles = titles,
            Work = new(
                [.. Board.Claims.Select(claim => Titled(claim, known))],
                Board.Workspaces.ToImmutableDictionary(w => w.Key, w => Titled(w.Value, known), StringComparer.Ordinal)),
        };
    }

    private static IEnumerable<string> Named(ClaimDetail claim) =>
        claim.Apex is { } apex && apex.BeadId != claim.Claim.BeadId ? [claim.Claim.BeadId, apex.BeadId] : [claim.Claim.BeadId];

    private static bool IsReference(string id, string slug) =>
        id.Length > slug.Length + 1 && id[slug.Length] == '-' && id.StartsWith(slug, StringComparison.Ordinal)
            && id.AsSpan(slug.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0;

    private static ClaimDetail Titled(ClaimDetail claim, Dictionary<string, TaskTitle> known)
    {
        if (known.TryGetValue(claim.Claim.BeadId, out var task)) claim = claim with { Title = task.Title };
        return claim.Apex is { } apex && known.TryGetValue(apex.BeadId, out var root)
            ? claim with { ApexTitle = root.Title, ApexType = root.Type } : claim;
    }

    private static WorkspaceWork Titled(WorkspaceWork work, Dictionary<string, TaskTitle> known)
    {
        work = work with { Claims = [.. work.Claims.Select(claim => Titled(claim, known))] };
        return work.Focus is { } focus && known.TryGetValue(focus.BeadId, out var root)
            ? work with { FocusTitle = root.Title, FocusType = root.Type } : work;
    }
}
