using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/chat</c>: sessions of a set of agents, their messages and who has read them (protocol 8). The event stream is in
/// <see cref="ChatStream"/>.</summary>
internal sealed class Chats(IGrainFactory grains, IChatPresence presence)
{
    /// <summary>Seconds by which a message that asks for more time extends the others' waiting.</summary>
    public const int HangOnSeconds = 300;

    /// <summary>The session that a request is about.</summary>
    public static readonly Field<string> SessionId = InPath.Text("sessionId", "Id of the session").AfterCaller(
        static text => Names.TryNormalizeUuid(text, out var id) ? id : throw ApiException.Unprocessable("Invalid id format"));

    /// <summary>The requests about chat.</summary>
    public static readonly RequestGroup Requests = new("/v1/chat", "chat",
        "Sessions of a set of agents, their messages and who has read them");

    private static readonly Field<bool> UnreadOnly = InQuery.Flag("unread_only", "Only messages that the caller has not read", false);
    private static readonly Field<int> Limit = InQuery.Limit(200, 2000);
    private static readonly Field<string?> LastRead = InBody.Required("up_to_message_id", "The last message that was read")
        .To<string?>(Names.TryNormalizeUuid!, "Invalid up_to_message_id format");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Chats>();
        routes.Map(
            Requests.Post("/sessions", "createChat", "Send a message to agents; the first one begins their session")
                .Needs(Caller.Actor).Adds(Adding.Mail)
                .TakesOnly(FirstMessage.Fields).Bind(FirstMessage.Read)
                .Answers(Wire.Types.ChatCreated),
            endpoints.Create);
        routes.Map(
            Requests.Get("/sessions", "listChats", "The caller's sessions, newest first").Needs(Caller.Actor)
                .Answers(Wire.Types.ChatSessionList),
            endpoints.List);
        routes.Map(
            Requests.Get("/pending", "listPendingChats", "The caller's sessions with unread messages, and how many mails are unread")
                .Needs(Caller.Actor)
                .AnswersCached<PendingView, PendingList>(Wire.Types.PendingList, ToPending),
            endpoints.Pending);
        routes.Map(
            Requests.Post("/sessions/{sessionId}/messages", "sendChat", "Send a message into a session")
                .Needs(Caller.Actor).Adds(Adding.Mail)
                .TakesOnly(Message.Fields).Bind(Message.Read)
                .Answers(Wire.Types.ChatDelivered),
            endpoints.Send);
        routes.Map(
            Requests.Get("/sessions/{sessionId}/messages", "listChatMessages", "The newest messages of a session, oldest first")
                .Needs(Caller.Actor)
                .Takes(SessionId, UnreadOnly, Limit)
                .Bind(static fields => (UnreadOnly: fields.Get(UnreadOnly), Limit: fields.Get(Limit), SessionId: fields.Get(SessionId)))
                .Answers(Wire.Types.ChatMessageList),
            endpoints.History);
        routes.Map(
            Requests.Post("/sessions/{sessionId}/read", "markChatRead", "Mark messages as read up to one").Needs(Caller.Actor)
                .TakesOnly(SessionId, LastRead)
                .Bind(static fields => (MessageId: fields.Get(LastRead)!, SessionId: fields.Get(SessionId)))
                .Answers(Wire.Types.ChatMarkedRead),
            async (read, actor) => new(true, await endpoints.SessionOf(actor, read.SessionId).MarkRead(new(actor.Id, read.MessageId))));
    }

    private async Task<ChatCreated> Create(FirstMessage request, Actor actor, HttpContext http)
    {
        var (aliases, signature) = (request.To, request.Signed);
        if (aliases.Distinct(StringComparer.Ordinal).Count() < aliases.Count)
            throw ApiException.Unprocessable("to_aliases contains duplicates");
        if (aliases.Contains(actor.Alias)) throw new ApiException(StatusCodes.Status400BadRequest, "Self-chat is not supported");
        var participants = await Participants(actor, aliases);
        var signedAt = signature.Time();

        var sessionId = IChatGrain.SessionIdOf(actor.ProjectId, participants.Select(p => p.AgentId));
        var sent = await SessionOf(actor, sessionId).Send(new(
            signature.Id ?? http.NewId(), actor.Id, request.Text, request.IsLeaving, false, participants, signedAt, signature.Signature));
        var waiting = (await presence.Waiting([IChatGrain.Key(actor.ProjectId, sessionId)]))[0];
        return new(
            sent.SessionId,
            sent.MessageId,
            sent.Participants,
            http.Request.PathBase.Add($"/v1/chat/sessions/{sent.SessionId}/stream").ToUriComponent(),
            [.. sent.Participants.Where(p => p.AgentId != actor.Id && waiting.Contains(p.AgentId)).Select(p => p.Alias)],
            sent.Left);
    }

    private async Task<ChatDelivered> Send(Message message, Actor actor, HttpContext http)
    {
        var (session, signature) = (SessionOf(actor, message.SessionId), message.Signed);
        // Who may not write here hears that first, whatever is wrong with the signature.
        if (signature.Signature is not null) await session.Participant(actor.Id);
        var signedAt = signature.Time();
        var sent = await session.Send(new(
            signature.Id ?? http.NewId(), actor.Id, message.Text, false, message.HangsOn, [], signedAt, signature.Signature));
        return new(sent.MessageId, true, message.HangsOn ? HangOnSeconds : 0);
    }

    private async Task<ChatSessionList> List(Actor actor)
    {
        await presence.Listed(actor.Id);
        var view = await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Sessions(actor.Id);
        return new([.. view.Sessions.Select(s => new ChatSessionItem(s.SessionId, s.Participants, s.CreatedAt, s.SenderWaiting))]);
    }

    private async Task<PendingView> Pending(Actor actor)
    {
        await presence.Listed(actor.Id);
        return await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Pending(actor.Id);
    }

    private async Task<ChatMessageList> History((bool UnreadOnly, int Limit, string SessionId) query, Actor actor)
    {
        var history = await SessionOf(actor, query.SessionId).History(new(actor.Id, query.UnreadOnly, query.Limit));
        var contacts = await grains.GetGrain<IContactsGrain>(actor.ProjectId).List();
        return new([.. history.Messages.Select(message => ToItem(message, actor.ProjectSlug, contacts))]);
    }

    private IChatGrain SessionOf(Actor actor, string sessionId) => grains.GetGrain<IChatGrain>(IChatGrain.Key(actor.ProjectId, sessionId));

    private async Task<ImmutableArray<ChatParticipant>> Participants(Actor actor, List<string> aliases)
    {
        var participants = ImmutableArray.CreateBuilder<ChatParticipant>(aliases.Count + 1);
        participants.Add(new(actor.Id, actor.Alias));
        var agents = await grains.GetGrain<IProjectGrain>(actor.ProjectId).Named([.. aliases]);
        for (var i = 0; i < aliases.Count; i++)
            participants.Add(agents[i] is { } agent ? new(agent.AgentId, agent.Alias)
                : throw ApiException.NotFound($"Agent not found: {aliases[i]}"));
        return participants.DrainToImmutable();
    }

    /// <summary>A message to agents (protocol 8.2).</summary>
    private sealed record FirstMessage(List<string> To, string Text, bool IsLeaving, SignedFields Signed)
    {
        private static readonly Field<List<string>> Aliases = InBody.RequiredTexts("to_aliases", "Aliases of the agents")
            .To<List<string>>(
                static (List<string> texts, out List<string>? aliases) =>
                    (aliases = [.. texts.Select(text => text.Trim()).Where(text => text.Length > 0)]).Count > 0,
                "to_aliases must not be empty")
            .Must(static aliases => aliases.TrueForAll(Names.IsAlias), "Invalid alias format");

        private static readonly Field<string> Body = InBody.Message("message", "Text");
        private static readonly Field<bool> Leaving = InBody.Flag("leaving", "Whether the sender leaves the session with it");

        public static readonly Field[] Fields = [Aliases, Body, Leaving, .. SignedFields.Fields];

        public static FirstMessage Read(RequestFields fields) =>
            new(fields.Get(Aliases) ?? [], fields.Get(Body), fields.Get(Leaving), SignedFields.Read(fields));
    }

    /// <summary>A message into a session (protocol 8.3).</summary>
    private sealed record Message(string SessionId, string Text, bool HangsOn, SignedFields Signed)
    {
        private static readonly Field<string> Body = InBody.Message("body", "Text", min: 1);
        private static readonly Field<bool> HangOn = InBody.Flag("hang_on", "Whether the others are to wait longer for what follows");

        public static readonly Field[] Fields = [Chats.SessionId, Body, HangOn, .. SignedFields.Fields];

        public static Message Read(RequestFields fields)
        {
            var (text, hangsOn, signed) = (fields.Get(Body), fields.Get(HangOn), SignedFields.Read(fields));
            return new(fields.Get(Chats.SessionId), text, hangsOn, signed);
        }
    }

    private static PendingList ToPending(PendingView view) => new(
        [.. view.Pending.Select(p =>
            new PendingItem(p.SessionId, p.Participants, p.LastMessage, p.LastFrom, p.UnreadCount, p.LastActivity, p.SenderWaiting, 0))],
        view.MessagesWaiting);

    private static ChatMessageItem ToItem(ChatMessageSent message, string slug, ContactBook contacts) => new(
        message.MessageId,
        message.FromAlias,
        Addresses.Of(slug, message.FromAlias),
        Addresses.Of(slug, message.To.Select(to => to.Alias)),
        message.Body,
        message.CreatedAt,
        message.IsLeaving,
        message.Signature?.FromDid,
        message.Signature?.ToDid,
        message.Signature?.Signature,
        message.Signature?.SigningKeyId,
        message.Signature?.FromStableId,
        message.Signature?.ToStableId,
        contacts.Knows(Addresses.Of(slug, message.FromAlias)),
        message.Signature?.SignedPayload);
}

/// <summary>A sent message with its session (protocol 8.2).</summary>
internal sealed record ChatCreated(
    string SessionId,
    string MessageId,
    ImmutableArray<ChatParticipant> Participants,
    string SseUrl,
    ImmutableArray<string> TargetsConnected,
    ImmutableArray<string> TargetsLeft);

/// <summary>A message sent into a session (protocol 8.3).</summary>
internal sealed record ChatDelivered(string MessageId, bool Delivered, int ExtendsWaitSeconds);

/// <summary>Sessions (protocol 8.4).</summary>
internal sealed record ChatSessionList(ImmutableArray<ChatSessionItem> Sessions);

/// <summary>A session in the list.</summary>
internal sealed record ChatSessionItem(
    string SessionId,
    ImmutableArray<string> Participants,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset CreatedAt,
    bool SenderWaiting);

/// <summary>What waits for the caller (protocol 8.5).</summary>
internal sealed record PendingList(ImmutableArray<PendingItem> Pending, int MessagesWaiting);

/// <summary>A session with unread messages.</summary>
internal sealed record PendingItem(
    string SessionId,
    ImmutableArray<string> Participants,
    string LastMessage,
    string LastFrom,
    int UnreadCount,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset LastActivity,
    bool SenderWaiting,
    int TimeRemainingSeconds);

/// <summary>History of a session (protocol 8.6).</summary>
internal sealed record ChatMessageList(ImmutableArray<ChatMessageItem> Messages);

/// <summary>A message in the history.</summary>
internal sealed record ChatMessageItem(
    string MessageId,
    string FromAgent,
    string FromAddress,
    string ToAddress,
    string Body,
    [property: JsonConverter(typeof(SecondsTime))] DateTimeOffset Timestamp,
    bool SenderLeaving,
    string? FromDid,
    string? ToDid,
    string? Signature,
    string? SigningKeyId,
    string? FromStableId,
    string? ToStableId,
    bool IsContact,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? SignedPayload);

/// <summary>Messages were marked as read.</summary>
internal sealed record ChatMarkedRead(bool Success, int MessagesMarked);
