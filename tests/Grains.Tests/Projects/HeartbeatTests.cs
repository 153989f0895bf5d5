using Beadhub.EventLog;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Signs of life and who may act (contract 5.3, 8.2, protocol 6.2).</summary>
public class HeartbeatTests
{
    private readonly Story _story = new();

    private Func<Project, DateTimeOffset, Decision<Opened>> Heartbeat(string workspaceId, string alias, Origin origin) =>
        (project, now) => project.Heartbeat(new(workspaceId, alias, origin, new()), _story.NextId("b"), now);

    private static void ShouldBe(RefusedException refused, RefusalKind kind, string start)
    {
        refused.Kind.ShouldBe(kind);
        refused.Message.ShouldStartWith(start);
    }

    [Fact]
    public void A_registered_workspace_is_taken_and_nothing_changes_E84()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        var beat = _story.Do(Heartbeat(agent.Id, "alice", Story.RepoA));

        (beat.Agent, beat.Created).ShouldBe((agent, false));
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Another_alias_is_refused_E87()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        ShouldBe(_story.Refused(Heartbeat(agent.Id, "bob", Story.RepoA)), RefusalKind.Conflict, "Alias mismatch");
    }

    [Fact]
    public void Another_repository_is_refused_E88()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        ShouldBe(_story.Refused(Heartbeat(agent.Id, "alice", Story.RepoB)), RefusalKind.Mismatch, "Repo mismatch");
    }

    [Fact]
    public void The_alias_is_checked_before_the_repository()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        ShouldBe(_story.Refused(Heartbeat(agent.Id, "bob", Story.RepoB)), RefusalKind.Conflict, "Alias mismatch");
    }

    [Fact]
    public void A_workspace_whose_repository_was_deleted_is_gone_E89()
    {
        var opened = _story.Init("alice", Story.RepoA);
        _story.Do((project, now) => project.DeleteRepo(opened.Repo!.Id, now));
        _story.Do((project, now) => project.RestoreWorkspace(opened.Agent.Id, now));

        ShouldBe(_story.Refused(Heartbeat(opened.Agent.Id, "alice", Story.RepoA)), RefusalKind.Gone, "Workspace repository was deleted");
    }

    [Fact]
    public void A_deleted_workspace_is_gone_even_when_alias_and_repository_are_wrong_too()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));

        ShouldBe(_story.Refused(Heartbeat(agent.Id, "bob", Story.RepoB)), RefusalKind.Gone, "Workspace was deleted");
    }

    [Fact]
    public void An_agent_without_a_workspace_opens_it_with_its_first_heartbeat()
    {
        var agent = _story.Init("alice").Agent;

        var beat = _story.Do(Heartbeat(agent.Id, "alice", Story.RepoA));

        beat.Created.ShouldBeTrue();
        _story.Project.Roster.Find(agent.Id)!.Workspace!.RepoId.ShouldBe(beat.Repo.Id);
    }

    [Fact]
    public void An_agent_without_a_workspace_cannot_take_the_alias_of_another()
    {
        _story.Init("bob", Story.RepoA);
        var agent = _story.Init("alice").Agent;

        ShouldBe(_story.Refused(Heartbeat(agent.Id, "bob", Story.RepoA)), RefusalKind.Conflict,
            "Alias 'bob' is already used by another workspace");
    }

    [Fact]
    public void An_unknown_workspace_is_not_found()
    {
        _story.Init("alice");

        ShouldBe(_story.Refused(Heartbeat("nobody", "alice", Story.RepoA)), RefusalKind.NotFound, "Workspace not found");
    }

    [Fact]
    public void Only_an_active_workspace_may_act_H172()
    {
        var active = _story.Init("alice", Story.RepoA).Agent;
        var identityAlone = _story.Init("bob").Agent;
        var deleted = _story.Init("charlie", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(deleted.Id, now));

        _story.Project.ActiveWorkspace(active.Id).ShouldBe(active);
        ShouldBe(Should.Throw<RefusedException>(() => _story.Project.ActiveWorkspace("nobody")), RefusalKind.NotFound,
            "Workspace not found");
        ShouldBe(Should.Throw<RefusedException>(() => _story.Project.ActiveWorkspace(identityAlone.Id)), RefusalKind.NotFound,
            "Workspace not found");
        ShouldBe(Should.Throw<RefusedException>(() => _story.Project.ActiveWorkspace(deleted.Id)), RefusalKind.Gone,
            "Workspace was deleted");
    }

    [Fact]
    public void Only_a_living_agent_is_seen()
    {
        var living = _story.Init("alice").Agent;
        var deleted = _story.Init("bob", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(deleted.Id, now));

        _story.Project.LivingAgent(living.Id).ShouldBe(living);
        ShouldBe(Should.Throw<RefusedException>(() => _story.Project.LivingAgent(deleted.Id)), RefusalKind.NotFound, "Agent not found");
        ShouldBe(Should.Throw<RefusedException>(() => Project.Empty.LivingAgent(living.Id)), RefusalKind.NotFound, "Project not found");
    }
}
