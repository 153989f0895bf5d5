using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/workspaces: registering, the three lists, and the suggestion of a name (contract 5.1, 5.2, 5.6-5.9).</summary>
public abstract class WorkspacesContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 78)]
    public async Task Registering_makes_the_workspace_once()
    {
        var agent = await NewProject().Identity("alice", human: "Alice");

        var first = await Register(agent).Ok();
        first.Text("workspace_id").ShouldBe(agent.Id);
        first.Text("project_id").ShouldBe(agent.ProjectId);
        first.Text("project_slug").ShouldBe(agent.Project.Slug);
        first.Text("canonical_origin").ShouldBe(agent.Project.Repo);
        first.Text("repo_id").ShouldBeUuid();
        first.Text("alias").ShouldBe("alice");
        first.Text("human_name").ShouldBe("Alice");
        first.Flag("created").ShouldBeTrue();

        var second = await Register(agent).Ok();
        second.Flag("created").ShouldBeFalse();
        second.Text("repo_id").ShouldBe(first.Text("repo_id"));
    }

    [Fact]
    [Checklist("beadhub", 79)]
    public async Task A_workspace_stays_with_its_repo()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/workspaces/register", new { repo_origin = agent.Project.OriginOf("other") })
            .Refused(409, "Workspace already registered for another repo");
    }

    [Fact]
    [Checklist("beadhub", 80)]
    public async Task A_refused_registration_leaves_no_repo()
    {
        var agent = await NewProject().Agent();
        await agent.Post("/v1/workspaces/register", new { repo_origin = agent.Project.OriginOf("other") });

        (await agent.Get("/v1/repos").Ok()).Pluck("repos", "canonical_origin").ShouldBe([agent.Repo]);
    }

    [Theory]
    [InlineData("a b c")]
    [InlineData("a!")]
    [InlineData("-a")]
    [Checklist("beadhub", 82)]
    [OnAnyStore]
    public async Task A_role_is_one_or_two_words(string role)
    {
        var agent = await NewProject().Identity();

        await agent.Post("/v1/workspaces/register", new { repo_origin = agent.Origin, role }).Invalid("role",
            says: "Invalid role: use 1-2 words (letters/numbers) with hyphens/underscores allowed; max 50 chars");
    }

    [Fact]
    [Checklist("beadhub", 83)]
    [OnAnyStore]
    public async Task Registering_needs_a_key()
    {
        var agent = await NewProject().Identity();

        await Proxied(agent).Post("/v1/workspaces/register", new { repo_origin = agent.Origin }).Unauthorized();
    }

    [Fact]
    [OnAnyStore]
    public async Task A_bad_remote_is_a_validation_error()
    {
        var agent = await NewProject().Identity();

        await agent.Post("/v1/workspaces/register", new { repo_origin = "github.com/org/repo" })
            .Invalid("repo_origin", says: "Invalid repo_origin");
    }

    [Fact]
    public async Task Registering_again_overwrites_what_it_is_told()
    {
        var agent = await NewProject().Identity("alice");
        await agent.Post("/v1/workspaces/register",
            new { repo_origin = agent.Origin, role = "Reviewer", hostname = "a", workspace_path = "/a" }).Ok();
        await agent.Post("/v1/workspaces/register", new { repo_origin = agent.Origin, role = "developer", hostname = "b" }).Ok();

        var workspace = await Only(agent);
        workspace.Text("role").ShouldBe("developer");
        workspace.Text("hostname").ShouldBe("b");
        workspace.IsNull("workspace_path").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 101)]
    public async Task Nobody_is_online_without_presence()
    {
        var agent = await NewProject().Agent();

        var online = await agent.Get("/v1/workspaces/online").Ok();

        online.Items("workspaces").ShouldBeEmpty();
        online.Flag("has_more").ShouldBeFalse();
        online.IsNull("next_cursor").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 102)]
    public async Task Two_presences_are_online()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await Present(alice, "claude-code");
        await Present(bob, "codex-cli");

        var online = await alice.Get("/v1/workspaces/online").Ok();

        online.Pluck("workspaces", "alias").ShouldBe(["bob", "alice"]);
        online.Pluck("workspaces", "program").ShouldBe(["codex-cli", "claude-code"]);
        foreach (var workspace in online.Items("workspaces"))
        {
            workspace.Text("last_seen").ShouldBeTimestamp();
            workspace.Text("project_slug").ShouldBe(project.Slug);
            workspace.Text("status").ShouldBe("active");
            workspace.IsNull("project_id").ShouldBeTrue();
            workspace.Items("claims").ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_second_presence_replaces_the_first()
    {
        var agent = await NewProject().Agent();
        await Present(agent, "claude-code");
        await Present(agent, "codex-cli");

        (await agent.Get("/v1/workspaces/online").Ok()).Pluck("workspaces", "program").ShouldBe(["codex-cli"]);
    }

    [Fact]
    [Checklist("beadhub", 103)]
    [OnAnyStore]
    public async Task Filters_are_validated()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/workspaces?alias=bad%20alias").RefusedWith(422, "Invalid alias");
        await agent.Get("/v1/workspaces?repo=a/../b").RefusedWith(422, "Invalid repo format");
        await agent.Get("/v1/workspaces?hostname=a%00b").RefusedWith(422);
        await agent.Get("/v1/workspaces?limit=201").Invalid("limit");
        await agent.Get("/v1/workspaces?limit=0").Invalid("limit");
        await agent.Get("/v1/workspaces?limit=abc").Invalid("limit");
        await agent.Get("/v1/workspaces?include_claims=maybe").Invalid("include_claims");
        await agent.Get("/v1/workspaces?cursor=zzz").RefusedWith(422, "Invalid cursor");
    }

    [Fact]
    [Checklist("beadhub", 104)]
    public async Task Without_presence_a_workspace_is_offline()
    {
        var agent = await NewProject().Agent();

        var workspace = await Only(agent);

        workspace.Text("status").ShouldBe("offline");
        workspace.IsNull("program").ShouldBeTrue();
        workspace.IsNull("last_seen").ShouldBeTrue();
        workspace.Text("project_id").ShouldBe(agent.ProjectId);
        workspace.Text("project_slug").ShouldBe(agent.Project.Slug);
        workspace.Text("repo").ShouldBe(agent.Repo);
        workspace.IsNull("deleted_at").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 106)]
    public async Task Claims_are_shown_on_request_only()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1", "The title").Ok();

        var plain = await Only(agent);
        plain.Items("claims").ShouldBeEmpty();
        plain.IsNull("apex_id").ShouldBeTrue();

        var full = await Only(agent, "?include_claims=true");
        var claim = full.Items("claims").Single();
        claim.Text("bead_id").ShouldBe("bd-1");
        claim.Text("title").ShouldBe("The title");
        claim.Text("claimed_at").ShouldBeTimestamp();
        full.Text("apex_id").ShouldBe("bd-1");
        full.Text("apex_title").ShouldBe("The title");
    }

    [Fact]
    public async Task Workspaces_are_filtered()
    {
        var project = NewProject();
        var alice = await project.Agent("alice", human: "Ann");
        var bob = await project.Agent("bob", human: "Bo", origin: project.OriginOf("other"));
        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, alias = "carl", hostname = "box" }).Ok();

        async Task<string[]> Aliases(string query) =>
            [.. (await alice.Get("/v1/workspaces?" + query).Ok()).Pluck("workspaces", "alias").Order()];
        (await Aliases("alias=bob")).ShouldBe(["bob"]);
        (await Aliases("human_name=Ann")).ShouldBe(["alice"]);
        (await Aliases($"repo={Uri.EscapeDataString(bob.Repo)}")).ShouldBe(["bob"]);
        (await Aliases("hostname=box&include_presence=false")).ShouldBe(["carl"]);
        (await Aliases("alias=&repo=&human_name=&hostname=")).ShouldBe(["alice", "bob", "carl"]);
        (await Aliases("alias=nobody")).ShouldBeEmpty();
        (await Aliases("unknown=1&include_claims=YES&include_presence=off")).ShouldBe(["alice", "bob", "carl"]);
    }

    [Fact]
    public async Task Pages_neither_skip_nor_repeat()
    {
        var project = NewProject();
        var agents = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => project.Agent()));
        await Task.WhenAll(agents.Select(agent => agent.Command("ready")));

        var whole = (await agents[0].Get("/v1/workspaces").Ok()).Pluck("workspaces", "workspace_id");
        foreach (var limit in new[] { 1, 5 })
            (await Pages.Of(agents[0], $"/v1/workspaces?limit={limit}", "workspaces")).Select(w => w.Text("workspace_id")).ShouldBe(whole);
        whole.Order().ShouldBe(agents.Select(agent => agent.Id).Order());
    }

    [Fact]
    public async Task A_workspace_can_be_looked_up()
    {
        var agent = await NewProject().Agent("alice");
        var stranger = await NewProject().Agent();

        (await agent.Get($"/v1/workspaces/{agent.Id}").Ok()).Text("alias").ShouldBe("alice");
        (await agent.Get($"/v1/workspaces/{Guid.NewGuid()}")).Status.ShouldBe(404);
        (await stranger.Get($"/v1/workspaces/{agent.Id}")).Status.ShouldBe(404);
        await agent.Get("/v1/workspaces/not-a-uuid").Unprocessable();
    }

    [Fact]
    [Checklist("beadhub", 107)]
    public async Task The_team_is_the_first_fifteen_with_claims()
    {
        var project = NewProject();
        var agents = await Task.WhenAll(Enumerable.Range(0, 17).Select(_ => project.Agent()));
        await Task.WhenAll(agents.Skip(1).Select((agent, i) => agent.Claim($"bd-{i}")));

        var team = await agents[0].Get("/v1/workspaces/team").Ok();

        team.Items("workspaces").Length.ShouldBe(15);
        team.Items("workspaces").ShouldAllBe(workspace => workspace.Items("claims").Length == 1);
        team.Flag("has_more").ShouldBeFalse();
        team.IsNull("next_cursor").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 108)]
    public async Task The_asking_workspace_is_always_included()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await bob.Claim("bd-1").Ok();

        async Task<string[]> Team(string query) => (await alice.Get("/v1/workspaces/team?" + query).Ok()).Pluck("workspaces", "alias");
        (await Team("")).ShouldBe(["bob"]);
        (await Team($"only_with_claims=false&always_include_workspace_id={alice.Id}&limit=16")).ShouldBe(["bob", "alice"]);
        (await Team($"always_include_workspace_id={alice.Id}")).ShouldBe(["bob", "alice"]);
        (await Team($"always_include_workspace_id={alice.Id}&limit=1")).ShouldContain("alice");
    }

    [Fact]
    [Checklist("beadhub", 109)]
    [OnAnyStore]
    public async Task The_included_workspace_is_a_uuid()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/workspaces/team?always_include_workspace_id=bad").RefusedWith(422, "workspace_id");
    }

    [Fact]
    [Checklist("beadhub", 110)]
    public async Task The_public_reader_sees_names_but_no_places()
    {
        var project = NewProject();
        await project.Init(new
        {
            project_slug = project.Slug, repo_origin = project.Origin, alias = "alice", human_name = "Alice", role = "developer",
                hostname = "box", workspace_path = "/w",
        }).Ok();
        var agent = await project.Agent("alice", human: "Alice", role: "developer");
        await Present(agent, "claude-code");
        await agent.Claim("bd-1").Ok();
        var reader = PublicReader(agent);

        foreach (var path in new[] { "/v1/workspaces", "/v1/workspaces/team" })
        {
            var workspace = (await reader.Get(path).Ok()).Items("workspaces").Single();
            workspace.Text("human_name").ShouldBe("Alice");
            foreach (var hidden in new[] { "role", "hostname", "workspace_path", "member_email" })
                workspace.IsNull(hidden).ShouldBeTrue(hidden);
        }

        var online = (await reader.Get("/v1/workspaces/online").Ok()).Items("workspaces").Single();
        online.IsNull("role").ShouldBeTrue();
        online.IsNull("member_email").ShouldBeTrue();
        online.Text("human_name").ShouldBe("Alice");
    }

    [Fact]
    [Checklist("beadhub", 111)]
    public async Task A_name_is_suggested_by_the_repo_alone()
    {
        var agent = await NewProject().Agent("alice-agent");

        var suggestion = await Suggest(Api, agent.Origin).Ok();

        suggestion.Text("project_slug").ShouldBe(agent.Project.Slug);
        suggestion.Text("project_id").ShouldBe(agent.ProjectId);
        suggestion.Text("repo_id").ShouldBe(agent.RepoId);
        suggestion.Text("canonical_origin").ShouldBe(agent.Repo);
        suggestion.Text("name_prefix").ShouldBe("bob");
    }

    [Fact]
    [Checklist("beadhub", 112)]
    public async Task With_a_key_the_name_is_for_the_callers_project()
    {
        var agent = await NewProject().Agent("alice-agent");
        var other = await NewProject().Agent("zz");

        var suggestion = await Suggest(other, agent.Origin).Ok();

        suggestion.Text("project_id").ShouldBe(other.ProjectId);
        suggestion.Text("repo_id").ShouldBe("");
        suggestion.Text("name_prefix").ShouldBe("alice");
    }

    [Fact]
    [Checklist("beadhub", 113)]
    public async Task An_unknown_or_ambiguous_repo_suggests_nothing()
    {
        var origin = NewProject().Origin;
        await Suggest(Api, origin).RefusedWith(404);

        var (a, b) = (NewProject(), NewProject());
        await a.Agent(origin: origin);
        await b.Agent(origin: origin);
        await Suggest(Api, origin).RefusedWith(409, a.Slug, b.Slug);

        await Suggest(Api, "not-a-url").Invalid("origin_url");
        await Suggest(Api.As("nonsense"), origin).Unauthorized("Invalid API key");
    }

    private static Task<Answer> Register(Agent agent) => agent.Post("/v1/workspaces/register", new { repo_origin = agent.Origin });

    private static Task<Answer> Suggest(Api caller, string origin) =>
        caller.Post("/v1/workspaces/suggest-name-prefix", new { origin_url = origin });

    private static Task<JsonElement> Present(Agent agent, string program) =>
        agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, program }).Ok();

    private static async Task<JsonElement> Only(Agent agent, string query = "") =>
        (await agent.Get("/v1/workspaces" + query).Ok()).Items("workspaces").Single();
}
