namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about claiming beads without a command line.</summary>
internal sealed class ClaimTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["claimNextBead"], "claim_next",
            "Claim the best ready bead that nobody works on. Two agents that ask at once get two beads.",
            only: ["labels", "type", "max_priority", "repo", "branch", "assignee", "strategy"]),
        McpTool.Request(api, operations["planInsights"], "plan_insights",
            "What is left of the plan: critical path, circles, what waits for what, tracks for agents, stale claims, pace and forecast."),
        McpTool.Request(api, operations["joinBead"], "join_bead", "Join in the work on a bead, whoever else works on it.",
            only: ["bead_id", "role", "note"]),
        McpTool.Request(api, operations["leaveBead"], "release_bead", "Release your own claim on a bead.", only: ["bead_id"]),
    ];
}
