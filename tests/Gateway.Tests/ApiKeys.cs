using System.Security.Cryptography;
using System.Text;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Hosting;
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
