using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Testing;

/// <summary>An agent: the server called with its key, and the calls that an agent's command line makes.</summary>
public sealed class Agent(Project project, string origin, string human, JsonElement init)
    : Api(project.Api, ("Authorization", $"Bearer {init.Text("api_key")}"))
{
    /// <summary>The answer to <c>POST /v1/init</c>.</summary>
    public JsonElement Init => init;

    public string Key => init.Text("api_key");

    /// <summary>The agent's id, which is also its workspace's.</summary>
    public string Id => init.Text("agent_id");

    public string Alias => init.Text("alias");

    public string Human => human;

    public string Origin => origin;

    public string Repo => init.Text("canonical_origin");

    public string RepoId => init.Text("repo_id");

    public string ProjectId => init.Text("project_id");

    public Project Project => project;

    /// <summary>The same agent on the same database behind another address.</summary>
    public Agent At(Api api) => new(new Project(api, project.Slug), origin, human, init);

    /// <summary>What <c>/v1/bdh/command</c> and <c>/v1/bdh/sync</c> want to know about the caller.</summary>
    public JsonObject Self(string? role = null)
    {
        var self = new JsonObject
        {
            ["workspace_id"] = Id,
            ["alias"] = Alias,
            ["human_name"] = Human,
            ["repo_origin"] = Origin,
        };
        if (role is not null)
            self["role"] = role;
        return self;
    }

    public Task<Answer> Command(string line, string? role = null)
    {
        var body = Self(role);
        body["command_line"] = line;
        return Post("/v1/bdh/command", body);
    }

    /// <summary>A full sync of these lines.</summary>
    public Task<Answer> Sync(string jsonl, string? command = null)
    {
        var body = Self();
        body["issues_jsonl"] = jsonl;
        if (command is not null)
            body["command_line"] = command;
        return Post("/v1/bdh/sync", body);
    }

    /// <summary>An incremental sync of changed lines, deleted ids, or both.</summary>
    public Task<Answer> Change(string? changes = null, string? command = null, params string[] deleted)
    {
        var body = Self();
        body["sync_mode"] = "incremental";
        if (changes is not null)
            body["changed_issues"] = changes;
        if (command is not null)
            body["command_line"] = command;
        if (deleted.Length > 0)
            body["deleted_ids"] = new JsonArray([.. deleted.Select(id => JsonValue.Create(id))]);
        return Post("/v1/bdh/sync", body);
    }

    /// <summary>Syncs a command on a bead, with the bead's line as the command leaves it.</summary>
    public Task<Answer> Run(string command, string bead, string status, string? title = null) =>
        Change(Jsonl.Of(new { id = bead, title = title ?? bead, status }), command);

    public Task<Answer> Claim(string bead, string? title = null) => Run($"update {bead} --status in_progress", bead, "in_progress", title);

    public Task<Answer> Close(string bead, string? title = null) => Run($"close {bead}", bead, "closed", title);

    public Task<Answer> Heartbeat(string? branch = null, string? timezone = null, string? hostname = null, string? role = null) =>
        Post("/v1/workspaces/heartbeat", new
        {
            workspace_id = Id,
            alias = Alias,
            repo_origin = Origin,
            human_name = Human,
            current_branch = branch,
            timezone,
            hostname,
            role,
        });

    public Task<Answer> Upload(string? repo, string? branch, params object[] issues) =>
        Post("/v1/beads/upload", new { repo, branch, issues });

    public Task<Answer> UploadJsonl(string text, string repo = "my-repo", string? branch = null) =>
        Post($"/v1/beads/upload-jsonl?repo={Uri.EscapeDataString(repo)}"
            + (branch is null ? "" : $"&branch={Uri.EscapeDataString(branch)}"), Plain(text));

    /// <summary>Mail to another agent, by id; null leaves a field out.</summary>
    public Task<Answer> Mail(Agent to, string body = "Hello", string? subject = null, string? priority = null, string? thread = null) =>
        Post("/v1/messages", new { to_agent_id = to.Id, subject, body, priority, thread_id = thread });

    /// <summary>Sends mail and returns its id.</summary>
    public async Task<string> MailId(Agent to, string body = "Hello", string? subject = null) =>
        (await Mail(to, body, subject).Ok()).Text("message_id");

    /// <summary>The agent's mail, newest first.</summary>
    public async Task<JsonElement[]> Inbox(bool unreadOnly = false, int? limit = null) =>
        (await Get($"/v1/messages/inbox?unread_only={(unreadOnly ? "true" : "false")}" + (limit is null ? "" : $"&limit={limit}")).Ok())
            .Items("messages");

    /// <summary>Acknowledges a mail, as the command line does it: without a body.</summary>
    public Task<Answer> Ack(string messageId) => Post($"/v1/messages/{messageId}/ack");
}
