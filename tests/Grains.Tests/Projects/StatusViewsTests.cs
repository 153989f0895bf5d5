using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>The status (contract 13; checklist M).</summary>
public class StatusViewsTests
{
    private readonly Team _team = new Team().Joins("alice", Story.RepoA).Joins("bob", Story.RepoA).Joins("carol", Story.RepoB);

    private StatusView Status(string? workspaceId = null, string? repoId = null) =>
        StatusViews.Compose(_team.Sources, new(workspaceId, repoId));

    [Fact]
    public void Of_one_workspace_the_status_shows_its_own_agent_and_claims_M261()
    {
        _team.IsPresent("alice", 1).IsPresent("bob", 2).Claims("alice", "bd-1", 1, "Title").Claims("bob", "bd-2", 2);

        var status = Status(_team.Id("alice"));

        status.Workspace.ShouldBe(new StatusScope(_team.Id("alice"), null, Story.ProjectId, "demo", null));
        status.Agents.ShouldHaveSingleItem().Alias.ShouldBe("alice");
        status.Claims.ShouldHaveSingleItem()
            .ShouldBe(new("bd-1", _team.Id("alice"), "alice", "Ann", Team.At(1), 1, "Title", Story.ProjectId));
        status.EscalationsPending.ShouldBe(0);
    }

    [Fact]
    public void Of_a_repository_it_shows_the_workspaces_on_it()
    {
        _team.IsPresent("alice", 1).IsPresent("carol", 2).Claims("carol", "bd-1", 1);
        var repoId = _team.Story.Project.RepoOf(Story.RepoA.Canonical)!.Id;

        var status = Status(repoId: repoId);

        status.Workspace.ShouldBe(new StatusScope(null, repoId, Story.ProjectId, "demo", 2));
        status.Agents.Select(agent => agent.Alias).ShouldBe(["alice"]);
        status.Claims.ShouldBeEmpty();
    }

    [Fact]
    public void Of_the_project_it_shows_all_present_last_seen_first_then_by_alias()
    {
        _team.IsPresent("carol", 1).IsPresent("bob", 2).IsPresent("alice", 1);

        var status = Status();

        status.Workspace.ShouldBe(new StatusScope(null, null, Story.ProjectId, "demo", 3));
        status.Agents.Select(agent => agent.Alias).ShouldBe(["bob", "alice", "carol"]);
    }

    [Fact]
    public void A_workspace_wins_over_a_repository()
    {
        Status(_team.Id("alice"), _team.Story.Project.RepoOf(Story.RepoB.Canonical)!.Id).Workspace.WorkspaceId.ShouldBe(_team.Id("alice"));
    }

    [Fact]
    public void A_workspace_that_is_not_active_is_not_found()
    {
        _team.Joins("dave").Leaves("bob");

        foreach (var id in new[] { "unknown", _team.Id("bob"), _team.Id("dave") })
        {
            var refused = Should.Throw<RefusedException>(() => Status(id));
            (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "Workspace not found"));
        }
    }

    [Fact]
    public void An_empty_scope_shows_nothing_of_anybody()
    {
        // Others of the project are present and hold claims; the repository asked for has no workspace.
        _team.Claims("alice", "bd-1", 1).IsPresent("alice", 1);

        var status = Status(repoId: "unknown");

        status.Workspace.WorkspaceCount.ShouldBe(0);
        status.Agents.ShouldBeEmpty();
        status.Claims.ShouldBeEmpty();
    }

    [Fact]
    public void A_project_without_workspaces_has_an_empty_status()
    {
        var status = StatusViews.Compose(new Team().Joins("alice").IsPresent("alice", 1).Sources, new(null, null));

        status.Workspace.ShouldBe(new StatusScope(null, null, Story.ProjectId, "demo", 0));
        status.Agents.ShouldBeEmpty();
        status.Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public void Empty_texts_are_null_and_the_newest_claim_is_the_current_issue()
    {
        _team.Claims("alice", "bd-1", 1).Claims("alice", "bd-2", 2)
            .IsPresent("alice", 1, p => p with { HumanName = "", Program = "", CurrentBranch = "main", Timezone = "Europe/Madrid" });

        Status().Agents.ShouldHaveSingleItem().ShouldBe(new(
            _team.Id("alice"), "alice", null, null, null, null, "active", "main", null, "Europe/Madrid", "bd-2", Team.At(1)));
    }

    [Fact]
    public void Claims_come_newest_first_and_shared_beads_are_conflicts()
    {
        _team.Claims("alice", "bd-1", 1).Claims("bob", "bd-1", 3).Claims("carol", "bd-2", 2);

        var status = Status();

        status.Claims.Select(claim => (claim.BeadId, claim.Alias, claim.ClaimantCount))
            .ShouldBe([("bd-1", "bob", 2), ("bd-2", "carol", 1), ("bd-1", "alice", 2)]);
        var conflict = status.Conflicts.ShouldHaveSingleItem();
        conflict.BeadId.ShouldBe("bd-1");
        conflict.Claimants.ShouldBe([new("bob", "Ann", _team.Id("bob")), new("alice", "Ann", _team.Id("alice"))]);
    }

    [Fact]
    public void A_conflict_names_only_claimants_in_the_scope()
    {
        _team.Claims("alice", "bd-1", 1).Claims("bob", "bd-1", 2);

        var status = Status(_team.Id("alice"));

        status.Claims.ShouldHaveSingleItem().ClaimantCount.ShouldBe(2);
        status.Conflicts.ShouldHaveSingleItem().Claimants.ShouldHaveSingleItem().Alias.ShouldBe("alice");
    }

    [Fact]
    public void At_most_the_200_last_updated_workspaces_are_in_the_scope()
    {
        foreach (var i in Enumerable.Range(0, 200)) _team.Joins($"x{i}", Story.RepoA);
        _team.Claims("alice", "bd-1", 1).Claims("bob", "bd-2", 2).IsSeen("bob", 1);

        var status = Status();

        status.Workspace.WorkspaceCount.ShouldBe(200);
        status.Claims.Select(claim => claim.Alias).ShouldBe(["bob"]);
        StatusViews.DependsOnOrder(_team.Sources.Roster).ShouldBeTrue();
        StatusViews.DependsOnOrder(new Team().Joins("alice", Story.RepoA).Sources.Roster).ShouldBeFalse();
    }
}
