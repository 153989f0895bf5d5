using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary><c>/metrics</c> of a real server.</summary>
public sealed class MetricsTests : IDisposable
{
    private const string Served = "http_server_request_duration_seconds_count";

    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-metrics-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Values_move_with_requests()
    {
        await using var server = await Start();
        await Read(server.Api); // from here on it measures
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var bob = await project.Agent("bob");
        var before = await Read(server.Api);
        before.Sum(Served, "http_route=\"/v1/init\"", "http_response_status_code=\"200\"", "http_request_method=\"POST\"").ShouldBe(2);
        before.Sum("beadhub_grains_activations", "grain=\"ProjectGrain\"").ShouldBe(1);

        for (var i = 0; i < 5; i++) await alice.MailId(bob);
        (await alice.Get("/v1/status")).Status.ShouldBe(200);
        (await server.Api.Get("/v1/status")).Status.ShouldBe(401);
        (await server.Api.Get("/nothing/here")).Status.ShouldBe(404);
        var after = await Read(server.Api);
        (after.Sum(Served, "http_route=\"/v1/messages\"") - before.Sum(Served, "http_route=\"/v1/messages\"")).ShouldBe(5);
        after.Sum(Served, "http_route=\"/v1/status\"", "http_response_status_code=\"401\"").ShouldBe(1);
        (after.Sum("beadhub_grains_turns_total", "grain=\"MailboxGrain\"") - before
            .Sum("beadhub_grains_turns_total", "grain=\"MailboxGrain\"")).ShouldBeGreaterThanOrEqualTo(5);
        (after.Sum("beadhub_log_batch_size_sum") - before.Sum("beadhub_log_batch_size_sum")).ShouldBeGreaterThanOrEqualTo(5);
        after.Sum("beadhub_log_commit_duration_seconds_sum").ShouldBeGreaterThan(before.Sum("beadhub_log_commit_duration_seconds_sum"));
        after.Sum("dotnet_process_memory_working_set_bytes").ShouldBeGreaterThan(1_000_000);
    }

    [Fact]
    public async Task Streams_and_their_lag_are_seen_while_they_last()
    {
        await using var server = await Start();
        (await Read(server.Api)).Sum("beadhub_sse_clients").ShouldBe(0);
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        await using (var stream = await alice.Stream())
        {
            await using var events = await alice.Events();
            (await Read(server.Api)).Sum("beadhub_sse_clients", "stream=\"status\"").ShouldBe(1);
            (await Read(server.Api)).Sum("beadhub_sse_clients", "stream=\"events\"").ShouldBe(1);
            (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "One", status = "open" }))).Ok();
            (await alice.Claim("bd-1")).Ok();
            (await stream.Next()).ShouldNotBeNull();
            var read = await Read(server.Api);
            read.Sum("beadhub_feed_lag_seconds_count").ShouldBeGreaterThanOrEqualTo(1);
            read.Types["beadhub_sse_lag"].ShouldBe("gauge");
        }

        await Until(server.Api, scrape => scrape.Sum("beadhub_sse_clients") == 0);
    }

    [Fact]
    public async Task Webhooks_that_are_not_taken_show()
    {
        await using var server = await Start();
        await Read(server.Api);
        var alice = await new Project(server.Api).Agent("alice");
        // Nobody listens on the discard port.
        (await alice.Post("/v1/webhooks", new { url = "http://127.0.0.1:9/hook" })).Status.ShouldBeOneOf(200, 201);
        (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "One", status = "open" }))).Ok();
        (await alice.Claim("bd-1")).Ok();
        await Until(server.Api, scrape => scrape.Sum("beadhub_webhooks_delivery_duration_seconds_count", "outcome=\"failed\"") > 0
            && scrape.Sum("beadhub_webhooks_lag") > 0 && scrape.Sum("beadhub_webhooks_wait_seconds") > 0
                && scrape.Sum("beadhub_webhooks_endpoints") == 1);
    }

    [Fact]
    public async Task Nothing_in_it_names_a_project_an_agent_a_path_or_an_address()
    {
        await using var server = await Start();
        await Read(server.Api);
        var project = new Project(server.Api, "unmistakable-slug");
        var alice = await project.Agent("unmistakable-alias");
        (await alice.Get("/v1/policies/unmistakable-id")).Status.ShouldNotBe(200);
        (await alice.Get("/unmistakable-path?unmistakable-query=1")).Status.ShouldBe(404);
        await server.Api.Open(new(new HttpMethod("UNMISTAKABLE"), "/v1/status"));
        (await alice.Post("/v1/webhooks", new { url = "http://127.0.0.1:9/unmistakable-hook" })).Status.ShouldBeOneOf(200, 201);
        var text = (await server.Api.Get("/metrics")).Text;
        text.ShouldNotContain("unmistakable", Case.Insensitive);
        text.ShouldNotContain(alice.ProjectId);
        text.ShouldNotContain(alice.Id);
        text.ShouldNotContain("127.0.0.1");
        text.ShouldNotContain(_folder.FullName);
    }

    [Fact]
    public async Task A_forwarded_request_sees_nothing_unless_the_operator_says_so()
    {
        var forwarded = ("X-Forwarded-For", "203.0.113.7");
        await using (var server = await Start())
        {
            (await server.Api.Get("/metrics")).Status.ShouldBe(200);
            (await server.Api.With(forwarded).Get("/metrics")).Status.ShouldBe(404);
        }

        await using (var server = await Start("all")) (await server.Api.With(forwarded).Get("/metrics")).Status.ShouldBe(200);
        await using (var server = await Start("off")) (await server.Api.Get("/metrics")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Failures_are_counted_from_the_start_and_nothing_is_named_as_Prometheus_does_not_like_it()
    {
        await using var server = await Start();
        (await Read(server.Api)).Samples["beadhub_log_failures_total"].ShouldBe(0);
        await (await new Project(server.Api).Agent("alice")).Get("/v1/status");
        var text = (await server.Api.Get("/metrics")).Text;

        foreach (var type in text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)))
            if (type.Split(' ') is [_, _, var name, not "histogram"]) name.ShouldNotEndWith("_count");
        if (OperatingSystem.IsWindows()) return;
        var file = Path.Combine(_folder.FullName, "metrics");
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        (await Deploy.Script.Try("sh", "-c", $"! command -v promtool > {file}.at || promtool check metrics < '{file}'")).ShouldBe((0, ""));
    }

    private Task<ServerProcess> Start(string? access = null)
    {
        var settings = new Dictionary<string, string> { ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true" };
        if (access is not null) settings["BEADHUB_METRICS"] = access;
        return ServerProcess.Start(_folder.FullName, settings);
    }

    private static async Task<Scrape> Read(Api api)
    {
        using var response = await api.Open(new(HttpMethod.Get, "/metrics"));
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        return Scrape.Parse(await response.Content.ReadAsStringAsync());
    }

    // What happens in the background is seen at one of the next readings.
    private static async Task Until(Api api, Func<Scrape, bool> holds)
    {
        for (var tries = 0; ; tries++)
        {
            var scrape = await Read(api);
            if (holds(scrape)) return;
            tries.ShouldBeLessThan(600, string.Join('\n',
                scrape.Samples.Where(sample => sample.Key.StartsWith("beadhub_", StringComparison.Ordinal))));
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
