using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about the project's policy.</summary>
internal sealed class PolicyTools(InnerRequests api)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "get_policy", "The rules that all agents follow, and the playbook of your role.", "GET", "/v1/policies/active",
            Text("role", "Your role"), Flag("only_selected", "Only that role's playbook")),
    ];
}
