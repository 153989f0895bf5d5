using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/beads/ready (contract 7.8).</summary>
public abstract class BeadsReadyContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 160)]
    public async Task Only_a_closed_blocker_blocks_no_more()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null,
            new { id = "bd-1", status = "open", blocked_by = new[] { "bd-9" } },
            new { id = "bd-2", status = "open", blocked_by = new[] { "bd-3" } },
            new { id = "bd-3", status = "open" },
            new { id = "bd-4", status = "in_progress" }).Ok();

        (await Ready(agent)).ShouldBe(["bd-3"]);

        await agent.Upload("my-repo", null, new { id = "bd-3", status = "closed" }, new { id = "bd-9", status = "in_progress" }).Ok();
        (await Ready(agent)).ShouldBe(["bd-2"]);

        await agent.Upload("my-repo", null, new { id = "bd-9", status = "closed" }).Ok();
        (await Ready(agent)).ShouldBe(["bd-1", "bd-2"]);

        await agent.Upload("my-repo", null, new { id = "bd-9", status = "open" }).Ok();
        (await Ready(agent)).ShouldBe(["bd-2", "bd-9"]);
    }

    [Fact]
    public async Task A_deleted_blocker_blocks_again()
    {
        var agent = await NewProject().Agent();
        await agent
            .Sync(Jsonl.Of(new { id = "bd-1", status = "open", blocked_by = new[] { "bd-2" } }, new { id = "bd-2", status = "closed" }))
            .Ok();
        (await Ready(agent)).ShouldBe(["bd-1"]);

        await agent.Change(deleted: "bd-2").Ok();

        (await Ready(agent)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_blocker_is_looked_for_in_its_own_repo()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("repo-a", null, new { id = "bd-1", status = "open", blocked_by = new[] { "repo-b:bd-2" } },
            new { id = "bd-2", status = "closed" }).Ok();
        (await Ready(agent)).ShouldBeEmpty();

        await agent.Upload("repo-b", null, new { id = "bd-2", status = "closed" }).Ok();
        (await Ready(agent)).ShouldBe(["bd-1"]);
        (await Ready(agent, "&repo=repo-b")).ShouldBeEmpty();
        (await Ready(agent, "&repo=repo-a&branch=main")).ShouldBe(["bd-1"]);
    }

    [Fact]
    [Checklist("beadhub", 161)]
    public async Task Ready_is_ordered_by_priority_and_id()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null,
            [.. Enumerable.Range(0, 12).Select(i => new { id = $"bd-{i:d2}", status = "open", priority = 2 - i % 3 }),
                new { id = "a-none", status = "open", priority = (int?)null }]).Ok();

        (await Ready(agent)).ShouldBe(["bd-02", "bd-05", "bd-08", "bd-11", "bd-01", "bd-04", "bd-07", "bd-10", "bd-00", "bd-03"]);
        (await Ready(agent, "&limit=1000"))[^1].ShouldBe("a-none");
        await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}&limit=0").Invalid("limit");
    }

    [Fact]
    [OnAnyStore]
    public async Task Ready_validates_its_parameters()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/beads/ready").Invalid("workspace_id", "missing");
        await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}&repo=bad%20repo!").RefusedWith(422, "Invalid repo");
        await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}&branch=bad%20branch!").RefusedWith(422, "Invalid branch name");
        (await agent.Get($"/v1/beads/ready?workspace_id={Guid.NewGuid()}").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task A_ready_issue_has_every_field()
    {
        var agent = await NewProject().Agent();
        await agent.Upload("my-repo", null, new { id = "bd-1", status = "open", title = "One", priority = 1, issue_type = "bug" }).Ok();

        var issue = (await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}").Ok()).Items("issues").Single();

        issue.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["bead_id", "repo", "branch", "title", "status", "priority", "type", "blocked_by", "current_reservation"], ignoreOrder: true);
        issue.Text("type").ShouldBe("bug");
    }

    private static async Task<string[]> Ready(Agent agent, string query = "") =>
        (await agent.Get($"/v1/beads/ready?workspace_id={agent.Id}{query}").Ok()).Pluck("issues", "bead_id");
}
