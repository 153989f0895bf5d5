using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Chat;
using Beadhub.Escalations;
using Beadhub.Feed;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Locks;
using Beadhub.Mail;
using Beadhub.Policies;
using Beadhub.Projects;
using Beadhub.Tasks;
using Beadhub.Webhooks;
using Beadhub.Workspaces;

namespace Beadhub.Gateway.Streaming;

/// <summary>Events of the log as the event stream shows them (contract 14.1). Events without an entry here stay inside.</summary>
internal static class WireEvents
{
    /// <summary>What a client is shown that does not say what it wants: the reference server's categories. Clients that were made for it
    /// get no others unless they ask.</summary>
    public static readonly string[] UnlessAsked = ["bead", "chat", "escalation", "message", "reservation"];

    /// <summary>What the project's endpoints can be sent. Not what happens to the endpoints: each delivery would be told by
    /// another.</summary>
    public static readonly string[] ForWebhooks = [.. UnlessAsked, "issue", "lock", "policy", "project", "task", "workspace"];

    /// <summary>Categories that a client may filter by: the part of an event's type before the first dot.</summary>
    public static readonly string[] Categories = [.. ForWebhooks, "webhook"];

    /// <summary>Stands for all categories.</summary>
    private const string All = "all";

    /// <summary>The categories that a client names, with commas; null when it names none.</summary>
    /// <exception cref="ApiException">422: one of them is unknown.</exception>
    public static HashSet<string>? Named(string? text)
    {
        if (text is null) return null;
        var wanted = text.Split(',').Select(static category => category.Trim().ToLowerInvariant()).ToHashSet();
        if (wanted.Remove(All)) wanted.UnionWith(Categories);
        var unknown = wanted.Except(Categories).Order(StringComparer.Ordinal).ToList();
        return unknown.Count == 0
            ? wanted
            : throw ApiException.Unprocessable(
                $"Invalid event types: {string.Join(", ", unknown)}. Valid types: {string.Join(", ", Categories)}, {All}");
    }

    /// <summary>Which of the categories a reader may see: endpoints are not the public's.</summary>
    public static HashSet<string> ShownTo(ProjectIdentity who, HashSet<string> categories)
    {
        if (who.Mode == AuthMode.PublicReader) categories.Remove("webhook");
        return categories;
    }

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
        var other => Render(other, stored, (type, workspaceId, fields) =>
            Make(stored, projectSlug, type[..type.IndexOf('.')], type, workspaceId, fields ?? (static _ => { }))),
    };

    /// <summary>Makes a frame of a type, on a workspace's channel if any, with fields if any.</summary>
    private delegate Frame Framing(string type, string? workspaceId, Action<Utf8JsonWriter>? fields = null);

    /// <summary>Events of the categories that a client must ask for.</summary>
    private static Frame? Render(IEvent? @event, FeedEvent stored, Framing make) => @event switch
    {
        IIssueStored e => make("issue.changed", e.WorkspaceId, json =>
        {
            json.WriteString("bead_id", LastPart(stored.Key));
            json.WriteString("repo", e.Repo);
            json.WriteString("title", e.Title);
            json.WriteString("alias", e.Alias);
        }),
        BeadRemoved e => make("issue.removed", e.WorkspaceId, json =>
        {
            json.WriteString("bead_id", LastPart(stored.Key));
            json.WriteString("repo", e.Repo);
            json.WriteString("alias", e.Alias);
        }),
        ReservationRenewed e => make("lock.renewed", e.AgentId, json =>
        {
            json.WriteStartArray("paths");
            json.WriteStringValue(e.Key);
            json.WriteEndArray();
            json.WriteString("expires_at", IsoTime.Text(e.ExpiresAt));
        }),
        ReservationEndsBounded => make("lock.ends_bounded", null),
        PolicyCreated e => make("policy.created", e.CreatedBy, json =>
        {
            json.WriteString("policy_id", e.PolicyId);
            json.WriteNumber("version", e.Version);
        }),
        PolicyActivated e => make("policy.activated", null, json =>
        {
            json.WriteString("policy_id", e.PolicyId);
            json.WriteString("previous_policy_id", e.PreviousPolicyId);
        }),
        ProjectChanged or ProjectQuotasSet or ProjectArchived or ProjectUnarchived => make("project.changed", null),
        RepoAdded e => make("project.repo_added", null, json =>
        {
            json.WriteString("repo_id", e.RepoId);
            json.WriteString("repo", e.CanonicalOrigin);
        }),
        RepoRemoved e => make("project.repo_removed", null, json => json.WriteString("repo_id", e.RepoId)),
        AgentJoined e => make("workspace.joined", e.AgentId, json => json.WriteString("alias", e.Alias)),
        WorkspaceOpened e => make("workspace.opened", e.WorkspaceId, json => json.WriteString("repo_id", e.RepoId)),
        ProfileChanged => make("workspace.changed", LastPart(stored.Key)),
        AgentChanged e => make("workspace.changed", e.AgentId),
        RoleGiven e => make("workspace.role_given", e.AgentId, json => json.WriteString("role", e.Role)),
        AgentDeregistered e => make("workspace.ended", e.AgentId),
        AgentRetired e => make("workspace.ended", e.AgentId),
        WorkspaceDeleted e => make("workspace.deleted", e.WorkspaceId),
        WorkspaceRestored e => make("workspace.restored", e.WorkspaceId),
        TaskCreated e => make("task.created", e.CreatedBy, json =>
        {
            json.WriteString("task_id", e.TaskId);
            json.WriteString("title", e.Title);
        }),
        TaskChanged e => make("task.changed", e.AgentId, json =>
        {
            json.WriteString("task_id", e.TaskId);
            json.WriteString("title", e.Title);
        }),
        TaskDescribed e => make("task.changed", e.AgentId, json => json.WriteString("task_id", e.TaskId)),
        TaskStatusChanged e => make("task.status_changed", e.AgentId, json =>
        {
            json.WriteString("task_id", e.TaskId);
            json.WriteString("old_status", e.OldStatus);
            json.WriteString("new_status", e.NewStatus);
        }),
        TaskPut e => make("task.changed", e.AgentId, json => json.WriteString("task_id", e.TaskId)),
        TaskDeleted e => make("task.deleted", null, json => json.WriteString("task_id", e.TaskId)),
        TaskDependencyAdded e => make("task.dependency_added", null, json => Dependency(json, e.TaskId, e.DependsOnId)),
        TaskDependencyRemoved e => make("task.dependency_removed", null, json => Dependency(json, e.TaskId, e.DependsOnId)),
        TaskCommented e => make("task.commented", e.AgentId, json =>
        {
            json.WriteString("task_id", LastPart(stored.Key));
            json.WriteString("comment_id", e.CommentId);
        }),
        WebhookRegistered e => Webhook(make, "webhook.registered", e.WebhookId),
        WebhookRegisteredSealed e => Webhook(make, "webhook.registered", e.WebhookId),
        WebhookEnabled e => Webhook(make, "webhook.enabled", e.WebhookId),
        WebhookFailed e => Webhook(make, "webhook.failed", e.WebhookId),
        WebhookDelivered e => Webhook(make, "webhook.delivered", e.WebhookId),
        WebhookRemoved e => Webhook(make, "webhook.removed", e.WebhookId),
        _ => null,
    };

    // An endpoint's address and what it answers may hold secrets: who may see endpoints reads them by their ids.
    private static Frame Webhook(Framing make, string type, string id) => make(type, null, json => json.WriteString("webhook_id", id));

    private static void Dependency(Utf8JsonWriter json, string taskId, string dependsOnId)
    {
        json.WriteString("task_id", taskId);
        json.WriteString("depends_on_id", dependsOnId);
    }

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
