using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;
using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about the project and who is in it (contract 16).</summary>
internal sealed class AgentTools(IGrainFactory grains, InnerRequests api, Operations operations)
{
    private const int PresenceSeconds = 1800;

    public IEnumerable<McpTool> All() =>
    [
        new("ensure_project", "The caller's project: id, slug and name. A project_key other than its slug is refused.", true,
            [Text("human_key", "Ignored"), Text("project_key", "Slug of the project")], EnsureProject),
        new("register_agent", "Report that an agent is present, with its program and model.", false,
            [Text("workspace_id", "Your workspace", true), Text("alias", "Your alias", true), Text("human_name", "Who runs you"), Text("program", "Program, such as claude-code"),
                Text("model", "Model"), Text("role", "Role, one or two words")], Register),
        new("list_agents", "Who is present in the project.", true, [Text("workspace_id", "Your workspace", true)], List),
        new("status", "Your workspace's status: who is present, what is claimed, what waits for a human.", true, [Text("workspace_id", "Your workspace", true)], Status),
        McpTool.Request(api, "update_workspace", "Change what your workspace tells of itself; what is not given stays.", "PATCH", "/v1/workspaces/{workspace_id}",
            Text("workspace_id", "Your workspace", true), Text("role", "Role, one or two words"), Text("current_branch", "Branch that you are on"), Text("hostname", "Host"),
            Text("workspace_path", "Folder on that host"), Text("timezone", "Time zone, such as Europe/Madrid"), Text("human_name", "Who runs you")),
        McpTool.Request(api, operations["publishAgent"], "publish_agent", "Show yourself in the directory, to agents of all projects of this server.",
            only: ["capabilities", "description"]),
        McpTool.Request(api, operations["searchDirectory"], "search_directory", "Agents of all projects of this server that have published themselves."),
    ];

    private async Task<ReadOnlyMemory<byte>> EnsureProject(ToolCall call)
    {
        var project = await grains.GetGrain<IProjectGrain>(call.Who.ProjectId).Describe() ?? throw ApiException.NotFound("Project not found");
        if (call.Text("project_key") is { Length: > 0 } key && key != project.Slug) throw ApiException.Forbidden("project_key does not match your project");
        return JsonSerializer.SerializeToUtf8Bytes(new McpProject(project.ProjectId, project.Slug, project.Name), Wire.Types.McpProject);
    }

    private async Task<ReadOnlyMemory<byte>> Register(ToolCall call)
    {
        var workspace = await call.Workspace(grains);
        if (!Names.IsAlias(call.Required("alias"))) throw ApiException.Unprocessable("Invalid alias format");
        await grains.GetGrain<IProjectGrain>(call.Who.ProjectId).RegisterPresence(new(
            workspace.AgentId, null, call.Text("human_name"), call.Text("program"), call.Text("model"), null, null,
            Beadhub.Workspaces.Roles.Normalize(call.Text("role")), PresenceSeconds));
        return "{\"ok\":true}"u8.ToArray();
    }

    private async Task<ReadOnlyMemory<byte>> List(ToolCall call)
    {
        await call.Workspace(grains);
        var project = grains.GetGrain<IProjectGrain>(call.Who.ProjectId);
        var online = await project.Online(null);
        var places = (await project.Status(new(null, null))).Agents.ToDictionary(agent => agent.WorkspaceId);
        return JsonSerializer.SerializeToUtf8Bytes(
            new McpAgents([.. online.Workspaces.Select(agent => Presence(call.Who.ProjectId, agent, places.GetValueOrDefault(agent.WorkspaceId)))]), Wire.Types.McpAgents);
    }

    private async Task<ReadOnlyMemory<byte>> Status(ToolCall call)
    {
        var workspace = await call.Workspace(grains);
        return await api.Run(call.Http, HttpMethods.Get, "/v1/status", new QueryString().Add("workspace_id", workspace.AgentId));
    }

    // Presence as the reference keeps it: what is unknown is empty.
    private static McpAgent Presence(string projectId, WorkspaceView agent, StatusAgent? place) => new(
        agent.WorkspaceId, agent.Alias, agent.HumanName ?? "", projectId, agent.ProjectSlug ?? "", agent.MemberEmail ?? "", agent.Program ?? "", agent.Model ?? "", agent.Status,
        agent.Branch ?? "", agent.LastSeen, agent.Role ?? "", place?.CanonicalOrigin ?? "", place?.Timezone ?? "");
}

/// <summary>Payload of <c>ensure_project</c>.</summary>
internal sealed record McpProject(string ProjectId, string Slug, string Name);

/// <summary>Payload of <c>list_agents</c>.</summary>
internal sealed record McpAgents(ImmutableArray<McpAgent> Agents);

/// <summary>An agent that is present.</summary>
internal sealed record McpAgent(
    string WorkspaceId,
    string Alias,
    string HumanName,
    string ProjectId,
    string ProjectSlug,
    string MemberEmail,
    string Program,
    string Model,
    string Status,
    string CurrentBranch,
    DateTimeOffset? LastSeen,
    string Role,
    string CanonicalOrigin,
    string Timezone);
