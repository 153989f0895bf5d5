using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Categories of events that a client must ask for, and <c>GET /v1/activity</c>, which tells of the past.</summary>
public abstract class ActivityFeedContract(Store store) : ContractTests(store)
{
    private static readonly object Bundle = new { invariants = Array.Empty<object>(), roles = new { }, adapters = new { } };

    [Fact]
    public async Task What_the_categories_tell_is_told_live_and_later()
    {
        var project = NewProject();
        var alice = await project.Agent("alice");
        await using var all = await alice.Stream("?event_types=all", lastEventId: "0");
        await using var asked = await alice.Stream("?event_types=policy,task,lock", lastEventId: "0");
        await using var plain = await alice.Stream(lastEventId: "0");

        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "One", status = "open" })).Ok();
        await alice.Change(Jsonl.Of(new { id = "bd-1", title = "Two", status = "open" })).Ok();
        await alice.Change(deleted: "bd-1").Ok();
        await alice.Post("/v1/reservations", new { resource_key = "src/a.cs" }).Ok();
        await alice.Post("/v1/reservations/renew", new { resource_key = "src/a.cs", ttl_seconds = 120 }).Ok();
        var policy = (await alice.Post("/v1/policies", new { bundle = Bundle }).Ok()).Text("policy_id");
        await alice.Post($"/v1/policies/{policy}/activate").Ok();
        var task = (await alice.Post("/v1/tasks", new { title = "T" }).Ok()).Text("task_id");
        await alice.Patch($"/v1/tasks/{task}", new { title = "U" }).Ok();
        await alice.Patch($"/v1/tasks/{task}", new { status = "in_progress" }).Ok();
        await alice.Post($"/v1/tasks/{task}/comments", new { body = "Look." }).Ok();
        await alice.Heartbeat(branch: "side").Ok();
        await alice.Post("/v1/reservations/release", new { resource_key = "src/a.cs" }).Ok();

        static bool IsLast(StreamedEvent e) => e.Type == "reservation.released";
        var seen = await all.Until(IsLast);
        var types = seen.Select(static e => e.Type).ToList();
        types.Distinct().Order(StringComparer.Ordinal).ShouldBe([
            "bead.claimed", "bead.status_changed", "issue.changed", "issue.removed", "lock.renewed", "policy.activated", "policy.created",
            "project.repo_added", "reservation.acquired", "reservation.released", "task.changed", "task.commented", "task.created",
            "task.status_changed", "workspace.changed", "workspace.joined", "workspace.opened",
        ]);
        seen.Single(static e => e.Type == "issue.changed").Data.Text("title").ShouldBe("Two");
        seen.Last(static e => e.Type == "policy.activated").Data.Text("policy_id").ShouldBe(policy);
        seen.Single(static e => e.Type == "task.status_changed").Data.Text("new_status").ShouldBe("in_progress");
        seen.Single(static e => e.Type == "lock.renewed").Data.Texts("paths").ShouldBe(["src/a.cs"]);
        seen.Single(static e => e.Type == "workspace.joined").Data.Text("alias").ShouldBe("alice");

        // Who does not ask is shown what the reference server shows, and nothing else.
        (await plain.Until(IsLast)).Select(static e => e.Type)
            .ShouldBe(types.Where(static type => type.Split('.')[0] is "bead" or "reservation"));
        (await asked.Until(static e => e.Type == "task.commented")).Select(static e => e.Type)
            .ShouldBe(types.Where(static type => type.Split('.')[0] is "policy" or "task" or "lock"));

        // The past, newest first and in pages, is the stream backwards.
        var told = await Past(alice, "limit=4");
        told.Reverse();
        told.Select(static e => e.GetProperty("event").GetRawText()).ShouldBe(seen.Select(static e => e.Data.GetRawText()));
        told.Select(static e => e.GetProperty("position").GetInt64()).ShouldBe(seen.Select(static e => e.Position));
        (await Past(alice, "limit=2&event_types=task")).Count
            .ShouldBe(types.Count(static type => type.StartsWith("task.", StringComparison.Ordinal)));
        (await Past(alice, $"workspace_id={Guid.NewGuid()}")).ShouldBeEmpty();
        (await alice.Get("/v1/activity?before=1").Ok()).Items("events").ShouldBeEmpty();
        await alice.Get("/v1/activity?event_types=nonsense").RefusedWith(422, "Invalid event types: nonsense");
        (await Past(await NewProject().Agent(), "limit=500")).ShouldAllBe(e => e.GetProperty("event").Text("workspace_id") != alice.Id);
    }

    [Fact]
    public async Task What_is_said_and_endpoints_are_not_shown_to_the_public()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        await alice.Mail(bob, subject: "the subject").Ok();
        await alice.Post("/v1/webhooks", new { url = "https://hooks.example.org/beadhub" }).Ok();

        foreach (var (reader, sees, isMember) in new (Api, bool, bool)[]
            { (bob, true, true), (carol, false, true), (PublicReader(alice), false, false) })
        {
            var told = await Past(reader, "event_types=message,webhook");
            told.Select(static e => e.GetProperty("event").Text("type")).Where(static type => type is not "webhook.failed")
                .ShouldBe(isMember ? ["webhook.registered", "message.delivered"] : ["message.delivered"]);
            told[^1].GetProperty("event").Text("subject").ShouldBe(sees ? "the subject" : "");
            await using var stream = await reader.Stream("?event_types=all", lastEventId: "0");
            await alice.Claim("bd-1").Ok();
            (await stream.Until(static e => e.Type is "bead.claimed")).Any(static e => e.Type == "webhook.registered").ShouldBe(isMember);
        }

        (await Past(alice, "event_types=webhook"))[^1].GetProperty("event").EnumerateObject().Select(static field => field.Name)
            .ShouldBe(["workspace_id", "type", "timestamp", "project_slug", "webhook_id"]);
    }

    [Fact]
    public async Task An_endpoint_is_sent_the_categories_that_it_names_and_without_names_those_of_the_stream()
    {
        await using var plain = new WebhookReceiver();
        await using var named = new WebhookReceiver();
        var alice = await NewProject().Agent("alice");
        await alice.Post("/v1/webhooks", new { url = plain.Url }).Ok();
        await alice.Post("/v1/webhooks", new { url = named.Url, events = new[] { "policy", "task.created" } }).Ok();
        await alice.Post("/v1/webhooks", new { url = named.Url, events = new[] { "webhook" } }).Invalid("events");

        var policy = (await alice.Post("/v1/policies", new { bundle = Bundle }).Ok()).Text("policy_id");
        await alice.Post("/v1/tasks", new { title = "T" }).Ok();
        await alice.Claim("bd-1").Ok();

        var told = await named.Until(static e => e.Text("type") == "task.created");
        told.Select(static e => e.Text("type")).Distinct()
            .ShouldBe(["policy.created", "policy.activated", "task.created"], ignoreOrder: true);
        told.Where(static e => e.Text("type") == "policy.created").Select(static e => e.Text("policy_id")).ShouldContain(policy);
        (await plain.Until(static e => e.Text("type") == "bead.claimed")).ShouldAllBe(
            static e => e.Text("type").StartsWith("bead.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Administrators_see_how_the_installation_does()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, admin) = (await project.Agent("alice"), server.Api.As(Api.AdminKey));
        await new Project(server.Api).Agent("bob");
        await alice.Sync(Jsonl.Of(Enumerable.Range(0, 50).Select(static n => (object)new { id = $"bd-{n}", status = "open" }))).Ok();
        await using var stream = await alice.Stream();

        await alice.Get("/v1/instance").Refused(403, "Administrators only");
        var before = await admin.Get("/v1/instance").Ok();
        await alice.Claim("bd-1").Ok();
        await stream.Next();
        var after = await admin.Get("/v1/instance").Ok();

        before.Number("projects").ShouldBe(2);
        before.Items("busiest")[0].Text("slug").ShouldBe(project.Slug);
        before.Items("busiest")[0].GetProperty("events").GetInt64().ShouldBeGreaterThan(50);
        before.Items("busiest")[0].Number("agents").ShouldBe(1);
        before.At("log").GetProperty("bytes").GetInt64().ShouldBeGreaterThan(10_000);
        after.At("log").GetProperty("events").GetInt64().ShouldBeGreaterThan(before.At("log").GetProperty("events").GetInt64());
        before.Items("nodes").Single().Text("node_id").ShouldBe(before.Text("node_id"));
        before.Items("nodes").Single().Flag("does_background_work").ShouldBeTrue();
        before.At("webhooks").Number("endpoints").ShouldBe(0);
        before.Items("streams").Single(static sort => sort.Text("stream") == "status").GetProperty("open").GetInt64().ShouldBe(1);
    }

    private static async Task<List<JsonElement>> Past(Api reader, string query)
    {
        var events = new List<JsonElement>();
        for (long? before = int.MaxValue; before is not null;)
        {
            var page = await reader.Get($"/v1/activity?{query}&before={before}").Ok();
            events.AddRange(page.Items("events"));
            before = page.IsNull("next_before") ? null : page.GetProperty("next_before").GetInt64();
        }

        return events;
    }
}
