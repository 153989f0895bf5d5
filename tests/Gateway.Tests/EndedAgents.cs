using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Who was deregistered reads its project and writes nothing (contract 1.8), by whatever door. The operations are the server's
/// own: a new one is met here too.</summary>
[OnAnyStore]
public abstract class EndedAgentsContract(Store store) : ContractTests(store)
{
    // These read, whatever their method; /mcp is looked at by its tools. What is below /v1/projects is for administrators only.
    private static readonly string[] NoWrites =
        ["POST /v1/init", "POST /mcp", "POST /v1/agents/suggest-alias-prefix", "POST /v1/workspaces/suggest-name-prefix",
            "POST /v1/repos/lookup", "POST /v1/stream-tickets", "POST /api/v1/agents/register"];

    // The first and last want a key; by the second a gateway brings an agent back (contract 1.6, 5.5).
    private static readonly string[] NotForGateways = ["POST /v1/workspaces/register", "POST /v1/workspaces/{workspaceId}/restore",
        "POST /v1/agents/me/keys/rotate", "DELETE /v1/agents/me/keys/{apiKeyId}"];

    // Of several fields one is asked for; the document does not say so.
    private static readonly string[] OneOf = ["to_alias", "issues_jsonl", "bundle", "new_did", "new_public_key", "resource_key", "content"];

    [Fact]
    public async Task A_deregistered_agent_writes_nothing()
    {
        var team = await Team.Make(NewProject());
        await team.Gone.Delete("/v1/agents/me").Ok();
        var before = await team.Seen();

        var wrong = await Walk(team, team.Gone, own: team.Gone, allowed: [404, 410]);

        wrong.ShouldBeEmpty();
        (await team.Seen()).ShouldBe(before);
        // It reads on (protocol checklist 50).
        await team.Gone.Get("/v1/agents").Ok();
        await team.Gone.Post("/v1/workspaces/suggest-name-prefix", new { origin_url = team.Gone.Origin }).Ok();
    }

    [Fact]
    public async Task In_an_archived_project_nobody_writes()
    {
        var team = await Team.Make(NewProject());
        var admin = Api.As(Api.AdminKey);
        var before = await team.Seen();
        await admin.Post($"/v1/projects/{team.Peer.ProjectId}/archive").Ok();

        (await Walk(team, team.Peer, own: team.Peer, allowed: [410])).ShouldBeEmpty();
        (await Walk(team, Proxied(team.Peer), own: team.Peer, allowed: [410], "POST /v1/workspaces/register",
            "POST /v1/agents/me/keys/rotate", "DELETE /v1/agents/me/keys/{apiKeyId}")).ShouldBeEmpty();
        await team.Peer.Project.Init(new { project_slug = team.Peer.Project.Slug }).RefusedWith(410, "archived");
        await team.Peer.Project.Init(new { project_id = team.Peer.ProjectId, repo_origin = team.Peer.Origin, alias = "peer" })
            .RefusedWith(410, "archived");
        (await team.Seen()).ShouldBe(before);

        // What was refused is not kept: with the same key it is carried out once the project is in use again.
        var once = Api.With(("Authorization", $"Bearer {team.Peer.Key}"), ("Idempotency-Key", "once"));
        await once.Post("/v1/tasks", new { title = "T3" }).RefusedWith(410, "archived");
        await admin.Post($"/v1/projects/{team.Peer.ProjectId}/unarchive").Ok();
        await once.Post("/v1/tasks", new { title = "T3" }).Ok();
    }

    [Fact]
    public async Task Nor_does_a_gateway_that_acts_for_it()
    {
        var team = await Team.Make(NewProject());
        await team.Gone.Delete("/v1/agents/me").Ok();
        var before = await team.Seen();
        var gateway = Api.With(ProxyHeaders.User(team.Gone.ProjectId, Guid.NewGuid().ToString(), team.Gone.Id));

        // It may name any workspace: also a living one.
        (await Walk(team, gateway, own: team.Gone, allowed: [404, 410], NotForGateways)).ShouldBeEmpty();
        (await Walk(team, gateway, own: team.Peer, allowed: [404, 410], NotForGateways)).ShouldBeEmpty();

        (await team.Seen()).ShouldBe(before);
        await gateway.Get("/v1/agents").Ok();
    }

    [Fact]
    public async Task Nor_do_the_tools_of_MCP()
    {
        var team = await Team.Make(NewProject());
        await team.Gone.Delete("/v1/agents/me").Ok();
        var before = await team.Seen();
        var wrong = new List<string>();
        var calls = 0;
        foreach (var tool in (await Mcp(team.Gone, "tools/list", [])).At("result").Items("tools"))
        {
            if (tool.At("annotations").Flag("readOnlyHint")) continue;
            calls++;
            var arguments = new JsonObject();
            foreach (var (name, schema) in Asked(tool.At("inputSchema"))) arguments[name] = team.Value(name, schema, team.Gone);
            var answer = await Mcp(team.Gone, "tools/call", new() { ["name"] = tool.Text("name"), ["arguments"] = arguments });
            var code = answer.TryGetProperty("error", out var error) ? error.Number("code") : 200;
            if (code is not (404 or 410)) wrong.Add($"{tool.Text("name")} {arguments.ToJsonString()} -> {answer.GetRawText()}");
        }

        wrong.ShouldBeEmpty();
        calls.ShouldBeGreaterThan(15);
        (await team.Seen()).ShouldBe(before);
        (await Mcp(team.Gone, "tools/call", new() { ["name"] = "list_claims", ["arguments"] = new JsonObject() })).Has("result")
            .ShouldBeTrue();
    }

    [Fact]
    public async Task The_repeat_of_its_last_request_is_answered_as_the_first_time()
    {
        var agent = await NewProject().Identity();
        var again = Api.With(("Authorization", $"Bearer {agent.Key}"), ("Idempotency-Key", "leave"));

        await again.Delete("/v1/agents/me").Ok();
        (await again.Delete("/v1/agents/me")).Header("Idempotent-Replayed").ShouldBe("true");
        await agent.Delete("/v1/agents/me").Refused(404, "Agent not found");
    }

    private async Task<List<string>> Walk(Team team, Api caller, Agent own, int[] allowed, params string[] except)
    {
        var document = (await Api.Get("/openapi/v1.json")).Ok();
        var wrong = new List<string>();
        var walked = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var name = $"{operation.Name.ToUpperInvariant()} {path.Name}";
                if (operation.Name is "get" || path.Name.StartsWith("/v1/projects", StringComparison.Ordinal)
                    // Administrators' and peers': no agent's.
                    || path.Name.StartsWith("/api/v1/sync", StringComparison.Ordinal)
                    || path.Name.StartsWith("/sync/v1", StringComparison.Ordinal) || NoWrites.Contains(name)
                    || except.Contains(name)) continue;
                walked++;
                var answer = await caller.Send(new HttpMethod(operation.Name.ToUpperInvariant()),
                    Path(team, path.Name, operation.Value, own), Content(team, operation.Value, own));
                if (!allowed.Contains(answer.Status)) wrong.Add($"{name}: {answer}");
            }
        }

        walked.ShouldBeGreaterThan(45);
        return wrong;
    }

    internal static string Path(Team team, string template, JsonElement operation, Agent own)
    {
        var (path, query) = (template, new List<string>());
        foreach (var parameter in operation.TryGetProperty("parameters", out var all) ? all.EnumerateArray() : [])
        {
            var name = parameter.Text("name");
            if (parameter.Text("in") == "path")
                path = path.Replace($"{{{name}}}", Uri.EscapeDataString(team.Value(name, default, own).ToString()),
                    StringComparison.Ordinal);
            else if (parameter.Text("in") == "query" && parameter.TryGetProperty("required", out var required) && required.GetBoolean())
                query.Add($"{name}={Uri.EscapeDataString(team.Value(name, default, own).ToString())}");
        }

        return query.Count == 0 ? path : $"{path}?{string.Join('&', query)}";
    }

    internal static HttpContent? Content(Team team, JsonElement operation, Agent own)
    {
        if (!operation.TryGetProperty("requestBody", out var body)) return null;
        var content = body.GetProperty("content");
        if (content.TryGetProperty("text/plain", out _)) return Api.Plain(Jsonl.Of(new { id = "bd-9", title = "T" }));
        var schema = content.GetProperty("application/json").GetProperty("schema");
        var fields = new JsonObject();
        foreach (var (name, type) in Asked(schema)) fields[name] = team.Value(name, type, own);
        return Api.Content(fields);
    }

    /// <summary>The fields without which a request is none.</summary>
    private static IEnumerable<(string Name, JsonElement Schema)> Asked(JsonElement schema)
    {
        if (!schema.TryGetProperty("properties", out var properties)) return [];
        var asked = (schema.TryGetProperty("required", out _) ? schema.Texts("required") : []).Concat(OneOf);
        return properties.EnumerateObject().Where(property => asked.Contains(property.Name))
            .Select(property => (property.Name, property.Value));
    }

    private static async Task<JsonElement> Mcp(Api caller, string method, JsonObject parameters) =>
        await caller.Post("/mcp", new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = parameters }).Ok();

    /// <summary>A project with one of everything that a write could change, and an agent that is about to end.</summary>
    internal sealed record Team(Agent Peer, Agent Gone, Dictionary<string, string> Ids)
    {
        public static async Task<Team> Make(Project project)
        {
            var (peer, gone) = (await project.Agent("peer", human: "Peer"), await project.Agent("gone", human: "Gone"));
            await peer.Sync(Jsonl.Of(new { id = "bd-1", title = "T", status = "open" })).Ok();
            await gone.Mail(peer, "hello").Ok();
            var ids = new Dictionary<string, string>
            {
                ["messageId"] = await peer.MailId(gone, "hello"),
                ["escalationId"] =
                    (await peer.Post("/v1/escalations", new { workspace_id = peer.Id, alias = peer.Alias, subject = "s", situation = "x" })
                    .Ok()).Text("escalation_id"),
                ["subscriptionId"] = (await gone.Post("/v1/subscriptions", new { workspace_id = gone.Id, bead_id = "bd-1" }).Ok())
                    .Text("subscription_id"),
                ["contactId"] = (await peer.Post("/v1/contacts", new { contact_address = "org/agent" }).Ok()).Text("contact_id"),
                ["webhookId"] = (await peer.Post("/v1/webhooks", new { url = "https://hooks.example/" }).Ok()).At("webhook")
                    .Text("webhook_id"),
                ["policyId"] = (await peer.Get("/v1/policies/active").Ok()).Text("policy_id"),
                ["sessionId"] = (await gone.Post("/v1/chat/sessions", new { to_aliases = new[] { "peer" }, message = "m" }).Ok())
                    .Text("session_id"),
            };
            await peer.Post("/v1/tasks", new { title = "T" }).Ok();
            await peer.Post("/v1/tasks", new { title = "T2" }).Ok();
            await gone.Post("/v1/reservations", new { resource_key = "k" }).Ok();
            return new(peer, gone, ids);
        }

        /// <summary>A good value for a field, so that nothing but the caller is wrong with a request.</summary>
        public JsonNode Value(string name, JsonElement schema, Agent own) => name switch
        {
            "workspace_id" or "workspaceId" or "agent_id" => own.Id,
            "alias" or "agent_name" or "sender_name" => own.Alias,
            "agentId" or "to_agent_id" or "successor_agent_id" or "assignee_agent_id" => Peer.Id,
            "address" => Peer.Id,
            "to_alias" => Peer.Alias,
            "to_aliases" or "to" => new JsonArray(Peer.Alias),
            "repoId" or "repo_id" => own.RepoId,
            "project_id" => own.ProjectId,
            "project_key" or "project_slug" => own.Project.Slug,
            "repo_origin" or "origin_url" => own.Origin,
            "beadId" or "bead_id" => "bd-1",
            "reference" or "ref" or "task_ref" => "1",
            "other" or "depends_on" => "2",
            "role" => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("enum", out _) ? "agent" : "developer",
            "hive_name" => "eng",
            "shared_hives" => new JsonArray("eng"),
            "sync_endpoint" => "http://127.0.0.1:9/sync/v1",
            "events" => new JsonArray(new JsonObject
            {
                ["id"] = "e", ["event_type"] = "post_created", ["origin_instance_id"] = "i", ["origin_ts"] = 1, ["payload"] = "{}",
                ["signature"] = "s",
            }),
            "apiKeyId" => Guid.NewGuid().ToString(),
            "human_name" => "Someone",
            "issues" => new JsonArray(new JsonObject { ["id"] = "bd-9", ["title"] = "T" }),
            "issues_jsonl" => "{\"id\":\"bd-9\",\"title\":\"T\"}",
            "bundle" => new JsonObject { ["invariants"] = new JsonArray(), ["roles"] = new JsonObject(), ["adapters"] = new JsonObject() },
            "url" => "https://hooks.example/other",
            "contact_address" => "org/other",
            "did" or "new_did" => "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd",
            "public_key" or "new_public_key" => "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
            "custody" => "self",
            "lifetime" => "persistent",
            "timestamp" => "2026-01-01T00:00:00Z",
            "signal" => "pause",
            "sync_mode" => "full",
            "event_types" => new JsonArray("all"),
            "status" => "open",
            "type" or "task_type" => "task",
            "timezone" => "Europe/Madrid",
            "deadline" => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            "expires_at" => DateTimeOffset.UtcNow.AddDays(1).ToString("O"),
            "thread_id" or "up_to_message_id" or "message_id" or "after" => Ids["messageId"],
            _ when Ids.TryGetValue(name, out var id) || Ids.TryGetValue(Camel(name), out id) => id,
            _ => Plain(schema),
        };

        /// <summary>All that a write could have changed, as the peer sees it.</summary>
        public async Task<string> Seen()
        {
            var all = new StringBuilder();
            foreach (var path in new[]
            {
                "/v1/agents", "/v1/workspaces?include_deleted=true&include_claims=true&limit=200", "/v1/repos",
                    "/v1/beads/issues?limit=200", "/v1/claims", "/v1/policies/active",
                "/v1/policies/history", "/v1/tasks", "/v1/tasks/1", "/v1/tasks/1/comments", "/v1/chat/sessions", "/v1/conversations",
                "/v1/contacts", "/v1/escalations",
                $"/v1/subscriptions?workspace_id={Peer.Id}", "/v1/messages/inbox", "/v1/projects/current",
                $"/v1/escalations/{Ids["escalationId"]}",
            })
                all.Append(path).Append(' ').Append((await Peer.Get(path).Ok()).GetRawText()).Append('\n');
            // Of these only that they are there: deliveries fail meanwhile, and locks run out.
            all.AppendJoin(',', (await Peer.Get("/v1/webhooks").Ok()).Pluck("webhooks", "webhook_id")).Append('\n');
            all.AppendJoin(',', (await Peer.Get("/v1/reservations").Ok()).Pluck("reservations", "resource_key"));
            return all.ToString();
        }

        private static string Camel(string name) =>
            string.Concat(name.Split('_').Select((part, i) => i == 0 ? part : char.ToUpperInvariant(part[0]) + part[1..]));

        private static JsonNode Plain(JsonElement schema)
        {
            if (schema.ValueKind == JsonValueKind.Undefined) return "x";
            if (schema.TryGetProperty("examples", out var examples)) return JsonNode.Parse(examples[0].GetRawText())!;
            if (schema.TryGetProperty("enum", out var values)) return JsonValue.Create(values[0].GetString()!);
            var type = schema.TryGetProperty("type", out var named) ? named.ToString() : "string";
            return type.Contains("integer", StringComparison.Ordinal) ? 3
                : type.Contains("boolean", StringComparison.Ordinal) ? true
                : type.Contains("array", StringComparison.Ordinal) ? new JsonArray("x")
                : type.Contains("object", StringComparison.Ordinal) ? new JsonObject { ["a"] = 1 }
                : "x";
        }
    }
}
