using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/policies (contract 10): versions of what is expected of everybody and of each role.</summary>
public abstract class PoliciesContract(Store store) : ContractTests(store)
{
    private static readonly object Small = new
    {
        invariants = new[] { new { id = "a", title = "A", body_md = "Be kind." } },
        roles = new { zebra = new { title = "Zebra", playbook_md = "Run." }, ant = new { playbook_md = "Carry." } },
    };

    [Fact]
    [Checklist("beadhub", 12)]
    [OnAnyStore]
    public async Task A_key_that_is_none_reads_no_policy() =>
        await Api.As("not-a-valid-key").Get("/v1/policies/active").Unauthorized("Invalid API key");

    [Fact]
    [Checklist("beadhub", 215)]
    [Checklist("beadhub", 216)]
    [Checklist("beadhub", 233)]
    public async Task A_new_project_has_the_default_policy()
    {
        var agent = await NewProject().Agent();

        var answer = await agent.Get("/v1/policies/active");
        var active = answer.Ok();

        active.Number("version").ShouldBe(1);
        active.Text("policy_id").ShouldBeUuid();
        active.Text("project_id").ShouldBe(agent.ProjectId);
        active.Text("updated_at").ShouldEndWith("Z");
        active.Pluck("invariants",
            "id").ShouldBe(["tracking.bdh-only", "communication.mail-first", "communication.chat", "identity.no-impersonation",
            "teamwork.collaborate"]);
        active.Items("invariants").ShouldAllBe(invariant => invariant.Text("title").Length > 0 && invariant.Text("body_md").Length > 100);
        active.At("roles").EnumerateObject().Select(role => role.Name)
            .ShouldBe(["backend", "coordinator", "developer", "frontend", "reviewer"]);
        active.At("roles").EnumerateObject().ShouldAllBe(role => role.Value.Text("playbook_md").Length > 100);
        active.At("adapters").GetRawText().ShouldBe("{}");
        active.IsNull("selected_role").ShouldBeTrue();
        answer.Header("ETag")!.ShouldMatch("^\"[0-9a-f]{16}\"$");
    }

    [Fact]
    [Checklist("beadhub", 217)]
    [Checklist("beadhub", 218)]
    [Checklist("beadhub", 219)]
    [Checklist("beadhub", 220)]
    public async Task A_role_is_selected()
    {
        var agent = await NewProject().Agent();

        var coordinator = await agent.Get("/v1/policies/active?role=coordinator").Ok();
        coordinator.At("selected_role").Text("role").ShouldBe("coordinator");
        coordinator.At("selected_role").Text("title").ShouldBe("Coordinator");
        coordinator.At("selected_role").Text("playbook_md").ShouldNotBeEmpty();
        coordinator.At("roles").EnumerateObject().Count().ShouldBe(5);
        var reviewer = await agent.Get("/v1/policies/active?role=reviewer&only_selected=true").Ok();
        reviewer.At("roles").EnumerateObject().Select(role => role.Name).ShouldBe(["reviewer"]);
        reviewer.Items("invariants").Length.ShouldBe(5);

        await agent.Get("/v1/policies/active?role=nonexistent")
            .Refused(400, "Role 'nonexistent' not found. Available roles: ['backend', 'coordinator', 'developer', 'frontend', 'reviewer']");
        await agent.Get("/v1/policies/active?role=Reviewer").RefusedWith(400, "not found", "Available roles");
        await agent.Get("/v1/policies/active?only_selected=true").Refused(400, "only_selected=true requires a role parameter");
        (await agent.Get("/v1/policies/active?role=").Ok()).IsNull("selected_role").ShouldBeTrue();
        await agent.Get("/v1/policies/active?only_selected=maybe").Invalid("only_selected", "bool_parsing");
    }

    [Fact]
    [Checklist("beadhub", 221)]
    [Checklist("beadhub", 222)]
    public async Task What_the_client_has_is_not_sent_again()
    {
        var agent = await NewProject().Agent();
        var tag = (await agent.Get("/v1/policies/active")).Header("ETag")!;

        foreach (var query in new[] { "", "?role=nonexistent", "?only_selected=true", "?role=reviewer&only_selected=true" })
        {
            var same = await IfNoneMatch(agent, query, tag);
            (same.Status, same.Text, same.Header("ETag")).ShouldBe((304, "", tag), query);
        }

        foreach (var other in new[] { "\"0000000000000000\"", "*", $"W/{tag}", $"{tag}, \"x\"", tag.Trim('"') })
            (await IfNoneMatch(agent, "", other)).Status.ShouldBe(200, other);

        var created = await Create(agent, Small).Ok();
        (await agent.Get("/v1/policies/active")).Header("ETag").ShouldBe(tag);
        await Activate(agent, created.Text("policy_id")).Ok();
        var changed = await IfNoneMatch(agent, "", tag);
        changed.Status.ShouldBe(200);
        changed.Header("ETag").ShouldNotBe(tag);
    }

    [Fact]
    public void The_tag_is_the_contracts() =>
        Gateway.Policies.TagOf("11111111-1111-1111-1111-111111111111", DateTimeOffset.Parse("2026-03-08T15:14:59.123456+00:00"))
            .ShouldBe("\"b6fdde24bc424a00\"");

    [Fact]
    [Checklist("beadhub", 223)]
    [Checklist("beadhub", 224)]
    public async Task A_version_is_in_force_once_it_is_activated()
    {
        var agent = await NewProject().Agent();

        var first = await Create(agent, Small).Ok();
        first.Flag("created").ShouldBeTrue();
        first.Text("project_id").ShouldBe(agent.ProjectId);
        var second = await Create(agent, Small).Ok();
        second.Number("version").ShouldBe(first.Number("version") + 1);
        var before = await agent.Get("/v1/policies/active").Ok();
        before.Text("policy_id").ShouldNotBeOneOf(first.Text("policy_id"), second.Text("policy_id"));

        foreach (var id in new[] { second.Text("policy_id"), second.Text("policy_id").ToUpperInvariant() })
        {
            var activated = await Activate(agent, id).Ok();
            activated.Flag("activated").ShouldBeTrue();
            activated.Text("active_policy_id").ShouldBe(second.Text("policy_id"));
        }

        var active = await agent.Get("/v1/policies/active?role=zebra").Ok();
        active.Text("policy_id").ShouldBe(second.Text("policy_id"));
        active.At("roles").EnumerateObject().Select(role => role.Name).ShouldBe(["zebra", "ant"]);
        active.At("roles").At("ant").Text("title").ShouldBe("ant");
        active.At("adapters").GetRawText().ShouldBe("{}");

        // Back to the one before, whose time has not changed.
        await Activate(agent, before.Text("policy_id")).Ok();
        (await agent.Get("/v1/policies/active").Ok()).GetRawText().ShouldBe(before.GetRawText());
    }

    [Fact]
    [Checklist("beadhub", 225)]
    [Checklist("beadhub", 230)]
    public async Task Other_projects_policies_are_out_of_reach()
    {
        var (agent, stranger) = (await NewProject().Agent(), await NewProject().Agent());
        var theirs = (await stranger.Get("/v1/policies/active").Ok()).Text("policy_id");
        var created = (await Create(stranger, Small).Ok()).Text("policy_id");

        foreach (var id in new[] { theirs, created })
        {
            await Activate(agent, id).Refused(400, "Policy does not belong to this project");
            await agent.Get($"/v1/policies/{id}").Refused(404, "Policy not found or does not belong to this project");
            await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = id }).RefusedWith(409, "Policy conflict:", id);
        }

        var unknown = Guid.NewGuid().ToString();
        await Activate(agent, unknown).Refused(404, "Policy not found");
        await agent.Get($"/v1/policies/{unknown}").RefusedWith(404, "not found");
        await agent.Get("/v1/policies/not-a-uuid").Invalid("policy_id");
        await Activate(agent, "not-a-uuid").Invalid("policy_id");
        await Api.Get($"/v1/policies/{unknown}").Unauthorized();
        await Api.Get("/v1/policies/active").Unauthorized();
        await Api.Get("/v1/policies/history").Unauthorized();
        await Api.Post("/v1/policies", new { bundle = Small }).Unauthorized();
        await Api.Post("/v1/policies/reset", "null").Unauthorized();
        await Activate(Api, unknown).Unauthorized();

        var own = await stranger.Get($"/v1/policies/{created}").Ok();
        own.Pluck("invariants", "id").ShouldBe(["a"]);
        own.IsNull("selected_role").ShouldBeTrue();
        own.At("roles").EnumerateObject().Select(role => role.Name).ShouldBe(["zebra", "ant"]);
        (await PublicReader(agent).Get("/v1/policies/active").Ok()).Number("version").ShouldBe(1);
        await PublicReader(agent).Post("/v1/policies", new { bundle = Small }).RefusedWith(403, "Public readers");
        await Api.With(ProxyHeaders.Public(unknown)).Get("/v1/policies/active").Refused(404, "Project not found");
    }

    [Fact]
    [Checklist("beadhub", 226)]
    [Checklist("beadhub", 227)]
    [Checklist("beadhub", 228)]
    public async Task History_is_newest_first()
    {
        var agent = await NewProject().Agent();
        var only = (await agent.Get("/v1/policies/history").Ok()).Items("policies").Single();
        (only.Number("version"), only.Flag("is_active")).ShouldBe((1, true));
        only.Text("created_at").ShouldEndWith("Z");
        only.IsNull("created_by_workspace_id").ShouldBeTrue();

        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Add((await Create(agent, Small).Ok()).Text("policy_id"));
        await Activate(agent, ids[2]).Ok();

        (await agent.Get("/v1/policies/history?limit=2").Ok()).Items("policies").Select(policy => policy.Number("version"))
            .ShouldBe([6, 5]);
        var all = (await agent.Get("/v1/policies/history").Ok()).Items("policies");
        all.Select(policy => policy.Number("version")).ShouldBe([6, 5, 4, 3, 2, 1]);
        all.Single(policy => policy.Flag("is_active")).Text("policy_id").ShouldBe(ids[2]);
        all[0].Text("created_by_workspace_id").ShouldBe(agent.Id);
        foreach (var limit in new[] { "0", "101", "x" }) await agent.Get($"/v1/policies/history?limit={limit}").Invalid("limit");

        // Posts before the first look: the default comes first all the same.
        var other = await NewProject().Agent();
        for (var i = 0; i < 5; i++) await Create(other, Small).Ok();
        (await other.Get("/v1/policies/history?limit=2").Ok()).Items("policies").Select(policy => policy.Number("version"))
            .ShouldBe([6, 5]);
    }

    [Fact]
    [Checklist("beadhub", 229)]
    public async Task A_version_based_on_another_than_the_one_in_force_is_refused()
    {
        var agent = await NewProject().Agent();
        var first = (await agent.Get("/v1/policies/active").Ok()).Text("policy_id");
        var second = (await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = first }).Ok()).Text("policy_id");
        await Activate(agent, second).Ok();

        await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = first })
            .RefusedWith(409, "Policy conflict:", first, second);
        (await agent.Get("/v1/policies/history").Ok()).Items("policies").Length.ShouldBe(2);
        await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = second }).Ok();
        await Create(agent, Small).Ok();
        await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = "x" }).Invalid("base_policy_id");

        // Of many that replace the same version, each puts itself in force at once: only the first is based on what is.
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            var created = await agent.Post("/v1/policies", new { bundle = Small, base_policy_id = second });
            if (created.Status == 200) await Activate(agent, created.Json.Text("policy_id")).Ok();
            return created.Status;
        }));
        answers.ShouldAllBe(status => status == 200 || status == 409);
        answers.ShouldContain(200);
        var versions = (await agent.Get("/v1/policies/history").Ok()).Items("policies").Select(policy => policy.Number("version"))
            .ToArray();
        versions.ShouldBe(Enumerable.Range(1, versions.Length).Reverse());
    }

    [Fact]
    public async Task Of_many_that_store_and_put_in_force_in_one_step_one_wins_and_nobodys_change_is_lost()
    {
        var agent = await NewProject().Agent();
        var first = (await agent.Get("/v1/policies/active").Ok()).Text("policy_id");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            agent.Post("/v1/policies", new { bundle = Small, base_policy_id = first, activate = true })));

        answers.Count(answer => answer.Status == 409).ShouldBe(7);
        var won = answers.Single(answer => answer.Status == 200).Json.Text("policy_id");
        var active = await agent.Get("/v1/policies/active").Ok();
        (active.Text("policy_id"), active.Number("version")).ShouldBe((won, 2));
        (await agent.Get("/v1/policies/history").Ok()).Items("policies").Length.ShouldBe(2);
        await agent.Post("/v1/policies", new { bundle = Small, activate = "perhaps" }).Invalid("activate");
    }

    [Fact]
    [Checklist("beadhub", 231)]
    [Checklist("beadhub", 234)]
    public async Task A_reset_brings_the_default_back()
    {
        var agent = await NewProject().Agent();
        var created = (await Create(agent, Small).Ok()).Text("policy_id");
        await Activate(agent, created).Ok();

        foreach (var (body, version) in new (string?, int)[] { ("null", 3), (null, 4), ("{}", 5) })
        {
            var reset = await agent.Post("/v1/policies/reset", body).Ok();
            reset.Flag("reset").ShouldBeTrue();
            reset.Number("version").ShouldBe(version);
            var active = await agent.Get("/v1/policies/active").Ok();
            active.Text("policy_id").ShouldBe(reset.Text("active_policy_id"));
            active.At("roles").Has("coordinator").ShouldBeTrue();
        }

        (await agent.Get("/v1/policies/history").Ok()).Items("policies").Length.ShouldBe(5);
        (await agent.Get($"/v1/policies/{created}").Ok()).Number("version").ShouldBe(2);
    }

    [Fact]
    [Checklist("beadhub", 232)]
    public async Task A_version_is_stored_in_ones_own_name()
    {
        var project = NewProject();
        var (alice, bob, stranger) = (await project.Agent("alice"), await project.Agent("bob"), await NewProject().Agent());
        object By(string id) => new { bundle = Small, created_by_workspace_id = id };

        await alice.Post("/v1/policies", By(bob.Id)).Refused(403, "created_by_workspace_id does not match API key identity");
        await alice.Post("/v1/policies", By(alice.Id.ToUpperInvariant())).Ok();
        await alice.Post("/v1/policies", By("nonsense")).Refused(422, "Invalid created_by_workspace_id format");
        await Proxied(alice).Post("/v1/policies", By(bob.Id)).Ok();
        await Proxied(alice).Post("/v1/policies", By(stranger.Id)).Refused(403, "Workspace not found or does not belong to your project");
        var identity = await project.Give(await project.Identity("carol"), "lead");
        await identity.Post("/v1/policies", By(identity.Id)).Refused(403, "Workspace not found or does not belong to your project");
        await identity.Post("/v1/policies", new { bundle = Small }).Ok();

        (await alice.Get("/v1/policies/history").Ok()).Items("policies").Select(policy => policy.Maybe("created_by_workspace_id"))
            .ShouldBe([null, bob.Id, alice.Id, null]);
    }

    [Fact]
    public async Task Containers_are_checked_and_what_is_in_them_is_free()
    {
        async Task Refused(string bundle, string field, string? type = null, string? says = null) =>
            await Api.Post("/v1/policies", $$"""{"bundle":{{bundle}}}""").Invalid(field, type, says);

        await Api.Post("/v1/policies", "{}").Invalid("bundle", "missing");
        await Api.Post("/v1/policies").Invalid(type: "missing");
        await Refused("null", "bundle");
        await Refused("[]", "bundle", "dict_type");
        await Refused("""{"invariants":{}}""", "invariants", "list_type");
        await Refused("""{"invariants":[{},1]}""", "1", "dict_type");
        await Refused("""{"invariants":null}""", "invariants", "list_type");
        await Refused("""{"roles":[]}""", "roles", "dict_type");
        await Refused("""{"roles":{"a":"x"}}""", "a", "dict_type");
        await Refused("""{"adapters":1}""", "adapters", "dict_type");
        await Refused("""{"adapters":{"a":"\u0000"}}""", "bundle", says: "NUL");
        await Refused("""{"adapters":{"a":"\ud800"}}""", "body", "json_invalid");
        await Refused("""{"adapters":{"a":""" + new string('[', 40) + new string(']', 40) + "}}", "bundle", says: "too deep");
        await Refused($$$"""{"adapters":{"a":"{{{new string('x', 1024 * 1024)}}}"}}""", "bundle", says: "too large");

        var agent = await NewProject().Agent();
        var created = await agent.Post("/v1/policies", """
            {"bundle":{"invariants":[{"id":"x","title":7,"body_md":null,"more":[1]},{}],"roles":{"r":{"title":["t"],"x":1},"":{},"r":{"title":"twice"}},
            "adapters":{"claude":{"n":1.50,"list":[null]}},"unknown":1},"stray":2}
            """).Ok();
        var stored = await agent.Get($"/v1/policies/{created.Text("policy_id")}").Ok();
        stored.At("invariants").GetRawText().ShouldBe("""[{"id":"x","title":"7","body_md":""},{"id":"","title":"","body_md":""}]""");
        stored.At("roles").GetRawText().ShouldBe("""{"r":{"title":"twice","playbook_md":""},"":{"title":"","playbook_md":""}}""");
        stored.At("adapters").GetRawText().ShouldBe("""{"claude":{"n":1.50,"list":[null]}}""");
        stored.Has("unknown").ShouldBeFalse();

        await agent.Post("/v1/policies", """{"bundle":{}}""").Ok();
        var large = new { invariants = new[] { new { id = "x", title = "t", body_md = new string('é', 400_000) } } };
        var largeId = (await Create(agent, large).Ok()).Text("policy_id");
        (await agent.Get($"/v1/policies/{largeId}").Ok()).Items("invariants")[0].Text("body_md").Length.ShouldBe(400_000);
    }

    [Fact]
    public async Task The_policy_survives_a_crash_and_a_repeat_makes_no_second_version()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        var active = await agent.Get("/v1/policies/active");
        var first = await Once(agent, "/v1/policies", "k", new { bundle = Small });
        await Activate(agent, first.Ok().Text("policy_id")).Ok();
        var reset = await Once(agent, "/v1/policies/reset", "r", "null");

        await server.Kill();
        await server.Restart();
        agent = agent.At(server.Api);

        (await Once(agent, "/v1/policies", "k", new { bundle = Small })).Text.ShouldBe(first.Text);
        (await Once(agent, "/v1/policies/reset", "r", "null")).Text.ShouldBe(reset.Text);
        (await agent.Get("/v1/policies/history").Ok()).Items("policies").Select(policy => policy.Number("version")).ShouldBe([3, 2, 1]);
        (await agent.Get($"/v1/policies/{active.Json.Text("policy_id")}").Ok()).At("invariants").GetRawText()
            .ShouldBe(active.Json.At("invariants").GetRawText());
        (await agent.Get("/v1/policies/active").Ok()).Text("policy_id").ShouldBe(reset.Json.Text("active_policy_id"));
    }

    [Fact]
    [OnAnyStore]
    public async Task An_operator_may_give_the_defaults()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-defaults-").FullName;
        try
        {
            foreach (var kind in new[] { "invariants", "roles" }) Directory.CreateDirectory(Path.Combine(folder, kind));
            await File.WriteAllTextAsync(Path.Combine(folder, "invariants", "b.md"), "---\nid: second\ntitle: \"Second: 2\"\n---\n\nTwo.\n",
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "invariants", "a.md"), "---\r\nid: first\r\ntitle: First\r\n---\r\nOne.\r\n",
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "invariants", ".hidden.md"), "no front matter",
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "roles", "r.md"), "---\nid: pilot\ntitle: Pilot\n---\nFly.",
                TestContext.Current.CancellationToken);
            await using var server = await Store.Fresh(("BEADHUB_DEFAULTS_DIR", folder));
            var agent = await new Project(server.Api).Agent();
            var active = await agent.Get("/v1/policies/active").Ok();
            active.At("invariants").GetRawText()
                .ShouldBe("""[{"id":"first","title":"First","body_md":"One."},{"id":"second","title":"Second: 2","body_md":"Two."}]""");
            active.At("roles").GetRawText().ShouldBe("""{"pilot":{"title":"Pilot","playbook_md":"Fly."}}""");

            await File.WriteAllTextAsync(Path.Combine(folder, "roles", "r.md"), "---\nid: pilot\ntitle: Pilot\n---\nLand.",
                TestContext.Current.CancellationToken);
            await agent.Post("/v1/policies/reset", "null").Ok();
            (await agent.Get("/v1/policies/active").Ok()).At("roles").At("pilot").Text("playbook_md").ShouldBe("Land.");
            await File.WriteAllTextAsync(Path.Combine(folder, "roles", "r.md"), "Land.", TestContext.Current.CancellationToken);
            (await agent.Post("/v1/policies/reset", "null")).Status.ShouldBe(503);
            (await agent.Get("/v1/policies/history").Ok()).Items("policies").Length.ShouldBe(2);

            (await Should.ThrowAsync<InvalidOperationException>(() => Store.Fresh(("BEADHUB_DEFAULTS_DIR", folder)))).Message
                .ShouldContain("The default policy cannot be loaded");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<Answer> Create(Api agent, object bundle) => agent.Post("/v1/policies", new { bundle });

    private static Task<Answer> Activate(Api agent, string id) => agent.Post($"/v1/policies/{id}/activate");

    private static Task<Answer> IfNoneMatch(Api agent, string query, string tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/policies/active" + query);
        request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return agent.Send(request);
    }

    private static Task<Answer> Once(Api caller, string path, string key, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Api.Content(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return caller.Send(request);
    }
}
