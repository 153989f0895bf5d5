using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about asking a human (contract 16).</summary>
internal sealed class EscalationTools(InnerRequests api)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "escalate", "Ask a human for a decision or for help.", "POST", "/v1/escalations",
            Text("workspace_id", "Your workspace", true), Text("alias", "Your alias", true), Text("subject", "What it is about", true), Text("situation", "What the human has to know", true),
            Texts("options", "Answers to choose from"), Integer("expires_in_hours", "4 unless given"), Text("member_email", "Whom you ask")),
        McpTool.Request(api, "get_escalation", "An escalation, with the human's answer when there is one.", "GET", "/v1/escalations/{escalation_id}",
            Text("escalation_id", "Id of the escalation", true)),
    ];
}
