using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Microsoft.Extensions.Primitives;

namespace Beadhub.Gateway.Streaming;

/// <summary>
/// Serves every stream of server-sent events: counts a caller's open ones, opens, follows what is new, keeps a silent connection alive, and
/// ends at the deadline, when the client left or may no longer read, or when the server stops. A slow client holds up its own stream only:
/// it reads on from the log.
/// </summary>
/// <remarks>Written by hand because the framework's writer of server-sent events knows no comments, which keep idle connections
/// open.</remarks>
internal sealed class EventStreams(Identification identification, StreamMetrics metrics, GatewaySettings settings, TimeProvider time,
    IHostApplicationLifetime lifetime)
{
    /// <summary>A comment, which every client skips.</summary>
    public static readonly ReadOnlyMemory<byte> KeepAlive = ": keepalive\n\n"u8.ToArray();

    private const int RetryAfterSeconds = 10;
    private const string Chat = "chat";

    // In the place of a sort of stream: all that a project has open.
    private const string Project = "project";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(24);

    private readonly Dictionary<(string Caller, string? Sort), int> _open = [];

    /// <summary>Serves a stream until it ends.</summary>
    /// <param name="http">The request.</param>
    /// <param name="who">Who asked.</param>
    /// <param name="sort"><c>status</c>, <c>events</c> or <c>chat</c>.</param>
    /// <param name="open">Takes the position from which the stream shows what is new, before the client hears of its stream.</param>
    /// <param name="deadline">When it ends; null for never.</param>
    /// <param name="silence">After how long a comment is sent; the setting's time unless this is shorter.</param>
    /// <exception cref="ApiException">429 when the caller has too many open.</exception>
    public async Task Serve(
        HttpContext http, ProjectIdentity who, string sort, Func<Task<IStreamedEvents>> open, DateTimeOffset? deadline = null,
        TimeSpan? silence = null)
    {
        // Its quota: of those for whom a proxy vouches nothing was asked yet.
        if (!who.Standing.Exists) who = await identification.WithStanding(who);
        var caller = Caller(who);
        Enter(who, caller, sort);
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
            // A client that stopped reading must not hold its stream for ever.
            if (deadline - time.GetUtcNow() is { Ticks: > 0 } left && left < LongestTimer) ended.CancelAfter(left + Grace);
            try
            {
                await using var events = await open();
                using var shown = metrics.Open(sort, () => events.Newest);
                Headers(http.Response);
                await http.Response.Body.FlushAsync(ended.Token);
                await events.Begin(http.Response.Body, ended.Token);
                await http.Response.Body.FlushAsync(ended.Token);
                await Follow(http, events, shown, deadline, silence < settings.KeepAlive ? silence.Value : settings.KeepAlive, ended.Token);
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                // The client left or does not read, or the server stops: the client comes back, with the last id where there is one.
            }
        }
        finally
        {
            Leave(who, caller, sort);
        }
    }

    private async Task Follow(HttpContext http, IStreamedEvents events, OpenStream shown, DateTimeOffset? deadline, TimeSpan silence,
        CancellationToken ended)
    {
        var (body, lookAgainAt) = (http.Response.Body, time.GetUtcNow() + settings.KeepAlive);
        while (true)
        {
            if (time.GetUtcNow() >= lookAgainAt)
            {
                if (!await MayStillRead(http)) return;
                lookAgainAt = time.GetUtcNow() + settings.KeepAlive;
            }

            var wait = silence;
            if (deadline - time.GetUtcNow() is { } left)
            {
                if (left <= TimeSpan.Zero) return;
                if (left < wait) wait = left;
            }

            var news = events.News;
            var before = events.Position;
            if (await events.Write(body, ended)) await body.FlushAsync(ended);
            shown.Reached(events.Position);
            if (events.Position > before) continue;

            await news.WaitAsync(wait, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.ThrowIfCancellationRequested();
            if (news.IsCompleted || time.GetUtcNow() >= deadline) continue;
            await body.WriteAsync(KeepAlive, ended);
            await body.FlushAsync(ended);
            await events.Look();
        }
    }

    /// <summary>Whether who has opened the stream would be let in again: its key may have been revoked since, or the project have become
    /// private.</summary>
    private async ValueTask<bool> MayStillRead(HttpContext http)
    {
        try
        {
            await identification.ReaderOf(http);
            return true;
        }
        catch (ApiException)
        {
            return false;
        }
        catch (UnavailableException)
        {
            // Nobody can be asked just now; what comes is read from the same store.
            return true;
        }
    }

    private static void Headers(HttpResponse response)
    {
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        // A node that is about to stop has said "close".
        if (StringValues.IsNullOrEmpty(response.Headers.Connection)) response.Headers.Connection = "keep-alive";
    }

    // A user of the proxy counts alone, since all of them may come as one service agent; who speaks for no agent counts by the key.
    private static string Caller(ProjectIdentity who) => who.UserId ?? who.AgentId ?? who.ApiKeyId ?? who.ProjectId;

    /// <summary>Streams that a project's callers have open here.</summary>
    public int OpenOf(string project)
    {
        lock (_open) return _open.GetValueOrDefault((project, Project));
    }

    private void Enter(ProjectIdentity who, string caller, string sort)
    {
        lock (_open)
        {
            Check(caller, null, settings.StreamsPerAgent, "event streams");
            if (sort == Chat && settings.ChatStreamsPerAgent is { } most) Check(caller, Chat, most, "chat streams");
            if (who.Standing.Quotas?.Streams is { } quota && _open.GetValueOrDefault((who.ProjectId, Project)) is var open && open >= quota)
                throw new ApiException(StatusCodes.Status429TooManyRequests,
                    $"Too many open event streams: the project's quota is {quota} on a node") { RetryAfter = RetryAfterSeconds };
            Count(who, caller, sort, 1);
        }
    }

    private void Leave(ProjectIdentity who, string caller, string sort)
    {
        lock (_open) Count(who, caller, sort, -1);
    }

    private void Check(string caller, string? sort, int most, string what)
    {
        if (_open.GetValueOrDefault((caller, sort)) < most) return;
        throw new ApiException(StatusCodes.Status429TooManyRequests,
            $"Too many open {what}: at most {most} for one agent") { RetryAfter = RetryAfterSeconds };
    }

    private void Count(ProjectIdentity who, string caller, string sort, int by)
    {
        foreach (var key in new[] { (caller, null), (caller, (string?)sort), (who.ProjectId, Project) })
        {
            var count = _open.GetValueOrDefault(key) + by;
            if (count == 0) _open.Remove(key);
            else _open[key] = count;
        }
    }
}

/// <summary>An answer of server-sent events.</summary>
/// <param name="serve">Serves it until it ends.</param>
internal sealed class EventStream(Func<HttpContext, Task> serve) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        // What a stream reads later must be newer than the request that began it.
        ReadBarrier.Leave();
        return serve(httpContext);
    }
}
