using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about reserving files and other resources.</summary>
internal sealed class LockTools(InnerRequests api)
{
    private static readonly ToolArgument Key = Text("resource_key", "Path of a file, or any other name", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "acquire_lock", "Reserve a resource, so that no other agent changes it. A refusal says who holds it.", "POST", "/v1/reservations",
            Key, Integer("ttl_seconds", "How long, 60 to 3600; 3600 unless given"), ToolArgument.Object("metadata", "Anything about it, such as the reason")),
        McpTool.Request(api, "renew_lock", "Hold a reservation longer.", "POST", "/v1/reservations/renew", Key, Integer("ttl_seconds", "How long from now")),
        McpTool.Request(api, "release_lock", "Give a reservation up.", "POST", "/v1/reservations/release", Key),
        McpTool.Request(api, "list_locks", "What is reserved, and by whom.", "GET", "/v1/reservations", Text("prefix", "Only keys that begin so")),
    ];
}
