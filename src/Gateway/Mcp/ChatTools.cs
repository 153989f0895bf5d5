namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about chat.</summary>
internal sealed class ChatTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["createChat"], "chat_send", "Send a chat message to agents; the first one begins their session.",
            only: ["to_aliases", "message", "leaving"]),
        McpTool.Request(api, operations["sendChat"], "chat_reply", "Send a message into a chat session.",
            only: ["session_id", "body", "hang_on"]),
        McpTool.Request(api, operations["listPendingChats"], "chat_pending", "Chat sessions with messages that you have not read."),
        McpTool.Request(api, operations["listChatMessages"], "chat_history", "Messages of a chat session, oldest first."),
        McpTool.Request(api, operations["markChatRead"], "chat_mark_read", "Mark a chat session's messages as read."),
    ];
}
