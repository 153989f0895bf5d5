using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about beads and who works on them (contract 16).</summary>
internal sealed class BeadTools(IGrainFactory grains, InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["listReadyIssues"], "get_ready_issues",
            "Open beads whose blockers are all closed, most urgent first: what can be worked on now.")
            .After(call => call.Workspace(grains)),
        McpTool.Request(api, operations["getIssue"], "get_issue", "One bead with its description."),
        McpTool.Request(api, operations["listIssues"], "list_issues", "Search the project's beads, last updated first."),
        McpTool.Request(api, operations["listClaims"], "list_claims", "Who works on which bead or task, newest first."),
    ];
}
