using System.Collections.Immutable;

namespace Beadhub.Beads;

/// <summary>What is said about issues in more than one place.</summary>
internal static class BeadRecords
{
    /// <summary>
    /// The record with empty instead of missing lists: a list that is absent from old JSON arrives uninitialised, and such an array can
    /// neither be read nor written.
    /// </summary>
    public static BeadRecord Complete(this BeadRecord record) =>
        record.Labels.IsDefault || record.BlockedBy.IsDefault || record.BlocksIds.IsDefault || record.ElidedIds.IsDefault
            ? record with
            {
                Labels = record.Labels.OrEmpty(),
                BlockedBy = record.BlockedBy.OrEmpty(),
                BlocksIds = record.BlocksIds.OrEmpty(),
                ElidedIds = record.ElidedIds.OrEmpty(),
            }
            : record;

    /// <summary>
    /// The record as it stays in memory: without its large text, which is in the log. Where its line is not known the digest is not either,
    /// so that the line counts as changed when it comes again, and is kept then.
    /// </summary>
    public static BeadRecord Kept(this BeadRecord record, long version) =>
        record.Complete() with { Description = null, Version = version, Digest = version == 0 ? default : record.Digest };

    /// <summary>The record of a version that had no limits, cut so that a list can hold it; its whole text is in the log.</summary>
    public static BeadRecord Bounded(this BeadRecord record)
    {
        const int longest = 4096, most = 1000;
        var fits = (record.Title?.Length ?? 0) <= longest && (record.Status?.Length ?? 0) <= longest
            && (record.Type?.Length ?? 0) <= longest
            && (record.Assignee?.Length ?? 0) <= longest && record.Labels.Length <= most && record.BlockedBy.Length <= most
                && record.Labels.All(label => label.Length <= longest);
        return fits ? record : record with
        {
            Title = Cut(record.Title),
            Status = Cut(record.Status),
            Type = Cut(record.Type),
            Assignee = Cut(record.Assignee),
            Labels = [.. record.Labels.Take(most).Select(label => Cut(label)!).Distinct()],
            BlockedBy = [.. record.BlockedBy.Take(most)],
        };

        static string? Cut(string? text) =>
            text is null || text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];
    }

    /// <summary>The list, empty when it is missing.</summary>
    public static ImmutableArray<T> OrEmpty<T>(this ImmutableArray<T> list) => list.IsDefault ? [] : list;

    /// <summary>
    /// Whether two records of one issue differ in nothing but when they were stored and where. Lists are compared by their items; what is
    /// not kept in memory differs when the digests of the lines do.
    /// </summary>
    public static bool SaysTheSameAs(this BeadRecord one, BeadRecord other) =>
        one.Digest == other.Digest
        && one.Status == other.Status
        && one.Title == other.Title
        && one.Priority == other.Priority
        && one.Type == other.Type
        && one.Assignee == other.Assignee
        && one.CreatedBy == other.CreatedBy
        && one.Parent == other.Parent
        && one.CreatedAt == other.CreatedAt
        && one.UpdatedAt == other.UpdatedAt
        && one.ClosedAt == other.ClosedAt
        && one.EstimatedMinutes == other.EstimatedMinutes
        && one.BeadId == other.BeadId
        && one.Repo == other.Repo
        && one.Branch == other.Branch
        && one.Labels.AsSpan().SequenceEqual(other.Labels.AsSpan())
        && one.BlockedBy.AsSpan().SequenceEqual(other.BlockedBy.AsSpan())
        && one.BlocksIds.AsSpan().SequenceEqual(other.BlocksIds.AsSpan())
        && one.ElidedIds.AsSpan().SequenceEqual(other.ElidedIds.AsSpan());

    /// <summary>Whether the stored record is newer than one that a client pushes (contract 7.3): both are dated and the pushed one is
    /// older.</summary>
    public static bool IsNewerThan(this BeadRecord stored, BeadRecord pushed) =>
        stored.UpdatedAt is { } have && pushed.UpdatedAt is { } get && get < have;

    /// <summary>The most recently synced issue of a bead, which lends it its title and is where the way to its apex starts (contract 9.3);
    /// null when there is none.</summary>
    public static BeadRecord? Latest(this ImmutableArray<BeadRecord> records)
    {
        BeadRecord? latest = null;
        foreach (var record in records)
            if (latest is null || record.SyncedAt > latest.SyncedAt) latest = record;
        return latest;
    }

    /// <summary>The issue in a repository and branch; null when there is none.</summary>
    public static BeadRecord? In(this ImmutableArray<BeadRecord> records, string repo, string branch)
    {
        foreach (var record in records)
            if (record.Repo == repo && record.Branch == branch) return record;
        return null;
    }
}
