using Orleans;

namespace Beadhub.Mail;

/// <summary>A mail has come into its recipient's mailbox. Its id is the event's mark, so that no other mail of the project can have
/// it.</summary>
/// <param name="MessageId">Id of the mail.</param>
/// <param name="FromAgentId">Sender.</param>
/// <param name="FromAlias">Sender's alias at that time.</param>
/// <param name="ToAgentId">Recipient, whose mailbox it is.</param>
/// <param name="ToAlias">Recipient's alias at that time.</param>
/// <param name="Subject">Subject; may be empty.</param>
/// <param name="Body">Text.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c>.</param>
/// <param name="ThreadId">Thread that the sender put it into, if any.</param>
/// <param name="At">When it was sent: by the server's clock, or, for a signed mail, by the signed time.</param>
/// <param name="Signature">What the sender signed, if anything.</param>
/// <param name="IsSilent">Whether event streams keep silent about it: mail of the server itself and of tools (contract 12.4, 16).</param>
[GenerateSerializer, Immutable, Alias("mail.delivered.v1")]
public sealed record MailDelivered(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string FromAgentId,
    [property: Id(2)] string FromAlias,
    [property: Id(3)] string ToAgentId,
    [property: Id(4)] string ToAlias,
    [property: Id(5)] string Subject,
    [property: Id(6)] string Body,
    [property: Id(7)] string Priority,
    [property: Id(8)] string? ThreadId,
    [property: Id(9)] DateTimeOffset At,
    [property: Id(10)] MessageSignature? Signature = null,
    [property: Id(11)] bool IsSilent = false) : IEvent;

/// <summary>The recipient has acknowledged a mail for the first time.</summary>
/// <param name="MessageId">Id of the mail.</param>
/// <param name="AgentId">Recipient.</param>
/// <param name="FromAlias">Sender's alias.</param>
/// <param name="Subject">Subject of the mail.</param>
/// <param name="At">When.</param>
/// <param name="IsSilent">Whether event streams keep silent about it.</param>
/// <param name="MailVersion">Version, within the mailbox's stream, of the event by which the mail was delivered.</param>
/// <param name="FromAgentId">Sender; null in what older versions have written.</param>
[GenerateSerializer, Immutable, Alias("mail.read.v1")]
public sealed record MailRead(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string FromAlias,
    [property: Id(3)] string Subject,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] bool IsSilent = false,
    [property: Id(6)] long MailVersion = 0,
    [property: Id(7)] string? FromAgentId = null) : IEvent;

/// <summary>What a sender sends along to prove who wrote a message (protocol 12.4, 12.5). Stored and shown; clients verify it.</summary>
/// <param name="FromDid">Sender's did:key.</param>
/// <param name="ToDid">Recipient's did:key.</param>
/// <param name="Signature">Signature, base64 without padding.</param>
/// <param name="SigningKeyId">Key that signed.</param>
/// <param name="FromStableId">Sender's stable id.</param>
/// <param name="ToStableId">Recipient's stable id.</param>
/// <param name="SignedPayload">The very text that was signed, as newer clients send it along.</param>
[GenerateSerializer, Immutable, Alias("mail.signature.v1")]
public sealed record MessageSignature(
    [property: Id(0)] string? FromDid,
    [property: Id(1)] string? ToDid,
    [property: Id(2)] string? Signature,
    [property: Id(3)] string? SigningKeyId,
    [property: Id(4)] string? FromStableId = null,
    [property: Id(5)] string? ToStableId = null,
    [property: Id(6)] string? SignedPayload = null);
