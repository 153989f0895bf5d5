using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>The orders of a board's lists. Each ends with what identifies the item, so that pages neither repeat nor skip
/// anything.</summary>
internal static class BoardOrders
{
    /// <summary>Newest first, then by priority (none last), then by bead id, repository and branch (contract 7.6).</summary>
    public static readonly IComparer<BeadRecord> Listed = Comparer<BeadRecord>.Create((a, b) =>
        CompareListed(a, SortTime(b), b.Priority, b.BeadId, b.Repo, b.Branch));

    /// <summary>By priority (none last), then by bead id, repository and branch (contract 7.8).</summary>
    public static readonly IComparer<BeadRecord> Ready = Comparer<BeadRecord>.Create((a, b) =>
        ComparePriority(a.Priority, b.Priority) is var order and not 0 ? order : CompareNames(a, b.BeadId, b.Repo, b.Branch));

    /// <summary>Newest first, then by bead id and workspace (contract 9.1).</summary>
    public static readonly IComparer<BoardClaim> Claimed = Comparer<BoardClaim>.Create((a, b) =>
        CompareClaimed(a.Row, b.Row.ClaimedAt, b.Row.BeadId, b.Row.WorkspaceId));

    /// <summary>When an issue was last changed by its client, or else stored.</summary>
    public static DateTimeOffset SortTime(BeadRecord record) => record.UpdatedAt ?? record.SyncedAt;

    /// <summary>Whether an issue comes after a cursor. One without repository or branch stands behind all issues with its time, priority
    /// and id.</summary>
    public static bool IsAfter(BeadRecord record, IssueCursor cursor) =>
        CompareListed(record, cursor.SortTime, cursor.Priority, cursor.BeadId, cursor.Repo, cursor.Branch) > 0;

    /// <summary>Whether a claim comes after a cursor. One without bead or workspace stands behind all claims of its instant.</summary>
    public static bool IsAfter(BoardClaim claim, ClaimCursor cursor) =>
        CompareClaimed(claim.Row, cursor.ClaimedAt, cursor.BeadId, cursor.WorkspaceId) > 0;

    private static int CompareListed(BeadRecord a, DateTimeOffset time, long? priority, string beadId, string? repo, string? branch)
    {
        var order = time.CompareTo(SortTime(a));
        if (order == 0) order = ComparePriority(a.Priority, priority);
        return order != 0 ? order : CompareNames(a, beadId, repo, branch);
    }

    private static int ComparePriority(long? a, long? b) =>
        a is { } one ? b is { } two ? one.CompareTo(two) : -1 : b is null ? 0 : 1;

    private static int CompareNames(BeadRecord a, string beadId, string? repo, string? branch)
    {
        var order = string.CompareOrdinal(a.BeadId, beadId);
        if (order == 0) order = repo is null ? -1 : string.CompareOrdinal(a.Repo, repo);
        if (order == 0) order = branch is null ? -1 : string.CompareOrdinal(a.Branch, branch);
        return order;
    }

    private static int CompareClaimed(ClaimRow a, DateTimeOffset claimedAt, string? beadId, string? workspaceId)
    {
        var order = claimedAt.CompareTo(a.ClaimedAt);
        if (order == 0) order = beadId is null ? -1 : string.CompareOrdinal(a.BeadId, beadId);
        if (order == 0) order = workspaceId is null ? -1 : string.CompareOrdinal(a.WorkspaceId, workspaceId);
        return order;
    }
}
