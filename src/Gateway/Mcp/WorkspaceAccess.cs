using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Whether a caller may act as the workspace that a tool's argument names (contract 1.5).</summary>
internal static class WorkspaceAccess
{
    /// <summary>The workspace of the argument <c>workspace_id</c>.</summary>
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
