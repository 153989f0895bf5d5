using Beadhub.EventLog;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Registration of workspaces (contract 5.2).</summary>
public class RegisterTests
{
    private readonly Story _story = new();

    private Func<Project, DateTimeOffset, Decision<Opened>> Register(string agentId, Origin origin) =>
        (project, now) => project.Register(new(agentId, origin, null, null, null), _story.NextId("b"), now);

    [Fact]
    public void Registration_opens_the_workspace_once_E78()
    {
        var agent = _story.Init("alice").Agent;

        _story.Do(Register(agent.Id, Story.RepoA)).Created.ShouldBeTrue();
        _story.Do(Register(agent.Id, Story.RepoA)).Created.ShouldBeFalse();
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Another_repository_is_refused_and_not_added_E79_E80()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        var refused = _story.Refused(Register(agent.Id, Story.RepoB));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, "Workspace already registered for another repo"));
        RepoLists.Find(_story.Project, Story.RepoB.Canonical).ShouldBeNull();
    }

    [Fact]
    public void A_deregistered_agent_is_gone_E81()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;
        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));

        var refused = _story.Refused(Register(agent.Id, Story.RepoA));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Gone, "Agent has been deregistered"));
    }

    [Fact]
    public void An_agent_in_another_state_is_gone_by_its_name()
    {
        var agent = _story.Init("alice").Agent;
        var project = _story.Project with { Roster = _story.Project.Roster.With(agent with { Status = "retired" }) };

        var refused = Should.Throw<RefusedException>(() => Register(agent.Id, Story.RepoA)(project, _story.Now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Gone, "Agent is retired"));
    }

    [Fact]
    public void An_unknown_agent_is_not_found()
    {
        _story.Init("alice");

        var refused = _story.Refused(Register("nobody", Story.RepoA));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "Agent not found"));
    }

    [Fact]
    public void A_project_that_was_never_created_is_not_found()
    {
        var refused = _story.Refused(Register("nobody", Story.RepoA));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "Project not found"));
    }
}
