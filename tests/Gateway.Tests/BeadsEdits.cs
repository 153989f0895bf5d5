using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Issues that are created, changed, commented and closed on the server.</summary>
public abstract class BeadsEditsContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task A_bead_goes_from_its_creation_to_its_end()
    {
        var (alice, bob) = await Two();
        await using var stream = await bob.Stream();

        var made = await alice.Post("/v1/beads/issues", new { title = "Grüße <b>", description = "Why", type = "bug", priority = 1,
            labels = new[] { "ui" } }).Ok();
        var id = made.Text("bead_id");
        (made.Text("title"), made.Text("status"), made.Text("type"), made.Number("priority"), made.Text("created_by"), made.Text("repo"),
            made.Text("branch")).ShouldBe(("Grüße <b>", "open", "bug", 1, "alice", alice.Repo, "main"));
        var part = (await alice.Post("/v1/beads/issues", new { title = "Part", parent_id = id, blocked_by = new[] { id } }).Ok());
        part.At("parent_id").Text("bead_id").ShouldBe(id);
        (await bob.Get($"/v1/beads/ready?workspace_id={bob.Id}").Ok()).Pluck("issues", "bead_id").ShouldBe([id]);

        (await bob.Post("/v1/beads/claim-next").Ok()).At("bead").Text("bead_id").ShouldBe(id);
        (await bob.Patch($"/v1/beads/issues/{id}", new { status = "in_progress", assignee = "bob" }).Ok()).Text("assignee").ShouldBe("bob");
        await alice.Patch($"/v1/beads/issues/{id}", new { status = "in_progress" })
            .RefusedWith(409, $"{id} is being worked on by bob (Bob)");
        (await bob.Post($"/v1/beads/issues/{id}/comments", new { text = "Found it" }).Ok()).At("comments").EnumerateArray().Single()
            .Text("author").ShouldBe("bob");
        var closed = await bob.Post($"/v1/beads/issues/{id}/close", new { reason = "Fixed" }).Ok();

        (closed.Text("status"), closed.Text("close_reason"), closed.Text("description")).ShouldBe(("closed", "Fixed", "Why"));
        closed.Text("closed_at").ShouldBe(closed.Text("updated_at").Replace("+00:00", "Z"));
        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await alice.Get($"/v1/beads/ready?workspace_id={alice.Id}").Ok()).Pluck("issues", "bead_id").ShouldBe([part.Text("bead_id")]);
        var heard = await stream.Until(e => e.Type == "bead.unclaimed");
        heard.Where(e => e.Type == "bead.status_changed" && e.Data.Text("bead_id") == id).Select(e => e.Data.Text("new_status"))
            .ShouldBe(["open", "in_progress", "closed"]);
    }

    [Fact]
    public async Task An_edit_shows_in_the_export_and_is_newer_for_who_syncs()
    {
        var (alice, bob) = await Two();
        const string line =
            """{"id":"bd-1","custom":{"k":1.50},"title":"A","status":"open","updated_at":"2026-01-01T00:00:00Z","estimated_minutes":5}""";
        await alice.Sync(line).Ok();

        var closed = await bob.Post("/v1/beads/issues/bd-1/close").Ok();

        var exported = (await alice.Get($"/v1/beads/export-jsonl?repo={alice.Repo}")).Text.TrimEnd('\n');
        exported.ShouldStartWith("""{"id":"bd-1","custom":{"k":1.50},"title":"A","status":"closed","updated_at":""");
        exported.ShouldContain("\"estimated_minutes\":5,\"closed_at\":");
        (await alice.Upload(alice.Repo, null, JsonSerializer.Deserialize<JsonElement>(line)).Ok()).Texts("conflicts").ShouldBe(["bd-1"]);
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("status").ShouldBe("closed");
        // What was exported is taken as it is, and a later change goes before it.
        (await alice.Sync(exported).Ok()).At("stats").Number("unchanged").ShouldBe(1);
        var later = DateTimeOffset.Parse(closed.Text("updated_at")).AddSeconds(1).ToString("O");
        await alice.Sync($$"""{"id":"bd-1","title":"B","status":"open","updated_at":"{{later}}"}""").Ok();
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("B");
    }

    [Fact]
    public async Task Edits_at_once_all_count()
    {
        var (alice, bob) = await Two();
        await alice.Sync("""{"id":"bd-1","status":"open"}""").Ok();

        await Task.WhenAll(Enumerable.Range(1, 8).Select(i =>
            (i % 2 == 0 ? alice : bob).Post("/v1/beads/issues/bd-1/comments", new { text = $"c{i}" }).Ok()));

        var comments = (await alice.Get("/v1/beads/issues/bd-1").Ok()).At("comments").EnumerateArray().ToArray();
        comments.Select(c => c.Text("text")).Order().ShouldBe(Enumerable.Range(1, 8).Select(i => $"c{i}"));
        comments.Select(c => c.Number("id")).ShouldBe(Enumerable.Range(1, 8));
    }

    [Fact]
    public async Task A_repeat_with_its_key_creates_one_bead()
    {
        var (alice, _) = await Two();

        async Task<string> Create(string key)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/v1/beads/issues") { Content = Api.Content(new { title = "T" }) };
            request.Headers.Add("Idempotency-Key", key);
            return (await alice.Send(request).Ok()).Text("bead_id");
        }

        var first = await Create("k1");
        (await Create("k1")).ShouldBe(first);
        (await Create("k2")).ShouldNotBe(first);
        (await alice.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(2);
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_wrong_is_said_and_changes_nothing()
    {
        var (alice, other) = (await NewProject().Agent("alice"), await NewProject().Agent());
        await alice.Sync("""{"id":"bd-1","title":"A","status":"open"}""").Ok();

        await alice.Patch("/v1/beads/issues/bd-9", new { title = "x" }).RefusedWith(404, "Issue not found");
        await other.Patch("/v1/beads/issues/bd-1", new { title = "x" }).RefusedWith(404, "Issue not found");
        await alice.Patch("/v1/beads/issues/bd-1", new { titel = "x" }).Unprocessable();
        await alice.Patch("/v1/beads/issues/bd-1", new { status = "done" }).Unprocessable();
        await alice.Post("/v1/beads/issues", new { title = "" }).Unprocessable();
        await alice.Post("/v1/beads/issues/bd-1/comments", new { text = "" }).Unprocessable();
        await alice.Post("/v1/beads/issues", new { title = "x", blocked_by = new[] { "bd-7" } })
            .RefusedWith(422, $"There is no bead bd-7 in {alice.Repo}, main");
        (await alice.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(1);
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("A");
    }

    [Fact]
    public async Task A_subscriber_gets_mail_of_an_edit()
    {
        var (alice, bob) = await Two();
        await alice.Sync("""{"id":"bd-1","title":"A","status":"open"}""").Ok();
        await alice.Post("/v1/subscriptions", new { workspace_id = alice.Id, alias = "alice", bead_id = "bd-1" }).Ok();

        await bob.Post("/v1/beads/issues/bd-1/close").Ok();

        (await alice.Inbox()).Single().Text("subject").ShouldContain("bd-1");
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice", human: "Alice"), await project.Agent("bob", human: "Bob"));
    }
}
