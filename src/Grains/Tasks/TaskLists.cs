using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.Boards;

namespace Beadhub.Tasks;

/// <summary>The lists of one state of a project's tasks, each made once. Safe for concurrent readers.</summary>
internal sealed class TaskLists(TaskBook book, string slug)
{
    private const int Capacity = 64;

    private readonly ConcurrentDictionary<TaskQuery, (BeadsAsTasks Beads, TaskList List)> _lists = new();
    private readonly ConcurrentDictionary<string, TaskList> _assigned = new(StringComparer.Ordinal);
    private readonly Lazy<TaskList> _ready = new(() =>
        Urgent(book, slug, task => task is { Status: TaskStatuses.Open, AssigneeId: null } && !book.IsBlocked(task)));
    private readonly Lazy<TaskList> _blocked = new(() => Urgent(book, slug, book.IsBlocked));

    /// <summary>Native tasks by number, then beads by id, without those whose id is a native task's reference (contract 15).</summary>
    public TaskList List(TaskQuery query, BeadsAsTasks beads)
    {
        if (_lists.TryGetValue(query, out var known) && ReferenceEquals(known.Beads, beads)) return known.List;
        var filter = new TaskFilter(query);
        var rows = ImmutableArray.CreateBuilder<TaskSummary>();
        foreach (var task in book.ByNumber.Values)
            if (filter.Passes(task)) rows.Add(Row(task, slug));
        foreach (var bead in beads.Issues)
            if (book.Find(bead.BeadId, slug)?.Ref(slug) != bead.BeadId) rows.Add(Row(bead));
        var list = All(rows.DrainToImmutable());
        if (_lists.Count >= Capacity) _lists.Clear();
        _lists[query] = (beads, list);
        return list;
    }

    /// <summary>Open, unassigned and not blocked.</summary>
    public TaskList Ready() => _ready.Value;

    /// <summary>Not closed, and waiting for one that is not closed.</summary>
    public TaskList Blocked() => _blocked.Value;

    /// <summary>Not closed, and assigned to an agent.</summary>
    public TaskList AssignedTo(string agentId)
    {
        if (_assigned.TryGetValue(agentId, out var known)) return known;
        if (_assigned.Count >= Capacity) _assigned.Clear();
        return _assigned.GetOrAdd(agentId, Urgent(book, slug, task => task.AssigneeId == agentId));
    }

    private static TaskList Urgent(TaskBook book, string slug, Func<NativeTask, bool> passes) =>
        All([.. book.Unclosed.Select(number => book.ByNumber[number]).Where(passes).OrderBy(task => task.Priority)
            .ThenBy(task => task.Number).Select(task => Row(task, slug))]);

    private static TaskList All(ImmutableArray<TaskSummary> tasks) => new(tasks, tasks.Length);

    private static TaskSummary Row(NativeTask task, string slug) => new(
        task.Id, task.Ref(slug), task.Number, task.Title, task.Status, task.Priority, task.Type, task.AssigneeId, task.CreatedBy,
        task.ParentId, task.Labels,
        task.CreatedAt, task.UpdatedAt);

    private static TaskSummary Row(IssueRow bead) => new(
        bead.BeadId, bead.BeadId, null, bead.Title, bead.Status, BeadTask.Priority(bead.Priority), BeadTask.Type(bead.Type), null, null,
        bead.Parent?.BeadId, bead.Labels,
        bead.CreatedAt, bead.UpdatedAt);
}

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
