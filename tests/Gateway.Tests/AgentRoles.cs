using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Roles in a project: who leads it, who works in it, who only reads.</summary>
public abstract class AgentRolesContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task The_first_agent_leads_and_gives_roles_which_outlive_a_restart()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        (await Roles(bob)).ShouldBe(["alice lead", "bob agent"]);
        await bob.Put($"/v1/roles/{bob.Id}", new { role = "lead" }).RefusedWith(403, "role 'lead'");
        await bob.Post("/v1/policies/reset", "null").RefusedWith(403, "role 'lead'");
        (await alice.Put($"/v1/roles/{bob.Id}", new { role = "lead" }).Ok()).Text("role").ShouldBe("lead");
        await bob.Post("/v1/policies/reset", "null").Ok();
        await alice.Put($"/v1/roles/{alice.Id}", new { role = "observer" }).Ok();

        await server.Kill();
        await server.Restart();
        (alice, bob) = (alice.At(server.Api), bob.At(server.Api));
        (await Roles(bob)).ShouldBe(["alice observer", "bob lead"]);
        await alice.Heartbeat().RefusedWith(403, "Observers read only");
        await alice.Get("/v1/status").Ok();
        // Nobody shuts the door behind the last who could open it.
        await bob.Put($"/v1/roles/{bob.Id}", new { role = "agent" }).RefusedWith(409, "Nobody would lead");
        await bob.Put($"/v1/roles/{bob.Id}", new { role = "king" }).Invalid("role");
        await bob.Put($"/v1/roles/{Guid.NewGuid()}", new { role = "agent" }).Refused(404, "Agent not found");
    }

    [Fact]
    [OnAnyStore]
    public async Task An_agent_does_not_touch_what_is_anothers()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));

        foreach (var refused in new[]
        {
            await bob.Delete($"/v1/workspaces/{carol.Id}"), await bob.Delete($"/v1/agents/{carol.Id}"),
            await bob.Delete($"/v1/agents/{project.Slug}/carol"), await bob.Patch($"/v1/agents/{carol.Id}", new { role = "x" }),
            await bob.Delete($"/v1/repos/{bob.RepoId}"), await bob.Post("/v1/webhooks", new { url = "https://hooks.example/" }),
            await bob.Get("/v1/keys"), await bob.Post("/v1/keys", new { agent_id = alice.Id }),
        })
            refused.ShouldSatisfyAllConditions(one => one.Status.ShouldBe(403), one => one.Text.ShouldContain("role 'lead'"));
        await bob.Patch($"/v1/agents/{bob.Id}", new { role = "x" }).Ok();
        await bob.Delete($"/v1/workspaces/{bob.Id}").Ok();
        // People for whom a gateway vouches lead.
        await Proxied(carol).Delete($"/v1/workspaces/{carol.Id}").Ok();
    }

    [Fact]
    [OnAnyStore]
    public async Task What_command_lines_find_left_behind_on_their_own_host_they_clear_away()
    {
        await using var server = await Store.Own(("BEADHUB_PRESENCE_TTL_SECONDS", "10"));
        var project = new Project(server.Api);
        await project.Agent("lead");
        var (here, gone, busy, elsewhere) = (await project.Agent("here"), await project.Agent("gone"), await project.Agent("busy"),
            await project.Agent("elsewhere"));
        foreach (var agent in new[] { here, gone, busy })
            await agent.Patch($"/v1/workspaces/{agent.Id}", new { hostname = "box" }).Ok();
        await elsewhere.Patch($"/v1/workspaces/{elsewhere.Id}", new { hostname = "other" }).Ok();
        await busy.Heartbeat().Ok();

        await here.Delete($"/v1/workspaces/{gone.Id}").Ok();
        await here.Delete($"/v1/workspaces/{gone.Id}").Refused(404, $"Workspace {gone.Id} is already deleted");
        await here.Delete($"/v1/workspaces/{busy.Id}").RefusedWith(403, "role 'lead'");
        await here.Delete($"/v1/workspaces/{elsewhere.Id}").RefusedWith(403, "role 'lead'");
    }

    private static async Task<string[]> Roles(Api caller) =>
        [.. (await caller.Get("/v1/roles").Ok()).Items("agents").Select(agent => $"{agent.Text("alias")} {agent.Text("role")}")];
}
