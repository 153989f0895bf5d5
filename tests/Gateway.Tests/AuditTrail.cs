using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Who has changed what others may do, and what was deleted, is noted; refused logins are counted.</summary>
public abstract class AuditTrailContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task What_was_done_is_noted_with_who_did_it_and_in_the_log()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var admin = server.Api.As(Api.AdminKey);

        var policy = (await alice.Post("/v1/policies/reset", "null").Ok()).Text("active_policy_id");
        var key = await admin.Post($"/v1/projects/{alice.ProjectId}/keys", new { agent_id = bob.Id }).Ok();
        await bob.Post("/v1/policies/reset", "null").RefusedWith(403, "lead");
        await alice.Put($"/v1/roles/{bob.Id}", new { role = "observer" }).Ok();
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();

        await bob.Get("/v1/audit").Unauthorized("Invalid API key");
        var answer = await alice.Get("/v1/audit");
        foreach (var secret in new[] { alice.Key, bob.Key, key.Text("api_key") }) answer.Text.ShouldNotContain(secret[12..]);
        var entries = answer.Ok().Items("entries");
        entries.Select(entry => $"{entry.Text("action")} {entry.Text("by")} {entry.Maybe("by_alias")} {entry.Text("target")}").ShouldBe([
            $"workspace.deleted agent alice {bob.Id}", $"role.given agent alice {bob.Id}",
            $"key.issued administrator  {key.Text("api_key_id")}", $"policy.reset agent alice {policy}",
            $"agent.joined agent bob {bob.Id}", $"agent.joined agent alice {alice.Id}",
        ]);
        entries[1].Text("detail").ShouldBe("bob: observer");

        var page = await admin.Get($"/v1/projects/{alice.ProjectId}/audit?limit=2&before={entries[1].Number("number")}").Ok();
        page.Pluck("entries", "action").ShouldBe(["key.issued", "policy.reset"]);
        page.Flag("has_more").ShouldBeTrue();
        (await admin.Get($"/v1/projects/{alice.ProjectId}/audit?before=1").Ok()).Items("entries").ShouldBeEmpty();
        await admin.Get($"/v1/projects/{Guid.NewGuid()}/audit").Refused(404, "Project not found");

        var lines = server.Output.Where(line => line.Contains("audit: ", StringComparison.Ordinal)).ToArray();
        lines.Length.ShouldBe(6);
        lines[2].ShouldContain("policy.reset");
        lines.ShouldAllBe(line => !line.Contains("aw_sk_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refused_logins_are_counted_and_not_listed()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, admin) = (await project.Agent("alice"), server.Api.As(Api.AdminKey));
        var old = (await admin.Get($"/v1/projects/{alice.ProjectId}/keys").Ok()).Items("keys").Single().Text("api_key_id");
        var again = await project.Agent("alice");
        await admin.Delete($"/v1/projects/{alice.ProjectId}/keys/{old}").Ok();

        for (var i = 0; i < 300; i++) await server.Api.As($"aw_sk_{Guid.NewGuid():n}").Get("/v1/agents").Unauthorized("Invalid API key");
        await alice.Get("/v1/agents").Unauthorized("Invalid API key");
        await server.Api.As("not-the-administrators-key").Get("/v1/projects").Refused(403, "Administrators only");
        // Who brings no credentials has not tried any.
        await server.Api.Get("/v1/agents").Unauthorized();

        var entries = await Until(async () => (await admin.Get("/v1/instance/audit").Ok()).Items("entries"));
        entries.ShouldAllBe(entry => entry.Text("action") == "login.refused" && entry.Text("by") == "stranger");
        entries.Length.ShouldBeLessThan(3);
        entries[0].Text("detail").ShouldStartWith("from 127.0.0.1 (");
        // A stop writes what was counted since.
        await server.Stop();
        await server.Restart();
        admin = server.Api.As(Api.AdminKey);
        entries = (await admin.Get("/v1/instance/audit").Ok()).Items("entries");
        entries.Sum(entry => entry.Number("count")).ShouldBe(302);
        var ended = (await again.At(server.Api).Get("/v1/audit").Ok()).Items("entries")
            .Where(entry => entry.Text("action") == "login.refused").ToArray();
        ended.ShouldAllBe(entry => entry.Text("target") == old);
        ended.Length.ShouldBeLessThanOrEqualTo(1);
    }

    private static async Task<System.Text.Json.JsonElement[]> Until(Func<Task<System.Text.Json.JsonElement[]>> read)
    {
        var until = DateTimeOffset.UtcNow.AddSeconds(60);
        while (true)
        {
            if (await read() is { Length: > 0 } found) return found;
            DateTimeOffset.UtcNow.ShouldBeLessThan(until);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
