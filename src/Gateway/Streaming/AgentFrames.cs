using System.Text.Json;
using Beadhub.Controls;
using Beadhub.Gateway.Http;
using Beadhub.Tasks;

namespace Beadhub.Gateway.Streaming;

/// <summary>The frames of an agent's event stream (protocol 11): the event's name, and its JSON, which repeats it.</summary>
internal static class AgentFrames
{
    public static byte[] Connected(string agentId, string projectId) => Make("connected", json =>
    {
        json.WriteString("agent_id", agentId);
        json.WriteString("project_id", projectId);
    });

    public static byte[] Mail(string messageId, string fromAlias, string subject) => Typed("mail_message", json =>
    {
        json.WriteString("message_id", messageId);
        json.WriteString("from_alias", fromAlias);
        json.WriteString("subject", subject);
    });

    public static byte[] Chat(string messageId, string fromAlias, string sessionId) => Typed("chat_message", json =>
    {
        json.WriteString("message_id", messageId);
        json.WriteString("from_alias", fromAlias);
        json.WriteString("session_id", sessionId);
    });

    public static byte[] Control(ControlSignal signal) =>
        Typed("control_" + signal.Signal, json => json.WriteString("signal_id", signal.SignalId));

    public static byte[] Work(TaskSummary task) => Typed("work_available", json =>
    {
        json.WriteString("task_id", task.TaskId);
        json.WriteString("title", task.Title);
    });

    public static byte[] Claimed(TaskSummary task) => Typed("claim_update", json =>
    {
        json.WriteString("task_id", task.TaskId);
        json.WriteString("title", task.Title);
        json.WriteString("status", task.Status);
    });

    public static byte[] Unclaimed(string taskId) => Typed("claim_removed", json => json.WriteString("task_id", taskId));

    private static byte[] Typed(string type, Action<Utf8JsonWriter> fields) => Make(type, json =>
    {
        json.WriteString("type", type);
        fields(json);
    });

    private static byte[] Make(string name, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream(256);
        buffer.Write(System.Text.Encoding.ASCII.GetBytes($"event: {name}\ndata: "));
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        buffer.Write("\n\n"u8);
        return buffer.ToArray();
    }
}
