using Beadhub.Beads;
using Beadhub.Presence;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Lists of workspaces (contract 5.6 to 5.9; checklist E).</summary>
public class WorkspaceListsTests
{
    private static readonly WorkspaceQuery All = new(null, null, null, null, null, false, false, true, 50, null);
    private static readonly TeamQuery Team15 = new(null, null, true, true, true, null, 15);

    private readonly Team _team = new Team().Joins("alice", Story.RepoA).Joins("bob", Story.RepoA).Joins("carol", Story.RepoB);

    private string[] Page(WorkspaceQuery query) => [.. WorkspaceLists.Page(_team.Sources, query).Workspaces.Select(w => w.Alias)];

    private string[] TeamOf(TeamQuery query) => [.. WorkspaceLists.Team(_team.Sources, query).Workspaces.Select(w => w.Alias)];

    private WorkspaceView One(string alias, WorkspaceQuery? query = null) =>
        WorkspaceLists.Page(_team.Sources, (query ?? All) with { Alias = alias }).Workspaces.ShouldHaveSingleItem();

    [Fact]
    public void The_last_updated_comes_first()
    {
        Page(All).ShouldBe(["carol", "bob", "alice"]);

        _team.IsSeen("bob", 1).IsSeen("alice", 2);
        Page(All).ShouldBe(["alice", "bob", "carol"]);
    }

    [Fact]
    public void A_profile_change_moves_a_workspace_to_the_front()
    {
        _team.Tells("bob");

        Page(All).ShouldBe(["bob", "carol", "alice"]);
    }

    [Fact]
    public void Pages_follow_each_other_without_gap_or_repetition_even_at_the_same_instant()
    {
        foreach (var i in Enumerable.Range(0, 7)) _team.Joins($"x{i}", Story.RepoA).IsSeen($"x{i}", 5);

        var pages = new List<string[]>();
        WorkspaceCursor? after = null;
        do
        {
            var page = WorkspaceLists.Page(_team.Sources, All with { Limit = 3, After = after });
            pages.Add([.. page.Workspaces.Select(w => w.Alias)]);
            after = page.Next;
        }
        while (after is not null);

        pages.Select(page => page.Length).ShouldBe([3, 3, 3, 1]);
        pages.SelectMany(page => page).ShouldBe(Page(All));
        pages.SelectMany(page => page).Distinct().Count().ShouldBe(10);
    }

    [Fact]
    public void A_page_that_ends_with_the_last_workspace_has_no_next() =>
        WorkspaceLists.Page(_team.Sources, All with { Limit = 3 }).Next.ShouldBeNull();

    [Fact]
    public void A_cursor_without_id_goes_on_strictly_before_its_time()
    {
        _team.IsSeen("alice", 5).IsSeen("bob", 5);

        Page(All with { After = new(Team.At(5), null) }).ShouldBe(["carol"]);
    }

    [Fact]
    public void Agents_without_a_workspace_are_not_listed()
    {
        _team.Joins("dave");

        Page(All).ShouldNotContain("dave");
    }

    [Fact]
    public void Deleted_workspaces_are_listed_only_when_asked_for_E98()
    {
        _team.IsPresent("bob", 1).Leaves("bob");

        Page(All).ShouldBe(["carol", "alice"]);
        var deleted = One("bob", All with { IncludeDeleted = true });
        deleted.DeletedAt.ShouldBe(_team.Story.Now);
        deleted.Status.ShouldBe("offline");
    }

    [Fact]
    public void Each_filter_is_exact_and_all_must_hold()
    {
        _team.Tells("alice", "Ann", hostname: "h1").Tells("bob", "Bea", hostname: "h1").Tells("carol", "Ann", hostname: "h2");

        Page(All with { HumanName = "Ann" }).ShouldBe(["alice", "carol"], ignoreOrder: true);
        Page(All with { Hostname = "h1" }).ShouldBe(["alice", "bob"], ignoreOrder: true);
        Page(All with { HumanName = "Ann", Hostname = "h1" }).ShouldBe(["alice"]);
        Page(All with { Repo = Story.RepoB.Canonical }).ShouldBe(["carol"]);
        Page(All with { WorkspaceId = _team.Id("bob") }).ShouldBe(["bob"]);
        Page(All with { Alias = "Bob" }).ShouldBeEmpty();
    }

    [Fact]
    public void Without_presence_a_workspace_is_offline_with_what_it_told_last_E86_E104()
    {
        _team.Tells("alice", role: "dev", branch: "feature/xyz")
            .IsPresent("alice", 5, p => p with { CurrentBranch = "other", Role = "reviewer" }).IsSeen("alice", 3);

        var view = One("alice");
        var absent = WorkspaceLists.Page(_team.Sources with { Presence = PresenceSnapshot.Empty },
            All with { Alias = "alice" }).Workspaces[0];

        (absent.Status, absent.Branch, absent.Role, absent.LastSeen, absent.Program)
            .ShouldBe(("offline", "feature/xyz", "dev", Team.At(3), null));
        (view.Status, view.Branch, view.Role, view.LastSeen, view.Program).ShouldBe(("active", "other", "reviewer", Team.At(5), "bdh"));
    }

    [Fact]
    public void A_presence_without_branch_or_role_leaves_the_stored_ones()
    {
        _team.Tells("alice", role: "X Y Z!", branch: "main").IsPresent("alice", 5);

        (One("alice").Branch, One("alice").Role, One("alice").Model).ShouldBe(("main", "X Y Z!", ""));
    }

    [Fact]
    public void A_workspace_that_has_not_told_anything_shows_its_agents_human_name()
    {
        One("alice").HumanName.ShouldBe("Ann");
        One("alice").LastSeen.ShouldBeNull();
    }

    [Fact]
    public void Claims_are_shown_when_asked_for_and_focus_always_E106()
    {
        var apex = new BeadRef("github.com/test/repo-a", "main", "epic-1");
        _team.Claims("alice", "bd-1", 1, "First").Claims("alice", "bd-2", 2, "Second", apex);

        var with = One("alice", All with { IncludeClaims = true });
        var without = One("alice");

        with.Claims.ShouldBe([
            new("bd-2", "Second", Team.At(2), "epic-1", "Apex", "epic"),
            new("bd-1", "First", Team.At(1), null, null, "epic"),
        ]);
        (with.ApexId, with.ApexTitle, with.ApexType).ShouldBe(("epic-1", "Apex", "epic"));
        without.Claims.ShouldBeEmpty();
        without.ApexId.ShouldBeNull();
        (without.FocusApexId, without.FocusApexRepoName, without.FocusApexBranch, without.FocusUpdatedAt)
            .ShouldBe(("epic-1", "github.com/test/repo-a", "main", Team.At(2)));
    }

    [Fact]
    public void The_repository_of_a_restored_workspace_is_null_while_it_is_deleted()
    {
        var repo = _team.Story.Project.RepoOf(Story.RepoB.Canonical)!;
        _team.Story.Do((project, now) => project.DeleteRepo(repo.Id, now));
        _team.Story.Do((project, now) => project.RestoreWorkspace(_team.Id("carol"), now));

        One("carol").Repo.ShouldBeNull();
        One("alice").Repo.ShouldBe(Story.RepoA.Canonical);
    }

    [Fact]
    public void The_team_is_those_with_claims_E107()
    {
        _team.Claims("bob", "bd-1", 1);

        var team = WorkspaceLists.Team(_team.Sources, Team15);

        team.Workspaces.ShouldHaveSingleItem().Alias.ShouldBe("bob");
        team.Next.ShouldBeNull();
    }

    [Fact]
    public void The_team_is_ranked_by_claims_presence_last_seen_last_claim_and_alias()
    {
        foreach (var alias in new[] { "dave", "eve", "frank", "grace" }) _team.Joins(alias, Story.RepoA);
        _team.Claims("dave", "bd-1", 1).Claims("eve", "bd-2", 2).Claims("carol", "bd-3", 3)
            .IsPresent("carol", 1).IsPresent("grace", 9).IsPresent("frank", 8).IsSeen("alice", 7);

        TeamOf(Team15 with { OnlyWithClaims = false }).ShouldBe(["carol", "eve", "dave", "grace", "frank", "alice", "bob"]);
    }

    [Fact]
    public void The_team_is_cut_to_the_limit_but_keeps_who_asked_E108()
    {
        _team.Claims("alice", "bd-1", 1).Claims("bob", "bd-2", 2);

        TeamOf(Team15 with { Limit = 2, AlwaysIncludeWorkspaceId = _team.Id("carol") }).ShouldBe(["bob", "carol"]);
        TeamOf(Team15 with { AlwaysIncludeWorkspaceId = _team.Id("carol") }).ShouldBe(["bob", "alice", "carol"]);
        TeamOf(Team15 with { Limit = 1, AlwaysIncludeWorkspaceId = _team.Id("bob") }).ShouldBe(["bob"]);
    }

    [Fact]
    public void Who_asked_still_has_to_pass_the_filters_and_live()
    {
        _team.Tells("alice", "Ann").Tells("carol", "Bea").Claims("alice", "bd-1", 1);

        TeamOf(Team15 with { HumanName = "Ann", AlwaysIncludeWorkspaceId = _team.Id("carol") }).ShouldBe(["alice"]);
        TeamOf(Team15 with { Repo = Story.RepoA.Canonical, AlwaysIncludeWorkspaceId = _team.Id("carol") }).ShouldBe(["alice"]);
        _team.Leaves("carol");
        TeamOf(Team15 with { AlwaysIncludeWorkspaceId = _team.Id("carol") }).ShouldBe(["alice"]);
    }

    [Fact]
    public void Online_are_those_present_last_seen_first_E101_E102()
    {
        WorkspaceLists.Online(_team.Sources.Roster, _team.Sources.Presence, null).Workspaces.ShouldBeEmpty();
        _team.IsPresent("alice", 1).IsPresent("carol", 2, p => p with { HumanName = "Bea" });

        var online = WorkspaceLists.Online(_team.Sources.Roster, _team.Sources.Presence, null).Workspaces;

        online.Select(w => (w.Alias, w.Program, w.LastSeen)).ShouldBe([("carol", "bdh", Team.At(2)), ("alice", "bdh", Team.At(1))]);
        online.ShouldAllBe(w => w.ProjectId == null && w.Repo == null && w.ProjectSlug == "demo");
        WorkspaceLists.Online(_team.Sources.Roster, _team.Sources.Presence, "Bea").Workspaces.ShouldHaveSingleItem().Alias
            .ShouldBe("carol");
    }

    [Fact]
    public void Deleted_workspaces_and_agents_without_one_are_never_online()
    {
        _team.Joins("dave").IsPresent("alice", 1).IsPresent("dave", 1).Leaves("alice");

        WorkspaceLists.Online(_team.Sources.Roster, _team.Sources.Presence, null).Workspaces.ShouldBeEmpty();
    }
}
