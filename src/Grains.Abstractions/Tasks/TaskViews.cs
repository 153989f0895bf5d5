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
public sealed record TaskLink([property: Id(0)] string TaskId, [property: Id(1)] string TaskRef, [property: Id(2)] string Title, [property: Id(3)] string Status);

/// <summary>A task that was closed with its ancestor.</summary>
[GenerateSerializer, Immutable, Alias("task.auto_closed.v1")]
public sealed record ClosedTask([property: Id(0)] string TaskId, [property: Id(1)] string TaskRef, [property: Id(2)] string Title);

/// <summary>Tasks in a list.</summary>
[GenerateSerializer, Immutable, Alias("task.list.v1")]
public sealed record TaskList([property: Id(0)] ImmutableArray<TaskSummary> Tasks);

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
