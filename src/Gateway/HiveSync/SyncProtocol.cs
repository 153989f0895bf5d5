using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Microsoft.OpenApi;
using Orleans;

namespace Beadhub.Gateway.HiveSync;

/// <summary><c>/sync/v1</c>: what sites of a mesh say to each other, as an OpenHive says it.</summary>
internal sealed class SyncProtocol(IGrainFactory grains, SyncGroups groups, SyncLimits limits, Gossip gossip, MeshSettings settings)
{
    /// <summary>Largest body, as of an OpenHive.</summary>
    public const int MaxBody = 1024 * 1024;

    private const int ProtocolVersion = 1;
    private const int ScanAtOnce = 500;
    private const int MaxScanned = 20_000;
    private const int MaxPageChars = 8 * 1024 * 1024;

    private static readonly Field<string> GroupId = InPath.Text("id", "Id of the sync group at this site");
    private static readonly Field<string> GroupName = InBody.Required("sync_group_name", "Name under which the sites meet", 1, 200);
    private static readonly Field<string> SenderGroup = InBody.Required("sync_group_id", "Id of the group at the sender's site", 1, 200);
    private static readonly Field<string> Instance = InBody.Required("instance_id", "Instance id of the sender", 1, 128);
    private static readonly Field<string> SigningKey =
        InBody.Required("signing_key", "Ed25519 key of the sender: base64 of SPKI DER", 1, 200);
    private static readonly Field<string> Endpoint = InBody.Required("sync_endpoint", "Where the sender is reached", 1, 2048)
        .To<string>((text, out endpoint) => (endpoint = MeshSettings.EndpointOf(text)) is not null, "Invalid url")
        .Example("http://10.0.0.5:8000/sync/v1");
    private static readonly Field<int?> Version = InBody.Integer("protocol_version", "Version of the protocol", 0, 1_000_000);
    private static readonly Field<string> Proof = InHeader.Text(ProofHeader.Name, "A Beadhub's proof that it is who it says");
    private static readonly Field<int> Since = InQuery.Integer("since", "Seq of the last event that the caller has", 0, 0, int.MaxValue);
    private static readonly Field<int> Limit = InQuery.Integer("limit", "How many at most", 100, 1, 1000);
    private static readonly Field<ImmutableArray<ReceivedMeshEvent>> Events = InBody.Of("events",
        Schemas.List("Events, each with id, event_type, origin_instance_id, origin_ts, payload and signature", EventSchema(), 0, 100_000),
        true, ReadEvents);
    private static readonly Field<long> SenderSeq = InBody.Of("sender_seq",
        Schemas.Integer("Seq of the sender after the last of the events", 0, int.MaxValue), true,
        static fields => Number(fields, "sender_seq"));
    private static readonly Field<string> SinceSeq =
        InHeader.Text(ProofHeader.Since, "A Beadhub's seq after which the events follow: nothing that concerns the receiver is missing");
    private static readonly Field<JsonElement?> Seqs = InBody.Json("seq_by_hive", Schemas.Object("Seq of each hive that is shared"));
    private static readonly Field<JsonElement?> Told = InBody.Json("known_peers",
        Schemas.List("Peers that the sender knows", Schemas.Object(null), 0, 50));

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<SyncProtocol>();
        var requests = new RequestGroup("/sync/v1", "mesh", "What sites of a mesh say to each other");
        routes.Map(
            requests.Post("/handshake", "meshHandshake", "Ask to mesh with a group").Needs(Caller.Nobody)
                .Takes(GroupName, SenderGroup, Instance, SigningKey, Endpoint, Version, Proof).Fails(403, 404).AnswersSecret()
                .Bind(static fields => (Name: fields.Get(GroupName), Version: fields.Get(Version),
                    Offer: new HandshakeOffer(fields.Get(Instance), fields.Get(SenderGroup), fields.Get(SigningKey),
                        fields.Get(Endpoint), ProofHeader.Read(fields.Get(Proof)))))
                .Answers(Wire.Types.HandshakeReply),
            (request, _, http) => endpoints.Handshake(request.Name, request.Version, request.Offer, http), Bounded);
        routes.Map(
            requests.Get("/groups/{id}/events", "meshPull", "Events of the log after a seq").Needs(SyncGroups.Caller)
                .Takes(GroupId, Since, Limit)
                .Bind(static fields => (Id: fields.Get(GroupId), Since: fields.Get(Since), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.PullReply),
            (request, caller) => endpoints.Pull(request.Id, request.Since, request.Limit, caller));
        routes.Map(
            requests.Get("/groups/{id}/snapshot", "meshSnapshot",
                    "Events of the log after a seq without those that later ones have superseded, for a Beadhub that is new or far behind")
                .Needs(SyncGroups.Caller)
                .Takes(GroupId, Since, Limit).Fails(404)
                .Bind(static fields => (Id: fields.Get(GroupId), Since: fields.Get(Since), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.PullReply),
            (request, caller) => endpoints.Snapshot(request.Id, request.Since, request.Limit, caller));
        routes.Map(
            requests.Post("/groups/{id}/events", "meshPush", "Take events: those that are new and good are stored").Needs(SyncGroups.Caller)
                .Takes(GroupId, Events, SenderSeq, SinceSeq).Fails(404)
                .Bind(static fields => (Id: fields.Get(GroupId), Events: fields.Get(Events), Seq: fields.Get(SenderSeq),
                    Since: fields.Get(SinceSeq)))
                .Answers(Wire.Types.PushReply),
            (request, caller, _) => endpoints.Push(request.Id, request.Events, request.Seq, request.Since, caller), Bounded);
        routes.Map(
            requests.Post("/heartbeat", "meshHeartbeat", "Tell how far the logs are, and which peers there are").Needs(SyncGroups.Caller)
                .Takes(Instance, Seqs, Told)
                .Bind(static fields => (Instance: fields.Get(Instance), Told: fields.Get(Told)))
                .Answers(Wire.Types.HeartbeatBody),
            (request, caller, _) => endpoints.Heartbeat(request.Told, caller), Bounded);
        routes.Map(
            requests.Get("/groups/{id}/status", "meshStatus", "How a group does").Needs(SyncGroups.Caller).Takes(GroupId).Fails(404)
                .Bind(static fields => fields.Get(GroupId)).Answers(Wire.Types.SyncStatusReply),
            endpoints.Status);
        routes.Map(
            requests.Post("/groups/{id}/leave", "meshLeave", "Leave a group: the token is void then").Needs(SyncGroups.Caller)
                .Takes(GroupId).Fails(404)
                .Bind(static fields => fields.Get(GroupId)).Answers(Wire.Types.SyncLeftReply),
            endpoints.Leave);
    }

    private async Task<HandshakeReply> Handshake(string name, int? version, HandshakeOffer offer, HttpContext http)
    {
        if (!settings.Enabled) throw new ApiException(StatusCodes.Status503ServiceUnavailable, "Sync is not enabled");
        if (!groups.Admits(http)) throw ApiException.Forbidden("Invalid or missing handshake secret");
        if (await limits.TakeHandshake(http.Connection.RemoteIpAddress?.ToString() ?? "") is { Ticks: > 0 } wait)
            throw ApiException.TooMany("Sync rate limit exceeded", wait);
        if (version > ProtocolVersion)
            throw ApiException.NotFound(
                $"Incompatible sync protocol: peer requires v{version}, but this instance supports v{ProtocolVersion}.");
        if (new Uri(offer.Endpoint).IsLoopback && http.Connection.RemoteIpAddress is { } from && !IPAddress.IsLoopback(from))
            throw ApiException.Forbidden(
                "sync_endpoint leads to this machine, not to yours (a Beadhub is told its own by BEADHUB_SYNC_ENDPOINT)");
        var id = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.MeshName(name)).Find()
            ?? throw ApiException.NotFound($"Sync group {name} not found");
        if ((await grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key).Refused()).Any(site => site.Is(offer.InstanceId, offer.Endpoint)))
            throw ApiException.Forbidden("Handshake refused: this site was removed here and is to be added again by an administrator");
        HandshakeAnswer answer;
        try
        {
            answer = await grains.GetGrain<IHiveSyncSettingsGrain>(id).AnswerHandshake(offer);
        }
        catch (RefusedException e) when (e.Kind == RefusalKind.NotFound)
        {
            throw ApiException.NotFound($"Sync group {name} not found");
        }

        await TellKey(grains, id, offer.InstanceId, offer.SigningKey);
        var head = await grains.GetGrain<IHiveSyncGroupGrain>(id).Head();
        groups.Forget();
        http.Response.Headers[ProofHeader.Instance] = answer.Group.InstanceId;
        http.Response.Headers[ProofHeader.Name] = ProofHeader.Write(answer.Proof);
        return new(id, answer.Group.PublicKey, head, answer.Token, ProtocolVersion, answer.Group.KeyVersion);
    }

    /// <summary>Tells the key of an instance that is no Beadhub in the log: other sites verify its events by that.</summary>
    public static Task TellKey(IGrainFactory grains, string groupId, string instanceId, string key) =>
        instanceId.StartsWith("bh_", StringComparison.Ordinal) ? Task.CompletedTask
            : grains.GetGrain<IHiveSyncGroupGrain>(groupId).Write(new(
                [new("beadhub_peer_key", $$"""{"instance_id":"{{JsonEncodedText.Encode(instanceId)}}","key":"{{key}}"}""")],
                $"peer key {instanceId} {key}"));

    private async Task<PullReply> Pull(string id, long since, int limit, SyncCaller caller)
    {
        // Of a group that there is not, an OpenHive answers with an empty page.
        if (caller.Group.GroupId != id) return new([], since, false);
        var log = grains.GetGrain<IHiveSyncGroupGrain>(id);
        return await Pages(id, since, limit, caller, async after =>
        {
            var page = await log.Read(after, ScanAtOnce);
            return (page.Entries, page.Entries is [.., var last] ? last.Seq : after, page.Head);
        });
    }

    private async Task<PullReply> Snapshot(string id, long since, int limit, SyncCaller caller)
    {
        if (caller.Group.GroupId != id) throw ApiException.NotFound($"Sync group {id} not found");
        var hive = grains.GetGrain<IHiveGrain>(caller.Group.Hive);
        // What it has by this way it need not be sent.
        if (since > caller.Peer.LastSeqSent && since <= await grains.GetGrain<IHiveSyncGroupGrain>(id).Head())
            await grains.GetGrain<IHiveSyncSettingsGrain>(id).Advance(caller.Peer.InstanceId, since, -1);
        return await Pages(id, since, limit, caller, async after =>
        {
            var page = await hive.Snapshot(after, ScanAtOnce);
            return (page.Entries, page.Last, page.Head);
        });
    }

    private static async Task<PullReply> Pages(string id, long since, int limit, SyncCaller caller,
        Func<long, Task<(ImmutableArray<MeshEntry> Entries, long Last, long Head)>> read)
    {
        var events = ImmutableArray.CreateBuilder<SyncedEvent>();
        var (next, size) = (since, 0L);
        while (true)
        {
            var page = await read(next);
            var isEnd = page.Last == next;
            foreach (var entry in page.Entries)
            {
                // What is the caller's own, or came from it, is not sent back: an OpenHive would store it again.
                if (entry.Event.Origin != caller.Peer.InstanceId && entry.Event.Via != caller.Peer.InstanceId)
                {
                    size += entry.Event.Payload.Length;
                    if (events.Count == limit || (events.Count > 0 && size > MaxPageChars)) return new(events.ToImmutable(), next, true);
                    events.Add(SyncedEvent.Of(id, entry));
                }

                next = entry.Seq;
            }

            next = page.Last;
            // An empty page never says that there is more: an OpenHive would ask for it for ever.
            if (isEnd || next >= page.Head) return new(events.ToImmutable(), next, false);
            if (next - since >= MaxScanned && (events.Count > 0 || caller.Peer.IsBeadhub)) return new(events.ToImmutable(), next, true);
        }
    }

    private async Task<PushReply> Push(string id, ImmutableArray<ReceivedMeshEvent> events, long senderSeq, string since, SyncCaller caller)
    {
        if (caller.Group.GroupId != id) throw ApiException.NotFound($"Sync group {id} not found");
        if (await limits.Take(caller.Peer.InstanceId, events.Length) is { Ticks: > 0 } wait)
            throw ApiException.TooMany("Sync rate limit exceeded", wait);
        var done = await grains.GetGrain<IHiveSyncGroupGrain>(id).Ingest(new(events, caller.Peer.InstanceId));
        if (long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out var from) && done.Refused == 0)
            await grains.GetGrain<IHiveSyncSettingsGrain>(id).Pushed(caller.Peer.InstanceId, from, senderSeq);
        return new(done.Head);
    }

    private async Task<HeartbeatBody> Heartbeat(JsonElement? told, SyncCaller caller)
    {
        await gossip.Hear(told, caller.Peer.InstanceId);
        return await gossip.Say(caller.Peer.InstanceId, withPeers: true);
    }

    private async Task<SyncStatusReply> Status(string id, SyncCaller caller)
    {
        if (caller.Group.GroupId != id) throw ApiException.NotFound($"Sync group {id} not found");
        var peers = await grains.GetGrain<IHiveSyncSettingsGrain>(id).Peers();
        return new(id, caller.Group.Hive, await grains.GetGrain<IHiveSyncGroupGrain>(id).Head(),
            [.. peers.Select(static peer => new SyncStatusPeer(peer.PeerId, peer.InstanceId, peer.Status, peer.LastSeqSent,
                peer.LastSeqReceived))], await groups.StateHash(caller.Group));
    }

    private async Task<SyncLeftReply> Leave(string id, SyncCaller caller)
    {
        if (caller.Group.GroupId != id) throw ApiException.NotFound($"Sync group {id} not found");
        await grains.GetGrain<IHiveSyncSettingsGrain>(id).Leave(caller.Peer.InstanceId);
        return new("left", id);
    }

    /// <summary>Refuses large bodies before they are read.</summary>
    private static Task Bounded(HttpContext http, RequestDelegate next)
    {
        if (http.Request.ContentLength > MaxBody) throw TooLarge();
        if (http.Request.ContentLength is null) http.Request.Body = new BoundedStream(http.Request.Body);
        return next(http);
    }

    private static ApiException TooLarge() => new(StatusCodes.Status413PayloadTooLarge, "Request body is too large");

    private static ImmutableArray<ReceivedMeshEvent> ReadEvents(RequestFields fields)
    {
        if (fields.Body.Json("events") is not { } list)
        {
            fields.Body.Fail("events", "Required");
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            fields.Body.Fail("events", "Expected array");
            return [];
        }

        var events = ImmutableArray.CreateBuilder<ReceivedMeshEvent>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && Text("id") is not null && Text("event_type") is { } type
                && Text("origin_instance_id") is { } origin && Text("payload") is { } payload && Text("signature") is { } signature
                && item.TryGetProperty("origin_ts", out var ts) && ts.ValueKind == JsonValueKind.Number)
            {
                // A time that is no whole number is none that anybody has signed.
                events.Add(new(type, origin, ts.TryGetInt64(out var at) ? at : -1, payload, signature));
                continue;
            }

            fields.Body.Fail("events",
                "Each needs the texts id, event_type, origin_instance_id, payload and signature, and the number origin_ts");
            return [];

            string? Text(string name) =>
                item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }

        return events.ToImmutable();
    }

    private static long Number(RequestFields fields, string name)
    {
        if (fields.Body.Json(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) && value >= 0)
            return value;
        fields.Body.Fail(name, "Expected a whole number");
        return 0;
    }

    private static OpenApiSchema EventSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
        {
            ["id"] = Schemas.Text("Id at the sender's site"),
            ["event_type"] = Schemas.Text("Type"),
            ["origin_instance_id"] = Schemas.Text("Instance that made it"),
            ["origin_ts"] = Schemas.Integer("When: milliseconds since 1970", 0, int.MaxValue),
            ["payload"] = Schemas.Text("JSON, as its origin has signed it"),
            ["signature"] = Schemas.Text("Ed25519 over the payload, base64"),
        },
        Required = new HashSet<string>(StringComparer.Ordinal)
        {
            "id", "event_type", "origin_instance_id", "origin_ts", "payload", "signature",
        },
    };

    /// <summary>A body without a length, up to the limit.</summary>
    private sealed class BoundedStream(Stream inner) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            return (_read += count) <= MaxBody ? count : throw TooLarge();
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
