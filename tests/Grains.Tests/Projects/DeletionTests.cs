using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Deletion and restoration of workspaces and repositories (contract 5.4, 5.5, 6.4).</summary>
public class DeletionTests
{
    private readonly Story _story = new();

    [Fact]
    public void One_event_ends_workspace_agent_and_keys_and_frees_the_alias_E94()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        var ended = _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));

        _story.Events.ShouldBe([new WorkspaceDeleted(agent.Id, _story.Now)]);
        ended.ShouldBe(new WorkspaceEnded(agent.Id, "alice", _story.Now));
        _story.Project.Roster.Named("alice").ShouldBeNull();
        var identity = _story.Project.Roster.Find(agent.Id)!.Identity();
        (identity.Status, identity.KeysRevoked, identity.HasWorkspace).ShouldBe(("deregistered", true, false));
    }

    [Fact]
    public void A_deleted_or_unknown_workspace_cannot_be_deleted_E95_E96()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        var identityAlone = _story.Init("bob").Agent;
        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));

        var again = _story.Refused((project, now) => project.DeleteWorkspace(agent.Id, now));
        var unknown = _story.Refused((project, now) => project.DeleteWorkspace("nobody", now));
        var without = _story.Refused((project, now) => project.DeleteWorkspace(identityAlone.Id, now));

        (again.Kind, again.Message).ShouldBe((RefusalKind.NotFound, $"Workspace {agent.Id} is already deleted"));
        (unknown.Kind, unknown.Message).ShouldBe((RefusalKind.NotFound, "Workspace nobody not found"));
        without.Message.ShouldBe($"Workspace {identityAlone.Id} not found");
    }

    [Fact]
    public void A_deletion_is_to_be_cleared_until_it_was()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        _story.Project.NeedsClearing.ShouldBeFalse();

        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));
        _story.Project.UnclearedWorkspaces.ShouldBe([agent.Id]);

        _story.Do((project, _) => project.Cleared([agent.Id], []));
        _story.Project.NeedsClearing.ShouldBeFalse();

        _story.Do((project, _) => project.Cleared([agent.Id], []));
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Restoration_revives_agent_and_keys_E100()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));

        var restored = _story.Do((project, now) => project.RestoreWorkspace(agent.Id, now));

        restored.ShouldBe(new WorkspaceEnded(agent.Id, "alice", _story.Now));
        _story.Project.Roster.Named("alice")!.Id.ShouldBe(agent.Id);
        var identity = _story.Project.Roster.Find(agent.Id)!.Identity();
        (identity.Status, identity.KeysRevoked, identity.HasWorkspace).ShouldBe(("active", false, true));
        _story.Project.NeedsClearing.ShouldBeFalse();
    }

    [Fact]
    public void An_active_workspace_cannot_be_restored_E99()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        var refused = _story.Refused((project, now) => project.RestoreWorkspace(agent.Id, now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, $"Workspace {agent.Id} is already active (not deleted)"));
    }

    [Fact]
    public void A_workspace_whose_alias_was_given_away_cannot_be_restored_E100()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));
        _story.Init("alice");

        var refused = _story.Refused((project, now) => project.RestoreWorkspace(agent.Id, now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, "Cannot restore: alias 'alice' is now used by another workspace"));
    }

    [Fact]
    public void A_repository_is_deleted_with_all_its_workspaces_F119()
    {
        var alice = _story.Init("alice", Story.RepoA);
        var bob = _story.Init("bob", Story.RepoA);
        var other = _story.Init("charlie", Story.RepoB);

        var removed = _story.Do((project, now) => project.DeleteRepo(alice.Repo!.Id, now));

        removed.WorkspaceIds.ShouldBe([alice.Agent.Id, bob.Agent.Id], ignoreOrder: true);
        _story.Project.Roster.Living.Select(agent => agent.Id).ShouldBe([other.Agent.Id]);
        _story.Project.Roster.Find(bob.Agent.Id)!.KeysRevoked.ShouldBeTrue();
        _story.Project.UnclearedWorkspaces.ShouldBe([alice.Agent.Id, bob.Agent.Id], ignoreOrder: true);
        _story.Project.UnclearedRepos.ShouldBe([alice.Repo!.Id]);

        _story.Do((project, _) => project.Cleared([alice.Agent.Id, bob.Agent.Id], [alice.Repo.Id]));
        _story.Project.NeedsClearing.ShouldBeFalse();
    }

    [Fact]
    public void A_repository_is_deleted_once_F120()
    {
        var repo = _story.Init("alice", Story.RepoA).Repo!;
        _story.Do((project, now) => project.DeleteRepo(repo.Id, now));

        var refused = _story.Refused((project, now) => project.DeleteRepo(repo.Id, now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "Repo not found"));
    }

    [Fact]
    public void A_deleted_repository_is_taken_up_again_with_its_id_and_its_workspaces_stay_deleted()
    {
        var before = _story.Init("alice", Story.RepoA);
        _story.Do((project, now) => project.DeleteRepo(before.Repo!.Id, now));

        var after = _story.Do((project, now) => project.EnsureRepo(Story.RepoA, _story.NextId("b"), now));

        after.Created.ShouldBeFalse();
        after.Repo.Id.ShouldBe(before.Repo!.Id);
        after.Repo.CreatedAt.ShouldBe(before.Repo.CreatedAt);
        // Its origin leads here again: the clearing that is still due must not take that away.
        _story.Project.UnclearedRepos.ShouldBeEmpty();
        _story.Project.Roster.Find(before.Agent.Id)!.IsLiving.ShouldBeFalse();
    }
}
