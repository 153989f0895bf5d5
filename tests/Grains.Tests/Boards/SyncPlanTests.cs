using System.Text;
using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class SyncPlanTests
{
    private const string Repo = "github.com/o/r";

    private static readonly SyncBeads Alice = new("alice-id", "alice", "Alice", Repo, "main", [], [], RemoveDeleted: true, null);

    private static SyncPlan Plan(Board board, SyncBeads command, string jsonl = "") =>
        SyncPlan.Of(board, command with { Issues = [.. Encoding.UTF8.GetBytes(jsonl)] }, At(100));

    private static Board Of(params BeadRecord[] records) =>
        Board.Empty("p").With(records.GroupBy(r => r.BeadId).Select(g => new BeadView(g.Key, 1, [.. g], [], [])));

    private static BeadRef? Apex(Board board, string line, string jsonl = "", SyncBeads? command = null) =>
        Plan(board, (command ?? Alice) with { CommandLine = line }, jsonl).Changes.Single(c => c.Value.Claim).Value.Apex;

    private static string Child(string id, string parent, string more = "") =>
        $$"""{"id":"{{id}}","dependencies":[{"depends_on_id":"{{parent}}","type":"parent-child"}]{{more}}}""" + "\n";

    [Fact]
    public void An_issue_and_its_claim_are_one_change()
    {
        var (id, change) = Plan(Board.Empty("p"), Alice with { CommandLine = "update bd-1 --status in_progress" },
            """{"id":"bd-1","title":"T"}""").Changes.ShouldHaveSingleItem();
        id.ShouldBe("bd-1");
        (change.WorkspaceId, change.Alias, change.HumanName, change.Claim, change.ReleaseAll, change.Remove)
            .ShouldBe(("alice-id", "alice", "Alice", true, false, null));
        change.Store!.Title.ShouldBe("T");
        change.Store.SyncedAt.ShouldBe(At(100));
        change.Apex.ShouldBe(Ref("bd-1"));
    }

    [Theory]
    [InlineData("close bd-1")]
    [InlineData("delete bd-1")]
    [InlineData("update bd-1 --status blocked")]
    public void Ending_work_releases_all_claims_checklist_176_181(string line) =>
        Plan(Board.Empty("p"), Alice with { CommandLine = line }).Changes.ShouldHaveSingleItem().Value
            .ShouldBe(new ChangeBead("alice-id", "alice", "Alice", ReleaseAll: true, Command: line));

    [Theory]
    [InlineData("reopen bd-1")]
    [InlineData("update bd-1 --assignee x")]
    [InlineData("ready")]
    [InlineData("close ../x")]
    [InlineData("update -x --status in_progress")]
    [InlineData(null)]
    public void Other_lines_change_nothing_checklist_180(string? line) =>
        Plan(Of(Record("bd-1")), Alice with { CommandLine = line }).Changes.ShouldBeEmpty();

    [Fact]
    public void What_is_claimed_and_no_issue_may_be_a_task()
    {
        const string line = "update p-001 --status in_progress";
        var plan = Plan(Board.Empty("p"), Alice with { CommandLine = line });

        plan.ClaimedTask.ShouldBe("p-001");
        plan.WithTaskApex("p-000").Changes.ShouldHaveSingleItem().Value
            .ShouldBe(plan.Changes[0].Value with { Apex = new("", "", "p-000") });
        Plan(Of(Record("p-001")), Alice with { CommandLine = line }).ClaimedTask.ShouldBeNull("it is an issue");
        Plan(Board.Empty("p"), Alice with { CommandLine = line }, """{"id":"p-001"}""").ClaimedTask.ShouldBeNull("it is one by now");
        Plan(Board.Empty("p"), Alice with { CommandLine = "close p-001" }).ClaimedTask.ShouldBeNull();
        Plan(Board.Empty("p"), Alice with { WorkspaceId = null, CommandLine = line }).ClaimedTask.ShouldBeNull();
    }

    [Fact]
    public void Who_has_no_workspace_does_not_claim() =>
        Plan(Board.Empty("p"), Alice with { WorkspaceId = null, CommandLine = "update bd-1 --status in_progress" }).Changes.ShouldBeEmpty();

    [Fact]
    public void The_status_in_a_line_touches_no_claim_checklist_179() =>
        Plan(Board.Empty("p"), Alice, """{"id":"bd-1","status":"closed"}""").Changes.ShouldHaveSingleItem().Value.ReleaseAll
            .ShouldBeFalse();

    [Fact]
    public void An_incremental_sync_removes_deleted_issues_and_skips_bad_ids_checklist_185()
    {
        var changes = Plan(Of(Record("bd-9"), Record("bd-8")), Alice with { DeletedIds = ["bd-9", "../x", "", "unknown"] }).Changes;
        changes.ShouldHaveSingleItem()
            .ShouldBe(KeyValuePair.Create("bd-9", new ChangeBead("alice-id", "alice", "Alice", Remove: Ref("bd-9"), ReleaseAll: true)));
    }

    [Fact]
    public void A_full_sync_only_releases_claims_on_deleted_ids_checklist_186() =>
        Plan(Of(Record("bd-9")), Alice with { DeletedIds = ["bd-9"], RemoveDeleted = false }).Changes.ShouldHaveSingleItem().Value
            .ShouldBe(new ChangeBead("alice-id", "alice", "Alice", ReleaseAll: true));

    [Fact]
    public void What_is_stored_and_deleted_and_claimed_at_once_is_one_change()
    {
        var (_, change) = Plan(Board.Empty("p"), Alice with { DeletedIds = ["bd-1"], CommandLine = "update bd-1 --status in_progress" },
            """{"id":"bd-1"}""").Changes.ShouldHaveSingleItem();
        (change.Store is not null, change.Remove is not null, change.Claim, change.ReleaseAll, change.Apex)
            .ShouldBe((true, true, true, true, null));
    }

    [Fact]
    public void Only_what_changed_is_sent_checklist_187()
    {
        const string jsonl = "{\"id\":\"bd-1\"}\n{\"id\":\"bd-2\"}\n{\"id\":\"../bad\"}\n";
        var first = Plan(Board.Empty("p"), Alice, jsonl);
        (first.Received, first.Unchanged, first.Changes.Count).ShouldBe((2, 0, 2));
        var board = Board.Empty("p").With(first.Changes.Select(c => new BeadView(c.Key, 1, [c.Value.Store!], [], [])));
        var again = Plan(board, Alice, jsonl + "{\"id\":\"bd-3\"}");
        (again.Received, again.Unchanged, again.Changes.Count).ShouldBe((3, 2, 1));
    }

    [Fact]
    public void A_bad_line_stores_nothing_checklist_190() =>
        Should.Throw<RefusedException>(() => Plan(Board.Empty("p"), Alice, "{\"id\":\"bd-1\"}\n[]")).Message
            .ShouldBe("JSON on line 2 must be an object");

    [Fact]
    public void The_apex_is_the_root_of_the_parents_checklist_203()
    {
        var board = Of(Record("epic"), Record("story", parent: Ref("epic")), Record("task", parent: Ref("story")));
        Apex(board, "update task --status in_progress").ShouldBe(Ref("epic"));
        Apex(board, "update epic --status in_progress").ShouldBe(Ref("epic"));
        Apex(board, "update unknown --status in_progress").ShouldBeNull();
    }

    [Fact]
    public void The_way_to_the_apex_is_20_steps_at_most_and_ends_in_cycles_checklist_203()
    {
        var chain = Enumerable.Range(0, 30).Select(i => Record($"bd-{i}", parent: Ref($"bd-{i + 1}"))).Append(Record("bd-30")).ToArray();
        Apex(Of(chain), "update bd-0 --status in_progress").ShouldBe(Ref("bd-20"));
        Apex(Of(chain), "update bd-10 --status in_progress").ShouldBe(Ref("bd-30"));
        Apex(Of(Record("a", parent: Ref("b")), Record("b", parent: Ref("a"))), "update a --status in_progress").ShouldBe(Ref("a"));
        Apex(Of(Record("a", parent: Ref("a"))), "update a --status in_progress").ShouldBe(Ref("a"));
    }

    [Fact]
    public void A_parent_that_is_not_stored_exactly_ends_the_way() =>
        Apex(Of(Record("epic", branch: "dev"), Record("task", parent: Ref("epic"))), "update task --status in_progress")
            .ShouldBe(Ref("task"));

    [Fact]
    public void The_way_starts_at_the_issue_synced_last()
    {
        var board = Of(Record("task", repo: "a", syncedAt: At(1)), Record("task", repo: "b", syncedAt: At(2)));
        Apex(board, "update task --status in_progress").ShouldBe(Ref("task", "b"));
        Apex(board, "update task --status in_progress", """{"id":"task"}""").ShouldBe(Ref("task"));
    }

    [Fact]
    public void The_apex_is_that_of_what_the_sync_stores()
    {
        Apex(Board.Empty("p"), "update task --status in_progress", Child("task", "story") + Child("story", "epic") + """{"id":"epic"}""")
            .ShouldBe(Ref("epic"));
        var board = Of(Record("task", parent: Ref("old")), Record("old"), Record("new"));
        Apex(board, "update task --status in_progress", Child("task", "new")).ShouldBe(Ref("new"));
    }

    [Fact]
    public void An_issue_in_conflict_does_not_lead_the_way()
    {
        var board = Of(Record("task", parent: Ref("old"), updatedAt: At(10)), Record("old"), Record("new"));
        Apex(board, "update task --status in_progress", Child("task", "new", ",\"updated_at\":\"2020-01-01T00:00:00Z\""))
            .ShouldBe(Ref("old"));
    }

    [Fact]
    public void A_deleted_issue_does_not_lead_the_way()
    {
        var board = Of(Record("epic"), Record("task", parent: Ref("epic")), Record("task", repo: "other", syncedAt: At(-9)));
        Apex(board, "update task --status in_progress", command: Alice with { DeletedIds = ["epic"] }).ShouldBe(Ref("task"));
        Apex(board, "update task --status in_progress", command: Alice with { DeletedIds = ["epic"], RemoveDeleted = false })
            .ShouldBe(Ref("epic"));
        Apex(board, "update task --status in_progress", command: Alice with { DeletedIds = ["task"] }).ShouldBe(Ref("task", "other"));
    }
}
