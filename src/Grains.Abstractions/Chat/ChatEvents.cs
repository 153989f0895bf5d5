using System.Collections.Immutable;
using Beadhub.Mail;
using Orleans;

namespace Beadhub.Chat;

/// <summary>A chat session has begun, together with its first message.</summary>
/// <param name="SessionId">Session, which follows from its participants (<see cref="IChatGrain.SessionIdOf"/>).</param>
/// <param name="Participants">All of them, by alias. They never change.</param>
/// <param name="At">When; also when all of them joined.</param>
[GenerateSerializer, Immutable, Alias("chat.started.v1")]
public sealed record ChatStarted(
    [property: Id(0)] string SessionId,
    [property: Id(1)] ImmutableArray<ChatParticipant> Participants,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>
/// A message was sent. It also moves its sender's read position to itself. Its id is a mark of the append that wrote it
/// (<see cref="IChatGrain.MarkOf"/>), so that no other message of the project can have it.
/// </summary>
/// <param name="MessageId">Id of the message.</param>
/// <param name="Sequence">Its number in the session: 1, 2, 3 … Everything is ordered by it.</param>
/// <param name="FromAgentId">Sender.</param>
/// <param name="FromAlias">Sender's alias in the session.</param>
/// <param name="To">The other participants, by alias.</param>
/// <param name="Body">Text.</param>
/// <param name="IsLeaving">Whether the sender leaves the conversation with it.</param>
/// <param name="HangsOn">Whether the sender asks for more time.</param>
/// <param name="At">When it was stored, by the server's clock.</param>
/// <param name="SignedAt">The time that the sender signed, if any: it is what people see.</param>
/// <param name="Signature">What the sender signed, if anything.</param>
[GenerateSerializer, Immutable, Alias("chat.message_sent.v1")]
public sealed record ChatMessageSent(
    [property: Id(0)] string MessageId,
    [property: Id(1)] long Sequence,
    [property: Id(2)] string FromAgentId,
    [property: Id(3)] string FromAlias,
    [property: Id(4)] ImmutableArray<ChatParticipant> To,
    [property: Id(5)] string Body,
    [property: Id(6)] bool IsLeaving,
    [property: Id(7)] bool HangsOn,
    [property: Id(8)] DateTimeOffset At,
    [property: Id(9)] DateTimeOffset? SignedAt = null,
    [property: Id(10)] MessageSignature? Signature = null) : IEvent
{
    /// <summary>The time to show, and to compare with a client's <c>after</c>. Nothing is ordered by it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public DateTimeOffset CreatedAt => SignedAt ?? At;

    /// <summary>Characters of what it says, the signed text included.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Length => Body.Length + (Signature?.SignedPayload?.Length ?? 0);
}

/// <summary>A participant has said that they read the session up to a message, further than before.</summary>
/// <param name="AgentId">Reader.</param>
/// <param name="Alias">Reader's alias in the session.</param>
/// <param name="MessageId">The message.</param>
/// <param name="Sequence">Its number: the reader's new position.</param>
/// <param name="Count">How many messages the session had then.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("chat.read.v1")]
public sealed record ChatRead(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string MessageId,
    [property: Id(3)] long Sequence,
    [property: Id(4)] long Count,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>One who takes part in a session.</summary>
[GenerateSerializer, Immutable, Alias("chat.participant.v1")]
public sealed record ChatParticipant([property: Id(0)] string AgentId, [property: Id(1)] string Alias);
