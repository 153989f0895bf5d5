using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Projects do not touch, and workspace ids are read in every form of a UUID.</summary>
public abstract class IsolationContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 299)]
    public async Task Equal_names_in_two_projects_stay_apart()
    {
        var origin = NewProject().Origin;
        var (a, b) = (await NewProject().Agent("alice", origin: origin), await NewProject().Agent("alice", origin: origin));
        await a.Sync(Jsonl.Of(new { id = "bd-1", title = "a", status = "open" },
            new { id = "bd-2", status = "open", blocked_by = new[] { "bd-1" } })).Ok();
        await b.Sync(Jsonl.Of(new { id = "bd-1", title = "b", status = "closed" },
            new { id = "bd-2", status = "open", blocked_by = new[] { "bd-1" } })).Ok();

        (await a.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("a");
        (await b.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("b");
        (await a.Get($"/v1/beads/ready?workspace_id={a.Id}").Ok()).Pluck("issues", "bead_id").ShouldBe(["bd-1"]);
        (await b.Get($"/v1/beads/ready?workspace_id={b.Id}").Ok()).Pluck("issues", "bead_id").ShouldBe(["bd-2"]);
        (await b.Get($"/v1/beads/ready?workspace_id={a.Id}").Ok()).Pluck("issues", "bead_id").ShouldBe(["bd-2"]);

        await a.Claim("bd-1").Ok();
        (await b.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        await b.Change(deleted: "bd-1").Ok();
        await a.Get("/v1/beads/issues/bd-1").Ok();
        (await a.Get("/v1/claims").Ok()).Pluck("claims", "workspace_id").ShouldBe([a.Id]);
        (await b.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 300)]
    public async Task A_workspace_id_is_any_form_of_a_uuid()
    {
        var agent = await NewProject().Agent();
        foreach (var form in new[] { agent.Id.ToUpperInvariant(), $"{{{agent.Id}}}", $" {agent.Id} ",
            agent.Id.Replace("-", "", StringComparison.Ordinal), $"urn:uuid:{agent.Id}" })
        {
            (await agent.Post("/v1/workspaces/heartbeat", new { workspace_id = form, alias = agent.Alias, repo_origin = agent.Origin })
                .Ok())
                .Text("workspace_id").ShouldBe(agent.Id, form);
        }

        foreach (var form in new[] { "", "   ", agent.Id[..^1], agent.Id + "0", "../" + agent.Id, "../../etc/passwd", "0", "null" })
        {
            await agent.Post("/v1/workspaces/heartbeat", new { workspace_id = form, alias = agent.Alias, repo_origin = agent.Origin })
                .Invalid("workspace_id", "value_error");
        }
    }
}
