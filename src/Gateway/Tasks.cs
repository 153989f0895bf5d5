using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/tasks</c>: native tasks, and the project's beads in the lists beside them (contract 15, protocol 13).</summary>
internal sealed class Tasks(IGrainFactory grains, Identification identification)
{
    private const int MaxTitle = 4096;
    private const int MaxText = 65_536;
    private const int MaxLabels = 100;
    private const int MaxLabel = 255;
    private static readonly string[] Types = ["task", "bug", "feature"];
    private static readonly string[] Statuses = [TaskStatuses.Open, TaskStatuses.InProgress, TaskStatuses.Closed];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Tasks>();
        var group = routes.MapGroup("/v1/tasks").WithTags("tasks");
        group.Post("", endpoints.Create).Says("Create a task", 401, 403, 404, 422);
        group.Get("", endpoints.List).Says("Tasks by number, then beads by id", 401, 422);
        group.Get("/ready", endpoints.Ready).Says("Open tasks that nobody has and nothing blocks", 401);
        group.Get("/blocked", endpoints.Blocked).Says("Tasks that wait for others", 401);
        group.Get("/{reference}", endpoints.Get).Says("One task, or bead, by id, number or reference", 401, 404);
        group.Patch("/{reference}", endpoints.Update).Says("Change a task; starting it claims it, closing it closes its parts", 401, 403, 404, 409, 422);
        group.Delete("/{reference}", endpoints.Delete).Says("Delete a task", 401, 403, 404);
        group.Post("/{reference}/deps", endpoints.Depend).Says("Make a task wait for another", 401, 403, 404, 422);
        group.Delete("/{reference}/deps/{other}", endpoints.Undepend).Says("Make a task wait for another no longer", 401, 403, 404);
        group.Post("/{reference}/comments", endpoints.Comment).Says("Comment on a task", 401, 403, 404, 422);
        group.Get("/{reference}/comments", endpoints.Comments).Says("Comments on a task, oldest first", 401, 404);
    }

    private async Task<Answer<TaskView>> Create(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("title", "description", "notes", "priority", "task_type", "labels", "parent_task_id", "assignee_agent_id");
        var title = Text(body, "title", 1, MaxTitle, required: true);
        var description = Text(body, "description", 0, MaxText);
        var notes = Text(body, "notes", 0, MaxText);
        var priority = body.Integer("priority", 0, 4);
        var type = body.OneOf("task_type", Types);
        var labels = Labels(body);
        var parent = body.Uuid("parent_task_id", "Invalid parent_task_id format");
        var assignee = body.Uuid("assignee_agent_id", "Invalid assignee_agent_id format");
        body.Done();

        var actor = await identification.ActorOf(http);
        var task = await Of(actor.Who).Create(new(
            http.NewId(), actor.Id, title!, description ?? "", notes ?? "", priority ?? 2, type ?? Types[0], labels ?? [], parent, assignee));
        return Answer.Of(task, Wire.Types.TaskView);
    }

    private async Task<Answer<TaskListAnswer>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var status = query.Text("status");
        var assigneeText = query.Text("assignee_agent_id");
        string? assignee = null;
        if (!string.IsNullOrEmpty(assigneeText) && !Names.TryNormalizeUuid(assigneeText, out assignee)) query.Fail("assignee_agent_id", "Invalid assignee_agent_id format");
        var type = query.Text("task_type");
        var priority = query.Integer("priority", -1, 0, 4);
        var labels = query.Text("labels");
        var page = Page(query);
        query.Done();

        var who = await identification.Of(http);
        var filter = new TaskQuery(NullIfBlank(status), assignee, NullIfBlank(type), priority < 0 ? null : priority, NullIfBlank(labels));
        return Shown(await Of(who).List(filter, page()));
    }

    private async Task<Answer<TaskListAnswer>> Ready(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var page = Page(query);
        query.Done();
        return Shown(await Of(await identification.Of(http)).Ready(page()));
    }

    private async Task<Answer<TaskListAnswer>> Blocked(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var page = Page(query);
        query.Done();
        return Shown(await Of(await identification.Of(http)).Blocked(page()));
    }

    /// <summary>Which part of a list is asked for; the cursor is read after authentication, as elsewhere.</summary>
    private static Func<TaskPage> Page(QueryFields query)
    {
        var limit = query.Integer("limit", TaskPage.Usual, 1, TaskPage.Usual);
        var cursor = query.Text("cursor");
        return () => new(limit, After(cursor));
    }

    private static TaskCursor? After(string? text)
    {
        if (Cursor.Decode(text) is not { } cursor) return null;
        var beadId = cursor.Text("bead_id");
        var number = Number("task_number");
        if (beadId is null == number is null || number > int.MaxValue) throw Cursor.Invalid("incomplete sort key");
        return new(Number("priority"), (int?)number, beadId);

        long? Number(string name) =>
            !cursor.TryGetProperty(name, out var value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) ? whole
            : throw Cursor.Invalid("bad " + name);
    }

    private static Answer<TaskListAnswer> Shown(TaskList list) => Answer.Shared(
        list,
        static list => new TaskListAnswer(list.Tasks, list.Total, list.Next is not null, list.Next is { } next ? Cursor.Encode(c =>
        {
            if (next.Priority is { } priority) c.WriteNumber("priority", priority);
            if (next.Number is { } number) c.WriteNumber("task_number", number);
            if (next.BeadId is not null) c.WriteString("bead_id", next.BeadId);
        }) : null),
        Wire.Types.TaskListAnswer);

    private async Task<Answer<TaskView>> Get(HttpContext http)
    {
        var reference = Reference(http);
        var who = await identification.Of(http);
        return Answer.Of(await Of(who).Find(reference) ?? throw ApiException.NotFound("Task not found"), Wire.Types.TaskView);
    }

    private async Task<Answer<TaskView>> Update(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("title", "description", "notes", "status", "priority", "task_type", "labels", "assignee_agent_id");
        var change = new UpdateTask(
            Reference: "",
            AgentId: "",
            Text(body, "title", 1, MaxTitle),
            Text(body, "description", 0, MaxText),
            Text(body, "notes", 0, MaxText),
            body.OneOf("status", Statuses),
            body.Integer("priority", 0, 4),
            body.OneOf("task_type", Types),
            Labels(body),
            SetsAssignee: body.Mentions("assignee_agent_id"),
            body.Uuid("assignee_agent_id", "Invalid assignee_agent_id format"));
        body.Done();

        var reference = Reference(http);
        var actor = await identification.ActorOf(http);
        return Answer.Of(await Of(actor.Who).Update(change with { Reference = reference, AgentId = actor.Id }), Wire.Types.TaskView);
    }

    private async Task<Answer<TaskDeletedAnswer>> Delete(HttpContext http)
    {
        var reference = Reference(http);
        var who = await identification.Of(http);
        var task = await Of(who).Delete(reference);
        return Answer.Of(new TaskDeletedAnswer("deleted", task.TaskId, task.TaskRef), Wire.Types.TaskDeletedAnswer);
    }

    private async Task<Answer<DependencyAnswer>> Depend(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("depends_on");
        var other = body.Required("depends_on", 1, 512);
        body.Done();

        var reference = Reference(http);
        var who = await identification.Of(http);
        var added = await Of(who).Depend(reference, other);
        return Answer.Of(new DependencyAnswer(added.TaskId, added.DependsOnTaskId), Wire.Types.DependencyAnswer);
    }

    private async Task<Answer<DependencyRemovedAnswer>> Undepend(HttpContext http)
    {
        var (reference, other) = (Reference(http), Reference(http, "other"));
        var who = await identification.Of(http);
        var removed = await Of(who).Undepend(reference, other);
        return Answer.Of(new DependencyRemovedAnswer(removed.TaskId, removed.DependsOnTaskId), Wire.Types.DependencyRemovedAnswer);
    }

    private async Task<Answer<TaskComment>> Comment(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("body");
        var text = Text(body, "body", 1, MaxText, required: true);
        body.Done();

        var reference = Reference(http);
        var actor = await identification.ActorOf(http);
        var task = await Of(actor.Who).Name(reference);
        var comment = await CommentsOn(actor.Who, task).Add(new(http.NewId(), actor.Id, text!));
        return Answer.Of(comment, Wire.Types.TaskComment);
    }

    private async Task<Answer<TaskCommentList>> Comments(HttpContext http)
    {
        var reference = Reference(http);
        var who = await identification.Of(http);
        return Answer.Shared(await CommentsOn(who, await Of(who).Name(reference)).All(), Wire.Types.TaskCommentList);
    }

    private ITasksGrain Of(ProjectIdentity who) => grains.GetGrain<ITasksGrain>(who.ProjectId);

    private ITaskCommentsGrain CommentsOn(ProjectIdentity who, TaskName task) => grains.GetGrain<ITaskCommentsGrain>(ITaskCommentsGrain.Key(who.ProjectId, task.TaskId));

    // A slug may hold slashes, which stay encoded in a path.
    private static string Reference(HttpContext http, string name = "reference") => http.PathPart(name).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static string? Text(BodyFields body, string name, int min, int max, bool required = false)
    {
        var text = required ? body.Required(name, min, max) : body.Optional(name, min, max);
        body.MustBePlain(name, text);
        return text;
    }

    private static ImmutableArray<string>? Labels(BodyFields body)
    {
        var labels = body.Has("labels") || body.IsDryRun ? body.Texts("labels") : null;
        if (labels is null) return null;
        if (labels.Count > MaxLabels) body.Fail("labels", $"at most {MaxLabels} labels");
        else if (labels.Exists(label => label.Length > MaxLabel)) body.Fail("labels", $"a label has at most {MaxLabel} characters");
        else if (labels.Exists(label => label.Contains('\0', StringComparison.Ordinal))) body.Fail("labels", "labels must not contain NUL characters");
        return [.. labels];
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) || text.Trim(',', ' ').Length == 0 ? null : text;
}

/// <summary>Tasks, as many as an answer may hold (contract 15); the count of the whole list, and where it goes on.</summary>
internal sealed record TaskListAnswer(ImmutableArray<TaskSummary> Tasks, int Total, bool HasMore, string? NextCursor);

/// <summary>Answer of <c>DELETE /v1/tasks/{ref}</c> (protocol 13.2).</summary>
internal sealed record TaskDeletedAnswer(string Status, string TaskId, string TaskRef);

/// <summary>Answer of <c>POST /v1/tasks/{ref}/deps</c>.</summary>
internal sealed record DependencyAnswer(string TaskId, string DependsOnTaskId);

/// <summary>Answer of <c>DELETE /v1/tasks/{ref}/deps/{dep_ref}</c>.</summary>
internal sealed record DependencyRemovedAnswer(string TaskId, string RemovedDependsOnTaskId);
