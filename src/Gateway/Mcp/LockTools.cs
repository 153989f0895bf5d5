using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about reserving files and other resources.</summary>
internal sealed class LockTools(InnerRequests api)
{
    private static readonly ToolArgument Key = Text("resource_key", "Path of a file, or any other name", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "acquire_lock", "Reserve a resource, or several at once, so that no other agent changes them. A refusal says who holds what.", "POST", "/v1/reservations",
            Text("resource_key", "Path of a file, or any other name"), Texts("resource_keys", "Several instead of one: all are reserved, or none"),
            Flag("pattern", "Whether they are patterns that cover others: *, **, ? and {a,b}"),
            Integer("ttl_seconds", "How long: 60 to 3600 seconds; 60 unless given"), ToolArgument.Object("metadata", "Anything about it, such as the reason")),
        McpTool.Request(api, "renew_lock", "Hold a reservation longer.", "POST", "/v1/reservations/renew", Key, Integer("ttl_seconds", "How long from now: 60 to 3600 seconds; 60 unless given")),
        McpTool.Request(api, "release_lock", "Give a reservation up.", "POST", "/v1/reservations/release", Key),
        McpTool.Request(api, "list_locks", "What is reserved, and by whom.", "GET", "/v1/reservations", Text("prefix", "Only keys that begin so")),
    ];
}
