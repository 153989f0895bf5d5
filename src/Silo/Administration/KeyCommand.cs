using System.CommandLine;
using System.Text.Json;

namespace Beadhub.Silo.Administration;

/// <summary>
/// <c>beadhub key</c>: what operators do with API keys, on a running server. No key is ever shown: only its id and how it begins.
/// </summary>
internal static class KeyCommand
{
    private static readonly Argument<string> Project = new("project") { Description = "Slug or id" };
    private static readonly Argument<string?> Key = new("key") { Description = "Id of the key", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Agent =
        new("--agent") { Description = "Alias or id of the agent whose keys are meant, all of them" };

    public static Command Create()
    {
        var list = AdminOptions.Asking("list", "API keys of a project, newest first.", static async (parsed, api, cancellation) =>
        {
            var keys = await Keys(parsed, api,
                await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation), cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(keys);
            else
                Table.Print(["ID", "AGENT", "BEGINS", "CREATED", "REVOKED"], keys.Select(static key => new[]
                {
                    Table.Field(key, "api_key_id"), Table.Field(key, "alias"), Table.Field(key, "prefix"), Table.Field(key, "created_at"),
                        Table.Field(key, "revoked_at"),
                }));
        });
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
        return new("key", "Look at the API keys of a project and revoke them.") { list, revoke };
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
