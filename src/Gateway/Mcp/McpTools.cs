using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Mcp;

/// <summary>The tools, group by group.</summary>
internal static partial class McpTools
{
    /// <summary>The tools of a server with these routes: a tool that is a request to an endpoint which is not mapped does not exist.</summary>
    public static IEnumerable<McpTool> Of(IEndpointRouteBuilder routes)
    {
        var mapped = routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Select(method => Name(method, endpoint.RoutePattern.RawText ?? "")))
            .ToHashSet();
        return All(routes.ServiceProvider, new(routes)).Where(tool => tool.Endpoint is not { } endpoint || mapped.Contains(Name(endpoint.Method, endpoint.Path)));
    }

    private static string Name(string method, string pattern) => $"{method} {Parts().Replace(pattern, "{}").TrimEnd('/')}";

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parts();

    private static IEnumerable<McpTool> All(IServiceProvider services, Operations operations) =>
    [
        .. ActivatorUtilities.CreateInstance<AgentTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<BeadTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<ClaimTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<SubscriptionTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<EscalationTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<TaskTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<MailTools>(services).All(),
        .. ActivatorUtilities.CreateInstance<ChatTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<LockTools>(services, operations).All(),
        .. ActivatorUtilities.CreateInstance<PolicyTools>(services, operations).All(),
    ];
}

/// <summary>The declared requests that a server has, by the names that they have for programs.</summary>
internal sealed class Operations(IEndpointRouteBuilder routes)
{
    private readonly FrozenDictionary<string, RequestShape> _requests = routes.DataSources.SelectMany(source => source.Endpoints)
        .Select(endpoint => endpoint.Metadata.GetMetadata<RequestShape>()).OfType<RequestShape>().ToFrozenDictionary(request => request.Operation);

    /// <summary>A request.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public RequestShape this[string operation] => _requests[operation];
}
