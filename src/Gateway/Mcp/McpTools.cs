namespace Beadhub.Gateway.Mcp;

/// <summary>The tools, group by group.</summary>
internal static class McpTools
{
    public static IEnumerable<McpTool> All(IServiceProvider services) =>
    [
        .. ActivatorUtilities.CreateInstance<AgentTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<BeadTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<TaskTools>(services).All(),
    ];
}
