using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about reserving files and other resources.</summary>
internal sealed class LockTools(InnerRequests api)
{
    private static readonly ToolArgument Key = Text("resource_key", "Path of a file, or any other name", true);

    private static readonly ToolArgument Pattern = Flag("pattern", "Whether it is a pattern that covers others, with *, **, ? and {a,b}");
    private static readonly ToolArgument Ttl = Integer("ttl_seconds", "How long from now: 60 to 3600 seconds; 60 unless given");
    private static readonly ToolArgument Metadata = ToolArgument.Object("metadata", "Anything about it, such as the reason");

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "acquire_lock", "Reserve a resource, so that no other agent changes it. A refusal says who holds it.", "POST", "/v1/reservations", Key, Pattern, Ttl, Metadata),
        McpTool.Request(api, "acquire_locks", "Reserve several resources at once, all or none. A refusal says who holds what.", "POST", "/v1/reservations",
            Texts("resource_keys", "Paths of files, or any other names", true), Pattern, Ttl, Metadata),
        McpTool.Request(api, "renew_lock", "Hold a reservation longer.", "POST", "/v1/reservations/renew", Key, Ttl),
        McpTool.Request(api, "release_lock", "Give a reservation up.", "POST", "/v1/reservations/release", Key),
        McpTool.Request(api, "list_locks", "What is reserved, and by whom.", "GET", "/v1/reservations", Text("prefix", "Only keys that begin so")),
    ];
}
