using System.Text.Json;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>What administrators decide about a project.</summary>
public class ProjectAdministrationTests
{
    private readonly Story _story = new();

    [Fact]
    public void A_project_is_created_once()
    {
        var made = _story.Do((project, now) => project.Create(Story.ProjectId, new("demo", "", "t", Visibilities.Private), now));

        (made.Slug, made.Name, made.TenantId, made.Visibility, made.Agents).ShouldBe(("demo", "demo", "t", "private", 0));
        _story.Refused((project, now) => project.Create(Story.ProjectId, new("demo", "", null, null), now)).Kind
            .ShouldBe(RefusalKind.Conflict);
        // Who joins finds it.
        _story.Init("alice");
        _story.Project.TenantId.ShouldBe("t");
    }

    [Fact]
    public void What_a_project_has_already_is_no_change()
    {
        _story.Init("alice", name: "First");

        _story.Do((project, now) => project.Change(new ChangeProject("First", null), now));
        _story.Events.ShouldBeEmpty();
        _story.Do((project, now) => project.Change(new ChangeProject("Second", Visibilities.Public), now)).Visibility.ShouldBe("public");
        _story.Do((project, now) => project.Change(new ChangeProject(null, null), now)).Name.ShouldBe("Second");
        _story.Events.ShouldBeEmpty();
        _story.Do((project, now) => project.SetArchived(false, now)).ArchivedAt.ShouldBeNull();
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void The_first_agent_leads_and_gives_roles()
    {
        var (alice, bob) = (_story.Init("alice").Agent, _story.Init("bob").Agent);
        (_story.Project.RoleOf(alice), _story.Project.RoleOf(bob)).ShouldBe((ProjectRoles.Lead, ProjectRoles.Agent));

        _story.Do((project, now) => project.GiveRole(new(bob.Id, ProjectRoles.Agent, alice.Id), now));
        _story.Events.ShouldBeEmpty();
        _story.Do((project, now) => project.GiveRole(new(bob.Id, ProjectRoles.Lead, alice.Id), now)).Role.ShouldBe("lead");
        _story.Do((project, now) => project.GiveRole(new(alice.Id, ProjectRoles.Observer, bob.Id), now));
        _story.Refused((project, now) => project.GiveRole(new(bob.Id, ProjectRoles.Agent, bob.Id), now)).Kind
            .ShouldBe(RefusalKind.Conflict);
        // An administrator may: he can put it right again.
        _story.Do((project, now) => project.GiveRole(new(bob.Id, ProjectRoles.Agent, null), now));
    }

    [Fact]
    public void In_a_project_without_roles_all_lead_until_the_first_is_given()
    {
        var at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var old = Project.Empty.Apply(new ProjectCreated("p", "demo", "demo", at));
        foreach (var alias in new[] { "alice", "bob", "carol" })
            old = old.Apply(new AgentJoined(alias, alias, "", "agent", "ephemeral", "custodial", null, null, at));
        old.Roster.Living.ShouldAllBe(agent => old.RoleOf(agent) == ProjectRoles.Lead);

        Should.Throw<RefusedException>(() => old.GiveRole(new("alice", ProjectRoles.Observer, "alice"), at));
        Should.Throw<RefusedException>(() => old.GiveRole(new("alice", ProjectRoles.Observer, null), at));
        // Who gives the first one leads.
        var now = old.GiveRole(new("bob", ProjectRoles.Observer, "alice"), at).Events.Aggregate(old, (project, e) => project.Apply(e));

        now.Roster.Living.OrderBy(agent => agent.Alias).Select(now.RoleOf).ShouldBe(["lead", "observer", "agent"]);
        JsonSerializer.Deserialize(JsonSerializer.Serialize(now, Project.Kind.Snapshot), Project.Kind.Snapshot)!.HasRoles.ShouldBeTrue();
    }

    [Fact]
    public void Nobody_joins_an_archived_project()
    {
        var alice = _story.Init("alice").Agent;
        var since = _story.Do((project, now) => project.SetArchived(true, now)).ArchivedAt.ShouldNotBeNull();
        _story.Do((project, now) => project.SetArchived(true, now)).ArchivedAt.ShouldBe(since);

        _story.Refused((project, now) => project.Init(Story.ProjectId, Story.Command("bob"), _story.Fresh(), now)).Kind
            .ShouldBe(RefusalKind.Gone);
        _story.Refused((project, now) => project.Init(Story.ProjectId, Story.Command("alice"), _story.Fresh(), now)).Kind
            .ShouldBe(RefusalKind.Gone);
        _story.Project.StandingOf(null, ProjectQuotas.None)
            .ShouldBe(new Standing(_story.Project.Slug, null, IsArchived: true, IsPrivate: false, TenantId: null));

        _story.Do((project, now) => project.SetArchived(false, now));
        _story.Init("bob");
    }

    [Fact]
    public void A_projects_own_quotas_go_before_the_servers()
    {
        var everybody = new ProjectQuotas(Beads: 10, Mail: 20);
        _story.Init("alice");
        _story.Project.StandingOf(null, ProjectQuotas.None).Quotas.ShouldBeNull();
        _story.Project.StandingOf(null, everybody).Quotas.ShouldBe(everybody);

        _story.Do((project, now) => project.SetQuotas(new(Mail: 0, Bytes: 1000), everybody, now)).ShouldBe(new(Beads: 10, Bytes: 1000));
        _story.Project.StandingOf(null, everybody).Quotas.ShouldBe(new(Beads: 10, Bytes: 1000));
        _story.Project.SetQuotas(new(Mail: 0, Bytes: 1000), everybody, default).Events.ShouldBeEmpty();
        JsonSerializer.Deserialize(JsonSerializer.Serialize(_story.Project, Project.Kind.Snapshot), Project.Kind.Snapshot)!.Quotas
            .ShouldBe(new(Mail: 0, Bytes: 1000));

        _story.Do((project, now) => project.SetQuotas(ProjectQuotas.None, everybody, now)).ShouldBe(everybody);
        Should.Throw<RefusedException>(() => Project.Empty.SetQuotas(ProjectQuotas.None, everybody, default)).Kind
            .ShouldBe(RefusalKind.NotFound);
    }

    [Fact]
    public void A_gateway_that_signs_for_one_tenant_finds_no_project_of_another()
    {
        _story.Init("alice");

        _story.Refused((project, now) =>
            project.Init(Story.ProjectId, Story.Command("bob") with { TenantId = "t" }, _story.Fresh(), now)).Kind
            .ShouldBe(RefusalKind.NotFound);
    }

    [Fact]
    public void Callers_stand_as_their_agent_does()
    {
        var (alice, bob, carol) = (_story.Init("alice").Agent, _story.Init("bob").Agent, _story.Init("carol", Story.RepoA).Agent);
        _story.Do((project, now) => project.Deregister(bob.Id, now));
        _story.Do((project, now) => project.DeleteWorkspace(carol.Id, now));

        new[] { alice.Id, bob.Id, carol.Id }.Select(Standing).ShouldBe([(true, false), (false, false), (false, true)]);
        Project.Empty.StandingOf(null, ProjectQuotas.None).ShouldBe(default);
        _story.Do((project, now) => project.RestoreWorkspace(carol.Id, now));
        Standing(carol.Id).ShouldBe((true, false));

        (bool IsLiving, bool KeysRevoked) Standing(string id) =>
            _story.Project.StandingOf(_story.Project.Roster.Find(id)!.Identity(), ProjectQuotas.None).Agent is { } agent
                ? (agent.IsLiving, agent.KeysRevoked) : default;
    }

    [Fact]
    public void A_snapshot_keeps_it_all_and_one_from_before_has_none_of_it()
    {
        _story.Init("alice");
        JsonSerializer.Serialize(_story.Project, Project.Kind.Snapshot).ShouldNotContain("visibility");
        _story.Do((project, now) => project.Change(new ChangeProject("Name", Visibilities.Private), now));
        _story.Do((project, now) => project.SetArchived(true, now));

        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(_story.Project, Project.Kind.Snapshot), Project.Kind.Snapshot)!;
        (read.Name, read.Visibility, read.ArchivedAt).ShouldBe(("Name", "private", _story.Project.ArchivedAt));
    }

    [Fact]
    public void Every_event_is_kept_under_its_name_and_those_of_old_logs_are_read()
    {
        var at = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        foreach (IEvent e in new IEvent[] { new ProjectChanged("n", null, at), new ProjectArchived(at), new ProjectUnarchived(at),
            new ProjectQuotasSet(new(1, null, 0, long.MaxValue), at), new ProjectCreated("p", "s", "n", at, "t", "public") })
            EventTypes.Parse(EventTypes.NameOf(e), EventTypes.Serialize(e)).ShouldBe(e);
        EventTypes.Parse("project.created.v1", """{"project_id":"p","slug":"s","name":"n","at":"2026-03-01T12:00:00+00:00"}""")
            .ShouldBe(new ProjectCreated("p", "s", "n", at));
    }
}
