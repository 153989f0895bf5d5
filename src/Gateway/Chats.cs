using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/chat</c>: sessions of a set of agents, their messages and who has read them (protocol 8). The event stream is in <see cref="ChatStream"/>.</summary>
internal sealed class Chats(IGrainFactory grains, Identification identification, IChatPresence presence)
{
    /// <summary>Seconds by which a message that asks for more time extends the others' waiting.</summary>
    public const int HangOnSeconds = 300;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Chats>();
        var group = routes.MapGroup("/v1/chat").WithTags("chat");
        group.Post("/sessions", endpoints.Create).Says("Send a message to agents; the first one begins their session", 400, 401, 403, 404, 409, 413, 422);
        group.Get("/sessions", endpoints.List).Says("The caller's sessions, newest first", 401, 403, 404);
        group.Get("/pending", endpoints.Pending).Says("The caller's sessions with unread messages, and how many mails are unread", 401, 403, 404);
        group.Post("/sessions/{sessionId}/messages", endpoints.Send).Says("Send a message into a session", 401, 403, 404, 409, 413, 422);
        group.Get("/sessions/{sessionId}/messages", endpoints.History).Says("The newest messages of a session, oldest first", 401, 403, 404, 422);
        group.Post("/sessions/{sessionId}/read", endpoints.MarkRead).Says("Mark messages as read up to one", 401, 403, 404, 422);
    }

    /// <summary>The session's id in the path.</summary>
    public static string SessionId(HttpContext http) =>
        Names.TryNormalizeUuid(http.PathPart("sessionId"), out var id) ? id : throw ApiException.Unprocessable("Invalid id format");

    private async Task<Answer<ChatCreated>> Create(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only(["to_aliases", "message", "leaving", .. SignedFields.Names]);
        var aliases = Aliases(body);
        var message = body.Message("message");
        var leaving = body.Flag("leaving", false);
        var signature = SignedFields.Read(body);
        body.Done();

        var actor = await identification.ActorOf(http);
        if (aliases.Distinct(StringComparer.Ordinal).Count() < aliases.Count) throw ApiException.Unprocessable("to_aliases contains duplicates");
        if (aliases.Contains(actor.Alias)) throw new ApiException(StatusCodes.Status400BadRequest, "Self-chat is not supported");
        var participants = await Participants(actor, aliases);
        var signedAt = signature.Time();

        var sessionId = IChatGrain.SessionIdOf(actor.ProjectId, participants.Select(p => p.AgentId));
        var key = IChatGrain.Key(actor.ProjectId, sessionId);
        var sent = await grains.GetGrain<IChatGrain>(key).Send(new(
            signature.Id ?? http.NewId(), actor.Id, message, leaving, false, participants, signedAt, signature.Signature));
        var waiting = (await presence.Waiting([key]))[0];
        return Answer.Of(
            new ChatCreated(
                sent.SessionId,
                sent.MessageId,
                sent.Participants,
                http.Request.PathBase.Add($"/v1/chat/sessions/{sent.SessionId}/stream").ToUriComponent(),
                [.. sent.Participants.Where(p => p.AgentId != actor.Id && waiting.Contains(p.AgentId)).Select(p => p.Alias)],
                sent.Left),
            Wire.Types.ChatCreated);
    }

    private async Task<Answer<ChatDelivered>> Send(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only(["body", "hang_on", .. SignedFields.Names]);
        var text = body.Message("body", min: 1);
        var hangOn = body.Flag("hang_on", false);
        var signature = SignedFields.Read(body);
        body.Done();

        var actor = await identification.ActorOf(http);
        var session = SessionOf(http, actor);
        // Who may not write here hears that first, whatever is wrong with the signature.
        if (signature.Signature is not null) await session.Participant(actor.Id);
        var signedAt = signature.Time();
        var sent = await session.Send(new(signature.Id ?? http.NewId(), actor.Id, text, false, hangOn, [], signedAt, signature.Signature));
        return Answer.Of(new ChatDelivered(sent.MessageId, true, hangOn ? HangOnSeconds : 0), Wire.Types.ChatDelivered);
    }

    private async Task<Answer<ChatSessionList>> List(HttpContext http)
    {
        var actor = await identification.ActorOf(http);
        await presence.Listed(actor.Id);
        var view = await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Sessions(actor.Id);
        return Answer.Of(
            new ChatSessionList([.. view.Sessions.Select(s => new ChatSessionItem(s.SessionId, s.Participants, s.CreatedAt, s.SenderWaiting))]),
            Wire.Types.ChatSessionList);
    }

    private async Task<Answer<PendingList>> Pending(HttpContext http)
    {
        var actor = await identification.ActorOf(http);
        await presence.Listed(actor.Id);
        return Answer.Shared(await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Pending(actor.Id), ToPending, Wire.Types.PendingList);
    }

    private async Task<Answer<ChatMessageList>> History(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var unreadOnly = query.Flag("unread_only", false);
        var limit = query.Integer("limit", 200, 1, 2000);
        query.Done();

        var actor = await identification.ActorOf(http);
        var history = await SessionOf(http, actor).History(new(actor.Id, unreadOnly, limit));
        var contacts = await grains.GetGrain<IContactsGrain>(actor.ProjectId).List();
        return Answer.Of(new ChatMessageList([.. history.Messages.Select(message => ToItem(message, actor.ProjectSlug, contacts))]), Wire.Types.ChatMessageList);
    }

    private async Task<Answer<ChatMarkedRead>> MarkRead(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("up_to_message_id");
        var text = body.Required("up_to_message_id");
        if (!Names.TryNormalizeUuid(text, out var messageId) && body.Errors.Count == 0) body.Fail("up_to_message_id", "Invalid up_to_message_id format");
        body.Done();

        var actor = await identification.ActorOf(http);
        return Answer.Of(new ChatMarkedRead(true, await SessionOf(http, actor).MarkRead(new(actor.Id, messageId!))), Wire.Types.ChatMarkedRead);
    }

    private IChatGrain SessionOf(HttpContext http, Actor actor) => grains.GetGrain<IChatGrain>(IChatGrain.Key(actor.ProjectId, SessionId(http)));

    private static List<string> Aliases(BodyFields body)
    {
        var texts = body.RequiredTexts("to_aliases");
        if (texts.Count == 0) return texts;
        var aliases = texts.Select(text => text.Trim()).Where(text => text.Length > 0).ToList();
        if (aliases.Count == 0) body.Fail("to_aliases", "to_aliases must not be empty");
        else if (!aliases.TrueForAll(Names.IsAlias)) body.Fail("to_aliases", "Invalid alias format");
        return aliases;
    }

    private async Task<ImmutableArray<ChatParticipant>> Participants(Actor actor, List<string> aliases)
    {
        var participants = ImmutableArray.CreateBuilder<ChatParticipant>(aliases.Count + 1);
        participants.Add(new(actor.Id, actor.Alias));
        var agents = await grains.GetGrain<IProjectGrain>(actor.ProjectId).Named([.. aliases]);
        for (var i = 0; i < aliases.Count; i++)
            participants.Add(agents[i] is { } agent ? new(agent.AgentId, agent.Alias) : throw ApiException.NotFound($"Agent not found: {aliases[i]}"));
        return participants.DrainToImmutable();
    }

    private static PendingList ToPending(PendingView view) => new(
        [.. view.Pending.Select(p => new PendingItem(p.SessionId, p.Participants, p.LastMessage, p.LastFrom, p.UnreadCount, p.LastActivity, p.SenderWaiting, 0))],
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
