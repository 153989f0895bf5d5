using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/agents: the list, presence, and the suggestion of a name (contract 4, aweb 6).</summary>
public abstract class AgentsContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 61)]
    public async Task Agents_of_other_projects_are_not_listed()
    {
        var agent = await NewProject().Agent("alice");
        await NewProject().Agent("mallory");

        (await agent.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice"]);
    }

    [Fact]
    [Checklist("beadhub", 62)]
    public async Task An_agent_shows_its_identity()
    {
        var agent = await NewProject().Agent("alice", human: "Alice");

        var listed = (await agent.Get("/v1/agents").Ok()).Items("agents").Single();

        listed.Text("did").ShouldStartWith("did:key:z");
        listed.Text("custody").ShouldBe("custodial");
        listed.Text("lifetime").ShouldBe("ephemeral");
        listed.Text("identity_status").ShouldBe("active");
        listed.Text("access_mode").ShouldBe("open");
        listed.Text("human_name").ShouldBe("Alice");
        listed.Text("agent_type").ShouldBe("agent");
    }

    [Fact]
    [Checklist("beadhub", 63)]
    public async Task Agents_are_ordered_by_alias()
    {
        var project = NewProject();
        foreach (var alias in new[] { "carol", "Zed", "alice-2", "bob" })
            await project.Identity(alias);
        var agent = await project.Agent("dan");

        var list = await agent.Get("/v1/agents").Ok();

        list.Text("project_id").ShouldBe(agent.ProjectId);
        var aliases = list.Pluck("agents", "alias");
        aliases.Where(alias => alias != "Zed").ShouldBe(["alice-2", "bob", "carol", "dan"]);
        aliases.ShouldContain("Zed");
    }

    [Fact]
    [Checklist("beadhub", 64)]
    public async Task Without_presence_an_agent_is_offline()
    {
        var agent = await NewProject().Agent();

        var listed = (await agent.Get("/v1/agents").Ok()).Items("agents").Single();

        listed.Text("status").ShouldBe("offline");
        listed.Flag("online").ShouldBeFalse();
        listed.IsNull("last_seen").ShouldBeTrue();
        listed.IsNull("human_name").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 65)]
    public async Task After_register_an_agent_is_online()
    {
        var agent = await NewProject().Agent();

        var answer = await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, program = "claude-code" })
            .Ok();
        answer.At("workspace").Text("workspace_id").ShouldBe(agent.Id);
        answer.At("agent").Text("registered_at").ShouldBeTimestamp();
        answer.At("agent").Text("program").ShouldBe("claude-code");
        answer.At("agent").Text("project_slug").ShouldBe(agent.Project.Slug);
        answer.At("agent").IsNull("member").ShouldBeTrue();

        var listed = (await agent.Get("/v1/agents").Ok()).Items("agents").Single();
        listed.Flag("online").ShouldBeTrue();
        listed.Text("status").ShouldBe("active");
        listed.Text("last_seen").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 66)]
    [Checklist("aweb", 46)]
    public async Task Agents_of_type_system_are_not_listed()
    {
        var project = NewProject();
        await project.Init(new { project_slug = project.Slug, alias = "notices", agent_type = "system" }).Ok();
        await project.Init(new { project_slug = project.Slug, alias = "juan", agent_type = "human" }).Ok();
        var agent = await project.Agent("zed");

        (await agent.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["juan", "zed"]);
    }

    [Fact]
    [Checklist("beadhub", 70)]
    [Checklist("aweb", 35)]
    public async Task An_unknown_project_gets_alice_and_is_not_made()
    {
        var slug = "new/" + NewProject().Slug;

        for (var twice = 0; twice < 2; twice++)
        {
            var suggestion = await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = slug }).Ok();
            suggestion.Text("project_slug").ShouldBe(slug);
            suggestion.IsNull("project_id").ShouldBeTrue();
            suggestion.Text("name_prefix").ShouldBe("alice");
        }
    }

    [Fact]
    [Checklist("beadhub", 71)]
    public async Task Used_prefixes_are_passed_over()
    {
        var project = NewProject();
        await project.Identity("alice-dev");
        await project.Identity("bob");

        (await Suggest(project)).Text("name_prefix").ShouldBe("charlie");
    }

    [Fact]
    [Checklist("aweb", 36)]
    public async Task A_known_project_is_named()
    {
        var agent = await NewProject().Agent("alice-agent");

        var suggestion = await Suggest(agent.Project);

        suggestion.Text("project_id").ShouldBe(agent.ProjectId);
        suggestion.Text("name_prefix").ShouldBe("bob");
    }

    [Fact]
    [Checklist("beadhub", 72)]
    public async Task After_the_26_names_alice_01_is_suggested()
    {
        var project = NewProject();
        await Task.WhenAll(InitContract.ClassicNames.Select(name => project.Identity(name + "-x")));

        (await Suggest(project)).Text("name_prefix").ShouldBe("alice-01");
    }

    [Fact]
    [Checklist("beadhub", 73)]
    public async Task A_numbered_alias_leaves_the_plain_name_free()
    {
        var project = NewProject();
        await project.Identity("alice-01-dev");

        (await Suggest(project)).Text("name_prefix").ShouldBe("alice");
    }

    [Fact]
    [OnAnyStore]
    public async Task A_suggestion_is_trimmed_validated_and_open_to_extra_fields()
    {
        var slug = NewProject().Slug;

        (await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = $"  {slug} ", extra = 1 }).Ok()).Text("project_slug")
            .ShouldBe(slug);
        await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = "a b" }).Unprocessable();
        await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = "" }).Unprocessable();
        await Api.Post("/v1/agents/suggest-alias-prefix", new { }).Invalid("project_slug", "missing");
    }

    [Fact]
    [Checklist("beadhub", 75)]
    public async Task Presence_is_registered_for_oneself_only()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        await alice.Post("/v1/agents/register", new { workspace_id = bob.Id, alias = "bob" })
            .RefusedWith(403, "does not match API key identity");
        await alice.Post("/v1/agents/register", new { workspace_id = Guid.NewGuid(), alias = "x" }).Refused(404, "Workspace not found");
        // Another project's workspace looks like none at all.
        await alice.Post("/v1/agents/register", new { workspace_id = stranger.Id, alias = "x" }).Refused(404, "Workspace not found");
        await alice.Post("/v1/agents/register", new { workspace_id = "bad", alias = "x" }).Unprocessable();

        (await alice.Get("/v1/agents").Ok()).Items("agents").ShouldAllBe(agent => !agent.Flag("online"));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(86_401, false)]
    [InlineData(-1, false)]
    [InlineData(1, true)]
    [InlineData(86_400, true)]
    [Checklist("beadhub", 76)]
    [OnAnyStore]
    public async Task A_presence_lives_for_a_day_at_most(int seconds, bool valid)
    {
        var agent = await NewProject().Agent();
        var call = agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, ttl_seconds = seconds });

        if (valid)
            await call.Ok();
        else
            await call.Invalid("ttl_seconds");
    }

    [Fact]
    [Checklist("beadhub", 77)]
    public async Task The_stored_alias_goes_before_the_sent_one()
    {
        var agent = await NewProject().Agent("alice");

        var answer = await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = "somebody" }).Ok();

        answer.At("agent").Text("alias").ShouldBe("alice");
        (await agent.Get("/v1/workspaces/online").Ok()).Pluck("workspaces", "alias").ShouldBe(["alice"]);
    }

    [Fact]
    public async Task Everything_that_the_command_line_sends_along_is_tolerated()
    {
        var agent = await NewProject().Agent("alice");

        await agent.Post("/v1/agents/register", new
        {
            workspace_id = agent.Id,
            alias = "alice",
            human_name = "",
            project_slug = agent.Project.Slug,
            repo_id = agent.RepoId,
            repo_origin = agent.Origin,
            canonical_origin = agent.Repo,
            hostname = "box",
            workspace_path = "/w",
            program = "claude-code",
            repo = agent.Repo,
            branch = "main",
            role = "Full  Stack",
        }).Ok();

        var online = (await agent.Get("/v1/workspaces/online").Ok()).Items("workspaces").Single();
        online.Text("program").ShouldBe("claude-code");
        online.Text("branch").ShouldBe("main");
        online.Text("role").ShouldBe("full stack");
    }

    [Fact]
    [Checklist("aweb", 41)]
    public async Task The_list_has_id_alias_and_online()
    {
        var project = NewProject();
        var b = await project.Identity("b");
        var a = await project.Identity("a");

        var list = await a.Get("/v1/agents").Ok();

        list.Text("project_id").ShouldBe(a.ProjectId);
        list.Pluck("agents", "alias").ShouldBe(["a", "b"]);
        list.Pluck("agents", "agent_id").ShouldBe([a.Id, b.Id]);
        list.Items("agents").ShouldAllBe(agent => !agent.Flag("online"));
    }

    [Fact]
    [Checklist("aweb", 42)]
    public async Task Before_a_heartbeat_an_agent_is_offline()
    {
        var agent = await NewProject().Identity();

        var listed = (await agent.Get("/v1/agents").Ok()).Items("agents").Single();

        listed.Flag("online").ShouldBeFalse();
        listed.IsNull("last_seen").ShouldBeTrue();
        listed.Text("status").ShouldBe("offline");
    }

    [Fact]
    [Checklist("aweb", 43)]
    public async Task A_heartbeat_needs_no_body()
    {
        var agent = await NewProject().Identity();

        var beat = await agent.Post("/v1/agents/heartbeat").Ok();

        beat.Text("agent_id").ShouldBe(agent.Id);
        beat.Text("last_seen").ShouldBeTimestamp();
        beat.Number("ttl_seconds").ShouldBe(1800);
    }

    [Fact]
    [Checklist("aweb", 44)]
    public async Task After_a_heartbeat_an_agent_is_online()
    {
        var agent = await NewProject().Identity();
        await agent.Post("/v1/agents/heartbeat").Ok();

        var listed = (await agent.Get("/v1/agents").Ok()).Items("agents").Single();

        listed.Flag("online").ShouldBeTrue();
        listed.Text("status").ShouldBe("active");
        listed.Text("last_seen").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("aweb", 45)]
    [OnAnyStore]
    public Task A_heartbeat_needs_credentials() => Api.Post("/v1/agents/heartbeat").Unauthorized();

    [Fact]
    [OnAnyStore]
    public async Task When_one_was_last_seen_can_be_asked_without_being_seen()
    {
        var agent = await NewProject().Identity("new");

        (await agent.Get("/v1/agents/heartbeat").Ok()).Flag("online").ShouldBeFalse();
        (await agent.Get("/v1/agents/heartbeat").Ok()).IsNull("last_seen").ShouldBeTrue();
        var beat = await agent.Post("/v1/agents/heartbeat").Ok();
        var seen = await agent.Get("/v1/agents/heartbeat").Ok();
        (seen.Text("agent_id"), seen.Text("last_seen"), seen.Flag("online")).ShouldBe((agent.Id, beat.Text("last_seen"), true));
    }

    [Fact]
    public async Task A_heartbeats_body_is_ignored_whatever_it_is()
    {
        var agent = await NewProject().Identity();

        foreach (var body in new[] { "null", "{}", "[1]", "not json" })
            await agent.Post("/v1/agents/heartbeat", body).Ok();
    }

    [Fact]
    [Checklist("beadhub", 295)]
    public async Task A_workspace_has_one_presence_which_the_next_one_overwrites()
    {
        var agent = await NewProject().Agent();
        foreach (var program in new[] { "claude-code", "codex-cli" })
            await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, program }).Ok();

        var online = (await agent.Get("/v1/workspaces/online").Ok()).Items("workspaces").Single();
        online.Text("program").ShouldBe("codex-cli");
        (await agent.Get("/v1/status").Ok()).Items("agents").Single().Text("program").ShouldBe("codex-cli");
    }

    [Fact]
    [Checklist("beadhub", 296)]
    public async Task A_presence_that_ran_out_is_in_no_list()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await bob.Heartbeat().Ok();
        await alice.Post("/v1/agents/register",
            new { workspace_id = alice.Id, alias = "alice", repo = alice.Repo, branch = "main", ttl_seconds = 1 }).Ok();

        var patience = System.Diagnostics.Stopwatch.StartNew();
        while ((await bob.Get("/v1/agents").Ok()).Find("agents", "alias", "alice").Flag("online"))
        {
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        (await bob.Get("/v1/workspaces/online").Ok()).Pluck("workspaces", "alias").ShouldBe(["bob"]);
        (await bob.Get("/v1/status").Ok()).Pluck("agents", "alias").ShouldBe(["bob"]);
        var listed = (await bob.Get("/v1/agents").Ok()).Find("agents", "alias", "alice");
        (listed.Text("status"), listed.IsNull("last_seen")).ShouldBe(("offline", true));
    }

    [Fact]
    [Checklist("beadhub", 297)]
    public async Task Role_time_zone_and_repository_outlive_an_update_that_omits_them()
    {
        var agent = await NewProject().Agent();
        await agent.Heartbeat("main", "Europe/Madrid", role: "Full  Stack").Ok();
        await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, program = "p" }).Ok();
        await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, role = new string('r', 51) })
            .Unprocessable();

        var shown = (await agent.Get("/v1/status").Ok()).Items("agents").Single();
        (shown.Text("role"), shown.Text("timezone"), shown.Text("canonical_origin"), shown.Text("program"))
            .ShouldBe(("full stack", "Europe/Madrid", agent.Repo, "p"));
    }

    [Fact]
    [Checklist("beadhub", 298)]
    public async Task Colons_in_names_make_no_two_presences_one()
    {
        var project = NewProject();
        var (a, ab) = (await project.Agent("a"), await project.Agent("ab"));
        await a.Post("/v1/agents/register", new { workspace_id = a.Id, alias = "a", repo = "github.com/x/y", branch = "b:main" }).Ok();
        await ab.Post("/v1/agents/register", new { workspace_id = ab.Id, alias = "ab", repo = "github.com/x/y:b", branch = "main" }).Ok();

        var online = await a.Get("/v1/workspaces/online").Ok();

        online.Find("workspaces", "alias", "a").Text("branch").ShouldBe("b:main");
        online.Find("workspaces", "alias", "ab").Text("branch").ShouldBe("main");
        (await a.Get("/v1/status").Ok()).Items("agents").Select(agent => agent.Text("canonical_origin")).Order()
            .ShouldBe(["github.com/x/y", "github.com/x/y:b"]);
    }

    private Task<System.Text.Json.JsonElement> Suggest(Project project) =>
        Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = project.Slug }).Ok();
}
