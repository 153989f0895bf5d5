using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/tasks</c>: native tasks, and the project's beads in the lists beside them (contract 15, protocol 13).</summary>
internal sealed class Tasks(IGrainFactory grains)
{
    private const int MaxTitle = 4096;
    private const int MaxText = 65_536;
    private const int MaxLabels = 100;
    private const int MaxLabel = 255;
    private static readonly string[] Types = ["task", "bug", "feature"];
    private static readonly string[] Statuses = [TaskStatuses.Open, TaskStatuses.InProgress, TaskStatuses.Closed];

    // A slug may hold slashes, which stay encoded in a path.
    private static readonly Field<string> Reference =
        InPath.Text("reference", "Task id, number, or reference such as myproj-001").Then(Decoded).As("ref");

    private static readonly Field<string> Other = InPath.Text("other", "The task that it waits for").Then(Decoded);
    private static readonly Field<string> Title = InBody.RequiredProse("title", "Title", 1, MaxTitle);
    private static readonly Field<string?> NewTitle = InBody.Prose("title", "Title", MaxTitle, min: 1);
    private static readonly Field<string?> Description = InBody.Prose("description", "Description", MaxText);
    private static readonly Field<string?> Notes = InBody.Prose("notes", "Notes", MaxText);
    private static readonly Field<string?> NewStatus = InBody.Word("status", "Status", Statuses);
    private static readonly Field<int?> Priority = InBody.Integer("priority", "0 (most urgent) to 4; 2 unless given", 0, 4);
    private static readonly Field<string?> Type = InBody.Word("task_type", "Type", Types);
    private static readonly Field<ImmutableArray<string>?> Labels =
        InBody.Of("labels", Schemas.Texts("Labels", 0, MaxLabels, MaxLabel), required: false, ReadLabels);
    private static readonly Field<string?> Parent = InBody.Uuid("parent_task_id", "Id of the task that it is a part of");
    private static readonly Field<string?> Assignee = InBody.Uuid("assignee_agent_id", "Agent that is to do it");
    private static readonly Field<string> DependsOn = InBody.Required("depends_on", "The task that it waits for", 1, 512);
    private static readonly Field<string> Body = InBody.RequiredProse("body", "What you say", 1, MaxText);

    private static readonly Field<string?> OfStatus =
        InQuery.Text("status", "open, in_progress or closed; several with commas").Then(NullIfBlank);

    private static readonly Field<string?> OfAssignee = InQuery.Uuid("assignee_agent_id", "Assignee");
    private static readonly Field<string?> OfType = InQuery.Text("task_type", "Type").Then(NullIfBlank);
    private static readonly Field<int?> OfPriority = InQuery.OptionalInteger("priority", "0 (most urgent) to 4", 0, 4);
    private static readonly Field<string?> WithLabels = InQuery.Text("labels", "All of these labels, with commas").Then(NullIfBlank);
    private static readonly Field<int> Limit = InQuery.Limit(TaskPage.Usual, TaskPage.Usual);
    private static readonly Field<TaskCursor?> After = InQuery.Cursor(ReadCursor);

    private static readonly Field<string?> AsOf =
        InQuery.Filter("as_of", $"As it was at a version: {Gateway.History.Commits.Versions}", 200);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Tasks>();
        var requests = new RequestGroup("/v1/tasks", "tasks", "Native tasks, and the project's beads in the lists beside them");
        routes.Map(
            requests.Post("", "createTask", "Create a task").Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(Title, Description, Notes, Priority, Type, Labels, Parent, Assignee).RepeatsFromResult()
                .Bind(static fields => new NewTask(
                    fields.Get(Title), fields.Get(Description), fields.Get(Notes), fields.Get(Priority), fields.Get(Type),
                    fields.Get(Labels),
                    fields.Get(Parent), fields.Get(Assignee)))
                .Answers(Wire.Types.TaskView),
            endpoints.Create);
        routes.Map(
            requests.Get("", "listTasks", "Tasks by number, then beads by id").Needs(Caller.Reader)
                .Takes(OfStatus, OfAssignee, OfType, OfPriority, WithLabels, Limit, After, AsOf)
                .Bind(static fields => (
                    Filter: new TaskQuery(
                        fields.Get(OfStatus), fields.Get(OfAssignee), fields.Get(OfType), fields.Get(OfPriority), fields.Get(WithLabels)),
                    Page: Page(fields),
                    AsOf: fields.Get(AsOf)))
                .AnswersCached<TaskList, TaskListAnswer>(Wire.Types.TaskListAnswer, TaskListAnswer.Of),
            async (list, who) => await endpoints.Of(who).List(list.AsOf is { } version
                ? list.Filter with { AsOf = await endpoints.RootOf(version, who) } : list.Filter, list.Page));
        routes.Map(
            requests.Get("/ready", "listReadyTasks", "Open tasks that nobody has and nothing blocks").Needs(Caller.Reader)
                .Takes(Limit, After)
                .Bind(Page)
                .AnswersCached<TaskList, TaskListAnswer>(Wire.Types.TaskListAnswer, TaskListAnswer.Of),
            (page, who) => endpoints.Of(who).Ready(page).AsTask());
        routes.Map(
            requests.Get("/blocked", "listBlockedTasks", "Tasks that wait for others").Needs(Caller.Reader)
                .Takes(Limit, After)
                .Bind(Page)
                .AnswersCached<TaskList, TaskListAnswer>(Wire.Types.TaskListAnswer, TaskListAnswer.Of),
            (page, who) => endpoints.Of(who).Blocked(page).AsTask());
        routes.Map(
            requests.Get("/{reference}", "getTask", "One task, or bead, by id, number or reference").Needs(Caller.Reader)
                .Takes(Reference, AsOf)
                .Bind(static fields => (Task: fields.Get(Reference), AsOf: fields.Get(AsOf)))
                .Answers(Wire.Types.TaskView),
            async (of, who) => (of.AsOf is { } version && await endpoints.RootOf(version, who) is { } root
                ? await endpoints.Of(who).FindAt(of.Task, root) : await endpoints.Of(who).Find(of.Task))
                ?? throw ApiException.NotFound("Task not found"));
        routes.Map(
            requests.Patch("/{reference}", "updateTask", "Change a task; starting it claims it, closing it closes its parts")
                .Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(Reference, NewTitle, Description, Notes, NewStatus, Priority, Type, Labels, Assignee)
                .Bind(static fields => new UpdateTask(
                    fields.Get(Reference), AgentId: "", fields.Get(NewTitle), fields.Get(Description), fields.Get(Notes),
                    fields.Get(NewStatus),
                    fields.Get(Priority), fields.Get(Type), fields.Get(Labels), SetsAssignee: fields.Mentions(Assignee),
                    fields.Get(Assignee)))
                .Answers(Wire.Types.TaskView),
            endpoints.Update);
        routes.Map(
            requests.Delete("/{reference}", "deleteTask", "Delete a task").Needs(Caller.Project).Audited("task.deleted")
                .Takes(Reference)
                .Bind(static fields => fields.Get(Reference))
                .Answers(Wire.Types.TaskDeletedAnswer),
            endpoints.Delete);
        routes.Map(
            requests.Post("/{reference}/deps", "addTaskDependency", "Make a task wait for another")
                .Needs(Caller.Project).Adds(Adding.Content)
                .TakesOnly(Reference, DependsOn)
                .Bind(static fields => (Other: fields.Get(DependsOn), Task: fields.Get(Reference)))
                .Answers(Wire.Types.DependencyAnswer),
            endpoints.Depend);
        routes.Map(
            requests.Delete("/{reference}/deps/{other}", "removeTaskDependency", "Make a task wait for another no longer")
                .Needs(Caller.Project)
                .Takes(Reference, Other)
                .Bind(static fields => (Task: fields.Get(Reference), Other: fields.Get(Other)))
                .Answers(Wire.Types.DependencyRemovedAnswer),
            endpoints.Undepend);
        routes.Map(
            requests.Post("/{reference}/comments", "commentOnTask", "Comment on a task").Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(Reference, Body).RepeatsFromResult()
                .Bind(static fields => (Text: fields.Get(Body), Task: fields.Get(Reference)))
                .Answers(Wire.Types.TaskComment),
            endpoints.Comment);
        routes.Map(
            requests.Get("/{reference}/comments", "listTaskComments", "Comments on a task, oldest first").Needs(Caller.Reader)
                .Takes(Reference)
                .Bind(static fields => fields.Get(Reference))
                .AnswersCached(Wire.Types.TaskCommentList),
            endpoints.Comments);
    }

    private async Task<TaskView> Create(NewTask task, Actor actor, HttpContext http)
    {
        var created = await Of(actor.Who).Create(new(
            http.NewId(), actor.Id, task.Title, task.Description ?? "", task.Notes ?? "", task.Priority ?? 2, task.Type ?? Types[0],
            task.Labels ?? [],
            task.Parent, task.Assignee));
        await Commit(actor, $"create {created.TaskRef}");
        return created;
    }

    private async Task<TaskView> Update(UpdateTask update, Actor actor)
    {
        var updated = await Of(actor.Who).Update(update with { AgentId = actor.Id });
        await Commit(actor, $"{(update.Status == TaskStatuses.Closed ? "close" : "update")} {updated.TaskRef}");
        return updated;
    }

    private async Task<TaskDeletedAnswer> Delete(string reference, ProjectIdentity who)
    {
        var task = await Of(who).Delete(reference);
        await Commit(who, $"delete {task.TaskRef}");
        return new("deleted", task.TaskId, task.TaskRef);
    }

    private async Task<DependencyAnswer> Depend((string Other, string Task) request, ProjectIdentity who)
    {
        var added = await Of(who).Depend(request.Task, request.Other);
        await Commit(who, $"update {request.Task}");
        return new(added.TaskId, added.DependsOnTaskId);
    }

    private async Task<DependencyRemovedAnswer> Undepend((string Task, string Other) request, ProjectIdentity who)
    {
        var removed = await Of(who).Undepend(request.Task, request.Other);
        await Commit(who, $"update {request.Task}");
        return new(removed.TaskId, removed.DependsOnTaskId);
    }

    private async Task<TaskComment> Comment((string Text, string Task) comment, Actor actor, HttpContext http)
    {
        var task = await Of(actor.Who).Name(comment.Task);
        var said = await CommentsOn(actor.Who, task).Add(new(http.NewId(), actor.Id, comment.Text));
        await Commit(actor, $"comment on {task.TaskRef}");
        return said;
    }

    private async Task<TaskCommentList> Comments(string reference, ProjectIdentity who) =>
        await CommentsOn(who, await Of(who).Name(reference)).All();

    private ValueTask Commit(Actor actor, string message) =>
        Gateway.History.Commits.AfterWrite(grains, actor.ProjectId, Gateway.History.Commits.By(actor), message);

    private ValueTask Commit(ProjectIdentity who, string message) => Gateway.History.Commits.AfterWrite(grains, who.ProjectId,
        new(who.Standing.Agent?.Alias ?? "", who.AgentId), message);

    /// <summary>Root of a version's tree; null for what stands.</summary>
    private async ValueTask<ObjectHash?> RootOf(string version, ProjectIdentity who) =>
        await grains.GetGrain<IHistoryGrain>(who.ProjectId).Resolve(version);

    private ITasksGrain Of(ProjectIdentity who) => grains.GetGrain<ITasksGrain>(who.ProjectId);

    private ITaskCommentsGrain CommentsOn(ProjectIdentity who, TaskName task) =>
        grains.GetGrain<ITaskCommentsGrain>(ITaskCommentsGrain.Key(who.ProjectId, task.TaskId));

    private static string Decoded(string part) => part.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static TaskPage Page(RequestFields fields) => new(fields.Get(Limit), fields.Get(After));

    private static TaskCursor? ReadCursor(JsonElement cursor)
    {
        var beadId = cursor.Text("bead_id");
        var number = Number("task_number");
        if (beadId is null == number is null || number > int.MaxValue) throw Cursor.Invalid("incomplete sort key");
        return new(Number("priority"), (int?)number, beadId);

        long? Number(string name) =>
            !cursor.TryGetProperty(name, out var value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) ? whole
            : throw Cursor.Invalid("bad " + name);
    }

    private static ImmutableArray<string>? ReadLabels(RequestFields fields)
    {
        if (!fields.Body.Has("labels")) return null;
        var labels = fields.Body.Texts("labels");
        var problem = labels.Count > MaxLabels ? $"at most {MaxLabels} labels"
            : labels.Exists(label => label.Length > MaxLabel) ? $"a label has at most {MaxLabel} characters"
            : labels.Exists(label => label.Contains('\0', StringComparison.Ordinal)) ? "labels must not contain NUL characters"
            : null;
        if (problem is not null) fields.Body.Fail("labels", problem);
        return [.. labels];
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) || text.Trim(',', ' ').Length == 0 ? null : text;

    private sealed record NewTask(
        string Title, string? Description, string? Notes, int? Priority, string? Type, ImmutableArray<string>? Labels, string? Parent,
        string? Assignee);
}

/// <summary>Tasks, as many as an answer may hold (contract 15); the count of the whole list, and where it goes on.</summary>
internal sealed record TaskListAnswer(ImmutableArray<TaskSummary> Tasks, int Total, bool HasMore, string? NextCursor)
{
    public static TaskListAnswer Of(TaskList list) =>
        new(list.Tasks, list.Total, list.Next is not null, list.Next is { } next ? Cursor.Encode(c =>
    {
        if (next.Priority is { } priority) c.WriteNumber("priority", priority);
        if (next.Number is { } number) c.WriteNumber("task_number", number);
        if (next.BeadId is not null) c.WriteString("bead_id", next.BeadId);
    }) : null);
}

/// <summary>Answer of <c>DELETE /v1/tasks/{ref}</c> (protocol 13.2).</summary>
internal sealed record TaskDeletedAnswer(string Status, string TaskId, string TaskRef);

/// <summary>Answer of <c>POST /v1/tasks/{ref}/deps</c>.</summary>
internal sealed record DependencyAnswer(string TaskId, string DependsOnTaskId);

/// <summary>Answer of <c>DELETE /v1/tasks/{ref}/deps/{dep_ref}</c>.</summary>
internal sealed record DependencyRemovedAnswer(string TaskId, string RemovedDependsOnTaskId);
