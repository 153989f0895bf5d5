using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/repos (contract 6): the lookup is open, the rest needs a key of the repo's project.</summary>
public abstract class ReposContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 116)]
    public async Task Ensuring_a_repo_makes_it_once()
    {
        var agent = await NewProject().Identity();

        var first = await Ensure(agent, agent.ProjectId, agent.Project.OriginOf("ensured")).Ok();
        first.Flag("created").ShouldBeTrue();
        first.Text("name").ShouldBe("ensured");
        first.Text("canonical_origin").ShouldBe(agent.Project.RepoOf("ensured"));

        var second = await Ensure(agent, agent.ProjectId, $"https://{agent.Project.RepoOf("ensured")}.git").Ok();
        second.Flag("created").ShouldBeFalse();
        second.Text("repo_id").ShouldBe(first.Text("repo_id"));
    }

    [Fact]
    [Checklist("beadhub", 117)]
    public async Task A_repo_is_ensured_in_an_existing_project()
    {
        var agent = await NewProject().Identity();

        await Ensure(agent, Guid.NewGuid().ToString(), agent.Origin).Refused(404, "Project not found");
        await Ensure(agent, agent.ProjectId[..35], agent.Origin).Invalid("project_id");
        await Ensure(agent, new string('z', 36), agent.Origin).Unprocessable();
        await Ensure(agent, agent.ProjectId, "not-a-url").Invalid("origin_url", says: "Invalid origin_url");
    }

    [Fact]
    [Checklist("beadhub", 118)]
    public async Task A_repo_is_looked_up_by_its_remote()
    {
        var project = NewProject();
        await Api.Post("/v1/repos/lookup", new { origin_url = project.Origin }).Refused(404, $"Repo not found: {project.Repo}");

        var first = await new Project(Api, project.Slug + "-b").Agent(origin: project.Origin);
        var found = await Api.Post("/v1/repos/lookup", new { origin_url = $"https://{project.Repo}/" }).Ok();
        found.Text("repo_id").ShouldBe(first.RepoId);
        found.Text("project_id").ShouldBe(first.ProjectId);
        found.Text("project_slug").ShouldBe(project.Slug + "-b");
        found.Text("canonical_origin").ShouldBe(project.Repo);
        found.Text("name").ShouldBe("main");

        await new Project(Api, project.Slug + "-a").Agent(origin: project.Origin);
        var ambiguous = await Api.Post("/v1/repos/lookup", new { origin_url = project.Origin });
        ambiguous.Status.ShouldBe(409, ambiguous.ToString());
        var detail = ambiguous.Json.At("detail");
        detail.Text("message").ShouldContain(project.Repo);
        detail.Text("canonical_origin").ShouldBe(project.Repo);
        detail.Pluck("candidates", "project_slug").ShouldBe([project.Slug + "-a", project.Slug + "-b"]);
        detail.Pluck("candidates", "repo_id").ShouldContain(first.RepoId);
    }

    [Fact]
    [Checklist("beadhub", 119)]
    public async Task Deleting_a_repo_ends_its_workspaces_and_agents()
    {
        var project = NewProject();
        var witness = await project.Identity("witness");
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Claim("bd-1").Ok();
        await alice.Heartbeat().Ok();

        var deleted = await witness.Delete($"/v1/repos/{alice.RepoId}").Ok();

        deleted.Text("id").ShouldBe(alice.RepoId);
        deleted.Number("workspaces_deleted").ShouldBe(2);
        deleted.Number("claims_deleted").ShouldBe(1);
        deleted.Number("presence_cleared").ShouldBe(1);
        (await witness.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["witness"]);
        (await witness.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await witness.Get("/v1/repos").Ok()).Items("repos").ShouldBeEmpty();
        (await witness.Get("/v1/workspaces/online").Ok()).Items("workspaces").ShouldBeEmpty();
        foreach (var agent in new[] { alice, bob })
            await agent.Get("/v1/agents").Unauthorized("Invalid API key");

        var again = await Ensure(witness, witness.ProjectId, project.Origin).Ok();
        again.Text("repo_id").ShouldBe(alice.RepoId);
        (await witness.Get("/v1/workspaces").Ok()).Items("workspaces").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 120)]
    public async Task A_repo_is_deleted_once()
    {
        var agent = await NewProject().Identity();
        var repo = (await Ensure(agent, agent.ProjectId, agent.Origin).Ok()).Text("repo_id");
        await agent.Delete($"/v1/repos/{repo}").Ok();

        await agent.Delete($"/v1/repos/{repo}").Refused(404, "Repo not found");
        await agent.Delete("/v1/repos/not-a-uuid").Invalid("repo_id");
    }

    [Fact]
    [Checklist("beadhub", 121)]
    public async Task Repos_are_paged_in_order_of_creation()
    {
        var agent = await NewProject().Identity();
        foreach (var name in new[] { "c", "a", "b" })
            await Ensure(agent, agent.ProjectId, agent.Project.OriginOf(name)).Ok();

        var repos = await Pages.Of(agent, $"/v1/repos?project_id={agent.ProjectId}&limit=1", "repos");

        repos.Select(repo => repo.Text("name")).ShouldBe(["c", "a", "b"]);
        repos.ShouldAllBe(repo =>
            repo.Text("created_at").EndsWith('Z') && repo.Text("project_id") == agent.ProjectId && repo.Number("workspace_count") == 0);
        await agent.Get("/v1/repos?project_id=bad").Invalid("project_id");
        await agent.Get("/v1/repos?cursor=zzz").RefusedWith(422, "Invalid cursor");
    }

    [Theory]
    [InlineData("git@github.com:org/repo.git", "github.com/org/repo")]
    [InlineData("https://github.com/org/repo.git", "github.com/org/repo")]
    [InlineData("https://github.com/org/repo", "github.com/org/repo")]
    [InlineData("https://github.com/org/repo/", "github.com/org/repo")]
    [InlineData("  https://github.com/org/repo\n", "github.com/org/repo")]
    [InlineData("https://github.com/org/repo?x=1#y", "github.com/org/repo")]
    [InlineData("ssh://git@github.com:22/org/repo.git", "github.com/org/repo")]
    [InlineData("https://user:tok@gitlab.example.com:8443/a/b/c.git", "gitlab.example.com/a/b/c")]
    [InlineData("https://GitHub.COM/Org/Repo", "github.com/Org/Repo")]
    [InlineData("git@GitHub.com:Org/Repo.git", "github.com/Org/Repo")]
    [InlineData("https://github.com/org/repo.git/", "github.com/org/repo")]
    [InlineData("git@host:/org/repo.git", "host/org/repo")]
    [InlineData("git@host:2222/org/repo.git", "host/2222/org/repo")]
    [InlineData("github.com/org/repo", null)]
    [InlineData("/srv/x.git", null)]
    [InlineData("file:///x.git", null)]
    [InlineData("user@host:o/r", null)]
    [InlineData("https://github.com/", null)]
    [InlineData("git@github.com:.git", null)]
    [InlineData("   ", null)]
    [Checklist("beadhub", 122)]
    [OnAnyStore]
    public async Task A_remote_has_one_canonical_form(string origin, string? canonical)
    {
        var agent = await NewProject().Identity();

        if (canonical is null)
        {
            await Ensure(agent, agent.ProjectId, origin).Invalid("origin_url");
            await Api.Post("/v1/repos/lookup", new { origin_url = origin }).Invalid("origin_url");
            return;
        }

        (await Ensure(agent, agent.ProjectId, origin).Ok()).Text("canonical_origin").ShouldBe(canonical);
        (await Api.Post("/v1/repos/lookup", new { origin_url = origin })).Text.ShouldContain(canonical);
    }

    [Fact]
    public async Task Repos_belong_to_their_project()
    {
        var (agent, stranger) = (await NewProject().Agent(), await NewProject().Agent());

        await Ensure(stranger, agent.ProjectId, agent.Origin).Refused(404, "Project not found");
        await stranger.Get($"/v1/repos?project_id={agent.ProjectId}").Refused(404, "Project not found");
        await stranger.Delete($"/v1/repos/{agent.RepoId}").Refused(404, "Repo not found");
        (await stranger.Get("/v1/repos").Ok()).Pluck("repos", "id").ShouldBe([stranger.RepoId]);
        (await agent.Get("/v1/repos").Ok()).Items("repos").Single().Number("workspace_count").ShouldBe(1);
    }

    [Fact]
    public async Task All_but_the_lookup_need_credentials()
    {
        var agent = await NewProject().Agent();

        await Ensure(Api, agent.ProjectId, agent.Origin).Unauthorized();
        await Api.Get("/v1/repos").Unauthorized();
        await Api.Delete($"/v1/repos/{agent.RepoId}").Unauthorized();
        (await agent.Get("/v1/agents").Ok()).Items("agents").Length.ShouldBe(1);
    }

    [Fact]
    [OnAnyStore]
    public async Task A_setting_opens_them_all()
    {
        await using var server = await Store.Own(("BEADHUB_REPOS_OPEN", "true"));
        var a = await new Project(server.Api).Agent();
        var b = await new Project(server.Api).Agent();

        (await Ensure(server.Api, a.ProjectId, a.Project.OriginOf("more")).Ok()).Flag("created").ShouldBeTrue();
        await Ensure(server.Api, Guid.NewGuid().ToString(), a.Origin).Refused(404, "Project not found");
        // Even an open server does not list all projects at once.
        await server.Api.Get("/v1/repos").Unauthorized();
        (await server.Api.Get($"/v1/repos?project_id={b.ProjectId}").Ok()).Pluck("repos", "id").ShouldBe([b.RepoId]);
        (await server.Api.Delete($"/v1/repos/{b.RepoId}").Ok()).Number("workspaces_deleted").ShouldBe(1);
        await b.Get("/v1/agents").Unauthorized("Invalid API key");
    }

    private static Task<Answer> Ensure(Api caller, string project, string origin) =>
        caller.Post("/v1/repos/ensure", new { project_id = project, origin_url = origin });
}
