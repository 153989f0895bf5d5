using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/init: the bootstrap of projects, agents, keys and workspaces (contract 3).</summary>
public abstract class InitContract(Store store) : ContractTests(store)
{
    public static readonly string[] ClassicNames =
    [
        "alice", "bob", "charlie", "dave", "eve", "frank", "grace", "henry", "ivy", "jack", "kate", "leo", "mia", "noah", "olivia", "peter",
        "quinn", "rose", "sam", "tara", "uma", "victor", "wendy", "xavier", "yara", "zoe",
    ];

    [Fact]
    [Checklist("aweb", 37)]
    [OnAnyStore]
    public async Task After_2600_agents_there_is_no_name_left()
    {
        const int Names = 2600;
        var project = NewProject();
        var first = await project.Identity();
        var left = Names - 1;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                await project.Init(new { project_slug = project.Slug }).Ok();
        }));

        await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = project.Slug }).Refused(409, "alias_exhausted");
        await project.Init(new { project_slug = project.Slug }).Refused(409, "All name prefixes are taken.");
        var aliases = (await first.Get("/v1/agents").Ok()).Pluck("agents", "alias");
        aliases.Distinct().Count().ShouldBe(Names);
        aliases.ShouldContain("zoe-99");
    }

    [Fact]
    [Checklist("beadhub", 31)]
    public async Task Init_with_a_repo_answers_ok()
    {
        var project = NewProject();

        var init = await project
            .Init(new { project_slug = project.Slug, repo_origin = project.Origin, alias = "init-agent", role = "agent" }).Ok();

        init.Text("status").ShouldBe("ok");
        init.Text("project_slug").ShouldBe(project.Slug);
        init.Text("alias").ShouldBe("init-agent");
    }

    [Fact]
    [Checklist("beadhub", 32)]
    public async Task Init_makes_a_key_an_agent_and_a_workspace()
    {
        var agent = await NewProject().Agent("init-agent");

        agent.Key.ShouldStartWith("aw_sk_");
        agent.Init.Flag("created").ShouldBeTrue();
        agent.Init.Flag("workspace_created").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 33)]
    public async Task Init_names_everything_it_made()
    {
        var agent = await NewProject().Agent("init-agent");

        agent.Repo.ShouldBe(agent.Project.Repo);
        foreach (var id in new[] { "workspace_id", "repo_id", "agent_id", "project_id" })
            agent.Init.Text(id).ShouldBeUuid();
        agent.Init.Text("created_at").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 34)]
    public async Task The_workspace_is_the_agent()
    {
        var agent = await NewProject().Agent();

        agent.Init.Text("workspace_id").ShouldBe(agent.Init.Text("agent_id"));
    }

    [Fact]
    [Checklist("beadhub", 35)]
    public async Task Init_again_finds_the_same_workspace()
    {
        var project = NewProject();
        var first = await project.Agent("init-agent");

        var second = await project.Agent("init-agent");

        second.Id.ShouldBe(first.Id);
        second.Init.Flag("created").ShouldBeFalse();
        second.Init.Flag("workspace_created").ShouldBeFalse();
    }

    [Fact]
    [Checklist("beadhub", 36)]
    public async Task Each_init_mints_a_key_and_earlier_ones_stay_valid()
    {
        var project = NewProject();
        var first = await project.Agent("init-agent");
        var second = await project.Agent("init-agent");

        second.Key.ShouldNotBe(first.Key);
        (await first.Get("/v1/auth/introspect").Ok()).Text("agent_id").ShouldBe(first.Id);
        (await second.Get("/v1/auth/introspect").Ok()).Text("agent_id").ShouldBe(first.Id);
    }

    [Fact]
    [Checklist("beadhub", 37)]
    [Checklist("aweb", 27)]
    public async Task An_alias_is_allotted_from_the_role()
    {
        var agent = await NewProject().Agent(role: "reviewer");

        agent.Alias.ShouldMatch(@"^[a-z]+(-\d\d)?-reviewer$");
        agent.Init.Text("workspace_id").ShouldBe(agent.Id);
    }

    [Fact]
    [Checklist("beadhub", 38)]
    public async Task The_first_agent_is_alice_agent() => (await NewProject().Agent()).Alias.ShouldBe("alice-agent");

    [Fact]
    [Checklist("beadhub", 39)]
    public async Task Without_a_repo_the_alias_is_the_bare_name() => (await NewProject().Identity()).Alias.ShouldBe("alice");

    [Fact]
    [Checklist("beadhub", 40)]
    [OnAnyStore]
    public Task An_unknown_repo_does_not_name_a_project() =>
        Api.Post("/v1/init", new { repo_origin = NewProject().Origin, alias = "a" }).RefusedWith(422, "project_not_found");

    [Fact]
    [Checklist("beadhub", 41)]
    [OnAnyStore]
    public Task Neither_slug_nor_repo_is_refused() => Api.Post("/v1/init", new { }).Refused(422, "project_slug is required");

    [Fact]
    [Checklist("beadhub", 42)]
    public async Task A_known_repo_names_its_project()
    {
        var first = await NewProject().Agent("first");

        var second = await Api.Post("/v1/init", new { repo_origin = $"https://github.com/{first.Project.Slug}/main.git", alias = "second" })
            .Ok();

        second.Text("project_id").ShouldBe(first.ProjectId);
        second.Text("project_slug").ShouldBe(first.Project.Slug);
        second.Text("repo_id").ShouldBe(first.RepoId);
    }

    [Fact]
    public async Task A_repo_of_several_projects_names_none()
    {
        var origin = NewProject().Origin;
        await NewProject().Agent("a", origin: origin);
        await NewProject().Agent("a", origin: origin);

        var answer = await Api.Post("/v1/init", new { repo_origin = origin, alias = "b" });

        answer.Status.ShouldBe(409, answer.ToString());
        answer.Json.At("detail").Items("candidates").Length.ShouldBe(2);
    }

    [Fact]
    [Checklist("beadhub", 43)]
    [OnAnyStore]
    public async Task A_hostname_has_no_control_characters()
    {
        var project = NewProject();

        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, hostname = "a\0b" }).Unprocessable();
        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, hostname = "a\tb" }).Unprocessable();
    }

    [Fact]
    [Checklist("beadhub", 44)]
    [OnAnyStore]
    public async Task A_path_has_no_control_characters_but_tab_and_line_feed()
    {
        var project = NewProject();

        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, workspace_path = "/w\0" }).Unprocessable();
        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, workspace_path = "/w\t\n" }).Ok();
    }

    [Fact]
    [Checklist("beadhub", 45)]
    public async Task The_same_alias_for_another_repo_is_refused()
    {
        var project = NewProject();
        var agent = await project.Agent("alice", origin: project.OriginOf("repo-a"));

        await project.Init(new { project_slug = project.Slug, repo_origin = project.OriginOf("repo-b"), alias = "alice" })
            .RefusedWith(409, "workspace_repo_mismatch", project.RepoOf("repo-a"), project.RepoOf("repo-b"));

        (await agent.Get("/v1/repos").Ok()).Pluck("repos", "canonical_origin").ShouldBe([project.RepoOf("repo-a")]);
    }

    [Fact]
    [Checklist("beadhub", 46)]
    [Checklist("aweb", 28)]
    public async Task An_agent_is_custodial_and_ephemeral_by_default()
    {
        var agent = await NewProject().Agent();

        agent.Init.Text("did").ShouldStartWith("did:key:z");
        agent.Init.Text("custody").ShouldBe("custodial");
        agent.Init.Text("lifetime").ShouldBe("ephemeral");
    }

    [Fact]
    [Checklist("beadhub", 47)]
    public async Task An_agent_may_be_persistent()
    {
        var project = NewProject();

        (await project.Init(new { project_slug = project.Slug, lifetime = "persistent" }).Ok()).Text("lifetime").ShouldBe("persistent");
    }

    [Fact]
    [Checklist("beadhub", 48)]
    public async Task Without_a_repo_there_is_an_identity_only()
    {
        var init = (await NewProject().Identity()).Init;

        init.IsNull("workspace_id").ShouldBeTrue();
        init.IsNull("repo_id").ShouldBeTrue();
        init.IsNull("canonical_origin").ShouldBeTrue();
        init.Flag("workspace_created").ShouldBeFalse();
        init.Text("did").ShouldStartWith("did:key:z");
        init.Text("custody").ShouldBe("custodial");
        init.Text("lifetime").ShouldBe("ephemeral");
    }

    [Fact]
    [Checklist("beadhub", 49)]
    [OnAnyStore]
    public async Task An_unknown_project_id_is_not_found()
    {
        var project = NewProject();

        await project.Init(new { project_slug = project.Slug, project_id = Guid.NewGuid().ToString() })
            .RefusedWith(404, "project_not_found");
        await project.Init(new { project_slug = project.Slug, project_id = "not-a-uuid" }).Invalid("project_id");
    }

    [Fact]
    [Checklist("beadhub", 50)]
    public async Task A_project_id_names_the_project()
    {
        var first = await NewProject().Agent("first");

        var init = await Api.Post("/v1/init", new { project_slug = NewProject().Slug, project_id = first.ProjectId, alias = "second" })
            .Ok();

        init.Text("project_id").ShouldBe(first.ProjectId);
        init.Text("project_slug").ShouldBe(first.Project.Slug);
    }

    // Two projects cannot share a slug on a server without tenants; the same slug is sent with the two projects' ids.
    [Fact]
    [Checklist("beadhub", 51)]
    public async Task Names_are_allotted_by_project_id_not_by_slug()
    {
        var (a, b) = (await NewProject().Identity("x1"), await NewProject().Identity("x2"));

        foreach (var id in new[] { a.ProjectId, b.ProjectId })
            (await Api.Post("/v1/init", new { project_slug = "shared", project_id = id }).Ok()).Text("alias").ShouldBe("alice");
    }

    [Fact]
    [Checklist("beadhub", 52)]
    public async Task Agents_of_one_project_use_up_no_names_of_another()
    {
        var a = await NewProject().Agent();
        await a.Project.Agent();
        var b = await NewProject().Agent("x1");

        var first = await Api.Post("/v1/init", new { project_slug = a.Project.Slug, project_id = b.ProjectId, repo_origin = a.Origin })
            .Ok();

        first.Text("alias").ShouldBe("alice-agent");
    }

    [Fact]
    [Checklist("beadhub", 53)]
    [Checklist("aweb", 25)]
    [OnAnyStore]
    public async Task Unknown_fields_are_refused_but_an_email_is_let_pass()
    {
        var project = NewProject();

        var error = await project.Init(new { project_slug = project.Slug, foo = 1 }).Invalid("foo", "extra_forbidden");
        error.Text("msg").ShouldBe("Extra inputs are not permitted");
        await project.Init(new { project_slug = project.Slug, email = "a@b.example" }).Ok();
    }

    [Theory]
    [InlineData("")]
    [InlineData("bad alias")]
    [InlineData("-x")]
    [InlineData("_x")]
    [InlineData("a@b")]
    [InlineData("a\n")]
    [InlineData("é")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [Checklist("beadhub", 54)]
    [Checklist("aweb", 22)]
    [OnAnyStore]
    public async Task An_alias_has_its_alphabet(string alias)
    {
        var project = NewProject();

        // A trailing line feed is trimmed away before the rule is applied.
        if (alias.EndsWith('\n'))
            (await project.Init(new { project_slug = project.Slug, alias }).Ok()).Text("alias").ShouldBe(alias.Trim());
        else
            await project.Init(new { project_slug = project.Slug, alias }).Unprocessable();
    }

    [Fact]
    [Checklist("aweb", 21)]
    [OnAnyStore]
    public Task An_alias_names_no_namespace() =>
        Api.Post("/v1/init", new { project_slug = NewProject().Slug, alias = "acme/researcher" }).Unprocessable("Invalid alias format");

    [Theory]
    [InlineData("me")]
    [InlineData("ME")]
    [InlineData("Me")]
    [Checklist("aweb", 23)]
    [OnAnyStore]
    public Task Me_is_a_reserved_alias(string alias) =>
        Api.Post("/v1/init", new { project_slug = NewProject().Slug, alias }).Unprocessable("reserved");

    [Theory]
    [InlineData("José", false)]
    [InlineData("1st", false)]
    [InlineData("a.b", false)]
    [InlineData("Juan O'Neil-Smith 2", true)]
    [InlineData("", true)]
    [Checklist("beadhub", 55)]
    [OnAnyStore]
    public async Task A_human_name_has_its_alphabet(string name, bool valid)
    {
        var project = NewProject();
        var call = project.Init(new { project_slug = project.Slug, human_name = name });

        if (valid)
            await call.Ok();
        else
            await call.Unprocessable();
    }

    [Fact]
    [Checklist("beadhub", 56)]
    public async Task A_role_is_one_or_two_words_and_is_normalised()
    {
        var project = NewProject();

        await project.Init(new { project_slug = project.Slug, repo_origin = project.Origin, role = "a b c" }).Unprocessable();
        var agent = await project.Agent(role: "Full  Stack");

        agent.Alias.ShouldEndWith("-full-stack");
        (await agent.Get("/v1/workspaces").Ok()).Items("workspaces").Single().Text("role").ShouldBe("full stack");
    }

    [Fact]
    [Checklist("beadhub", 57)]
    [Checklist("aweb", 29)]
    [OnAnyStore]
    public Task A_lifetime_is_one_of_two() =>
        Api.Post("/v1/init", new { project_slug = NewProject().Slug, lifetime = "forever" }).Invalid("lifetime");

    [Theory]
    [InlineData("not-a-url")]
    [InlineData("/srv/x.git")]
    [InlineData("user@host:o/r")]
    [Checklist("beadhub", 60)]
    [OnAnyStore]
    public async Task A_bad_remote_is_a_validation_error(string origin)
    {
        var slug = NewProject().Slug;

        await Api.Post("/v1/init", new { project_slug = slug, repo_origin = origin }).Invalid("repo_origin", says: "Invalid repo_origin");

        (await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = slug }).Ok()).IsNull("project_id").ShouldBeTrue();
    }

    [Fact]
    [Checklist("aweb", 15)]
    public async Task Init_without_a_repo_answers_ok()
    {
        var agent = await NewProject().Identity("alice");

        agent.Init.Text("status").ShouldBe("ok");
        agent.Init.Flag("created").ShouldBeTrue();
        agent.Init.Text("project_slug").ShouldBe(agent.Project.Slug);
        agent.Alias.ShouldBe("alice");
        agent.Id.ShouldBeUuid();
        agent.ProjectId.ShouldBeUuid();
        agent.Init.Text("created_at").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("aweb", 16)]
    public async Task A_key_is_64_hex_digits() => (await NewProject().Identity()).Key.ShouldMatch("^aw_sk_[0-9a-f]{64}$");

    [Fact]
    [Checklist("aweb", 17)]
    public async Task Init_again_finds_the_same_agent()
    {
        var project = NewProject();
        var first = await project.Identity("alice");

        var second = await project.Identity("alice");

        second.ProjectId.ShouldBe(first.ProjectId);
        second.Id.ShouldBe(first.Id);
        second.Init.Flag("created").ShouldBeFalse();
        second.Key.ShouldNotBe(first.Key);
        foreach (var agent in new[] { first, second })
            (await agent.Get("/v1/projects/current").Ok()).Text("project_id").ShouldBe(first.ProjectId);
    }

    [Fact]
    [Checklist("aweb", 18)]
    public async Task A_project_keeps_its_first_name()
    {
        var slug = NewProject().Slug;
        await Api.Post("/v1/init", new { project_slug = slug, project_name = "First", alias = "a" }).Ok();

        var second = await Api.Post("/v1/init", new { project_slug = slug, project_name = "Second", alias = "b" }).Ok();

        (await Api.As(second.Text("api_key")).Get("/v1/projects/current").Ok()).Text("name").ShouldBe("First");
    }

    [Fact]
    [Checklist("aweb", 19)]
    public async Task An_allotted_agent_is_new()
    {
        var agent = await NewProject().Identity();

        agent.Alias.ShouldBe("alice");
        agent.Init.Flag("created").ShouldBeTrue();
    }

    [Fact]
    [Checklist("aweb", 20)]
    public async Task A_name_in_use_is_passed_over()
    {
        var project = NewProject();
        await project.Identity("alice-agent");

        (await project.Identity()).Alias.ShouldBe("bob");
    }

    [Theory]
    [InlineData("has space")]
    [InlineData("has@at")]
    [InlineData("a\\b")]
    [InlineData("")]
    [InlineData("a\0b")]
    [Checklist("aweb", 24)]
    [OnAnyStore]
    public async Task A_slug_has_its_alphabet(string slug)
    {
        await Api.Post("/v1/init", new { project_slug = slug }).Unprocessable();

        var good = "Org/Sub.Repo_v2-" + NewProject().Slug;
        (await Api.Post("/v1/init", new { project_slug = good }).Ok()).Text("project_slug").ShouldBe(good);
    }

    [Fact]
    [Checklist("aweb", 30)]
    public async Task Parallel_inits_get_different_names()
    {
        var project = NewProject();

        var agents = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => project.Identity()));

        agents.Select(agent => agent.Alias).Distinct().Count().ShouldBe(20);
        agents.Select(agent => agent.ProjectId).Distinct().Count().ShouldBe(1);
        agents.ShouldAllBe(agent => agent.Init.Flag("created"));
    }

    [Fact]
    [Checklist("aweb", 31)]
    public async Task Parallel_inits_of_one_name_make_one_agent()
    {
        var project = NewProject();

        var agents = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => project.Identity("same")));

        agents.Select(agent => agent.Id).Distinct().Count().ShouldBe(1);
        agents.Count(agent => agent.Init.Flag("created")).ShouldBe(1);
        agents.Select(agent => agent.Key).Distinct().Count().ShouldBe(20);
    }

    [Fact]
    public async Task Parallel_inits_with_a_repo_share_it()
    {
        var project = NewProject();

        var agents = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => project.Agent()));

        agents.Select(agent => agent.Id).Distinct().Count().ShouldBe(20);
        agents.Select(agent => agent.Alias).Distinct().Count().ShouldBe(20);
        agents.Select(agent => agent.RepoId).Distinct().Count().ShouldBe(1);
        (await agents[0].Get("/v1/repos").Ok()).Items("repos").Single().Number("workspace_count").ShouldBe(20);
    }

    [Fact]
    [Checklist("aweb", 32)]
    public async Task After_the_26_names_come_numbered_ones()
    {
        var (plain, numbered) = (NewProject(), NewProject());
        await Task.WhenAll(ClassicNames.SelectMany(name => new[] { plain.Identity(name), numbered.Identity(name) }));
        await numbered.Identity("alice-01-dev");

        (await plain.Identity()).Alias.ShouldBe("alice-01");
        (await numbered.Identity()).Alias.ShouldBe("bob-01");
    }

    [Fact]
    [Checklist("aweb", 33)]
    public async Task A_numbered_name_leaves_its_base_free()
    {
        var project = NewProject();
        await project.Identity("alice-01-dev");

        (await project.Identity()).Alias.ShouldBe("alice");
    }

    [Fact]
    [Checklist("aweb", 34)]
    public async Task A_deleted_agents_name_is_free_again()
    {
        var project = NewProject();
        var witness = await project.Identity("witness");
        var first = await project.Agent("alice");
        await witness.Delete($"/v1/workspaces/{first.Id}").Ok();

        (await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = project.Slug }).Ok()).Text("name_prefix").ShouldBe("alice");
        var second = await project.Agent("alice");

        second.Id.ShouldNotBe(first.Id);
        second.Init.Flag("created").ShouldBeTrue();
        second.Init.Flag("workspace_created").ShouldBeTrue();
    }

    [Fact]
    public async Task An_existing_agent_gets_its_workspace_later()
    {
        var project = NewProject();
        var identity = await project.Identity("alice");

        var agent = await project.Agent("alice");

        agent.Id.ShouldBe(identity.Id);
        agent.Init.Flag("created").ShouldBeFalse();
        agent.Init.Flag("workspace_created").ShouldBeTrue();
    }

    [Fact]
    public async Task Init_again_overwrites_what_it_is_told()
    {
        var project = NewProject();
        var agent = await project.Agent("alice", human: "Alice", role: "developer");

        await project.Init(new
        {
            project_slug = project.Slug,
            repo_origin = project.Origin,
            alias = "alice",
            human_name = "Alicia",
            role = "Reviewer",
            hostname = "box",
            workspace_path = "/w",
        }).Ok();

        var workspace = (await agent.Get("/v1/workspaces").Ok()).Items("workspaces").Single();
        workspace.Text("human_name").ShouldBe("Alicia");
        workspace.Text("role").ShouldBe("reviewer");
        workspace.Text("hostname").ShouldBe("box");
        workspace.Text("workspace_path").ShouldBe("/w");
    }
}
