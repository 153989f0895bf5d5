using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Tasks;

/// <summary>The native tasks of a project with their numbers, parents and dependencies. Decisions are in <see cref="TaskDecisions"/>.
/// Pure.</summary>
/// <param name="ByNumber">The tasks that were not deleted.</param>
/// <param name="LastNumber">The number allotted last; none is ever used again.</param>
/// <param name="LastSequence">Number of changes from which something followed for claims.</param>
/// <param name="Events">Number of events so far, by which large texts are found again.</param>
/// <param name="Claims">What the board's claims are to be, by task id; tasks that were never started, closed or deleted are absent.</param>
/// <param name="Gone">Tasks that were deleted, by id.</param>
public sealed record TaskBook(
    ImmutableSortedDictionary<int, NativeTask> ByNumber,
    int LastNumber,
    int LastSequence,
    long Events,
    ImmutableDictionary<string, WantedClaim> Claims,
    ImmutableDictionary<string, GoneTask>? Gone = null) : IEventSourced<TaskBook>
{
    /// <inheritdoc/>
    public static TaskBook Empty { get; } = new(ImmutableSortedDictionary<int, NativeTask>.Empty, 0, 0, 0,
        ImmutableDictionary<string, WantedClaim>.Empty);

    /// <summary>A snapshot holds all tasks, so it pays only after many changes.</summary>
    public static StreamKind<TaskBook> Kind { get; } = new("tasks", TaskJson.Relaxed.TaskBook, SnapshotEvery: 512, ProjectOf: key => key)
    {
        Fold = 2,
    };

    /// <summary>Numbers by task id.</summary>
    [JsonIgnore]
    public ImmutableDictionary<string, int> Numbers { get; private init; } = ByNumber
        .ToImmutableDictionary(t => t.Value.Id, t => t.Key, StringComparer.Ordinal);

    /// <summary>Numbers of the tasks that are parts of a task, by its id.</summary>
    [JsonIgnore]
    public ImmutableDictionary<string, ImmutableSortedSet<int>> Parts { get; private init; } =
        Grouped(from task in ByNumber.Values where task.ParentId is not null select (task.ParentId, task.Number));

    /// <summary>Numbers of the tasks that wait for a task, by its number.</summary>
    [JsonIgnore]
    public ImmutableDictionary<int, ImmutableSortedSet<int>> Waiting { get; private init; } =
        Grouped(from task in ByNumber.Values from other in task.DependsOn select (other, task.Number));

    /// <summary>Numbers of the tasks that are not closed: most of a long-lived project are.</summary>
    [JsonIgnore]
    public ImmutableSortedSet<int> Unclosed { get; private init; } =
        [.. ByNumber.Values.Where(task => !task.IsClosed).Select(task => task.Number)];

    /// <summary>Ids of the tasks whose claims are not yet as they are to be.</summary>
    [JsonIgnore]
    public ImmutableHashSet<string> Unsettled { get; private init; } =
        [.. Claims.Where(claim => !claim.Value.IsSettled).Select(claim => claim.Key)];

    /// <summary>The task with an id; null when there is none, or none any more.</summary>
    public NativeTask? ById(string id) => Numbers.TryGetValue(id, out var number) ? ByNumber[number] : null;

    /// <summary>The task that a reference names: by id in any of its forms, by number, or by slug and number (protocol 13.1).</summary>
    public NativeTask? Find(string reference, string slug)
    {
        if (Names.TryNormalizeUuid(reference, out var id)) return ById(id);
        var digits = reference.Length > slug.Length + 1 && reference[slug.Length] == '-'
            && reference.StartsWith(slug, StringComparison.Ordinal)
            ? reference.AsSpan(slug.Length + 1)
            : reference;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? ByNumber.GetValueOrDefault(number) : null;
    }

    /// <summary>Whether the task waits for one that is not closed.</summary>
    public bool IsBlocked(NativeTask task)
    {
        foreach (var number in task.DependsOn)
            if (!ByNumber[number].IsClosed) return true;
        return false;
    }

    /// <summary>The topmost of a task's parents, at most 20 steps up (contract 9.3).</summary>
    public NativeTask Apex(NativeTask task)
    {
        const int maxSteps = 20;
        for (var step = 0; step < maxSteps && task.ParentId is { } parent && ById(parent) is { } above; step++) task = above;
        return task;
    }

    /// <inheritdoc/>
    public TaskBook Apply(IEvent @event) => Next(@event) with { Events = Events + 1 };

    private TaskBook Next(IEvent @event) => @event switch
    {
        TaskCreated e => Created(e),
        TaskDescribed e when ById(e.TaskId) is { } task => Put(task with { UpdatedAt = e.At, Revision = e.Revision }, e),
        TaskChanged e when ById(e.TaskId) is { } task => Put(task with
        {
            Title = e.Title, Priority = e.Priority, Type = e.Type, Labels = e.Labels, AssigneeId = e.AssigneeId, UpdatedAt = e.At,
        }),
        TaskStatusChanged e when ById(e.TaskId) is { } task => StatusChanged(task, e),
        TaskDeleted e when ById(e.TaskId) is { } task => Deleted(task, e),
        TaskDependencyAdded e when ById(e.TaskId) is { } task && ById(e.DependsOnId) is { } other => Linked(task, other.Number, e.At),
        TaskDependencyRemoved e when ById(e.TaskId) is { } task && ById(e.DependsOnId) is { } other => Unlinked(task, other.Number, e.At),
        TaskPut e when TaskLine.Parse(e.Line) is { } line => Placed(e, line),
        TaskClaimSettled e => Settled(e),
        _ => this,
    };

    private TaskBook Created(TaskCreated e)
    {
        var task = new NativeTask(
            e.TaskId, e.Number, e.Title, TaskStatuses.Open, e.Priority, e.Type, e.Labels, e.ParentId, e.AssigneeId, e.CreatedBy,
            ClosedBy: null, e.At, e.At, ClosedAt: null, []);
        return Put(task) with
        {
            LastNumber = Math.Max(LastNumber, e.Number),
            Numbers = Numbers.SetItem(e.TaskId, e.Number),
            Parts = e.ParentId is null ? Parts : With(Parts, e.ParentId, e.Number),
            Unclosed = Unclosed.Add(e.Number),
        };
    }

    private TaskBook StatusChanged(NativeTask task, TaskStatusChanged e)
    {
        var closed = e.NewStatus == TaskStatuses.Closed;
        var next = task with { Status = e.NewStatus, UpdatedAt = e.At, ClosedBy = closed ? e.AgentId : null, ClosedAt = closed ? e.At
            : null };
        return Want(next, e.NewStatus == TaskStatuses.InProgress ? e.AgentId : null, e.Sequence).Put(next) with
        {
            Unclosed = closed ? Unclosed.Remove(task.Number) : Unclosed.Add(task.Number),
        };
    }

    private TaskBook Deleted(NativeTask task, TaskDeleted e)
    {
        var book = Want(task, null, e.Sequence);
        foreach (var other in task.DependsOn) book = book.Unlinked(task, other, task.UpdatedAt);
        foreach (var other in Waiting.GetValueOrDefault(task.Number, []))
            book = book.Unlinked(ByNumber[other], task.Number, ByNumber[other].UpdatedAt);
        return book with
        {
            ByNumber = book.ByNumber.Remove(task.Number),
            Numbers = Numbers.Remove(task.Id),
            Parts = task.ParentId is null ? Parts : Without(Parts, task.ParentId, task.Number),
            Unclosed = Unclosed.Remove(task.Number),
            Gone = (Gone ?? ImmutableDictionary<string, GoneTask>.Empty).SetItem(task.Id,
                new(task.Number, [.. Waiting.GetValueOrDefault(task.Number, []).Select(other => ByNumber[other].Id)])),
        };
    }

    private TaskBook Placed(TaskPut e, TaskLine line)
    {
        var before = ById(e.TaskId);
        var here = line.DependsOn.Where(Numbers.ContainsKey).Select(id => Numbers[id]).ToImmutableSortedSet();
        ImmutableArray<string> elsewhere = [.. line.DependsOn.Where(id => !Numbers.ContainsKey(id))];
        var task = new NativeTask(e.TaskId, e.Number, line.Title, line.Status, line.Priority, line.Type, line.Labels, line.ParentId,
            line.AssigneeId, line.CreatedBy, line.ClosedBy, line.CreatedAt, line.UpdatedAt, line.ClosedAt, here, e.Revision,
            Place(null, line.Description, e.Revision), Place(null, line.Notes, e.Revision),
            line.Number == e.Number ? null : line.Number, elsewhere.IsEmpty ? null : elsewhere);
        // Claims follow work that has ended, and are never made by what came from a commit.
        var book = (task.Status != TaskStatuses.InProgress && Claims.GetValueOrDefault(task.Id)?.WorkspaceId is not null
            ? Want(task, null, e.Sequence) : this).Put(task);
        var (parts, waiting) = (Parts, Waiting);
        if (before?.ParentId is { } old) parts = Without(parts, old, task.Number);
        if (line.ParentId is { } parent) parts = With(parts, parent, task.Number);
        foreach (var other in before?.DependsOn ?? []) waiting = Without(waiting, other, task.Number);
        foreach (var other in here) waiting = With(waiting, other, task.Number);
        foreach (var other in before is null ? ByNumber.Values : [])
        {
            // It waited for this one before it was here.
            if (other.Elsewhere is not { } ids || !ids.Contains(e.TaskId)) continue;
            var rest = ids.Remove(e.TaskId);
            book = book.Put(other with { DependsOn = other.DependsOn.Add(task.Number), Elsewhere = rest.IsEmpty ? null : rest });
            waiting = With(waiting, task.Number, other.Number);
        }

        return book with
        {
            LastNumber = Math.Max(LastNumber, e.Number),
            Numbers = Numbers.SetItem(e.TaskId, e.Number),
            Parts = parts,
            Waiting = waiting,
            Unclosed = task.IsClosed ? Unclosed.Remove(task.Number) : Unclosed.Add(task.Number),
            Gone = Gone?.Remove(e.TaskId),
        };
    }

    private TaskBook Linked(NativeTask task, int other, DateTimeOffset at) =>
        Put(task with { DependsOn = task.DependsOn.Add(other), UpdatedAt = at }) with { Waiting = With(Waiting, other, task.Number) };

    // The task is looked up again: of several links of one task each is taken from what the one before left.
    private TaskBook Unlinked(NativeTask task, int other, DateTimeOffset at) =>
        Put(ByNumber[task.Number] with { DependsOn = ByNumber[task.Number].DependsOn.Remove(other), UpdatedAt = at }) with { Waiting =
            Without(Waiting, other, task.Number) };

    private TaskBook Want(NativeTask task, string? workspaceId, int sequence) => this with
    {
        LastSequence = Math.Max(LastSequence, sequence),
        Claims = Claims.SetItem(task.Id, new(task.Number, task.Title, workspaceId, sequence)),
        Unsettled = Unsettled.Add(task.Id),
    };

    private TaskBook Settled(TaskClaimSettled e)
    {
        if (!Claims.TryGetValue(e.TaskId, out var claim) || claim.Sequence != e.Sequence) return this;
        return this with
        {
            Claims = Numbers.ContainsKey(e.TaskId) ? Claims.SetItem(e.TaskId, claim with { IsSettled = true }) : Claims.Remove(e.TaskId),
            Unsettled = Unsettled.Remove(e.TaskId),
        };
    }

    private TaskBook Put(NativeTask task) => this with { ByNumber = ByNumber.SetItem(task.Number, task) };

    private TaskBook Put(NativeTask task, TaskDescribed e) => Put(task with
    {
        Description = Place(task.Description, e.Description, e.Revision),
        Notes = Place(task.Notes, e.Notes, e.Revision),
    });

    private TextPlace? Place(TextPlace? before, string? text, int revision) => text switch
    {
        null => before,
        "" => null,
        _ => new(revision, Events + 1),
    };

    private static ImmutableDictionary<TKey, ImmutableSortedSet<int>> Grouped<TKey>(IEnumerable<(TKey Key, int Number)> pairs) where TKey
        : notnull =>
        pairs.GroupBy(pair => pair.Key, pair => pair.Number)
            .ToImmutableDictionary(group => group.Key, group => group.ToImmutableSortedSet());

    private static ImmutableDictionary<TKey, ImmutableSortedSet<int>> With<TKey>(ImmutableDictionary<TKey, ImmutableSortedSet<int>> sets,
        TKey key, int number) where TKey : notnull =>
        sets.SetItem(key, sets.GetValueOrDefault(key, []).Add(number));

    private static ImmutableDictionary<TKey, ImmutableSortedSet<int>> Without<TKey>(ImmutableDictionary<TKey, ImmutableSortedSet<int>> sets,
        TKey key, int number) where TKey : notnull
    {
        var rest = sets.GetValueOrDefault(key, []).Remove(number);
        return rest.IsEmpty ? sets.Remove(key) : sets.SetItem(key, rest);
    }
}

/// <summary>JSON of the snapshots of tasks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TaskBook))]
[JsonSerializable(typeof(TaskTalk))]
[JsonSerializable(typeof(NativeTask))]
[JsonSerializable(typeof(TaskCommented))]
internal sealed partial class TaskJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static TaskJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
