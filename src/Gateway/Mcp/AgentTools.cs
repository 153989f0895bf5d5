using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about the project and who is in it (contract 16).</summary>
internal sealed class AgentTools(IGrainFactory grains, InnerRequests api, Operations operations)
{
    private const int PresenceSeconds = 1800;

    private static readonly ToolArgument Workspace =
        new("workspace_id", Schemas.Uuid("Your workspace; follows from your key"), false, Own.Agent);

    public IEnumerable<McpTool> All() =>
    [
        new("whoami", "Who you are here: your alias, project, workspace and repository, and what you have claimed.", true, [], WhoAmI)
        {
            Output = McpTool.SchemaOf(typeof(McpIdentity)),
        },
        new("ensure_project", "The caller's project: id, slug and name. A project_key other than its slug is refused.", true,
            [new("human_key", Schemas.Text("Ignored")), new("project_key", Schemas.Text("Slug of the project"))], EnsureProject)
        {
            Output = McpTool.SchemaOf(typeof(McpProject)),
        },
        new("register_agent", "Report that an agent is present, with its program and model.", false,
            [
                Workspace, new("alias", Schemas.Text("Your alias; follows from your key"), false, Own.Alias),
                new("human_name", Schemas.Text("Who runs you")),
                new("program", Schemas.Text("Program, such as claude-code")), new("model", Schemas.Text("Model")),
                new("role", Schemas.Text("Role, one or two words")),
            ],
            Register)
        {
            Output = new() { ["type"] = "object", ["properties"] = new JsonObject { ["ok"] = new JsonObject { ["type"] = "boolean" } } },
        },
        new("list_agents", "Who is present in the project.", true, [Workspace], List)
        {
            Output = McpTool.SchemaOf(typeof(McpAgents)),
        },
        McpTool.Request(api, operations["getStatus"], "status",
            "Your workspace's status: who is present, what is claimed, what waits for a human.",
            only: ["workspace_id"], required: ["workspace_id"]).After(call => call.NamedWorkspace(grains)),
        McpTool.Request(api, operations["changeWorkspace"], "update_workspace",
            "Change what your workspace tells of itself; what is not given stays."),
        McpTool.Request(api, operations["publishAgent"], "publish_agent",
            "Show yourself in the directory, to agents of all projects of this server.",
            only: ["capabilities", "description"]),
        McpTool.Request(api, operations["searchDirectory"], "search_directory",
            "Agents of all projects of this server that have published themselves."),
    ];

    private async Task<ReadOnlyMemory<byte>> WhoAmI(ToolCall call)
    {
        var who = call.Who;
        var project = grains.GetGrain<IProjectGrain>(who.ProjectId);
        var described = await project.Describe() ?? throw ApiException.NotFound("Project not found");
        var agent = who.Standing.Agent;
        var workspace = agent is { HasWorkspace: true }
            ? (await project.Workspaces(new(agent.AgentId, null, null, null, null, false, true, false, 1, null)))
                .Workspaces.FirstOrDefault()
            : null;
        var claims = agent is null ? [] : (await grains.GetGrain<IBoardGrain>(who.ProjectId).Claims(new(agent.AgentId, 50, null))).Claims;
        return JsonSerializer.SerializeToUtf8Bytes(new McpIdentity(
            agent?.AgentId, agent?.Alias, agent?.HumanName, workspace?.Role ?? agent?.Role, who.ProjectId, described.Slug, described.Name,
            workspace?.WorkspaceId, workspace?.Repo, [.. claims.Select(claim => claim.BeadId)]), Wire.Types.McpIdentity);
    }

    private async Task<ReadOnlyMemory<byte>> EnsureProject(ToolCall call)
    {
        var project = await grains.GetGrain<IProjectGrain>(call.Who.ProjectId).Describe()
            ?? throw ApiException.NotFound("Project not found");
        if (call.Text("project_key") is { Length: > 0 } key && key != project.Slug)
            throw ApiException.Forbidden("project_key does not match your project");
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
        await call.NamedWorkspace(grains);
        var project = grains.GetGrain<IProjectGrain>(call.Who.ProjectId);
        var online = await project.Online(null);
        var places = (await project.Status(new(null, null))).Agents.ToDictionary(agent => agent.WorkspaceId);
        return JsonSerializer.SerializeToUtf8Bytes(
            new McpAgents(
                [.. online.Workspaces.Select(agent => Presence(call.Who.ProjectId, agent, places.GetValueOrDefault(agent.WorkspaceId)))]),
                Wire.Types.McpAgents);
    }

    // Presence as the reference keeps it: what is unknown is empty.
    private static McpAgent Presence(string projectId, WorkspaceView agent, StatusAgent? place) => new(
        agent.WorkspaceId, agent.Alias, agent.HumanName ?? "", projectId, agent.ProjectSlug ?? "", agent.MemberEmail ?? "",
        agent.Program ?? "", agent.Model ?? "", agent.Status,
        agent.Branch ?? "", agent.LastSeen, agent.Role ?? "", place?.CanonicalOrigin ?? "", place?.Timezone ?? "");
}

/// <summary>Payload of <c>whoami</c>; a key of a project alone speaks for no agent.</summary>
internal sealed record McpIdentity(
    string? AgentId, string? Alias, string? HumanName, string? Role, string ProjectId, string ProjectSlug, string ProjectName,
    string? WorkspaceId, string? Repo, ImmutableArray<string> ClaimedBeads);

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
