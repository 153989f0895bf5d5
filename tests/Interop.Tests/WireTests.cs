using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>The wire, by the bodies that were recorded between two OpenHives: ours have the same fields, and take theirs.</summary>
public sealed class WireTests : IAsyncLifetime
{
    private const string RecordedKey = "MCowBQYDK2VwAyEARa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8=";
    private const string RecordedPayload = """{"post_id":"tSLnCb1-BhzyTfX4nxon4","title":"Edited before pairing","updated_by":"""
        + """{"instance_id":"inst_a","agent_id":"BApH0n-6VzAOZ8Ijt261Q","name":"alice","avatar_url":null}}""";
    private const string RecordedSignature = "gZZoP+/exgqdFN7ki8YSGMjREuJeI7KYZU6mDzuj+T6H7uACE8VsPcV9P6h4+nfTUv1wTeM0wsIEamGAh/CjDQ==";

    private Site _site = null!;

    public async ValueTask InitializeAsync()
    {
        _site = await Site.Start("site", ("BEADHUB_SYNC_EVENTS_PER_SECOND", "50"), ("BEADHUB_SYNC_EVENTS_BURST", "200"));
        (await _site.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
    }

    public ValueTask DisposeAsync() => _site.DisposeAsync();

    [Fact]
    public async Task Answers_have_the_recorded_fields()
    {
        using var peer = new FakePeer(_site, "inst_b");
        var shaken = await peer.Handshake();
        Fields(shaken).ShouldBe(["sync_group_id", "signing_key", "current_seq", "sync_token", "protocol_version", "key_version"]);
        shaken.Body.Text("signing_key").ShouldStartWith("MCowBQYDK2VwAyEA");
        shaken.Body.Text("sync_token").ShouldMatch("^[0-9a-f]{64}$");

        var pushed = await peer.Push(peer.Post("p1"));
        Fields(pushed).ShouldBe(["received_seq"]);

        using var other = new FakePeer(_site, "inst_c");
        await other.Handshake();
        var pulled = await other.Pull(0);
        Fields(pulled).ShouldBe(["events", "next_seq", "has_more"]);
        var e = pulled.Body.Items("events").Single(item => item.Text("event_type") == "post_created");
        e.EnumerateObject().Select(static field => field.Name).ShouldBe(["id", "sync_group_id", "seq", "event_type", "origin_instance_id",
            "origin_ts", "payload", "signature", "received_at", "is_local"]);
        e.Text("received_at").ShouldMatch(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$");
        e.Number("is_local").ShouldBe(0);
        // An empty page does not say that there is more, and begins where it was asked for.
        var end = pulled.Body.Number("next_seq");
        var empty = (await other.Pull(end)).Body;
        (empty.Items("events").Length, empty.Number("next_seq"), empty.Flag("has_more")).ShouldBe((0, end, false));
        // What came from a peer is not sent back to it.
        (await peer.Pull(0)).Body.Items("events").ShouldAllBe(item => item.Text("origin_instance_id") != "inst_b");

        var beat = await peer.Post("/heartbeat", """{"instance_id":"inst_b","seq_by_hive":{"eng":186},"trace_id":"tr_tNiA4OGQEsDj","""
            + """ "known_peers":[{"sync_endpoint":"http://127.0.0.1:18199/sync/v1","name":"C","shared_hives":["eng"],"ttl":0}]}""");
        Fields(beat).ShouldBe(["instance_id", "seq_by_hive"]);
        beat.Body.At("seq_by_hive").Number("eng").ShouldBe(end);
        (await _site.Admin.Get("/api/v1/sync/peers")).Ok().Items("data").Single().Text("source").ShouldBe("gossip");

        var status = await peer.Get($"/groups/{peer.GroupId}/status");
        Fields(status).ShouldBe(["sync_group_id", "hive_name", "local_seq", "peers", "state_hash"]);
        status.Body.Items("peers")[0].EnumerateObject().Select(static field => field.Name)
            .ShouldBe(["id", "peer_swarm_id", "status", "last_seq_sent", "last_seq_received"]);

        var left = await peer.Post($"/groups/{peer.GroupId}/leave", "{}");
        (left.Status, left.Body.Text("status"), left.Body.Text("sync_group_id")).ShouldBe((200, "left", peer.GroupId));
        (await peer.Pull(0)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task An_event_that_an_OpenHive_has_signed_is_stored_byte_for_byte_and_once()
    {
        using var peer = new FakePeer(_site, "inst_a") { Key = RecordedKey };
        await peer.Handshake();
        var recorded = new
        {
            id = "evt_8vdSkeX6IePlkLLsxGCv6", event_type = "post_updated", origin_instance_id = "inst_a",
            origin_ts = 1_795_211_195_138, payload = RecordedPayload, signature = RecordedSignature,
        };
        var first = (await peer.Push(recorded, recorded)).Body.Number("received_seq");
        // Again, under another id, as an OpenHive does with each hop.
        (await peer.Push(recorded with { id = "evt_other" }, new
        {
            recorded.id, recorded.event_type, recorded.origin_instance_id, recorded.origin_ts, payload = RecordedPayload + " ",
            recorded.signature,
        })).Body.Number("received_seq").ShouldBe(first);

        (await _site.Log()).Where(static e => e.Text("event_type") == "post_updated").Select(static e => e.Text("payload"))
            .ShouldBe([RecordedPayload]);
        (await _site.Group())!.Value.Items("refused")[0].Text("reason").ShouldBe("the signature is not of its origin's key");
    }

    [Fact]
    public async Task Refusals_are_told_as_an_OpenHive_tells_them()
    {
        using var peer = new FakePeer(_site, "inst_d");
        await peer.Handshake();
        var path = $"/groups/{peer.GroupId}/events";

        // A proxy of which nothing is known stands in a private network, and may have brought anybody.
        using var brought = new FakePeer(_site, "inst_e") { ForwardedFor = "203.0.113.9" };
        (await brought.Handshake()).Status.ShouldBe(403);
        Told(await peer.Send(Request(path), "")).ShouldBe((401, "Unauthorized", "Missing Authorization header. Provide a sync token."));
        Told(await peer.Send(Request(path), new string('0', 64))).ShouldBe((401, "Unauthorized", "Invalid or expired sync token"));
        var old = peer.Token;
        await peer.Handshake();
        Told(await peer.Send(Request(path), old)).ShouldBe((401, "Unauthorized", "Invalid or expired sync token"));
        Told(await peer.Handshake(new
        {
            sync_group_name = "sync:eng:46zCJ4qz", sync_group_id = "x", instance_id = "y", signing_key = peer.Key,
            sync_endpoint = "http://127.0.0.1:9/sync/v1",
        })).ShouldBe((404, "Not Found", "Sync group sync:eng:46zCJ4qz not found"));
        Told(await peer.Handshake(new
        {
            sync_group_name = "eng", sync_group_id = "x", instance_id = "y", signing_key = peer.Key,
            sync_endpoint = "http://127.0.0.1:9/sync/v1", protocol_version = 99,
        })).ShouldBe((404, "Not Found", "Incompatible sync protocol: peer requires v99, but this instance supports v1."));
        var invalid = await peer.Handshake(new { sync_group_name = "eng" });
        (invalid.Status, invalid.Body.Text("error")).ShouldBe((400, "Validation Error"));
        invalid.Body.Items("details").Select(static one => one.Items("path")[0].GetString())
            .ShouldBe(["sync_group_id", "instance_id", "signing_key", "sync_endpoint"], ignoreOrder: true);
        (await peer.Post("/handshake", "{")).Status.ShouldBe(400);
        (await peer.Post(path, "{\"events\":[{}],\"sender_seq\":1}")).Status.ShouldBe(400);
        (await peer.Pull(0, 1001)).Status.ShouldBe(400);
        var large = await peer.Post(path, $$"""{"events":[],"sender_seq":1,"x":"{{new string('x', 1024 * 1024)}}"}""");
        (large.Status, large.Body.Text("code")).ShouldBe((413, "FST_ERR_CTP_BODY_TOO_LARGE"));
        (await peer.Post("/groups/nope/events", new { events = Array.Empty<object>(), sender_seq = 0 })).Status.ShouldBe(404);
        var unknown = await peer.Get("/groups/nope/events?since=7");
        (unknown.Status, unknown.Body.Number("next_seq"), unknown.Body.Flag("has_more")).ShouldBe((200, 7, false));
    }

    [Fact]
    public async Task A_peer_that_floods_is_told_to_wait_and_others_are_not()
    {
        using var peer = new FakePeer(_site, "inst_flood");
        using var other = new FakePeer(_site, "inst_calm");
        await peer.Handshake();
        await other.Handshake();
        var events = Enumerable.Range(0, 100).Select(i => peer.Post($"f{i}")).ToArray();
        (await peer.Push(events)).Status.ShouldBe(200);
        (await peer.Push(events)).Status.ShouldBe(200);
        var refused = await peer.Push(events);
        (refused.Status, refused.Body.Text("message")).ShouldBe((429, "Sync rate limit exceeded"));
        (await other.Push(other.Post("c1"))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task An_instance_that_does_not_prove_who_it_is_is_not_let_in()
    {
        using var peer = new FakePeer(_site, "bh_aaaaaaaaaaaaaaaaaaaaaaaaaa");
        (await peer.Handshake()).Status.ShouldBe(403);
        using var first = new FakePeer(_site, "inst_e");
        await first.Handshake();
        using var second = new FakePeer(_site, "inst_e") { Key = peer.Key };
        (await second.Handshake()).Status.ShouldBe(403);
    }

    private HttpRequestMessage Request(string path) => new(HttpMethod.Get, _site.Endpoint + path);

    private static IEnumerable<string> Fields((int Status, JsonElement Body) answer)
    {
        answer.Status.ShouldBe(200, answer.Body.ToString());
        return answer.Body.EnumerateObject().Select(static field => field.Name);
    }

    private static (int, string, string) Told((int Status, JsonElement Body) answer) =>
        (answer.Status, answer.Body.Text("error"), answer.Body.Text("message"));
}
