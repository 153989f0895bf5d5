namespace Beadhub.Tasks;

/// <summary>The filters of a list of tasks, all of which must hold (contract 15).</summary>
internal sealed class TaskFilter(TaskQuery query)
{
    private readonly HashSet<string>? _statuses = query.Statuses is null ? null : [.. Split(query.Statuses)];
    private readonly string[] _labels = query.Labels is null ? [] : Split(query.Labels);

    /// <summary>The items of a list with commas; blank ones are none.</summary>
    public static string[] Split(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Whether a native task passes.</summary>
    public bool Passes(NativeTask task) =>
        (query.AssigneeId is null || task.AssigneeId == query.AssigneeId) && Passes(task.Status, task.Priority, task.Type, task.Labels);

    /// <summary>Whether something with these fields passes; nobody is assigned to it.</summary>
    public bool Passes(string? status, long priority, string type, IReadOnlyCollection<string> labels) =>
        (_statuses is null || status is not null && _statuses.Contains(status))
        && (query.Priority is null || priority == query.Priority)
        && (query.Type is null || type == query.Type)
        && Array.TrueForAll(_labels, labels.Contains);
}
