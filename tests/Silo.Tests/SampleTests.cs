using Beadhub.Testing;

namespace Beadhub.Silo.Tests;

/// <summary>The sample of an application with a Beadhub inside, run as a user would.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly DirectoryInfo folder = System.IO.Directory.CreateTempSubdirectory("beadhub-sample-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Agents_use_the_hub_under_its_prefix_and_the_application_its_grains()
    {
        await using var sample = await ServerProcess.StartSample(folder.FullName, new Dictionary<string, string>());
        var init = await sample.Api.Post("/beadhub/v1/init",
            new { project_slug = "acme", alias = "alice", repo_origin = "git@github.com:acme/demo.git" });
        var alice = sample.Api.As(init.Ok().Text("api_key"));

        using var watching = await sample.Api.Open(new HttpRequestMessage(HttpMethod.Get, "/watch/acme"));
        using var lines = new StreamReader(await watching.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var sync = new
        {
            workspace_id = init.Ok().Text("workspace_id"),
            alias = "alice",
            human_name = "Ann",
            repo_origin = "git@github.com:acme/demo.git",
            sync_mode = "incremental",
            changed_issues = Jsonl.Of(new { id = "bd-1", title = "Lay the table", status = "in_progress" },
                new { id = "bd-2", title = "Wash up", status = "open" }),
            command_line = "update bd-1 --status in_progress",
        };
        (await alice.Post("/beadhub/v1/bdh/sync", sync)).Ok();

        (await lines.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe("alice claimed Lay the table");
        var ready = (await sample.Api.Get("/ready/acme")).Ok();
        ready.EnumerateArray().Select(issue => issue.GetProperty("beadId").GetString())
            .ShouldBe(["bd-2"], "the application keeps its own JSON");
        (await sample.Api.Get("/ready/none")).Status.ShouldBe(404);
        (await sample.Api.Get("/v1/status")).Status.ShouldBe(404);
        var document = (await sample.Api.Get("/beadhub/openapi/v1.json")).Ok().GetProperty("components").GetRawText();
        document.ShouldContain("\"project_id\"", Case.Sensitive);
        document.ShouldNotContain("\"projectId\"", Case.Sensitive);
    }

    [Fact]
    public async Task The_settings_hold_there_too()
    {
        await using var sample = await ServerProcess.StartSample(folder.FullName, new Dictionary<string, string>
        {
            ["BEADHUB_TRUSTED_PROXIES"] = "127.0.0.1",
            ["BEADHUB_JOIN"] = "open",
            ["BEADHUB_INIT_RATE_LIMIT"] = "2",
            ["BEADHUB_DRAIN_SECONDS"] = "2",
        });
        var init = await sample.Api.With(("X-Forwarded-For", "192.0.2.1"))
            .Post("/beadhub/v1/init", new { project_slug = "acme", alias = "alice" });
        var alice = sample.Api.As(init.Ok().Text("api_key"));

        // Whom a proxy speaks for has a limit of their own.
        (await sample.Api.With(("X-Forwarded-For", "192.0.2.1")).Post("/beadhub/v1/init", new { project_slug = "acme", alias = "bob" }))
            .Ok();
        (await sample.Api.With(("X-Forwarded-For", "192.0.2.1")).Post("/beadhub/v1/init", new { project_slug = "acme" })).Status
            .ShouldBe(429);
        (await sample.Api.With(("X-Forwarded-For", "192.0.2.2")).Post("/beadhub/v1/init", new { project_slug = "acme" })).Status
            .ShouldBe(200);

        // The limit of a body is Beadhub's, which is above the web server's.
        var body = new string(' ', 31 * 1024 * 1024);
        (await alice.Post("/beadhub/v1/bdh/command", $"{{{body}}}")).Status.ShouldBe(422);

        var chat = (await alice.Post("/beadhub/v1/chat/sessions", new { to_aliases = new[] { "bob" }, message = "Are you there?" })).Ok();
        chat.Text("sse_url").ShouldBe($"/beadhub/v1/chat/sessions/{chat.Text("session_id")}/stream");
        (await sample.Api.Get("/beadhub/")).Ok().Text("docs").ShouldBe("/beadhub/docs");
        (await sample.Api.With(("Host", "evil.example")).Get("/beadhub/health")).Status.ShouldBe(403);
        (await sample.Api.With(("Host", "evil.example")).Get("/ready/none")).Status
            .ShouldBe(404, "the application's own pages are its own");

        // Told to stop, it is out of the balancer's sight, and serves on.
        (await sample.Api.Get("/beadhub/health/ready")).Status.ShouldBe(200);
        var stopping = sample.Stop();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while ((await sample.Api.Get("/beadhub/health/ready")).Status == 200) watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        (await alice.Get("/beadhub/v1/status")).Status.ShouldBe(200);
        await stopping;
    }
}
