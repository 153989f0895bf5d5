namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about reserving files and other resources.</summary>
internal sealed class LockTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["acquireReservation"], "acquire_lock",
            "Reserve a resource, or several at once, all or none, so that no other agent changes them. A refusal says who holds what, "
                + "until when.",
            only: ["resource_key", "resource_keys", "pattern", "ttl_seconds", "metadata"]),
        McpTool.Request(api, operations["acquireReservation"], "acquire_locks",
            "Reserve several resources at once, all or none. A refusal says who holds what.",
            only: ["resource_keys", "pattern", "ttl_seconds", "metadata"], required: ["resource_keys"]),
        McpTool.Request(api, operations["renewReservation"], "renew_lock", "Hold a reservation longer."),
        McpTool.Request(api, operations["releaseReservation"], "release_lock", "Give a reservation up."),
        McpTool.Request(api, operations["listReservations"], "list_locks", "What is reserved, and by whom."),
    ];
}
