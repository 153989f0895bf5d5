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
internal sealed class StatusStream(IGrainFactory grains, Identification identification, FeedHub hub, EventStreams streams)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Stream("/v1/status/stream", routes.Make<StatusStream>().Get).WithTags("status").Says("What happens in the project, as server-sent events", 401, 404, 422, 429);

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

        await streams.Serve(http, who, "status", async () =>
        {
            var feed = await hub.Watch(who.ProjectId);
            return new Events(hub, who.ProjectId, feed, Start(http, feed), ConversationReader.Of(who), scope.WorkspaceIds, categories);
        });
    }

    /// <summary>The project's events after a position, of some workspaces and categories or of all.</summary>
    private sealed class Events(
        FeedHub hub, string projectId, ProjectFeed feed, long position, ConversationReader reader, ImmutableHashSet<string>? workspaces, HashSet<string>? categories) : IStreamedEvents
    {
        public long Newest => feed.Last;

        public long Position { get; private set; } = position;

        public Task News => feed.News;

        public Task Begin(Stream to, CancellationToken ended) => Task.CompletedTask;

        public async Task<bool> Write(Stream to, CancellationToken ended)
        {
            (var frames, Position) = await feed.Read(Position);
            var wrote = false;
            foreach (var frame in frames)
            {
                if (workspaces is not null && (frame.WorkspaceId is null || !workspaces.Contains(frame.WorkspaceId))) continue;
                if (categories is not null && !categories.Contains(frame.Category)) continue;
                await to.WriteAsync(frame.For(reader), ended);
                wrote = true;
            }

            return wrote;
        }

        public async ValueTask Look() => await feed.CatchUp();

        public async ValueTask DisposeAsync() => await hub.Leave(projectId);
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
