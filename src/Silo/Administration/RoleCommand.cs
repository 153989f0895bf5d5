using System.CommandLine;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Administration;

/// <summary><c>beadhub role</c>: who leads a project, who works in it and who only reads, on a running server.</summary>
internal static class RoleCommand
{
    private static readonly Argument<string> Project = new("project") { Description = "Slug or id" };
    private static readonly Argument<string> Agent = new("agent") { Description = "Alias or id" };
    private static readonly Argument<string> Role = new("role") { Description = "lead, agent or observer" };

    public static Command Create()
    {
        Role.AcceptOnlyFromAmong("lead", "agent", "observer");
        var list = AdminOptions.Asking("list", "Roles of a project's agents.", static async (parsed, api, cancellation) =>
        {
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var roles = (await api.Ask(HttpMethod.Get, $"v1/projects/{Table.Field(project, "project_id")}/roles", null, cancellation))
                .GetProperty("agents").EnumerateArray();
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(roles);
            else
                Table.Print(["ALIAS", "ROLE", "ID"], roles.Select(static agent =>
                    new[] { Table.Field(agent, "alias"), Table.Field(agent, "role"), Table.Field(agent, "agent_id") }));
        });
        var give = AdminOptions.Asking("give", "Give an agent a role: lead (all of the project), agent (its own work), observer (reads).",
            static async (parsed, api, cancellation) =>
        {
            var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
            var agent = await KeyCommand.AgentId(api, project, parsed.GetValue(Agent)!, cancellation);
            var given = await api.Ask(HttpMethod.Put, $"v1/projects/{Table.Field(project, "project_id")}/roles/{agent}",
                new JsonObject { ["role"] = parsed.GetValue(Role) }, cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(given);
            else Console.WriteLine($"{Table.Field(given, "alias")} has the role {Table.Field(given, "role")}");
        });
        list.Arguments.Add(Project);
        give.Arguments.Add(Project);
        give.Arguments.Add(Agent);
        give.Arguments.Add(Role);
        return new("role", "Look at the roles of a project's agents and give them.") { list, give };
    }
}
