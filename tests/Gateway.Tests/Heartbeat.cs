using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/workspaces/heartbeat (contract 5.3).</summary>
public abstract class HeartbeatContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 84)]
    public async Task A_heartbeat_echoes_the_workspace()
    {
        var agent = await NewProject().Agent();

        var beat = await agent.Heartbeat().Ok();

        beat.Flag("ok").ShouldBeTrue();
        beat.Text("workspace_id").ShouldBe(agent.Id);
    }

    [Fact]
    [Checklist("beadhub", 85)]
    public async Task The_branch_is_part_of_the_presence()
    {
        var agent = await NewProject().Agent();
        await agent.Heartbeat("feature/test").Ok();

        var online = (await agent.Get("/v1/workspaces/online").Ok()).Items("workspaces").Single();
        online.Text("branch").ShouldBe("feature/test");
        online.Text("program").ShouldBe("bdh");
        (await agent.Get("/v1/agents").Ok()).Find("agents", "agent_id", agent.Id).Flag("online").ShouldBeTrue();
        (await agent.Get("/v1/status").Ok()).Items("agents").Single().Text("current_branch").ShouldBe("feature/test");
    }

    [Fact]
    [Checklist("beadhub", 86)]
    public async Task The_branch_is_stored()
    {
        var agent = await NewProject().Agent();
        await agent.Heartbeat("feature/xyz").Ok();
        await agent.Heartbeat().Ok();

        (await Workspace(agent, "?include_presence=false")).Text("branch").ShouldBe("feature/xyz");
    }

    [Fact]
    [Checklist("beadhub", 87)]
    [OnAnyStore]
    public async Task Another_alias_is_a_conflict()
    {
        var agent = await NewProject().Agent("alice");

        await agent.Post("/v1/workspaces/heartbeat", new { workspace_id = agent.Id, alias = "bob", repo_origin = agent.Origin })
            .RefusedWith(409, "Alias mismatch");
    }

    [Fact]
    [Checklist("beadhub", 88)]
    [OnAnyStore]
    public async Task Another_repo_is_refused()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/workspaces/heartbeat",
            new { workspace_id = agent.Id, alias = agent.Alias, repo_origin = agent.Project.OriginOf("other") })
            .RefusedWith(400, "Repo mismatch");
    }

    [Fact]
    [Checklist("beadhub", 89)]
    public async Task After_its_repo_was_deleted_a_workspace_is_gone()
    {
        var project = NewProject();
        var witness = await project.Identity("witness");
        var agent = await project.Agent("alice");
        await witness.Delete($"/v1/repos/{agent.RepoId}").Ok();

        await Proxied(agent).Post("/v1/workspaces/heartbeat", new { workspace_id = agent.Id, alias = "alice", repo_origin = agent.Origin })
            .RefusedWith(410, "deleted");
    }

    [Fact]
    [Checklist("beadhub", 90)]
    public async Task After_its_deletion_a_workspaces_key_is_dead()
    {
        var agent = await NewProject().Agent();
        await agent.Delete($"/v1/workspaces/{agent.Id}").Ok();

        await agent.Heartbeat().Unauthorized("Invalid API key");
    }

    [Fact]
    [Checklist("beadhub", 91)]
    public async Task A_timezone_is_kept_until_another_comes()
    {
        var agent = await NewProject().Agent();
        await agent.Heartbeat(timezone: "Europe/Madrid").Ok();
        await agent.Heartbeat("main").Ok();

        (await agent.Get("/v1/status").Ok()).Items("agents").Single().Text("timezone").ShouldBe("Europe/Madrid");
    }

    [Theory]
    [InlineData("1/2")]
    [InlineData("")]
    [InlineData("Europe Madrid")]
    [Checklist("beadhub", 92)]
    public async Task A_timezone_has_its_alphabet(string timezone)
    {
        var agent = await NewProject().Agent();
        var answer = await agent.Heartbeat(timezone: timezone);

        // An empty one may count as not given.
        if (timezone.Length > 0)
            answer.Status.ShouldBe(422, answer.ToString());
        else
            answer.Status.ShouldBeOneOf(200, 422);
    }

    [Fact]
    [Checklist("beadhub", 93)]
    public async Task The_first_hostname_stays()
    {
        var agent = await NewProject().Agent();
        await agent.Heartbeat(hostname: "first").Ok();
        await agent.Heartbeat(hostname: "second").Ok();

        (await Workspace(agent)).Text("hostname").ShouldBe("first");
    }

    [Fact]
    public async Task A_role_is_kept_until_another_comes()
    {
        var agent = await NewProject().Agent(role: "developer");
        await agent.Heartbeat().Ok();
        (await Workspace(agent)).Text("role").ShouldBe("developer");

        await agent.Heartbeat(role: "Code  Reviewer").Ok();
        (await Workspace(agent)).Text("role").ShouldBe("code reviewer");
    }

    [Fact]
    public async Task The_first_heartbeat_of_an_identity_makes_its_workspace()
    {
        var agent = await NewProject().Identity("alice");

        await agent.Heartbeat("main").Ok();

        var workspace = await Workspace(agent);
        workspace.Text("workspace_id").ShouldBe(agent.Id);
        workspace.Text("repo").ShouldBe(agent.Project.Repo);
        workspace.Text("status").ShouldBe("active");
    }

    [Fact]
    public async Task An_active_alias_is_not_taken_by_another_workspace()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Identity("bob"));

        await bob.Post("/v1/workspaces/heartbeat", new { workspace_id = bob.Id, alias = alice.Alias, repo_origin = project.Origin })
            .RefusedWith(409, "alice");
    }

    [Fact]
    public async Task The_remote_may_be_written_in_another_form()
    {
        var agent = await NewProject().Agent();

        await agent.Post("/v1/workspaces/heartbeat",
            new { workspace_id = agent.Id.ToUpperInvariant(), alias = agent.Alias, repo_origin = "https://" + agent.Repo })
            .Ok();
    }

    private static async Task<JsonElement> Workspace(Agent agent, string query = "") =>
        (await agent.Get("/v1/workspaces" + query).Ok()).Items("workspaces").Single();
}
