using Beadhub.Beads;

namespace Beadhub.Tasks;

/// <summary>A bead in the shape of a task (contract 15).</summary>
internal static class BeadTask
{
    private const long UsualPriority = 2;
    private const string UsualType = "task";

    /// <summary>Priority of a bead as a task's.</summary>
    public static long Priority(long? priority) => priority ?? UsualPriority;

    /// <summary>Type of a bead as a task's.</summary>
    public static string Type(string? type) => type ?? UsualType;

    /// <summary>Of a bead's issues in several repositories the one that its clients changed last.</summary>
    public static BeadRecord? Newest(IReadOnlyCollection<BeadRecord> records) =>
        records.MaxBy(issue => (issue.UpdatedAt ?? DateTimeOffset.MinValue, issue.SyncedAt));

    /// <summary>A bead whole.</summary>
    public static TaskView View(string projectId, BeadRecord issue) =>
        new(issue.BeadId, issue.BeadId, null, projectId, issue.Title, issue.Description ?? "", "", issue.Status, Priority(issue.Priority),
            Type(issue.Type), issue.Labels,
            issue.Parent?.BeadId, null, null, null, issue.CreatedAt, issue.UpdatedAt, null) { BlockedBy = [], Blocks = [] };
}
