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
        McpTool.Request(api, operations["listCommits"], "history_log", "Commits of all beads, newest first."),
        McpTool.Request(api, operations["diffBeads"], "history_diff",
            "What differs between two versions of the beads, field by field; from HEAD shows what is not committed yet."),
        McpTool.Request(api, operations["getCommit"], "history_show", "One commit."),
        McpTool.Request(api, operations["commitBeads"], "history_commit", "Commit the beads as they stand.", only: ["message"]),
        McpTool.Request(api, operations["getIssueHistory"], "issue_history", "What has happened to a bead, oldest first."),
        McpTool.Request(api, operations["blameIssue"], "issue_blame", "Who has set each field of a bead last, and in which commit."),
        McpTool.Request(api, operations["restoreBeads"], "history_restore",
            "Make beads what they were at a version: some, those that somebody has changed since, or all."),
        McpTool.Request(api, operations["mergeBeads"], "history_merge",
            "Merge a branch of the history; with conflicts it waits for history_resolve and changes nothing."),
        McpTool.Request(api, operations["getMerge"], "history_conflicts", "The merge that waits, with its conflicts."),
        McpTool.Request(api, operations["resolveConflict"], "history_resolve", "Decide on a conflict of the merge that waits."),
        McpTool.Request(api, operations["completeMerge"], "history_complete_merge", "Carry out the merge whose conflicts are decided."),
        McpTool.Request(api, operations["abandonMerge"], "history_abandon_merge", "Give up the merge that waits."),
    ];
}
