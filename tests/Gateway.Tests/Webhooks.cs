using System.Diagnostics;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/webhooks: endpoints that are told of the project's events.</summary>
public abstract class WebhooksContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task An_event_is_delivered_signed_and_as_the_stream_shows_it()
    {
        await using var receiver = new WebhookReceiver();
        var (alice, bob) = await Two();
        await Reserve(alice, "before").Ok();
        var created = await Register(bob, receiver.Url).Ok();
        created.Text("secret").ShouldMatch("^whsec_[0-9a-f]{64}$");
        var id = created.At("webhook").Text("webhook_id");
        id.ShouldBeUuid();
        created.At("webhook").Text("status").ShouldBe("active");
        await using var stream = await alice.Stream();

        await Reserve(alice, "src/a.cs").Ok();

        var delivery = await receiver.Next();
        var streamed = await stream.Next();
        delivery.IsSignedWith(created.Text("secret")).ShouldBeTrue();
        delivery.IsSignedWith("whsec_wrong").ShouldBeFalse();
        delivery.Id.ShouldBe(delivery.Json.Text("delivery_id"));
        delivery.Json.Text("webhook_id").ShouldBe(id);
        delivery.Json.Text("project_id").ShouldBe(alice.ProjectId);
        var e = delivery.Json.Items("events").Single();
        e.At("position").GetInt64().ShouldBe(streamed.Position);
        foreach (var field in streamed.Data.EnumerateObject()) e.At(field.Name).GetRawText().ShouldBe(field.Value.GetRawText());
        e.EnumerateObject().Count().ShouldBe(streamed.Data.EnumerateObject().Count() + 1);

        var listed = await Until(bob, webhook => webhook.At("lag").GetInt64() == 0 && !webhook.IsNull("last_delivered_at"));
        listed.Text("url").ShouldBe(receiver.Url);
        listed.Number("failures").ShouldBe(0);
        listed.IsNull("last_error").ShouldBeTrue();
        listed.Text("created_by").ShouldBe(bob.Id);
        listed.Has("secret").ShouldBeFalse();
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_said_in_conversations_is_not_delivered()
    {
        await using var receiver = new WebhookReceiver();
        var (alice, bob) = await Two();
        await Register(bob, receiver.Url).Ok();

        await alice.Mail(bob, subject: "the subject").Ok();
        await alice.Chat("the text", bob);
        await Reserve(alice, "last").Ok();

        var events = await receiver.Until(e => e.Text("type") == "reservation.acquired");
        events.Select(e => (e.Text("type"), e.Has("subject") ? e.Text("subject") : e.Has("preview") ? e.Text("preview") : "-"))
            .ShouldBe([("message.delivered", ""), ("chat.message_sent", ""), ("reservation.acquired", "-")]);
    }

    [Fact]
    public async Task Events_come_in_order_and_once_while_all_goes_well()
    {
        await using var receiver = new WebhookReceiver();
        var (alice, bob) = await Two();
        await Register(bob, receiver.Url).Ok();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            for (var i = 0; i < 25; i++) await Reserve(alice, $"k{worker}-{i}").Ok();
        }));
        await Reserve(alice, "last").Ok();

        var events = await receiver.Until(e => e.Texts("paths").Contains("last"));
        events.Count.ShouldBe(201);
        events.SelectMany(e => e.Texts("paths")).Distinct().Count().ShouldBe(201);
        var positions = events.Select(e => e.At("position").GetInt64()).ToArray();
        positions.ShouldBe(positions.Order().Distinct());
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_delivered()
    {
        await using var released = new WebhookReceiver();
        await using var beads = new WebhookReceiver();
        var (alice, bob) = await Two();
        await Register(bob, released.Url, "reservation.released").Ok();
        await Register(bob, beads.Url, "bead").Ok();

        await Reserve(alice, "k").Ok();
        await alice.Claim("bd-1").Ok();
        await alice.Post("/v1/reservations/release", new { resource_key = "k" }).Ok();
        await alice.Close("bd-1").Ok();

        (await released.Next()).Json.Pluck("events", "type").ShouldBe(["reservation.released"]);
        var seen = await beads.Until(e => e.Text("type") == "bead.unclaimed");
        seen.ShouldAllBe(e => e.Text("type").StartsWith("bead."));
        seen.Select(e => e.Text("type")).ShouldContain("bead.claimed");
        released.TryNext(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_failed_delivery_is_sent_again_and_nothing_overtakes_it()
    {
        await using var receiver = new WebhookReceiver();
        receiver.Answer(500, 503);
        var (alice, bob) = await Two();
        var secret = (await Register(bob, receiver.Url).Ok()).Text("secret");

        await Reserve(alice, "first").Ok();
        var one = await receiver.Next();
        await Reserve(alice, "second").Ok();
        var two = await receiver.Next();
        var three = await receiver.Next();

        new[] { one, two, three }.Select(delivery => delivery.Status).ShouldBe([500, 503, 200]);
        (two.Id, two.Body).ShouldBe((one.Id, one.Body));
        (three.Id, three.Body).ShouldBe((one.Id, one.Body));
        three.IsSignedWith(secret).ShouldBeTrue();
        (await receiver.Next()).Json.Items("events").Single().Texts("paths").ShouldBe(["second"]);
        var listed = await Until(bob, webhook => webhook.Number("failures") == 0 && !webhook.IsNull("last_error"));
        listed.Text("last_error").ShouldBe("could not be delivered");
        listed.Text("status").ShouldBe("active");
    }

    [Theory]
    [InlineData(302)]
    [InlineData(307)]
    public async Task A_redirect_is_not_followed(int status)
    {
        await using var receiver = new WebhookReceiver();
        receiver.Answer(status);
        var (alice, bob) = await Two();
        await Register(bob, receiver.Url).Ok();

        await Reserve(alice, "k").Ok();

        (await receiver.Next()).Path.ShouldBe("/hook");
        (await receiver.Next()).Path.ShouldBe("/hook");
        (await Until(bob, webhook => !webhook.IsNull("last_error"))).Text("last_error").ShouldBe("could not be delivered");
    }

    [Fact]
    [OnAnyStore]
    public async Task A_target_that_hangs_delays_nobody_else()
    {
        await using var hanging = new WebhookReceiver();
        await using var well = new WebhookReceiver();
        hanging.Answer(Enumerable.Repeat(0, 100));
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await Register(agent, hanging.Url).Ok();
        await Register(agent, well.Url).Ok();
        await Register(other, well.Url).Ok();

        await Reserve(agent, "k").Ok();
        await hanging.Next();
        await well.Next();
        await Reserve(agent, "k2").Ok();
        (await well.Next()).Json.Items("events").Single().Texts("paths").ShouldBe(["k2"]);
        await Reserve(other, "k3").Ok();
        (await well.Next()).Json.Items("events").Single().Texts("paths").ShouldBe(["k3"]);

        // All that came while the first delivery still waited for its answer.
        hanging.TryNext(out _).ShouldBeFalse();
        (await agent.Get("/v1/webhooks").Ok()).Items("webhooks").ShouldAllBe(webhook => webhook.Number("failures") == 0);
    }

    [Fact]
    [OnAnyStore]
    public async Task A_target_that_hangs_is_tried_again()
    {
        await using var server = await Store.Own(("BEADHUB_WEBHOOKS_TIMEOUT_SECONDS", "1"));
        await using var hanging = new WebhookReceiver();
        hanging.Answer(Enumerable.Repeat(0, 100));
        var agent = await new Project(server.Api).Agent();
        await Register(agent, hanging.Url).Ok();

        await Reserve(agent, "k").Ok();
        await hanging.Next();

        (await hanging.Next()).Json.Items("events")[0].Texts("paths").ShouldBe(["k"]);
        (await Until(agent, webhook => webhook.Text("url") == hanging.Url && webhook.Number("failures") > 0)).Text("last_error")
            .ShouldBe("could not be delivered");
    }

    [Fact]
    public async Task Nothing_is_lost_when_the_server_dies()
    {
        await using var server = await Store.Own();
        await using var receiver = new WebhookReceiver();
        var agent = await new Project(server.Api).Agent();
        await Register(agent, receiver.Url).Ok();
        var seen = new List<JsonElement>();
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 20; i++) await Reserve(agent, $"k{round}-{i}").Ok();
            // Some may be delivered, some not; then some come that cannot be delivered.
            if (round == 1) receiver.Answer(500, 500);
            await server.Kill();
            await server.Restart();
            agent = agent.At(server.Api);
        }

        await Reserve(agent, "last").Ok();
        seen.AddRange(await receiver.Until(e => e.Texts("paths").Contains("last")));

        seen.SelectMany(e => e.Texts("paths")).Distinct().Count().ShouldBe(41);
        var firsts = seen.Select(e => e.At("position").GetInt64()).Distinct().ToArray();
        firsts.ShouldBe(firsts.Order());
    }

    [Fact]
    public async Task A_target_that_only_fails_is_disabled_and_goes_on_where_it_stopped()
    {
        await using var server = await Store.Own(("BEADHUB_WEBHOOKS_MAX_FAILURES", "2"));
        await using var receiver = new WebhookReceiver();
        receiver.Answer(500, 404);
        var agent = await new Project(server.Api).Agent();
        var id = (await Register(agent, receiver.Url).Ok()).At("webhook").Text("webhook_id");
        await Reserve(agent, "k").Ok();
        await receiver.Next();
        await receiver.Next();

        var disabled = await Until(agent, webhook => webhook.Text("status") == "disabled");
        disabled.Number("failures").ShouldBe(2);
        disabled.Text("last_error").ShouldBe("could not be delivered");
        disabled.At("lag").GetInt64().ShouldBeGreaterThan(0);
        await server.Kill();
        await server.Restart();
        agent = agent.At(server.Api);
        await Reserve(agent, "k2").Ok();
        receiver.TryNext(out _).ShouldBeFalse();

        (await agent.Post($"/v1/webhooks/{id}/enable").Ok()).Text("status").ShouldBe("active");
        (await receiver.Until(e => e.Texts("paths").Contains("k2"))).SelectMany(e => e.Texts("paths")).ShouldBe(["k", "k2"]);
        (await Until(agent, webhook => webhook.At("lag").GetInt64() == 0)).Text("status").ShouldBe("active");
    }

    [Fact]
    [OnAnyStore]
    public async Task Delivered_positions_do_not_feed_themselves()
    {
        await using var receiver = new WebhookReceiver();
        var (alice, bob) = await Two();
        await Register(bob, receiver.Url).Ok();
        await Register(bob, receiver.Url + "/2").Ok();
        await Reserve(alice, "k").Ok();
        await receiver.Next();
        await receiver.Next();
        var quiet = await Until(bob, webhook => webhook.At("lag").GetInt64() == 0 && !webhook.IsNull("last_delivered_at"));

        // Each endpoint's note of its position is an event, which the other passes over without a note.
        var last = quiet.At("position").GetInt64();
        await Task.Delay(TimeSpan.FromSeconds(3.5), TestContext.Current.CancellationToken);
        (await bob.Get("/v1/webhooks").Ok()).Items("webhooks").ShouldAllBe(webhook => webhook.At("position").GetInt64() <= last + 2);
    }

    [Fact]
    [OnAnyStore]
    public async Task A_secret_lies_in_no_file_and_a_lost_key_is_told()
    {
        await using var server = await Store.Fresh();
        await using var receiver = new WebhookReceiver();
        var agent = await new Project(server.Api).Agent();
        var secret = (await Register(agent, receiver.Url).Ok()).Text("secret");
        await Reserve(agent, "k").Ok();
        (await receiver.Next()).IsSignedWith(secret).ShouldBeTrue();
        await server.Kill();
        var database = server.DatabaseUrl["sqlite:".Length..];
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(database)!))
            (await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).AsSpan()
                .IndexOf(System.Text.Encoding.ASCII.GetBytes(secret)).ShouldBe(-1, file);
        var key = database + ".key";
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(key).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await server.Restart();
        agent = agent.At(server.Api);
        await Reserve(agent, "k2").Ok();
        (await receiver.Until(e => e.Texts("paths").Contains("k2"))).ShouldNotBeEmpty();
        await server.Kill();
        var kept = await File.ReadAllBytesAsync(key, TestContext.Current.CancellationToken);
        File.Delete(key);

        await server.Restart();
        agent = agent.At(server.Api);
        await Reserve(agent, "k3").Ok();
        (await Until(agent, webhook => webhook.Number("failures") > 0)).Text("last_error").ShouldStartWith("the secret cannot be opened");
        receiver.TryNext(out _).ShouldBeFalse("what is not signed is not sent");
        await Register(agent, receiver.Url).Ok();

        // With the key that was there all goes on.
        await server.Kill();
        await File.WriteAllBytesAsync(key, kept, TestContext.Current.CancellationToken);
        await server.Restart();
        agent = agent.At(server.Api);
        (await receiver.Until(e => e.Texts("paths").Contains("k3"))).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_deleted_webhook_is_quiet()
    {
        await using var receiver = new WebhookReceiver();
        await using var other = new WebhookReceiver();
        var (alice, bob) = await Two();
        var id = (await Register(bob, receiver.Url).Ok()).At("webhook").Text("webhook_id");
        await Register(bob, other.Url).Ok();

        (await bob.Delete($"/v1/webhooks/{id}").Ok()).Text("status").ShouldBe("deleted");
        await Reserve(alice, "k").Ok();
        await other.Next();

        receiver.TryNext(out _).ShouldBeFalse();
        (await bob.Get("/v1/webhooks").Ok()).Pluck("webhooks", "url").ShouldBe([other.Url]);
        await bob.Delete($"/v1/webhooks/{id}").Refused(404, "Webhook not found");
    }

    [Theory]
    [InlineData("https://10.0.0.1/x")]
    [InlineData("https://192.168.1.1/")]
    [InlineData("https://172.16.0.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[::1]/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://localhost/")]
    [InlineData("https://a.localhost/")]
    [InlineData("https://0.0.0.0/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://[fd00::1]/")]
    [InlineData("https://[fe80::1]/")]
    [InlineData("https://[2002:0a00:0001::1]/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://127.0.0.1:8000/")]
    [InlineData("http://localhost:8000/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://example.com/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://167772161/")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user:password@example.com/")]
    [InlineData("https://example.com/#x")]
    [InlineData("https://exa mple.com/")]
    [InlineData("https:\\\\example.com")]
    [InlineData("https://")]
    [InlineData("example.com")]
    [InlineData("a\0b")]
    [InlineData("")]
    [OnAnyStore]
    public async Task Some_targets_are_refused(string url)
    {
        await using var server = await Store.Own(("BEADHUB_WEBHOOKS_ALLOW_PRIVATE", ""));

        await server.Api.Post("/v1/webhooks", new { url }).Invalid("url");
    }

    [Fact]
    public async Task Webhooks_belong_to_their_project_and_are_checked()
    {
        var (agent, stranger) = (await NewProject().Agent(), await NewProject().Agent());
        var first = await Register(agent, "https://hooks.example.com:8443/a?b=c", "bead", "reservation.acquired", "bead").Ok();
        var id = first.At("webhook").Text("webhook_id");
        first.At("webhook").Texts("events").ShouldBe(["bead", "reservation.acquired"]);

        (await stranger.Get("/v1/webhooks").Ok()).Number("count").ShouldBe(0);
        await stranger.Delete($"/v1/webhooks/{id}").Refused(404, "Webhook not found");
        await stranger.Post($"/v1/webhooks/{id}/enable").Refused(404, "Webhook not found");
        await PublicReader(agent).Get("/v1/webhooks").RefusedWith(403, "Public readers");
        await PublicReader(agent).Post("/v1/webhooks", new { url = "https://example.com/" }).RefusedWith(403, "Public readers");
        (await Proxied(agent).Get("/v1/webhooks").Ok()).Number("count").ShouldBe(1);
        await Api.Get("/v1/webhooks").Unauthorized();
        await Api.Post("/v1/webhooks", new { url = "https://example.com/" }).Unauthorized();
        await Api.Delete($"/v1/webhooks/{id}").Unauthorized();
        await Api.Delete("/v1/webhooks/x").Invalid("webhook_id");
        await Api.Post("/v1/webhooks", new { }).Invalid("url", "missing");
        await Api.Post("/v1/webhooks", new { url = "https://example.com/" + new string('x', 3000) }).Invalid("url");
        await Api.Post("/v1/webhooks", new { url = "https://example.com/", secret = "x" }).Invalid("secret", "extra_forbidden");
        foreach (var bad in new[] { "", "unknown", "Bead", "bead.", "bead.Claimed", ".", "bead.claimed\n", "bead.\0" })
            await Api.Post("/v1/webhooks", new { url = "https://example.com/", events = new[] { bad } }).Invalid("events", "value_error");
        await Api.Post("/v1/webhooks", new { url = "https://example.com/", events = "bead" }).Invalid("events", "list_type");

        for (var i = 1; i < 20; i++) await Register(agent, "https://hooks.example.com/").Ok();
        await Register(agent, "https://hooks.example.com/").RefusedWith(409, "Too many webhooks");
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Give(await project.Agent("bob"), "lead"));
    }

    private static Task<Answer> Register(Api agent, string url, params string[] events) =>
        agent.Post("/v1/webhooks", new { url, events = events.Length == 0 ? null : events });

    private static Task<Answer> Reserve(Api agent, string key) => agent.Post("/v1/reservations", new { resource_key = key });

    /// <summary>Looks at the list until a webhook is as expected.</summary>
    private static async Task<JsonElement> Until(Api agent, Func<JsonElement, bool> expected)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var list = await agent.Get("/v1/webhooks").Ok();
            if (list.Items("webhooks").Where(expected).Select(webhook => (JsonElement?)webhook).FirstOrDefault() is { } found) return found;
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20), list.ToString());
            await Task.Delay(50);
        }
    }
}
