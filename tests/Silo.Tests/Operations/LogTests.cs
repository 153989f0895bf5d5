using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>What a real server prints when it says as much as it can.</summary>
public sealed class LogTests : IDisposable
{
    private const string Database = "database-password-sesame42";
    private const string Proxy = "proxy-secret-sesame42";

    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-logs-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task No_key_token_text_or_signed_address_is_ever_printed()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        await using var cluster = new PostgresCluster(); // of its own: it is stopped
        var settings = Settings();
        // Nobody asks for the password of the test's own cluster; what matters is that it is in the settings.
        settings["BEADHUB_DATABASE_URL"] = (await cluster.CreateDatabase(TestContext.Current.CancellationToken))
            .Replace("postgres@", $"postgres:{Database}@");
        await using var server = await ServerProcess.Start(_folder.FullName, settings);
        var secrets = new List<string> { Database, Proxy, settings["AWEB_CUSTODY_KEY"] };
        var alice = await Tour(server.Api, secrets);
        await cluster.Stop(crash: true);
        try
        {
            // What fails because of the database is told at length.
            (await server.Api.As("aw_sk_while-away-sesame42").Get("/v1/status")).Status.ShouldBe(503);
            (await alice.Post("/v1/messages",
                new { to_alias = "bob", subject = "subject-away-sesame42", body = "body-away-sesame42" })).Status.ShouldBe(503);
        }
        finally
        {
            await cluster.Start(TestContext.Current.CancellationToken);
        }

        await server.Stop();
        var printed = string.Join('\n', server.Output);
        secrets.AddRange(["while-away-sesame42", "subject-away-sesame42", "body-away-sesame42"]);
        foreach (var secret in secrets)
            server.Output.Where(line => line.Contains(secret, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
        server.Output.Where(line => line.Contains("sesame42", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
        printed.ShouldContain("was lost with its connection", Case.Sensitive, "the outage was told");
        printed.ShouldContain("\"route\":\"/v1/messages\"");
    }

    [Fact]
    public async Task Requests_are_logged_by_their_template_with_status_duration_and_id_at_debug_only()
    {
        await using (var server = await ServerProcess.Start(_folder.FullName, Settings()))
        {
            var alice = await new Project(server.Api).Agent("alice");
            (await server.Api.With(("Authorization", $"Bearer {alice.Key}"), ("X-Request-ID", "from-the-proxy.1"))
                .Get($"/v1/beads/bd-1/claims")).Status.ShouldBe(200);
            (await server.Api.Get("/no/such/path")).Status.ShouldBe(404);
            await server.Stop();
            var lines = server.Output.Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            lines.ShouldAllBe(line => line.Has("timestamp") && line.Has("level") && line.Has("logger") && line.Has("message"));
            var requests = lines.Where(line => line.Text("logger") == "Beadhub.Gateway.Requests").ToList();
            var asked = requests.Single(line => line.Has("request_id") && line.Text("request_id") == "from-the-proxy.1");
            asked.Text("level").ShouldBe("debug");
            asked.Text("method").ShouldBe("GET");
            asked.Text("route").ShouldMatch(@"^/v1/beads/\{\w+\}/claims$");
            asked.Number("status").ShouldBe(200);
            asked.At("duration_ms").GetDouble().ShouldBeGreaterThan(0);
            requests.ShouldContain(line => line.Text("route") == "(none)" && line.Number("status") == 404);
        }

        var quiet = Settings();
        quiet.Remove("BEADHUB_LOG_LEVEL");
        await using (var server = await ServerProcess.Start(_folder.FullName, quiet))
        {
            await new Project(server.Api).Agent("alice");
            await server.Stop();
            server.Output.ShouldAllBe(line => !line.Contains("Beadhub.Gateway.Requests"));
        }
    }

    [Fact]
    public async Task Lines_for_people_hold_no_more()
    {
        var settings = Settings();
        settings["BEADHUB_LOG_JSON"] = "false";
        await using var server = await ServerProcess.Start(_folder.FullName, settings);
        await Tour(server.Api, []);
        await server.Stop();
        var printed = string.Join('\n', server.Output);
        server.Output.Where(line => line.Contains("sesame42", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
        printed.ShouldContain("debug Beadhub.Gateway.Requests: POST /v1/messages answered 200");
    }

    /// <summary>Everything that carries a text which is nobody else's, going well and going wrong. All of them end in sesame42, or are
    /// added to the list.</summary>
    private static async Task<Agent> Tour(Api api, List<string> secrets)
    {
        var project = new Project(api);
        var alice = await project.Agent("alice", "Ada-sesame42");
        var bob = await project.Agent("bob");
        secrets.AddRange([alice.Key, bob.Key, alice.Key["aw_sk_".Length..]]);
        await alice.MailId(bob, "mail-body-sesame42", "mail-subject-sesame42");
        (await alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "idempotency-key-sesame42"))
            .Post("/v1/messages", new { to_agent_id = bob.Id, body = "repeated-body-sesame42" })).Status.ShouldBe(200);
        var session = (await alice.Chat("chat-body-sesame42", bob)).Text("session_id");
        await bob.Say(session, "chat-answer-sesame42");
        await using (var listener = await bob.Listen(session)) await alice.Say(session, "streamed-body-sesame42");
        (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "bead-title-sesame42", status = "open", description = "bead-text-sesame42" }),
            "create bd-1 'command-line-sesame42'")).Ok();
        (await alice.Claim("bd-1", "bead-title-sesame42")).Ok();
        (await alice.Post("/v1/escalations",
            new { workspace_id = alice.Id, alias = alice.Alias, subject = "escalation-sesame42", situation = "situation-sesame42" }))
            .ShouldNotBeNull();
        (await alice.Post("/v1/reservations", new { resource_key = "lock-key-sesame42", ttl_seconds = 60 })).Status.ShouldBe(200);

        // Webhooks that cannot be delivered, at addresses that are secrets themselves.
        var hook = await alice.Post("/v1/webhooks", new { url = "http://127.0.0.1:9/path-sesame42?token=query-sesame42" });
        hook.Status.ShouldBeOneOf(200, 201);
        secrets.Add(hook.Json.Text("secret"));
        (await alice.Post("/v1/webhooks", new { url = "http://no-such-host.invalid/path-sesame42?token=query-sesame42" }))
            .ShouldNotBeNull();
        (await alice.Post("/v1/webhooks", new { url = "ftp://user:userinfo-sesame42@host/x" })).Status.ShouldBe(422);
        (await alice.Claim("bd-1")).Ok();

        // Credentials of all sorts that are no good.
        (await api.As("aw_sk_wrong-key-sesame42").Get("/v1/status")).Status.ShouldBe(401);
        (await api.With(("Authorization", "Basic dXNlcjpiYXNpYy1RNw-sesame42==")).Get("/v1/status")).Status.ShouldBe(401);
        (await api.With(("X-BH-Auth", "v2:forged-sesame42:u:x:y:0000"), ("X-Project-ID", alice.ProjectId)).Get("/v1/status")).Status
            .ShouldBe(401);
        (await api.With(ProxyHeaders.User(alice.ProjectId, "user-sesame42", alice.Id, Proxy)).Get("/v1/status")).ShouldNotBeNull();

        // Bodies, queries and paths that are not what they should be.
        foreach (var body in (string[])["{\"password\":\"malformed-sesame42\"", "malformed-sesame42", "[\"malformed-sesame42\"]",
            "{\"to_alias\":{\"malformed-sesame42\":1},\"body\":\"malformed-sesame42\"}", "\"\\ud800 malformed-sesame42\""])
        {
            foreach (var path in (string[])["/v1/messages", "/v1/init", "/v1/bdh/sync", "/v1/webhooks", "/v1/beads/upload", "/mcp",
                "/v1/tasks", "/v1/escalations"])
                (await alice.Post(path, Api.Raw(Encoding.UTF8.GetBytes(body)))).Status.ShouldBeInRange(200, 499);
        }

        (await alice.Get("/v1/beads/issues?cursor=cursor-sesame42&status=status-sesame42")).Status.ShouldBeInRange(200, 499);
        (await alice.Get("/v1/policies/path-sesame42?token=query-sesame42")).Status.ShouldBeInRange(400, 499);
        (await alice.Get("/path-sesame42/%00?token=query-sesame42")).Status.ShouldBeInRange(400, 499);
        (await alice.Post("/mcp",
            new { jsonrpc = "2.0", id = 1, method = "tools/call",
            @params = new { name = "tool-sesame42", arguments = new { text = "argument-sesame42" } } })).ShouldNotBeNull();
        using var odd = await api.Open(new HttpRequestMessage(new HttpMethod("METHOD-sesame42"), "/v1/status"));
        return alice;
    }

    private static Dictionary<string, string> Settings() => new()
    {
        ["BEADHUB_LOG_LEVEL"] = "trace",
        ["BEADHUB_LOG_JSON"] = "true",
        ["BEADHUB_INTERNAL_AUTH_SECRET"] = Proxy,
        ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true",
        ["AWEB_CUSTODY_KEY"] = string.Concat(Enumerable.Repeat("c0ffee97", 8)),
    };
}
