using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Orleans;

namespace Beadhub.Tasks;

/// <summary>A task whole (protocol 13.1): a native one, or a bead in its shape, which has no number (contract 15).</summary>
[GenerateSerializer, Immutable, Alias("task.view.v1")]
public sealed record TaskView(
    [property: Id(0)] string TaskId,
    [property: Id(1)] string TaskRef,
    [property: Id(2)] int? TaskNumber,
    [property: Id(3)] string ProjectId,
    [property: Id(4)] string? Title,
    [property: Id(5)] string Description,
    [property: Id(6)] string Notes,
    [property: Id(7)] string? Status,
    [property: Id(8)] long Priority,
    [property: Id(9)] string TaskType,
    [property: Id(10)] ImmutableArray<string> Labels,
    [property: Id(11)] string? ParentTaskId,
    [property: Id(12)] string? AssigneeAgentId,
    [property: Id(13)] string? CreatedByAgentId,
    [property: Id(14)] string? ClosedByAgentId,
    [property: Id(15)] DateTimeOffset? CreatedAt,
    [property: Id(16)] DateTimeOffset? UpdatedAt,
    [property: Id(17)] DateTimeOffset? ClosedAt)
{
    /// <summary>Tasks that it waits for, by number; null where the answer does not tell.</summary>
    [Id(18), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<TaskLink>? BlockedBy { get; init; }

    /// <summary>Tasks that wait for it, by number; null where the answer does not tell.</summary>
    [Id(19), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<TaskLink>? Blocks { get; init; }

    /// <summary>Descendants that were closed with it; null unless it was to be closed.</summary>
    [Id(20), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<ClosedTask>? AutoClosed { get; init; }
}

/// <summary>A task at the other end of a dependency.</summary>
[GenerateSerializer, Immutable, Alias("task.link.v1")]
public sealed record TaskLink([property: Id(0)] string TaskId, [property: Id(1)] string TaskRef, [property: Id(2)] string Title,
    [property: Id(3)] string Status);

/// <summary>A task that was closed with its ancestor.</summary>
[GenerateSerializer, Immutable, Alias("task.auto_closed.v1")]
public sealed record ClosedTask([property: Id(0)] string TaskId, [property: Id(1)] string TaskRef, [property: Id(2)] string Title);

/// <summary>Tasks in a list, or a page of it.</summary>
/// <param name="Tasks">In the order of the list.</param>
/// <param name="Total">Number of tasks in the whole list.</param>
/// <param name="Next">Where the next page starts; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("task.list.v1")]
public sealed record TaskList([property: Id(0)] ImmutableArray<TaskSummary> Tasks, [property: Id(1)] int Total,
    [property: Id(2)] TaskCursor? Next = null);

/// <summary>Place of a task in a list: of native tasks by number, where the list is ordered so by priority before, then of beads by
/// id.</summary>
/// <param name="Priority">Priority, where the list is ordered by it.</param>
/// <param name="Number">Number of a native task; null for a bead.</param>
/// <param name="BeadId">Id of a bead; null for a native task.</param>
[GenerateSerializer, Immutable, Alias("task.cursor.v1")]
public sealed record TaskCursor([property: Id(0)] long? Priority, [property: Id(1)] int? Number, [property: Id(2)] string? BeadId);

/// <summary>Which part of a list.</summary>
/// <param name="Limit">Greatest number of tasks; fewer when they would be more than an answer may hold.</param>
/// <param name="After">Place of the last task of the page before; null for the first.</param>
[GenerateSerializer, Immutable, Alias("task.page.v1")]
public sealed record TaskPage([property: Id(0)] int Limit, [property: Id(1)] TaskCursor? After)
{
    /// <summary>Tasks of a list whose caller names no limit: more than any team has at work.</summary>
    public const int Usual = 5000;

    /// <summary>The first page.</summary>
    public static TaskPage First { get; } = new(Usual, null);
}

/// <summary>Native tasks of which titles are asked for.</summary>
/// <param name="Slug">Slug of the project.</param>
/// <param name="Refs">Their references, or anything else: of what names no native task nothing is told.</param>
[GenerateSerializer, Immutable, Alias("task.refs.v1")]
public sealed record TaskRefs([property: Id(0)] string Slug, [property: Id(1)] ImmutableArray<string> Refs);

/// <summary>What native tasks are called.</summary>
[GenerateSerializer, Immutable, Alias("task.titles.v1")]
public sealed record TaskTitles([property: Id(0)] ImmutableArray<TaskTitle> Tasks);

/// <summary>What a native task is called.</summary>
[GenerateSerializer, Immutable, Alias("task.title.v1")]
public sealed record TaskTitle([property: Id(0)] string Ref, [property: Id(1)] string Title, [property: Id(2)] string Type);

/// <summary>A task in a list.</summary>
[GenerateSerializer, Immutable, Alias("task.summary.v1")]
public sealed record TaskSummary(
    [property: Id(0)] string TaskId,
    [property: Id(1)] string TaskRef,
    [property: Id(2)] int? TaskNumber,
    [property: Id(3)] string? Title,
    [property: Id(4)] string? Status,
    [property: Id(5)] long Priority,
    [property: Id(6)] string TaskType,
    [property: Id(7)] string? AssigneeAgentId,
    [property: Id(8)] string? CreatedByAgentId,
    [property: Id(9)] string? ParentTaskId,
    [property: Id(10)] ImmutableArray<string> Labels,
    [property: Id(11)] DateTimeOffset? CreatedAt,
    [property: Id(12)] DateTimeOffset? UpdatedAt);

/// <summary>Names a native task.</summary>
[GenerateSerializer, Immutable, Alias("task.name.v1")]
public sealed record TaskName([property: Id(0)] string TaskId, [property: Id(1)] string TaskRef);

/// <summary>One native task that waits for another, or waited.</summary>
[GenerateSerializer, Immutable, Alias("task.dependency.v1")]
public sealed record TaskDependency([property: Id(0)] string TaskId, [property: Id(1)] string DependsOnTaskId);

/// <summary>What a native task can be.</summary>
public static class TaskStatuses
{
    /// <summary>To be done.</summary>
    public const string Open = "open";

    /// <summary>Being done.</summary>
    public const string InProgress = "in_progress";

    /// <summary>Done, or not to be done.</summary>
    public const string Closed = "closed";
}
