using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Mail;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about mail (contract 16). They name project and agent as tools of their kind do, but only ever act as the caller. Event
/// streams keep silent about them.</summary>
internal sealed class MailTools(IGrainFactory grains, MailSending mail, QuotaChecks quotas, InnerRequests api, Operations operations)
{
    private const int MaxRecipients = 100;
    private const int MaxInbox = 500;
    private static readonly string[] Priorities = ["low", "normal", "high", "urgent"];
    private static readonly ToolArgument Project = new("project_key", Schemas.Text("Slug of the project; follows from your key"));
    private static readonly ToolArgument Sender =
        new("sender_name", Schemas.Text("Your alias; follows from your key"), false, Mcp.Own.Alias);
    private static readonly ToolArgument Reader =
        new("agent_name", Schemas.Text("Your alias; follows from your key"), false, Mcp.Own.Alias);
    private static readonly ToolArgument Message = new("message_id", Schemas.Uuid("Id of the mail"), true);
    private static readonly ToolArgument Text = new("body_md", Schemas.Text("Text, as Markdown"), true);

    public IEnumerable<McpTool> All() =>
    [
        new("send_message", "Send a mail to agents of the project.", false,
            [
                Project, Sender, new("to", Schemas.Texts("Aliases of the recipients", 1, MaxRecipients), true),
                new("subject", Schemas.Text("Subject"), true), Text,
                new("importance", Schemas.Word("normal unless given", Priorities, "normal")),
                new("thread_id", Schemas.Uuid("Thread that the mail belongs to")),
            ],
            Send)
        {
            Output = McpTool.SchemaOf(typeof(McpSent)),
        },
        new("fetch_inbox", "Your mail, newest first.", true,
            [
                Project, Reader, new("limit", Schemas.Integer("How many; 50 unless given", 1, MaxInbox, 50)),
                new("urgent_only", Schemas.Flag("Only mail of importance high or urgent", false)),
                new("include_bodies", Schemas.Flag("Whether texts are included; true unless given", true)),
                new("since_ts", Schemas.Text("Only mail from this time on, ISO 8601")),
            ],
            Fetch)
        {
            ListName = "messages",
            Output = new()
            {
                ["type"] = "object",
                ["properties"] = new JsonObject { ["messages"] = new JsonObject { ["type"] = "array" } },
            },
        },
        McpTool.Request(api, operations["listSentMessages"], "fetch_sent", "Mail that you have sent, newest first."),
        new("acknowledge_message", "Acknowledge a mail that you have received.", false, [Project, Reader, Message], Acknowledge)
        {
            Output = McpTool.SchemaOf(typeof(McpAcknowledged)),
        },
        new("mark_message_read", "Mark a mail that you have received as read.", false, [Project, Reader, Message], MarkRead)
        {
            Output = McpTool.SchemaOf(typeof(McpMarkedRead)),
        },
        new("reply_message", "Answer a mail that you have received, in its thread.", false,
            [
                Project, Message, Sender, Text, new("to", Schemas.Texts("Other recipients than the sender", 0, MaxRecipients)),
                new("subject_prefix", Schemas.Text("Re: unless given", 0, 100, "Re:")),
            ],
            Reply)
        {
            Output = McpTool.SchemaOf(typeof(McpReplied)),
        },
    ];

    private async Task<ReadOnlyMemory<byte>> Send(ToolCall call)
    {
        MustBeOwnProject(call);
        var (to, subject, body) = (Recipients(call), Subject(call.Prose("subject")), Body(call));
        var importance = call.Text("importance") ?? "normal";
        if (!Priorities.Contains(importance))
            throw ApiException.Unprocessable($"importance must be one of {string.Join(", ", Priorities)}");
        var thread = string.IsNullOrEmpty(call.Text("thread_id")) ? null : call.Uuid("thread_id");
        if (to.IsEmpty) throw ApiException.Unprocessable("to is required");
        var sender = await Self(call, "sender_name");
        var deliveries = await Deliver(call, sender, to, subject, body, importance, thread);
        return JsonSerializer.SerializeToUtf8Bytes(new McpSent(deliveries, deliveries.Length), Wire.Types.McpSent);
    }

    private async Task<ReadOnlyMemory<byte>> Reply(ToolCall call)
    {
        MustBeOwnProject(call);
        var (messageId, body, to) = (call.Uuid("message_id"), Body(call), Recipients(call));
        var prefix = call.Text("subject_prefix") ?? "Re:";
        if (prefix.Length > 100 || prefix.Contains('\0', StringComparison.Ordinal))
            throw ApiException.Unprocessable("Invalid subject_prefix");
        var sender = await Self(call, "sender_name");
        var original = await Box(sender).Find(messageId) ?? throw ApiException.NotFound("Message not found");
        var thread = original.ThreadId ?? original.MessageId;
        // The sender is found by id: who else may bear its alias now is not meant.
        if (to.IsEmpty)
            to = await grains.GetGrain<IProjectGrain>(sender.ProjectId).Agent(original.FromAgentId) is { IsLiving: true } author
                ? [author.Alias]
                : throw ApiException.NotFound("Agent not found");
        var deliveries = await Deliver(call, sender, to, Subject($"{prefix} {original.Subject}"), body, "normal", thread);
        return JsonSerializer.SerializeToUtf8Bytes(new McpReplied(thread, original.MessageId, deliveries, deliveries.Length),
            Wire.Types.McpReplied);
    }

    private async Task<ReadOnlyMemory<byte>> Fetch(ToolCall call)
    {
        MustBeOwnProject(call);
        var limit = call.Integer("limit", 50, 1, MaxInbox);
        var (urgentOnly, withBodies) = (call.Flag("urgent_only", false), call.Flag("include_bodies", true));
        DateTimeOffset? since = null;
        if (call.Text("since_ts") is { Length: > 0 } text)
            since = IsoTime.TryParse(text, out var time) ? time : throw ApiException.Unprocessable("Invalid since_ts format");
        var own = await Self(call, "agent_name");
        // A filter that only the tool has looks at more mail than it shows.
        var page = await Box(own).Inbox(new(false, urgentOnly ? MaxInbox : limit));
        var shown = page.Mails
            .Where(mail => (!urgentOnly || mail.Priority is "high" or "urgent") && (since is null || mail.CreatedAt >= since))
            .Take(limit)
            .Select(mail => new McpMail(
                mail.MessageId, mail.FromAgentId, mail.FromAlias, mail.Subject, mail.Priority, mail.ThreadId, mail.ReadAt is not null,
                mail.ReadAt, mail.CreatedAt,
                withBodies ? mail.Body : null));
        return JsonSerializer.SerializeToUtf8Bytes([.. shown], Wire.Types.ImmutableArrayMcpMail);
    }

    private async Task<ReadOnlyMemory<byte>> Acknowledge(ToolCall call)
    {
        var receipt = await Read(call);
        return JsonSerializer.SerializeToUtf8Bytes(new McpAcknowledged(receipt.MessageId, true, receipt.At, receipt.At),
            Wire.Types.McpAcknowledged);
    }

    private async Task<ReadOnlyMemory<byte>> MarkRead(ToolCall call)
    {
        var receipt = await Read(call);
        return JsonSerializer.SerializeToUtf8Bytes(new McpMarkedRead(receipt.MessageId, true, receipt.At), Wire.Types.McpMarkedRead);
    }

    private async Task<MailReceipt> Read(ToolCall call)
    {
        MustBeOwnProject(call);
        var messageId = call.Uuid("message_id");
        var own = await Self(call, "agent_name");
        return await Box(own).Acknowledge(messageId, silently: true);
    }

    /// <summary>One after the other, as the contract has it: an unknown recipient ends it after those before have their mail.</summary>
    private async Task<ImmutableArray<McpDelivery>> Deliver(
        ToolCall call, Actor sender, ImmutableArray<string> to, string subject, string body, string importance, string? thread)
    {
        var deliveries = ImmutableArray.CreateBuilder<McpDelivery>();
        foreach (var alias in to)
        {
            var addressed = await mail.Address(call.Http, sender,
                new($"mail {deliveries.Count}", null, alias, subject, body, importance, thread, IsSilent: true));
            var recipient = addressed.To.Recipient ?? throw ApiException.NotFound($"Agent not found: {alias}");
            if (recipient.IsRetired) throw ApiException.Gone("Agent is retired");
            await quotas.MustFit(call.Who, Adding.Mail);
            var receipt = await mail.Send(addressed);
            deliveries.Add(new(recipient.Alias, receipt.MessageId, "delivered", receipt.At));
        }

        return deliveries.DrainToImmutable();
    }

    private static void MustBeOwnProject(ToolCall call)
    {
        if (call.Text("project_key") is { Length: > 0 } key && key != call.Who.Standing.Slug)
            throw ApiException.Forbidden("project_key does not match your project");
    }

    /// <summary>The caller, which must bear the alias that the argument names.</summary>
    private async ValueTask<Actor> Self(ToolCall call, string argument)
    {
        if (call.Who.AgentId is null) throw ApiException.Forbidden("API key is not bound to an agent");
        var alias = call.Required(argument);
        if (call.Who.Standing.Agent is { IsLiving: true } own && own.Alias == alias) return new(call.Who, own);
        throw (await grains.GetGrain<IProjectGrain>(call.Who.ProjectId).Named([alias]))[0] is null
            ? ApiException.NotFound("Agent not found")
            : ApiException.Forbidden($"{argument} does not match API key identity");
    }

    private IMailboxGrain Box(Actor reader) => grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(reader.ProjectId, reader.Id));

    private static ImmutableArray<string> Recipients(ToolCall call)
    {
        var to = call.Texts("to").Select(alias => alias.Trim()).Where(alias => alias.Length > 0).Distinct(StringComparer.Ordinal)
            .ToImmutableArray();
        return to.Length <= MaxRecipients ? to : throw ApiException.Unprocessable($"to may name at most {MaxRecipients} agents");
    }

    private static string Subject(string text) =>
        text.Length <= Messages.MaxSubject
        ? text : throw ApiException.Unprocessable($"subject has at most {Messages.MaxSubject} characters");

    private static string Body(ToolCall call)
    {
        var body = call.Prose("body_md");
        return Encoding.UTF8.GetByteCount(body) <= Messages.MaxBodyBytes
            ? body
            : throw new ApiException(StatusCodes.Status413PayloadTooLarge,
                $"Message body too large: at most {Messages.MaxBodyBytes} bytes");
    }
}

/// <summary>Payload of <c>send_message</c>.</summary>
internal sealed record McpSent(ImmutableArray<McpDelivery> Deliveries, int Count);

/// <summary>Payload of <c>reply_message</c>.</summary>
internal sealed record McpReplied(string ThreadId, string ReplyTo, ImmutableArray<McpDelivery> Deliveries, int Count);

/// <summary>One recipient's mail.</summary>
internal sealed record McpDelivery(string To, string MessageId, string Status,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset DeliveredAt);

/// <summary>A mail in the payload of <c>fetch_inbox</c>; <c>body</c> is there when asked for.</summary>
internal sealed record McpMail(
    string MessageId,
    string FromAgentId,
    string FromAlias,
    string Subject,
    string Priority,
    string? ThreadId,
    bool Read,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset? ReadAt,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Body);

/// <summary>Payload of <c>acknowledge_message</c>.</summary>
internal sealed record McpAcknowledged(
    string MessageId,
    bool Acknowledged,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset AcknowledgedAt,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset ReadAt);

/// <summary>Payload of <c>mark_message_read</c>.</summary>
internal sealed record McpMarkedRead(string MessageId, bool Read, [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset ReadAt);
