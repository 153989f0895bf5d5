using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Bearer keys, signed gateway headers, the public reader, and who may act for whom (contract 1).</summary>
public abstract class AuthenticationContract(Store store) : ContractTests(store)
{
    private static string NewId => Guid.NewGuid().ToString();

    [Fact]
    [Checklist("beadhub", 10)]
    [Checklist("beadhub", 11)]
    [OnAnyStore]
    public Task Claims_need_credentials() => Api.Get("/v1/claims").Unauthorized("Authentication required");

    [Fact]
    [Checklist("aweb", 1)]
    [OnAnyStore]
    public Task The_project_needs_credentials() => Api.Get("/v1/projects/current").Unauthorized("Authentication required");

    [Fact]
    [Checklist("aweb", 2)]
    [OnAnyStore]
    public Task An_unknown_key_is_refused() => Api.As("nonsense").Get("/v1/projects/current").Unauthorized("Invalid API key");

    [Theory]
    [InlineData("Basic abc")]
    [InlineData("Token abc")]
    [InlineData("Bearer")]
    [Checklist("beadhub", 13)]
    [Checklist("aweb", 3)]
    [OnAnyStore]
    public Task Another_scheme_is_refused(string authorization) =>
        Api.With(("Authorization", authorization)).Get("/v1/projects/current")
            .Unauthorized("Invalid Authorization header. Expected: Bearer <token>");

    [Fact]
    [Checklist("aweb", 4)]
    [OnAnyStore]
    public async Task The_scheme_is_case_sensitive()
    {
        var agent = await NewProject().Agent();

        await Api.With(("Authorization", $"bearer {agent.Key}")).Get("/v1/projects/current")
            .Unauthorized("Invalid Authorization header. Expected: Bearer <token>");
    }

    [Fact]
    [OnAnyStore]
    public async Task A_key_is_compared_whole()
    {
        var agent = await NewProject().Agent();

        await Api.As(agent.Key[..^1]).Get("/v1/agents").Unauthorized("Invalid API key");
        await Api.As(agent.Key + "0").Get("/v1/agents").Unauthorized("Invalid API key");
        await Api.As(agent.Key.ToUpperInvariant()).Get("/v1/agents").Unauthorized("Invalid API key");
        await Api.As(new string('a', 4000)).Get("/v1/agents").Unauthorized("Invalid API key");
    }

    [Fact]
    [Checklist("beadhub", 14)]
    [OnAnyStore]
    public Task An_upload_needs_credentials() =>
        Api.Post("/v1/beads/upload", new { repo = "my-repo", issues = new[] { new { id = "bd-1" } } }).Unauthorized();

    [Fact]
    [Checklist("beadhub", 15)]
    [OnAnyStore]
    public Task Issues_need_credentials() => Api.Get("/v1/beads/issues?repo=my-repo").Unauthorized();

    [Fact]
    [Checklist("beadhub", 16)]
    [OnAnyStore]
    public Task Ready_needs_credentials() => Api.Get($"/v1/beads/ready?workspace_id={NewId}").Unauthorized();

    [Fact]
    [Checklist("beadhub", 17)]
    [OnAnyStore]
    public Task Ready_checks_the_format_before_the_caller() =>
        Api.Get("/v1/beads/ready?workspace_id=bad").RefusedWith(422, "workspace_id");

    [Fact]
    [Checklist("beadhub", 18)]
    public async Task Signed_headers_speak_for_their_project()
    {
        var agent = await NewProject().Agent();

        var agents = await Api.With(ProxyHeaders.User(agent.ProjectId, NewId, NewId)).Get("/v1/agents").Ok();

        agents.Text("project_id").ShouldBe(agent.ProjectId);
        agents.Pluck("agents", "agent_id").ShouldBe([agent.Id]);
    }

    [Fact]
    [Checklist("beadhub", 19)]
    [OnAnyStore]
    public async Task A_wrong_signature_is_refused()
    {
        var agent = await NewProject().Agent();
        var (user, actor) = (NewId, NewId);

        await Api.With(("X-BH-Auth", $"v2:{agent.ProjectId}:u:{user}:{actor}:deadbeef"), ("X-Project-ID", agent.ProjectId),
            ("X-User-ID", user), ("X-Aweb-Actor-ID", actor)).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 20)]
    [OnAnyStore]
    public async Task Without_a_secret_the_headers_count_for_nothing()
    {
        await using var server = await Store.Own(("BEADHUB_INTERNAL_AUTH_SECRET", ""));
        var agent = await new Project(server.Api).Agent();

        await server.Api.With(ProxyHeaders.User(agent.ProjectId, NewId, NewId)).Get("/v1/agents").Unauthorized();
        await server.Api.With(ProxyHeaders.User(agent.ProjectId, NewId, NewId, secret: "")).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 21)]
    [OnAnyStore]
    public async Task Without_a_secret_the_bearer_key_decides()
    {
        await using var server = await Store.Own(("BEADHUB_INTERNAL_AUTH_SECRET", ""));
        var agent = await new Project(server.Api).Agent();
        var other = await new Project(server.Api).Agent();

        var agents = await server.Api.With([.. ProxyHeaders.User(other.ProjectId, NewId, NewId), ("Authorization", $"Bearer {agent.Key}")])
            .Get("/v1/agents").Ok();

        agents.Text("project_id").ShouldBe(agent.ProjectId);
    }

    [Fact]
    [Checklist("beadhub", 22)]
    public async Task The_public_reader_needs_no_principal()
    {
        var agent = await NewProject().Agent();

        (await PublicReader(agent).Get("/v1/status").Ok()).At("workspace").Text("project_id").ShouldBe(agent.ProjectId);
    }

    [Theory]
    [InlineData("POST", "/v1/beads/upload")]
    [InlineData("POST", "/v1/workspaces/heartbeat")]
    [InlineData("POST", "/v1/bdh/sync")]
    [InlineData("DELETE", "/v1/workspaces")]
    [InlineData("DELETE", "/v1/repos")]
    public async Task The_public_reader_cannot_write(string method, string path)
    {
        var agent = await NewProject().Agent();
        var reader = PublicReader(agent);
        var body = agent.Self();
        body["issues_jsonl"] = Jsonl.Of(new { id = "bd-1", status = "open" });

        var answer = (method, path) switch
        {
            (_, "/v1/beads/upload") => await reader.Post(path, new { repo = "r", issues = new[] { new { id = "bd-1" } } }),
            (_, "/v1/workspaces/heartbeat") =>
                await reader.Post(path, new { workspace_id = agent.Id, alias = agent.Alias, repo_origin = agent.Origin }),
            (_, "/v1/bdh/sync") => await reader.Post(path, body),
            (_, "/v1/workspaces") => await reader.Delete($"{path}/{agent.Id}"),
            _ => await reader.Delete($"{path}/{agent.RepoId}"),
        };

        answer.Status.ShouldBe(403, answer.ToString());
        (await agent.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
        (await agent.Get("/v1/workspaces").Ok()).Pluck("workspaces", "workspace_id").ShouldBe([agent.Id]);
    }

    [Fact]
    [Checklist("beadhub", 23)]
    [OnAnyStore]
    public async Task Another_project_cannot_be_named_without_a_new_signature()
    {
        var agent = await NewProject().Agent();
        var other = await NewProject().Agent();
        var signed = ProxyHeaders.User(agent.ProjectId, NewId, NewId);
        var forged = signed.Select(header => header.Name == "X-Project-ID" ? (header.Name, other.ProjectId) : header).ToArray();

        await Api.With(forged).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 24)]
    [OnAnyStore]
    public async Task An_actor_is_required()
    {
        var agent = await NewProject().Agent();
        var signed = ProxyHeaders.User(agent.ProjectId, NewId, NewId);

        await Api.With([.. signed.Where(header => header.Name != "X-Aweb-Actor-ID")]).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 25)]
    public async Task A_user_goes_before_a_key()
    {
        var agent = await NewProject().Agent();
        var (user, key, actor) = (NewId, NewId, NewId);
        var asUser = ProxyHeaders.User(agent.ProjectId, user, actor);
        var asKey = ProxyHeaders.Key(agent.ProjectId, key, actor);

        (await Api.With(asKey).Get("/v1/agents").Ok()).Text("project_id").ShouldBe(agent.ProjectId);
        (await Api.With([.. asUser, ("X-API-Key", key)]).Get("/v1/agents").Ok()).Text("project_id").ShouldBe(agent.ProjectId);
        await Api.With([.. asKey, ("X-User-ID", user)]).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 26)]
    [OnAnyStore]
    public async Task A_bad_signature_is_not_saved_by_a_good_key()
    {
        var agent = await NewProject().Agent();

        await Api.With(("X-BH-Auth", "v2:x"), ("Authorization", $"Bearer {agent.Key}")).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 27)]
    public async Task Companion_ids_may_be_upper_case()
    {
        var agent = await NewProject().Agent();
        var signed = ProxyHeaders.User(agent.ProjectId, NewId, NewId);
        var upper = signed.Select(header => header.Name == "X-Project-ID" ? (header.Name, header.Value.ToUpperInvariant()) : header)
            .ToArray();

        (await Api.With(upper).Get("/v1/agents").Ok()).Text("project_id").ShouldBe(agent.ProjectId);
    }

    [Theory]
    [InlineData("u", "d64b662f417270e0e36e690efdc2a1d9e7a6c592fa4ecb319605d1e96bb59dac")]
    [InlineData("k", "29952e8f185bf320452e18a80fce224fecd5d57447c4d9b411b57b428892b469")]
    [InlineData("p", "6be8d6ddd94b5f3486257cae1df872bd986606c41c12a37215c13b767bc16143")]
    [Checklist("beadhub", 28)]
    public async Task The_signatures_match_the_contracts_vectors(string type, string signature)
    {
        const string Project = "11111111-1111-1111-1111-111111111111";
        const string Principal = "22222222-2222-2222-2222-222222222222";
        const string Actor = "33333333-3333-3333-3333-333333333333";
        var signed = $"v2:{Project}:{type}:{Principal}:{Actor}:{signature}";
        ProxyHeaders.Sign(Project, type, Principal, Actor).ShouldBe(signed);

        (string, string)[] principal = type switch { "u" => [("X-User-ID", Principal)], "k" => [("X-API-Key", Principal)], _ => [] };
        var answer = await Api.With([("X-BH-Auth", signed), ("X-Project-ID", Project), ("X-Aweb-Actor-ID", Actor), .. principal])
            .Get("/v1/claims");

        // The project does not exist, but the signature stands: nothing to see instead of no access.
        answer.Ok().Items("claims").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 29)]
    [OnAnyStore]
    public async Task The_session_secret_stands_in_for_the_internal_one()
    {
        await using var server = await Store.Own(("BEADHUB_INTERNAL_AUTH_SECRET", ""), ("SESSION_SECRET_KEY", "another"));
        var agent = await new Project(server.Api).Agent();

        (await server.Api.With(ProxyHeaders.User(agent.ProjectId, NewId, NewId, "another")).Get("/v1/agents").Ok())
            .Text("project_id").ShouldBe(agent.ProjectId);
        await server.Api.With(ProxyHeaders.User(agent.ProjectId, NewId, NewId)).Get("/v1/agents").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 30)]
    [OnAnyStore]
    public async Task An_agent_acts_for_itself_only()
    {
        var agent = await NewProject().Agent();
        var other = await NewProject().Agent();

        await other.Post("/v1/workspaces/heartbeat", new { workspace_id = agent.Id, alias = agent.Alias, repo_origin = agent.Origin })
            .RefusedWith(403, "workspace_id does not match API key identity");
    }

    [Fact]
    [Checklist("aweb", 38)]
    public async Task A_key_tells_whose_it_is()
    {
        var agent = await NewProject().Agent("alice", human: "Alice H");

        var who = await agent.Get("/v1/auth/introspect").Ok();

        who.Text("project_id").ShouldBe(agent.ProjectId);
        who.Text("api_key_id").ShouldBeUuid();
        who.Text("agent_id").ShouldBe(agent.Id);
        who.Text("alias").ShouldBe("alice");
        who.Text("human_name").ShouldBe("Alice H");
        who.Text("agent_type").ShouldBe("agent");
        who.Has("user_id").ShouldBeFalse();
    }

    [Fact]
    public async Task Signed_headers_tell_whose_they_are()
    {
        var agent = await NewProject().Agent();
        var (user, key) = (NewId, NewId);

        var asUser = await Api.With(ProxyHeaders.User(agent.ProjectId, user, agent.Id)).Get("/v1/auth/introspect").Ok();
        asUser.Text("user_id").ShouldBe(user);
        asUser.Text("agent_id").ShouldBe(agent.Id);
        asUser.Has("api_key_id").ShouldBeFalse();

        var asKey = await Api.With(ProxyHeaders.Key(agent.ProjectId, key, agent.Id)).Get("/v1/auth/introspect").Ok();
        asKey.Text("api_key_id").ShouldBe(key);
        asKey.Has("user_id").ShouldBeFalse();
    }

    [Fact]
    [Checklist("aweb", 40)]
    public async Task The_current_project_is_id_slug_and_name()
    {
        var project = NewProject();
        var init = await Api.Post("/v1/init", new { project_slug = project.Slug, project_name = "The Project" }).Ok();

        var current = await Api.As(init.Text("api_key")).Get("/v1/projects/current").Ok();

        current.EnumerateObject().Select(field => field.Name).ShouldBe(["project_id", "slug", "name"], ignoreOrder: true);
        current.Text("project_id").ShouldBe(init.Text("project_id"));
        current.Text("slug").ShouldBe(project.Slug);
        current.Text("name").ShouldBe("The Project");
    }
}
