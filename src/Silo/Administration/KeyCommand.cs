using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Administration;

/// <summary>
/// <c>beadhub key</c>: what operators do with API keys, on a running server. A key is shown once, when it is made; else only its id and
/// how it begins.
/// </summary>
internal static class KeyCommand
{
    private static readonly Argument<string> Project = new("project") { Description = "Slug or id" };
    private static readonly Argument<string?> Key = new("key") { Description = "Id of the key", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Agent =
        new("--agent") { Description = "Alias or id of the agent whose keys are meant, all of them" };
    private static readonly Argument<string> OneKey = new("key") { Description = "Id of the key" };
    private static readonly Argument<string> ForAgent = new("agent") { Description = "Alias or id of the agent" };
    private static readonly Option<string?> Expires = new("--expires") { Description = "When the key ends by itself: 90m, 12h, 30d" };
    private static readonly Option<string?> Overlap =
        new("--overlap") { Description = "How long the old key still opens: 90m, 12h, 7d; it ends at once unless given" };
    private static readonly Argument<string> In = new("in") { Description = "In how long it ends: 90m, 12h, 30d; or never" };

    public static Command Create()
    {
        var list = AdminOptions.Asking("list", "API keys of a project, newest first.", static async (parsed, api, cancellation) =>
        {
            var keys = await Keys(parsed, api,
                await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation), cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(keys);
            else
                Table.Print(["ID", "AGENT", "BEGINS", "CREATED", "LAST USED", "EXPIRES", "REVOKED"], keys.Select(static key => new[]
                {
                    Table.Field(key, "api_key_id"), Table.Field(key, "alias"), Table.Field(key, "prefix"), Table.Field(key, "created_at"),
                    Table.Field(key, "last_used_at"), Table.Field(key, "expires_at"), Table.Field(key, "revoked_at"),
                }));
        });
        var issue = AdminOptions.Asking("issue", "Make another API key for an agent; it is shown this once.",
            static async (parsed, api, cancellation) =>
        {
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var body = With(new JsonObject { ["agent_id"] = await AgentId(api, project, parsed.GetValue(ForAgent)!, cancellation) },
                "expires_in_seconds", parsed.GetValue(Expires));
            Show(parsed, await api.Ask(HttpMethod.Post, $"v1/projects/{Id(project)}/keys", body, cancellation));
        });
        issue.Arguments.Add(Project);
        issue.Arguments.Add(ForAgent);
        issue.Options.Add(Expires);
        var rotate = AdminOptions.Asking("rotate", "Make a key in the place of another, which ends; the new one is shown this once.",
            static async (parsed, api, cancellation) =>
        {
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var body = With(With([], "overlap_seconds", parsed.GetValue(Overlap)), "expires_in_seconds", parsed.GetValue(Expires));
            Show(parsed, await api.Ask(HttpMethod.Post,
                $"v1/projects/{Id(project)}/keys/{Uri.EscapeDataString(parsed.GetValue(OneKey)!)}/rotate", body, cancellation));
        });
        rotate.Arguments.Add(Project);
        rotate.Arguments.Add(OneKey);
        rotate.Options.Add(Overlap);
        rotate.Options.Add(Expires);
        var expire = AdminOptions.Asking("expire", "Say when a key ends by itself, or that it does not.",
            static async (parsed, api, cancellation) =>
        {
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var after = parsed.GetValue(In)!;
            var key = await api.Ask(HttpMethod.Patch, $"v1/projects/{Id(project)}/keys/{Uri.EscapeDataString(parsed.GetValue(OneKey)!)}",
                With([], "expires_in_seconds", after == "never" ? null : after), cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(key);
            else Table.Print(key);
        });
        expire.Arguments.Add(Project);
        expire.Arguments.Add(OneKey);
        expire.Arguments.Add(In);
        var revoke = AdminOptions.Asking("revoke", "Revoke an API key, or all of an agent: they open nothing from then on.",
            static async (parsed, api, cancellation) =>
        {
            var (key, agent) = (parsed.GetValue(Key), parsed.GetValue(Agent));
            if (key is null == agent is null) throw new CommandFailedException("give either the id of a key or --agent");
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var ids = key is not null ? [key]
                : (await Keys(parsed, api, project, cancellation))
                .Where(static item => item.GetProperty("revoked_at").ValueKind == JsonValueKind.Null)
                .Select(static item => item.GetProperty("api_key_id").GetString()!).ToArray();
            if (agent is not null && ids.Length == 0) throw new CommandFailedException($"agent '{agent}' has no key that is in use");
            var revoked = new List<JsonElement>();
            foreach (var id in ids)
                revoked.AddRange(
                    (await api.Ask(HttpMethod.Delete, $"v1/projects/{Id(project)}/keys/{Uri.EscapeDataString(id)}", null, cancellation))
                    .GetProperty("revoked").EnumerateArray());
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(revoked);
            else Console.WriteLine(revoked.Count == 0 ? "It was revoked before."
                : $"Revoked {string.Join(", ", revoked.Select(static id => id.GetString()))}");
        });
        foreach (var command in new[] { list, revoke })
        {
            command.Arguments.Add(Project);
            command.Options.Add(Agent);
        }

        revoke.Arguments.Add(Key);
        return new("key", "Look at the API keys of a project, make, change and revoke them.") { list, issue, rotate, expire, revoke };
    }

    /// <summary>The id of the living agent with an alias or id.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public static async Task<string> AgentId(AdminApi api, JsonElement project, string aliasOrId, CancellationToken cancellation) =>
        (await api.Ask(HttpMethod.Get, $"v1/projects/{Id(project)}/roles", null, cancellation)).GetProperty("agents").EnumerateArray()
            .Where(agent => Table.Field(agent, "alias") == aliasOrId || Table.Field(agent, "agent_id") == aliasOrId)
            .Select(static agent => agent.GetProperty("agent_id").GetString()).FirstOrDefault()
        ?? throw new CommandFailedException($"there is no agent '{aliasOrId}' in the project");

    private static void Show(ParseResult parsed, JsonElement made)
    {
        if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(made);
        else Table.Print(made);
    }

    /// <summary>The body with a time in seconds, when one is given.</summary>
    /// <exception cref="CommandFailedException">It is no time.</exception>
    private static JsonObject With(JsonObject body, string name, string? time)
    {
        if (time is null) return body;
        var unit = time.Length > 1 ? time[^1] switch { 's' => 1, 'm' => 60, 'h' => 3_600, 'd' => 86_400, _ => 0 } : 0;
        if (unit == 0 || !int.TryParse(time.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || (long)count * unit > int.MaxValue)
            throw new CommandFailedException($"'{time}' is no length of time such as 90m, 12h or 30d");
        body[name] = count * unit;
        return body;
    }

    private static async Task<JsonElement[]> Keys(ParseResult parsed, AdminApi api, JsonElement project, CancellationToken cancellation)
    {
        var agent = parsed.GetValue(Agent);
        var page = await api.Ask(HttpMethod.Get, $"v1/projects/{Id(project)}/keys?limit=1000", null, cancellation);
        if (page.GetProperty("has_more").GetBoolean())
            Console.Error.WriteLine("beadhub: the project has more than 1000 keys; the newest are shown");
        return [.. page.GetProperty("keys").EnumerateArray()
            .Where(key => agent is null || Table.Field(key, "alias") == agent || Table.Field(key, "agent_id") == agent)];
    }

    private static string Id(JsonElement project) => project.GetProperty("project_id").GetString()!;
}
