using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Tasks;

/// <summary>A native task was created.</summary>
[GenerateSerializer, Immutable, Alias("task.created.v1")]
public sealed record TaskCreated(
    [property: Id(0)] string TaskId,
    [property: Id(1)] int Number,
    [property: Id(2)] string Title,
    [property: Id(3)] int Priority,
    [property: Id(4)] string Type,
    [property: Id(5)] ImmutableArray<string> Labels,
    [property: Id(6)] string? ParentId,
    [property: Id(7)] string? AssigneeId,
    [property: Id(8)] string CreatedBy,
    [property: Id(9)] DateTimeOffset At) : IEvent;

/// <summary>A task got a description, notes, or both. An event apart, since these texts are large and are read from here when somebody asks
/// for them.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Revision">Number of this change among those of the task's texts.</param>
/// <param name="Description">The description as it is now; null when it did not change.</param>
/// <param name="Notes">The notes as they are now; null when they did not change.</param>
/// <param name="AgentId">Who wrote it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("task.described.v1")]
public sealed record TaskDescribed(
    [property: Id(0)] string TaskId,
    [property: Id(1)] int Revision,
    [property: Id(2)] string? Description,
    [property: Id(3)] string? Notes,
    [property: Id(4)] string AgentId,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A task changed in something other than its status and its large texts; all of it is told as it is now.</summary>
[GenerateSerializer, Immutable, Alias("task.changed.v1")]
public sealed record TaskChanged(
    [property: Id(0)] string TaskId,
    [property: Id(1)] string Title,
    [property: Id(2)] int Priority,
    [property: Id(3)] string Type,
    [property: Id(4)] ImmutableArray<string> Labels,
    [property: Id(5)] string? AssigneeId,
    [property: Id(6)] string AgentId,
    [property: Id(7)] DateTimeOffset At) : IEvent;

/// <summary>A task was started, closed or opened again.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="OldStatus">Status before.</param>
/// <param name="NewStatus">Status now.</param>
/// <param name="AgentId">Who did it: the one who works on it when it was started.</param>
/// <param name="Sequence">Number of this change among those from which something follows for claims.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("task.status_changed.v1")]
public sealed record TaskStatusChanged(
    [property: Id(0)] string TaskId,
    [property: Id(1)] string OldStatus,
    [property: Id(2)] string NewStatus,
    [property: Id(3)] string AgentId,
    [property: Id(4)] int Sequence,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A task was deleted; nothing waits for it any more.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Sequence">Number of this change among those from which something follows for claims.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("task.deleted.v1")]
public sealed record TaskDeleted([property: Id(0)] string TaskId, [property: Id(1)] int Sequence, [property: Id(2)] DateTimeOffset At)
    : IEvent;

/// <summary>A task waits for another from now on.</summary>
[GenerateSerializer, Immutable, Alias("task.dependency_added.v1")]
public sealed record TaskDependencyAdded([property: Id(0)] string TaskId, [property: Id(1)] string DependsOnId,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A task waits for another no longer.</summary>
[GenerateSerializer, Immutable, Alias("task.dependency_removed.v1")]
public sealed record TaskDependencyRemoved([property: Id(0)] string TaskId, [property: Id(1)] string DependsOnId,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A restore or a merge has made a task what a commit's line says, or put it here anew.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Number">Its number here.</param>
/// <param name="Line">Its line, without what was said about it.</param>
/// <param name="Revision">Number of this change among those of the task's texts.</param>
/// <param name="Sequence">Number of this change among those from which something follows for claims.</param>
/// <param name="AgentId">Who did it, if an agent.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("task.put.v1")]
public sealed record TaskPut(
    [property: Id(0)] string TaskId,
    [property: Id(1)] int Number,
    [property: Id(2)] string Line,
    [property: Id(3)] int Revision,
    [property: Id(4)] int Sequence,
    [property: Id(5)] string? AgentId,
    [property: Id(6)] DateTimeOffset At) : IEvent;

/// <summary>What follows for claims from a task's status, or from its deletion, is done.</summary>
[GenerateSerializer, Immutable, Alias("task.claim_settled.v1")]
public sealed record TaskClaimSettled([property: Id(0)] string TaskId, [property: Id(1)] int Sequence) : IEvent;

/// <summary>Somebody commented on a task.</summary>
[GenerateSerializer, Immutable, Alias("task.commented.v1")]
public sealed record TaskCommented(
    [property: Id(0)] string CommentId,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string Body,
    [property: Id(3)] DateTimeOffset At) : IEvent;
