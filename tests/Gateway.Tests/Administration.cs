using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What administrators do with projects and keys, and tenants and visibility (requirements, core concepts).</summary>
public abstract class AdministrationContract(Store store) : ContractTests(store)
{
    private Api Admin => Api.As(Api.AdminKey);

    [Fact]
    [OnAnyStore]
    public async Task Administrators_have_their_key_and_nothing_else_is_one()
    {
        var agent = await NewProject().Agent();

        await Api.Get("/v1/projects").Unauthorized();
        await Api.As(Api.AdminKey + "x").Get("/v1/projects").Refused(403, "Administrators only");
        await Api.As(Api.AdminKey[..^1]).Get("/v1/projects").Refused(403, "Administrators only");
        await agent.Get("/v1/projects").Refused(403, "Administrators only");
        await Proxied(agent).Get($"/v1/projects/{agent.ProjectId}").Unauthorized();
        await Admin.Get("/v1/agents").Refused(403, "The administrators' key speaks for no project: use an API key of the project");
        await Admin.Get($"/v1/projects/{agent.ProjectId}").Ok();
        foreach (var (method, path) in new[]
        {
            ("POST", ""), ("GET", "/{0}"), ("PATCH", "/{0}"), ("POST", "/{0}/archive"), ("POST", "/{0}/unarchive"), ("GET", "/{0}/keys"),
                ("POST", "/{0}/keys"),
            ("DELETE", "/{0}/keys?agent_id={0}"), ("DELETE", "/{0}/keys/{0}"),
        })
        {
            var body = method is "GET" or "DELETE" || path.EndsWith("archive", StringComparison.Ordinal) ? null
                : Api.Content(path.Length == 0
                    ? new { slug = "s" } : path == "/{0}/keys" ? new { agent_id = agent.Id } : (object)new { name = "n" });
            (await agent.Send(new HttpMethod(method), $"/v1/projects{string.Format(path, agent.ProjectId)}", body)).Status
                .ShouldBe(403, $"{method} {path}");
        }
    }

    [Fact]
    [OnAnyStore]
    public async Task Without_that_key_callers_on_the_machine_itself_are_administrators()
    {
        await using var server = await Store.Own(("BEADHUB_ADMIN_KEY", ""));
        var agent = await new Project(server.Api).Agent();

        await server.Api.Get("/v1/projects").Ok();
        // Whom a proxy has brought is from anywhere.
        foreach (var header in new[] { "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via", "X-BH-Auth" })
            await server.Api.With((header, "127.0.0.1")).Get("/v1/projects").RefusedWith(403, "BEADHUB_ADMIN_KEY");
        // A page in a browser may let its own name lead here.
        await server.Api.With(("Host", "evil.example")).Get("/v1/projects").RefusedWith(403);
        await server.Api.With(("Host", "localhost")).Get("/v1/projects").Ok();
        await server.Api.As(Api.AdminKey).Get("/v1/agents").Unauthorized("Invalid API key");
        await server.Api.Get($"/v1/projects/{agent.ProjectId}/keys").Ok();
    }

    [Fact]
    public async Task Projects_are_listed_created_renamed_and_archived()
    {
        var slug = NewProject().Slug;
        var made = await Admin.Post("/v1/projects", new { slug, name = "First" }).Ok();
        var id = made.Text("project_id");
        (made.Text("slug"), made.Text("name"), made.Maybe("tenant_id"), made.Maybe("visibility"), made.Maybe("archived_at"))
            .ShouldBe((slug, "First", null, null, null));
        await Admin.Post("/v1/projects", new { slug }).Refused(409, $"There is a project '{slug}' already");

        // Who joins by the slug joins the project that is there.
        var agent = await new Project(Api, slug).Agent();
        agent.ProjectId.ShouldBe(id);

        var changed = await Admin.Patch($"/v1/projects/{id}", new { name = "Second" }).Ok();
        (changed.Text("name"), changed.Number("agents"), changed.Number("repos")).ShouldBe(("Second", 1, 1));
        (await agent.Get("/v1/projects/current").Ok()).Text("name").ShouldBe("Second");

        (await Admin.Post($"/v1/projects/{id}/archive").Ok()).Text("archived_at").ShouldBeTimestamp();
        (await Admin.Post($"/v1/projects/{id}/archive").Ok()).Text("archived_at").ShouldBeTimestamp();
        (await Admin.Get($"/v1/projects?slug={slug}").Ok()).Items("projects").Single().Text("project_id").ShouldBe(id);
        (await All("archived=true")).ShouldContain(id);
        (await All("archived=false")).ShouldNotContain(id);
        (await All("limit=1")).ShouldContain(id);
        (await Admin.Post($"/v1/projects/{id}/unarchive").Ok()).Maybe("archived_at").ShouldBeNull();
        (await agent.Heartbeat()).Ok();

        await Admin.Get($"/v1/projects/{Guid.NewGuid()}").Refused(404, "Project not found");
        await Admin.Patch($"/v1/projects/{Guid.NewGuid()}", new { name = "n" }).Refused(404, "Project not found");
        await Admin.Post($"/v1/projects/{Guid.NewGuid()}/archive").Refused(404, "Project not found");
        await Admin.Get("/v1/projects/nonsense").Refused(422, "Invalid project_id format");
        await Admin.Patch($"/v1/projects/{id}", new { name = "" }).Invalid("name");
        await Admin.Patch($"/v1/projects/{id}", new { slug = "other" }).Invalid("slug", "extra_forbidden");
        await Admin.Patch($"/v1/projects/{id}", new { visibility = "secret" }).Invalid("visibility");
        await Admin.Post("/v1/projects", new { slug = "no slug" }).Invalid("slug");
        (await Admin.Get($"/v1/projects/{id}").Ok()).Text("name").ShouldBe("Second");

        async Task<string[]> All(string query)
        {
            var ids = new List<string>();
            for (var cursor = ""; ;)
            {
                var page = await Admin.Get($"/v1/projects?{query}&cursor={cursor}").Ok();
                ids.AddRange(page.Pluck("projects", "project_id"));
                if (!page.Flag("has_more")) return [.. ids];
                cursor = page.Text("next_cursor");
            }
        }
    }

    [Fact]
    [Checklist("beadhub", 51)]
    public async Task A_slug_is_unique_within_its_tenant()
    {
        var (slug, here, there) = (NewProject().Slug, Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        var ids = new List<string>();
        foreach (var tenant in new[] { here, there, null })
            ids.Add((await Admin.Post("/v1/projects", new { slug, tenant_id = tenant }).Ok()).Text("project_id"));
        ids.Distinct().Count().ShouldBe(3);
        await Admin.Post("/v1/projects", new { slug, tenant_id = there }).RefusedWith(409, slug);
        (await Admin.Get($"/v1/projects?tenant_id={here}").Ok()).Pluck("projects", "project_id").ShouldBe([ids[0]]);
        (await Admin.Get($"/v1/projects?slug={slug}&tenant_id={there}").Ok()).Pluck("projects", "project_id").ShouldBe([ids[1]]);

        var origin = new Project(Api, slug).Origin;
        var agents = new List<Api>();
        foreach (var id in ids)
        {
            var init = await Api.Post("/v1/init", new { project_id = id, repo_origin = origin }).Ok();
            (init.Text("alias"), init.Text("project_slug"), init.Text("project_id")).ShouldBe(("alice-agent", slug, id));
            agents.Add(Api.As(init.Text("api_key")));
        }

        // The same address is somebody else's in each.
        foreach (var (agent, id) in agents.Zip(ids))
        {
            var resolved = (await agent.Get($"/v1/agents/resolve/{slug}/alice-agent").Ok()).Text("agent_id");
            resolved.ShouldBe((await agent.Get("/v1/agents").Ok()).Items("agents").Single().Text("agent_id"));
            (await agent.Get("/v1/agents").Ok()).Text("project_id").ShouldBe(id);
        }

        // Nobody finds a repository, or a name, of a tenant without being of it.
        (await Api.Post("/v1/repos/lookup", new { origin_url = origin }).Ok()).Text("project_id").ShouldBe(ids[2]);
        (await Api.With(ProxyHeaders.TenantUser(here)).Post("/v1/repos/lookup", new { origin_url = origin }).Ok()).Text("project_id")
            .ShouldBe(ids[0]);
        (await Api.Post("/v1/init", new { repo_origin = origin, alias = "bob" }).Ok()).Text("project_id").ShouldBe(ids[2]);
    }

    [Fact]
    public async Task A_gateway_signs_for_a_tenant()
    {
        var (slug, here, there) = (NewProject().Slug, Guid.NewGuid().ToString(), Guid.NewGuid().ToString());

        var made = await Api.With(ProxyHeaders.TenantUser(here)).Post("/v1/init", new { project_slug = slug, alias = "alice" }).Ok();
        var other = await Api.With(ProxyHeaders.TenantUser(there)).Post("/v1/init", new { project_slug = slug, alias = "alice" }).Ok();
        var own = await Api.Post("/v1/init", new { project_slug = slug, alias = "alice" }).Ok();
        new[] { made, other, own }.Select(init => init.Text("project_id")).Distinct().Count().ShouldBe(3);
        var id = made.Text("project_id");
        (await Admin.Get($"/v1/projects/{id}").Ok()).Text("tenant_id").ShouldBe(here);

        (await Api.With(ProxyHeaders.TenantUser(here, id)).Get("/v1/agents").Ok()).Text("project_id").ShouldBe(id);
        await Api.With(ProxyHeaders.TenantUser(there, id)).Get("/v1/agents").Refused(404, "Project not found");
        await Api.With(ProxyHeaders.TenantUser(there, id)).Post("/v1/repos/ensure",
            new { project_id = id, origin_url = "https://github.com/a/b" }).Refused(404, "Project not found");
        await Api.With(ProxyHeaders.TenantUser(there)).Post("/v1/init", new { project_id = id }).RefusedWith(404, "project_not_found");
        await Api.With(ProxyHeaders.TenantUser(here, own.Text("project_id"))).Get("/v1/agents").Refused(404, "Project not found");
        await Api.With(ProxyHeaders.TenantUser(here)).Get("/v1/agents").Refused(404, "Project not found");

        // The tenant is covered by the signature, and only by that of the version that knows it.
        var signed = ProxyHeaders.TenantUser(here, id);
        await Api.With([.. signed.Where(header => header.Name != "X-Tenant-ID"), ("X-Tenant-ID", there)]).Get("/v1/agents").Unauthorized();
        await Api.With([.. signed.Where(header => header.Name != "X-Tenant-ID")]).Get("/v1/agents").Unauthorized();
        await Api.With([.. signed.Where(header => header.Name != "X-Tenant-ID"), ("X-Tenant-ID", there)])
            .Post("/v1/init", new { project_slug = slug }).Unauthorized();
        (await Api.With([.. ProxyHeaders.User(id, Guid.NewGuid().ToString(), Guid.NewGuid().ToString()), ("X-Tenant-ID", there)])
            .Get("/v1/agents").Ok())
            .Text("project_id").ShouldBe(id, "v2 says nothing of tenants, and the header is not believed");
    }

    [Fact]
    public async Task A_private_project_has_no_public_readers()
    {
        var agent = await NewProject().Agent();
        var reader = PublicReader(agent);
        await reader.Get("/v1/status").Ok();

        (await Admin.Patch($"/v1/projects/{agent.ProjectId}", new { visibility = "private" }).Ok()).Text("visibility").ShouldBe("private");
        foreach (var path in new[] { "/v1/status", "/v1/agents", "/v1/workspaces", "/v1/beads/issues", "/v1/claims", "/v1/tasks",
            "/v1/projects/current", "/v1/status/stream", "/v1/policies/active" })
            await reader.Get(path).Refused(404, "Project not found");
        await agent.Get("/v1/status").Ok();
        await Proxied(agent).Get("/v1/status").Ok();

        await Admin.Patch($"/v1/projects/{agent.ProjectId}", new { visibility = "public" }).Ok();
        await reader.Get("/v1/status").Ok();
        await reader.Post("/v1/tasks", new { title = "T" }).Refused(403, "Public readers may not write");
    }

    [Fact]
    public async Task A_stream_ends_with_the_right_to_read_it()
    {
        var agent = await NewProject().Agent();
        await using var reading = await PublicReader(agent).Stream();
        await using var own = await agent.Stream();
        await using var woken = await agent.Events();

        await Admin.Patch($"/v1/projects/{agent.ProjectId}", new { visibility = "private" }).Ok();
        await reading.Ended;
        await own.Comment();
        var key = (await agent.Post("/v1/agents/me/keys/rotate").Ok()).Text("api_key");
        await own.Ended;
        await woken.Ended;
        await using var again = await Api.As(key).Stream();
        await again.Comment();
    }

    [Fact]
    public async Task The_directory_shows_no_other_tenants_agents_and_none_of_others_private_projects()
    {
        var (tenant, slug) = (Guid.NewGuid().ToString(), NewProject().Slug);
        var hidden = Api
            .As((await Api.With(ProxyHeaders.TenantUser(tenant)).Post("/v1/init", new { project_slug = slug, alias = "alice" }).Ok())
            .Text("api_key"));
        var (shown, other) = (await NewProject().Agent("alice"), await NewProject().Agent("bob"));
        foreach (var agent in new[] { hidden, shown }) await agent.Post("/v1/agents/publish", new { capabilities = new[] { slug } }).Ok();

        (await Found(other)).ShouldBe([shown.Project.Slug]);
        (await Found(hidden)).ShouldBe([slug]);
        (await other.Get($"/v1/network/directory/{slug}/alice")).Status.ShouldBe(404);
        await Admin.Patch($"/v1/projects/{shown.ProjectId}", new { visibility = "private" }).Ok();
        (await Found(other)).ShouldBeEmpty();
        (await Found(shown)).ShouldBe([shown.Project.Slug]);

        async Task<string[]> Found(Api caller) =>
            (await caller.Get($"/v1/network/directory?capability={slug}").Ok()).Pluck("agents", "org_slug");
    }

    [Fact]
    public async Task An_agent_changes_its_key()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        // Nothing that shows a key is kept for a repeat.
        var rotating = Api.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "rotate"));

        var rotated = await rotating.Post("/v1/agents/me/keys/rotate").Ok();
        rotated.Text("agent_id").ShouldBe(alice.Id);
        rotated.Text("api_key").ShouldStartWith("aw_sk_");
        await alice.Get("/v1/agents").Unauthorized("Invalid API key");
        await alice.Command("ready").Unauthorized("Invalid API key");
        await rotating.Post("/v1/agents/me/keys/rotate").Unauthorized("Invalid API key");
        (await Api.As(rotated.Text("api_key")).Get("/v1/auth/introspect").Ok()).Text("agent_id").ShouldBe(alice.Id);
        (await Api.As(rotated.Text("api_key")).Get("/v1/auth/introspect").Ok()).Text("api_key_id").ShouldBe(rotated.Text("api_key_id"));
        await bob.Get("/v1/agents").Ok();
        await Proxied(bob).Post("/v1/agents/me/keys/rotate").Unauthorized();
    }

    [Fact]
    public async Task Administrators_see_and_revoke_keys_but_never_the_keys_themselves()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var again = await project.Agent("alice");
        var stranger = await NewProject().Agent();
        var path = $"/v1/projects/{alice.ProjectId}/keys";

        var answer = await Admin.Get(path);
        foreach (var key in new[] { alice.Key, bob.Key, again.Key }) answer.Text.ShouldNotContain(key[12..]);
        var keys = answer.Ok();
        keys.Pluck("keys", "alias").ShouldBe(["alice", "bob", "alice"]);
        keys.Items("keys").ShouldAllBe(key => key.Text("prefix").Length == 12 && key.IsNull("revoked_at"));
        (await Admin.Get($"{path}?agent_id={bob.Id}").Ok()).Items("keys").Single().Text("prefix").ShouldBe(bob.Key[..12]);
        (await Admin.Get($"{path}?agent_id={stranger.Id}").Ok()).Items("keys").ShouldBeEmpty();

        // One of an agent's two, not the other.
        var first = keys.Items("keys").Last().Text("api_key_id");
        await Admin.Delete($"/v1/projects/{stranger.ProjectId}/keys/{first}").Refused(404, "API key not found");
        (await Admin.Delete($"{path}/{first}").Ok()).Texts("revoked").ShouldBe([first]);
        (await Admin.Delete($"{path}/{first}").Ok()).Texts("revoked").ShouldBeEmpty();
        await alice.Get("/v1/agents").Unauthorized("Invalid API key");
        await again.Get("/v1/agents").Ok();
        (await Admin.Get(path).Ok()).Find("keys", "api_key_id", first).Text("revoked_at").ShouldBeTimestamp();

        (await Admin.Delete($"{path}?agent_id={alice.Id}").Ok()).Texts("revoked").Length.ShouldBe(1);
        await again.Get("/v1/agents").Unauthorized("Invalid API key");
        await bob.Get("/v1/agents").Ok();

        // Who has lost all keys is given another one.
        var made = await Admin.Post(path, new { agent_id = alice.Id }).Ok();
        (await Api.As(made.Text("api_key")).Get("/v1/auth/introspect").Ok()).Text("alias").ShouldBe("alice");
        await Admin.Post(path, new { agent_id = stranger.Id }).Refused(404, "Agent not found");
        foreach (var bad in new object?[] { "nobody", "", 1 }) await Admin.Post(path, new { agent_id = bad }).Invalid("agent_id");
        await Admin.Delete(path).Invalid("agent_id", "missing");
        await Admin.Get($"/v1/projects/{Guid.NewGuid()}/keys").Refused(404, "Project not found");
        await stranger.Get("/v1/agents").Ok();
    }

    [Fact]
    public async Task A_workspace_changes_what_it_tells_of_itself()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice", human: "Alice", role: "developer"), await project.Agent("bob"));

        var changed = await alice.Patch($"/v1/workspaces/{alice.Id}",
            new { role = "Lead Dev", current_branch = "topic", hostname = "box", workspace_path = "/w", timezone = "Europe/Madrid",
            human_name = "Al" }).Ok();

        (changed.Text("role"), changed.Text("branch"), changed.Text("hostname"), changed.Text("workspace_path"), changed.Text("human_name"))
            .ShouldBe(("lead dev", "topic", "box", "/w", "Al"));
        var called = await alice.Post("/mcp",
            new { jsonrpc = "2.0", id = 1, method = "tools/call",
            @params = new { name = "update_workspace", arguments = new { workspace_id = alice.Id, current_branch = "by-tool" } } }).Ok();
        called.GetRawText().ShouldContain("by-tool");
        (await alice.Patch($"/v1/workspaces/{alice.Id}", new { hostname = "other" }).Ok()).Text("hostname").ShouldBe("other");
        (await bob.Get($"/v1/workspaces/{alice.Id}").Ok()).Text("role").ShouldBe("lead dev");
        await bob.Patch($"/v1/workspaces/{alice.Id}", new { role = "x" }).Refused(403, "workspace_id does not match API key identity");
        (await Proxied(bob).Patch($"/v1/workspaces/{alice.Id}", new { role = "qa" }).Ok()).Text("role").ShouldBe("qa");
        await (await NewProject().Agent()).Patch($"/v1/workspaces/{alice.Id}", new { role = "x" })
            .Refused(403, "workspace_id does not match API key identity");
        await Proxied(await NewProject().Agent()).Patch($"/v1/workspaces/{alice.Id}", new { role = "x" })
            .Refused(404, "Workspace not found");
        await alice.Patch($"/v1/workspaces/{alice.Id}", new { alias = "x" }).Invalid("alias", "extra_forbidden");
        await alice.Patch($"/v1/workspaces/{alice.Id}", new { role = "a b c" }).Invalid("role");
        await alice.Patch($"/v1/workspaces/{alice.Id}", new { timezone = "1/2" }).Invalid("timezone");
        await alice.Patch($"/v1/workspaces/{alice.Id}", new { hostname = "a\0b" }).Invalid("hostname");
        await PublicReader(alice).Patch($"/v1/workspaces/{alice.Id}", new { role = "x" }).Refused(403, "Public readers may not write");
        (await bob.Get($"/v1/workspaces/{alice.Id}").Ok()).Text("role").ShouldBe("qa");
    }
}
