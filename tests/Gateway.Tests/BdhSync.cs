using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/bdh/sync: issues, deletions, claims and their events (contract 8.3 and 9.2).</summary>
public abstract class BdhSyncContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 175)]
    public async Task A_sync_of_a_claim_claims()
    {
        var agent = await NewProject().Agent("alice-dev", human: "Alice");

        var sync = await agent.Sync(Line("bd-1", "in_progress"), "update bd-1 --status in_progress").Ok();

        sync.Flag("synced").ShouldBeTrue();
        sync.Flag("claim_rejected").ShouldBeFalse();
        sync.Text("claim_rejected_reason").ShouldBe("");
        var claim = (await agent.Get("/v1/claims").Ok()).Items("claims").Single();
        claim.Text("bead_id").ShouldBe("bd-1");
        claim.Text("workspace_id").ShouldBe(agent.Id);
        claim.Text("alias").ShouldBe("alice-dev");
        claim.Text("human_name").ShouldBe("Alice");
        claim.Text("project_id").ShouldBe(agent.ProjectId);
        claim.Text("claimed_at").ShouldBeTimestamp();
    }

    [Fact]
    public async Task An_issue_is_replaced_only_by_who_has_seen_its_line()
    {
        var agent = await NewProject().Agent();
        const string first = """{"id":"bd-1","title":"first","updated_at":"2026-01-01T00:00:00Z"}""";
        const string second = """{"id":"bd-1","title":"second","updated_at":"2026-01-02T00:00:00Z"}""";
        const string blind = """{"id":"bd-1","title":"blind","updated_at":"2026-01-03T00:00:00Z"}""";
        (await Push([], first).Ok()).Items("conflicts").ShouldBeEmpty();
        (await Push([], blind).Ok()).Texts("conflicts").ShouldBe(["bd-1"]);
        (await Push([first], second).Ok()).Items("conflicts").ShouldBeEmpty();

        (await Push([first], blind).Ok()).Texts("conflicts").ShouldBe(["bd-1"]);
        (await Push([first], null, "bd-1").Ok()).ShouldSatisfyAllConditions(
            answer => answer.Texts("conflicts").ShouldBe(["bd-1"]), answer => answer.At("stats").Number("deleted").ShouldBe(0));
        (await Line()).ShouldBe(second + "\n");
        (await Push([second], null, "bd-1").Ok()).At("stats").Number("deleted").ShouldBe(1);
        (await Line()).ShouldBeEmpty();

        (await Push(["x"], "{}", digests: ["x"])).Status.ShouldBe(422);

        async Task<string> Line() => (await agent.Get($"/v1/beads/export-jsonl?repo={agent.Repo}&branch=main&bead_id=bd-1")).Text;

        Task<Answer> Push(string[] seen, string? line, string? deleted = null, string[]? digests = null)
        {
            var body = agent.Self();
            body["sync_mode"] = "incremental";
            body["changed_issues"] = line ?? "";
            body["deleted_ids"] = deleted is null ? [] : new JsonArray(deleted);
            body["based_on"] = new JsonArray([.. (digests ?? seen.Select(Digest)).Select(text => JsonValue.Create(text))]);
            return agent.Post("/v1/bdh/sync", body);
        }

        static string Digest(string line) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(line)), 0, 16);
    }

    [Fact]
    [Checklist("beadhub", 176)]
    public async Task Closing_releases()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        await agent.Close("bd-1").Ok();

        (await Claimed(agent)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 177)]
    public async Task A_claim_on_a_held_bead_is_rejected_but_its_data_is_stored()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1").Ok();

        var sync = await bob.Claim("bd-1", "Bob was here").Ok();

        sync.Flag("synced").ShouldBeTrue();
        sync.Flag("claim_rejected").ShouldBeTrue();
        sync.Text("claim_rejected_reason").ShouldBe("bd-1 is being worked on by alice-dev (Alice)");
        (await bob.Get("/v1/claims").Ok()).Pluck("claims", "alias").ShouldBe(["alice-dev"]);
        (await bob.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("Bob was here");
    }

    [Fact]
    [Checklist("beadhub", 178)]
    public async Task Anybody_who_closes_a_bead_releases_it()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1").Ok();

        await bob.Close("bd-1").Ok();

        (await Claimed(alice)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 179)]
    public async Task A_closed_line_alone_releases_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        await agent.Sync(Line("bd-1", "closed")).Ok();
        await agent.Sync(Line("bd-1", "closed"), "sync").Ok();

        (await Claimed(agent)).ShouldBe(["bd-1"]);
    }

    [Theory]
    [InlineData("reopen bd-1")]
    [InlineData("update bd-1 --assignee x")]
    [InlineData("update bd-1 --status=")]
    [InlineData("update bd-1 -s closed")]
    [InlineData("update --status closed bd-1")]
    [InlineData("close --reason bd-1")]
    [InlineData("close")]
    [Checklist("beadhub", 180)]
    public async Task Other_commands_release_nothing(string command)
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        await agent.Run(command, "bd-1", "open").Ok();

        (await Claimed(agent)).ShouldBe(["bd-1"]);
    }

    [Theory]
    [InlineData("update bd-1 --status blocked")]
    [InlineData("update bd-1 --status=open")]
    [InlineData("update bd-1 --status open --status in_progress")]
    [InlineData("delete bd-1")]
    [Checklist("beadhub", 181)]
    public async Task Any_other_status_releases(string command)
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        await agent.Run(command, "bd-1", "blocked").Ok();

        (await Claimed(agent)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 182)]
    [OnAnyStore]
    public async Task A_mode_needs_its_parts()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/bdh/sync", agent.Self()).Refused(422, "issues_jsonl is required for full sync");
        await agent.Sync(" \n ").Refused(422, "issues_jsonl is required for full sync");
        await agent.Post("/v1/bdh/sync", Body(agent, "partial", Line("bd-1", "open")))
            .Refused(422, "sync_mode must be 'full' or 'incremental'");
        await agent.Change().Refused(422, "incremental sync requires changes or deletions");
        await agent.Change(" \n").Refused(422, "incremental sync requires changes or deletions");
    }

    [Fact]
    [Checklist("beadhub", 183)]
    public async Task A_mode_is_trimmed_and_lower_cased()
    {
        var agent = await NewProject().Agent();

        (await agent.Post("/v1/bdh/sync", Body(agent, " FULL ", Line("bd-1", "open"))).Ok()).Number("issues_count").ShouldBe(1);
    }

    [Fact]
    [Checklist("beadhub", 184)]
    public async Task A_full_sync_deletes_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Line("bd-1", "open") + Line("bd-2", "open")).Ok();

        var sync = await agent.Sync(Line("bd-3", "open")).Ok();

        sync.Number("issues_count").ShouldBe(3);
        Stats(sync).ShouldBe((1, 1, 0, 0));
        await agent.Get("/v1/beads/issues/bd-1").Ok();
    }

    [Fact]
    [Checklist("beadhub", 185)]
    public async Task Deletions_are_counted_and_bad_ids_passed_over()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Line("bd-8", "open") + Line("bd-9", "open")).Ok();

        var sync = await agent.Change(deleted: ["bd-9", "../x", "unknown-1"]).Ok();

        Stats(sync).ShouldBe((0, 0, 0, 1));
        sync.Number("issues_count").ShouldBe(1);
        await agent.Get("/v1/beads/issues/bd-9").Refused(404, "Issue not found");
    }

    [Fact]
    [Checklist("beadhub", 186)]
    public async Task A_full_sync_with_deletions_only_releases()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();
        var body = Body(agent, "full", Line("bd-2", "open"));
        body["deleted_ids"] = new JsonArray("bd-1");

        var sync = await agent.Post("/v1/bdh/sync", body).Ok();

        sync.Number("issues_count").ShouldBe(2);
        sync.At("stats").Number("deleted").ShouldBe(0);
        (await Claimed(agent)).ShouldBeEmpty();
        await agent.Get("/v1/beads/issues/bd-1").Ok();
    }

    [Fact]
    [Checklist("beadhub", 187)]
    public async Task The_same_data_again_is_updated_not_inserted()
    {
        var agent = await NewProject().Agent();
        var lines = Line("bd-1", "open") + Line("bd-2", "open") + Line("bd-1", "closed") + Line("../bad", "open");

        Stats(await agent.Sync(lines).Ok()).ShouldBe((2, 2, 0, 0));
        Stats(await agent.Sync(lines).Ok()).ShouldBe((2, 0, 2, 0));
    }

    [Fact]
    public async Task A_stale_record_counts_as_neither_inserted_nor_updated()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Jsonl.Of(new { id = "bd-1", title = "new", updated_at = "2026-01-02T00:00:00Z" })).Ok();

        Stats(await agent.Sync(Jsonl.Of(new { id = "bd-1", title = "old", updated_at = "2020-01-01T00:00:00Z" })).Ok())
            .ShouldBe((1, 0, 0, 0));
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("new");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(99)]
    [Checklist("beadhub", 188)]
    public async Task The_protocol_version_is_one(int version)
    {
        var agent = await NewProject().Agent();
        var body = Body(agent, "full", Line("bd-1", "open"));
        body["sync_protocol_version"] = version;

        var sync = await agent.Post("/v1/bdh/sync", body).Ok();

        sync.Number("sync_protocol_version").ShouldBe(1);
        sync.IsNull("context").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 189)]
    public async Task Both_forms_of_a_remote_name_one_repo()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Line("bd-1", "open")).Ok();
        var body = Body(agent, "full", Line("bd-1", "closed"));
        body["repo_origin"] = $"https://{agent.Repo}.git";

        var sync = await agent.Post("/v1/bdh/sync", body).Ok();

        sync.Number("issues_count").ShouldBe(1);
        var issue = (await agent.Get("/v1/beads/issues").Ok()).Items("issues").Single();
        issue.Text("repo").ShouldBe(agent.Repo);
        issue.Text("branch").ShouldBe("main");
    }

    [Fact]
    [Checklist("beadhub", 190)]
    public async Task Bad_lines_store_nothing()
    {
        var agent = await NewProject().Agent();

        await agent.Sync("{\"id\":\"a-1\"}\n{broken").RefusedWith(400, "Invalid JSON on line 2");
        await agent.Sync("[1,2]").Refused(400, "JSON on line 1 must be an object");
        await agent.Change("{\"id\":\"a-1\"}\n\n7").Refused(400, "JSON on line 3 must be an object");
        await agent.Sync(Jsonl.Of(Enumerable.Range(0, 10_001).Select(i => new { id = $"bd-{i}" })))
            .RefusedWith(400, "Too many issues", "10000");
        await agent.Sync("{\"id\":\"a-1\",\"x\":" + new string('[', 10) + new string(']', 10) + "}")
            .RefusedWith(400, "nesting depth exceeds limit", "line 1");
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task A_refused_sync_claims_and_releases_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        await agent.Change("{broken", "update bd-2 --status in_progress", "bd-1").RefusedWith(400, "line 1");

        (await Claimed(agent)).ShouldBe(["bd-1"]);
    }

    [Fact]
    [Checklist("beadhub", 191)]
    public async Task A_claim_is_announced_on_its_claimants_channel()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Line("bd-1", "open", "One")).Ok();
        await using var stream = await bob.Stream($"?workspace_id={alice.Id}");

        await alice.Change(Line("bd-1", "open", "One"), "update bd-1 --status in_progress").Ok();

        var claimed = await stream.Next();
        claimed.Type.ShouldBe("bead.claimed");
        claimed.Data.Text("workspace_id").ShouldBe(alice.Id);
        claimed.Data.Text("bead_id").ShouldBe("bd-1");
        claimed.Data.Text("title").ShouldBe("One");
        claimed.Data.Text("alias").ShouldBe("alice-dev");
        claimed.Data.Text("project_slug").ShouldBe(alice.Project.Slug);
        claimed.Data.Text("timestamp").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 192)]
    public async Task A_close_is_announced_once_with_the_title()
    {
        var agent = await NewProject().Agent("alice-dev");
        await agent.Claim("bd-1", "One").Ok();
        await using var stream = await agent.Stream($"?workspace_id={agent.Id}");

        await agent.Close("bd-1", "One").Ok();
        await agent.Sync(Line("marker", "open")).Ok();

        var events = await stream.Until(e => e.Data.Text("bead_id") == "marker");
        var unclaimed = events.Single(e => e.Type == "bead.unclaimed");
        unclaimed.Data.Text("bead_id").ShouldBe("bd-1");
        unclaimed.Data.Text("title").ShouldBe("One");
        unclaimed.Data.Text("alias").ShouldBe("alice-dev");
        unclaimed.Data.Text("workspace_id").ShouldBe(agent.Id);
    }

    [Fact]
    [Checklist("beadhub", 193)]
    public async Task A_release_is_announced_to_the_claimant_not_the_actor()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1").Ok();
        await using var all = await bob.Stream();
        await using var onBob = await bob.Stream($"?workspace_id={bob.Id}");

        await bob.Close("bd-1").Ok();
        await bob.Sync(Line("marker", "open")).Ok();

        (await all.Until(e => e.Data.Text("bead_id") == "marker")).Single(e => e.Type == "bead.unclaimed").Data.Text("workspace_id")
            .ShouldBe(alice.Id);
        (await onBob.Until(e => e.Data.Text("bead_id") == "marker")).ShouldAllBe(e => e.Type == "bead.status_changed");
    }

    [Fact]
    [Checklist("beadhub", 194)]
    public async Task Deleting_claimed_beads_announces_each_with_its_title()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1", "One").Ok();
        await agent.Claim("bd-2", "Two").Ok();
        await using var stream = await agent.Stream();

        await agent.Change(deleted: ["bd-1", "bd-2"]).Ok();

        var events = new[] { await stream.Next(), await stream.Next() };
        events.ShouldAllBe(e => e.Type == "bead.unclaimed");
        events.Select(e => e.Data.Text("bead_id") + " " + e.Data.Text("title")).Order().ShouldBe(["bd-1 One", "bd-2 Two"]);
        (await Claimed(agent)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 195)]
    public async Task A_new_issue_is_announced()
    {
        var agent = await NewProject().Agent("alice-dev");
        await using var stream = await agent.Stream();
        var body = Body(agent, "full", Line("bd-1", "open", "One"));
        body["alias"] = "sent-alias";

        await agent.Post("/v1/bdh/sync", body).Ok();

        var changed = await stream.Next();
        changed.Type.ShouldBe("bead.status_changed");
        changed.Data.Text("bead_id").ShouldBe("bd-1");
        changed.Data.Text("old_status").ShouldBe("");
        changed.Data.Text("new_status").ShouldBe("open");
        changed.Data.Text("title").ShouldBe("One");
        changed.Data.Text("alias").ShouldBe("sent-alias");
        changed.Data.Text("repo").ShouldBe(agent.Repo);
        changed.Data.Text("project_id").ShouldBe("");
        changed.Data.Text("workspace_id").ShouldBe(agent.Id);
        changed.Data.Text("project_slug").ShouldBe(agent.Project.Slug);
    }

    [Fact]
    [Checklist("beadhub", 196)]
    public async Task Unchanged_issues_are_not_announced()
    {
        var agent = await NewProject().Agent();
        var lines = Line("bd-1", "open") + Line("bd-2", "closed");
        await agent.Sync(lines).Ok();
        await using var stream = await agent.Stream();

        await agent.Sync(lines).Ok();
        await agent.Sync(Line("bd-1", "closed")).Ok();

        var changed = await stream.Next();
        changed.Data.Text("bead_id").ShouldBe("bd-1");
        changed.Data.Text("old_status").ShouldBe("open");
        changed.Data.Text("new_status").ShouldBe("closed");
    }

    [Fact]
    public async Task A_sync_is_for_ones_own_living_workspace()
    {
        var (alice, bob) = await Two();
        var identity = await NewProject().Identity();

        await alice.Post("/v1/bdh/sync", Body(bob, "full", Line("bd-1", "open")))
            .Refused(403, "workspace_id does not match API key identity");
        await identity.Sync(Line("bd-1", "open")).Refused(404, "Workspace not found");
        await bob.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await bob.Sync(Line("bd-1", "open")).Refused(410, "Workspace was deleted");
        await Proxied(alice).Post("/v1/bdh/sync", Body(bob, "full", Line("bd-1", "open"))).Refused(410, "Workspace was deleted");
        (await alice.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task The_gateway_may_sync_changes_of_status()
    {
        var agent = await NewProject().Agent();

        var sync = await Proxied(agent).Post("/v1/bdh/sync", Body(agent, "full", Line("bd-1", "open"))).Ok();

        Stats(sync).ShouldBe((1, 1, 0, 0));
    }

    [Theory]
    [InlineData("!!!")]
    [InlineData("not-a-url")]
    [InlineData("https://github.com/a b/c")]
    [InlineData("https://github.com/-org/repo")]
    [OnAnyStore]
    public async Task A_bad_remote_is_a_validation_error(string origin)
    {
        var agent = await NewProject().Agent();
        var body = Body(agent, "full", Line("bd-1", "open"));
        body["repo_origin"] = origin;

        await agent.Post("/v1/bdh/sync", body).Unprocessable("Invalid repo_origin");
    }

    [Fact]
    [OnAnyStore]
    public async Task A_sync_is_validated()
    {
        var agent = await NewProject().Agent();
        JsonObject With(string field, JsonNode? value)
        {
            var body = Body(agent, "full", Line("bd-1", "open"));
            body[field] = value;
            return body;
        }

        await agent.Post("/v1/bdh/sync", With("zzz", 1)).Invalid("zzz", "extra_forbidden");
        await agent.Post("/v1/bdh/sync", With("workspace_id", "abc")).Invalid("workspace_id", "value_error", "Invalid workspace_id format");
        await agent.Post("/v1/bdh/sync", With("issues_jsonl", 7)).Invalid("issues_jsonl");
        await agent.Post("/v1/bdh/sync", With("deleted_ids", "bd-1")).Invalid("deleted_ids");
        await agent.Post("/v1/bdh/sync", With("deleted_ids", new JsonArray(1))).Invalid("deleted_ids");
        await agent.Post("/v1/bdh/sync", With("sync_mode", new string('f', 33))).Invalid("sync_mode");
        await agent.Post("/v1/bdh/sync", With("command_line", new string('c', 8193))).Invalid("command_line");
        await agent.Post("/v1/bdh/sync", With("role", new string('r', 51))).Invalid("role");
        await agent.Post("/v1/bdh/sync", With("issues_jsonl", new string(' ', 10 * 1024 * 1024 + 1))).Invalid("issues_jsonl");
        await agent.Post("/v1/bdh/sync", With("sync_mode", null)).Ok();
    }

    [Fact]
    public async Task Claiming_ones_own_bead_again_refreshes_the_claim()
    {
        var (alice, _) = await Two();
        await alice.Claim("bd-1").Ok();
        var first = (await alice.Get("/v1/claims").Ok()).Items("claims").Single().Text("claimed_at");
        await using var stream = await alice.Stream();

        (await alice.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();

        var again = (await alice.Get("/v1/claims").Ok()).Items("claims").Single().Text("claimed_at");
        DateTimeOffset.Parse(again).ShouldBeGreaterThan(DateTimeOffset.Parse(first));
        (await stream.Next()).Type.ShouldBe("bead.claimed");
    }

    [Fact]
    public async Task A_refused_claim_is_not_announced()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1").Ok();
        await using var stream = await bob.Stream();

        await bob.Claim("bd-1").Ok();
        await bob.Sync(Line("marker", "open")).Ok();

        (await stream.Until(e => e.Data.Text("bead_id") == "marker")).Count.ShouldBe(1);
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice-dev", human: "Alice"), await project.Agent("bob-dev", human: "Bob"));
    }

    private static string Line(string id, string status, string? title = null) => Jsonl.Of(new { id, status, title = title ?? id });

    private static JsonObject Body(Agent agent, string mode, string jsonl)
    {
        var body = agent.Self();
        body["sync_mode"] = mode;
        body["issues_jsonl"] = jsonl;
        return body;
    }

    private static (int Received, int Inserted, int Updated, int Deleted) Stats(JsonElement sync)
    {
        var stats = sync.At("stats");
        return (stats.Number("received"), stats.Number("inserted"), stats.Number("updated"), stats.Number("deleted"));
    }

    private static async Task<string[]> Claimed(Agent agent) => (await agent.Get("/v1/claims").Ok()).Pluck("claims", "bead_id");
}
