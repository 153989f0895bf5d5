using System.Collections.Frozen;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Mcp;

/// <summary>The tools, group by group.</summary>
internal static class McpTools
{
    /// <summary>The tools of a server with these routes.</summary>
    public static IEnumerable<McpTool> Of(IEndpointRouteBuilder routes)
    {
        var (services, operations) = (routes.ServiceProvider, new Operations(routes));
        return
        [
            .. ActivatorUtilities.CreateInstance<AgentTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<BeadTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<ClaimTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<SubscriptionTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<EscalationTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<TaskTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<MailTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<ChatTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<LockTools>(services, operations).All(),
            .. ActivatorUtilities.CreateInstance<PolicyTools>(services, operations).All(),
            ActivatorUtilities.CreateInstance<Waits>(services, operations).Tool(),
            .. ActivatorUtilities.CreateInstance<HiveTools>(services, operations).All(),
        ];
    }
}

/// <summary>The declared requests that a server has, by the names that they have for programs.</summary>
internal sealed class Operations(IEndpointRouteBuilder routes)
{
    private readonly FrozenDictionary<string, RequestShape> _requests = routes.DataSources.SelectMany(source => source.Endpoints)
        .Select(endpoint => endpoint.Metadata.GetMetadata<RequestShape>()).OfType<RequestShape>()
            .ToFrozenDictionary(request => request.Operation);

    /// <summary>A request.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public RequestShape this[string operation] => _requests[operation];
}
