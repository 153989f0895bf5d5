using System.Collections.Immutable;
using Beadhub.History;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Tasks;

/// <summary>
/// The native tasks of a project (protocol 13), and the lists in which they stand before its beads (contract 15). Key: project id. One
/// grain a project, because numbers, dependencies, cycles and the closing of descendants span tasks and must be decided at once; large
/// texts stay in the log and comments have a grain a task, so that what is in memory is small.
/// </summary>
/// <remarks>A reference names a task by its id, its number, or slug and number. What follows from a status in the board's claims is done
/// before the call returns, and again after a crash.</remarks>
[Alias("beadhub.tasks")]
public interface ITasksGrain : IGrainWithStringKey
{
    /// <summary>Creates a task under the next number. The same id again, from the same agent, is answered as the first time when the
    /// command may be a repeat.</summary>
    /// <exception cref="RefusedException">Invalid: there is no such parent or assignee.</exception>
    [AlwaysInterleave]
    Task<TaskView> Create(CreateTask command);

    /// <summary>Changes what is given. Closing closes all open descendants, which the answer lists.</summary>
    /// <exception cref="RefusedException">Not found. Conflict: to be started, but assigned to another agent. Invalid: there is no such
    /// assignee.</exception>
    [AlwaysInterleave]
    Task<TaskView> Update(UpdateTask command);

    /// <summary>Deletes a task; its children and its number stay.</summary>
    /// <exception cref="RefusedException">Not found.</exception>
    [AlwaysInterleave]
    Task<TaskName> Delete(string reference);

    /// <summary>Makes a task wait for another.</summary>
    /// <exception cref="RefusedException">Not found. Invalid: on itself, or in a circle.</exception>
    [Repeatable, AlwaysInterleave]
    Task<TaskDependency> Depend(string reference, string dependsOn);

    /// <summary>Makes a task wait for another no longer.</summary>
    /// <exception cref="RefusedException">Not found.</exception>
    [Repeatable, AlwaysInterleave]
    Task<TaskDependency> Undepend(string reference, string dependsOn);

    /// <summary>Does what follows from statuses in the board's claims and was not done yet.</summary>
    [Repeatable, AlwaysInterleave]
    Task SettleClaims();

    /// <summary>Id and reference of a task.</summary>
    /// <exception cref="RefusedException">Not found.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskName> Name(string reference);

    /// <summary>A native task, else the bead with this id as a task; null when there is neither.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskView?> Find(string reference);

    /// <summary>The same as it was in a commit.</summary>
    /// <param name="reference">The task.</param>
    /// <param name="root">Root of the commit's tree.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskView?> FindAt(string reference, ObjectHash root);

    /// <summary>The lines of tasks as commits hold them, as they stand now, with everything that was decided before the call.</summary>
    /// <param name="ids">Which tasks; with one that was deleted, those that waited for it.</param>
    [Repeatable, AlwaysInterleave]
    Task<ImmutableArray<StandingTask>> Lines(ImmutableArray<string> ids);

    /// <summary>Ids of all tasks, in order.</summary>
    [Repeatable, AlwaysInterleave]
    Task<ImmutableArray<string>> Ids();

    /// <summary>Makes tasks what lines of commits say, each on the condition that what it replaces still stands.</summary>
    /// <returns>Ids of those of which that is not so: they stay as they are.</returns>
    [AlwaysInterleave]
    Task<ImmutableArray<string>> Put(PutTasks command);

    /// <summary>Native tasks by number, then beads by id. The same object is returned while nothing that it shows has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskList> List(TaskQuery query, TaskPage page);

    /// <summary>Native tasks that are open, assigned to nobody, and wait for none that is not closed; by priority, then number.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskList> Ready(TaskPage page);

    /// <summary>Completes when what is read afterwards holds everything up to a version of the grain: an event is announced a moment before
    /// the grain shows it.</summary>
    /// <param name="version">Version of the event that the caller has seen.</param>
    [Repeatable, AlwaysInterleave]
    Task Reach(long version);

    /// <summary>Native tasks that are not closed and wait for one that is not closed either; by priority, then number.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskList> Blocked(TaskPage page);

    /// <summary>Native tasks that are not closed and assigned to an agent; by priority, then number.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskList> AssignedTo(string agentId);

    /// <summary>Titles and types of native tasks by their references (contract 5.6). It calls no other grain.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskTitles> Titles(TaskRefs refs);

    /// <summary>The reference of a native task's topmost parent (contract 9.3); null when there is no task of this reference.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> ApexOf(string taskRef);
}

/// <summary>A task to be created. Texts are checked.</summary>
/// <param name="TaskId">Id for it.</param>
/// <param name="AgentId">Who creates it.</param>
/// <param name="Title">Title, 1 to 4096 characters.</param>
/// <param name="Description">Description; may be empty.</param>
/// <param name="Notes">Notes; may be empty.</param>
/// <param name="Priority">0 (most urgent) to 4.</param>
/// <param name="Type"><c>task</c>, <c>bug</c> or <c>feature</c>.</param>
/// <param name="Labels">Labels.</param>
/// <param name="ParentId">Id of the task that it is a part of.</param>
/// <param name="AssigneeId">Agent that is to do it.</param>
[GenerateSerializer, Immutable, Alias("task.create.v1")]
public sealed record CreateTask(
    [property: Id(0)] string TaskId,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string Title,
    [property: Id(3)] string Description,
    [property: Id(4)] string Notes,
    [property: Id(5)] int Priority,
    [property: Id(6)] string Type,
    [property: Id(7)] ImmutableArray<string> Labels,
    [property: Id(8)] string? ParentId,
    [property: Id(9)] string? AssigneeId);

/// <summary>What to change of a task; null leaves it as it is.</summary>
/// <param name="Reference">The task.</param>
/// <param name="AgentId">Who changes it.</param>
/// <param name="Title">Title.</param>
/// <param name="Description">Description.</param>
/// <param name="Notes">Notes.</param>
/// <param name="Status">One of <see cref="TaskStatuses"/>.</param>
/// <param name="Priority">0 to 4.</param>
/// <param name="Type"><c>task</c>, <c>bug</c> or <c>feature</c>.</param>
/// <param name="Labels">Labels.</param>
/// <param name="SetsAssignee">Whether <paramref name="AssigneeId"/> is meant: null then takes the task from its assignee.</param>
/// <param name="AssigneeId">Agent that is to do it.</param>
[GenerateSerializer, Immutable, Alias("task.update.v1")]
public sealed record UpdateTask(
    [property: Id(0)] string Reference,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string? Title = null,
    [property: Id(3)] string? Description = null,
    [property: Id(4)] string? Notes = null,
    [property: Id(5)] string? Status = null,
    [property: Id(6)] int? Priority = null,
    [property: Id(7)] string? Type = null,
    [property: Id(8)] ImmutableArray<string>? Labels = null,
    [property: Id(9)] bool SetsAssignee = false,
    [property: Id(10)] string? AssigneeId = null);

/// <summary>Which tasks to list; null parts do not filter (contract 15).</summary>
/// <param name="Statuses">Any of these, separated by commas.</param>
/// <param name="AssigneeId">Assignee; no bead has one.</param>
/// <param name="Type">Exactly.</param>
/// <param name="Priority">Exactly.</param>
/// <param name="Labels">All of these, separated by commas.</param>
/// <param name="AsOf">Root of a commit's tree: the tasks as they were then.</param>
[GenerateSerializer, Immutable, Alias("task.query.v1")]
public sealed record TaskQuery(
    [property: Id(0)] string? Statuses,
    [property: Id(1)] string? AssigneeId,
    [property: Id(2)] string? Type,
    [property: Id(3)] int? Priority,
    [property: Id(4)] string? Labels,
    [property: Id(5)] ObjectHash? AsOf = null);

/// <summary>A task as commits hold it.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Line">Its line; null when there is none, or none any more.</param>
[GenerateSerializer, Immutable, Alias("task.standing.v1")]
public sealed record StandingTask([property: Id(0)] string TaskId, [property: Id(1)] string? Line);

/// <summary>Makes tasks what lines of commits say.</summary>
/// <param name="AgentId">Who, if an agent.</param>
/// <param name="Tasks">The tasks.</param>
[GenerateSerializer, Immutable, Alias("task.put_all.v1")]
public sealed record PutTasks([property: Id(0)] string? AgentId, [property: Id(1)] ImmutableArray<PutTask> Tasks);

/// <summary>Makes a task what a line says.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Line">The line; null to delete the task.</param>
/// <param name="Expected">Hash of the line that it replaces; null for none.</param>
[GenerateSerializer, Immutable, Alias("task.put_one.v1")]
public sealed record PutTask([property: Id(0)] string TaskId, [property: Id(1)] string? Line, [property: Id(2)] ObjectHash? Expected);
