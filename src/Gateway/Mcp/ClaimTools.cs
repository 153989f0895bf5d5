using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about claiming beads without a command line.</summary>
internal sealed class ClaimTools(InnerRequests api)
{
    private static readonly ToolArgument Bead = Text("bead_id", "Bead id", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "claim_next", "Claim the best ready bead that nobody works on. Two agents that ask at once get two beads.", "POST", "/v1/beads/claim-next",
            Texts("labels", "All of these labels"), Text("type", "Issue type"), Integer("max_priority", "Not less urgent than this"), Text("repo", "Canonical origin"),
            Text("branch", "Branch"), Text("assignee", "Assignee")),
        McpTool.Request(api, "join_bead", "Join in the work on a bead, whoever else works on it.", "POST", "/v1/beads/{bead_id}/claims",
            Bead, Text("role", "What you do on it, one or two words"), Text("note", "What the others should know")),
        McpTool.Request(api, "release_bead", "Release your own claim on a bead.", "DELETE", "/v1/beads/{bead_id}/claims", Bead),
    ];
}
