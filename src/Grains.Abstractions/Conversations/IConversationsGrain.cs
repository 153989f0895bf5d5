using System.Collections.Immutable;
using Beadhub.Mail;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Conversations;

/// <summary>
/// What the agents of a project have to do with each other, for lists: their chat sessions and mail threads with what is unread.
/// Key: project id. It decides nothing; it follows the project's feed, and shows a client everything that was acknowledged to it.
/// </summary>
[Alias("beadhub.conversations")]
public interface IConversationsGrain : IGrainWithStringKey
{
    /// <summary>The agent's chat sessions, newest first (protocol 8.4).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ChatSessionsView> Sessions(string agentId);

    /// <summary>The agent's chat sessions with unread messages, newest activity first (protocol 8.5). The same object while nothing that it
    /// shows has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<PendingView> Pending(string agentId);

    /// <summary>A page of the agent's mail threads and chat sessions, newest first (protocol 10.2).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ConversationPage> List(ConversationQuery query);

    /// <summary>Mail that the agent has sent, the last sent first. Of the newest 5,000; a page that would be larger than clients read ends
    /// early.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<SentPage> Sent(SentQuery query);
}

/// <summary>Which sent mail to show.</summary>
/// <param name="AgentId">Who has sent it.</param>
/// <param name="Limit">At most so many.</param>
/// <param name="Before">Only mail sent before this place in the project's feed.</param>
[GenerateSerializer, Immutable, Alias("conversations.sent_query.v1")]
public sealed record SentQuery([property: Id(0)] string AgentId, [property: Id(1)] int Limit, [property: Id(2)] long? Before = null);

/// <summary>A page of sent mail.</summary>
/// <param name="Mails">The last sent first.</param>
/// <param name="Next">Where the next page begins; null on the last one.</param>
[GenerateSerializer, Immutable, Alias("conversations.sent_page.v1")]
public sealed record SentPage([property: Id(0)] ImmutableArray<MailDelivered> Mails, [property: Id(1)] long? Next);

/// <summary>Chat sessions of an agent.</summary>
[GenerateSerializer, Immutable, Alias("conversations.sessions.v1")]
public sealed record ChatSessionsView([property: Id(0)] ImmutableArray<ChatSessionRow> Sessions);

/// <summary>A chat session in the list.</summary>
/// <param name="SessionId">Session.</param>
/// <param name="Participants">Aliases of all, the caller's too, ascending.</param>
/// <param name="CreatedAt">When it began.</param>
/// <param name="SenderWaiting">Whether another participant waits in it.</param>
[GenerateSerializer, Immutable, Alias("conversations.session.v1")]
public sealed record ChatSessionRow(
    [property: Id(0)] string SessionId,
    [property: Id(1)] ImmutableArray<string> Participants,
    [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] bool SenderWaiting);

/// <summary>What waits for an agent.</summary>
/// <param name="Pending">Chat sessions with unread messages.</param>
/// <param name="MessagesWaiting">Number of unread mails.</param>
[GenerateSerializer, Immutable, Alias("conversations.pending.v1")]
public sealed record PendingView([property: Id(0)] ImmutableArray<PendingRow> Pending, [property: Id(1)] int MessagesWaiting);

/// <summary>A chat session with unread messages.</summary>
/// <param name="SessionId">Session.</param>
/// <param name="Participants">Aliases of all, the caller's too, ascending.</param>
/// <param name="LastMessage">Text of the newest message.</param>
/// <param name="LastFrom">Alias of its sender.</param>
/// <param name="UnreadCount">Number of unread messages.</param>
/// <param name="LastActivity">Time of the newest message.</param>
/// <param name="SenderWaiting">Whether another participant waits in it.</param>
[GenerateSerializer, Immutable, Alias("conversations.pending_row.v1")]
public sealed record PendingRow(
    [property: Id(0)] string SessionId,
    [property: Id(1)] ImmutableArray<string> Participants,
    [property: Id(2)] string LastMessage,
    [property: Id(3)] string LastFrom,
    [property: Id(4)] int UnreadCount,
    [property: Id(5)] DateTimeOffset LastActivity,
    [property: Id(6)] bool SenderWaiting);

/// <summary>Which conversations to show.</summary>
/// <param name="AgentId">Whose.</param>
/// <param name="Limit">At most so many.</param>
/// <param name="Before">Only those whose newest message came before this place in the project's feed.</param>
/// <param name="OlderThan">Only those whose newest message is older than this.</param>
[GenerateSerializer, Immutable, Alias("conversations.query.v1")]
public sealed record ConversationQuery(
    [property: Id(0)] string AgentId,
    [property: Id(1)] int Limit,
    [property: Id(2)] long? Before = null,
    [property: Id(3)] DateTimeOffset? OlderThan = null);

/// <summary>A page of conversations.</summary>
/// <param name="Conversations">Newest first.</param>
/// <param name="Next">Where the next page begins; null on the last one.</param>
[GenerateSerializer, Immutable, Alias("conversations.page.v1")]
public sealed record ConversationPage([property: Id(0)] ImmutableArray<ConversationRow> Conversations, [property: Id(1)] long? Next);

/// <summary>A mail thread or a chat session (protocol 10.2).</summary>
/// <param name="ConversationType"><c>mail</c> or <c>chat</c>.</param>
/// <param name="ConversationId">Thread (the first mail's id when it has none), or session.</param>
/// <param name="Participants">Aliases, ascending.</param>
/// <param name="Subject">The newest mail's; empty for chat.</param>
/// <param name="LastMessageAt">When the newest message was sent.</param>
/// <param name="LastMessageFrom">By whom.</param>
/// <param name="LastMessagePreview">Its first 100 characters.</param>
/// <param name="UnreadCount">How many are unread.</param>
[GenerateSerializer, Immutable, Alias("conversations.row.v1")]
public sealed record ConversationRow(
    [property: Id(0)] string ConversationType,
    [property: Id(1)] string ConversationId,
    [property: Id(2)] ImmutableArray<string> Participants,
    [property: Id(3)] string Subject,
    [property: Id(4)] DateTimeOffset LastMessageAt,
    [property: Id(5)] string LastMessageFrom,
    [property: Id(6)] string LastMessagePreview,
    [property: Id(7)] int UnreadCount);

/// <summary>The lists of conversations were kept as a snapshot, so that an old project's feed need not be read from its
/// beginning.</summary>
/// <param name="Position">Feed position up to which the snapshot holds everything.</param>
[GenerateSerializer, Immutable, Alias("conversations.kept.v1")]
public sealed record ConversationsKept([property: Id(0)] long Position) : IEvent;
