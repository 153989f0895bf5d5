using Beadhub.Chat;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/chat/sessions/{id}/stream</c>: a session's messages and read receipts as server-sent events, until a deadline (protocol 8.8). Who has one
/// open waits in the session, and others see it.
/// </summary>
internal sealed class ChatStream(
    IGrainFactory grains, Identification identification, ChatHub hub, ChatStreams streams, StreamMetrics metrics, GatewaySettings settings, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private static readonly ReadOnlyMemory<byte> KeepAlive = ": keepalive\n\n"u8.ToArray();

    // Clients and what is between take a silence for an end sooner than the status stream's.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(24);

    private readonly TimeSpan _silence = settings.KeepAlive < LongestSilence ? settings.KeepAlive : LongestSilence;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Stream("/v1/chat/sessions/{sessionId}/stream", routes.Make<ChatStream>().Get).WithTags("chat")
            .Says("A session's messages and read receipts, as server-sent events", 401, 403, 404, 422, 429);

    private async Task Get(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var deadlineText = query.Required("deadline");
        var afterText = query.Text("after");
        query.Done();

        var actor = await identification.ActorOf(http);
        var sessionId = Chats.SessionId(http);
        var key = IChatGrain.Key(actor.ProjectId, sessionId);
        var session = grains.GetGrain<IChatGrain>(key);
        await session.Participant(actor.Id);
        var deadline = ZonedTime.Parse(deadlineText, "deadline");
        var after = afterText is null ? default(DateTimeOffset?) : ZonedTime.Parse(afterText, "after");

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        // A client that stopped reading must not hold its stream, and be shown as waiting, for ever.
        if (deadline - time.GetUtcNow() is { Ticks: > 0 } left && left < LongestTimer) ended.CancelAfter(left + Grace);
        var seat = await streams.Enter(key, actor.Id);
        ChatFeed? feed = null;
        try
        {
            // Followed before the session is looked at: nothing falls between what was and what comes.
            feed = await hub.Follow(actor.ProjectId, sessionId);
            var opening = await session.Open(new(actor.Id, after, settings.ChatReplay));
            await feed.Reach(opening.Version);

            http.Response.ContentType = "text/event-stream; charset=utf-8";
            http.Response.Headers.CacheControl = "no-cache";
            http.Response.Headers.Connection = "keep-alive";
            http.Response.Headers["X-Accel-Buffering"] = "no";
            await Write(http, KeepAlive, ended.Token);
            await Replay(http, feed, opening, ended.Token);
            using var open = metrics.Open("chat", () => feed.Last);
            await Follow(http, feed, open, opening.Version, actor.Id, deadline, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client left or does not read, or the server stops.
        }
        finally
        {
            await streams.Leave(seat);
            if (feed is not null) await hub.Leave(feed);
        }
    }

    private static async Task Replay(HttpContext http, ChatFeed feed, ChatOpening opening, CancellationToken ended)
    {
        foreach (var frame in await feed.Render(opening.Replay)) await Write(http, frame.Bytes, ended);
        for (var version = opening.ReplayAfter ?? opening.Version; version < opening.Version;)
        {
            var before = version;
            (var frames, version) = await feed.ReadLog(version, message => message.Sequence <= opening.Count && opening.Shows(message));
            if (version == before) return;
            foreach (var frame in frames) await Write(http, frame.Bytes, ended);
        }
    }

    private async Task Follow(HttpContext http, ChatFeed feed, OpenStream open, long version, string agentId, DateTimeOffset deadline, CancellationToken ended)
    {
        while (true)
        {
            var left = deadline - time.GetUtcNow();
            if (left <= TimeSpan.Zero) return;
            var news = feed.News;
            var before = version;
            (var frames, version) = await feed.Read(version);
            foreach (var frame in frames)
                if (frame.ReaderId != agentId) await Write(http, frame.Bytes, ended);
            open.Reached(version);
            if (version > before) continue;

            await news.WaitAsync(left < _silence ? left : _silence, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.ThrowIfCancellationRequested();
            if (news.IsCompleted || time.GetUtcNow() >= deadline) continue;
            await Write(http, KeepAlive, ended);
            // Should an event ever be lost on its way, a quiet stream still looks.
            await feed.Check();
        }
    }

    // Written at once; a client that reads slowly holds up its own stream only.
    private static async Task Write(HttpContext http, ReadOnlyMemory<byte> bytes, CancellationToken ended)
    {
        await http.Response.Body.WriteAsync(bytes, ended);
        await http.Response.Body.FlushAsync(ended);
    }
}
