namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about subscriptions to beads (contract 16).</summary>
internal sealed class SubscriptionTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["subscribe"], "subscribe_to_bead", "Get mail when a bead changes."),
        McpTool.Request(api, operations["listSubscriptions"], "list_subscriptions", "The beads that you are subscribed to."),
        McpTool.Request(api, operations["unsubscribe"], "unsubscribe", "End a subscription."),
    ];
}
