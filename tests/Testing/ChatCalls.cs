using System.Globalization;
using System.Text.Json;

namespace Beadhub.Testing;

/// <summary>The calls of a client that chats.</summary>
public static class ChatCalls
{
    /// <summary>Sends a message to agents; the answer to <c>POST /v1/chat/sessions</c>.</summary>
    public static Task<JsonElement> Chat(this Agent from, string message, params Agent[] to) =>
        from.Post("/v1/chat/sessions", new { to_aliases = to.Select(agent => agent.Alias).ToArray(), message }).Ok();

    /// <summary>Sends a leaving message.</summary>
    public static Task<JsonElement> LeaveChat(this Agent from, string message, params Agent[] to) =>
        from.Post("/v1/chat/sessions", new { to_aliases = to.Select(agent => agent.Alias).ToArray(), message, leaving = true }).Ok();

    /// <summary>Sends a message into a session; its id.</summary>
    public static async Task<string> Say(this Agent from, string session, string body, bool? hangOn = null) =>
        (await from.Post($"/v1/chat/sessions/{session}/messages", new { body, hang_on = hangOn }).Ok()).Text("message_id");

    /// <summary>Marks messages as read; how many were.</summary>
    public static async Task<int> ReadUpTo(this Agent reader, string session, string messageId) =>
        (await reader.Post($"/v1/chat/sessions/{session}/read", new { up_to_message_id = messageId }).Ok()).Number("messages_marked");

    /// <summary>The messages of a session.</summary>
    public static async Task<JsonElement[]> History(this Agent reader, string session, string query = "") =>
        (await reader.Get($"/v1/chat/sessions/{session}/messages{query}").Ok()).Items("messages");

    /// <summary>What waits for the agent in a session; null when nothing does.</summary>
    public static async Task<JsonElement?> PendingIn(this Agent agent, string session) =>
        (await agent.Get("/v1/chat/pending").Ok()).Items("pending").Where(item => item.Text("session_id") == session)
            .Select(item => (JsonElement?)item).SingleOrDefault();

    /// <summary>The path of an event stream.</summary>
    public static string StreamPath(string session, string deadline, string? after = null) =>
        $"/v1/chat/sessions/{session}/stream?deadline={Uri.EscapeDataString(deadline)}"
            + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");

    /// <summary>Opens a session's event stream for a quarter of an hour, as clients do; it is live when this returns.</summary>
    public static Task<ChatListener> Listen(this Agent agent, string session, string? after = null, TimeSpan? wait = null) =>
        agent.OpenChat(StreamPath(session, Time(DateTimeOffset.UtcNow + (wait ?? TimeSpan.FromMinutes(15))), after));

    /// <summary>Opens an event stream by its path.</summary>
    public static async Task<ChatListener> OpenChat(this Api api, string path)
    {
        var request = api.Signed(new HttpRequestMessage(HttpMethod.Get, path));
        request.Headers.Accept.ParseAdd("text/event-stream");
        var response = await api.Open(request);
        if ((int)response.StatusCode != 200)
            throw new InvalidOperationException($"The stream was refused: {await Answer.From(response)}");
        var stream = new ChatListener(response, await response.Content.ReadAsStreamAsync());
        await stream.Comment();
        return stream;
    }

    /// <summary>A time as Go's clients write it: up to nine fraction digits, and Z.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture) + "12Z";
}
