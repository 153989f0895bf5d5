using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Chat;
using Beadhub.Feed;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Streaming;

/// <summary>Events of the log as the event stream shows them (contract 14.1). Events without an entry here stay inside.</summary>
internal static class WireEvents
{
    /// <summary>Categories that a client may filter by: the part of an event's type before the first dot.</summary>
    public static readonly string[] Categories = ["bead", "chat", "escalation", "message", "reservation"];

    /// <summary>The event as a frame; null when it is not shown.</summary>
    public static Frame? Render(FeedEvent stored, string projectSlug) => EventTypes.Parse(stored.Type, stored.Data) switch
    {
        BeadStored { ChangesStatus: true } e => Make(stored, projectSlug, "bead", "bead.status_changed", e.WorkspaceId, json =>
        {
            json.WriteString("project_id", "");
            json.WriteString("bead_id", e.Record.BeadId);
            json.WriteString("repo", e.Record.Repo);
            json.WriteString("old_status", e.OldStatus ?? "");
            json.WriteString("new_status", e.Record.Status);
            json.WriteString("title", e.Record.Title);
            json.WriteString("alias", e.Alias);
        }),
        BeadClaimed e => Make(stored, projectSlug, "bead", "bead.claimed", e.WorkspaceId, json => Claim(json, LastPart(stored.Key), e.Alias, e.Title)),
        BeadReleased e => Make(stored, projectSlug, "bead", "bead.unclaimed", e.WorkspaceId, json => Claim(json, LastPart(stored.Key), e.Alias, e.Title)),
        ChatMessageSent e => Make(stored, projectSlug, "chat", "chat.message_sent", e.FromAgentId, json =>
        {
            json.WriteString("session_id", LastPart(stored.Key));
            json.WriteString("message_id", e.MessageId);
            json.WriteString("from_alias", e.FromAlias);
            json.WriteStartArray("to_aliases");
            foreach (var alias in e.ToAliases) json.WriteStringValue(alias);
            json.WriteEndArray();
            json.WriteString("preview", Preview.Of(e.Body, 80));
        }),
        _ => null,
    };

    private static void Claim(Utf8JsonWriter json, string beadId, string alias, string? title)
    {
        json.WriteString("bead_id", beadId);
        json.WriteString("alias", alias);
        json.WriteString("title", title);
    }

    private static string LastPart(string key) => key[(key.IndexOf('/') + 1)..];

    private static Frame Make(FeedEvent stored, string projectSlug, string category, string type, string? workspaceId, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream(512);
        buffer.Write(System.Text.Encoding.ASCII.GetBytes($"id: {stored.Position}\ndata: "));
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("workspace_id", workspaceId ?? "");
            json.WriteString("type", type);
            json.WriteString("timestamp", IsoTime.Text(stored.At));
            json.WriteString("project_slug", projectSlug);
            fields(json);
            json.WriteEndObject();
        }

        buffer.Write("\n\n"u8);
        return new(category, workspaceId, buffer.ToArray());
    }
}

/// <summary>A ready frame of an event stream.</summary>
/// <param name="Category">Category to filter by.</param>
/// <param name="WorkspaceId">Workspace on whose channel it is.</param>
/// <param name="Bytes">What is sent.</param>
internal sealed record Frame(string Category, string? WorkspaceId, byte[] Bytes);
