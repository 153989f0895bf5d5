using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Contacts;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Mail;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/messages</c>: mail between the agents of a project (protocol 7).</summary>
internal sealed class Messages(IGrainFactory grains, Identification identification, MailSending mail)
{
    /// <summary>Longest text of a mail, in bytes of UTF-8.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Longest subject, in code points.</summary>
    public const int MaxSubject = 64 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Messages>();
        var group = routes.MapGroup("/v1/messages").WithTags("messages");
        group.Post("", endpoints.Send).Says("Send mail to an agent of the project", 401, 403, 404, 409, 413, 422, 429).Answers<SentMessage>().Refuses<RetiredAgentError>(410);
        group.Get("/inbox", endpoints.Inbox).Says("Mail of the calling agent, newest first", 401, 403, 404, 422);
        group.Post("/{messageId}/ack", endpoints.Acknowledge).Says("Mark a mail as read; the first time counts", 401, 403, 404, 422);
    }

    private async Task<IResult> Send(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("to_agent_id", "to_alias", "subject", "body", "priority", "thread_id", "message_id", "timestamp", "from_did", "to_did", "signing_key_id",
            "signature", "from_stable_id", "to_stable_id", "signed_payload");
        var toAgentId = body.Uuid("to_agent_id", "Invalid agent_id format");
        var toAlias = body.Optional("to_alias", 1, 64);
        if (toAlias is { Length: > 0 } && !Names.IsAlias(toAlias)) body.Fail("to_alias", "Invalid alias format");
        var subject = body.TextOr("subject", "", MaxSubject);
        body.MustBePlain("subject", subject);
        var text = body.Required("body");
        body.MustBePlain("body", text);
        var priority = body.Choice("priority", "normal", "low", "normal", "high", "urgent");
        var threadId = body.Uuid("thread_id", "Invalid thread_id format");
        var signed = SignedFields.Read(body);
        body.Done();
        if (Encoding.UTF8.GetByteCount(text) > MaxBodyBytes)
            throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"Message body too large: at most {MaxBodyBytes} bytes");

        var sender = await identification.ActorOf(http);
        if (toAgentId is null && string.IsNullOrEmpty(toAlias)) throw ApiException.Unprocessable("Must provide to_agent_id or to_alias");
        var addressed = await mail.Address(http, sender, new("mail", toAgentId, toAlias, subject, text, priority, threadId, SignedId: signed.Id));
        var recipient = addressed.To.Recipient;
        if (recipient is null && toAgentId is null) throw ApiException.NotFound("Agent not found");
        if (recipient is { IsRetired: true }) return new RetiredAgent(new("Agent is retired", addressed.To.SuccessorAlias, recipient.SuccessorAgentId));
        var sentAt = signed.Time();
        signed.MustBeFrom(sender.Agent);
        if (recipient is not { IsLiving: true }) throw ApiException.NotFound("Agent not found");
        signed.MustBeTo(recipient);

        var receipt = await mail.Send(addressed, sentAt, signed.Signature);
        return Answer.Of(new SentMessage(receipt.MessageId, "delivered", receipt.At), Wire.Types.SentMessage);
    }

    private async Task<Answer<InboxAnswer>> Inbox(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var unreadOnly = query.Flag("unread_only", false);
        var limit = query.Integer("limit", 50, 1, 500);
        query.Done();

        var reader = await identification.ActorOf(http);
        var page = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(reader.ProjectId, reader.Id)).Inbox(new(unreadOnly, limit));
        var contacts = await grains.GetGrain<IContactsGrain>(reader.ProjectId).List();
        var rotations = await grains.GetGrain<IProjectGrain>(reader.ProjectId).RotationsFor(reader.Id);
        if (!rotations.IsEmpty) return Answer.Of(InboxAnswer.Of(page, reader.ProjectSlug, contacts, rotations), Wire.Types.InboxAnswer);
        return Answer.Known<InboxAnswer>(page, contacts)
            ?? Answer.Shared(page, contacts, InboxAnswer.Of(page, reader.ProjectSlug, contacts, rotations), Wire.Types.InboxAnswer);
    }

    private async Task<Answer<AcknowledgedMessage>> Acknowledge(HttpContext http)
    {
        // The id is part of the path, so whoever asks is looked at first (protocol 1.2).
        await identification.ReaderOf(http);
        if (!Names.TryNormalizeUuid(http.PathPart("messageId"), out var messageId)) throw ApiException.Unprocessable("Invalid message_id format");

        var reader = await identification.ActorOf(http);
        var receipt = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(reader.ProjectId, reader.Id)).Acknowledge(messageId);
        return Answer.Of(new AcknowledgedMessage(receipt.MessageId, receipt.At), Wire.Types.AcknowledgedMessage);
    }
}

/// <summary>Answer of <c>POST /v1/messages</c>.</summary>
internal sealed record SentMessage(string MessageId, string Status, [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset DeliveredAt);

/// <summary>Answer of <c>POST /v1/messages/{id}/ack</c>.</summary>
internal sealed record AcknowledgedMessage(string MessageId, [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset AcknowledgedAt);

/// <summary>Answer of <c>GET /v1/messages/inbox</c>.</summary>
internal sealed record InboxAnswer(ImmutableArray<InboxMessage> Messages)
{
    public static InboxAnswer Of(MailPage page, string slug, ContactBook contacts, ImmutableArray<RotationNotice> rotations) =>
        new([.. page.Mails.Select(mail => InboxMessage.Of(mail, slug, contacts, rotations.FirstOrDefault(rotation => rotation.AgentId == mail.FromAgentId)))]);
}

/// <summary>A mail in the inbox (protocol 7.2).</summary>
internal sealed record InboxMessage(
    string MessageId,
    string FromAgentId,
    string FromAlias,
    string FromAddress,
    string ToAddress,
    string Subject,
    string Body,
    string Priority,
    string? ThreadId,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset? ReadAt,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset CreatedAt,
    string? FromDid,
    string? ToDid,
    string? Signature,
    string? SigningKeyId,
    RotationAnnouncement? RotationAnnouncement,
    string? FromStableId,
    string? ToStableId,
    bool IsContact,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? SignedPayload)
{
    public static InboxMessage Of(MailView mail, string slug, ContactBook contacts, RotationNotice? rotation)
    {
        var (from, signed) = (Addresses.Of(slug, mail.FromAlias), mail.Signature);
        return new(mail.MessageId, mail.FromAgentId, mail.FromAlias, from, Addresses.Of(slug, mail.ToAlias), mail.Subject, mail.Body, mail.Priority, mail.ThreadId,
            mail.ReadAt, mail.CreatedAt, signed?.FromDid, signed?.ToDid, signed?.Signature, signed?.SigningKeyId,
            rotation is null ? null : new(rotation.OldDid, rotation.NewDid, rotation.Timestamp, rotation.OldKeySignature), signed?.FromStableId, signed?.ToStableId,
            contacts.Knows(from), signed?.SignedPayload);
    }
}

/// <summary>A change of the sender's key that is news to the reader (protocol 12.7).</summary>
internal sealed record RotationAnnouncement(string OldDid, string NewDid, string Timestamp, string OldKeySignature);

/// <summary>410: the recipient is retired; who follows it, if anybody (protocol 7.1).</summary>
internal sealed class RetiredAgent(RetiredAgentError error) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status410Gone;
        Answer.Write(httpContext.Response, JsonSerializer.SerializeToUtf8Bytes(error, Wire.Types.RetiredAgentError));
        return Task.CompletedTask;
    }
}

/// <summary>Body of that 410.</summary>
internal sealed record RetiredAgentError(string Detail, string? SuccessorAlias, string? SuccessorAgentId);
