using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Makes a good request to some endpoint and spoils it. It knows the ids of a bystander's project, but neither its key nor its slug and
/// repositories: with these, anybody may join a project (contract 3).
/// </summary>
internal sealed class FuzzRequests(Agent self, Agent peer, Agent bystander, string session)
{
    // JSON text cannot be made with half a surrogate pair in it; this stands for one until the text is final.
    private const string Surrogate = "SURROGATE";

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    private static readonly string[] Texts =
    [
        "", " ", "\0", "a\0b", "\n", "null", "true", "0", "-1", "1e999", "../../etc/passwd", "' OR 1=1 --", "%s%n", "{}", "[]", "me", "system", "bd-1", "bd-2",
        "update bd-1 --status in_progress", "close bd-1", "delete bd-2", "update", "full", "incremental", "developer", "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999-14:00", "2026-02-30T25:61:61Z", "open,closed", "bug", "main", "NaN", "日本語 🎯", "\u202e\u2028",
        Surrogate, "a" + Surrogate, "eyJjbGFpbWVkX2F0IjoieCJ9", "eyJzb3J0X3RpbWUiOm51bGx9", "W10", "====", "https://github.com/a/b", "git@h:p", "ssh://[::1]:x/y",
    ];

    private static readonly string[] Keys = ["src/a.cs", "src/**", "**/*.{cs,md}", "a?b", "%_", "{", @"\", "日本語/🎯", "k"];

    // Nobody listens there: a delivery fails at once and leaves this machine alone.
    private static readonly string[] Urls = ["http://127.0.0.1:1/", "http://localhost:1/x", "https://10.0.0.1/", "https://[::1", "http://0x7f.1/", "javascript:alert(1)", "https://a\0b/"];
    private static readonly string[] Tools =
    [
        "register_agent", "list_agents", "status", "ensure_project", "get_ready_issues", "get_issue", "list_issues", "list_claims", "create_task", "list_tasks", "ready_tasks", "get_task",
        "update_task", "add_task_dependency", "comment_on_task", "list_task_comments", "send_message", "fetch_inbox", "acknowledge_message", "mark_message_read", "reply_message",
        "acquire_lock", "renew_lock", "release_lock", "list_locks", "subscribe_to_bead", "list_subscriptions", "unsubscribe", "escalate", "get_escalation", "claim_next", "join_bead",
        "release_bead", "chat_send", "chat_reply", "chat_pending", "chat_history", "chat_mark_read", "get_policy", "no_such_tool",
    ];

    private static readonly string[] Headers =
        ["Authorization", "X-BH-Auth", "X-Project-ID", "X-User-ID", "X-API-Key", "X-Aweb-Actor-ID", "Last-Event-ID", "Accept", "If-None-Match", "Content-Encoding", "Cookie"];

    private static readonly string[] Parameters =
    [
        "limit", "cursor", "workspace_id", "repo", "branch", "status", "type", "q", "alias", "hostname", "human_name", "project_id", "repo_id", "include_claims",
        "include_deleted", "include_presence", "only_with_claims", "always_include_workspace_id", "event_types", "deadline", "after", "unread_only", "prefix", "label", "assignee", "created_by", "unknown",
    ];

    private string[] Ids =>
    [
        self.Id, self.RepoId, self.ProjectId, peer.Id, bystander.Id, bystander.RepoId, bystander.ProjectId, Guid.Empty.ToString(), self.Id.ToUpperInvariant(),
        $"{{{bystander.Id}}}", self.Id[..^1], "not-a-uuid", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    ];

    /// <summary>One request, and how to show it when it does harm.</summary>
    public (HttpRequestMessage Request, string Shown) Make(Random random)
    {
        var (method, path, body) = Good(random);
        var isInit = path == "/v1/init";
        for (var spoiled = random.Next(4); spoiled > 0; spoiled--)
        {
            switch (random.Next(10))
            {
                case < 5 when body is JsonObject fields:
                    Spoil(random, fields, isInit);
                    break;
                case 5:
                    method = Pick(random, Methods);
                    break;
                case 6:
                    path = SpoilPath(random, path, isInit);
                    break;
                case 7 or 8:
                    path += (path.Contains('?', StringComparison.Ordinal) ? '&' : '?') + Pick(random, Parameters) + "=" + Uri.EscapeDataString(Text(random));
                    break;
                default:
                    if (!isInit && random.Next(4) == 0)
                        body = Value(random, isInit);
                    break;
            }
        }

        var bytes = body is null ? [] : Encode(random, body);
        var uri = new Uri(self.Address.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(method), uri);
        if (bytes.Length > 0 || random.Next(10) == 0)
            request.Content = Api.Raw(bytes, ContentType(random, path));
        foreach (var (name, value) in Caller(random))
            request.Headers.TryAddWithoutValidation(name, value);
        if (random.Next(8) == 0)
            request.Headers.TryAddWithoutValidation(Pick(random, Headers), HeaderText(random));
        return (request, Show(request, bytes));
    }

    private (string Method, string Path, JsonNode? Body) Good(Random random)
    {
        var id = Pick(random, Ids);
        // One request of each endpoint or pair of endpoints; a new endpoint adds a line.
        Func<(string, string, JsonNode?)>[] requests =
        [
            () => ("POST", "/v1/init", new JsonObject
            {
                ["project_slug"] = self.Project.Slug, ["alias"] = "fuzz", ["human_name"] = "F", ["repo_origin"] = self.Origin, ["role"] = "agent",
                ["hostname"] = "h", ["workspace_path"] = "/w", ["lifetime"] = "ephemeral", ["agent_type"] = "agent", ["project_name"] = "n",
            }),
            () => ("GET", "/v1/auth/introspect", null),
            () => ("GET", "/v1/projects/current", null),
            () => ("GET", "/v1/agents", null),
            () => ("POST", "/v1/agents/register", new JsonObject
            {
                ["workspace_id"] = self.Id, ["alias"] = self.Alias, ["program"] = "p", ["model"] = "m", ["repo"] = self.Repo, ["branch"] = "main", ["role"] = "r",
                ["ttl_seconds"] = 60, ["human_name"] = "F", ["task_description"] = "t",
            }),
            () => ("POST", "/v1/agents/heartbeat", null),
            () => ("POST", "/v1/agents/suggest-alias-prefix", new JsonObject { ["project_slug"] = self.Project.Slug }),
            () => ("POST", "/v1/workspaces/suggest-name-prefix", new JsonObject { ["origin_url"] = self.Origin }),
            () => ("POST", "/v1/workspaces/register", new JsonObject { ["repo_origin"] = self.Origin, ["role"] = "r", ["hostname"] = "h", ["workspace_path"] = "/w" }),
            () => ("POST", "/v1/workspaces/heartbeat", new JsonObject
            {
                ["workspace_id"] = self.Id, ["alias"] = self.Alias, ["repo_origin"] = self.Origin, ["current_branch"] = "b", ["timezone"] = "Europe/Madrid",
                ["hostname"] = "h", ["workspace_path"] = "/w", ["human_name"] = "F", ["role"] = "r",
            }),
            () => ("GET", "/v1/workspaces?include_claims=true", null),
            () => ("GET", "/v1/workspaces/team", null),
            () => ("GET", "/v1/workspaces/online", null),
            () => ("GET", $"/v1/workspaces/{Uri.EscapeDataString(id)}", null),
            () => random.Next(6) == 0 ? ("DELETE", $"/v1/workspaces/{Uri.EscapeDataString(id)}", null) : ("POST", $"/v1/workspaces/{Uri.EscapeDataString(id)}/restore", null),
            () => ("POST", "/v1/repos/lookup", new JsonObject { ["origin_url"] = self.Origin }),
            () => ("POST", "/v1/repos/ensure", new JsonObject { ["project_id"] = id, ["origin_url"] = self.Origin }),
            () => ("GET", "/v1/repos?limit=1", null),
            () => ("DELETE", $"/v1/repos/{(random.Next(4) == 0 ? Uri.EscapeDataString(id) : bystander.RepoId)}", null),
            () => ("POST", "/v1/beads/upload", new JsonObject { ["repo"] = "my-repo", ["branch"] = "main", ["issues"] = new JsonArray(Issue(random), Issue(random)) }),
            () => ("POST", "/v1/beads/upload-jsonl?repo=my-repo", JsonValue.Create(Lines(random))),
            () => ("GET", "/v1/beads/issues?limit=2", null),
            () => ("GET", $"/v1/beads/issues/{Uri.EscapeDataString(Pick(random, Texts))}", null),
            () => ("GET", $"/v1/beads/ready?workspace_id={Uri.EscapeDataString(id)}", null),
            () => ("POST", "/v1/bdh/command", Command(Pick(random, ["update bd-1 --status in_progress", "close bd-1", "ready"]))),
            () => ("POST", "/v1/bdh/sync", Sync(random)),
            () => ("GET", "/v1/claims?limit=1", null),
            () => ("POST", "/v1/beads/claim-next", random.Next(6) == 0 ? null : new JsonObject
            {
                ["workspace_id"] = self.Id, ["labels"] = new JsonArray("l"), ["types"] = new JsonArray("task", "bug"), ["type"] = "task", ["max_priority"] = 3, ["repo"] = "my-repo",
                ["branch"] = "main", ["assignee"] = "a",
            }),
            () => (Pick(random, ["POST", "GET", "DELETE"]), $"/v1/beads/{Pick(random, ["bd-1", "bd-2", "demo-001", "issues", "ready", Uri.EscapeDataString(Pick(random, Texts))])}/claims", new JsonObject
            {
                ["workspace_id"] = self.Id, ["role"] = "reviewer", ["note"] = "n",
            }),
            () => ("POST", "/v1/escalations", new JsonObject
            {
                ["workspace_id"] = self.Id, ["alias"] = self.Alias, ["subject"] = "s", ["situation"] = "x", ["options"] = new JsonArray("yes", "no"), ["expires_in_hours"] = 4,
                ["member_email"] = "a@b",
            }),
            () => ("GET", Pick(random, ["/v1/escalations?limit=1", "/v1/escalations?status=pending", $"/v1/escalations/{Uri.EscapeDataString(id)}"]), null),
            () => ("POST", $"/v1/escalations/{Uri.EscapeDataString(id)}/respond", new JsonObject { ["response"] = "r", ["note"] = "n" }),
            () => ("POST", "/v1/subscriptions", new JsonObject
            {
                ["workspace_id"] = self.Id, ["bead_id"] = $"bd-{random.Next(5)}", ["repo"] = "my-repo", ["event_types"] = new JsonArray("all", "status_change"),
            }),
            () => (Pick(random, ["GET", "DELETE"]), $"/v1/subscriptions{(random.Next(2) == 0 ? "" : "/" + Uri.EscapeDataString(id))}?workspace_id={Uri.EscapeDataString(Pick(random, [self.Id, id]))}", null),
            () => ("PATCH", random.Next(2) == 0 ? "/v1/agents/me" : $"/v1/agents/{Uri.EscapeDataString(id)}", new JsonObject
            {
                ["access_mode"] = Pick(random, ["open", "contacts_only"]), ["role"] = "r", ["program"] = "p", ["context"] = new JsonObject { ["a"] = 1 }, ["privacy"] = "x",
            }),
            () => ("GET", $"/v1/agents/resolve/{self.Project.Slug}/{Pick(random, [self.Alias, peer.Alias, "nobody", "a%2Fb"])}", null),
            () => random.Next(8) == 0
                ? ("DELETE", $"/v1/agents/{Pick(random, [$"{self.Project.Slug}/{peer.Alias}", peer.Id, bystander.Id, "x", "a/b/c"])}", null)
                : ("GET", "/v1/agents/me/log", null),
            () => ("PUT", "/v1/agents/me/identity", new JsonObject { ["did"] = "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd", ["public_key"] = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", ["custody"] = "self", ["lifetime"] = "persistent" }),
            () => random.Next(3) switch
            {
                0 => ("POST", "/v1/agents/me/identity/reset", new JsonObject { ["confirm"] = true }),
                1 => ("PUT", "/v1/agents/me/retire", new JsonObject { ["successor_agent_id"] = id, ["retirement_proof"] = "x", ["timestamp"] = "t" }),
                _ => ("PUT", "/v1/agents/me/rotate", new JsonObject { ["custody"] = "self", ["timestamp"] = "t", ["new_did"] = "did:key:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2", ["new_public_key"] = "KazKBGNNZJsqs6nOfLgLpNKlPt6lAKW29JYMIJxqNns", ["rotation_signature"] = "x" }),
            },
            () => random.Next(2) == 0
                ? ("POST", $"/v1/agents/{peer.Alias}/control", new JsonObject { ["signal"] = "pause" })
                : ("GET", $"/v1/events/stream?deadline={(random.Next(2) == 0 ? "2026-01-01T00:00:00Z" : Uri.EscapeDataString(Text(random)))}", null),
            () => ("POST", "/v1/messages", new JsonObject
            {
                ["to_agent_id"] = Pick(random, [peer.Id, self.Id, bystander.Id, id]), ["to_alias"] = peer.Alias, ["subject"] = "s", ["body"] = "b", ["priority"] = "high",
                ["thread_id"] = id, ["message_id"] = random.Next(2) == 0 ? id : Guid.NewGuid().ToString(), ["timestamp"] = "2026-01-01T00:00:00Z",
                ["from_did"] = "did:key:zFrom", ["to_did"] = "did:key:zTo", ["signature"] = "c2ln", ["signing_key_id"] = "did:key:zFrom",
                ["from_stable_id"] = "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2", ["to_stable_id"] = "",
            }),
            () => ("GET", "/v1/messages/inbox?unread_only=true&limit=2", null),
            () => ("POST", $"/v1/messages/{Uri.EscapeDataString(id)}/ack", null),
            () => ("POST", "/v1/contacts", new JsonObject { ["contact_address"] = $"org-{random.Next(5)}/agent", ["label"] = "l" }),
            () => ("GET", "/v1/contacts", null),
            () => ("DELETE", $"/v1/contacts/{Uri.EscapeDataString(id)}", null),
            () => ("POST", "/v1/reservations", Reservation(random)),
            () => ("POST", Pick(random, ["/v1/reservations/renew", "/v1/reservations/release"]), new JsonObject { ["resource_key"] = Pick(random, Keys) }),
            () => ("POST", "/v1/reservations/revoke", new JsonObject { ["prefix"] = Pick(random, Keys) }),
            () => ("GET", $"/v1/reservations?prefix={Uri.EscapeDataString(Pick(random, Keys))}", null),
            () => ("GET", Pick(random, ["/v1/policies/active?role=reviewer&only_selected=true", "/v1/policies/history?limit=5"]), null),
            () => ("POST", "/v1/policies", new JsonObject
            {
                ["bundle"] = new JsonObject
                {
                    ["invariants"] = new JsonArray(new JsonObject { ["id"] = "i", ["title"] = "t", ["body_md"] = "b" }),
                    ["roles"] = new JsonObject { ["r"] = new JsonObject { ["title"] = "t", ["playbook_md"] = "p" } },
                    ["adapters"] = new JsonObject(),
                },
                ["created_by_workspace_id"] = self.Id,
            }),
            () => ("GET", $"/v1/policies/{Uri.EscapeDataString(id)}", null),
            () => random.Next(3) == 0 ? ("POST", "/v1/policies/reset", null) : ("POST", $"/v1/policies/{Uri.EscapeDataString(id)}/activate", null),
            () => ("POST", "/v1/webhooks", new JsonObject { ["url"] = Pick(random, Urls), ["events"] = new JsonArray("bead", "reservation.acquired") }),
            () => random.Next(2) == 0 ? ("DELETE", $"/v1/webhooks/{Uri.EscapeDataString(id)}", null) : ("POST", $"/v1/webhooks/{Uri.EscapeDataString(id)}/enable", null),
            () => ("GET", "/v1/webhooks", null),
            () => ("POST", "/v1/tasks", new JsonObject
            {
                ["title"] = "t", ["description"] = "d", ["notes"] = "n", ["priority"] = 1, ["task_type"] = "bug", ["labels"] = new JsonArray("l"),
                ["parent_task_id"] = random.Next(2) == 0 ? id : null, ["assignee_agent_id"] = Pick(random, [self.Id, peer.Id, bystander.Id, id]),
            }),
            () => ("GET", "/v1/tasks?status=open&labels=l&priority=1", null),
            () => ("GET", $"/v1/tasks/{TaskRef(random)}{Pick(random, ["", "", "/comments"])}", null),
            () => ("GET", Pick(random, ["/v1/tasks/ready", "/v1/tasks/blocked"]), null),
            () => ("PATCH", $"/v1/tasks/{TaskRef(random)}", new JsonObject
            {
                ["title"] = "t2", ["description"] = "d2", ["notes"] = "", ["status"] = Pick(random, ["open", "in_progress", "closed"]), ["priority"] = 3,
                ["task_type"] = "feature", ["labels"] = new JsonArray(), ["assignee_agent_id"] = Pick(random, [self.Id, peer.Id, bystander.Id, null]),
            }),
            () => random.Next(5) == 0 ? ("DELETE", $"/v1/tasks/{TaskRef(random)}", null) : ("DELETE", $"/v1/tasks/{TaskRef(random)}/deps/{TaskRef(random)}", null),
            () => ("POST", $"/v1/tasks/{TaskRef(random)}/deps", new JsonObject { ["depends_on"] = $"{random.Next(1, 6)}" }),
            () => ("POST", $"/v1/tasks/{TaskRef(random)}/comments", new JsonObject { ["body"] = "b" }),
            () => ("POST", "/mcp", Rpc(random, id)),
            () => ("POST", "/mcp", Rpc(random, id)),
            () => Chat(random, random.Next(3) == 0 ? Uri.EscapeDataString(id) : session),
            () => ("POST", "/v1/chat/sessions", new JsonObject { ["to_aliases"] = new JsonArray(peer.Alias), ["message"] = Pick(random, Texts), ["leaving"] = false }),
            () => ("POST", $"/v1/chat/sessions/{session}/messages", new JsonObject { ["body"] = Pick(random, Texts), ["hang_on"] = true }),
            () => ("GET", "/v1/conversations?limit=2", null),
            () => ("GET", random.Next(2) == 0 ? "/v1/status" : "/v1/status/stream", null),
        ];
        return requests[random.Next(requests.Length)]();
    }

    private string TaskRef(Random random) => random.Next(3) switch
    {
        0 => $"{self.Project.Slug}-{random.Next(1, 6):D3}",
        1 => Uri.EscapeDataString(Text(random)),
        _ => $"{random.Next(1, 6)}",
    };

    private JsonObject Rpc(Random random, string id)
    {
        var (method, parameters) = random.Next(5) switch
        {
            0 => (Pick(random, ["initialize", "ping", "tools/list", "resources/list", "notifications/initialized", "foo"]), new JsonObject { ["protocolVersion"] = "2025-06-18" }),
            1 => ("resources/read", new JsonObject { ["uri"] = "beadhub://status" }),
            _ => ("tools/call", new JsonObject { ["name"] = Pick(random, Tools), ["arguments"] = Arguments(random, id) }),
        };
        return new JsonObject { ["jsonrpc"] = "2.0", ["id"] = random.Next(100), ["method"] = method, ["params"] = parameters };
    }

    /// <summary>Arguments of all tools at once: a tool takes its own.</summary>
    private JsonObject Arguments(Random random, string id) => new()
    {
        ["workspace_id"] = Pick(random, [self.Id, self.Id, id]), ["alias"] = self.Alias, ["agent_name"] = self.Alias, ["sender_name"] = self.Alias, ["project_key"] = self.Project.Slug,
        ["to"] = new JsonArray(peer.Alias), ["subject"] = "s", ["body_md"] = "b", ["message_id"] = id, ["limit"] = 2, ["bead_id"] = Pick(random, Texts), ["ref"] = $"{random.Next(1, 6)}",
        ["title"] = "t", ["status"] = "open", ["labels"] = new JsonArray("l"), ["body"] = "b", ["depends_on"] = "2", ["resource_key"] = "k", ["ttl_seconds"] = 60,
        ["metadata"] = new JsonObject { ["reason"] = "r" }, ["since_ts"] = "2026-01-01T00:00:00Z", ["include_bodies"] = true, ["urgent_only"] = "false", ["priority"] = 2,
        ["to_aliases"] = new JsonArray(peer.Alias), ["message"] = "m", ["session_id"] = id, ["up_to_message_id"] = id, ["escalation_id"] = id, ["subscription_id"] = id,
        ["situation"] = "x", ["options"] = new JsonArray("a"), ["expires_in_hours"] = 1, ["event_types"] = new JsonArray("all"), ["role"] = "developer", ["program"] = "p",
    };

    private static JsonObject Reservation(Random random)
    {
        var body = new JsonObject { ["ttl_seconds"] = 60, ["metadata"] = new JsonObject { ["reason"] = "manual" }, ["pattern"] = random.Next(2) == 0 };
        if (random.Next(3) == 0)
            body["resource_keys"] = new JsonArray(Pick(random, Keys), Pick(random, Keys));
        else
            body["resource_key"] = Pick(random, Keys);
        return body;
    }

    private (string Method, string Path, JsonNode? Body) Chat(Random random, string id)
    {
        var message = new JsonObject();
        if (random.Next(3) == 0)
        {
            message["message_id"] = Pick(random, Ids);
            message["timestamp"] = Pick(random, ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+05:00"]);
            message["from_did"] = "did:key:zA";
            message["to_did"] = "did:key:zB";
            message["signature"] = "c2ln";
            message["signing_key_id"] = "did:key:zA";
            message["from_stable_id"] = "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2";
            message["to_stable_id"] = "";
        }

        switch (random.Next(8))
        {
            case 0 or 1:
                message["to_aliases"] = new JsonArray(Pick(random, [peer.Alias, self.Alias, bystander.Alias, "nobody"]));
                message["message"] = Pick(random, Texts);
                message["leaving"] = random.Next(2) == 0;
                return ("POST", "/v1/chat/sessions", message);
            case 2:
                message["body"] = Pick(random, Texts);
                message["hang_on"] = random.Next(2) == 0;
                return ("POST", $"/v1/chat/sessions/{id}/messages", message);
            case 3: return ("POST", $"/v1/chat/sessions/{id}/read", new JsonObject { ["up_to_message_id"] = Pick(random, Ids) });
            case 4: return ("GET", $"/v1/chat/sessions/{id}/messages?limit=2&unread_only=true", null);
            case 5: return ("GET", $"/v1/chat/sessions/{id}/stream?deadline={Uri.EscapeDataString(Pick(random, Texts))}&after={Uri.EscapeDataString(Pick(random, Texts))}", null);
            case 6: return ("GET", random.Next(2) == 0 ? "/v1/chat/sessions" : "/v1/chat/pending", null);
            default: return ("GET", "/v1/conversations?limit=2", null);
        }
    }

    private JsonObject Command(string line)
    {
        var body = self.Self("developer");
        body["command_line"] = line;
        return body;
    }

    private JsonObject Sync(Random random)
    {
        var body = Command(Pick(random, ["update bd-1 --status in_progress", "close bd-1", "update bd-2 --status=blocked", ""]));
        var full = random.Next(2) == 0;
        body["sync_mode"] = full ? "full" : "incremental";
        body[full ? "issues_jsonl" : "changed_issues"] = Lines(random);
        if (random.Next(3) == 0)
            body["deleted_ids"] = new JsonArray("bd-2", "../x");
        return body;
    }

    private string Lines(Random random)
    {
        var lines = new StringBuilder();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var issue = Issue(random);
            if (random.Next(2) == 0)
                Spoil(random, issue, false);
            var line = issue.ToJsonString(Api.Json);
            lines.Append(random.Next(12) == 0 ? line[..random.Next(line.Length)] : line).Append(random.Next(10) == 0 ? "\r\n\n" : "\n");
        }

        return lines.ToString();
    }

    private static JsonObject Issue(Random random) => new()
    {
        ["id"] = $"bd-{random.Next(5)}",
        ["title"] = "t",
        ["description"] = "d",
        ["status"] = Pick(random, ["open", "in_progress", "closed", "tombstone"]),
        ["priority"] = random.Next(5),
        ["issue_type"] = "task",
        ["assignee"] = "a",
        ["created_by"] = "c",
        ["labels"] = new JsonArray("l"),
        ["created_at"] = "2026-01-01T00:00:00.123456789Z",
        ["updated_at"] = $"2026-01-0{random.Next(1, 9)}T00:00:00+01:00",
        ["blocked_by"] = new JsonArray("bd-1", new JsonObject { ["bead_id"] = "bd-2" }),
        ["dependencies"] = new JsonArray(new JsonObject { ["depends_on_id"] = "bd-3", ["type"] = "parent-child" }),
    };

    private void Spoil(Random random, JsonObject fields, bool isInit)
    {
        var name = fields.Count == 0 ? "x" : fields.ElementAt(random.Next(fields.Count)).Key;
        switch (random.Next(8))
        {
            case 0:
                fields.Remove(name);
                break;
            case 1:
                fields[Pick(random, ["extra", "__proto__", "", name.ToUpperInvariant(), "a\0b"])] = Value(random, isInit);
                break;
            case 2 when fields[name] is JsonObject inner:
                Spoil(random, inner, isInit);
                break;
            case 3 when fields[name] is JsonArray { Count: > 0 } list:
                list[random.Next(list.Count)] = Value(random, isInit);
                break;
            default:
                fields[name] = Value(random, isInit);
                break;
        }
    }

    private JsonNode? Value(Random random, bool isInit) => random.Next(14) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next(2) == 0),
        2 => JsonValue.Create(Pick(random, [0, -1, 1, int.MaxValue, int.MinValue])),
        3 => JsonNode.Parse(Pick(random, ["12345678901234567890", "1e308", "-0.0", "1.5", "1e400"])),
        4 => new JsonArray(),
        5 => new JsonObject(),
        6 => Nested(random.Next(1, 14), random.Next(2) == 0),
        7 => new JsonArray(null, 1, "x", new JsonArray(), new JsonObject()),
        8 when !isInit => JsonValue.Create(Pick(random, Ids)),
        9 => JsonValue.Create(new string(Pick(random, ["a", "é", "\0", " ", "/"])[0], Pick(random, [51, 64, 65, 256, 4097, 100_000]))),
        _ => JsonValue.Create(Pick(random, Texts)),
    };

    private static JsonNode Nested(int depth, bool lists)
    {
        JsonNode node = JsonValue.Create(1);
        for (var i = 0; i < depth; i++)
            node = lists ? new JsonArray(node) : new JsonObject { ["a"] = node };
        return node;
    }

    private string SpoilPath(Random random, string path, bool isInit) => random.Next(6) switch
    {
        0 => path.Replace("/v1", "/V1", StringComparison.Ordinal),
        1 => path.Split('?')[0] + "/",
        2 => path.Split('?')[0] + "/" + Uri.EscapeDataString(Text(random)),
        3 when !isInit => path.Split('?')[0] + "%" + Pick(random, ["00", "ff", "2F..", "zz", "C0%AF"]),
        4 => path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + Pick(random, ["%", "=", "&&", "a=%ff%00", "limit=1&limit=x", "cursor=" + new string('a', 7000)]),
        _ => path.Replace("/v1/", "/v1//", StringComparison.Ordinal),
    };

    private IEnumerable<(string Name, string Value)> Caller(Random random) => random.Next(16) switch
    {
        0 => [],
        1 => [("Authorization", "Bearer " + new string('x', random.Next(5000)))],
        2 => [("Authorization", Pick(random, ["bearer " + self.Key, "Bearer  " + self.Key, self.Key, "Basic YTpi", "Bearer"]))],
        3 => ProxyHeaders.Public(bystander.ProjectId),
        4 => ProxyHeaders.User(self.ProjectId, Guid.NewGuid().ToString(), bystander.Id),
        5 => ProxyHeaders.Key(bystander.ProjectId, Guid.NewGuid().ToString(), bystander.Id, secret: "wrong"),
        6 => [("Authorization", "Bearer " + self.Key), ("X-Project-ID", bystander.ProjectId), ("X-Aweb-Actor-ID", bystander.Id)],
        _ => [("Authorization", "Bearer " + self.Key)],
    };

    private static byte[] Encode(Random random, JsonNode body)
    {
        var text = (body is JsonValue value && value.TryGetValue<string>(out var plain) ? plain : body.ToJsonString(Api.Json)).Replace(Surrogate, "\\ud800", StringComparison.Ordinal);
        if (random.Next(25) == 0)
            text = text[..random.Next(text.Length + 1)];
        if (random.Next(40) == 0)
            text = "\ufeff" + text;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > 0 && random.Next(25) == 0)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private static string? ContentType(Random random, string path) => random.Next(20) switch
    {
        0 => null,
        1 => "text/plain",
        2 => "application/json; charset=utf-16",
        3 => "application/x-www-form-urlencoded",
        4 => "multipart/form-data; boundary=x",
        _ => path.StartsWith("/v1/beads/upload-jsonl", StringComparison.Ordinal) ? "text/plain" : "application/json",
    };

    private string Text(Random random) => random.Next(3) == 0 ? Pick(random, Ids) : Pick(random, Texts);

    private string HeaderText(Random random) => new([.. Text(random).Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]);

    private static string Show(HttpRequestMessage request, byte[] body)
    {
        var shown = new StringBuilder($"{request.Method} {request.RequestUri}\n");
        foreach (var header in request.Headers.Concat<KeyValuePair<string, IEnumerable<string>>>(request.Content?.Headers ?? NoHeaders))
            shown.Append($"{header.Key}: {string.Join(", ", header.Value)}\n");
        var text = JsonSerializer.Serialize(Encoding.UTF8.GetString(body), Api.Json);
        return shown.Append(text.Length > 3000 ? text[..3000] + "…" : text).ToString();
    }

    private static HttpContentHeaders NoHeaders => new ByteArrayContent([]).Headers;

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
