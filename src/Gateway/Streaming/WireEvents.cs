using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Chat;
using Beadhub.Escalations;
using Beadhub.Feed;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Mail;
using Beadhub.Locks;

namespace Beadhub.Gateway.Streaming;

/// <summary>Events of the log as the event stream shows them (contract 14.1). Events without an entry here stay inside.</summary>
internal static class WireEvents
{
    /// <summary>Categories that a client may filter by: the part of an event's type before the first dot.</summary>
    public static readonly string[] Categories = ["bead", "chat", "escalation", "message", "reservation"];

    /// <summary>The event as a frame; null when it is not shown.</summary>
    public static Frame? Render(FeedEvent stored, string projectSlug) => EventTypes.Parse(stored.Type, stored.Data) switch
    {
        IIssueStored { ChangesStatus: true } e => Make(stored, projectSlug, "bead", "bead.status_changed", e.WorkspaceId, json =>
        {
            json.WriteString("project_id", "");
            json.WriteString("bead_id", LastPart(stored.Key));
            json.WriteString("repo", e.Repo);
            json.WriteString("old_status", e.OldStatus ?? "");
            json.WriteString("new_status", e.Status);
            json.WriteString("title", e.Title);
            json.WriteString("alias", e.Alias);
        }),
        BeadClaimed e =>
            Make(stored, projectSlug, "bead", "bead.claimed", e.WorkspaceId, json => Claim(json, LastPart(stored.Key), e.Alias, e.Title)),
        BeadReleased e =>
            Make(stored, projectSlug, "bead", "bead.unclaimed", e.WorkspaceId, json => Claim(json, LastPart(stored.Key), e.Alias, e.Title)),
        EscalationCreated e =>
            Make(stored, projectSlug, "escalation", "escalation.created", e.WorkspaceId,
            json => Escalation(json, e.EscalationId, e.Alias, e.Subject)),
        EscalationResponded e => Make(stored, projectSlug, "escalation", "escalation.responded", e.WorkspaceId, json =>
        {
            json.WriteString("escalation_id", e.EscalationId);
            json.WriteString("response", e.Response);
        }),
        EscalationExpired e =>
            Make(stored, projectSlug, "escalation", "escalation.expired", e.WorkspaceId,
            json => Escalation(json, e.EscalationId, e.Alias, e.Subject)),
        ChatMessageSent e =>
            Conversation([e.FromAgentId, .. e.To.Select(to => to.AgentId)],
            said => Make(stored, projectSlug, "chat", "chat.message_sent", e.FromAgentId, json =>
        {
            json.WriteString("session_id", LastPart(stored.Key));
            json.WriteString("message_id", e.MessageId);
            json.WriteString("from_alias", e.FromAlias);
            json.WriteStartArray("to_aliases");
            foreach (var participant in e.To) json.WriteStringValue(participant.Alias);
            json.WriteEndArray();
            json.WriteString("preview", said ? Preview.Of(e.Body, 80) : "");
        })),
        MailDelivered { IsSilent: false } e =>
            Conversation([e.FromAgentId, e.ToAgentId], said => Make(stored, projectSlug, "message", "message.delivered", e.ToAgentId,
            json =>
        {
            json.WriteString("message_id", e.MessageId);
            json.WriteString("from_workspace", e.FromAgentId);
            json.WriteString("from_alias", e.FromAlias);
            json.WriteString("to_alias", e.ToAlias);
            json.WriteString("subject", said ? e.Subject : "");
            json.WriteString("priority", e.Priority);
        })),
        MailRead { IsSilent: false } e =>
            Conversation([e.AgentId, .. Sender(e)], said => Make(stored, projectSlug, "message", "message.acknowledged", e.AgentId, json =>
        {
            json.WriteString("message_id", e.MessageId);
            json.WriteString("from_alias", e.FromAlias);
            json.WriteString("subject", said ? e.Subject : "");
        })),
        ReservationAcquired e => Make(stored, projectSlug, "reservation", "reservation.acquired", e.AgentId, json =>
        {
            Paths(json, e.Keys, e.Alias);
            json.WriteNumber("ttl_seconds", e.TtlSeconds);
            json.WriteNull("bead_id");
            json.WriteNull("reason");
            json.WriteBoolean("exclusive", true);
            if (e.IsPattern) json.WriteBoolean("pattern", true);
        }),
        ReservationReleased e =>
            Make(stored, projectSlug, "reservation", "reservation.released", e.AgentId, json => Paths(json, [e.Key], e.Alias)),
        _ => null,
    };

    // Events of older versions do not tell who had sent the mail.
    private static string[] Sender(MailRead read) => read.FromAgentId is { } id ? [id] : [];

    /// <summary>The event of a conversation: as its participants see it, and as all others do.</summary>
    private static Frame Conversation(ImmutableArray<string> participants, Func<bool, Frame> make) =>
        make(true) with { Blanked = make(false).Bytes, Participants = participants };

    private static void Escalation(Utf8JsonWriter json, string id, string alias, string subject)
    {
        json.WriteString("escalation_id", id);
        json.WriteString("alias", alias);
        json.WriteString("subject", subject);
    }

    private static void Paths(Utf8JsonWriter json, ImmutableArray<string> keys, string alias)
    {
        json.WriteStartArray("paths");
        foreach (var key in keys) json.WriteStringValue(key);
        json.WriteEndArray();
        json.WriteString("alias", alias);
    }

    private static void Claim(Utf8JsonWriter json, string beadId, string alias, string? title)
    {
        json.WriteString("bead_id", beadId);
        json.WriteString("alias", alias);
        json.WriteString("title", title);
    }

    private static string LastPart(string key) => key[(key.IndexOf('/') + 1)..];

    private static Frame Make(FeedEvent stored, string projectSlug, string category, string type, string? workspaceId,
        Action<Utf8JsonWriter> fields)
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
        return new(category, workspaceId, buffer.ToArray(), type, stored.Position);
    }
}

/// <summary>A ready frame of an event stream.</summary>
/// <param name="Category">Category to filter by.</param>
/// <param name="WorkspaceId">Workspace on whose channel it is.</param>
/// <param name="Bytes">What is sent.</param>
/// <param name="Type">Type of the event.</param>
/// <param name="Position">Its feed position.</param>
internal sealed record Frame(string Category, string? WorkspaceId, byte[] Bytes, string Type, long Position)
{
    /// <summary>Those between whom something was said, when it tells of a conversation.</summary>
    public ImmutableArray<string> Participants { get; init; } = [];

    /// <summary>The same without what was said; null when it tells of no conversation.</summary>
    public byte[]? Blanked { get; init; }

    /// <summary>Bytes that it takes.</summary>
    public int Size => Bytes.Length + (Blanked?.Length ?? 0);

    /// <summary>What a reader is sent.</summary>
    public ReadOnlyMemory<byte> For(ConversationReader reader) => Blanked is null || reader.Sees(Participants) ? Bytes : Blanked;

    /// <summary>The event alone, as a reader may see it.</summary>
    public ReadOnlyMemory<byte> JsonFor(ConversationReader reader) =>
        For(reader) is var frame ? frame[frame.Span.IndexOf((byte)'{')..^2] : default;
}
