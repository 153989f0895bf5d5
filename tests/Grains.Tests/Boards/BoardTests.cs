using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class BoardTests
{
    private static readonly IssueQuery All = new(null, null, null, null, null, null, null, null, 50, null);

    private static BeadView View(BeadRecord record, long version = 1, params BeadClaim[] claims) =>
        new(record.BeadId, version, [record], [.. claims], []);

    private static BeadClaim Claim(string workspace, double seconds, BeadRef? apex = null) =>
        new(workspace, workspace + "-alias", "Human", At(seconds), apex);

    private static Board Of(params BeadRecord[] records) =>
        Board.Empty("p").With(records.GroupBy(r => r.BeadId).Select(g => new BeadView(g.Key, 1, [.. g], [], [])));

    private static string[] Ids(IssuePage page) => [.. page.Issues.Select(i => i.BeadId)];

    private static string[] Ready(Board board, int limit = 10) =>
        [.. board.Views.Ready(new(null, null, limit)).Issues.Select(i => i.BeadId)];

    [Fact]
    public void Issues_stand_newest_first_then_by_priority_then_by_id_checklist_141()
    {
        var board = Of(
            Record("old", updatedAt: At(1)), Record("new", updatedAt: At(3)), Record("synced", updatedAt: null, syncedAt: At(2)),
            Record("b", updatedAt: At(1), priority: 1), Record("a", updatedAt: At(1), priority: 1),
            Record("none", updatedAt: At(1), priority: null));
        Ids(board.Views.Issues(All)).ShouldBe(["new", "synced", "a", "b", "old", "none"]);
    }

    [Fact]
    public void Issues_in_lists_have_no_description()
    {
        var board = Of(Record(blockedBy: [Ref("bd-2")], parent: Ref("bd-3")));
        board.Find(Ref("bd-1"))!.Description.ShouldBeNull();
        board.Views.Issues(All).Issues.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            row => row.BlockedBy.ShouldBe([Ref("bd-2")]), row =>
                row.Parent.ShouldBe(Ref("bd-3")), row => row.Title.ShouldBe("Title"), row => row.SyncedAt.ShouldBe(Noon));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(200)]
    public void Pages_neither_repeat_nor_skip_under_ties_and_missing_priorities_checklist_146(int limit)
    {
        var random = new Random(limit);
        var records = Enumerable.Range(0, 90).Select(i => Record(
            $"bd-{i % 45}", updatedAt: At(random.Next(3)), priority: random.Next(3) is var p and > 0 ? p : null, repo: i < 45 ? "a" : "b",
            branch: random.Next(2) == 0 ? "x" : "y",
            status: i % 3 == 0 ? "closed" : "open")).ToArray();
        var board = Of(records);
        foreach (var query in new[] { All, All with { Statuses = "open" }, All with { Statuses = " open , closed,," },
            All with { Repo = "b" } })
        {
            var expected = board.Listed.Where(r => (query.Repo is null || r.Repo == query.Repo)
                && (query.Statuses != "open" || r.Status == "open")).Select(r => (r.Repo, r.Branch, r.BeadId)).ToList();
            var seen = new List<(string, string, string)>();
            for (IssueCursor? cursor = null; ;)
            {
                var page = board.Views.Issues(query with { Limit = limit, After = cursor });
                page.Issues.Length.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(page.Issues.Select(i => (i.Repo, i.Branch, i.BeadId)));
                cursor = page.Next;
                if (cursor is null) break;
                page.Issues.Length.ShouldBe(limit);
            }

            seen.ShouldBe(expected);
        }
    }

    [Fact]
    public void The_last_full_page_has_no_next_checklist_147() =>
        Of(Record("a"), Record("b")).Views.Issues(All with { Limit = 2 }).Next.ShouldBeNull();

    [Fact]
    public void A_cursor_without_repository_goes_on_behind_all_issues_with_its_key()
    {
        var board = Of(Record("a", repo: "r1"), Record("a", repo: "r2"), Record("b", repo: "r1", branch: "x"),
            Record("b", repo: "r1", branch: "y"), Record("c"));
        Ids(board.Views.Issues(All with { After = new(Noon, 2, "a", null, null) })).ShouldBe(["b", "b", "c"]);
        Ids(board.Views.Issues(All with { After = new(Noon, 2, "b", "r1", null) })).ShouldBe(["c"]);
        Ids(board.Views.Issues(All with { After = new(Noon, null, "a", null, null) })).ShouldBeEmpty();
    }

    [Fact]
    public void Filters_all_hold_checklist_140_142_143_144_145_149()
    {
        var board = Of(
            Record("bd-search-1", title: "Auth fails", createdBy: "alice", updatedAt: At(9)) with { Assignee = "bob", Labels = ["x", "y"],
                Type = "bug" },
            Record("bd-2", title: "Test1 100 percent", status: "closed", updatedAt: At(8)),
            Record("bd-3", title: "Test_2 is 100% \\ done", status: "in_progress", repo: "other", branch: "dev", updatedAt: At(7)),
            Record("bd-4", title: null, status: null, updatedAt: At(6)));
        Check(All with { CreatedBy = "alice" }, "bd-search-1");
        Check(All with { CreatedBy = "Alice" });
        Check(All with { Assignee = "bob" }, "bd-search-1");
        Check(All with { Label = "y" }, "bd-search-1");
        Check(All with { Label = "z" });
        Check(All with { Type = "bug" }, "bd-search-1");
        Check(All with { Statuses = " open, in_progress " }, "bd-search-1", "bd-3");
        Check(All with { Statuses = "  ,  ," }, "bd-search-1", "bd-2", "bd-3", "bd-4");
        Check(All with { Statuses = "deferred" });
        Check(All with { Text = "BD-SEARCH" }, "bd-search-1");
        Check(All with { Text = "search" });
        Check(All with { Text = "aUTH" }, "bd-search-1");
        Check(All with { Text = "Test_" }, "bd-3");
        Check(All with { Text = "100%" }, "bd-3");
        Check(All with { Text = "\\" }, "bd-3");
        Check(All with { Text = "test", Statuses = "closed" }, "bd-2");
        Check(All with { Text = "", Repo = "" }, "bd-search-1", "bd-2", "bd-3", "bd-4");
        Check(All with { Repo = "other", Branch = "dev" }, "bd-3");
        Check(All with { Repo = "unknown" });

        void Check(IssueQuery query, params string[] ids) => Ids(board.Views.Issues(query)).ShouldBe(ids);
    }

    [Fact]
    public void Ready_is_open_with_every_blocker_stored_and_closed_checklist_160()
    {
        var board = Of(
            Record("free"), Record("by-unknown", blockedBy: [Ref("unknown")]), Record("by-open", blockedBy: [Ref("free")]),
            Record("by-closed", blockedBy: [Ref("done")]),
            Record("by-both", blockedBy: [Ref("done"), Ref("free")]), Record("done", status: "closed"),
            Record("other-repo", blockedBy: [Ref("done", "other")]),
            Record("other-branch", blockedBy: [Ref("done", branch: "dev")]), Record("started", status: "in_progress"),
            Record("shouted", status: "Open"), Record("none", status: null));
        Ready(board, 100).ShouldBe(["by-closed", "free"]);
    }

    [Fact]
    public void Ready_follows_what_blocks()
    {
        var board = Of(Record("a", blockedBy: [Ref("b")]));
        Ready(board).ShouldBeEmpty();
        board = board.With([View(Record("b", status: "closed"))]);
        Ready(board).ShouldBe(["a"]);
        board = board.With([View(Record("b", status: "open"), 2)]);
        Ready(board).ShouldBe(["b"]);
        board = board.With([View(Record("b", status: "closed"), 3)]);
        Ready(board).ShouldBe(["a"]);
        board = board.With([new BeadView("b", 4, [], [], [])]);
        Ready(board).ShouldBeEmpty();
        board = board.With([View(Record("a"), 2)]);
        Ready(board).ShouldBe(["a"]);
    }

    [Fact]
    public void Ready_is_ordered_by_priority_and_id_and_limited_checklist_161()
    {
        var board = Of(Record("b", priority: 1), Record("a", priority: 1), Record("c", priority: 0), Record("d", priority: null),
            Record("e", priority: 3, repo: "other", branch: "dev"));
        Ready(board).ShouldBe(["c", "a", "b", "e", "d"]);
        Ready(board, 2).ShouldBe(["c", "a"]);
        board.Views.Ready(new("other", null, 10)).Issues.ShouldHaveSingleItem().BeadId.ShouldBe("e");
        board.Views.Ready(new(null, "dev", 10)).Issues.ShouldHaveSingleItem().BeadId.ShouldBe("e");
    }

    [Fact]
    public void Claims_stand_newest_first_in_pages_checklist_200()
    {
        var board = Board.Empty("p").With(Enumerable.Range(1, 5).Select(i => View(Record($"bd-{i}"), 1, Claim("w", i))));
        var one = board.Views.Claims(new(null, 2, null));
        one.Claims.Select(c => c.BeadId).ShouldBe(["bd-5", "bd-4"]);
        one.Claims[0].ShouldBe(new ClaimRow("bd-5", "w", "w-alias", "Human", At(5), "p"));
        var two = board.Views.Claims(new(null, 2, one.Next));
        two.Claims.Select(c => c.BeadId).ShouldBe(["bd-3", "bd-2"]);
        var three = board.Views.Claims(new(null, 2, two.Next));
        three.Claims.ShouldHaveSingleItem().BeadId.ShouldBe("bd-1");
        three.Next.ShouldBeNull();
    }

    [Fact]
    public void Claims_of_one_instant_are_paged_without_loss_and_old_cursors_skip_them()
    {
        var board = Board.Empty("p")
            .With([View(Record("a"), 1, Claim("w1", 1), Claim("w2", 1)), View(Record("b"), 1, Claim("w1", 1)),
            View(Record("c"), 1, Claim("w1", 0))]);
        var seen = new List<string>();
        for (var page = board.Views.Claims(new(null, 1, null)); ; page = board.Views.Claims(new(null, 1, page.Next)))
        {
            seen.AddRange(page.Claims.Select(c => c.BeadId + c.WorkspaceId));
            if (page.Next is null) break;
        }

        seen.ShouldBe(["aw1", "aw2", "bw1", "cw1"]);
        board.Views.Claims(new(null, 9, new(At(1), null, null))).Claims.ShouldHaveSingleItem().BeadId.ShouldBe("c");
    }

    [Fact]
    public void Claims_are_found_by_workspace_checklist_198()
    {
        var board = Board.Empty("p").With([View(Record("a"), 1, Claim("w1", 1)), View(Record("b"), 1, Claim("w2", 2))]);
        board.Views.Claims(new("w1", 9, null)).Claims.ShouldHaveSingleItem().BeadId.ShouldBe("a");
        board.Views.Claims(new("w3", 9, null)).Claims.ShouldBeEmpty();
        board.Views.Claims(new("", 9, null)).Claims.Length.ShouldBe(2);
    }

    [Fact]
    public void Work_shows_claims_with_titles_and_how_many_claim_the_bead()
    {
        var epic = Ref("epic");
        var board = Board.Empty("p").With([
            View(Record("epic", title: "Epic") with { Type = "epic" }),
            View(Record("a", title: "A"), 1, Claim("w1", 1, epic), Claim("w2", 2)), View(Record("b", title: "B"), 1, Claim("w1", 3))]);
        var work = board.Views.Work();
        work.Claims.Select(c => (c.Claim.BeadId, c.Claim.WorkspaceId, c.Title, c.ClaimantCount))
            .ShouldBe([("b", "w1", "B", 1), ("a", "w2", "A", 2), ("a", "w1", "A", 2)]);
        (work.Claims[2].Apex, work.Claims[2].ApexTitle, work.Claims[2].ApexType).ShouldBe((epic, "Epic", "epic"));
        work.Workspaces["w1"].Claims.Select(c => c.Claim.BeadId).ShouldBe(["b", "a"]);
    }

    [Fact]
    public void Focus_is_the_apex_of_the_newest_claim_that_has_one_checklist_204()
    {
        var board = Board.Empty("p")
            .With([View(Record("a"), 1, Claim("w", 1, Ref("a"))), View(Record("b"), 1, Claim("w", 2, Ref("b"))),
            View(Record("c"), 1, Claim("w", 3))]);
        Focus().ShouldBe(("b", At(2)));
        board = board.With([new BeadView("b", 2, [Record("b")], [], [new("w", At(10))])]);
        Focus().ShouldBe(("a", At(10)));
        board = board.With([View(Record("a"), 2, Claim("w", 11, Ref("a")))]);
        Focus().ShouldBe(("a", At(11)));
        board = board.With([new BeadView("a", 3, [Record("a")], [], [new("w", At(12))]), View(Record("c"), 2)]);
        Focus().ShouldBe((null, At(12)));

        (string?, DateTimeOffset?) Focus() =>
            (board.Views.Work().Workspaces["w"].Focus?.BeadId, board.Views.Work().Workspaces["w"].FocusUpdatedAt);
    }

    [Fact]
    public void A_command_is_refused_when_another_workspace_holds_the_bead_checklist_166_167_170()
    {
        var board = Board.Empty("p").With([View(Record("bd-1"), 1, new BeadClaim("alice", "alice-dev", "Alice", Noon, null))]);
        var refused = board.Views.Decide(new("bob", "update bd-1 --status in_progress"));
        (refused.Approved, refused.Reason).ShouldBe((false, "bd-1 is being worked on by alice-dev (Alice)"));
        refused.InProgress.ShouldHaveSingleItem().ShouldBe(new BeadInProgress("bd-1", "alice", "alice-dev", "Alice", Noon, "Title", null));
        foreach (var line in new[] { "ready", "close bd-1", "update bd-1 -s in_progress", "update --status in_progress bd-1",
            "update bd-2 --status in_progress", "update bd-1 --status open" })
            board.Views.Decide(new("bob", line)).ShouldSatisfyAllConditions(d => d.Approved.ShouldBeTrue(), d => d.Reason.ShouldBe(""), d =>
                d.InProgress.Length.ShouldBe(1));
        board.Views.Decide(new("alice", "update bd-1 --status in_progress")).Approved.ShouldBeTrue();
        Board.Empty("p").Views.Decide(new("bob", "ready")).InProgress.ShouldBeEmpty();
    }

    [Fact]
    public void A_holder_without_human_name_is_named_with_empty_parentheses() =>
        Board.Empty("p").With([View(Record("bd-1"), 1, new BeadClaim("alice", "alice-dev", "", Noon, null))])
            .Views.Decide(new("bob", "update bd-1 --status=in_progress")).Reason.ShouldBe("bd-1 is being worked on by alice-dev ()");

    [Fact]
    public void A_claim_older_than_the_200_shown_still_refuses_and_is_shown()
    {
        var board = Board.Empty("p").With(Enumerable.Range(0, 250).Select(i => View(Record($"bd-{i}"), 1, Claim("w" + i, i))));
        board.Views.Decide(new("me", "ready")).InProgress.Length.ShouldBe(200);
        var refused = board.Views.Decide(new("me", "update bd-0 --status in_progress"));
        refused.Approved.ShouldBeFalse();
        refused.InProgress.Length.ShouldBe(201);
        refused.InProgress[^1].WorkspaceId.ShouldBe("w0");
        board.Views.Decide(new("me", "update bd-249 --status in_progress")).InProgress.Length.ShouldBe(200);
    }

    [Fact]
    public void What_is_not_newer_changes_nothing()
    {
        var board = Board.Empty("p").With([View(Record(title: "Two"), 2)]);
        board.With([View(Record(title: "One"), 1)]).ShouldBeSameAs(board);
        board.With([View(Record(title: "Other"), 2)]).ShouldBeSameAs(board);
        board.With([]).ShouldBeSameAs(board);
        board.With([new BeadView("unknown", 0, [], [], [])]).ShouldBeSameAs(board);
        board.With([View(Record(title: "Four"), 4), View(Record(title: "Three"), 3)]).Latest("bd-1")!.Title.ShouldBe("Four");
    }

    [Fact]
    public void Counts_and_digests_follow_the_issues_of_a_repository_and_branch()
    {
        var (d1, d2) = (new LineDigest(1, 1), new LineDigest(2, 2));
        var board = Of(Record("a", digest: d1), Record("b"), Record("a", repo: "other", digest: d1));
        var scope = board.Scope("github.com/o/r", "main");
        (scope.Count, scope.ByDigest().Count).ShouldBe((2, 1));
        board = board.With([new BeadView("a", 2, [Record("a", title: "New", digest: d2)], [], [])]);
        scope = board.Scope("github.com/o/r", "main");
        scope.ByDigest().Keys.ShouldBe([d2]);
        scope.ByDigest()[d2].Title.ShouldBe("New");
        board.Scope("other", "main").Count.ShouldBe(0);
    }

    [Fact]
    public void The_same_object_answers_while_nothing_that_it_shows_changed()
    {
        var blocked = Record("blocked", blockedBy: [Ref("nothing")]);
        var board = Board.Empty("p")
            .With([View(Record("ready")), View(blocked), View(Record("held", status: "in_progress"), 1, Claim("w", 1, Ref("apex"))),
            View(Record("apex", status: "closed"))]);
        var before = Answers(board);
        Answers(board).ShouldBe(before);

        // An issue that is neither ready, nor held, nor an apex: only lists of issues show it.
        board = board.With([View(blocked with { Title = "New" }, 2)]);
        Same(ready: true, claims: true, work: true, issues: false);

        board = board.With([View(Record("ready", title: "New"), 2)]);
        Same(ready: false, claims: true, work: true, issues: false);

        board = board.With([View(Record("held", status: "in_progress", title: "New"), 2, Claim("w", 1, Ref("apex")))]);
        Same(ready: true, claims: true, work: false, issues: false);

        board = board.With([View(Record("apex", status: "closed", title: "New"), 2)]);
        Same(ready: true, claims: true, work: false, issues: false);
        board.Views.Work().Claims[0].ApexTitle.ShouldBe("New");

        board = board.With([View(Record("held", status: "in_progress", title: "New"), 3)]);
        Same(ready: true, claims: false, work: false, issues: true);

        object[] Answers(Board b) =>
        [
            b.Views.Ready(new(null, null, 10)), b.Views.Claims(new(null, 50, null)), b.Views.Work(), b.Views.Decide(new("x", "ready")),
            b.Views.Decide(new("x", "update held --status in_progress")), b.Views.Issues(All with { Text = "e" }),
        ];

        void Same(bool ready, bool claims, bool work, bool issues)
        {
            var now = Answers(board);
            now.Zip(before, ReferenceEquals).ShouldBe([ready, claims, work, work, work, issues]);
            before = now;
        }
    }

    [Fact]
    public void Ever_new_questions_do_not_fill_the_memory_nor_change_the_answers()
    {
        var board = Of(Record("a"), Record("b"));
        for (var i = 0; i < 2_000; i++)
            Ids(board.Views.Issues(All with { Text = i % 2 == 0 ? "a" : "b", Assignee = i < 2 ? null : "nobody" + i })).Length
                .ShouldBe(i < 2 ? 1 : 0);
        Ids(board.Views.Issues(All with { Text = "a" })).ShouldBe(["a"]);
    }
}
