using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/beads/upload and upload-jsonl (contract 7.1-7.5).</summary>
public abstract class BeadsUploadContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 123)]
    public async Task An_upload_stores_its_issues()
    {
        var agent = await NewProject().Agent();

        var upload = await agent.Upload("my-repo", "feature/test",
            new { id = "bd-1", title = "One", created_by = "maria" }, new { id = "bd-2", title = "Two", created_by = "juan" }).Ok();

        upload.Text("status").ShouldBe("completed");
        upload.Number("issues_synced").ShouldBe(2);
        upload.Number("issues_added").ShouldBe(2);
        upload.Number("issues_updated").ShouldBe(0);
        upload.Text("repo").ShouldBe("my-repo");
        upload.Text("branch").ShouldBe("feature/test");
        upload.Items("conflicts").ShouldBeEmpty();
        upload.Number("notifications_sent").ShouldBe(0);
        upload.Number("notifications_failed").ShouldBe(0);
        upload.Text("synced_at").ShouldBeTimestamp();
        var issues = await agent.Get("/v1/beads/issues?repo=my-repo").Ok();
        issues.Number("count").ShouldBe(2);
        issues.Pluck("issues", "created_by").Order().ShouldBe(["juan", "maria"]);
    }

    [Fact]
    [Checklist("beadhub", 124)]
    public async Task An_upload_needs_a_repo_but_no_branch()
    {
        var agent = await NewProject().Agent();

        await agent.Upload(null, null, new { id = "bd-1" }).Invalid("repo", "missing");
        (await agent.Upload("my-repo", null, new { id = "bd-1" }).Ok()).Text("branch").ShouldBe("main");
    }

    [Fact]
    [Checklist("beadhub", 125)]
    [OnAnyStore]
    public async Task A_branch_has_its_alphabet()
    {
        var agent = await NewProject().Agent();

        await agent.Upload("my-repo", "../../../etc/passwd", new { id = "bd-1" }).RefusedWith(422, "Invalid branch name");
        await agent.UploadJsonl(Jsonl.Of(new { id = "bd-1" }), branch: "../../../etc/passwd").RefusedWith(422, "Invalid branch name");
    }

    [Fact]
    [Checklist("beadhub", 126)]
    public async Task A_record_without_a_good_id_is_passed_over()
    {
        var agent = await NewProject().Agent();

        (await agent.Upload("my-repo", null, new { id = "bd-1" }, new { id = "../bad" }, new { id = 7 }, new { title = "none" }).Ok())
            .Number("issues_synced").ShouldBe(1);
        (await agent.UploadJsonl("{\"id\":\"bd-2\"}\n{\"id\":\"../bad\"}\n{\"id\":null}\n{\"id\":\"a\\n\"}\n").Ok()).Number("issues_synced")
            .ShouldBe(1);
        (await agent.Get("/v1/beads/issues").Ok()).Pluck("issues", "bead_id").Order().ShouldBe(["bd-1", "bd-2"]);
    }

    [Theory]
    [InlineData("a/../../../etc/passwd")]
    [InlineData("'; DROP TABLE beads_issues; --")]
    [InlineData("$(whoami)")]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("a/")]
    [Checklist("beadhub", 127)]
    [OnAnyStore]
    public async Task A_repo_has_its_alphabet(string repo)
    {
        var agent = await NewProject().Agent();

        await agent.Upload(repo, null, new { id = "bd-1" }).Invalid("repo", says: "Invalid repository");
    }

    [Fact]
    [Checklist("beadhub", 128)]
    public async Task A_repo_has_255_characters_at_most()
    {
        var agent = await NewProject().Agent();

        await agent.Upload(new string('a', 256), null, new { id = "bd-1" }).Unprocessable();
        await agent.UploadJsonl(Jsonl.Of(new { id = "bd-1" }), new string('a', 256)).Unprocessable();
        await agent.Upload(new string('a', 255), null, new { id = "bd-1" }).Ok();
    }

    [Fact]
    [Checklist("beadhub", 129)]
    public async Task Blank_lines_do_not_count()
    {
        var agent = await NewProject().Agent();

        (await agent.UploadJsonl("{\"id\":\"bd-1\"}\n\n   \r\n{\"id\":\"bd-2\"}").Ok()).Number("issues_synced").ShouldBe(2);
        (await agent.UploadJsonl("\n \n\r\n").Ok()).Number("issues_synced").ShouldBe(0);
    }

    [Fact]
    [Checklist("beadhub", 130)]
    [OnAnyStore]
    public async Task Upload_jsonl_needs_a_good_repo()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/beads/upload-jsonl", Api.Plain("{\"id\":\"bd-1\"}")).Invalid("repo", "missing");
        await agent.UploadJsonl("{\"id\":\"bd-1\"}", "a/../../../etc").RefusedWith(422, "Invalid repo");
    }

    [Fact]
    [Checklist("beadhub", 131)]
    [OnAnyStore]
    public async Task Bad_json_is_refused_by_its_line()
    {
        var agent = await NewProject().Agent();

        await agent.UploadJsonl("{\"id\":\"bd-1\"}\n{broken\n").RefusedWith(400, "Invalid JSON on line 2");
        await agent.UploadJsonl("\n\n[1,2]").Refused(400, "JSON on line 3 must be an object");
        await agent.UploadJsonl("{\"id\":\"bd-1\",\"title\":\"\\ud800\"}").RefusedWith(400, "Invalid JSON on line 1");
        await agent.UploadJsonl("{\"id\":\"bd-1\",\"priority\":NaN}").RefusedWith(400, "Invalid JSON on line 1");
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    [OnAnyStore]
    public async Task Invalid_utf8_is_refused_by_its_line()
    {
        var agent = await NewProject().Agent();
        byte[] body = [.. "{\"id\":\"bd-1\"}\n{\"id\":\"bd-2\",\"title\":\""u8, 0xFF, 0xFE, .. "\"}\n"u8];

        await agent.Post("/v1/beads/upload-jsonl?repo=my-repo", Api.Raw(body, "text/plain")).RefusedWith(400, "Invalid JSON on line 2");
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    [OnAnyStore]
    public async Task An_empty_body_is_a_validation_error()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/beads/upload-jsonl?repo=my-repo", Api.Plain("")).Invalid();
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData(null)]
    public async Task Any_content_type_is_answered_with_the_result_or_422(string? contentType)
    {
        var agent = await NewProject().Agent();

        var answer = await agent.Post("/v1/beads/upload-jsonl?repo=my-repo", Api.Raw("{\"id\":\"bd-1\"}"u8.ToArray(), contentType));

        answer.Status.ShouldBeOneOf(200, 422);
        answer.Json.Has(answer.Status == 200 ? "issues_synced" : "detail").ShouldBeTrue(answer.ToString());
    }

    [Fact]
    [Checklist("beadhub", 132)]
    public async Task Ten_thousand_and_one_records_are_too_many()
    {
        var agent = await NewProject().Agent();
        var records = Enumerable.Range(0, 10_001).Select(i => new { id = $"bd-{i}" }).ToArray();

        await agent.UploadJsonl(Jsonl.Of(records)).RefusedWith(400, "Too many issues", "10000");
        await agent.Upload("my-repo", null, [.. records]).RefusedWith(400, "Too many issues", "10000");
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    [Checklist("beadhub", 133)]
    [OnAnyStore]
    public async Task Nesting_is_limited()
    {
        var agent = await NewProject().Agent();

        await agent.UploadJsonl(Nested(11, '{')).RefusedWith(400, "nesting depth exceeds limit", "line 1");
    }

    [Theory]
    [InlineData('{')]
    [InlineData('[')]
    [Checklist("beadhub", 134)]
    public async Task Eight_containers_in_a_field_pass_and_nine_fail(char kind)
    {
        var agent = await NewProject().Agent();

        await agent.UploadJsonl(Nested(8, kind)).Ok();
        await agent.UploadJsonl(Nested(9, kind)).RefusedWith(400, "nesting depth exceeds limit (10) on line 1");
        await agent.Post("/v1/beads/upload", $"{{\"repo\":\"my-repo\",\"issues\":[{Nested(8, kind)}]}}").Ok();
        await agent.Post("/v1/beads/upload", $"{{\"repo\":\"my-repo\",\"issues\":[{Nested(9, kind)}]}}")
            .RefusedWith(400, "nesting depth exceeds limit");
    }

    [Fact]
    [Checklist("beadhub", 135)]
    public async Task Empty_containers_are_fine()
    {
        var agent = await NewProject().Agent();

        (await agent.UploadJsonl("{\"id\":\"bd-1\",\"labels\":[],\"dependencies\":[],\"extra\":{},\"more\":[[],{}]}").Ok())
            .Number("issues_synced").ShouldBe(1);
    }

    [Fact]
    [Checklist("beadhub", 136)]
    public async Task Pathological_nesting_does_no_harm()
    {
        var agent = await NewProject().Agent();

        var answer = await agent.UploadJsonl(Nested(15_000, '['));

        answer.Status.ShouldBe(400, answer.ToString());
        answer.Text.ShouldMatch("nesting|recursion");
        (await Api.Get("/health").Ok()).Text("status").ShouldBe("ok");
    }

    [Fact]
    [Checklist("beadhub", 137)]
    public async Task Ten_thousand_records_are_welcome()
    {
        var agent = await NewProject().Agent();

        var upload = await agent
            .UploadJsonl(Jsonl.Of(Enumerable.Range(0, 10_000).Select(i => new { id = $"bd-{i}", title = $"Issue {i}", status = "open" })))
            .Ok();

        upload.Number("issues_synced").ShouldBe(10_000);
        upload.Number("issues_added").ShouldBe(10_000);
        (await agent.Get("/v1/beads/issues/bd-9999").Ok()).Text("title").ShouldBe("Issue 9999");
    }

    [Fact]
    [Checklist("beadhub", 138)]
    public async Task A_numeric_creator_is_kept_as_text()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, new { id = "bd-1", created_by = 123 }).Ok();

        (await agent.Get("/v1/beads/issues?created_by=123").Ok()).Pluck("issues", "created_by").ShouldBe(["123"]);
    }

    [Fact]
    [Checklist("beadhub", 139)]
    public async Task A_creator_is_cut_and_never_lost()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, new { id = "bd-1", created_by = "  " + new string('c', 300) }).Ok();
        await agent.Upload("my-repo", null, new { id = "bd-1", title = "later" }).Ok();

        var issue = await agent.Get("/v1/beads/issues/bd-1").Ok();

        issue.Text("created_by").ShouldBe(new string('c', 255));
        issue.Text("title").ShouldBe("later");
    }

    [Fact]
    [Checklist("beadhub", 155)]
    public async Task An_older_record_does_not_overwrite()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, new { id = "bd-1", title = "new", status = "closed", updated_at = "2026-01-02T00:00:00Z" })
            .Ok();

        var upload = await agent.Upload("my-repo", null,
            new { id = "bd-1", title = "old", status = "open", updated_at = "2026-01-01T23:59:59.999999+00:00" }, new { id = "bd-2" }).Ok();

        upload.Texts("conflicts").ShouldBe(["bd-1"]);
        upload.Number("conflicts_count").ShouldBe(1);
        upload.Number("issues_synced").ShouldBe(2);
        upload.Number("issues_added").ShouldBe(1);
        upload.Number("issues_updated").ShouldBe(0);
        var issue = await agent.Get("/v1/beads/issues/bd-1").Ok();
        issue.Text("title").ShouldBe("new");
        issue.Text("status").ShouldBe("closed");
    }

    [Fact]
    [Checklist("beadhub", 156)]
    public async Task An_equal_or_missing_time_overwrites()
    {
        var agent = await NewProject().Agent();
        const string Time = "2026-01-02T00:00:00.5+01:00";
        await agent.Upload("my-repo", null, new { id = "bd-1", title = "a", updated_at = Time }).Ok();

        (await agent.Upload("my-repo", null, new { id = "bd-1", title = "b", updated_at = "2026-01-01T23:00:00.500Z" }).Ok())
            .Number("issues_updated").ShouldBe(1);
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("b");
        (await agent.Upload("my-repo", null, new { id = "bd-1", title = "c" }).Ok()).Number("issues_updated").ShouldBe(1);
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("c");
    }

    [Fact]
    [Checklist("beadhub", 163)]
    public async Task A_new_issue_is_announced_to_its_uploader()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await using var stream = await bob.Stream();

        await alice.Upload("my-repo", null, new { id = "bd-1", title = "One", status = "open" }).Ok();
        await bob.UploadJsonl(Jsonl.Of(new { id = "bd-2", title = "Two", status = "open" })).Ok();

        foreach (var (agent, bead) in new[] { (alice, "bd-1"), (bob, "bd-2") })
        {
            var announced = await stream.Next();
            announced.Type.ShouldBe("bead.status_changed");
            announced.Data.Text("workspace_id").ShouldBe(agent.Id);
            announced.Data.Text("bead_id").ShouldBe(bead);
            announced.Data.Text("old_status").ShouldBe("");
            announced.Data.Text("new_status").ShouldBe("open");
            announced.Data.Text("repo").ShouldBe("my-repo");
            announced.Data.Text("alias").ShouldBe(agent.Alias);
            announced.Data.Text("project_slug").ShouldBe(project.Slug);
        }
    }

    [Fact]
    public async Task The_gateway_may_upload()
    {
        var agent = await NewProject().Agent();

        var upload = await Proxied(agent).Post("/v1/beads/upload",
            new { repo = "r", issues = new[] { new { id = "bd-1", status = "open" } } }).Ok();

        upload.Number("issues_added").ShouldBe(1);
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("status").ShouldBe("open");
    }

    [Theory]
    [InlineData("priority", "\"high\"")]
    [InlineData("priority", "1.5")]
    [InlineData("labels", "\"ui\"")]
    [InlineData("labels", "[1]")]
    [InlineData("labels", "{}")]
    [InlineData("dependencies", "[\"bd-2\"]")]
    [InlineData("dependencies", "{}")]
    [InlineData("blocked_by", "\"bd-2\"")]
    [InlineData("title", "7")]
    [InlineData("description", "[]")]
    [InlineData("status", "{}")]
    [InlineData("issue_type", "true")]
    [InlineData("assignee", "1")]
    [OnAnyStore]
    public async Task A_known_field_of_the_wrong_type_is_named(string field, string value)
    {
        var agent = await NewProject().Agent();
        var bad = $"{{\"id\":\"bd-2\",\"{field}\":{value}}}";

        await agent.UploadJsonl("{\"id\":\"bd-1\"}\n\n" + bad).RefusedWith(400, $"Invalid issue on line 3: {field}");
        await agent.Sync("{\"id\":\"bd-1\"}\n" + bad).RefusedWith(400, $"Invalid issue on line 2: {field}");
        // An array is stored as lines are: the second issue stands on line 2.
        await agent.Post("/v1/beads/upload", $"{{\"repo\":\"my-repo\",\"issues\":[{{\"id\":\"bd-1\"}},{bad}]}}")
            .RefusedWith(400, $"Invalid issue on line 2: {field}");

        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task Null_fields_unknown_fields_statuses_and_types_are_fine()
    {
        var agent = await NewProject().Agent();

        (await agent.UploadJsonl("""
            {"id":"bd-1","title":null,"status":null,"priority":null,"labels":null,"dependencies":null,"blocked_by":null,"created_at":null,"created_by":null}
            {"id":"bd-2","status":"tombstone","issue_type":"molecule","deleted_at":"2026-01-01T00:00:00Z","x":{"y":[1,2.5,true,null]}}
            {"id":"bd-3","priority":-7,"dependencies":[{"depends_on_id":"bd-1","type":"relates-to"}],"updated_at":"yesterday"}
            """).Ok()).Number("issues_synced").ShouldBe(3);

        (await agent.Get("/v1/beads/issues/bd-2").Ok()).Text("status").ShouldBe("tombstone");
        (await agent.Get("/v1/beads/issues/bd-3").Ok()).Number("priority").ShouldBe(-7);
        (await agent.Get("/v1/beads/issues/bd-3").Ok()).IsNull("updated_at").ShouldBeTrue();
    }

    [Fact]
    public async Task Text_comes_back_as_it_went_in()
    {
        var agent = await NewProject().Agent();
        const string Title = "NUL \0, tab \t, quote \", \\, 日本語, 🎯, \u2028, \u202e, <script>, e\u0301";
        await agent.Upload("my-repo", null,
            new { id = "bd-1", title = Title, description = Title, assignee = "a\0b", labels = new[] { "x\0y" } }).Ok();
        await agent.UploadJsonl(Jsonl.Of(new { id = "bd-2", title = Title })).Ok();

        var issue = await agent.Get("/v1/beads/issues/bd-1").Ok();
        issue.Text("title").ShouldBe(Title);
        issue.Text("description").ShouldBe(Title);
        issue.Text("assignee").ShouldBe("a\0b");
        issue.Texts("labels").ShouldBe(["x\0y"]);
        (await agent.Get("/v1/beads/issues/bd-2").Ok()).Text("title").ShouldBe(Title);
    }

    [Theory]
    [InlineData("2026-11-20T22:15:26.85896842Z", "2026-11-20T22:15:26.858968+00:00")]
    [InlineData("2026-11-20T22:15:26.123456789+01:00", "2026-11-20T21:15:26.123456+00:00")]
    [InlineData("2026-11-20T22:15:26.1-07:00", "2026-11-21T05:15:26.100000+00:00")]
    [InlineData("2026-11-20 22:15:26Z", "2026-11-20T22:15:26+00:00")]
    [InlineData("2026-11-20T22:15:26.000000Z", "2026-11-20T22:15:26+00:00")]
    public async Task Timestamps_are_read_in_any_iso_form(string sent, string shown)
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, new { id = "bd-1", created_at = sent, updated_at = sent }).Ok();

        var issue = await agent.Get("/v1/beads/issues/bd-1").Ok();

        issue.Text("created_at").ShouldBe(shown);
        issue.Text("updated_at").ShouldBe(shown);
    }

    [Fact]
    public async Task The_last_of_two_records_wins()
    {
        var agent = await NewProject().Agent();

        (await agent.UploadJsonl(Jsonl.Of(new { id = "bd-1", title = "a" }, new { id = "bd-2" }, new { id = "bd-1", title = "b" })).Ok())
            .Number("issues_synced").ShouldBe(2);
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("b");
    }

    [Fact]
    public async Task Only_line_feeds_end_a_line()
    {
        var agent = await NewProject().Agent();
        var text = JsonSerializer.Serialize(new { id = "bd-1", title = "a\u2028b" }, Api.Json)
            .Replace("\\u2028", "\u2028", StringComparison.Ordinal);

        (await agent.UploadJsonl(text).Ok()).Number("issues_synced").ShouldBe(1);
        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("a\u2028b");
    }

    [Fact]
    public async Task An_upload_of_ten_million_characters_is_the_largest()
    {
        var agent = await NewProject().Agent();
        var start = "{\"id\":\"bd-1\",\"title\":\"t\"}\n";
        var largest = new StringBuilder(start).Append(' ', 10 * 1024 * 1024 - start.Length).ToString();

        (await agent.UploadJsonl(largest).Ok()).Number("issues_synced").ShouldBe(1);
        await agent.UploadJsonl(largest + " ").Invalid();
    }

    /// <summary>A record whose field holds a scalar under so many containers.</summary>
    private static string Nested(int containers, char kind)
    {
        var (open, close) = kind == '{' ? ("{\"a\":", "}") : ("[", "]");
        var text = new StringBuilder("{\"id\":\"bd-1\",\"x\":");
        for (var i = 0; i < containers; i++)
            text.Append(open);
        text.Append('1');
        for (var i = 0; i < containers; i++)
            text.Append(close);
        return text.Append('}').ToString();
    }
}
