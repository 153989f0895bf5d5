using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What clients write into their issues comes back as they wrote it: <c>GET /v1/beads/export-jsonl</c>, and one issue
/// whole.</summary>
public abstract class IssueRoundTripContract(Store store) : ContractTests(store)
{
    /// <summary>Lines in the order of their ids, with what tools write and what only other tools might: all fields, unknown ones, and every
    /// form that JSON allows.</summary>
    private static readonly string[] Lines =
    [
        """
        {"id":"bd-1","title":"All fields","description":"D\nE","design":"Two\tways","acceptance_criteria":"- [ ] done","notes":"N","status":"closed","priority":0,"issue_type":"epic","assignee":"ann","owner":"ann@example.org","estimated_minutes":90,"created_at":"2026-01-01T00:00:00.123456789Z","created_by":"Ann Example","updated_at":"2026-01-02T00:00:00+02:00","started_at":"2026-01-01T01:00:00Z","closed_at":"2026-01-02T00:00:00Z","close_reason":"Done","closed_by_session":"s-1","due_at":"2026-02-01T00:00:00Z","defer_until":"2026-01-15T00:00:00Z","external_ref":"gh-9","source_system":"github","spec_id":"docs/spec.md","compaction_level":1,"compacted_at":"2026-01-03T00:00:00Z","compacted_at_commit":"abc","original_size":4096,"labels":["x","y z"],"dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks","created_at":"2026-01-01T00:00:00Z","created_by":"ann","metadata":"{}","thread_id":"t-1"},{"issue_id":"bd-1","depends_on_id":"bd-3","type":"waits-for","created_at":"2026-01-01T00:00:00Z","metadata":"{\"gate\":\"any-children\"}"},{"issue_id":"bd-1","depends_on_id":"bd-3","type":"discovered-from","created_at":"2026-01-01T00:00:00Z"}],"comments":[{"id":"c-1","issue_id":"bd-1","author":"ann","text":"Yes: \"really\"","created_at":"2026-01-01T00:00:00Z"}],"sender":"mayor","ephemeral":false,"pinned":false,"is_template":true,"bonded_from":[{"source_id":"p","bond_type":"sequential"}],"creator":{"name":"a/b","platform":"x"},"validations":[{"outcome":"accepted","timestamp":"2026-01-01T00:00:00Z"}],"quality_score":0.875,"crystallizes":true,"await_type":"gh:run","await_id":"1","timeout":30000000000,"waiters":["a"],"holder":"h","source_formula":"f","source_location":"steps[0]","hook_bead":"h-1","role_bead":"r-1","agent_state":"idle","last_activity":"2026-01-01T00:00:00Z","role_type":"crew","rig":"r","mol_type":"swarm","work_type":"mutex","event_kind":"patrol.muted","actor":"a","target":"t","payload":"{}","metadata":{"k":{"deep":[1,{"er":null}]}}}
        """.Trim(),
        """{"id":"bd-10","title":"Grüße, 世界 😀 \u00fc \ud83d\ude00 \"\\\/\b\f\n\r\t","status":"open","from_elsewhere":[1e5,1.50,-0,0.1e-2,123456789012345678901234567890,true,null],"updated_at":"2026-01-02T00:00:00Z"}""",
        """{  "status" : "in_progress" ,"zeta":1,"title":"Spaces and another order",	"id":"bd-2" , "alpha": {"b":2,"a":1}  }""",
        """{"id":"bd-3","title":"first","title":"Twice","extra":1,"extra":{"last":true},"status":"open"}""",
        """{"id":"bd-4","title":"Deleted","status":"tombstone","priority":2,"issue_type":"task","deleted_at":"2026-01-05T00:00:00Z","deleted_by":"ann","delete_reason":"No","original_type":"task"}""",
        """{"id":"bd-5"}""",
        """{"id":"bd-6","title":"Names of the answer","bead_id":"not-me","repo":"not-here","branch":"b","project_id":"p","type":"t","parent_id":"x","current_reservation":{"a":1},"description":null,"status":"open"}""",
    ];

    [Fact]
    public async Task A_full_sync_comes_back_line_by_line_as_it_was_sent()
    {
        var agent = await NewProject().Agent();

        await agent.Sync(string.Join("\n", Lines.Reverse())).Ok();

        (await Export(agent, agent.Repo)).ShouldBe(string.Concat(Lines.Select(line => line + "\n")));
    }

    [Fact]
    public async Task An_upload_comes_back_line_by_line_as_it_was_sent()
    {
        var agent = await NewProject().Agent();

        await agent.UploadJsonl("\r\n" + string.Join(" \r\n\n\t", Lines) + "\r\n", agent.Repo, "dev").Ok();

        (await Export(agent, agent.Repo, "dev")).ShouldBe(string.Concat(Lines.Select(line => line + "\n")));
        (await Export(agent, agent.Repo)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Elements_of_an_array_come_back_as_their_own_json()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/beads/upload", $$"""{"repo":"{{agent.Repo}}","issues":[{{string.Join(" , ", Lines)}}]}""").Ok();

        (await Export(agent, agent.Repo)).ShouldBe(string.Concat(Lines.Select(line => line + "\n")));
    }

    [Fact]
    public async Task What_changed_is_exported_as_it_came_last_and_what_was_removed_is_not()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(string.Join("\n", Lines)).Ok();

        await agent.Change("""{"id":"bd-5","status":"open", "now":"this"}""", deleted: ["bd-6"]).Ok();

        var lines = (await Export(agent, agent.Repo)).Split('\n');
        lines.ShouldContain("""{"id":"bd-5","status":"open", "now":"this"}""");
        lines.ShouldNotContain(line => line.Contains("bd-6"));
        lines.Length.ShouldBe(Lines.Length);
    }

    [Fact]
    public async Task An_issue_has_every_field_of_its_line_and_the_contracts_fields_keep_their_meaning()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(string.Join("\n", Lines)).Ok();

        var whole = JsonNode.Parse((await agent.Get("/v1/beads/issues/bd-1").Ok()).GetRawText())!.AsObject();
        var line = JsonNode.Parse(Lines[0])!.AsObject();
        foreach (var (name, value) in line)
            if (name is not ("created_at" or "updated_at")) JsonNode.DeepEquals(whole[name], value).ShouldBeTrue(name);
        (whole["bead_id"]!.GetValue<string>(), whole["type"]!.GetValue<string>(), whole["updated_at"]!.GetValue<string>())
            .ShouldBe(("bd-1", "epic", "2026-01-01T22:00:00+00:00"));
        whole["blocked_by"]![0]!["bead_id"]!.GetValue<string>().ShouldBe("bd-2");

        var named = await agent.Get("/v1/beads/issues/bd-6").Ok();
        (named.Text("bead_id"), named.Text("repo"), named.Text("branch"), named.Text("project_id"))
            .ShouldBe(("bd-6", agent.Repo, "main", agent.ProjectId));
        foreach (var name in new[] { "type", "parent_id", "current_reservation" })
            named.GetProperty(name).ValueKind.ShouldBe(JsonValueKind.Null, name);

        var twice = await agent.Get("/v1/beads/issues/bd-3").Ok();
        (twice.Text("title"), twice.GetProperty("extra").GetRawText()).ShouldBe(("Twice", """{"last":true}"""));
        (await agent.Get("/v1/beads/issues/bd-10").Ok()).GetProperty("from_elsewhere").GetRawText()
            .ShouldBe("[1e5,1.50,-0,0.1e-2,123456789012345678901234567890,true,null]");
    }

    [Fact]
    public async Task A_sync_says_how_many_issues_stand_as_they_stood()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(string.Join("\n", Lines)).Ok();

        var again = (await agent.Sync(string.Join("\n", Lines.Select(line => line.Replace("bd-5\"", "bd-5\",\"more\":1")))).Ok())
            .At("stats");

        (again.Number("received"), again.Number("inserted"), again.Number("updated"), again.Number("unchanged"))
            .ShouldBe((Lines.Length, 0, Lines.Length, Lines.Length - 1));
        var upload = await agent.UploadJsonl(Lines[0], agent.Repo).Ok();
        (upload.Number("issues_updated"), upload.Number("issues_unchanged")).ShouldBe((1, 1));
    }

    [Fact]
    public async Task Many_issues_are_synced_exported_in_pages_and_changed_beside_claims()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-0007").Ok();
        var lines = Enumerable.Range(0, 1500).Select(i =>
            $$"""{"id":"bd-{{i:0000}}","title":"T{{i}}","status":"open","design":"{{new string('ü', 400)}}"}""").ToArray();

        (await agent.Sync(string.Join("\n", lines)).Ok()).At("stats").Number("inserted").ShouldBe(1499);
        (await Export(agent, agent.Repo)).ShouldBe(string.Concat(lines.Select(line => line + "\n")));

        // The grain of a bead that was changed without it knows of the change: nothing is decided on what it remembers.
        var changed = lines.Select(line => line.Replace("\"T", "\"U")).ToArray();
        await agent.Sync(string.Join("\n", changed)).Ok();
        (await agent.Get("/v1/beads/issues/bd-0007").Ok()).Text("title").ShouldBe("U7");
        await agent.Change(lines[7]).Ok();
        (await agent.Get("/v1/beads/issues/bd-0007").Ok()).Text("title").ShouldBe("T7");
        (await agent.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe(["bd-0007"]);
        await agent.Change(deleted: [.. Enumerable.Range(0, 1500).Select(i => $"bd-{i:0000}")]).Ok();
        (await agent.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await Export(agent, agent.Repo)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_syncs_of_the_same_issues_at_once_store_each_once()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice-dev"), await project.Agent("bob-dev"));
        var (ones, twos) = (Issues("one"), Issues("two"));

        var answers = await Task.WhenAll(alice.Sync(ones).Ok(), bob.Sync(twos).Ok(), alice.Sync(ones).Ok(), bob.Sync(twos).Ok());

        answers.Sum(answer => answer.At("stats").Number("inserted")).ShouldBe(300);
        (await Export(alice, alice.Repo)).Split('\n').Length.ShouldBe(301);

        static string Issues(string title) =>
            string.Join("\n", Enumerable.Range(0, 300).Select(i => $$"""{"id":"bd-{{i:000}}","title":"{{title}}","status":"open"}"""));
    }

    [Fact]
    public async Task An_export_needs_a_project_and_a_place()
    {
        var agent = await NewProject().Agent();

        (await Api.Get("/v1/beads/export-jsonl?repo=" + Uri.EscapeDataString(agent.Repo))).Status.ShouldBe(401);
        (await agent.Get("/v1/beads/export-jsonl")).Status.ShouldBe(422);
        (await agent.Get("/v1/beads/export-jsonl?repo=..")).Status.ShouldBe(422);
        (await agent.Get($"/v1/beads/export-jsonl?repo={Uri.EscapeDataString(agent.Repo)}&branch=%20")).Status.ShouldBe(422);
        (await Export(await NewProject().Agent(), agent.Repo)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Readers_of_a_public_project_see_what_the_contract_names_and_export_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Lines[0]).Ok();
        var reader = PublicReader(agent);

        var issue = await reader.Get("/v1/beads/issues/bd-1").Ok();
        issue.Text("description").ShouldBe("D\nE");
        foreach (var name in new[] { "owner", "comments", "notes", "dependencies" }) issue.TryGetProperty(name, out _).ShouldBeFalse(name);
        (await reader.Get("/v1/beads/export-jsonl?repo=" + Uri.EscapeDataString(agent.Repo))).Status.ShouldBe(403);
    }

    private static async Task<string> Export(Api api, string repo, string? branch = null)
    {
        using var request = api
            .Signed(new(HttpMethod.Get, $"/v1/beads/export-jsonl?repo={Uri.EscapeDataString(repo)}" + (branch is null ? "" : "&branch="
            + branch)));
        using var answer = await api.Open(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/x-ndjson");
        return Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync());
    }
}
