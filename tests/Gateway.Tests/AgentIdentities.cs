using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Keys of agents: brought along, bound, given up, changed; retirement; and the log of all that (aweb 12).</summary>
public abstract class AgentIdentitiesContract(Store store) : ContractTests(store)
{
    // Made once, outside of this program: the public keys of the seeds 00..1f and 20..3f, and signatures by the first.
    private const string DidA = "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd";
    private const string DidB = "did:key:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2";
    private const string Rotation = "LI3oIFT8ve3stT5IGmHIMDmB4zZ70g8ApKMoRCfLR9VHdSU/4oNc210bB3MFjW0w7rV1ouvkwA23VgMezzp3AQ";
    private const string RotationTime = "2026-02-22T10:00:00Z";

    private static readonly string KeyA = Convert
        .ToBase64String(Convert.FromHexString("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"));

    [Fact]
    [Checklist("beadhub", 69)]
    [Checklist("aweb", 166)]
    public async Task A_log_begins_with_the_creation()
    {
        var agent = await NewProject().Agent("alice");

        var log = await agent.Get("/v1/agents/me/log").Ok();

        log.Text("agent_id").ShouldBe(agent.Id);
        log.Text("address").ShouldBe(agent.Project.Slug + "/alice");
        var created = log.Items("log").Single();
        created.Text("operation").ShouldBe("create");
        created.Text("log_id").ShouldBeUuid();
        created.Text("new_did").ShouldBe(agent.Init.Text("did"));
        created.Text("created_at").ShouldBeTimestamp();
        foreach (var name in new[] { "old_did", "signed_by", "entry_signature", "metadata" }) created.IsNull(name).ShouldBeTrue();
        (await agent.Get("/v1/agents/me/log")).Text.ShouldBe(log.GetRawText(), "the same entries again");
    }

    [Fact]
    public async Task A_log_is_read_also_by_whom_it_tells_has_left()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Delete("/v1/agents/me").Ok();

        (await alice.Get("/v1/agents/me/log").Ok()).Pluck("log", "operation").ShouldBe(["create", "deregister"]);
        (await bob.Get("/v1/agents/me/log").Ok()).Pluck("log", "operation").ShouldBe(["create"]);
        await Api.Get("/v1/agents/me/log").Unauthorized();
        await Api.With(ProxyHeaders.User(alice.ProjectId, Guid.NewGuid().ToString(), Guid.NewGuid().ToString())).Get("/v1/agents/me/log")
            .Refused(404, "Agent not found");
    }

    [Fact]
    [Checklist("aweb", 167)]
    [OnAnyStore]
    public async Task Ephemeral_agents_must_be_custodial()
    {
        var project = NewProject();

        await project.Init(new { project_slug = project.Slug, custody = "self" }).Refused(422, "Ephemeral agents must be custodial");
        await project.Init(new { project_slug = project.Slug, did = DidA, public_key = KeyA })
            .Refused(422, "Ephemeral agents must be custodial");
        await project.Init(new { project_slug = project.Slug, custody = "other" }).Invalid("custody");
    }

    [Fact]
    [Checklist("aweb", 165)]
    public async Task An_agent_brings_its_own_key_along()
    {
        var project = NewProject();

        var init = await Own(project, "alice");

        init.Text("did").ShouldBe(DidA);
        init.Text("custody").ShouldBe("self");
        init.Text("stable_id").ShouldBe("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2");
        var found = await Api.As(init.Text("api_key")).Get($"/v1/agents/resolve/{project.Slug}/alice").Ok();
        found.Text("public_key").ShouldBe(KeyA.TrimEnd('=').Replace('+', '-').Replace('/', '_'));

        await Init(project, "bob", DidA, null).Refused(422, "Self-custodial agents require both did and public_key");
        await Init(project, "bob", DidB, KeyA).Refused(422, "DID does not match public_key");
        await Init(project, "bob", DidA, "AAAA").Refused(422,
            "public_key must be a base64-encoded 32-byte Ed25519 public key (url-safe or standard)");
        await Init(project, "bob", DidA, KeyA).Refused(409, "Another agent of the project has this DID");
        await project.Init(new { project_slug = project.Slug, alias = "bob", custody = "custodial", did = DidA, public_key = KeyA })
            .Refused(422, "Custodial agents must not provide did/public_key");
        (await Api.As(init.Text("api_key")).Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice"]);
    }

    [Fact]
    public async Task A_key_is_bound_once_and_given_up()
    {
        var project = NewProject();
        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent", custody = "self" }).Ok();
        init.IsNull("did").ShouldBeTrue();
        var agent = Api.As(init.Text("api_key"));
        var key = new { did = DidA, public_key = KeyA, custody = "self", lifetime = "persistent" };

        for (var twice = 0; twice < 2; twice++)
        {
            var bound = await agent.Put("/v1/agents/me/identity", key).Ok();
            (bound.Text("agent_id"), bound.Text("alias"), bound.Text("did"), bound.Text("custody"), bound.Text("lifetime"))
                .ShouldBe((init.Text("agent_id"), "alice", DidA, "self", "persistent"));
            bound.Text("stable_id").ShouldBe("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2");
            bound.Text("public_key").ShouldBe(KeyA.TrimEnd('=').Replace('+', '-').Replace('/', '_'));
        }

        var other = await KeyOf(await project.Agent("other"));
        await agent.Put("/v1/agents/me/identity",
            new { did = other.Did, public_key = other.PublicKey, custody = "self", lifetime = "persistent" })
            .Refused(409, "Identity already claimed with a different DID");
        await agent.Put("/v1/agents/me/identity", key with { did = DidB }).Refused(400, "DID does not match public_key");
        await agent.Put("/v1/agents/me/identity", key with { public_key = "x" })
            .Refused(400, "public_key must be a base64-encoded 32-byte Ed25519 key");
        await agent.Put("/v1/agents/me/identity", key with { custody = "custodial" }).Invalid("custody", "literal_error");
        await agent.Put("/v1/agents/me/identity", key with { lifetime = "ephemeral" }).Invalid("lifetime", "literal_error");
        await Api.Put("/v1/agents/me/identity", new { did = DidA }).Invalid("public_key", "missing");
        await Api.Put("/v1/agents/me/identity", key).Unauthorized();

        await Api.Post("/v1/agents/me/identity/reset", new { confirm = false }).Refused(400, "confirm must be true to reset identity");
        await Api.Post("/v1/agents/me/identity/reset", new { confirm = "maybe" }).Invalid("confirm", "bool_parsing");
        await Api.Post("/v1/agents/me/identity/reset", new { }).Invalid("confirm", "missing");
        for (var twice = 0; twice < 2; twice++)
        {
            var reset = await agent.Post("/v1/agents/me/identity/reset", new { confirm = true }).Ok();
            foreach (var name in new[] { "did", "public_key", "stable_id", "custody", "lifetime" }) reset.IsNull(name).ShouldBeTrue();
        }

        (await agent.Get("/v1/agents").Ok()).Find("agents", "alias", "alice").IsNull("did").ShouldBeTrue();
        var log = await agent.Get("/v1/agents/me/log").Ok();
        log.Pluck("log", "operation").ShouldBe(["create", "claim_identity", "reset_identity"]);
        log.Items("log")[2].At("metadata").Text("old_stable_id").ShouldBe("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2");
    }

    [Fact]
    public async Task Of_many_that_bind_a_key_at_once_one_succeeds()
    {
        var project = NewProject();
        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent", custody = "self" }).Ok();
        var keys = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ => await KeyOf(await NewProject().Identity())));
        var agent = Api.As(init.Text("api_key"));

        var answers = await Task.WhenAll(keys.Select(key =>
            agent.Put("/v1/agents/me/identity", new { did = key.Did, public_key = key.PublicKey, custody = "self",
                lifetime = "persistent" })));

        answers.Select(answer => answer.Status).Order().ShouldBe([200, 409, 409, 409, 409, 409]);
        (await agent.Get("/v1/agents").Ok()).Items("agents").Single().Text("did")
            .ShouldBe(answers.Single(answer => answer.Status == 200).Json.Text("did"));
    }

    [Fact]
    public async Task An_agent_changes_its_key_with_the_old_ones_signature()
    {
        var project = NewProject();
        var init = await Own(project, "alice");
        var agent = Api.As(init.Text("api_key"));
        var rotation = new { custody = "self", timestamp = RotationTime, new_did = DidB, new_public_key = KeyOfDid(DidB),
            rotation_signature = (string?)Rotation };

        await agent.Put("/v1/agents/me/rotate", rotation with { rotation_signature = null }).Refused(422, "rotation_signature is required");
        await agent.Put("/v1/agents/me/rotate", rotation with { rotation_signature = "short" })
            .Refused(403, "Malformed rotation proof encoding");
        await agent.Put("/v1/agents/me/rotate", rotation with { timestamp = "2026-02-22T10:00:01Z" })
            .Refused(403, "Invalid rotation proof");
        await agent.Put("/v1/agents/me/rotate", rotation with { new_did = DidA }).Refused(400, "DID does not match new_public_key");
        await agent.Put("/v1/agents/me/rotate", new { custody = "custodial", timestamp = RotationTime })
            .Refused(400, "Cannot change a self-custodial agent back to custodial via rotate");
        await Api.Put("/v1/agents/me/rotate", new { custody = "self", timestamp = RotationTime }).Invalid("new_did");
        await Api.Put("/v1/agents/me/rotate", new { custody = "custodial", timestamp = RotationTime, new_did = DidB }).Invalid("new_did");
        await Api.Put("/v1/agents/me/rotate", new { custody = "none", timestamp = RotationTime }).Invalid("custody", "literal_error");
        await Api.Put("/v1/agents/me/rotate", rotation).Unauthorized();

        var rotated = await agent.Put("/v1/agents/me/rotate", rotation).Ok();

        (rotated.Text("status"), rotated.Text("old_did"), rotated.Text("new_did"), rotated.Text("custody"))
            .ShouldBe(("rotated", DidA, DidB, "self"));
        rotated.Text("new_public_key").Length.ShouldBe(43);
        var found = await agent.Get($"/v1/agents/resolve/{project.Slug}/alice").Ok();
        (found.Text("did"), found.Text("stable_id")).ShouldBe((DidB, "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2"));
        var entry = (await agent.Get("/v1/agents/me/log").Ok()).Items("log")[^1];
        (entry.Text("operation"), entry.Text("old_did"), entry.Text("new_did"), entry.Text("signed_by"), entry.Text("entry_signature"))
            .ShouldBe(("rotate", DidA, DidB, DidA, Rotation));
        await agent.Put("/v1/agents/me/rotate", rotation).RefusedWith(400, "must differ");
    }

    [Fact]
    public async Task An_ephemeral_agent_keeps_its_key_and_without_a_custody_key_nothing_is_signed()
    {
        var project = NewProject();
        var ephemeral = await project.Identity();
        var persistent = Api.As((await project.Init(new { project_slug = project.Slug, lifetime = "persistent" }).Ok()).Text("api_key"));
        var rotation = new { custody = "custodial", timestamp = RotationTime };

        await ephemeral.Put("/v1/agents/me/rotate", rotation)
            .Refused(400, "Cannot rotate key for an ephemeral agent. Deregister and create a new agent instead.");
        await persistent.Put("/v1/agents/me/rotate", rotation).Refused(501, "Custody key not configured");
    }

    [Fact]
    public async Task With_a_custody_key_the_server_signs_also_after_a_restart()
    {
        await using var server = await Store.Own(("AWEB_CUSTODY_KEY", new string('a', 64)));
        var project = new Project(server.Api);
        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent" }).Ok();
        await server.Kill();
        await server.Restart();
        var agent = server.Api.As(init.Text("api_key"));

        var rotated = await agent.Put("/v1/agents/me/rotate", new { custody = "custodial", timestamp = RotationTime }).Ok();
        rotated.Text("old_did").ShouldBe(init.Text("did"));
        var again = await agent.Put("/v1/agents/me/rotate",
            new { custody = "self", timestamp = RotationTime, new_did = DidA, new_public_key = KeyA }).Ok();
        again.Text("old_did").ShouldBe(rotated.Text("new_did"));

        var log = (await agent.Get("/v1/agents/me/log").Ok()).Items("log");
        log.Skip(1).ShouldAllBe(entry => entry.Text("operation") == "rotate" && entry.Text("entry_signature").Length == 86);
        (await agent.Get("/v1/agents").Ok()).Items("agents").Single().Text("custody").ShouldBe("self");
        await agent.Put("/v1/agents/me/rotate", new { custody = "self", timestamp = "t", new_did = DidB, new_public_key = KeyOfDid(DidB) })
            .Refused(422, "rotation_signature is required");
    }

    [Fact]
    public async Task An_agent_retires_in_favour_of_another()
    {
        var project = NewProject();
        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent" }).Ok();
        var (alice, bob) = (Api.As(init.Text("api_key")), await project.Agent("bob"));
        var stranger = await NewProject().Agent();

        await Api.Put("/v1/agents/me/retire", new { successor_agent_id = "x" }).Invalid("successor_agent_id");
        await Api.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id }).Unauthorized();
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = init.Text("agent_id") })
            .Refused(400, "An agent cannot name itself as its own successor");
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = stranger.Id })
            .Refused(404, "Successor agent not found in this project");
        await bob.Put("/v1/agents/me/retire", new { successor_agent_id = init.Text("agent_id") })
            .Refused(400, "Cannot retire an ephemeral agent. Use the deregister endpoint instead.");

        var retired = await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id }).Ok();

        (retired.Text("status"), retired.Text("agent_id"), retired.Text("successor_agent_id"))
            .ShouldBe(("retired", init.Text("agent_id"), bob.Id));
        (await bob.Get("/v1/agents").Ok()).Find("agents", "alias", "alice").Text("identity_status").ShouldBe("retired");
        (await bob.Get($"/v1/agents/resolve/{project.Slug}/alice").Ok()).Text("status").ShouldBe("retired");
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id }).Refused(400, "Agent is already retired");
        var entry = (await alice.Get("/v1/agents/me/log").Ok()).Items("log")[^1];
        (entry.Text("operation"), entry.At("metadata").Text("successor_agent_id")).ShouldBe(("retire", bob.Id));
        await alice.Post("/v1/workspaces/register", new { repo_origin = project.Origin }).Refused(410, "Agent is retired");
    }

    [Fact]
    [Checklist("aweb", 79)]
    [Checklist("aweb", 168)]
    public async Task Mail_to_a_retired_agent_names_its_successor()
    {
        var project = NewProject();
        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", lifetime = "persistent" }).Ok();
        var (alice, bob, carol) = (Api.As(init.Text("api_key")), await project.Agent("bob"), await project.Agent("carol"));
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id }).Ok();

        foreach (var mail in new object[] { new { to_alias = "alice", body = "b" },
            new { to_agent_id = init.Text("agent_id"), body = "b" } })
        {
            var answer = await carol.Post("/v1/messages", mail);
            answer.Status.ShouldBe(410, answer.ToString());
            (answer.Json.Text("detail"), answer.Json.Text("successor_alias"), answer.Json.Text("successor_agent_id"))
                .ShouldBe(("Agent is retired", "bob", bob.Id));
        }

        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id }).Refused(400, "Agent is already retired");
        // A retired agent may still write, and its successor may leave.
        await alice.Post("/v1/messages", new { to_alias = "carol", body = "farewell" }).Ok();
        await bob.Delete("/v1/agents/me").Ok();
        var gone = await carol.Post("/v1/messages", new { to_alias = "alice", body = "b" });
        (gone.Status, gone.Json.IsNull("successor_alias"), gone.Json.Text("successor_agent_id")).ShouldBe((410, true, bob.Id));
    }

    [Fact]
    public async Task Mail_tells_its_readers_of_a_new_key_until_they_answer()
    {
        var project = NewProject();
        var alice = Api.As((await Own(project, "alice")).Text("api_key"));
        var (bob, carol) = (await project.Agent("bob"), await project.Agent("carol"));
        foreach (var to in new[] { "bob", "carol" }) await alice.Post("/v1/messages", new { to_alias = to, body = "b" }).Ok();
        await carol.Post("/v1/messages", new { to_alias = "bob", body = "b" }).Ok();
        (await Inbox(bob)).Items("messages").ShouldAllBe(mail => mail.IsNull("rotation_announcement"));

        await alice.Put("/v1/agents/me/rotate",
            new { custody = "self", timestamp = RotationTime, new_did = DidB, new_public_key = KeyOfDid(DidB),
                rotation_signature = Rotation }).Ok();

        var news = (await Inbox(bob)).Find("messages", "from_alias", "alice").At("rotation_announcement");
        (news.Text("old_did"), news.Text("new_did"), news.Text("timestamp"), news.Text("old_key_signature"))
            .ShouldBe((DidA, DidB, RotationTime, Rotation));
        (await Inbox(bob)).Find("messages", "from_alias", "carol").IsNull("rotation_announcement").ShouldBeTrue();

        await bob.Post("/v1/messages", new { to_alias = "alice", body = "seen" }).Ok();
        (await Inbox(bob)).Items("messages").ShouldAllBe(mail => mail.IsNull("rotation_announcement"));
        (await Inbox(carol)).Items("messages").ShouldAllBe(mail => !mail.IsNull("rotation_announcement"));
        (await Inbox(alice)).Items("messages").ShouldAllBe(mail => mail.IsNull("rotation_announcement"));

        static Task<JsonElement> Inbox(Api agent) => agent.Get("/v1/messages/inbox").Ok();
    }

    [Fact]
    [OnAnyStore]
    public async Task An_agent_that_keeps_its_key_retires_by_its_signature_only()
    {
        var project = NewProject();
        var alice = Api.As((await Own(project, "alice")).Text("api_key"));
        var bob = await project.Agent("bob");

        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id })
            .Refused(422, "retirement_proof is required for self-custodial agents");
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id, retirement_proof = "?", timestamp = "t" })
            .Refused(403, "Malformed retirement proof encoding");
        await alice.Put("/v1/agents/me/retire", new { successor_agent_id = bob.Id, retirement_proof = Rotation, timestamp = "t" })
            .Refused(403, "Invalid retirement proof");
    }

    private static Task<Answer> Init(Project project, string alias, string? did, string? publicKey) =>
        project.Init(new { project_slug = project.Slug, alias, lifetime = "persistent", did, public_key = publicKey });

    private static Task<JsonElement> Own(Project project, string alias) => Init(project, alias, DidA, KeyA).Ok();

    private static async Task<(string Did, string PublicKey)> KeyOf(Agent agent)
    {
        var found = await agent.Get($"/v1/agents/resolve/{agent.Project.Slug}/{agent.Alias}").Ok();
        return (found.Text("did"), found.Text("public_key"));
    }

    /// <summary>The key that is in a did:key, in base64: read the long way, with another algorithm than the server's.</summary>
    private static string KeyOfDid(string did)
    {
        var number = did["did:key:z".Length..].Aggregate(System.Numerics.BigInteger.Zero,
            (sum, c) => sum * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".IndexOf(c));
        return Convert.ToBase64String(number.ToByteArray(isUnsigned: true, isBigEndian: true)[2..]);
    }
}
