namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about the project's policy.</summary>
internal sealed class PolicyTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["getActivePolicy"], "get_policy",
            "The rules that all agents follow, and the playbook of your role.",
            only: ["role", "only_selected"]),
    ];
}
