using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Chat;

/// <summary>A chat session. Its size does not grow with what is said: texts are in the log, the newest of them also in memory.</summary>
/// <param name="SessionId">Session; empty while it never began.</param>
/// <param name="Seats">The participants, by alias.</param>
/// <param name="Count">Number of messages: the sequence number of the newest.</param>
public sealed record ChatSession(string SessionId, ImmutableArray<Seat> Seats, long Count) : IEventSourced<ChatSession>
{
    // Rule 2 of protocol 8.9: a client that sends and then waits opens its stream within milliseconds.
    private static readonly TimeSpan JustSent = TimeSpan.FromSeconds(5);

    // A client that says from when on it wants messages may have a clock that is ahead of ours by so much (rule 1).
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(15);

    // A signed time may be later than the time of storing by so much and is still found when a client asks for what came after a time.
    private static readonly TimeSpan SignedAhead = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public static ChatSession Empty { get; } = new("", [], 0);

    /// <inheritdoc/>
    public static StreamKind<ChatSession> Kind { get; } = new("chat", ChatJson.Relaxed.ChatSession, SnapshotEvery: 32, key =>
        key[..key.IndexOf('/')]);

    /// <summary>The newest messages with their texts. Not part of the snapshot: after a start it holds only what came since.</summary>
    [JsonIgnore]
    public RecentMessages Recent { get; init; } = RecentMessages.None;

    /// <summary>Whether it began.</summary>
    [JsonIgnore]
    public bool Exists => SessionId.Length > 0;

    /// <inheritdoc/>
    public ChatSession Apply(IEvent @event) => @event switch
    {
        ChatStarted e => this with { SessionId = e.SessionId, Seats = [.. e.Participants.Select(p => new Seat(p.AgentId, p.Alias))] },
        ChatMessageSent e => (this with { Count = e.Sequence, Recent = Recent.With(e) }).Seated(e.FromAgentId, seat => seat with
        {
            ReadUpTo = e.Sequence,
            LastSequence = e.Sequence,
            LastAt = e.At,
            HasLeft = e.IsLeaving,
        }),
        ChatRead e => Seated(e.AgentId, seat => seat with { ReadUpTo = e.Sequence }),
        _ => this,
    };

    /// <summary>Stores a message, and begins the session when it must.</summary>
    public Decision<ChatSent> Send(string sessionId, SendChat command, DateTimeOffset now)
    {
        var session = this;
        var events = ImmutableArray.CreateBuilder<IEvent>(2);
        if (!Exists)
        {
            if (command.Participants.IsDefaultOrEmpty) throw NotFound();
            var participants = command.Participants.OrderBy(p => p.Alias, StringComparer.Ordinal).ToImmutableArray();
            events.Add(new ChatStarted(sessionId, participants, now));
            session = session.Apply(events[0]);
        }

        var sender = session.SeatOf(command.FromAgentId);
        var others = session.Seats.Where(seat => seat.AgentId != sender.AgentId)
            .Select(seat => new ChatParticipant(seat.AgentId, seat.Alias)).ToImmutableArray();
        events.Add(new ChatMessageSent(
            command.MessageId, session.Count + 1, sender.AgentId, sender.Alias, others, command.Body, command.IsLeaving, command.HangsOn,
            now,
            command.SignedAt, command.Signature));
        return new(events.DrainToImmutable(), session.Answer(command)) { Mark = IChatGrain.MarkOf(command.MessageId) };
    }

    /// <summary>What is answered to a message that is stored. Nothing of it depends on the message itself: who has left is told of the
    /// others only.</summary>
    private ChatSent Answer(SendChat command) => new(
        SessionId,
        command.MessageId,
        [.. Seats.Select(seat => new ChatParticipant(seat.AgentId, seat.Alias))],
        [.. Seats.Where(seat => seat.HasLeft && seat.AgentId != command.FromAgentId).Select(seat => seat.Alias)]);

    /// <summary>Moves a participant's position forward to a message of this session.</summary>
    /// <remarks>What lies between two positions is of others only, since sending moves one's own position.</remarks>
    public Decision<int> MarkRead(string agentId, string messageId, long sequence, DateTimeOffset now)
    {
        var reader = SeatOf(agentId);
        if (sequence <= reader.ReadUpTo) return Decision.None(0);
        return Decision.Accept((int)(sequence - reader.ReadUpTo), new ChatRead(agentId, reader.Alias, messageId, sequence, Count, now));
    }

    /// <summary>The agent's seat.</summary>
    /// <exception cref="RefusedException">Not found, or forbidden.</exception>
    public Seat SeatOf(string agentId)
    {
        if (!Exists) throw NotFound();
        foreach (var seat in Seats)
            if (seat.AgentId == agentId) return seat;
        throw new RefusedException(RefusalKind.Forbidden, "Not a participant in this session");
    }

    /// <summary>Which messages a history shows: from this number on (protocol 8.6). Unread ones are all of others.</summary>
    public long FirstOf(ChatHistoryQuery query) =>
        Math.Max(Count - query.Limit + 1, (query.UnreadOnly ? SeatOf(query.AgentId).ReadUpTo : 0) + 1);

    /// <summary>What a stream that opens now shows of the past (protocol 8.9). Whether it is in memory, the caller sees from
    /// <see cref="Recent"/>.</summary>
    public (long FromSequence, DateTimeOffset? CreatedAfter) Replay(OpenChat query, DateTimeOffset now)
    {
        var seat = SeatOf(query.AgentId);
        var window = query.After is null ? JustSent : ClockSkew;
        var nothing = Count + 1;
        var own = seat.LastSequence > 0 && now - seat.LastAt <= window ? seat.LastSequence : nothing;
        if (query.After is { } after) return (own, after < now ? after : now);
        return query.Replay switch
        {
            ChatReplay.None => (nothing, null),
            ChatReplay.Last50 => (Math.Max(1, Count - 49), null),
            ChatReplay.OwnRecent => (own, null),
            // A listener takes the first message that it sees for the answer, its own one too.
            ChatReplay.ByClient when query.ListedAt >= seat.LastAt => (seat.ReadUpTo + 1, null),
            _ => (Math.Min(own, seat.ReadUpTo + 1), null),
        };
    }

    /// <summary>Whether an event may be among the first that such a stream shows. False for all before, true for all after.</summary>
    public static bool MayBeShown(long fromSequence, DateTimeOffset? createdAfter, IEvent? @event, DateTimeOffset at)
    {
        if (createdAfter is { } after && at > after.AddTicks(-Math.Min(SignedAhead.Ticks, after.UtcTicks))) return true;
        return @event switch
        {
            ChatMessageSent e => e.Sequence >= fromSequence,
            // A reader's event tells how many messages there were, so that any event tells the way to a message.
            ChatRead e => e.Count >= fromSequence,
            _ => false,
        };
    }

    private ChatSession Seated(string agentId, Func<Seat, Seat> change)
    {
        for (var i = 0; i < Seats.Length; i++)
            if (Seats[i].AgentId == agentId) return this with { Seats = Seats.SetItem(i, change(Seats[i])) };
        return this;
    }

    private static RefusedException NotFound() => new(RefusalKind.NotFound, "Session not found");
}

/// <summary>A participant's place in a session.</summary>
/// <param name="AgentId">Participant.</param>
/// <param name="Alias">Alias.</param>
/// <param name="ReadUpTo">Number of the newest message that they have read or sent.</param>
/// <param name="LastSequence">Number of their newest message; 0 when they never wrote.</param>
/// <param name="LastAt">When that was stored.</param>
/// <param name="HasLeft">Whether it was a leaving one.</param>
public sealed record Seat(
    string AgentId, string Alias, long ReadUpTo = 0, long LastSequence = 0, DateTimeOffset LastAt = default, bool HasLeft = false);

/// <summary>JSON of the snapshots of chat sessions.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatSession))]
[JsonSerializable(typeof(ChatSent))]
internal sealed partial class ChatJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static ChatJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
