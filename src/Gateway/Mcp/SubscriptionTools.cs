using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about subscriptions to beads (contract 16).</summary>
internal sealed class SubscriptionTools(InnerRequests api)
{
    private static readonly ToolArgument Workspace = Text("workspace_id", "Your workspace", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "subscribe_to_bead", "Get mail when a bead changes.", "POST", "/v1/subscriptions",
            Workspace, Text("bead_id", "Bead id", true), Text("repo", "Canonical origin"), Texts("event_types", "status_change, priority_change, assignee_change or all")),
        McpTool.Request(api, "list_subscriptions", "The beads that you are subscribed to.", "GET", "/v1/subscriptions", Workspace),
        McpTool.Request(api, "unsubscribe", "End a subscription.", "DELETE", "/v1/subscriptions/{subscription_id}", Workspace, Text("subscription_id", "Id of the subscription", true)),
    ];
}
