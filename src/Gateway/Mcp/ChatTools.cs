using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about chat.</summary>
internal sealed class ChatTools(InnerRequests api)
{
    private static readonly ToolArgument Session = Text("session_id", "Id of the session", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "chat_send", "Send a chat message to agents; the first one begins their session.", "POST", "/v1/chat/sessions",
            Texts("to_aliases", "Aliases of the others", true), Text("message", "Text", true), Flag("leaving", "Whether you leave with it and wait for no answer")),
        McpTool.Request(api, "chat_reply", "Send a message into a chat session.", "POST", "/v1/chat/sessions/{session_id}/messages",
            Session, Text("body", "Text", true), Flag("hang_on", "Whether you only ask for more time")),
        McpTool.Request(api, "chat_pending", "Chat sessions with messages that you have not read.", "GET", "/v1/chat/pending"),
        McpTool.Request(api, "chat_history", "Messages of a chat session, oldest first.", "GET", "/v1/chat/sessions/{session_id}/messages",
            Session, Flag("unread_only", "Only those that you have not read"), Integer("limit", "How many of the newest")),
        McpTool.Request(api, "chat_mark_read", "Mark a chat session's messages as read.", "POST", "/v1/chat/sessions/{session_id}/read",
            Session, Text("up_to_message_id", "The last message that you have read", true)),
    ];
}
