using Beadhub.Chat;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/chat/sessions/{id}/stream</c>: a session's messages and read receipts as server-sent events, until a deadline (protocol 8.8).
/// Who has one open waits in the session, and others see it.
/// </summary>
internal sealed class ChatStream(
    IGrainFactory grains, ChatHub hub, ChatStreams seats, EventStreams streams, IChatPresence presence, GatewaySettings settings)
{
    // Clients and what is between take a silence for an end sooner than the status stream's.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    private static readonly Field<string> Deadline = InQuery.Required("deadline", "When the stream ends, with its time zone");
    private static readonly Field<string?> After = InQuery.Text("after", "From when on messages of the past are shown, with its time zone");

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        Chats.Requests.Get("/sessions/{sessionId}/stream", "streamChat", "A session's messages and read receipts, as server-sent events")
            .Needs(Caller.Actor)
            .Takes(Chats.SessionId, Deadline, After)
            .Bind(static fields => (Deadline: fields.Get(Deadline), After: fields.Get(After), SessionId: fields.Get(Chats.SessionId)))
            .Streams(),
        routes.Make<ChatStream>().Get);

    private async Task<EventStream> Get((string Deadline, string? After, string SessionId) request, Actor actor)
    {
        var key = IChatGrain.Key(actor.ProjectId, request.SessionId);
        await grains.GetGrain<IChatGrain>(key).Participant(actor.Id);
        // Who takes no part in the session hears that first.
        var deadline = ZonedTime.Parse(request.Deadline, "deadline");
        var after = request.After is null ? default(DateTimeOffset?) : ZonedTime.Parse(request.After, "after");
        return new(http =>
            streams.Serve(http, actor.Who, "chat", () => Open(actor, request.SessionId, key, after), deadline, LongestSilence));
    }

    private async Task<IStreamedEvents> Open(Actor actor, string sessionId, string key, DateTimeOffset? after)
    {
        var seat = await seats.Enter(key, actor.Id);
        ChatFeed? feed = null;
        try
        {
            // Followed before the session is looked at: nothing falls between what was and what comes.
            feed = await hub.Follow(actor.ProjectId, sessionId);
            var opening = await grains.GetGrain<IChatGrain>(key)
                .Open(new(actor.Id, after, settings.ChatReplay, after is null ? await presence.LastListed(actor.Id) : null));
            await feed.Reach(opening.Version);
            return new Events(seats, seat, hub, feed, opening, actor.Id);
        }
        catch
        {
            await seats.Leave(seat);
            if (feed is not null) await hub.Leave(feed);
            throw;
        }
    }

    /// <summary>A session's messages, and who has read them; of the past what the opening says.</summary>
    private sealed class Events(ChatStreams seats, ChatSeat seat, ChatHub hub, ChatFeed feed, ChatOpening opening, string agentId)
        : IStreamedEvents
    {
        public long Newest => feed.Last;

        public long Position { get; private set; } = opening.Version;

        public Task News => feed.News;

        public async Task Begin(Stream to, CancellationToken ended)
        {
            await to.WriteAsync(EventStreams.KeepAlive, ended);
            foreach (var frame in await feed.Render(opening.Replay)) await to.WriteAsync(frame.Bytes, ended);
            for (var version = opening.ReplayAfter ?? opening.Version; version < opening.Version;)
            {
                var before = version;
                (var frames, version) = await feed.ReadLog(version, message => message.Sequence <= opening.Count && opening.Shows(message));
                if (version == before) return;
                foreach (var frame in frames) await to.WriteAsync(frame.Bytes, ended);
            }
        }

        public async Task<bool> Write(Stream to, CancellationToken ended)
        {
            (var frames, Position) = await feed.Read(Position);
            var wrote = false;
            foreach (var frame in frames)
            {
                if (frame.ReaderId == agentId) continue;
                await to.WriteAsync(frame.Bytes, ended);
                wrote = true;
            }

            return wrote;
        }

        public ValueTask Look() => feed.Check();

        public async ValueTask DisposeAsync()
        {
            await seats.Leave(seat);
            await hub.Leave(feed);
        }
    }
}
