using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Repositories of a project (contract 6).</summary>
public class RepoTests
{
    private readonly Story _story = new();

    private RepoTakenUp Ensure(Origin origin) => _story.Do((project, now) => project.EnsureRepo(origin, _story.NextId("b"), now));

    [Fact]
    public void A_repository_is_added_once_by_origin_F116()
    {
        _story.Init("alice");

        var added = Ensure(Story.RepoA);
        var again = Ensure(Story.RepoA with { Url = "https://github.com/test/repo-a" });
        var third = Ensure(Story.RepoA with { Url = "https://github.com/test/repo-a" });

        (added.Created, added.Repo.Name).ShouldBe((true, "repo-a"));
        (again.Created, again.Repo.Id).ShouldBe((false, added.Repo.Id));
        third.Repo.ShouldBe(again.Repo);
        _story.Events.ShouldBeEmpty();
    }

    [Fact]
    public void An_unknown_project_has_no_repositories_F117()
    {
        var refused = _story.Refused((project, now) => project.EnsureRepo(Story.RepoA, _story.NextId("b"), now));

        (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "Project not found"));
    }

    [Fact]
    public void Pages_come_in_the_order_of_creation_F121()
    {
        _story.Init("alice");
        var ids = Enumerable.Range(0, 5).Select(i => Ensure(new($"https://h/o/r{i}", $"h/o/r{i}")).Repo).Select(repo => repo.Id).ToList();

        var first = RepoLists.Page(_story.Project, new(2, null, null));
        var second = RepoLists.Page(_story.Project, new(2, first.Repos[^1].CreatedAt, first.Repos[^1].Id));
        var third = RepoLists.Page(_story.Project, new(2, second.Repos[^1].CreatedAt, second.Repos[^1].Id));

        new[] { first, second, third }.SelectMany(page => page.Repos).Select(repo => repo.Id).ShouldBe(ids);
        new[] { first, second, third }.Select(page => page.HasMore).ShouldBe([true, true, false]);
    }

    [Fact]
    public void Repositories_added_in_the_same_instant_are_paged_by_id()
    {
        _story.Init("alice");
        var at = _story.Now;
        foreach (var i in Enumerable.Range(0, 3))
            _story.Do((project, _) => project.EnsureRepo(new($"https://h/o/r{i}", $"h/o/r{i}"), $"id-{i}", at));

        var first = RepoLists.Page(_story.Project, new(1, null, null));
        var rest = RepoLists.Page(_story.Project, new(5, first.Repos[0].CreatedAt, first.Repos[0].Id));

        first.Repos[0].Id.ShouldBe("id-0");
        rest.Repos.Select(repo => repo.Id).ShouldBe(["id-1", "id-2"]);
    }

    [Fact]
    public void Active_workspaces_are_counted_and_deleted_repositories_left_out()
    {
        var repo = _story.Init("alice", Story.RepoA).Repo!;
        var gone = _story.Init("bob", Story.RepoA).Agent;
        var removed = _story.Init("charlie", Story.RepoB).Repo!;
        _story.Do((project, now) => project.DeleteWorkspace(gone.Id, now));
        _story.Do((project, now) => project.DeleteRepo(removed.Id, now));

        var listed = RepoLists.Page(_story.Project, new(50, null, null)).Repos.ShouldHaveSingleItem();

        (listed.Id, listed.WorkspaceCount, listed.ProjectId).ShouldBe((repo.Id, 1, Story.ProjectId));
        RepoLists.Find(_story.Project, Story.RepoA.Canonical).ShouldBe(listed);
        RepoLists.Find(_story.Project, Story.RepoB.Canonical).ShouldBeNull();
    }
}
