using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Hives;

namespace Beadhub.Gateway.Hives;

/// <summary>
/// <c>GET /api/v1/hives/{name}/stream</c>: what happens in a hive, as server-sent events. Every event has its place in the hive's log
/// as its id, and <c>Last-Event-ID</c> goes on from there without loss.
/// </summary>
internal sealed class HiveStream(HiveCallers callers, FeedHub hub, EventStreams streams)
{
    private const int PageSize = 100;

    private static readonly Field<string> LastId = new(
        "Last-Event-ID", Place.Header, Schemas.Integer("The last event that was seen: the stream goes on after it", 0, int.MaxValue), false,
        static fields => fields.Header("Last-Event-ID"));

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/api/v1/hives", "hives", "Places to talk across teams and sites")
            .Get("/{name}/stream", "streamHive", "What happens in a hive, as server-sent events").Needs(Caller.Actor)
            .Takes(HiveFields.Hive, LastId)
            .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(LastId)))
            .Streams(),
        routes.Make<HiveStream>().Get);

    private async Task<EventStream> Get((string Hive, string LastId) request, Actor actor)
    {
        var hive = await callers.Hive(request.Hive).Find(actor.Id) ?? throw ApiException.NotFound("Hive not found");
        return new(http => streams.Serve(http, actor.Who, "hive", async () =>
        {
            var feed = await hub.Watch(hive.GroupId);
            var position = long.TryParse(request.LastId, out var id) && id >= 0 ? Math.Min(id, feed.Last) : feed.Last;
            return new Events(callers.Hive(request.Hive), hub, hive.GroupId, feed, position, actor.Id, http);
        }));
    }

    private sealed class Events(IHiveGrain hive, FeedHub hub, string groupId, ProjectFeed feed, long position, string agentId,
        HttpContext http) : IStreamedEvents
    {
        public long Newest => feed.Last;

        public long Position { get; private set; } = position;

        public Task News => feed.News;

        public Task Begin(Stream to, CancellationToken ended) => Task.CompletedTask;

        public async Task<bool> Write(Stream to, CancellationToken ended)
        {
            if (Position >= feed.Last) return false;
            HiveChanges page;
            try
            {
                page = await hive.Changes(agentId, Position, PageSize);
            }
            catch (RefusedException)
            {
                // The viewer is no member any more, or the hive has ended.
                http.Abort();
                return false;
            }

            Position = Math.Max(page.Reached, Position);
            foreach (var change in page.Changes) await to.WriteAsync(Frame(change), ended);
            return !page.Changes.IsEmpty;
        }

        public async ValueTask Look() => await feed.CatchUp();

        public async ValueTask DisposeAsync() => await hub.Leave(groupId);

        private static byte[] Frame(HiveChanged change)
        {
            using var buffer = new MemoryStream();
            buffer.Write(Encoding.UTF8.GetBytes($"id: {change.Seq}\nevent: {change.Type}\ndata: "));
            using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
            {
                json.WriteStartObject();
                json.WriteNumber("seq", change.Seq);
                json.WriteString("type", change.Type);
                json.WriteString("origin_instance_id", change.Instance);
                json.WriteString("at", IsoTime.Text(change.At));
                if (change.PostId is not null) json.WriteString("post_id", change.PostId);
                if (change.CommentId is not null) json.WriteString("comment_id", change.CommentId);
                if (change.Type == HiveEventTypes.VoteCast)
                {
                    json.WriteNumber("score", change.Score);
                    json.WriteNumber("delta", change.Delta);
                }
                else
                {
                    json.WritePropertyName("payload");
                    // Written anew: what a peer has sent may have lines, and a line ends a field here.
                    using var payload = JsonDocument.Parse(change.Payload);
                    payload.RootElement.WriteTo(json);
                }

                json.WriteEndObject();
            }

            buffer.Write("\n\n"u8);
            return buffer.ToArray();
        }
    }
}
