using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>What administrators do with groups and peers, and what becomes of it at the other site.</summary>
public sealed class AdministrationTests
{
    private const string Peers = "/api/v1/sync/peers";
    private const string Groups = "/api/v1/sync/groups";

    [Fact]
    public async Task Peers_and_groups_are_tried_changed_joined_taken_anew_and_ended()
    {
        var sites = await Task.WhenAll(Site.Start("berlin", ("BEADHUB_SYNC_GOSSIP_HUB_TTL", "0")), Site.Start("lima"));
        await using var a = sites[0];
        await using var b = sites[1];
        var alice = a.Api.As(await a.Agent("alice"));
        foreach (var hive in new[] { "eng", "ops" }) (await alice.Post("/api/v1/hives", new { name = hive })).Status.ShouldBe(201);
        await Post("eng", "one");
        var id = await a.Add(b);
        var back = await b.Add(a);
        await Site.Alike(1, 30, a, b);

        // What a hub says of a site counts less than an administrator's word, and nobody is entered twice.
        (await a.Admin.Post(Peers, new { name = "x", sync_endpoint = b.Endpoint, shared_hives = new[] { "eng" } })).Status.ShouldBe(409);
        var hub = (await a.Admin.Post(Peers,
            new { name = "x", sync_endpoint = b.Endpoint, shared_hives = new[] { "eng" }, source = "hub" })).Ok();
        (hub.Text("id"), hub.Text("name"), hub.Text("source")).ShouldBe((id, "lima", "manual"));
        var other = (await a.Admin.Post(Peers,
            new { name = "away", sync_endpoint = "http://127.0.0.1:9/sync/v1", shared_hives = new[] { "eng" }, source = "hub" })).Ok();
        (other.Text("source"), other.Number("gossip_ttl"), other.Number("is_manual")).ShouldBe(("hub", 0, 0));
        (await a.Admin.Delete($"{Peers}/{other.Text("id")}")).Status.ShouldBe(204);

        var tested = (await a.Admin.Post($"{Peers}/{id}/test")).Ok();
        (tested.Flag("reachable"), tested.Text("status")).ShouldBe((true, "active"));
        tested.Text("peer_instance_id").ShouldStartWith("bh_");
        var changed = (await a.Admin.Patch($"{Peers}/{id}", new { name = "Lima", shared_hives = new[] { "eng", "ops" } })).Ok();
        (changed.Text("name"), string.Join(',', changed.Texts("shared_hives"))).ShouldBe(("Lima", "eng,ops"));
        (await b.Admin.Post($"{Groups}/join", new { hive_name = "ops", peer_id = back })).Ok();
        await Post("ops", "two");
        await Site.Until(async () => await b.StateHash("ops") is { Length: > 0 } hash && hash == await a.StateHash("ops")
            && (await b.Log("ops")).Any(static e => e.Text("event_type") == "post_created") ? null : "the second hive has not come");

        // Everything again: nothing is doubled.
        var group = (await a.Group())!.Value.Text("id");
        var before = (await b.Log()).Length;
        (await a.Admin.Post($"{Groups}/{group}/resync")).Ok().Items("results").ShouldHaveSingleItem();
        var rotated = (await a.Admin.Post($"{Groups}/{group}/rotate-key")).Ok();
        rotated.Number("key_version").ShouldBe(2);
        await Post("eng", "three");
        (await a.Admin.Post($"{Groups}/{group}/join")).Ok();
        await Site.Alike(2, 30, a, b);
        (await b.Log()).Length.ShouldBe(before + 2); // the new key, and the post
        (await b.Group())!.Value.Items("refused").ShouldBeEmpty();

        (await b.Admin.Delete($"{Groups}/{(await b.Group("ops"))!.Value.Text("id")}")).Status.ShouldBe(204);
        (await b.Group("ops")).ShouldBeNull();
        (await b.Admin.Delete($"{Peers}/{back}")).Status.ShouldBe(204);
        (await a.Admin.Delete($"{Peers}/{id}")).Status.ShouldBe(204);
        (await a.Admin.Get(Peers)).Ok().Items("data").ShouldBeEmpty();
        // Who was removed is refused, though it asks again and again and others tell of it, until it is added by hand.
        (await a.Admin.Get(Peers)).Ok().Pluck("refused", "sync_endpoint").ShouldContain(b.Endpoint);
        (await a.Admin.Post(Peers, new { name = "x", sync_endpoint = b.Endpoint, shared_hives = new[] { "eng" }, source = "hub" }))
            .Status.ShouldBe(409);
        back = await b.Add(a);
        await Site.Until(async () => (await b.Admin.Get(Peers)).Ok().Find("data", "id", back).Maybe("last_error")
            ?.Contains("removed here", StringComparison.Ordinal) == true ? null : "it was not refused");
        await Post("eng", "four");
        (await a.Group())!.Value.Items("peers").ShouldBeEmpty();
        await a.Add(b);
        await Site.Alike(3, 30, a, b);
        (await a.Admin.Get(Peers)).Ok().Pluck("refused", "sync_endpoint").ShouldNotContain(b.Endpoint);
        foreach (var what in new[] { "resync", "rotate-key", "join" })
            (await a.Admin.Post($"{Groups}/sg_none/{what}")).Status.ShouldBe(404, what);
        (await a.Admin.Post($"{Peers}/{id}/test")).Status.ShouldBe(404);
        foreach (var path in new[] { $"{Peers}/{id}", $"{Groups}/sg_none" }) (await a.Admin.Delete(path)).Status.ShouldBe(404, path);
        (await a.Admin.Patch($"{Peers}/{id}", new { name = "x" })).Status.ShouldBe(404);

        async Task Post(string hive, string title) =>
            (await alice.Post("/api/v1/posts", new { hive, title, content = "text" })).Status.ShouldBe(201);
    }

    [Fact]
    public async Task A_site_whose_secret_key_was_lost_says_so_and_goes_on_with_the_right_one()
    {
        var keys = new[] { new string('1', 64), new string('2', 64) };
        await using var site = await Site.Start("berlin", ("BEADHUB_SECRET_KEY", keys[0]));
        var alice = await site.Agent("alice");
        (await site.Api.As(alice).Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
        await site.Kill();
        site.Set("BEADHUB_SECRET_KEY", keys[1]);
        await site.Restart();

        var refused = await Post();
        refused.Status.ShouldBe(503, refused.ToString());
        refused.Json.Text("message").ShouldContain("BEADHUB_SECRET_KEY");
        (await site.Api.As(alice).Get("/api/v1/posts?hive=eng")).Status.ShouldBe(200);
        await site.Kill();
        site.Set("BEADHUB_SECRET_KEY", keys[0]);
        await site.Restart();
        (await Post()).Status.ShouldBe(201);

        Task<Answer> Post() => site.Api.As(alice).Post("/api/v1/posts", new { hive = "eng", title = "t", content = "x" });
    }
}
