using System.Security.Cryptography;
using System.Text;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Orleans;

namespace Beadhub.Gateway.Tests;

/// <summary>API keys: what of them is kept, and keys of a project alone (protocol 1.4).</summary>
public abstract class ApiKeysContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("aweb", 14)]
    public async Task Of_a_key_only_its_hash_is_stored()
    {
        await using var server = await Store.Fresh();
        var agent = await new Project(server.Api).Agent();
        await agent.Get("/v1/status").Ok();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(agent.Key)));
        await server.Kill();

        var stored = await Everything(server.DatabaseUrl);
        stored.ShouldContain(hash, Case.Sensitive);
        stored.ShouldNotContain(agent.Key, Case.Sensitive);
        stored.ShouldNotContain(agent.Key["aw_sk_".Length..], Case.Sensitive);
    }

    [Fact]
    [Checklist("aweb", 7)]
    public async Task A_key_of_the_project_alone_reads_and_does_not_act()
    {
        await using var server = await Store.Fresh();
        var agent = await new Project(server.Api).Agent();
        await server.Kill();
        const string Key = "aw_sk_unbound";
        await Issue(server.DatabaseUrl, Key, agent.ProjectId);
        await server.Restart();
        var project = server.Api.As(Key);

        (await project.Get("/v1/reservations").Ok()).Items("reservations").ShouldBeEmpty();
        (await project.Get("/v1/auth/introspect").Ok()).Has("agent_id").ShouldBeFalse();
        foreach (var (path, body) in new (string, object?)[]
        {
            ("/v1/reservations", new { resource_key = "k" }),
            ("/v1/messages", new { to_alias = agent.Alias, body = "b" }),
            ("/v1/chat/sessions", new { to_aliases = new[] { agent.Alias }, message = "m" }),
            ("/v1/agents/heartbeat", null),
        })
            await project.Post(path, body).Refused(403, "API key is not bound to an agent");
    }

    [Fact]
    public async Task A_key_is_rotated_with_an_overlap_expires_and_says_when_it_was_used_last()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await bob.Get("/v1/status").Ok();

        // The old key opens until the overlap is over; one that ends sooner by itself does not gain by it.
        var rotated = await bob.Post("/v1/agents/me/keys/rotate", new { overlap_seconds = 3600, expires_in_seconds = 86400 }).Ok();
        rotated.Text("old_expires_at").ShouldBeTimestamp();
        rotated.Text("expires_at").ShouldBeTimestamp();
        var renewed = server.Api.As(rotated.Text("api_key"));
        await bob.Get("/v1/status").Ok();
        await renewed.Get("/v1/status").Ok();

        var own = (await renewed.Get("/v1/agents/me/keys").Ok()).Items("keys");
        own.Length.ShouldBe(2);
        own.ShouldAllBe(key => key.Text("alias") == "bob" && !key.IsNull("last_used_at") && !key.IsNull("expires_at"));
        var listed = await alice.Get("/v1/keys");
        listed.Text.ShouldNotContain(bob.Key[12..]);
        listed.Ok().Items("keys").Length.ShouldBe(3);

        // A second from now it ends by itself.
        var brief = await alice.Post("/v1/keys", new { agent_id = bob.Id, expires_in_seconds = 1 }).Ok();
        await server.Api.As(brief.Text("api_key")).Get("/v1/status").Ok();
        var until = DateTimeOffset.UtcNow.AddSeconds(20);
        while ((await server.Api.As(brief.Text("api_key")).Get("/v1/status")).Status == 200)
            DateTimeOffset.UtcNow.ShouldBeLessThan(until);
        await server.Api.As(brief.Text("api_key")).Get("/v1/status").Unauthorized("Invalid API key");
        await alice.Patch($"/v1/keys/{brief.Text("api_key_id")}", new { expires_in_seconds = 60 }).RefusedWith(409, "has ended");
        await alice.Post($"/v1/keys/{brief.Text("api_key_id")}/rotate").RefusedWith(409, "has ended");

        // An agent ends its own keys, and no other's.
        var old = rotated.Text("revoked_api_key_id");
        var alices = (await alice.Get($"/v1/keys?agent_id={alice.Id}").Ok()).Items("keys").Single().Text("api_key_id");
        await renewed.Delete($"/v1/agents/me/keys/{alices}").Refused(404, "API key not found");
        (await renewed.Delete($"/v1/agents/me/keys/{old}").Ok()).Texts("revoked").ShouldBe([old]);
        await bob.Get("/v1/status").Unauthorized("Invalid API key");

        // What a clean stop hands on, and what expires, is durable.
        await server.Stop();
        await server.Restart();
        var after = (await alice.At(server.Api).Get("/v1/keys").Ok()).Items("keys");
        after.Length.ShouldBe(4);
        after.Single(key => key.Text("api_key_id") == old).IsNull("last_used_at").ShouldBeFalse();
        after.Single(key => key.Text("api_key_id") == old).IsNull("revoked_at").ShouldBeFalse();
        await server.Api.As(brief.Text("api_key")).Get("/v1/status").Unauthorized("Invalid API key");
        await server.Api.As(rotated.Text("api_key")).Get("/v1/status").Ok();
    }

    [Fact]
    public async Task Old_keys_end_at_a_new_bootstrap_when_that_is_asked_for()
    {
        var project = NewProject();
        var (alice, again) = (await project.Agent("alice"), await project.Agent("alice"));
        await alice.Get("/v1/status").Ok();

        var init = await project.Init(new { project_slug = project.Slug, alias = "alice", revoke_old_keys = true }).Ok();

        foreach (var old in new[] { alice, again }) await old.Get("/v1/status").Unauthorized("Invalid API key");
        await Api.As(init.Text("api_key")).Get("/v1/status").Ok();
    }

    /// <summary>No endpoint makes such a key; an application with a Beadhub inside can.</summary>
    private static async Task Issue(string database, string key, string project)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddBeadhub(settings => settings with { DatabaseUrl = database });
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.Services.GetRequiredService<IClusterClient>().GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(key))
            .Issue(new(Guid.NewGuid().ToString(), project, null, key[..12], DateTimeOffset.UtcNow));
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> Everything(string database)
    {
        if (!database.StartsWith("sqlite:", StringComparison.Ordinal))
        {
            return (string)(await PostgresCluster.Execute(database,
                """
                SELECT coalesce((SELECT string_agg(key || ' ' || snapshot, ' ') FROM snapshots), '')
                    || (SELECT string_agg(key || ' ' || data || ' ' || coalesce(mark, ''), ' ') FROM events)
                """,
                TestContext.Current.CancellationToken))!;
        }

        var folder = Path.GetDirectoryName(database["sqlite:".Length..])!;
        var bytes = await Task
            .WhenAll(Directory.GetFiles(folder).Select(file => File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)));
        return string.Concat(bytes.Select(Encoding.Latin1.GetString));
    }
}
