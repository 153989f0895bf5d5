using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Whether a caller may act as the workspace that a tool's argument names (contract 1.5).</summary>
internal static class WorkspaceAccess
{
    /// <summary>Looks whether the caller may act as the workspace that the call names, if it names one.</summary>
    public static Task NamedWorkspace(this ToolCall call, IGrainFactory grains) =>
        call.Given.Contains("workspace_id") ? call.Workspace(grains) : Task.CompletedTask;

    /// <summary>The workspace of the argument <c>workspace_id</c>, the caller's own unless given.</summary>
    /// <exception cref="ApiException">422 bad id; 404 unknown; 410 deleted; 403 another than the key's.</exception>
    public static async Task<AgentIdentity> Workspace(this ToolCall call, IGrainFactory grains)
    {
        var id = CommonFields.WorkspaceIdOrNull(call.Text("workspace_id") ?? "")
            ?? throw ApiException.Unprocessable("workspace_id is required");
        var agent = await grains.GetGrain<IProjectGrain>(call.Who.ProjectId).Agent(id);
        if (agent is { IsLiving: false }) throw new ApiException(StatusCodes.Status410Gone, "Workspace was deleted");
        if (agent is not { HasWorkspace: true }) throw ApiException.NotFound("Workspace not found");
        call.Who.MustBe(id);
        return agent;
    }
}
