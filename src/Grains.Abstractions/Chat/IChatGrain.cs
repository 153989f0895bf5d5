using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Mail;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Chat;

/// <summary>
/// One chat session: who takes part, what was said, who has read how far (protocol 8). Key: <see cref="Key"/>. The session's id follows
/// from its participants, so that parallel first messages meet in one grain and nobody has to look a session up.
/// </summary>
[Alias("beadhub.chat")]
public interface IChatGrain : IGrainWithStringKey
{
    /// <summary>
    /// Completes when the session shows every event of its own that was announced before the call: an event is announced when it is
    /// durable, a moment before its grain shows it. For whoever has taken a feed position and now reads what led to it.
    /// </summary>
    [Repeatable, AlwaysInterleave]
    Task Settle();

    /// <summary>Key of the grain: project id, slash, session id.</summary>
    static string Key(string projectId, string sessionId) => $"{projectId}/{sessionId}";

    /// <summary>The mark by which the log knows a message. Mail has the same form: ids are unique in the project, whatever was
    /// sent.</summary>
    static string MarkOf(string messageId) => $"message:{messageId}";

    /// <summary>Id of the session of these agents of a project, in whatever order they are given (protocol 8.1).</summary>
    static string SessionIdOf(string projectId, IEnumerable<string> agentIds)
    {
        var set = agentIds.Select(id => id.ToLowerInvariant()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"beadhub chat session\n{projectId}\n{string.Join(',', set)}"));
        // A UUID of version 8, variant 1: the rest is the hash.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString();
    }

    /// <summary>
    /// Stores a message; begins the session when its participants are given and it does not exist. The same message again, from the same
    /// sender, is answered as the first time when the command may be a repeat.
    /// </summary>
    /// <exception cref="RefusedException">Not found: no such session. Forbidden: the sender takes no part. Conflict: the project has
    /// another message with this id.</exception>
    [AlwaysInterleave]
    Task<ChatSent> Send(SendChat command);

    /// <summary>Moves a participant's read position forward to a message (protocol 8.6). A message before it changes nothing.</summary>
    /// <returns>How many messages of others are read by it.</returns>
    /// <exception cref="RefusedException">Not found: no such session, or no such message in it. Forbidden: the reader takes no
    /// part.</exception>
    [AlwaysInterleave]
    Task<int> MarkRead(MarkChatRead command);

    /// <summary>Makes sure that the session exists and the agent takes part.</summary>
    /// <exception cref="RefusedException">Not found, or forbidden.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ChatParticipant> Participant(string agentId);

    /// <summary>The newest messages, oldest first (protocol 8.6).</summary>
    /// <exception cref="RefusedException">Not found, or forbidden.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ChatHistory> History(ChatHistoryQuery query);

    /// <summary>Text of a message; null when there is no such message.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> TextOf(long sequence);

    /// <summary>Where an event stream of the session begins, and what it shows of the past (protocol 8.9).</summary>
    /// <exception cref="RefusedException">Not found, or forbidden.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ChatOpening> Open(OpenChat query);

    /// <summary>Number of events of the session.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<long> LastVersion();

    /// <summary>Events of the session after a version, in order; not more at once than fits into memory many times.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ChatEventPage> Events(long after);
}

/// <summary>A message to be stored. Texts are checked; the participants are agents of the project.</summary>
/// <param name="MessageId">Id for it.</param>
/// <param name="FromAgentId">Sender.</param>
/// <param name="Body">Text.</param>
/// <param name="IsLeaving">Whether the sender leaves with it.</param>
/// <param name="HangsOn">Whether the sender asks for more time.</param>
/// <param name="Participants">All participants, to begin the session if need be; empty when it must exist.</param>
/// <param name="SignedAt">The signed time, if any.</param>
/// <param name="Signature">What the sender signed, if anything.</param>
[GenerateSerializer, Immutable, Alias("chat.send.v1")]
public sealed record SendChat(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string FromAgentId,
    [property: Id(2)] string Body,
    [property: Id(3)] bool IsLeaving,
    [property: Id(4)] bool HangsOn,
    [property: Id(5)] ImmutableArray<ChatParticipant> Participants,
    [property: Id(6)] DateTimeOffset? SignedAt = null,
    [property: Id(7)] MessageSignature? Signature = null);

/// <summary>A stored message.</summary>
/// <param name="SessionId">Session.</param>
/// <param name="MessageId">Message.</param>
/// <param name="Participants">All participants, by alias.</param>
/// <param name="Left">Aliases of the others whose newest message was a leaving one.</param>
[GenerateSerializer, Immutable, Alias("chat.sent.v1")]
public sealed record ChatSent(
    [property: Id(0)] string SessionId,
    [property: Id(1)] string MessageId,
    [property: Id(2)] ImmutableArray<ChatParticipant> Participants,
    [property: Id(3)] ImmutableArray<string> Left);

/// <summary>A participant has read up to a message.</summary>
[GenerateSerializer, Immutable, Alias("chat.mark_read.v1")]
public sealed record MarkChatRead([property: Id(0)] string AgentId, [property: Id(1)] string MessageId);

/// <summary>Which messages to show.</summary>
/// <param name="AgentId">Who asks.</param>
/// <param name="UnreadOnly">Whether only messages of others after the read position count.</param>
/// <param name="Limit">At most so many.</param>
[GenerateSerializer, Immutable, Alias("chat.history_query.v1")]
public sealed record ChatHistoryQuery([property: Id(0)] string AgentId, [property: Id(1)] bool UnreadOnly, [property: Id(2)] int Limit);

/// <summary>Messages, oldest first.</summary>
[GenerateSerializer, Immutable, Alias("chat.history.v1")]
public sealed record ChatHistory([property: Id(0)] ImmutableArray<ChatMessageSent> Messages);

/// <summary>What a new event stream shows of the past when its client does not say from when (protocol 8.9).</summary>
public enum ChatReplay
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The caller's own newest message, when it was just stored, and what came after it.</summary>
    OwnRecent,

    /// <summary>What the caller has not read, and the same.</summary>
    UnreadAndOwnRecent,

    /// <summary>The newest 50 messages.</summary>
    Last50,

    /// <summary>
    /// What each client expects: what the caller has not read, and its own newest message, when that was just stored, with what came after
    /// it, unless the caller has listed its sessions since: who waits for an answer to a message opens the stream right after sending it,
    /// who listens looks for the session first.
    /// </summary>
    ByClient,
}

/// <summary>Opens an event stream.</summary>
/// <param name="AgentId">Whose stream it is.</param>
/// <param name="After">From when on the client wants messages, if it says so.</param>
/// <param name="Replay">The rule when it does not.</param>
/// <param name="ListedAt">When the caller last listed its sessions, if it is known.</param>
[GenerateSerializer, Immutable, Alias("chat.open.v1")]
public sealed record OpenChat(
    [property: Id(0)] string AgentId, [property: Id(1)] DateTimeOffset? After, [property: Id(2)] ChatReplay Replay,
    [property: Id(3)] DateTimeOffset? ListedAt = null);

/// <summary>The beginning of an event stream.</summary>
/// <param name="Version">Number of events that the session has: what comes after is live.</param>
/// <param name="Count">Number of messages that it has.</param>
/// <param name="Replay">Messages of the past to show, when they are in memory.</param>
/// <param name="ReplayAfter">Otherwise the version after which they are to be read; null when they are in
/// <paramref name="Replay"/>.</param>
/// <param name="FromSequence">Messages from this number on are shown.</param>
/// <param name="CreatedAfter">And messages that were created later than this.</param>
[GenerateSerializer, Immutable, Alias("chat.opening.v1")]
public sealed record ChatOpening(
    [property: Id(0)] long Version,
    [property: Id(1)] long Count,
    [property: Id(2)] ImmutableArray<ChatMessageSent> Replay,
    [property: Id(3)] long? ReplayAfter,
    [property: Id(4)] long FromSequence,
    [property: Id(5)] DateTimeOffset? CreatedAfter)
{
    /// <summary>Whether a message of the past is shown.</summary>
    public bool Shows(ChatMessageSent message) => message.Sequence >= FromSequence || message.CreatedAt > CreatedAfter;
}

/// <summary>Events of a session, in order.</summary>
/// <param name="Events">Those that mean something to a stream.</param>
/// <param name="Version">The version that is reached with them; the one asked for when there were none.</param>
[GenerateSerializer, Immutable, Alias("chat.event_page.v1")]
public sealed record ChatEventPage([property: Id(0)] ImmutableArray<ChatEvent> Events, [property: Id(1)] long Version);

/// <summary>A message or a read receipt.</summary>
[GenerateSerializer, Immutable, Alias("chat.event.v1")]
public sealed record ChatEvent(
    [property: Id(0)] long Version,
    [property: Id(1)] ChatMessageSent? Message,
    [property: Id(2)] ChatRead? Read);
