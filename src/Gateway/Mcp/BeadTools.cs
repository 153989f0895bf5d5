using Orleans;
using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about beads and who works on them (contract 16).</summary>
internal sealed class BeadTools(IGrainFactory grains, InnerRequests api, Operations operations)
{
    private static readonly ToolArgument[] OfReady =
    [
        Text("workspace_id", "Your workspace", true), Text("repo", "Canonical origin, such as github.com/org/repo"), Text("branch", "Branch"),
        Integer("limit", "How many; 10 unless given"),
    ];

    public IEnumerable<McpTool> All() =>
    [
        new("get_ready_issues", "Open beads whose blockers are all closed, most urgent first: what can be worked on now.", true, OfReady, Ready),
        McpTool.Request(api, "get_issue", "One bead with its description.", "GET", "/v1/beads/issues/{bead_id}",
            Text("bead_id", "Bead id", true), Text("repo", "Canonical origin"), Text("branch", "Branch")),
        McpTool.Request(api, "list_issues", "Search the project's beads, last updated first.", "GET", "/v1/beads/issues",
            Text("q", "Beginning of a bead id, or part of a title"), Text("status", "open, in_progress or closed; several with commas"), Text("type", "Issue type"),
            Text("label", "Label"), Text("assignee", "Assignee"), Text("repo", "Canonical origin"), Text("branch", "Branch"), Integer("limit", "1 to 200"), Text("cursor", "next_cursor of the page before")),
        McpTool.Request(api, operations["listClaims"], "list_claims", "Who works on which bead or task, newest first."),
    ];

    private async Task<ReadOnlyMemory<byte>> Ready(ToolCall call)
    {
        await call.Workspace(grains);
        return await McpTool.Send(api, call, "GET", "/v1/beads/ready", OfReady);
    }
}
