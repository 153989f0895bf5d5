using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Mail;

/// <summary>
/// The mail that an agent has received. Key: project id / agent id. A grain apart from the workspace's, because it has its own pace: what
/// is in memory does not grow with the mail that has come, old mail is read from the log.
/// </summary>
[Alias("beadhub.mailbox")]
public interface IMailboxGrain : IGrainWithStringKey
{
    /// <summary>Key of an agent's mailbox.</summary>
    static string Key(string projectId, string agentId) => $"{projectId}/{agentId}";

    /// <summary>Puts a mail into the box. The same mail again, from the same sender, is answered as the first time when the command may be
    /// a repeat.</summary>
    /// <exception cref="RefusedException">Conflict: the project has another message with this id.</exception>
    [Repeatable, AlwaysInterleave]
    Task<MailReceipt> Deliver(DeliverMail command);

    /// <summary>Marks a mail of this box as read; the first time is kept (protocol 7.3).</summary>
    /// <exception cref="RefusedException">Not found: the project has no such mail. Forbidden: it is in another agent's box.</exception>
    [Repeatable, AlwaysInterleave]
    Task<MailReceipt> Acknowledge(string messageId, bool silently = false);

    /// <summary>
    /// Mail, the last delivered first (protocol 7.2). The same object is returned while nothing that it shows has changed. A page that
    /// would be larger than clients read ends early.
    /// </summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<MailPage> Inbox(InboxQuery query);

    /// <summary>One mail of this box; null when it is not here.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<MailView?> Find(string messageId);

    /// <summary>
    /// Completes when the box shows every event of its own that was announced before the call: an event is announced when it is durable, a
    /// moment before its grain shows it. For whoever has taken a feed position and now reads what led to it.
    /// </summary>
    [Repeatable, AlwaysInterleave]
    Task Settle();

    /// <summary>Number of mails not acknowledged.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<int> Unread();
}

/// <summary>A mail to be put into a mailbox. Texts are checked; sender and recipient are agents of the project.</summary>
/// <param name="MessageId">Id for it.</param>
/// <param name="FromAgentId">Sender.</param>
/// <param name="FromAlias">Sender's alias.</param>
/// <param name="ToAlias">Recipient's alias.</param>
/// <param name="Subject">Subject; may be empty.</param>
/// <param name="Body">Text.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c>.</param>
/// <param name="ThreadId">Thread, if any.</param>
/// <param name="SentAt">The signed time; null for the server's.</param>
/// <param name="Signature">What the sender signed, if anything.</param>
/// <param name="IsSilent">Whether event streams keep silent about it.</param>
[GenerateSerializer, Immutable, Alias("mail.deliver.v1")]
public sealed record DeliverMail(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string FromAgentId,
    [property: Id(2)] string FromAlias,
    [property: Id(3)] string ToAlias,
    [property: Id(4)] string Subject,
    [property: Id(5)] string Body,
    [property: Id(6)] string Priority = "normal",
    [property: Id(7)] string? ThreadId = null,
    [property: Id(8)] DateTimeOffset? SentAt = null,
    [property: Id(9)] MessageSignature? Signature = null,
    [property: Id(10)] bool IsSilent = false);

/// <summary>When a mail was delivered, or acknowledged.</summary>
[GenerateSerializer, Immutable, Alias("mail.receipt.v1")]
public sealed record MailReceipt([property: Id(0)] string MessageId, [property: Id(1)] DateTimeOffset At);

/// <summary>Which mail to show.</summary>
[GenerateSerializer, Immutable, Alias("mail.inbox_query.v1")]
public sealed record InboxQuery([property: Id(0)] bool UnreadOnly, [property: Id(1)] int Limit);

/// <summary>Mail, the last delivered first.</summary>
[GenerateSerializer, Immutable, Alias("mail.page.v1")]
public sealed record MailPage([property: Id(0)] ImmutableArray<MailView> Mails);

/// <summary>A mail as its recipient sees it.</summary>
[GenerateSerializer, Immutable, Alias("mail.view.v1")]
public sealed record MailView(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string FromAgentId,
    [property: Id(2)] string FromAlias,
    [property: Id(3)] string ToAlias,
    [property: Id(4)] string Subject,
    [property: Id(5)] string Body,
    [property: Id(6)] string Priority,
    [property: Id(7)] string? ThreadId,
    [property: Id(8)] DateTimeOffset? ReadAt,
    [property: Id(9)] DateTimeOffset CreatedAt,
    [property: Id(10)] MessageSignature? Signature);
