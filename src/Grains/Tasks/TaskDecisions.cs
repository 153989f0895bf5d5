using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Tasks;

/// <summary>What a project decides on its native tasks (protocol 13.2). Pure: the time and fresh ids are arguments. A refusal changes
/// nothing.</summary>
internal static class TaskDecisions
{
    /// <summary>Creates a task under the next number.</summary>
    public static Decision<NativeTask> Create(this TaskBook book, CreateTask command, DateTimeOffset now)
    {
        if (command.ParentId is { } parent && book.ById(parent) is null)
            throw new RefusedException(RefusalKind.Invalid, "Parent task not found in this project");
        var draft = new TaskDraft(book);
        draft.Raise(new TaskCreated(
            command.TaskId, book.LastNumber + 1, command.Title, command.Priority, command.Type, command.Labels, command.ParentId,
            command.AssigneeId, command.AgentId, now));
        if (command.Description.Length > 0 || command.Notes.Length > 0)
            draft.Raise(new TaskDescribed(command.TaskId, 1, Given(command.Description), Given(command.Notes), command.AgentId, now));

        return draft.With(draft.Book.ById(command.TaskId)!);

        static string? Given(string text) => text.Length > 0 ? text : null;
    }

    /// <summary>Changes what is given and differs.</summary>
    /// <returns>The book after it, the task, and, when it was to be closed, the descendants that were closed with it.</returns>
    public static Decision<Updated> Update(this TaskBook book, UpdateTask command, string slug, DateTimeOffset now)
    {
        var task = book.Existing(command.Reference, slug);
        var assignee = command.SetsAssignee ? command.AssigneeId : task.AssigneeId;
        if (command.Status == TaskStatuses.InProgress)
        {
            assignee ??= command.AgentId;
            if (assignee != command.AgentId) throw new RefusedException(RefusalKind.Conflict, "Task is assigned to another agent");
        }

        var draft = new TaskDraft(book);
        var changed = task with
        {
            Title = command.Title ?? task.Title,
            Priority = command.Priority ?? task.Priority,
            Type = command.Type ?? task.Type,
            Labels = command.Labels ?? task.Labels,
            AssigneeId = assignee,
        };
        if (Differ(task, changed))
            draft.Raise(new TaskChanged(task.Id, changed.Title, changed.Priority, changed.Type, changed.Labels, changed.AssigneeId,
                command.AgentId, now));
        if (command.Description is not null || command.Notes is not null)
            draft.Raise(new TaskDescribed(task.Id, task.Revision + 1, command.Description, command.Notes, command.AgentId, now));
        if (command.Status is { } status && status != task.Status) draft.ChangeStatus(task, status, command.AgentId, now);

        ImmutableArray<NativeTask>? closed = null;
        if (command.Status == TaskStatuses.Closed)
        {
            closed = draft.Book.OpenDescendants(task);
            foreach (var descendant in closed.Value) draft.ChangeStatus(descendant, TaskStatuses.Closed, command.AgentId, now);
        }

        return draft.With(new Updated(draft.Book, draft.Book.ById(task.Id)!, closed));
    }

    /// <summary>Deletes a task.</summary>
    public static Decision<NativeTask> Delete(this TaskBook book, string reference, string slug, DateTimeOffset now)
    {
        var task = book.Existing(reference, slug);
        return Decision.Accept(task, new TaskDeleted(task.Id, book.LastSequence + 1, now));
    }

    /// <summary>Makes a task wait for another, unless that one waits for it, however indirectly.</summary>
    public static Decision<TaskDependency> Depend(this TaskBook book, string reference, string dependsOn, string slug, DateTimeOffset now)
    {
        var (task, other) = (book.Existing(reference, slug), book.Existing(dependsOn, slug));
        var answer = new TaskDependency(task.Id, other.Id);
        if (task.Number == other.Number) throw new RefusedException(RefusalKind.Invalid, "A task cannot depend on itself");
        if (task.DependsOn.Contains(other.Number)) return Decision.None(answer);
        if (book.WaitsFor(other, task.Number)) throw new RefusedException(RefusalKind.Invalid, "Dependency would create a cycle");
        return Decision.Accept(answer, new TaskDependencyAdded(task.Id, other.Id, now));
    }

    /// <summary>Makes a task wait for another no longer.</summary>
    public static Decision<TaskDependency> Undepend(this TaskBook book, string reference, string dependsOn, string slug, DateTimeOffset now)
    {
        var (task, other) = (book.Existing(reference, slug), book.Existing(dependsOn, slug));
        var answer = new TaskDependency(task.Id, other.Id);
        return task.DependsOn.Contains(other.Number)
            ? Decision.Accept(answer, new TaskDependencyRemoved(task.Id, other.Id, now)) : Decision.None(answer);
    }

    /// <summary>Makes tasks what lines say, all or, of those that were changed since they were seen, none.</summary>
    /// <remarks>A task keeps the number that it has or had here. One that was never here gets the number of its line where no other has
    /// or had it, else the next.</remarks>
    /// <returns>Ids of the tasks that were changed since.</returns>
    public static Decision<ImmutableArray<string>> Put(this TaskBook book, IReadOnlyCollection<PlacedTask> tasks, string? agentId,
        DateTimeOffset now)
    {
        var draft = new TaskDraft(book);
        var changed = ImmutableArray.CreateBuilder<string>();
        var used = book.Gone?.Values.Select(static gone => gone.Number).ToHashSet() ?? [];
        foreach (var (id, line, seen) in tasks.OrderBy(static task => task.Line?.Number ?? 0)
            .ThenBy(static task => task.Id, StringComparer.Ordinal))
        {
            var there = book.ById(id);
            if (!ReferenceEquals(there, seen))
            {
                changed.Add(id);
                continue;
            }

            if (line is null)
            {
                if (there is not null) draft.Raise(new TaskDeleted(id, draft.Book.LastSequence + 1, now));
                continue;
            }

            var number = there?.Number ?? book.Gone?.GetValueOrDefault(id)?.Number
                ?? (line.Number > 0 && !used.Contains(line.Number) && !draft.Book.ByNumber.ContainsKey(line.Number)
                    ? line.Number : draft.Book.LastNumber + 1);
            draft.Raise(new TaskPut(id, number, (line with { Comments = [] }).Text(), (there?.Revision ?? 0) + 1,
                draft.Book.LastSequence + 1, agentId, now));
        }

        return draft.With(changed.DrainToImmutable());
    }

    /// <summary>The claims of a task are as a change wanted them, unless a later one wants them otherwise.</summary>
    public static Decision<bool> Settle(this TaskBook book, string taskId, int sequence) =>
        book.Claims.TryGetValue(taskId, out var claim) && claim.Sequence == sequence && !claim.IsSettled
            ? Decision.Accept(true, new TaskClaimSettled(taskId, sequence))
            : Decision.None(false);

    /// <summary>The task that a reference names.</summary>
    /// <exception cref="RefusedException">There is none.</exception>
    public static NativeTask Existing(this TaskBook book, string reference, string slug) =>
        book.Find(reference, slug) ?? throw new RefusedException(RefusalKind.NotFound, "Task not found");

    /// <summary>A task that is to be what a line says.</summary>
    /// <param name="Id">The task.</param>
    /// <param name="Line">The line; null to delete it.</param>
    /// <param name="Seen">The task of whose line it is known that it is the one to be replaced; null for none.</param>
    public readonly record struct PlacedTask(string Id, TaskLine? Line, NativeTask? Seen);

    /// <summary>What an update came to.</summary>
    public sealed record Updated(TaskBook Book, NativeTask Task, ImmutableArray<NativeTask>? AutoClosed);

    private static void ChangeStatus(this TaskDraft draft, NativeTask task, string status, string agentId, DateTimeOffset now) =>
        draft.Raise(new TaskStatusChanged(task.Id, task.Status, status, agentId, draft.Book.LastSequence + 1, now));

    private static bool Differ(NativeTask a, NativeTask b) =>
        a.Title != b.Title || a.Priority != b.Priority || a.Type != b.Type || a.AssigneeId != b.AssigneeId
            || !a.Labels.AsSpan().SequenceEqual(b.Labels.AsSpan());

    /// <summary>The parts of a task that are not closed, and theirs, nearest first; parts of a closed one count as well.</summary>
    private static ImmutableArray<NativeTask> OpenDescendants(this TaskBook book, NativeTask task)
    {
        var open = ImmutableArray.CreateBuilder<NativeTask>();
        var next = new Queue<string>([task.Id]);
        // Parents that came from another site may lead in a circle.
        var seen = new HashSet<string>(StringComparer.Ordinal) { task.Id };
        while (next.TryDequeue(out var id))
        {
            foreach (var number in book.Parts.GetValueOrDefault(id, []))
            {
                var part = book.ByNumber[number];
                if (!seen.Add(part.Id)) continue;
                if (!part.IsClosed) open.Add(part);
                next.Enqueue(part.Id);
            }
        }

        return open.DrainToImmutable();
    }

    private static bool WaitsFor(this TaskBook book, NativeTask task, int number)
    {
        var seen = new HashSet<int> { task.Number };
        var next = new Stack<int>([task.Number]);
        while (next.TryPop(out var at))
        {
            if (at == number) return true;
            foreach (var other in book.ByNumber[at].DependsOn)
                if (seen.Add(other)) next.Push(other);
        }

        return false;
    }

    /// <summary>A decision of several steps in the making: each step sees the book as the steps before it leave it.</summary>
    private sealed class TaskDraft(TaskBook book)
    {
        private readonly ImmutableArray<IEvent>.Builder _events = ImmutableArray.CreateBuilder<IEvent>();

        public TaskBook Book { get; private set; } = book;

        public void Raise(IEvent @event)
        {
            _events.Add(@event);
            Book = Book.Apply(@event);
        }

        public Decision<TResult> With<TResult>(TResult result) => new(_events.DrainToImmutable(), result);
    }
}
