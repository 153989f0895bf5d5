using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/status (contract 13).</summary>
public abstract class StatusContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 261)]
    public async Task One_workspace_is_shown_by_its_id()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Heartbeat().Ok();
        await bob.Heartbeat().Ok();
        await alice.Claim("bd-1").Ok();
        await bob.Claim("bd-2").Ok();
        await bob.Post("/v1/escalations", new { workspace_id = bob.Id, alias = "bob", subject = "s", situation = "x" }).Ok();

        var status = await alice.Get($"/v1/status?workspace_id={alice.Id}").Ok();

        status.At("workspace").EnumerateObject().Select(field => field.Name)
            .ShouldBe(["workspace_id", "project_id", "project_slug"], ignoreOrder: true);
        status.At("workspace").Text("workspace_id").ShouldBe(alice.Id);
        status.At("workspace").Text("project_id").ShouldBe(alice.ProjectId);
        status.At("workspace").Text("project_slug").ShouldBe(project.Slug);
        status.Pluck("agents", "alias").ShouldBe(["alice"]);
        status.Pluck("claims", "bead_id").ShouldBe(["bd-1"]);
        status.Number("escalations_pending").ShouldBe(1);
        status.Text("timestamp").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 262)]
    public async Task A_single_claim_is_no_conflict()
    {
        var agent = await NewProject().Agent("alice", human: "Alice");
        await agent.Claim("bd-1", "One").Ok();

        var status = await agent.Get("/v1/status").Ok();

        var claim = status.Items("claims").Single();
        claim.Number("claimant_count").ShouldBe(1);
        claim.Text("bead_id").ShouldBe("bd-1");
        claim.Text("workspace_id").ShouldBe(agent.Id);
        claim.Text("alias").ShouldBe("alice");
        claim.Text("human_name").ShouldBe("Alice");
        claim.Text("title").ShouldBe("One");
        claim.Text("project_id").ShouldBe(agent.ProjectId);
        claim.Text("claimed_at").ShouldBeTimestamp();
        status.Items("conflicts").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 263)]
    public async Task Agents_show_their_presence()
    {
        var agent = await NewProject().Agent("alice", human: "Alice", role: "developer");
        (await agent.Get("/v1/status").Ok()).Items("agents").ShouldBeEmpty();
        await agent.Heartbeat("feature/x", "Europe/Madrid", role: "developer").Ok();
        await agent.Claim("bd-1").Ok();
        await agent.Claim("bd-2").Ok();

        var shown = (await agent.Get("/v1/status").Ok()).Items("agents").Single();

        shown.Text("workspace_id").ShouldBe(agent.Id);
        shown.Text("alias").ShouldBe("alice");
        shown.Text("human_name").ShouldBe("Alice");
        shown.Text("current_branch").ShouldBe("feature/x");
        shown.Text("canonical_origin").ShouldBe(agent.Repo);
        shown.Text("timezone").ShouldBe("Europe/Madrid");
        shown.Text("role").ShouldBe("developer");
        shown.Text("program").ShouldBe("bdh");
        shown.Text("status").ShouldBe("active");
        shown.Text("current_issue").ShouldBe("bd-2");
        shown.Text("last_seen").ShouldBeTimestamp();
        shown.IsNull("member").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 264)]
    public async Task One_repo_is_shown_by_its_id()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob", origin: project.OriginOf("other")));
        await alice.Heartbeat().Ok();
        await bob.Heartbeat().Ok();

        var status = await alice.Get($"/v1/status?repo_id={bob.RepoId}").Ok();

        status.At("workspace").Text("repo_id").ShouldBe(bob.RepoId);
        status.At("workspace").Number("workspace_count").ShouldBe(1);
        status.At("workspace").Text("project_id").ShouldBe(bob.ProjectId);
        status.Pluck("agents", "alias").ShouldBe(["bob"]);
        await alice.Get("/v1/status?repo_id=" + new string('z', 36)).Unprocessable();
        await alice.Get("/v1/status?repo_id=abc").Invalid("repo_id");
        await alice.Get("/v1/status?workspace_id=bad").RefusedWith(422, "workspace_id");
    }

    [Fact]
    [Checklist("beadhub", 265)]
    public async Task Two_claimants_are_a_conflict()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice", human: "Alice"), await project.Agent("bob", human: "Bob"));
        await alice.Claim("bd-1").Ok();
        await alice.Claim("bd-2").Ok();
        await bob.Post("/v1/beads/bd-1/claims").Ok();

        var status = await alice.Get("/v1/status").Ok();

        status.Items("claims").Select(claim => (claim.Text("bead_id"), claim.Text("alias"), claim.Number("claimant_count")))
            .ShouldBe([("bd-1", "bob", 2), ("bd-2", "alice", 1), ("bd-1", "alice", 2)]);
        var conflict = status.Items("conflicts").Single();
        conflict.Text("bead_id").ShouldBe("bd-1");
        conflict.Items("claimants").Select(c => (c.Text("alias"), c.Text("human_name"), c.Text("workspace_id")))
            .ShouldBe([("bob", "Bob", bob.Id), ("alice", "Alice", alice.Id)], ignoreOrder: true);

        await bob.Delete("/v1/beads/bd-1/claims").Ok();
        (await alice.Get("/v1/status").Ok()).Items("conflicts").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 266)]
    public async Task Other_projects_are_not_shown()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await agent.Heartbeat().Ok();
        await other.Heartbeat().Ok();

        await other.Get($"/v1/status?workspace_id={agent.Id}").Refused(404, "Workspace not found");
        await agent.Get($"/v1/status?workspace_id={Guid.NewGuid()}").Refused(404, "Workspace not found");
        (await other.Get("/v1/status").Ok()).Pluck("agents", "workspace_id").ShouldBe([other.Id]);
        var byRepo = await other.Get($"/v1/status?repo_id={agent.RepoId}").Ok();
        byRepo.Items("agents").ShouldBeEmpty();
        byRepo.Items("claims").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 267)]
    public async Task The_public_reader_sees_human_names_but_no_members()
    {
        var agent = await NewProject().Agent("alice", human: "Alice");
        await agent.Heartbeat().Ok();
        await agent.Claim("bd-1").Ok();

        var status = await PublicReader(agent).Get("/v1/status").Ok();

        var shown = status.Items("agents").Single();
        shown.Text("human_name").ShouldBe("Alice");
        shown.IsNull("member").ShouldBeTrue();
        status.Items("claims").Single().Text("human_name").ShouldBe("Alice");
        (await PublicReader(agent).Get("/v1/claims").Ok()).Items("claims").Single().Text("human_name").ShouldBe("Alice");
    }

    [Fact]
    [Checklist("beadhub", 268)]
    public async Task The_public_reader_sees_no_escalations()
    {
        var agent = await NewProject().Agent();
        await agent.Post("/v1/escalations", new { workspace_id = agent.Id, alias = agent.Alias, subject = "s", situation = "x" }).Ok();

        (await agent.Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(1);
        (await PublicReader(agent).Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(0);
    }

    [Fact]
    [Checklist("beadhub", 269)]
    public async Task A_project_without_workspaces_is_empty()
    {
        var agent = await NewProject().Identity();
        await (await NewProject().Agent()).Claim("bd-1").Ok();

        var status = await agent.Get("/v1/status").Ok();

        status.At("workspace").Text("project_id").ShouldBe(agent.ProjectId);
        status.At("workspace").Text("project_slug").ShouldBe(agent.Project.Slug);
        status.At("workspace").Number("workspace_count").ShouldBe(0);
        foreach (var list in new[] { "agents", "claims", "conflicts" })
            status.Items(list).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_whole_project_counts_its_workspaces()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await bob.Claim("bd-1").Ok();
        await alice.Claim("bd-2").Ok();

        var status = await alice.Get("/v1/status").Ok();
        status.At("workspace").Number("workspace_count").ShouldBe(2);
        status.Pluck("claims", "bead_id").ShouldBe(["bd-2", "bd-1"]);

        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        status = await alice.Get("/v1/status").Ok();
        status.At("workspace").Number("workspace_count").ShouldBe(1);
        status.Pluck("claims", "bead_id").ShouldBe(["bd-2"]);
        await alice.Get($"/v1/status?workspace_id={bob.Id}").Refused(404, "Workspace not found");
    }

    [Fact]
    public async Task A_workspace_id_wins_over_a_repo_id()
    {
        var agent = await NewProject().Agent();

        JsonElement scope = (await agent.Get($"/v1/status?workspace_id={agent.Id}&repo_id={agent.RepoId}").Ok()).At("workspace");

        scope.Text("workspace_id").ShouldBe(agent.Id);
        scope.Has("repo_id").ShouldBeFalse();
    }
}
