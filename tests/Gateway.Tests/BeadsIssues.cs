using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/beads/issues and issues/{id} (contract 7.6 and 7.7), and how references are stored (7.2).</summary>
public abstract class BeadsIssuesContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task Pages_end_before_clients_stop_reading_and_go_on_after_that()
    {
        const int clientsRead = 10 * 1024 * 1024;
        var agent = await NewProject().Agent();
        var labels = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"{i:0000}{new string('x', 246)}\""));
        var lines = Enumerable.Range(0, 60).Select(i =>
            $$"""{"id":"bd-{{i:00}}","status":"open","updated_at":"2026-01-01T00:00:00Z","labels":[{{labels}}]}""").ToArray();
        foreach (var chunk in lines.Chunk(30)) await agent.Change(string.Join('\n', chunk)).Ok();

        var seen = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = await agent.Get("/v1/beads/issues?limit=200" + (cursor is null ? "" : "&cursor=" + cursor)).Ok();
            page.GetRawText().Length.ShouldBeInRange(1, clientsRead);
            seen.AddRange(page.Pluck("issues", "bead_id"));
            page.Flag("has_more").ShouldBe(!page.IsNull("next_cursor"));
            if (!page.Flag("has_more")) break;
            cursor = page.Text("next_cursor");
        }

        seen.ShouldBe(Enumerable.Range(0, 60).Select(i => $"bd-{i:00}"));
        var ready = await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}&limit=1000").Ok();
        (ready.Flag("has_more"), ready.GetRawText().Length < clientsRead).ShouldBe((false, true));
        var tasks = await agent.Get("/v1/tasks").Ok();
        (tasks.GetRawText().Length < clientsRead, tasks.Number("total"), tasks.Flag("has_more")).ShouldBe((true, 60, true));
        (await agent.Get("/v1/tasks?cursor=" + tasks.Text("next_cursor")).Ok()).Items("tasks").Length
            .ShouldBe(60 - tasks.Items("tasks").Length);
        (await agent.Get("/v1/tasks?cursor=e30")).Status.ShouldBe(422);
    }

    [Fact]
    public async Task A_label_that_no_list_could_show_is_refused_and_nothing_stored()
    {
        var agent = await NewProject().Agent();

        var refused = await agent.Change($$"""{"id":"bd-1"}{{'\n'}}{"id":"bd-2","labels":["{{new string('x', 300_000)}}"]}""");

        (refused.Status, refused.Json.Text("detail")).ShouldBe((400, "Invalid issue on line 2: labels must have at most 255 characters"));
        (await agent.Get("/v1/beads/issues").Ok()).Items("issues").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 140)]
    public async Task Issues_are_filtered_by_creator()
    {
        var agent = await With(new { id = "bd-1", created_by = "alice" }, new { id = "bd-2", created_by = "bob" });

        (await Ids(agent, "created_by=alice")).ShouldBe(["bd-1"]);
    }

    [Fact]
    [Checklist("beadhub", 141)]
    public async Task The_latest_change_comes_first()
    {
        var agent = await With(
            new { id = "bd-1", updated_at = "2026-01-02T00:00:00Z" },
            new { id = "bd-2", updated_at = "2026-01-03T00:00:00Z" },
            new { id = "bd-3", updated_at = "2026-01-01T00:00:00Z" });

        (await Ids(agent, "")).ShouldBe(["bd-2", "bd-1", "bd-3"]);
    }

    [Fact]
    [Checklist("beadhub", 142)]
    public async Task Issues_are_filtered_by_type()
    {
        var agent = await With(new { id = "bd-1", issue_type = "bug" }, new { id = "bd-2", issue_type = "task" });

        (await Ids(agent, "type=bug")).ShouldBe(["bd-1"]);
        await agent.Get("/v1/beads/issues?type=invalid").RefusedWith(422, "Invalid issue type");
    }

    [Fact]
    [Checklist("beadhub", 143)]
    public async Task Issues_are_filtered_by_statuses()
    {
        var agent = await With(new { id = "bd-1", status = "open" }, new { id = "bd-2", status = "in_progress" },
            new { id = "bd-3", status = "closed" });

        (await Ids(agent, "status=open,in_progress")).Order().ShouldBe(["bd-1", "bd-2"]);
        (await Ids(agent, "status=%20open%20,%20in_progress")).Order().ShouldBe(["bd-1", "bd-2"]);
        (await Ids(agent, "status=%20%20,%20%20,")).Length.ShouldBe(3);
        await agent.Get("/v1/beads/issues?status=invalid").RefusedWith(422, "Invalid status");
        await agent.Get("/v1/beads/issues?status=open,invalid").RefusedWith(422, "Invalid status");
    }

    [Fact]
    [Checklist("beadhub", 144)]
    public async Task Search_looks_at_ids_and_titles()
    {
        var agent = await With(
            new { id = "bd-search1", title = "x", status = "open" },
            new { id = "bd-2", title = "Fix AUTHentication", status = "open" },
            new { id = "bd-3", title = "author", status = "closed" },
            new { id = "x-bd-search", title = "y", status = "open" });

        (await Ids(agent, "q=bd-search")).ShouldBe(["bd-search1"]);
        (await Ids(agent, "q=BD-SEARCH")).ShouldBe(["bd-search1"]);
        (await Ids(agent, "q=auth")).Order().ShouldBe(["bd-2", "bd-3"]);
        (await Ids(agent, "q=auth&status=open")).ShouldBe(["bd-2"]);
        (await Ids(agent, "q=")).Length.ShouldBe(4);
        await agent.Get("/v1/beads/issues?q=" + new string('a', 256)).Invalid("q");
    }

    [Fact]
    [Checklist("beadhub", 145)]
    public async Task Search_is_literal()
    {
        var agent = await With(new { id = "bd-1", title = "Test1 case" }, new { id = "bd-2", title = "Test_ case" },
            new { id = "bd-3", title = "100% done" },
            new { id = "bd-4", title = "1000 done" }, new { id = "bd-5", title = "a\\b" });

        (await Ids(agent, "q=Test_")).ShouldBe(["bd-2"]);
        (await Ids(agent, "q=100%25")).ShouldBe(["bd-3"]);
        (await Ids(agent, "q=a%5Cb")).ShouldBe(["bd-5"]);
        (await Ids(agent, "q='")).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 146)]
    public async Task Five_issues_make_three_pages_of_two()
    {
        var agent = await With([.. Enumerable.Range(0, 5).Select(i => new { id = $"bd-{i}", updated_at = $"2026-01-0{i + 1}T00:00:00Z" })]);

        var pages = await Pages.Each(agent, "/v1/beads/issues?limit=2");

        pages.Select(page => string.Join(' ', page.Pluck("issues", "bead_id"))).ShouldBe(["bd-4 bd-3", "bd-2 bd-1", "bd-0"]);
        pages.Select(page => page.Number("count")).ShouldBe([2, 2, 1]);
        pages.ShouldAllBe(page => page.IsNull("synced_at"));
    }

    [Fact]
    [Checklist("beadhub", 147)]
    public async Task Pages_keep_the_filter()
    {
        var agent =
            await With(
            [.. Enumerable.Range(0, 6).Select(i =>
            new { id = $"bd-{i}", issue_type = i % 2 == 0 ? "bug" : "task", updated_at = $"2026-01-0{i + 1}T00:00:00Z" })]);

        (await Pages.Of(agent, "/v1/beads/issues?type=bug&limit=1", "issues")).Select(issue => issue.Text("bead_id"))
            .ShouldBe(["bd-4", "bd-2", "bd-0"]);
        (await agent.Get("/v1/beads/issues?type=bug&limit=3").Ok()).Flag("has_more").ShouldBeFalse();
    }

    [Fact]
    [Checklist("beadhub", 148)]
    [OnAnyStore]
    public async Task A_cursor_is_checked_and_may_be_padded()
    {
        var agent = await With(new { id = "bd-1", priority = 1, updated_at = "2026-01-02T00:00:00Z" },
            new { id = "bd-2", priority = 1, updated_at = "2026-01-01T00:00:00Z" });

        await agent.Get("/v1/beads/issues?cursor=invalid-not-base64!!!").RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/beads/issues?cursor=" + Cursor(new { sort_time = "2026-01-02T00:00:00+00:00", priority = 1 }))
            .RefusedWith(422, "incomplete sort key");
        await agent.Get("/v1/beads/issues?cursor=" + Cursor(new { sort_time = "tomorrow", priority = 1, bead_id = "bd-1" }))
            .RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/beads/issues?cursor=" + Cursor("no object")).RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/beads/issues?cursor=" + new string('a', 8193)).RefusedWith(422, "Invalid cursor");

        var cursor = (await agent.Get("/v1/beads/issues?limit=1").Ok()).Text("next_cursor");
        cursor.ShouldNotContain('=');
        var padded = cursor + new string('=', (4 - cursor.Length % 4) % 4);
        (await Ids(agent, "cursor=" + Uri.EscapeDataString(padded))).ShouldBe(["bd-2"]);
        (await Ids(agent, "cursor=")).Length.ShouldBe(2);
    }

    [Fact]
    public async Task The_contracts_own_cursor_form_is_accepted()
    {
        var agent = await With(new { id = "bd-1", priority = 1, updated_at = "2026-01-02T00:00:00Z" },
            new { id = "bd-2", priority = 1, updated_at = "2026-01-01T00:00:00Z" });

        (await Ids(agent, "cursor=" + Cursor(new { sort_time = "2026-01-02T00:00:00+00:00", priority = 1, bead_id = "bd-1" })))
            .ShouldBe(["bd-2"]);
    }

    [Fact]
    public async Task Ties_and_missing_priorities_neither_skip_nor_repeat()
    {
        var agent = await With([.. Enumerable.Range(0, 24).Select(i => new
        {
            id = $"bd-{i:d2}",
            priority = i % 3 == 0 ? null : (int?)(i % 3),
            updated_at = i % 4 == 0 ? null : $"2026-01-0{i % 4}T00:00:00Z",
        })]);

        var whole = await Ids(agent, "");
        whole.Length.ShouldBe(24);
        foreach (var limit in new[] { 1, 2, 5, 7 })
            (await Pages.Of(agent, $"/v1/beads/issues?limit={limit}", "issues")).Select(issue => issue.Text("bead_id")).ShouldBe(whole);
        var dated = whole.Where(id => int.Parse(id[3..]) % 4 == 3).ToArray();
        dated.ShouldBe(["bd-07", "bd-19", "bd-11", "bd-23", "bd-03", "bd-15"], "priority ascending with nulls last, then the id");
    }

    [Fact]
    [Checklist("beadhub", 149)]
    public async Task An_unknown_repo_has_no_issues()
    {
        var agent = await With(new { id = "bd-1" });

        var page = await agent.Get("/v1/beads/issues?repo=unknown").Ok();

        page.Number("count").ShouldBe(0);
        page.Items("issues").ShouldBeEmpty();
        page.Flag("has_more").ShouldBeFalse();
        page.IsNull("next_cursor").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 150)]
    public async Task An_issue_is_read_by_its_id()
    {
        var agent = await With(new { id = "bd-1.2_x", title = "One", priority = 2, description = "Long" });
        var stranger = await NewProject().Agent();

        var issue = await agent.Get("/v1/beads/issues/bd-1.2_x").Ok();

        issue.Text("title").ShouldBe("One");
        issue.Number("priority").ShouldBe(2);
        issue.Text("description").ShouldBe("Long");
        issue.Text("project_id").ShouldBe(agent.ProjectId);
        issue.IsNull("current_reservation").ShouldBeTrue();
        await agent.Get("/v1/beads/issues/unknown").RefusedWith(404, "not found");
        await stranger.Get("/v1/beads/issues/bd-1.2_x").Refused(404, "Issue not found");
    }

    [Fact]
    [Checklist("beadhub", 151)]
    public async Task Of_two_repos_the_first_by_name_answers()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("repo-b", null, new { id = "bd-1", title = "in b" }).Ok();
        await agent.Upload("repo-a", "zz", new { id = "bd-1", title = "in a, zz" }).Ok();
        await agent.Upload("repo-a", "main", new { id = "bd-1", title = "in a, main" }).Ok();

        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("in a, main");
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(3);
    }

    [Fact]
    [Checklist("beadhub", 152)]
    public async Task Repo_and_branch_select_the_exact_row()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("repo-a", null, new { id = "bd-1", title = "in a" }).Ok();
        await agent.Upload("repo-b", "dev", new { id = "bd-1", title = "in b" }).Ok();

        (await agent.Get("/v1/beads/issues/bd-1?repo=repo-b&branch=dev").Ok()).Text("title").ShouldBe("in b");
        await agent.Get("/v1/beads/issues/bd-1?repo=repo-b&branch=main").Refused(404, "Issue not found");
        await agent.Get("/v1/beads/issues/bd-1?repo=repo-c&branch=dev").Refused(404, "Issue not found");
        await agent.Get("/v1/beads/issues/bd-1?repo=invalid%20repo!").RefusedWith(422, "Invalid repo");
        await agent.Get("/v1/beads/issues/bd-1?branch=invalid%20branch!").RefusedWith(422, "Invalid branch name");
        (await Ids(agent, "repo=repo-b&branch=dev")).ShouldBe(["bd-1"]);
        await agent.Get("/v1/beads/issues?repo=invalid%20repo!").RefusedWith(422, "Invalid repo");
        await agent.Get("/v1/beads/issues?branch=invalid%20branch!").RefusedWith(422, "Invalid branch name");
    }

    [Fact]
    [Checklist("beadhub", 153)]
    public async Task A_repo_without_a_branch_is_no_filter_for_one_issue()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("repo-a", null, new { id = "bd-1", title = "in a" }).Ok();

        (await agent.Get("/v1/beads/issues/bd-1?repo=repo-b").Ok()).Text("title").ShouldBe("in a");
    }

    [Fact]
    [Checklist("beadhub", 154)]
    public async Task A_parent_comes_from_the_dependencies()
    {
        var agent = await With(
            new { id = "bd-1.1", dependencies = new[] { new { depends_on_id = "bd-2", type = "blocks" },
                new { depends_on_id = "bd-1", type = "parent-child" } } },
            new { id = "bd-3" });

        var child = await agent.Get("/v1/beads/issues/bd-1.1").Ok();
        child.At("parent_id").Text("bead_id").ShouldBe("bd-1");
        child.At("parent_id").Text("repo").ShouldBe("my-repo");
        child.At("parent_id").Text("branch").ShouldBe("main");
        (await agent.Get("/v1/beads/issues/bd-3").Ok()).IsNull("parent_id").ShouldBeTrue();
        var list = await agent.Get("/v1/beads/issues").Ok();
        list.Find("issues", "bead_id", "bd-1.1").At("parent_id").Text("bead_id").ShouldBe("bd-1");
        list.Find("issues", "bead_id", "bd-3").IsNull("parent_id").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 157)]
    public async Task A_blocker_that_comes_closed_blocks_nothing()
    {
        static object On(string id) => new { depends_on_id = id, type = "blocks" };
        var agent = await With(
            new { id = "bd-1", status = "closed" },
            new { id = "bd-2", status = "open" },
            new { id = "bd-3", status = "open", dependencies = new[] { On("bd-1"), On("bd-2"), On("bd-absent"),
                new { depends_on_id = "bd-2", type = "related" } } });

        Blockers(await agent.Get("/v1/beads/issues/bd-3").Ok()).ShouldBe(["bd-2", "bd-absent"]);
    }

    [Fact]
    [Checklist("beadhub", 158)]
    public async Task References_name_repo_branch_and_bead()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", "dev", new
        {
            id = "bd-1",
            blocked_by = new object[]
            {
                "other-repo:bd-002", " bd-3 ", "", "a:b:c", "bad repo!:bd-1", "x:../y", new { bead_id = "bd-4", repo = "r", branch = "b" },
                    new { bead_id = "bd-5" },
                new { bead_id = "../x" }, new { repo = "r" }, new { bead_id = "bd-6", repo = "bad repo!" },
            },
        }).Ok();

        (await agent.Get("/v1/beads/issues/bd-1").Ok()).Items("blocked_by")
            .Select(to => $"{to.Text("repo")} {to.Text("branch")} {to.Text("bead_id")}")
            .ShouldBe(["other-repo dev bd-002", "my-repo dev bd-3", "r b bd-4", "my-repo dev bd-5"]);
    }

    [Fact]
    [Checklist("beadhub", 159)]
    public async Task No_labels_are_null()
    {
        var agent = await With(new { id = "bd-1", labels = Array.Empty<string>() }, new { id = "bd-2", labels = new[] { "ui", "api" } });

        (await agent.Get("/v1/beads/issues/bd-1").Ok()).IsNull("labels").ShouldBeTrue();
        (await agent.Get("/v1/beads/issues").Ok()).Find("issues", "bead_id", "bd-1").IsNull("labels").ShouldBeTrue();
        (await agent.Get("/v1/beads/issues/bd-2").Ok()).Texts("labels").ShouldBe(["ui", "api"]);
        (await Ids(agent, "label=api")).ShouldBe(["bd-2"]);
        (await Ids(agent, "label=ap")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Issues_are_filtered_by_assignee()
    {
        var agent = await With(new { id = "bd-1", assignee = "maria" }, new { id = "bd-2" });

        (await Ids(agent, "assignee=maria")).ShouldBe(["bd-1"]);
    }

    [Fact]
    public async Task A_listed_issue_has_every_field()
    {
        var agent = await With(new { id = "bd-1" });

        var issue = (await agent.Get("/v1/beads/issues").Ok()).Items("issues").Single();

        issue.EnumerateObject().Select(field => field.Name).ShouldBe(
        [
            "bead_id", "repo", "branch", "title", "status", "priority", "type", "assignee", "created_by", "labels", "blocked_by",
            "parent_id", "created_at",
            "updated_at", "current_reservation", "reservations",
        ], ignoreOrder: true);
        issue.Items("blocked_by").ShouldBeEmpty();
        issue.Items("reservations").ShouldBeEmpty();
        issue.IsNull("current_reservation").ShouldBeTrue();
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=201")]
    [InlineData("limit=x")]
    public async Task A_page_has_1_to_200_issues(string query)
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/beads/issues?" + query).Invalid("limit");
    }

    private async Task<Agent> With(params object[] issues)
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, issues).Ok();
        return agent;
    }

    private static async Task<string[]> Ids(Agent agent, string query) =>
        (await agent.Get("/v1/beads/issues?" + query).Ok()).Pluck("issues", "bead_id");

    private static string[] Blockers(JsonElement issue) => issue.Pluck("blocked_by", "bead_id");

    private static string Cursor(object value) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(value))).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
