using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What agents tell of themselves, how they are found by address, and how they leave (aweb 6.4 to 6.6).</summary>
public abstract class AgentLifecycleContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("aweb", 47)]
    [Checklist("beadhub", 67)]
    public async Task An_access_mode_is_changed_and_listed()
    {
        var agent = await NewProject().Agent();

        var changed = await agent.Patch("/v1/agents/me", new { access_mode = "contacts_only" }).Ok();

        changed.Text("agent_id").ShouldBe(agent.Id);
        changed.Text("access_mode").ShouldBe("contacts_only");
        (await Listed(agent)).Text("access_mode").ShouldBe("contacts_only");
        (await agent.Get("/v1/auth/introspect").Ok()).Text("access_mode").ShouldBe("contacts_only");
    }

    [Fact]
    [Checklist("aweb", 48)]
    public async Task An_access_mode_is_one_of_two_and_nothing_is_a_change_of_nothing()
    {
        var agent = await NewProject().Agent();
        await agent.Patch("/v1/agents/me", new { access_mode = "contacts_only" }).Ok();

        await agent.Patch("/v1/agents/me", new { access_mode = "secret" })
            .Invalid("access_mode", "literal_error", "'contacts_only' or 'open'");
        await agent.Patch("/v1/agents/me", new { access_mode = 5 }).Invalid("access_mode");
        await agent.Patch("/v1/agents/me", new { alias = "other" }).Invalid("alias", "extra_forbidden");
        (await agent.Patch("/v1/agents/me", "{}").Ok()).Text("access_mode").ShouldBe("contacts_only");
        (await agent.Patch("/v1/agents/me", "{\"access_mode\":null}").Ok()).Text("access_mode").ShouldBe("contacts_only");
    }

    [Fact]
    public async Task Role_program_and_context_are_kept_and_shown()
    {
        var agent = await NewProject().Agent("alice");
        (await agent.Get("/v1/auth/introspect").Ok()).Has("role").ShouldBeFalse();

        var changed = await agent.Patch("/v1/agents/me",
            new { role = "reviewer", program = "claude-code", context = new { a = new[] { 1, 2 }, b = "é\"" }, privacy = "x" }).Ok();

        changed.Text("role").ShouldBe("reviewer");
        changed.At("context").At("a").GetArrayLength().ShouldBe(2);
        var listed = await Listed(agent);
        (listed.Text("role"), listed.Text("program"), listed.At("context").Text("b")).ShouldBe(("reviewer", "claude-code", "é\""));
        var who = await agent.Get("/v1/auth/introspect").Ok();
        (who.Text("role"), who.Text("program"), who.At("context").Text("b")).ShouldBe(("reviewer", "claude-code", "é\""));
        (who.Text("namespace_slug"), who.Text("address")).ShouldBe((agent.Project.Slug, agent.Project.Slug + "/alice"));

        (await agent.Patch("/v1/agents/me", new { program = "codex" }).Ok()).Text("role").ShouldBe("reviewer");
    }

    [Theory]
    [InlineData("{\"context\":[]}")]
    [InlineData("{\"context\":\"text\"}")]
    [InlineData("{\"context\":{\"a\":\"\\u0000\"}}")]
    [InlineData("{\"role\":\"a\\u0000b\"}")]
    [InlineData("{\"program\":7}")]
    [InlineData("[]")]
    [OnAnyStore]
    public async Task What_is_told_is_checked_before_the_caller(string body) => await Api.Patch("/v1/agents/me", body).Invalid();

    [Fact]
    [OnAnyStore]
    public async Task A_context_is_neither_deep_nor_large()
    {
        var agent = await NewProject().Agent();

        await agent.Patch("/v1/agents/me", new { context = new { text = new string('x', 20_000) } }).Invalid("context");
        await agent.Patch("/v1/agents/me", $"{{\"context\":{string.Concat(Enumerable.Repeat("{\"a\":", 40))}1{new string('}', 41)}")
            .Invalid("context");
        await agent.Patch("/v1/agents/me", new { role = new string('x', 257) }).Invalid("role", "string_too_long");
    }

    [Fact]
    public async Task An_agent_is_changed_by_its_id_too_within_its_project()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        (await alice.Patch($"/v1/agents/{alice.Id.ToUpperInvariant()}", new { access_mode = "contacts_only", privacy = "p" }).Ok())
            .Text("agent_id").ShouldBe(alice.Id);
        (await bob.Patch($"/v1/agents/{alice.Id}", new { access_mode = "open" })).Status.ShouldBe(403);
        await project.Give(bob, "lead");
        (await bob.Patch($"/v1/agents/{alice.Id}", new { access_mode = "open" }).Ok()).Text("access_mode").ShouldBe("open");
        await alice.Patch($"/v1/agents/{stranger.Id}", new { access_mode = "contacts_only" }).Refused(404, "Agent not found");
        await alice.Patch("/v1/agents/no-id", new { }).Refused(422, "Invalid agent_id format");
        await Api.Patch($"/v1/agents/{alice.Id}", new { }).Unauthorized();
        await PublicReader(alice).Patch($"/v1/agents/{alice.Id}", new { access_mode = "open" }).RefusedWith(403, "Public readers");
        (await stranger.Get("/v1/agents").Ok()).Items("agents").Single().Text("access_mode").ShouldBe("open");
    }

    [Fact]
    [Checklist("aweb", 49)]
    public async Task Within_the_project_mail_comes_whatever_the_access_mode()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await bob.Patch("/v1/agents/me", new { access_mode = "contacts_only" }).Ok();

        await alice.Post("/v1/messages", new { to_alias = "bob", body = "hello" }).Ok();

        (await bob.Get("/v1/messages/inbox").Ok()).Pluck("messages", "body").ShouldBe(["hello"]);
    }

    [Fact]
    [Checklist("aweb", 53)]
    public async Task Who_has_left_reads_and_writes_no_mail()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Delete("/v1/agents/me").Ok();

        await alice.Get("/v1/messages/inbox").Refused(404, "Agent not found");
        await alice.Post("/v1/messages", new { to_alias = "bob", body = "b" }).Refused(404, "Agent not found");
        await bob.Post("/v1/messages", new { to_agent_id = alice.Id, body = "b" }).Refused(404, "Agent not found");
        await bob.Post("/v1/messages", new { to_alias = "alice", body = "b" }).Refused(404, "Agent not found");
    }

    [Fact]
    [Checklist("aweb", 50)]
    [Checklist("beadhub", 68)]
    public async Task An_ephemeral_agent_leaves_and_its_key_still_opens_the_project()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        var left = await alice.Delete("/v1/agents/me").Ok();

        left.Text("agent_id").ShouldBe(alice.Id);
        left.Text("status").ShouldBe("deregistered");
        (await alice.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["bob"]);
        (await alice.Get("/v1/auth/introspect").Ok()).Text("alias").ShouldBe("alice");
        (await bob.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["bob"]);
    }

    [Fact]
    [Checklist("aweb", 51)]
    public async Task An_agent_leaves_once()
    {
        var agent = await NewProject().Agent();
        await agent.Delete("/v1/agents/me").Ok();

        await agent.Delete("/v1/agents/me").Refused(404, "Agent not found");
        await agent.Patch("/v1/agents/me", new { access_mode = "open" }).Refused(404, "Agent not found");
        await agent.Post("/v1/agents/heartbeat").Refused(404, "Agent not found");
        await Api.Delete("/v1/agents/me").Unauthorized();
    }

    [Fact]
    [Checklist("aweb", 52)]
    public async Task A_persistent_agent_does_not_leave()
    {
        var project = NewProject();
        var agent = Api
            .As((await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent" }).Ok()).Text("api_key"));

        await agent.Delete("/v1/agents/me").Refused(400, "Cannot deregister a persistent agent. Use the retire endpoint instead.");
        (await agent.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice"]);
    }

    [Fact]
    [Checklist("aweb", 54)]
    public async Task A_peer_deregisters_by_address_a_stranger_does_not()
    {
        var project = new Project(Api, "acme/" + NewProject().Slug);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        await stranger.Delete($"/v1/agents/{project.Slug}/bob").Refused(403, "Not authorized to deregister agents in another project");
        await Api.Delete($"/v1/agents/{project.Slug}/bob").Unauthorized();
        await alice.Delete($"/v1/agents/{project.Slug}/nobody").Refused(404, "Agent not found");
        await alice.Delete("/v1/agents/no-such-slug/bob").Refused(404, "Agent not found");
        await Api.Delete("/v1/agents").Refused(404, "Invalid address format");
        await Api.Delete("/v1/agents/bob").Refused(404, "Invalid address format");
        await Api.Delete("/v1/agents/a%20b/bob").Refused(404, "Invalid address format");
        (await alice.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice", "bob"]);

        (await alice.Delete($"/v1/agents/{project.Slug}/bob").Ok()).Text("agent_id").ShouldBe(bob.Id);
        await bob.Delete("/v1/agents/me").Refused(404, "Agent not found");
    }

    [Fact]
    public async Task A_peer_deregisters_by_id_within_the_project()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        await stranger.Delete($"/v1/agents/{bob.Id}").Refused(404, "Agent not found");
        (await alice.Delete($"/v1/agents/{bob.Id}").Ok()).Text("status").ShouldBe("deregistered");
        await alice.Delete($"/v1/agents/{bob.Id}").Refused(404, "Agent not found");
        (await stranger.Get("/v1/agents").Ok()).Items("agents").ShouldHaveSingleItem();
    }

    [Fact]
    [Checklist("aweb", 55)]
    [Checklist("beadhub", 114)]
    [Checklist("beadhub", 210)]
    public async Task Deregistration_ends_the_workspace_and_announces_the_released_claims()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Heartbeat().Ok();
        await alice.Claim("bd-1", "One").Ok();
        await alice.Claim("bd-2", "Two").Ok();
        await using var stream = await bob.Stream("?workspace_id=" + alice.Id);

        await alice.Delete("/v1/agents/me").Ok();

        var events = new[] { await stream.Next(), await stream.Next() };
        events.ShouldAllBe(e => e.Type == "bead.unclaimed" && e.Data.Text("workspace_id") == alice.Id);
        events.Select(e => e.Data.Text("bead_id")).Order().ShouldBe(["bd-1", "bd-2"]);
        (await alice.Get("/v1/workspaces").Ok()).Pluck("workspaces", "alias").ShouldBe(["bob"]);
        (await bob.Get("/v1/workspaces?include_deleted=true").Ok()).Find("workspaces", "alias", "alice").Text("deleted_at")
            .ShouldBeTimestamp();
        (await bob.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await bob.Get("/v1/workspaces/online").Ok()).Items("workspaces").ShouldBeEmpty();
        (await alice.Command("update bd-1 --status in_progress")).Status.ShouldBe(410);
    }

    [Fact]
    [Checklist("beadhub", 115)]
    public async Task An_agent_without_workspace_leaves_too() =>
        (await (await NewProject().Identity()).Delete("/v1/agents/me").Ok()).Text("status").ShouldBe("deregistered");

    [Fact]
    [Checklist("beadhub", 81)]
    public async Task A_deregistered_agent_opens_no_workspace()
    {
        var agent = await NewProject().Identity();
        await agent.Delete("/v1/agents/me").Ok();

        await agent.Post("/v1/workspaces/register", new { repo_origin = agent.Origin }).RefusedWith(410, "deregistered");
    }

    [Fact]
    public async Task A_left_alias_is_free_and_its_next_owner_is_another_agent()
    {
        var alice = await NewProject().Agent("alice");
        await alice.Delete("/v1/agents/me").Ok();

        var next = await alice.Project.Agent("alice");

        next.Id.ShouldNotBe(alice.Id);
        await next.Post("/v1/agents/heartbeat").Ok();
        await alice.Post("/v1/agents/heartbeat").Refused(404, "Agent not found");
    }

    [Fact]
    [Checklist("aweb", 56)]
    public async Task Any_key_resolves_an_address()
    {
        var project = new Project(Api, "Acme/Sub/" + NewProject().Slug);
        var agent = await project.Agent("alice", human: "Alice H");
        var stranger = await NewProject().Agent();

        foreach (var path in new[] { $"/v1/agents/resolve/{project.Slug}/alice",
            $"/v1/agents/resolve/{Uri.EscapeDataString(project.Slug)}/alice" })
        {
            var found = await stranger.Get(path).Ok();
            found.Text("address").ShouldBe(project.Slug + "/alice");
            found.Text("agent_id").ShouldBe(agent.Id);
            found.Text("status").ShouldBe("active");
            found.Text("did").ShouldBe(agent.Init.Text("did"));
            found.Text("stable_id").ShouldBe(agent.Init.Text("stable_id"));
            found.Text("stable_id").ShouldStartWith("did:claw:");
            found.Text("public_key").Length.ShouldBe(43);
            found.Text("human_name").ShouldBe("Alice H");
            found.Text("server").ShouldBe("");
            (found.Text("custody"), found.Text("lifetime")).ShouldBe(("custodial", "ephemeral"));
        }

        await Api.Get($"/v1/agents/resolve/{project.Slug}/alice").Unauthorized();
        foreach (var address in new[] { project.Slug + "/bob", "nothing/alice", "alice", "a%20b/alice", project.Slug + "/al%01ce",
            project.Slug + "/Alice" })
            await stranger.Get("/v1/agents/resolve/" + address).Refused(404, "Agent not found");
        await agent.Delete("/v1/agents/me").Ok();
        await stranger.Get($"/v1/agents/resolve/{project.Slug}/alice").Refused(404, "Agent not found");
    }

    [Fact]
    [Checklist("aweb", 39)]
    public async Task Credentials_for_another_projects_agent_say_so_but_not_who_it_is()
    {
        var (agent, stranger) = (await NewProject().Agent(), await NewProject().Agent());

        var who = await Api.With(ProxyHeaders.Key(agent.ProjectId, Guid.NewGuid().ToString(), stranger.Id)).Get("/v1/auth/introspect").Ok();

        who.Text("project_id").ShouldBe(agent.ProjectId);
        who.Text("agent_id").ShouldBe(stranger.Id);
        who.Text("api_key_id").ShouldBeUuid();
        foreach (var name in new[] { "alias", "human_name", "agent_type", "access_mode", "address", "namespace_slug" })
            who.Has(name).ShouldBeFalse();
    }

    [Fact]
    public async Task A_departure_survives_a_crash_with_all_that_follows_from_it()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Claim("bd-1").Ok();
        await alice.Patch("/v1/agents/me", new { role = "r", context = new { a = 1 } }).Ok();
        await bob.Patch("/v1/agents/me", new { access_mode = "contacts_only", context = new { b = 2 } }).Ok();
        await alice.Delete("/v1/agents/me").Ok();
        await server.Kill();
        await server.Restart();
        (alice, bob) = (alice.At(server.Api), bob.At(server.Api));

        var listed = (await alice.Get("/v1/agents").Ok()).Items("agents").Single();
        (listed.Text("alias"), listed.Text("access_mode"), listed.At("context").Number("b")).ShouldBe(("bob", "contacts_only", 2));
        (await bob.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        await alice.Post("/v1/agents/heartbeat").Refused(404, "Agent not found");
    }

    [Fact]
    [Checklist("beadhub", 9)]
    [OnAnyStore]
    public async Task A_server_may_leave_bootstrap_out()
    {
        await using var server = await Store.Own(("BEADHUB_BOOTSTRAP", "false"));

        (await server.Api.Post("/v1/init", new { project_slug = "p" })).Status.ShouldBe(404);
        (await server.Api.Get("/health").Ok()).Text("status").ShouldBe("ok");
    }

    private static async Task<System.Text.Json.JsonElement> Listed(Agent agent) =>
        (await agent.Get("/v1/agents").Ok()).Find("agents", "agent_id", agent.Id);
}
