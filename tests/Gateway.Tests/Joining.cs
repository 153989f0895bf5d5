using System.Text;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Who may join a project that exists (<c>BEADHUB_JOIN</c>), and single-use invites.</summary>
public abstract class JoiningContract(Store store) : ContractTests(store)
{
    private const int AtOnce = 16;

    private Task<OwnServer> ByInvite() => Store.Own(("BEADHUB_JOIN", "invite"));

    [Fact]
    public async Task A_stranger_gets_no_key_of_a_project_that_exists()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");

        foreach (var stranger in new object[]
        {
            new { project_slug = project.Slug, alias = "alice" },
            new { project_slug = project.Slug, alias = "alice", repo_origin = project.Origin },
            new { project_slug = project.Slug },
            new { project_id = alice.ProjectId, alias = "mallory" },
            new { repo_origin = project.Origin },
        })
        {
            var answer = await project.Init(stranger);
            answer.Status.ShouldBe(403, answer.ToString());
            answer.Json.Text("detail").ShouldBe(
                "This server lets agents into a project by invite: ask somebody of the project for one, or send a key of the project");
            answer.Text.ShouldNotContain("aw_sk_");
        }

        await alice.Get("/v1/status").Ok();
        (await alice.Get("/v1/agents").Ok()).Items("agents").Length.ShouldBe(1);
        // Nobody can be robbed of a project that does not exist yet.
        await new Project(server.Api).Agent("alice");
    }

    [Fact]
    public async Task A_key_of_the_project_or_of_the_administrators_lets_in_and_another_does_not()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var elsewhere = await new Project(server.Api).Agent();
        object Join(string alias) => new { project_slug = project.Slug, alias };

        (await alice.Post("/v1/init", Join("bob")).Ok()).Text("alias").ShouldBe("bob");
        (await alice.Post("/v1/init", Join("alice")).Ok()).Text("agent_id").ShouldBe(alice.Id);
        await server.Api.As(Api.AdminKey).Post("/v1/init", Join("carol")).Ok();
        await server.Api.With(ProxyHeaders.User(alice.ProjectId, Guid.NewGuid().ToString(), alice.Id))
            .Post("/v1/init", Join("dave")).Ok();
        foreach (var other in new[] { elsewhere, server.Api.As("aw_sk_none"), server.Api.As("none"), server.Api,
            server.Api.With(ProxyHeaders.Public(alice.ProjectId)) })
            (await other.Post("/v1/init", Join("mallory"))).Status.ShouldBe(403);
        await alice.Delete($"/v1/workspaces/{alice.Id}").Ok();
        (await alice.Post("/v1/init", Join("mallory"))).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Who_does_not_lead_lets_new_agents_in_and_gives_nobody_anothers_alias()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        Agent Joined(Answer answer) => new(project, project.Origin, "", answer.Ok());
        var bob = Joined(await alice.Post("/v1/init", new { project_slug = project.Slug, alias = "bob", repo_origin = project.Origin }));

        (await bob.Post("/v1/init", new { project_slug = project.Slug, alias = "alice" })).Status.ShouldBe(403);
        var path = PathOf(await bob.Post("/v1/invites").Ok());
        var taking = await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug, alias = "alice" });
        taking.Status.ShouldBe(403);
        taking.Json.Text("detail").ShouldStartWith("'alice' is another agent's alias");
        // It is not used up: it lets a new agent in, or bob again.
        await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug, alias = "carol" }).Ok();
        await bob.Post("/v1/init", new { project_slug = project.Slug, alias = "bob" }).Ok();
        var leads = await alice.Post("/v1/invites").Ok();
        (await bob.Delete($"/v1/invites/{leads.At("invite").Text("invite_id")}")).Status.ShouldBe(403);
        (await server.Api.Post($"{PathOf(leads)}/v1/init", new { project_slug = project.Slug, alias = "bob" }).Ok())
            .Text("agent_id").ShouldBe(bob.Id);
    }

    [Fact]
    public async Task An_invite_lets_one_in_however_many_come_at_once()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var invite = await alice.Post("/v1/invites", new { }).Ok();
        var path = PathOf(invite);

        var answers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i =>
            server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug, alias = $"agent-{i}", repo_origin = project.Origin })));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Count(answer => answer.Status == 403).ShouldBe(AtOnce - 1);
        (await alice.Get("/v1/agents").Ok()).Items("agents").Length.ShouldBe(2);
        var listed = (await alice.Get("/v1/invites").Ok()).Items("invites").ShouldHaveSingleItem();
        listed.Text("status").ShouldBe("used");
        listed.Text("created_by").ShouldBe(alice.Id);
        (await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug, alias = "alice" })).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Behind_an_invites_path_everything_works_as_without_also_when_it_is_used_up()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "One", status = "open" })).Ok();
        var path = PathOf(await alice.Post("/v1/invites").Ok());
        // Without a slug, an invite says into which project.
        var bob = new Agent(project, project.Origin, "",
            await server.Api.Post($"{path}/v1/init", new { repo_origin = project.Origin }).Ok());
        bob.ProjectId.ShouldBe(alice.ProjectId);

        (await bob.Get($"{path}/health")).Status.ShouldBe(200);
        (await bob.Post($"{path}/v1/beads/claim-next", new { }).Ok()).At("claim").Text("bead_id").ShouldBe("bd-1");
        var text = await bob.Get($"{path}/v1/beads/export-jsonl?repo={project.Repo}");
        text.Text.ShouldContain("bd-1");
        var tools = await bob.Post($"{path}/mcp", new { jsonrpc = "2.0", id = 1, method = "tools/list" }).Ok();
        tools.At("result").Items("tools").Length.ShouldBeGreaterThan(10);
        (await bob.Get($"{path}/v1/none")).Status.ShouldBe(404);
        (await server.Api.Get($"{path}/v1/status")).Status.ShouldBe(401);
        using var streaming = await bob.Open(bob.Signed(new(HttpMethod.Get, $"{path}/v1/status/stream")));
        ((int)streaming.StatusCode, streaming.Content.Headers.ContentType!.MediaType).ShouldBe((200, "text/event-stream"));
        // A code that is none is taken off as well; what cannot be one is not.
        (await bob.Get("/i/none/v1/status")).Status.ShouldBe(200);
        (await bob.Get("/i//v1/status")).Status.ShouldBe(404);
        (await bob.Get($"/i/{new string('a', 200)}/v1/status")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task An_invite_is_for_its_project_and_its_alias_and_good_again_when_its_bearer_is_refused()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var other = await new Project(server.Api).Agent();
        var path = PathOf(await alice.Post("/v1/invites", new { alias = "bob" }).Ok());
        Task<Answer> Join(object body) => server.Api.Post($"{path}/v1/init", body);

        (await Join(new { project_slug = other.Project.Slug, alias = "bob" })).Status.ShouldBe(403);
        var wrong = await Join(new { project_slug = project.Slug, alias = "alice" });
        (wrong.Status, wrong.Json.Text("detail")).ShouldBe((403, "The invite is for the alias 'bob'"));
        // An identity that is taken: the refusal uses nothing up.
        var taken = await Join(new { project_slug = project.Slug, lifetime = "persistent", custody = "self", did = "did:key:z1" });
        taken.Status.ShouldNotBe(200);
        (await Join(new { project_slug = project.Slug }).Ok()).Text("alias").ShouldBe("bob");
        (await Join(new { project_slug = project.Slug })).Status.ShouldBe(403);
    }

    [Fact]
    public async Task An_invite_ends_when_it_is_revoked_when_it_expires_and_with_who_made_it()
    {
        await using var server = await ByInvite();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var bob = new Agent(project, project.Origin, "",
            await alice.Post("/v1/init", new { project_slug = project.Slug, alias = "bob", repo_origin = project.Origin }).Ok());
        var admin = server.Api.As(Api.AdminKey);
        async Task<int> Join(string path) => (await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug })).Status;

        var revoked = await admin.Post($"/v1/projects/{alice.ProjectId}/invites", new { }).Ok();
        (await alice.Delete($"/v1/invites/{revoked.At("invite").Text("invite_id")}").Ok()).Text("status").ShouldBe("revoked");
        (await Join(PathOf(revoked))).ShouldBe(403);

        var brief = await alice.Post("/v1/invites", new { expires_in_seconds = 1 }).Ok();
        while (DateTimeOffset.UtcNow <= DateTimeOffset.Parse(brief.At("invite").Text("expires_at")))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        (await Join(PathOf(brief))).ShouldBe(403);

        var left = await bob.Post("/v1/invites").Ok();
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        (await Join(PathOf(left))).ShouldBe(403);

        (await admin.Get($"/v1/projects/{alice.ProjectId}/invites").Ok()).Items("invites").Select(invite => invite.Text("status"))
            .ShouldBe(["open", "expired", "revoked"]);
        (await admin.Delete($"/v1/projects/{alice.ProjectId}/invites/{Guid.NewGuid()}")).Status.ShouldBe(404);
        (await server.Api.Post("/v1/invites")).Status.ShouldBe(401);
        (await alice.Post("/v1/invites", new { expires_in_seconds = 31 * 24 * 3600 })).Status.ShouldBe(422);
    }

    [Fact]
    [OnAnyStore]
    public async Task The_limit_counts_strangers_only()
    {
        await using var server = await Store.Fresh(("BEADHUB_INIT_RATE_LIMIT", "1"), ("BEADHUB_JOIN", "invite"));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        (await new Project(server.Api).Init(new { project_slug = "other" })).Status.ShouldBe(429);

        for (var i = 0; i < 12; i++)
        {
            var path = PathOf(await alice.Post("/v1/invites").Ok());
            await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug }).Ok();
            (await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug })).Status.ShouldBe(429);
            await alice.Post("/v1/init", new { project_slug = project.Slug, alias = $"agent-{i}" }).Ok();
        }
    }

    [Fact]
    [OnAnyStore]
    public async Task A_code_is_in_no_log()
    {
        await using var server = await Store.Fresh(("BEADHUB_JOIN", "invite"), ("BEADHUB_LOG_LEVEL", "trace"));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var invite = await alice.Post("/v1/invites").Ok();
        var code = invite.Text("code");

        await server.Api.Post($"/i/{code}/v1/init", new { project_slug = project.Slug, alias = "bob" }).Ok();
        await server.Api.Post($"/i/{code}/v1/init", new { project_slug = project.Slug, alias = "bob" });
        await server.Api.Post($"/i/{code}/v1/init", Api.Raw(Encoding.UTF8.GetBytes("{")));
        await server.Api.Get($"/i/{code}");

        (await alice.Get("/v1/invites")).Text.ShouldNotContain(code);
        server.Output.ShouldContain(line => line.Contains("POST /v1/init answered 200"));
        server.Output.ShouldAllBe(line => !line.Contains(code));
        await server.Kill();
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(server.DatabaseUrl["sqlite:".Length..])!))
            Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).ShouldNotContain(code);
    }

    [Fact]
    [OnAnyStore]
    public async Task Whoever_comes_to_the_loopback_joins_freely_unless_a_proxy_brings_them()
    {
        await using var server = await Store.Own(("BEADHUB_INIT_RATE_LIMIT", "1000000"));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        object join = new { project_slug = project.Slug, alias = "alice" };

        (await server.Api.Post("/v1/init", join).Ok()).Text("agent_id").ShouldBe(alice.Id);
        (await server.Api.With(("X-Forwarded-For", "192.0.2.1")).Post("/v1/init", join)).Status.ShouldBe(403);

        await using var open = await Store.Own(("BEADHUB_HOST", "0.0.0.0"));
        var there = await new Project(open.Api).Agent();
        (await open.Api.Post("/v1/init", new { project_slug = there.Project.Slug })).Status.ShouldBe(403);
    }

    /// <summary>The path of an invite's address.</summary>
    private static string PathOf(System.Text.Json.JsonElement invite)
    {
        var path = new Uri(invite.Text("url")).AbsolutePath;
        path.ShouldBe($"/i/{invite.Text("code")}");
        return path;
    }
}
