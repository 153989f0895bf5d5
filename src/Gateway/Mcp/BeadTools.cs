using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about beads and who works on them (contract 16).</summary>
internal sealed class BeadTools(IGrainFactory grains, InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["listReadyIssues"], "get_ready_issues",
            "Open beads whose blockers are all closed, most urgent first: what can be worked on now.")
            .After(call => call.NamedWorkspace(grains)),
        McpTool.Request(api, operations["getIssue"], "get_issue", "One bead with its texts and comments."),
        McpTool.Request(api, operations["listIssues"], "list_issues", "Search the project's beads, last updated first."),
        McpTool.Request(api, operations["search"], "search",
            "Full-text search in the project's beads, with their comments, and in your own mail."),
        McpTool.Request(api, operations["createIssue"], "create_issue", "Create a bead."),
        McpTool.Request(api, operations["updateIssue"], "update_issue",
            "Change a bead; what you do not give stays. Status in_progress claims it for you, closed releases every claim on it."),
        McpTool.Request(api, operations["closeIssue"], "close_issue", "Close a bead that is done; releases every claim on it."),
        McpTool.Request(api, operations["commentOnIssue"], "comment_on_issue", "Say something about a bead, for all who come to it."),
        McpTool.Request(api, operations["listClaims"], "list_claims", "Who works on which bead or task, newest first."),
    ];
}
