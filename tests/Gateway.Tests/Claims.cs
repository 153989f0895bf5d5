using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/claims, and the apex and focus that a claim brings (contract 9).</summary>
public abstract class ClaimsContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 197)]
    public async Task A_new_project_has_no_claims()
    {
        var agent = await NewProject().Agent();

        var claims = await agent.Get("/v1/claims").Ok();

        claims.Items("claims").ShouldBeEmpty();
        claims.Flag("has_more").ShouldBeFalse();
        claims.IsNull("next_cursor").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 198)]
    public async Task Claims_are_filtered_by_workspace()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Claim("bd-1").Ok();
        await bob.Claim("bd-2").Ok();

        await alice.Get("/v1/claims?workspace_id=not-a-uuid").RefusedWith(422, "Invalid workspace_id");
        (await Beads(alice, $"workspace_id={bob.Id}")).ShouldBe(["bd-2"]);
        (await Beads(alice, $"workspace_id={bob.Id.ToUpperInvariant()}")).ShouldBe(["bd-2"]);
        (await Beads(alice, $"workspace_id={Guid.NewGuid()}")).ShouldBeEmpty();
        (await Beads(alice, "workspace_id=")).ShouldBe(["bd-2", "bd-1"]);
    }

    [Fact]
    [Checklist("beadhub", 199)]
    public async Task Claims_of_other_projects_are_not_listed()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await other.Claim("bd-1").Ok();

        (await Beads(agent, "")).ShouldBeEmpty();
        (await Beads(agent, $"workspace_id={other.Id}")).ShouldBeEmpty();
        (await agent.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
    }

    [Fact]
    [Checklist("beadhub", 200)]
    public async Task Five_claims_make_three_pages_of_two()
    {
        var agent = await NewProject().Agent();
        for (var i = 1; i <= 5; i++)
            await agent.Claim($"bd-{i}").Ok();

        var pages = await Pages.Each(agent, "/v1/claims?limit=2");

        pages.Select(page => string.Join(' ', page.Pluck("claims", "bead_id"))).ShouldBe(["bd-5 bd-4", "bd-3 bd-2", "bd-1"]);
    }

    [Fact]
    [Checklist("beadhub", 201)]
    [OnAnyStore]
    public async Task A_bad_cursor_is_refused()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/claims?cursor=invalid-cursor!!!").RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/claims?cursor=" + Cursor("[1]")).RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/claims?cursor=" + Cursor("{\"claimed_at\":\"yesterday\"}")).RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/claims?cursor=" + Cursor("{\"claimed_at\":7}")).RefusedWith(422, "Invalid cursor");
        await agent.Get("/v1/claims?cursor=" + Cursor("{\"other\":7}")).Ok();
    }

    [Fact]
    public async Task The_contracts_own_cursor_form_is_accepted()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();

        (await Beads(agent, "cursor=" + Cursor("{\"claimed_at\":\"2999-03-08T15:14:59.123456+00:00\"}"))).ShouldBe(["bd-1"]);
        (await Beads(agent, "cursor=" + Cursor("{\"claimed_at\":\"2001-03-08T15:14:59.123456+00:00\"}"))).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 202)]
    [OnAnyStore]
    public async Task A_page_has_1_to_200_claims()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/claims?limit=0").Invalid("limit");
        await agent.Get("/v1/claims?limit=201").Invalid("limit");
        await agent.Get("/v1/claims?limit=200").Ok();
    }

    [Fact]
    [Checklist("beadhub", 203)]
    public async Task A_claims_apex_is_the_topmost_parent()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Jsonl.Of(
            new { id = "epic", title = "The epic", status = "open", issue_type = "epic" },
            Child("feature", "epic"),
            Child("task", "feature"))).Ok();

        await agent.Change(Jsonl.Of(Child("task", "feature")), "update task --status in_progress").Ok();

        var workspace = await Workspace(agent);
        var claim = workspace.Items("claims").Single();
        claim.Text("apex_id").ShouldBe("epic");
        claim.Text("apex_title").ShouldBe("The epic");
        claim.Text("apex_type").ShouldBe("epic");
        workspace.Text("apex_id").ShouldBe("epic");
        workspace.Text("focus_apex_id").ShouldBe("epic");
        workspace.Text("focus_apex_title").ShouldBe("The epic");
        workspace.Text("focus_apex_type").ShouldBe("epic");
        workspace.Text("focus_apex_repo_name").ShouldBe(agent.Repo);
        workspace.Text("focus_apex_branch").ShouldBe("main");
        workspace.Text("focus_updated_at").ShouldBeTimestamp();
    }

    [Fact]
    public async Task The_way_to_the_apex_has_twenty_steps_at_most()
    {
        var agent = await NewProject().Agent();
        object[] chain = [.. Enumerable.Range(0, 30).Select(i => Child($"bd-{i}", $"bd-{i + 1}")), Child("loop-a", "loop-b"),
            Child("loop-b", "loop-a"), Child("orphan", "absent")];
        await agent.Sync(Jsonl.Of(chain)).Ok();

        foreach (var (bead, apex) in new[] { ("bd-0", "bd-20"), ("bd-15", "bd-29"), ("loop-a", "loop-a"), ("orphan", "orphan") })
        {
            await agent.Change(Jsonl.Of(chain[^1]), $"update {bead} --status in_progress").Ok();
            (await Workspace(agent)).Find("claims", "bead_id", bead).Text("apex_id").ShouldBe(apex);
        }
    }

    [Fact]
    [Checklist("beadhub", 204)]
    public async Task The_focus_follows_the_remaining_claims()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-1").Ok();
        await agent.Claim("bd-2").Ok();
        (await Workspace(agent)).Text("focus_apex_id").ShouldBe("bd-2");

        await agent.Close("bd-2").Ok();
        (await Workspace(agent)).Text("focus_apex_id").ShouldBe("bd-1");

        await agent.Close("bd-1").Ok();
        var workspace = await Workspace(agent);
        workspace.IsNull("focus_apex_id").ShouldBeTrue();
        workspace.Text("focus_updated_at").ShouldBeTimestamp();
        workspace.Items("claims").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_bead_unknown_to_the_server_can_be_claimed()
    {
        var agent = await NewProject().Agent();

        await agent.Change(Jsonl.Of(new { id = "bd-1", status = "open" }), "update bd-unknown --status in_progress").Ok();

        var claim = (await Workspace(agent)).Items("claims").Single();
        claim.Text("bead_id").ShouldBe("bd-unknown");
        claim.IsNull("title").ShouldBeTrue();
        claim.IsNull("apex_id").ShouldBeTrue();
        (await Workspace(agent)).IsNull("focus_apex_id").ShouldBeTrue();
    }

    private static object Child(string id, string parent) =>
        new { id, title = id, status = "open", issue_type = "task",
            dependencies = new[] { new { depends_on_id = parent, type = "parent-child" } } };

    private static async Task<string[]> Beads(Agent agent, string query) =>
        (await agent.Get("/v1/claims?" + query).Ok()).Pluck("claims", "bead_id");

    private static async Task<JsonElement> Workspace(Agent agent) =>
        (await agent.Get("/v1/workspaces?include_claims=true").Ok()).Items("workspaces").Single();

    private static string Cursor(string json) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
