using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Deleting and restoring workspaces (contract 5.4 and 5.5).</summary>
public abstract class WorkspaceRemovalContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 94)]
    [Checklist("aweb", 8)]
    public async Task Deleting_a_workspace_ends_its_agent()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        var deleted = await alice.Delete($"/v1/workspaces/{alice.Id}").Ok();

        deleted.Text("workspace_id").ShouldBe(alice.Id);
        deleted.Text("alias").ShouldBe("alice");
        deleted.Text("deleted_at").ShouldBeTimestamp();
        (await bob.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["bob"]);
        (await bob.Get("/v1/workspaces").Ok()).Pluck("workspaces", "alias").ShouldBe(["bob"]);
        await alice.Get("/v1/agents").Unauthorized("Invalid API key");
    }

    [Fact]
    [Checklist("beadhub", 95)]
    public async Task A_workspace_is_deleted_once()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await project.Give(bob, "lead");
        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        await bob.Delete($"/v1/workspaces/{alice.Id}").Refused(404, $"Workspace {alice.Id} is already deleted");
    }

    [Fact]
    [Checklist("beadhub", 96)]
    public async Task A_lead_may_delete_but_a_stranger_may_not()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        await stranger.Delete($"/v1/workspaces/{bob.Id}").Refused(404, $"Workspace {bob.Id} not found");
        await bob.Get("/v1/agents").Ok();
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
    }

    [Fact]
    [Checklist("beadhub", 97)]
    [OnAnyStore]
    public async Task A_workspace_id_is_a_uuid()
    {
        var agent = await NewProject().Agent();

        await agent.Delete("/v1/workspaces/not-a-uuid").RefusedWith(422, "Invalid workspace_id");
    }

    [Fact]
    [Checklist("beadhub", 98)]
    public async Task A_deleted_workspace_holds_no_claims_and_is_listed_on_request_only()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Claim("bd-1").Ok();
        await project.Give(bob, "lead");
        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        (await bob.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await bob.Get("/v1/workspaces").Ok()).Pluck("workspaces", "alias").ShouldBe(["bob"]);
        var all = await bob.Get("/v1/workspaces?include_deleted=true").Ok();
        all.Find("workspaces", "alias", "alice").Text("deleted_at").ShouldBeTimestamp();
        all.Find("workspaces", "alias", "bob").IsNull("deleted_at").ShouldBeTrue();
    }

    [Fact]
    public async Task A_deleted_workspace_is_offline_and_its_claims_are_announced()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Heartbeat().Ok();
        await alice.Claim("bd-1", "One").Ok();
        await alice.Claim("bd-2", "Two").Ok();
        await using var stream = await bob.Stream();

        await project.Give(bob, "lead");
        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        var events = new[] { await stream.Next(), await stream.Next() };
        events.ShouldAllBe(e => e.Type == "bead.unclaimed" && e.Data.Text("workspace_id") == alice.Id);
        events.Select(e => e.Data.Text("bead_id")).Order().ShouldBe(["bd-1", "bd-2"]);
        (await bob.Get("/v1/workspaces/online").Ok()).Items("workspaces").ShouldBeEmpty();
        (await bob.Get("/v1/status").Ok()).Items("agents").ShouldBeEmpty();
        (await bob.Command("update bd-1 --status in_progress").Ok()).Flag("approved").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 99)]
    public async Task An_active_workspace_needs_no_restoring()
    {
        var agent = await NewProject().Agent();

        await agent.Post($"/v1/workspaces/{agent.Id}/restore").Refused(409, $"Workspace {agent.Id} is already active (not deleted)");
    }

    [Fact]
    [Checklist("beadhub", 100)]
    public async Task The_gateway_restores_unless_the_alias_was_taken()
    {
        var project = NewProject();
        var alice = await project.Agent("alice");
        await alice.Delete($"/v1/workspaces/{alice.Id}").Ok();

        var restored = await Proxied(alice).Post($"/v1/workspaces/{alice.Id}/restore").Ok();
        restored.Text("workspace_id").ShouldBe(alice.Id);
        restored.Text("alias").ShouldBe("alice");
        restored.Text("restored_at").ShouldBeTimestamp();

        await alice.Delete($"/v1/workspaces/{alice.Id}").Ok();
        await project.Agent("alice");
        await Proxied(alice).Post($"/v1/workspaces/{alice.Id}/restore")
            .Refused(409, "Cannot restore: alias 'alice' is now used by another workspace");
    }

    [Fact]
    public async Task A_lead_restores_the_workspace_the_agent_and_its_key()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();
        await alice.Claim("bd-1").Ok();
        await project.Give(bob, "lead");
        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        (await stranger.Post($"/v1/workspaces/{alice.Id}/restore")).Status.ShouldBe(404);
        await bob.Post($"/v1/workspaces/{alice.Id}/restore").Ok();

        (await alice.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice", "bob"]);
        (await alice.Get("/v1/workspaces").Ok()).Pluck("workspaces", "alias").ShouldBe(["alice", "bob"], ignoreOrder: true);
        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty("claims are not restored");
        await alice.Claim("bd-1").Ok();
    }

    [Fact]
    [OnAnyStore]
    public async Task Restoring_what_does_not_exist_is_not_found()
    {
        var agent = await NewProject().Agent();

        (await agent.Post($"/v1/workspaces/{Guid.NewGuid()}/restore")).Status.ShouldBe(404);
        await agent.Post("/v1/workspaces/not-a-uuid/restore").Unprocessable();
    }
}
