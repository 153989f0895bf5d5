using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>How much a project may hold: refused with 403 what does not fit, and nothing of it is stored.</summary>
public abstract class QuotasContract(Store store) : ContractTests(store)
{
    private Api Admin => Api.As(Api.AdminKey);

    [Fact]
    public async Task Beads_beyond_the_quota_are_refused_and_those_that_are_there_stay_changeable()
    {
        var (alice, bob) = await Two();
        await Set(alice, new { beads = 3 });
        await alice.Sync(Lines("open", "bd-1", "bd-2", "bd-3")).Ok();

        const string refusal = "The project's quota of 3 beads is used up: it has 3. Ask the server's administrator for more.";
        await alice.Sync(Lines("open", "bd-1", "bd-2", "bd-3", "bd-4")).Refused(403, refusal);
        await bob.Post("/v1/beads/issues", new { title = "One more" }).Refused(403, refusal);
        await alice.Post("/v1/beads/upload", new { repo = alice.Repo, branch = "other", issues = new[] { new { id = "bd-1" } } })
            .Refused(403, refusal);
        // A large one takes another way to the log.
        await alice.Sync(Lines("open", [.. Enumerable.Range(1, 200).Select(i => $"bd-{i}")])).Refused(403, refusal);

        (await bob.Post("/v1/beads/claim-next").Ok()).Flag("claimed").ShouldBeTrue();
        await alice.Sync(Lines("closed", "bd-1", "bd-2", "bd-3")).Ok();
        (await alice.Get("/v1/beads/issues").Ok()).Pluck("issues", "status").ShouldBe(["closed", "closed", "closed"]);
        var beads = (await Own(alice)).At("beads");
        (beads.Number("quota"), beads.Number("used")).ShouldBe((3, 3));

        await Set(alice, new { beads = 4 });
        await bob.Post("/v1/beads/issues", new { title = "One more" }).Ok();
        await Set(alice, new { beads = 0 });
        await alice.Sync(Lines("open", [.. Enumerable.Range(1, 200).Select(i => $"bd-{i}")])).Ok();
    }

    [Fact]
    public async Task Mails_and_chats_beyond_the_quota_are_refused_and_what_was_sent_is_answered_again()
    {
        var (alice, bob) = await Two();
        await Set(alice, new { mail = 3 });
        var first = await Mail(alice, bob);
        await alice.Chat("hello", bob);
        var keyed = Api.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "quota-1"));
        var third = await keyed.Post("/v1/messages", new { to_alias = "bob", body = "three" }).Ok();

        const string refusal =
            "The project's quota of 3 mails and chat messages is used up: it has 3. Ask the server's administrator for more.";
        await alice.Post("/v1/messages", new { to_alias = "bob", body = "four" }).Refused(403, refusal);
        await bob.Post("/v1/chat/sessions", new { to_aliases = new[] { "alice" }, message = "five" }).Refused(403, refusal);
        (await keyed.Post("/v1/messages", new { to_alias = "bob", body = "three" }).Ok()).Text("message_id")
            .ShouldBe(third.Text("message_id"));
        await bob.Post($"/v1/messages/{first}/ack").Ok();
        (await bob.Get("/v1/messages/inbox").Ok()).Items("messages").Count().ShouldBe(2);
        (await Own(bob)).At("mail").Number("used").ShouldBe(3);
    }

    [Fact]
    public async Task Bytes_beyond_the_quota_are_refused_and_giving_back_goes_on()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Lines("open", "bd-1", "bd-2")).Ok();
        await bob.Post("/v1/beads/claim-next").Ok();
        var used = (await Admin.Get($"/v1/projects/{alice.ProjectId}/quotas").Ok()).At("bytes").Number("used");
        used.ShouldBeGreaterThan(500);
        await alice.Post("/v1/beads/issues", new { title = "T", description = new string('x', 10_000) }).Ok();
        (await Own(alice)).At("bytes").Number("used").ShouldBeInRange(used + 10_000, used + 25_000);
        await Set(alice, new { bytes = used + 10_000 });

        await alice.Sync(Lines("open", "bd-1", "bd-2", "bd-3")).RefusedWith(403, "bytes is used up");
        await bob.Post("/v1/messages", new { to_alias = "alice", body = "b" }).RefusedWith(403, "bytes is used up");
        await bob.Post("/v1/tasks", new { title = "t" }).RefusedWith(403, "bytes is used up");

        (await bob.Delete("/v1/beads/bd-1/claims").Ok()).Flag("released").ShouldBeTrue();
        await bob.Post("/v1/reservations", new { resource_key = "a.cs" }).Ok();
        await bob.Post("/v1/beads/issues/bd-2/close").Ok();
        await bob.Get("/v1/status").Ok();
    }

    [Fact]
    [OnAnyStore]
    public async Task A_project_has_not_more_streams_than_its_quota()
    {
        var (alice, bob) = await Two();
        await Set(alice, new { streams = 2 });
        await using (await alice.Stream())
        {
            await using (await bob.Stream())
            {
                await alice.Get("/v1/status/stream").Refused(429, "Too many open event streams: the project's quota is 2 on a node");
                (await Own(alice)).At("streams").Number("used").ShouldBe(2);
                // Others are not held up by it.
                await (await (await NewProject().Agent()).Stream()).DisposeAsync();
            }
        }

        // The server hears a little later that a client has left.
        for (var i = 0; i < 10_000 && (await Own(alice)).At("streams").Number("used") > 0; i++) await Task.Yield();
        await Set(alice, new { streams = 1 });
        await (await bob.Stream()).DisposeAsync();
    }

    [Fact]
    [OnAnyStore]
    public async Task The_servers_quotas_are_everybodys_who_has_none_of_their_own()
    {
        await using var server = await Store.Own(("BEADHUB_QUOTA_BEADS", "1"), ("BEADHUB_QUOTA_MAIL", "5"));
        var project = new Project(server.Api);
        var (alice, admin) = (await project.Agent("alice"), server.Api.As(Api.AdminKey));
        await alice.Sync(Lines("open", "bd-1", "bd-2")).RefusedWith(403, "quota of 1 beads");

        var own = await admin.Put($"/v1/projects/{alice.ProjectId}/quotas", new { beads = 2 }).Ok();
        (own.At("beads").Number("quota"), own.At("mail").Number("quota"), own.At("bytes").IsNull("quota")).ShouldBe((2, 5, true));
        await alice.Sync(Lines("open", "bd-1", "bd-2")).Ok();
        await admin.Put($"/v1/projects/{alice.ProjectId}/quotas", new { }).Ok();
        await alice.Sync(Lines("open", "bd-1", "bd-2", "bd-3")).RefusedWith(403, "quota of 1 beads");

        await admin.Put($"/v1/projects/{alice.ProjectId}/quotas", new { beads = -1 }).RefusedWith(422);
        await admin.Put($"/v1/projects/{alice.ProjectId}/quotas", new { bead = 1 }).RefusedWith(422);
        await admin.Put($"/v1/projects/{Guid.NewGuid()}/quotas", new { beads = 1 }).Refused(404, "Project not found");
        await alice.Put($"/v1/projects/{alice.ProjectId}/quotas", new { beads = 0 }).Refused(403, "Administrators only");
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }

    private Task Set(Agent agent, object quotas) => Admin.Put($"/v1/projects/{agent.ProjectId}/quotas", quotas).Ok();

    private static Task<System.Text.Json.JsonElement> Own(Agent agent) => agent.Get("/v1/projects/current/quotas").Ok();

    private static async Task<string> Mail(Agent from, Agent to) =>
        (await from.Post("/v1/messages", new { to_alias = to.Alias, body = "one" }).Ok()).Text("message_id");

    private static string Lines(string status, params string[] ids) =>
        Jsonl.Of([.. ids.Select(id => (object)new { id, title = id, status, updated_at = status == "open" ? "2026-01-01T00:00:00Z"
            : "2026-01-02T00:00:00Z" })]);
}
