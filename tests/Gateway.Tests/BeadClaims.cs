using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/beads/{id}/claims: several agents on one bead, on purpose.</summary>
public abstract class BeadClaimsContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task Several_agents_join_on_one_bead()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1", "Fix it").Ok();
        (await bob.Claim("bd-1", "Fix it").Ok()).Flag("claim_rejected").ShouldBeTrue();
        await using var stream = await alice.Stream();

        var joined = await bob.Post("/v1/beads/bd-1/claims", new { role = "Reviewer", note = "second pair of eyes" }).Ok();

        joined.Text("bead_id").ShouldBe("bd-1");
        var claim = joined.At("claim");
        (claim.Text("workspace_id"), claim.Text("alias"), claim.Text("human_name"), claim.Text("role"), claim.Text("note"),
            claim.Text("apex_id"))
            .ShouldBe((bob.Id, "bob", "Bob", "reviewer", "second pair of eyes", "bd-1"));
        joined.Pluck("claims", "alias").ShouldBe(["bob", "alice"]);
        joined.Number("count").ShouldBe(2);
        var heard = await stream.Next();
        (heard.Type, heard.Data.Text("workspace_id"), heard.Data.Text("title")).ShouldBe(("bead.claimed", bob.Id, "Fix it"));

        var list = await alice.Get("/v1/beads/bd-1/claims").Ok();
        list.Pluck("claims", "alias").ShouldBe(["bob", "alice"]);
        list.Items("claims")[1].IsNull("role").ShouldBeTrue();
        list.Number("count").ShouldBe(2);
        (await alice.Get("/v1/beads/bd-2/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await alice.Get("/v1/claims").Ok()).Pluck("claims", "alias").ShouldBe(["bob", "alice"]);
        (await alice.Get("/v1/workspaces").Ok()).Find("workspaces", "alias", "bob").Text("focus_apex_id").ShouldBe("bd-1");
    }

    [Fact]
    public async Task Who_has_joined_may_go_on_by_sync_and_others_may_not()
    {
        var (alice, bob) = await Two();
        var carol = await alice.Project.Agent("carol");
        await alice.Claim("bd-1").Ok();
        await bob.Post("/v1/beads/bd-1/claims").Ok();

        (await bob.Command("update bd-1 --status in_progress").Ok()).Flag("approved").ShouldBeTrue();
        (await bob.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        (await alice.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        (await carol.Command("update bd-1 --status in_progress").Ok()).Flag("approved").ShouldBeFalse();
        (await carol.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeTrue();
        (await alice.Get("/v1/beads/bd-1/claims").Ok()).Number("count").ShouldBe(2);

        await carol.Close("bd-1").Ok();
        (await alice.Get("/v1/beads/bd-1/claims").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task One_releases_ones_own_claim_only()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1", "Fix it").Ok();
        await bob.Post("/v1/beads/bd-1/claims").Ok();
        await using var stream = await alice.Stream();

        var left = await alice.Delete("/v1/beads/bd-1/claims").Ok();

        (left.Text("bead_id"), left.Text("workspace_id"), left.Flag("released")).ShouldBe(("bd-1", alice.Id, true));
        var heard = await stream.Next();
        (heard.Type, heard.Data.Text("workspace_id"), heard.Data.Text("alias"), heard.Data.Text("title"))
            .ShouldBe(("bead.unclaimed", alice.Id, "alice", "Fix it"));
        (await bob.Get("/v1/beads/bd-1/claims").Ok()).Pluck("claims", "alias").ShouldBe(["bob"]);
        (await alice.Get("/v1/workspaces").Ok()).Find("workspaces", "alias", "alice").IsNull("focus_apex_id").ShouldBeTrue();
        (await alice.Delete("/v1/beads/bd-1/claims").Ok()).Flag("released").ShouldBeFalse();
        (await alice.Delete("/v1/beads/bd-unknown/claims").Ok()).Flag("released").ShouldBeFalse();
        await alice.Delete($"/v1/beads/bd-1/claims?workspace_id={bob.Id}").Refused(403, "workspace_id does not match API key identity");
        (await Proxied(alice).Delete($"/v1/beads/bd-1/claims?workspace_id={bob.Id}").Ok()).Flag("released").ShouldBeTrue();
    }

    [Fact]
    public async Task A_bead_that_is_not_stored_can_be_joined_and_a_claim_renewed()
    {
        var agent = await NewProject().Agent();

        var first = await agent.Post("/v1/beads/demo-001/claims", new { note = "one" }).Ok();
        var second = await agent.Post("/v1/beads/demo-001/claims", new { note = "two" }).Ok();

        second.Number("count").ShouldBe(1);
        (first.At("claim").Text("note"), second.At("claim").Text("note")).ShouldBe(("one", "two"));
        second.At("claim").IsNull("apex_id").ShouldBeTrue();
        (await agent.Get("/v1/beads/demo-001/claims").Ok()).Items("claims").Single().Text("note").ShouldBe("two");
    }

    [Fact]
    [OnAnyStore]
    public async Task Bad_requests_are_refused()
    {
        var (alice, bob) = await Two();
        var other = await NewProject().Agent();
        await alice.Claim("bd-1").Ok();

        await Api.Get("/v1/beads/bd-1/claims").Unauthorized();
        await Api.Post("/v1/beads/bd-1/claims").Unauthorized();
        await Api.Delete("/v1/beads/bd-1/claims").Unauthorized();
        foreach (var id in new[] { "bad%20id", "-x", new string('x', 101) })
        {
            await alice.Get($"/v1/beads/{id}/claims").Refused(422, "Invalid bead_id format");
            await alice.Post($"/v1/beads/{id}/claims").Refused(422, "Invalid bead_id format");
            await alice.Delete($"/v1/beads/{id}/claims").Refused(422, "Invalid bead_id format");
        }

        await alice.Post("/v1/beads/bd-1/claims", new { workspace_id = bob.Id })
            .Refused(403, "workspace_id does not match API key identity");
        await alice.Post("/v1/beads/bd-1/claims", new { workspace_id = "x" }).Invalid("workspace_id");
        await alice.Delete("/v1/beads/bd-1/claims?workspace_id=x").RefusedWith(422, "Invalid workspace_id");
        await alice.Post("/v1/beads/bd-1/claims", new { role = "one two three" }).Invalid("role");
        await alice.Post("/v1/beads/bd-1/claims", new { note = new string('x', 4097) }).Invalid("note", "string_too_long");
        await alice.Post("/v1/beads/bd-1/claims", new { note = "a\0b" }).Invalid("note");
        await alice.Post("/v1/beads/bd-1/claims", new { unknown = 1 }).Invalid("unknown", "extra_forbidden");
        (await other.Get("/v1/beads/bd-1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await PublicReader(alice).Get("/v1/beads/bd-1/claims").Ok()).Number("count").ShouldBe(1);
        await PublicReader(alice).Post("/v1/beads/bd-1/claims").RefusedWith(403, "Public readers");
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await bob.Post("/v1/beads/bd-1/claims").Unauthorized("Invalid API key");
        await Proxied(bob).Post("/v1/beads/bd-1/claims").Refused(410, "Workspace was deleted");
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice", human: "Alice"), await project.Agent("bob", human: "Bob"));
    }
}
