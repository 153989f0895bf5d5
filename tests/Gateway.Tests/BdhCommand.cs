using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/bdh/command (contract 8.1 and 8.2).</summary>
public abstract class BdhCommandContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 164)]
    public async Task Ready_is_approved()
    {
        var agent = await NewProject().Agent();

        var decision = await agent.Command("ready").Ok();

        decision.Flag("approved").ShouldBeTrue();
        decision.Text("reason").ShouldBe("");
        decision.At("context").Items("beads_in_progress").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 165)]
    public async Task No_messages_are_counted()
    {
        var agent = await NewProject().Agent();

        (await agent.Command("ready").Ok()).At("context").Number("messages_waiting").ShouldBe(0);
    }

    [Fact]
    [Checklist("beadhub", 166)]
    public async Task A_held_bead_cannot_be_claimed()
    {
        var (_, bob) = await WithClaim();

        var decision = await bob.Command("update bd-1 --status in_progress").Ok();

        decision.Flag("approved").ShouldBeFalse();
        decision.Text("reason").ShouldContain("alice-dev");
    }

    [Fact]
    [Checklist("beadhub", 167)]
    public async Task Other_commands_and_ones_own_bead_are_approved()
    {
        var (alice, bob) = await WithClaim();

        (await bob.Command("ready").Ok()).Flag("approved").ShouldBeTrue();
        (await alice.Command("update bd-1 --status in_progress").Ok()).Flag("approved").ShouldBeTrue();
    }

    [Theory]
    [InlineData("close bd-1")]
    [InlineData("delete bd-1")]
    [InlineData("update bd-1 -s in_progress")]
    [InlineData("update bd-1 --status open")]
    [InlineData("update bd-1 --status")]
    [InlineData("update bd-1 --title in_progress")]
    [InlineData("update bd-2 --status in_progress")]
    [InlineData("UPDATE bd-1 --status in_progress")]
    [InlineData("reopen bd-1 --status in_progress")]
    [Checklist("beadhub", 168)]
    public async Task Only_a_claim_of_the_held_bead_is_refused(string command)
    {
        var (_, bob) = await WithClaim();

        (await bob.Command(command).Ok()).Flag("approved").ShouldBeTrue();
    }

    [Theory]
    [InlineData("update bd-1 --status=in_progress")]
    [InlineData("  update   bd-1\t--priority 1   --status  in_progress  ")]
    public async Task A_claim_is_recognised_in_its_forms(string command)
    {
        var (_, bob) = await WithClaim();

        (await bob.Command(command).Ok()).Flag("approved").ShouldBeFalse();
    }

    [Fact]
    [Checklist("beadhub", 169)]
    public async Task A_flag_is_no_bead()
    {
        var (_, bob) = await WithClaim();

        (await bob.Command("update --status in_progress bd-1").Ok()).Flag("approved").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 170)]
    public async Task The_refusal_names_bead_alias_and_human()
    {
        var (alice, bob) = await WithClaim();

        var decision = await bob.Command("update bd-1 --status in_progress").Ok();

        decision.Text("reason").ShouldBe("bd-1 is being worked on by alice-dev (Alice)");
        var held = decision.At("context").Items("beads_in_progress").Single();
        held.Text("bead_id").ShouldBe("bd-1");
        held.Text("workspace_id").ShouldBe(alice.Id);
        held.Text("alias").ShouldBe("alice-dev");
        held.Text("human_name").ShouldBe("Alice");
        held.Text("started_at").ShouldBeTimestamp();
        held.Maybe("title");
        held.Maybe("role");
    }

    [Fact]
    [Checklist("beadhub", 171)]
    public async Task After_its_workspace_was_deleted_the_client_is_told_to_stop()
    {
        var project = NewProject();
        var (agent, peer) = (await project.Agent(), await project.Agent());
        await agent.Delete($"/v1/workspaces/{agent.Id}").Ok();

        // bdh stops at a 410 and says why; at a 401 it would run on without coordination.
        await agent.Command("ready").Refused(410, "Workspace was deleted");
        await agent.Post("/v1/bdh/command", Body(peer)).Refused(403, "workspace_id does not match API key identity");
        await agent.Get("/v1/claims").Unauthorized("Invalid API key");
        await agent.Heartbeat().Unauthorized("Invalid API key");
    }

    [Fact]
    [Checklist("beadhub", 172)]
    public async Task A_command_is_for_ones_own_living_workspace()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        await alice.Post("/v1/bdh/command", Body(bob)).Refused(403, "workspace_id does not match API key identity");
        var unknown = Body(bob);
        unknown["workspace_id"] = Guid.NewGuid().ToString();
        await Proxied(alice).Post("/v1/bdh/command", unknown).Refused(404, "Workspace not found");
        (await Proxied(alice).Post("/v1/bdh/command", Body(bob)).Ok()).Flag("approved").ShouldBeTrue();
        await bob.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await Proxied(alice).Post("/v1/bdh/command", Body(bob)).Refused(410, "Workspace was deleted");

        var identity = await NewProject().Identity();
        await identity.Command("ready").Refused(404, "Workspace not found");
    }

    [Fact]
    [Checklist("beadhub", 173)]
    [OnAnyStore]
    public async Task A_command_is_validated()
    {
        var agent = await NewProject().Agent();
        JsonObject With(string field, JsonNode? value)
        {
            var body = Body(agent);
            body[field] = value;
            return body;
        }

        await agent.Post("/v1/bdh/command", With("foo", 1)).Invalid("foo", "extra_forbidden");
        foreach (var field in new[] { "command_line", "human_name", "workspace_id", "alias", "repo_origin" })
        {
            var body = Body(agent);
            body.Remove(field);
            await agent.Post("/v1/bdh/command", body).Invalid(field, "missing");
        }

        await agent.Post("/v1/bdh/command", With("command_line", new string('a', 8193))).Invalid("command_line");
        await agent.Post("/v1/bdh/command", With("command_line", new string('a', 8192))).Ok();
        await agent.Post("/v1/bdh/command", With("command_line", "")).Invalid("command_line");
        await agent.Post("/v1/bdh/command", With("alias", "bad alias")).Invalid("alias");
        await agent.Post("/v1/bdh/command", With("human_name", "José")).Invalid("human_name");
        await agent.Post("/v1/bdh/command", With("role", new string('r', 51))).Invalid("role");
        await agent.Post("/v1/bdh/command", With("workspace_id", "abc"))
            .Invalid("workspace_id", "value_error", "Invalid workspace_id format");
    }

    // Where the reference blanks out a role that is not sent, the stored one stays (contract 23.13).
    [Fact]
    [Checklist("beadhub", 174)]
    public async Task A_role_is_stored_raw_and_kept_when_not_sent()
    {
        var agent = await NewProject().Agent(human: "Alice", role: "developer");
        await agent.Command("ready").Ok();
        (await Workspace(agent)).Text("role").ShouldBe("developer");

        var body = Body(agent);
        (body["role"], body["human_name"]) = ("X Y Z!", "");
        await agent.Post("/v1/bdh/command", body).Ok();
        (await Workspace(agent)).Text("role").ShouldBe("X Y Z!");
        (await Workspace(agent)).Text("human_name").ShouldBe("Alice");

        body["human_name"] = "Alicia";
        body.Remove("role");
        await agent.Post("/v1/bdh/command", body).Ok();
        (await Workspace(agent)).Text("role").ShouldBe("X Y Z!");
        (await Workspace(agent)).Text("human_name").ShouldBe("Alicia");
    }

    [Fact]
    public async Task A_command_marks_the_workspace_as_seen_but_claims_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Command("update bd-1 --status in_progress").Ok();

        (await Workspace(agent)).Text("last_seen").ShouldBeTimestamp();
        (await Workspace(agent)).Text("status").ShouldBe("offline");
        (await agent.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
    }

    private async Task<(Agent Alice, Agent Bob)> WithClaim()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice-dev", human: "Alice"), await project.Agent("bob-dev", human: "Bob"));
        await alice.Claim("bd-1").Ok();
        return (alice, bob);
    }

    private static JsonObject Body(Agent agent)
    {
        var body = agent.Self();
        body["command_line"] = "ready";
        return body;
    }

    private static async Task<JsonElement> Workspace(Agent agent) => (await agent.Get("/v1/workspaces").Ok()).Items("workspaces").Single();
}
