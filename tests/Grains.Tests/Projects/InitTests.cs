using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Bootstrap (contract 3; checklist C, protocol checklist 15 to 34).</summary>
public class InitTests
{
    private readonly Story _story = new();

    [Fact]
    public void The_first_bootstrap_creates_project_agent_repository_and_workspace_in_one_decision()
    {
        var (agent, repo, created, opened) = _story.Init("alice", Story.RepoA);

        _story.Events.Select(e =>
            e.GetType()).ShouldBe([typeof(ProjectCreated), typeof(AgentJoined), typeof(RepoAdded), typeof(WorkspaceOpened)]);
        created.ShouldBeTrue();
        opened.ShouldBeTrue();
        repo!.CanonicalOrigin.ShouldBe("github.com/test/repo-a");
        repo.Name.ShouldBe("repo-a");
        agent.Workspace!.RepoId.ShouldBe(repo.Id);
        agent.Alias.ShouldBe("alice");
        _story.Project.Slug.ShouldBe("demo");
    }

    [Fact]
    public void Without_a_repository_there_is_an_identity_alone_C48()
    {
        var (agent, repo, created, opened) = _story.Init("alice");

        (repo, created, opened).ShouldBe((null, true, false));
        agent.Workspace.ShouldBeNull();
        agent.Custody.ShouldBe("custodial");
        agent.Lifetime.ShouldBe("ephemeral");
        agent.Did.ShouldStartWith("did:key:z");
    }

    [Fact]
    public void The_same_bootstrap_again_finds_agent_and_workspace_and_changes_nothing_C35_P17()
    {
        var first = _story.Init("alice", Story.RepoA);
        var again = _story.Init("alice", Story.RepoA);

        again.Agent.ShouldBe(first.Agent);
        (again.Created, again.Opened).ShouldBe((false, false));
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void A_project_keeps_its_first_name_P18()
    {
        _story.Init("alice", name: "First");
        _story.Init("bob", name: "Second", slug: "other");

        (_story.Project.Name, _story.Project.Slug).ShouldBe(("First", "demo"));
    }

    [Fact]
    public void A_project_without_a_name_is_named_by_its_slug()
    {
        _story.Init("alice");

        _story.Project.Name.ShouldBe("demo");
    }

    [Fact]
    public void A_found_agent_keeps_its_stored_identity_P17()
    {
        var first = _story.Init("alice");
        var again = _story.Init("alice", type: "human");

        again.Agent.ShouldBe(first.Agent);
    }

    [Fact]
    public void An_agent_without_a_workspace_opens_it_with_a_later_bootstrap()
    {
        var first = _story.Init("alice");
        var later = _story.Init("alice", Story.RepoA);

        later.Agent.Id.ShouldBe(first.Agent.Id);
        (later.Created, later.Opened).ShouldBe((false, true));
    }

    [Fact]
    public void The_alias_of_a_workspace_on_another_repository_is_refused_and_nothing_changes_C45()
    {
        _story.Init("alice", Story.RepoA);

        var refused = _story.Refused((project, now) =>
            project.Init(Story.ProjectId, Story.Command("alice", Story.RepoB), _story.Fresh(), now));

        refused.Kind.ShouldBe(RefusalKind.Conflict);
        refused.Message.ShouldStartWith("workspace_repo_mismatch:");
        refused.Message.ShouldContain("github.com/test/repo-a");
        refused.Message.ShouldContain("github.com/test/repo-b");
        _story.Project.Repos.Count.ShouldBe(1);
    }

    [Fact]
    public void Aliases_differ_by_case()
    {
        var lower = _story.Init("alice");
        var upper = _story.Init("Alice");

        upper.Created.ShouldBeTrue();
        upper.Agent.Id.ShouldNotBe(lower.Agent.Id);
    }

    [Theory]
    [InlineData("system")]
    [InlineData("System")]
    [InlineData("ME")]
    public void A_reserved_alias_is_refused_in_its_spelling_P23(string alias)
    {
        var refused = _story.Refused((project, now) => project.Init(Story.ProjectId, Story.Command(alias), _story.Fresh(), now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Invalid, $"'{alias}' is a reserved alias"));
    }

    [Fact]
    public void Without_a_slug_the_project_must_exist_C49()
    {
        var refused = _story.Refused((project, now) =>
            project.Init(Story.ProjectId, Story.Command("alice", slug: null), _story.Fresh(), now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "project_not_found: unknown project_id"));
    }

    [Fact]
    public void Without_a_slug_an_existing_project_is_joined_C50()
    {
        _story.Init("alice");
        _story.Init("bob", slug: null).Created.ShouldBeTrue();
    }

    [Theory]
    [InlineData("agent", "alice-agent")]
    [InlineData("reviewer", "alice-reviewer")]
    [InlineData("full stack", "alice-full-stack")]
    public void With_a_repository_the_allotted_alias_ends_with_the_role_C37_C38_C56(string role, string alias) =>
        _story.Init(origin: Story.RepoA, role: role).Agent.Alias.ShouldBe(alias);

    [Fact]
    public void Without_a_repository_the_allotted_alias_is_the_bare_name_C39_P19() => _story.Init().Agent.Alias.ShouldBe("alice");

    [Fact]
    public void A_name_that_a_longer_alias_uses_is_passed_over_P20()
    {
        _story.Init("alice-agent");

        _story.Init().Agent.Alias.ShouldBe("bob");
    }

    [Fact]
    public void Bootstraps_without_alias_get_different_aliases_P30()
    {
        var aliases = Enumerable.Range(0, 40).Select(i => _story.Init(origin: i % 2 == 0 ? Story.RepoA : null).Agent.Alias).ToList();

        aliases.Distinct().Count().ShouldBe(40);
        aliases[26].ShouldBe("alice-01-agent");
    }

    [Fact]
    public void A_role_that_is_a_number_never_leads_to_an_alias_that_is_taken()
    {
        var aliases = Enumerable.Range(0, 30).Select(_ => _story.Init(origin: Story.RepoA, role: "01").Agent.Alias).ToList();

        aliases.Distinct().Count().ShouldBe(30);
    }

    [Fact]
    public void When_all_prefixes_are_taken_the_bootstrap_is_refused_P37()
    {
        foreach (var prefix in NamePrefixes.Candidates) _story.Init(prefix);

        var refused = _story.Refused((project, now) => project.Init(Story.ProjectId, Story.Command(), _story.Fresh(), now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, "All name prefixes are taken."));
        _story.Project.SuggestPrefix().ShouldBeNull();
    }

    [Fact]
    public void The_alias_of_a_deleted_agent_is_offered_again_and_goes_to_a_new_agent_P34()
    {
        var first = _story.Init("alice", Story.RepoA);
        _story.Do((project, now) => project.DeleteWorkspace(first.Agent.Id, now));

        _story.Project.SuggestPrefix().ShouldBe("alice");
        var second = _story.Init("alice", Story.RepoA);
        second.Created.ShouldBeTrue();
        second.Agent.Id.ShouldNotBe(first.Agent.Id);
    }

    [Fact]
    public void Another_url_of_the_same_origin_is_noted_and_keeps_the_repository()
    {
        var first = _story.Init("alice", Story.RepoA);
        var second = _story.Init("bob", Story.RepoA with { Url = "https://github.com/test/repo-a" });

        second.Repo!.Id.ShouldBe(first.Repo!.Id);
        second.Repo.OriginUrl.ShouldBe("https://github.com/test/repo-a");
        _story.Project.Repos.Count.ShouldBe(1);
    }

    [Fact]
    public void Agents_of_type_system_use_no_suggestion_up_D66()
    {
        _story.Init("alice", type: "system");

        _story.Project.SuggestPrefix().ShouldBe("alice");
        // But an allotted alias is never the one of a living agent, whatever its type.
        _story.Init().Agent.Alias.ShouldBe("bob");
    }
}
