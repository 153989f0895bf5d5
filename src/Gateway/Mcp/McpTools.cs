namespace Beadhub.Gateway.Mcp;

/// <summary>The tools, group by group.</summary>
internal static class McpTools
{
    public static IEnumerable<McpTool> All(IServiceProvider services) =>
    [
        .. ActivatorUtilities.CreateInstance<AgentTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<BeadTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<ClaimTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<SubscriptionTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<EscalationTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<TaskTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<MailTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<LockTools>(services).All(),
    ];
}
