using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/status/stream</c>: what happens in the project, as server-sent events (contract 14). Every event has the feed position as
/// its id,
/// and <c>Last-Event-ID</c> goes on from there without loss.
/// </summary>
internal sealed class StatusStream(IGrainFactory grains, FeedHub hub, EventStreams streams)
{
    private static readonly Field<string?> Workspace = CommonFields.WorkspaceFilter("workspace_id", "Only what concerns this workspace");
    private static readonly Field<string?> Repo = InQuery.Filter("repo", "Only what concerns this canonical origin", 255)
        .AfterCaller(static repo => repo is null || Names.IsCanonicalOrigin(repo)
            ? repo : throw ApiException.Unprocessable($"Invalid repo format: {repo}"));
    private static readonly Field<string?> HumanName = InQuery.Filter("human_name", "Only what concerns this human's workspaces", 64);
    private static readonly Field<int> Limit = InQuery.Integer("limit", "How many workspaces at most", 200, 1, 1000);
    private static readonly Field<HashSet<string>?> Types =
        InQuery.Text("event_types", $"Only these categories, with commas, or all; {string.Join(", ", WireEvents.UnlessAsked)} unless given")
            .AfterCaller(WireEvents.Named);
    private static readonly Field<string> LastId = new(
        "Last-Event-ID", Place.Header, Schemas.Integer("The last event that was seen: the stream goes on after it", 0, int.MaxValue), false,
        static fields => fields.Header("Last-Event-ID"));

    // For a page that opens a stream anew: it cannot send the header.
    private static readonly Field<string?> LastIdInQuery = InQuery.Text("last_event_id", "The same, where no header can be sent", 20);

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/status/stream", "status", "Who is there, works on what, and what happens")
            .Get("", "streamStatus", "What happens in the project, as server-sent events").Needs(Caller.Reader)
            .Takes(Workspace, Repo, HumanName, Limit, Types, LastId, LastIdInQuery)
            .Bind(static fields => (
                Scope: new ScopeQuery(fields.Get(Workspace), fields.Get(Repo), fields.Get(HumanName), fields.Get(Limit)),
                Categories: fields.Get(Types),
                LastId: fields.Get(LastIdInQuery) is var inQuery && fields.Get(LastId) is { Length: > 0 } id ? id : inQuery ?? ""))
            .Streams(),
        routes.Make<StatusStream>().Get);

    private async Task<EventStream> Get((ScopeQuery Scope, HashSet<string>? Categories, string LastId) request, ProjectIdentity who)
    {
        var scope = await grains.GetGrain<IProjectGrain>(who.ProjectId).Scope(request.Scope);
        return new(http => streams.Serve(http, who, "status", async () =>
        {
            var feed = await hub.Watch(who.ProjectId);
            var position = Start(request.LastId, feed);
            return new Events(hub, who.ProjectId, feed, position, ConversationReader.Of(who), scope.WorkspaceIds,
                WireEvents.ShownTo(who, request.Categories ?? [.. WireEvents.UnlessAsked]));
        }));
    }

    /// <summary>The project's events after a position, of some workspaces and categories or of all.</summary>
    private sealed class Events(
        FeedHub hub, string projectId, ProjectFeed feed, long position, ConversationReader reader, ImmutableHashSet<string>? workspaces,
        HashSet<string> categories) : IStreamedEvents
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
                if (!categories.Contains(frame.Category)) continue;
                await to.WriteAsync(frame.For(reader), ended);
                wrote = true;
            }

            return wrote;
        }

        public async ValueTask Look() => await feed.CatchUp();

        public async ValueTask DisposeAsync() => await hub.Leave(projectId);
    }

    private static long Start(string lastId, ProjectFeed feed)
    {
        var last = feed.Last;
        return long.TryParse(lastId, out var id) && id >= 0 ? Math.Min(id, last) : last;
    }
}
