namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about asking a human (contract 16).</summary>
internal sealed class EscalationTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["createEscalation"], "escalate", "Ask a human for a decision or for help."),
        McpTool.Request(api, operations["getEscalation"], "get_escalation", "An escalation, with the human's answer when there is one.",
            only: ["escalation_id"]),
    ];
}
