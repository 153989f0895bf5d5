using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/status/stream</c>: what happens in the project, as server-sent events (contract 14). Every event has the feed position as its id,
/// and <c>Last-Event-ID</c> goes on from there without loss.
/// </summary>
/// <remarks>Written by hand because the framework's writer of server-sent events knows no comments, which keep idle connections open.</remarks>
internal sealed class StatusStream(
    IGrainFactory grains, Identification identification, FeedHub hub, StreamMetrics metrics, GatewaySettings settings, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private static readonly ReadOnlyMemory<byte> KeepAlive = ": keepalive\n\n"u8.ToArray();

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Stream("/v1/status/stream", routes.Make<StatusStream>().Get).WithTags("status").Says("What happens in the project, as server-sent events", 401, 404, 422);

    private async Task Get(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id");
        var repo = query.Text("repo", 255);
        var humanName = query.Text("human_name", 64);
        var limit = query.Integer("limit", 200, 1, 1000);
        var eventTypes = query.Text("event_types");
        FieldNotes.Of(http)?.NoteHeader(FieldNote.Integer("Last-Event-ID", required: false, 0, int.MaxValue));
        query.Done();

        var who = await identification.Of(http);
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace);
        if (!string.IsNullOrEmpty(repo) && !Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo format: {repo}");
        var scope = await grains.GetGrain<IProjectGrain>(who.ProjectId).Scope(
            new(workspaceId, string.IsNullOrEmpty(repo) ? null : repo, string.IsNullOrEmpty(humanName) ? null : humanName, limit));
        var categories = Categories(eventTypes);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        var feed = await hub.Watch(who.ProjectId);
        using var open = metrics.Open("status", () => feed.Last);
        try
        {
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-cache";
            http.Response.Headers["X-Accel-Buffering"] = "no";
            await http.Response.Body.FlushAsync(ended.Token);
            await Follow(http, feed, open, Start(http, feed), scope.WorkspaceIds, categories, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client left or the server stops: either way the client comes back with the last id.
        }
        finally
        {
            await hub.Leave(who.ProjectId);
        }
    }

    private async Task Follow(
        HttpContext http, ProjectFeed feed, OpenStream open, long position, ImmutableHashSet<string>? workspaces, HashSet<string>? categories, CancellationToken ended)
    {
        while (true)
        {
            var news = feed.News;
            var before = position;
            (var frames, position) = await feed.Read(position);
            var sent = false;
            foreach (var frame in frames)
            {
                if (workspaces is not null && (frame.WorkspaceId is null || !workspaces.Contains(frame.WorkspaceId))) continue;
                if (categories is not null && !categories.Contains(frame.Category)) continue;
                await http.Response.Body.WriteAsync(frame.Bytes, ended);
                sent = true;
            }

            if (sent) await http.Response.Body.FlushAsync(ended);
            open.Reached(position);
            if (position > before) continue;
            try
            {
                await news.WaitAsync(settings.KeepAlive, time, ended);
            }
            catch (TimeoutException)
            {
                await http.Response.Body.WriteAsync(KeepAlive, ended);
                await http.Response.Body.FlushAsync(ended);
                // Should a wake-up ever be lost, a quiet stream still looks.
                await feed.CatchUp();
            }
        }
    }

    private static long Start(HttpContext http, ProjectFeed feed)
    {
        var last = feed.Last;
        return long.TryParse(http.Request.Headers["Last-Event-ID"], out var id) && id >= 0 ? Math.Min(id, last) : last;
    }

    private static HashSet<string>? Categories(string? text)
    {
        if (text is null) return null;
        var wanted = text.Split(',').Select(c => c.Trim().ToLowerInvariant()).ToHashSet();
        var unknown = wanted.Where(c => !WireEvents.Categories.Contains(c)).Order(StringComparer.Ordinal).ToList();
        return unknown.Count == 0
            ? wanted
            : throw ApiException.Unprocessable($"Invalid event types: {string.Join(", ", unknown)}. Valid types: {string.Join(", ", WireEvents.Categories)}");
    }
}
