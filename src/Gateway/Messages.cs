using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Contacts;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Mail;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/messages</c>: mail between the agents of a project (protocol 7).</summary>
internal sealed class Messages(IGrainFactory grains, MailSending mail)
{
    /// <summary>Longest text of a mail, in bytes of UTF-8.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Longest subject, in code points.</summary>
    public const int MaxSubject = 64 * 1024;

    private static readonly Field<bool> UnreadOnly = InQuery.Flag("unread_only", "Only mail that is not acknowledged", false);
    private static readonly Field<int> Limit = InQuery.Limit(50, 500);
    private static readonly Field<SentPlace?> SentCursor = InQuery.Cursor(static cursor =>
        cursor.TryGetProperty("before", out var before) && before.ValueKind == JsonValueKind.Number && before.TryGetInt64(out var place)
            ? new SentPlace(place) : throw Cursor.Invalid("no place in the list"));
    private static readonly Field<string> MessageId = InPath.Uuid("messageId", "Id of the mail");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Messages>();
        var requests = new RequestGroup("/v1/messages", "messages", "Mail between the agents of a project");
        routes.Map(
            requests.Post("", "sendMessage", "Send mail to an agent of the project").Needs(Caller.Actor).Adds(Adding.Mail)
                .TakesOnly(MailToSend.Fields).Fails<RetiredAgentError>(410).RepeatsFromResult()
                .Bind(MailToSend.Read)
                .Answers<SentMessage>(),
            endpoints.Send);
        routes.Map(
            requests.Get("/inbox", "listMessages", "Mail of the calling agent, newest first").Needs(Caller.Actor)
                .Takes(UnreadOnly, Limit)
                .Bind(static fields => new InboxQuery(fields.Get(UnreadOnly), fields.Get(Limit)))
                .Answers<InboxAnswer>(),
            endpoints.Inbox);
        routes.Map(
            requests.Get("/sent", "listSentMessages", "Mail that the calling agent has sent, newest first; of the newest 5,000")
                .Needs(Caller.Actor)
                .Takes(Limit, SentCursor)
                .Bind(static fields => (Limit: fields.Get(Limit), fields.Get(SentCursor)?.Before))
                .Answers(Wire.Types.SentAnswer),
            endpoints.Sent);
        routes.Map(
            requests.Post("/{messageId}/ack", "acknowledgeMessage", "Mark a mail as read; the first time counts").Needs(Caller.Actor)
                .Takes(MessageId).RepeatsFromResult()
                .Bind(static fields => fields.Get(MessageId))
                .Answers(Wire.Types.AcknowledgedMessage),
            endpoints.Acknowledge);
    }

    // What is wrong is told in the protocol's order (7.1): the recipient goes before the signature, and a recipient that is no agent after
    // it.
    private async Task<Answer<SentMessage>> Send(MailToSend request, Actor sender, HttpContext http)
    {
        if (request.ToAgentId is null && string.IsNullOrEmpty(request.ToAlias))
            throw ApiException.Unprocessable("Must provide to_agent_id or to_alias");
        var signed = request.Signed;
        var addressed = await mail.Address(http, sender, new(
            "mail", request.ToAgentId, request.ToAlias, request.Subject, request.Text, request.Priority, request.ThreadId,
            SignedId: signed.Id));
        var recipient = addressed.To.Recipient;
        if (recipient is null && request.ToAgentId is null) throw ApiException.NotFound("Agent not found");
        var isAnsweredAgain = Idempotency.IsAnsweredAgain(http);
        if (recipient is { IsRetired: true } && !isAnsweredAgain)
            return Answer.Refusal(410, new RetiredAgentError("Agent is retired", addressed.To.SuccessorAlias, recipient.SuccessorAgentId),
                Wire.Types.RetiredAgentError);
        var sentAt = signed.Time();
        signed.MustBeFrom(sender.Agent);
        if (recipient is null || !(recipient.IsLiving || isAnsweredAgain)) throw ApiException.NotFound("Agent not found");
        signed.MustBeTo(recipient);

        var receipt = await mail.Send(addressed, sentAt, signed.Signature);
        return Answer.Of(new SentMessage(receipt.MessageId, "delivered", receipt.At), Wire.Types.SentMessage);
    }

    private async Task<Answer<InboxAnswer>> Inbox(InboxQuery query, Actor reader)
    {
        var page = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(reader.ProjectId, reader.Id)).Inbox(query);
        var contacts = await grains.GetGrain<IContactsGrain>(reader.ProjectId).List();
        var rotations = await grains.GetGrain<IProjectGrain>(reader.ProjectId).RotationsFor(reader.Id);
        if (!rotations.IsEmpty) return Answer.Of(InboxAnswer.Of(page, reader.ProjectSlug, contacts, rotations), Wire.Types.InboxAnswer);
        return Answer.Known<InboxAnswer>(page, contacts)
            ?? Answer.Shared(page, contacts, InboxAnswer.Of(page, reader.ProjectSlug, contacts, rotations), Wire.Types.InboxAnswer);
    }

    private async Task<SentAnswer> Sent((int Limit, long? Before) query, Actor sender)
    {
        var page = await grains.GetGrain<IConversationsGrain>(sender.ProjectId).Sent(new(sender.Id, query.Limit, query.Before));
        return new([.. page.Mails.Select(mail => SentItem.Of(mail, sender.ProjectSlug))], page.Next is not null,
            page.Next is { } next ? Cursor.Encode(json => json.WriteNumber("before", next)) : null);
    }

    private async Task<AcknowledgedMessage> Acknowledge(string messageId, Actor reader)
    {
        var receipt = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(reader.ProjectId, reader.Id)).Acknowledge(messageId);
        return new(receipt.MessageId, receipt.At);
    }

    private sealed record SentPlace(long Before);

    /// <summary>A mail as it is sent (protocol 7.1).</summary>
    private sealed record MailToSend(
        string? ToAgentId, string? ToAlias, string Subject, string Text, string Priority, string? ThreadId, SignedFields Signed)
    {
        private static readonly Field<string?> Recipient = InBody.Of(
            "to_agent_id", Schemas.Uuid("The recipient's id; goes before the alias"), false, static fields =>
                fields.Body.Uuid("to_agent_id", "Invalid agent_id format"));

        private static readonly Field<string?> Alias = InBody.Optional("to_alias", "The recipient's alias", 1, 64).Example("bob")
            .Must(static alias => alias is not { Length: > 0 } || Names.IsAlias(alias), "Invalid alias format");

        private static readonly Field<string> About = InBody.TextOr("subject", "Subject", "", MaxSubject)
            .Must(static text => !text.Contains('\0'), "subject must not contain NUL characters");

        private static readonly Field<string> Body = InBody.Required("body", $"Text; at most {MaxBodyBytes} bytes")
            .Must(static text => !text.Contains('\0'), "body must not contain NUL characters")
            .BeforeCaller(static text => Encoding.UTF8.GetByteCount(text) <= MaxBodyBytes
                ? text
                : throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"Message body too large: at most {MaxBodyBytes} bytes"));

        private static readonly Field<string> Urgency = InBody
            .Choice("priority", "How urgent it is", "normal", "low", "normal", "high", "urgent");
        private static readonly Field<string?> Thread = InBody.Uuid("thread_id", "Thread that the mail belongs to");

        public static readonly Field[] Fields = [Recipient, Alias, About, Body, Urgency, Thread, .. SignedFields.Fields];

        public static MailToSend Read(RequestFields fields) => new(
            fields.Get(Recipient), fields.Get(Alias), fields.Get(About), fields.Get(Body), fields.Get(Urgency), fields.Get(Thread),
            SignedFields.Read(fields));
    }
}

/// <summary>Answer of <c>POST /v1/messages</c>.</summary>
internal sealed record SentMessage(string MessageId, string Status,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset DeliveredAt);

/// <summary>Answer of <c>POST /v1/messages/{id}/ack</c>.</summary>
internal sealed record AcknowledgedMessage(string MessageId, [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset AcknowledgedAt);

/// <summary>Answer of <c>GET /v1/messages/sent</c>.</summary>
internal sealed record SentAnswer(ImmutableArray<SentItem> Messages, bool HasMore, string? NextCursor);

/// <summary>A mail that the caller has sent.</summary>
internal sealed record SentItem(
    string MessageId, string ToAgentId, string ToAlias, string ToAddress, string Subject, string Body, string Priority, string? ThreadId,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset CreatedAt)
{
    public static SentItem Of(MailDelivered mail, string slug) => new(mail.MessageId, mail.ToAgentId, mail.ToAlias,
        Addresses.Of(slug, mail.ToAlias), mail.Subject, mail.Body, mail.Priority, mail.ThreadId, mail.At);
}

/// <summary>Answer of <c>GET /v1/messages/inbox</c>.</summary>
internal sealed record InboxAnswer(ImmutableArray<InboxMessage> Messages)
{
    public static InboxAnswer Of(MailPage page, string slug, ContactBook contacts, ImmutableArray<RotationNotice> rotations) =>
        new([.. page.Mails.Select(mail =>
            InboxMessage.Of(mail, slug, contacts, rotations.FirstOrDefault(rotation => rotation.AgentId == mail.FromAgentId)))]);
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
        return new(mail.MessageId, mail.FromAgentId, mail.FromAlias, from, Addresses.Of(slug, mail.ToAlias), mail.Subject, mail.Body,
            mail.Priority, mail.ThreadId,
            mail.ReadAt, mail.CreatedAt, signed?.FromDid, signed?.ToDid, signed?.Signature, signed?.SigningKeyId,
            rotation is null ? null : new(rotation.OldDid, rotation.NewDid, rotation.Timestamp, rotation.OldKeySignature),
            signed?.FromStableId, signed?.ToStableId,
            contacts.Knows(from), signed?.SignedPayload);
    }
}

/// <summary>A change of the sender's key that is news to the reader (protocol 12.7).</summary>
internal sealed record RotationAnnouncement(string OldDid, string NewDid, string Timestamp, string OldKeySignature);

/// <summary>410: the recipient is retired; who follows it, if anybody (protocol 7.1).</summary>
internal sealed record RetiredAgentError(string Detail, string? SuccessorAlias, string? SuccessorAgentId);
