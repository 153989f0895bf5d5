using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>What a real server sends to a real collector.</summary>
public sealed class TelemetryTests(PostgresCluster cluster) : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-telemetry-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Spans_nest_from_the_endpoint_over_the_grain_to_the_log(string store)
    {
        if (store == "postgres") Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        await using var collector = new OtlpReceiver();
        await using var server = await Start(collector, store == "sqlite" ? "sqlite:./data.db"
            : await cluster.CreateDatabase(TestContext.Current.CancellationToken));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var bob = await project.Agent("bob");
        await alice.MailId(bob, "A body that is nobody else's");
        await bob.Inbox();

        // Sent in groups: what ends last comes last.
        var (spans, _) = await collector.Until((spans, _) =>
            spans.Any(IsEndpoint("/v1/messages")) && spans.Any(IsEndpoint("/v1/messages/inbox"))
                && spans.Any(span => span.Name == "MailboxGrain.Deliver"));
        var byId = spans.ToDictionary(span => span.Id);

        var commit = spans.Last(span => span.Name == "log.commit" && Path(span).Contains("MailboxGrain.Deliver"));
        Path(commit).ShouldBe(["log.commit", "log.append", "MailboxGrain.Deliver", "POST /v1/messages"]);
        commit.Scope.ShouldBe("Beadhub.EventLog");
        if (store == "postgres")
            spans.ShouldContain(span => span.Scope == "Npgsql" && span.Parent == commit.Id, "the statement is part of the commit");
        // Who calls, who is written to and what must be known for it are one answer each; the rest is the delivery.
        var mail = spans.Last(span => span.Name == "POST /v1/messages");
        spans.Where(span => span.Trace == mail.Trace && span.Scope == "Beadhub.Orleans.Local").Select(span => span.Name)
            .ShouldBe(["ApiKeyGrain.Identify", "ProjectGrain.Standing", "ProjectGrain.Address", "MailboxGrain.Deliver"], ignoreOrder: true);
        // Traces of one request are one trace.
        byId.Values.Where(span => span.Parent.Length > 0 && byId.ContainsKey(span.Parent))
            .ShouldAllBe(span => span.Trace == byId[span.Parent].Trace);
        spans.Any(span =>
            span.Name.StartsWith("MailboxGrain.Inbox", StringComparison.Ordinal) && Path(span).Last() == "GET /v1/messages/inbox")
            .ShouldBeTrue("reads are seen too");
        var everything = string.Join('\n', spans.SelectMany(span => span.Tags).Select(tag => tag.Value));
        everything.ShouldNotContain("nobody else's");
        everything.ShouldNotContain(alice.Key);

        string[] Path(OtlpReceiver.Span? span)
        {
            var names = new List<string>();
            for (; span is not null; span = byId.GetValueOrDefault(span.Parent)) names.Add(span.Name);
            return [.. names];
        }
    }

    [Fact]
    public async Task Metrics_are_sent_by_the_names_that_are_documented()
    {
        await using var collector = new OtlpReceiver();
        await using var server = await Start(collector, "sqlite:./data.db");
        await new Project(server.Api).Agent("alice");
        var (_, metrics) = await collector.Until((_, metrics) => metrics.Contains("http.server.request.duration")
            && metrics.Contains("beadhub.log.batch.size"));
        metrics.ShouldBeSubsetOf(
            [.. metrics.Where(name => name.Split('.')[0] is "beadhub" or "http" or "kestrel" or "dotnet" or "db" or "dns")]);
        foreach (var name in (string[])["beadhub.grains.turns", "beadhub.grains.waiting", "beadhub.grains.activations",
            "beadhub.log.commit.duration", "beadhub.sse.clients", "beadhub.webhooks.lag"])
            metrics.ShouldContain(name);
    }

    [Fact]
    public async Task A_webhook_leaves_no_more_of_its_address_than_the_host()
    {
        await using var collector = new OtlpReceiver();
        await using var server = await Start(collector, "sqlite:./data.db");
        var alice = await new Project(server.Api).Agent("alice");
        (await alice.Post("/v1/webhooks", new { url = "http://127.0.0.1:9/path-secret?token=query-secret" })).Status
            .ShouldBeOneOf(200, 201);
        (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "One", status = "open" }))).Ok();
        var (spans, _) = await collector.Until((spans, _) => spans.Any(span => span.Scope == "System.Net.Http"));
        spans.First(span => span.Scope == "System.Net.Http").Tags["url.full"].ShouldBe("http://127.0.0.1:9/");
        string.Join('\n', spans.Select(span => $"{span.Name} {string.Join(' ', span.Tags)}")).ShouldNotContain("-secret");
    }

    [Fact]
    public async Task An_event_of_a_hive_is_followed_from_site_to_site()
    {
        await using var collector = new OtlpReceiver();
        await using var here = await Start(collector, "sqlite:./here.db", ("BEADHUB_ADMIN_KEY", Api.AdminKey));
        await using var there = await Start(collector, "sqlite:./there.db", ("BEADHUB_ADMIN_KEY", Api.AdminKey));
        var made = await here.Api.Post("/api/v1/agents/register", new { name = "alice" });
        var alice = here.Api.As(made.Json.Text("api_key"));
        (await alice.Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
        (await here.Api.As(Api.AdminKey).Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
        (await there.Api.As(Api.AdminKey).Post("/api/v1/sync/peers",
            new { name = "here", sync_endpoint = new Uri(here.Api.Address, "sync/v1"), shared_hives = new[] { "eng" } })).Ok();
        await collector.Until((spans, _) => spans.Any(static span => span.Name == "mesh.pull"));
        (await alice.Post("/api/v1/posts", new { hive = "eng", title = "one", content = "nobody else's text" })).Status.ShouldBe(201);

        // The other site verifies and stores in the trace of the push, which names group, peer and place.
        var (spans, _) = await collector.Until((spans, _) => spans.Any(span => Trace(spans, span) is ["mesh.push", ..]));
        var stored = spans.First(span => Trace(spans, span) is ["mesh.push", ..]);
        Trace(spans, stored).ShouldContain("POST /sync/v1/groups/{id}/events");
        var push = spans.First(span => span.Trace == stored.Trace && span.Name == "mesh.push");
        push.Scope.ShouldBe("Beadhub.Mesh");
        (push.Tags["beadhub.mesh.group"], push.Tags.ContainsKey("beadhub.mesh.peer"), push.Tags.ContainsKey("beadhub.mesh.since"))
            .ShouldBe(("eng", true, true));
        string.Join('\n', spans.SelectMany(static span => span.Tags).Select(static tag => tag.Value)).ShouldNotContain("nobody else's");

        // From the site that sends to the grain of the other that takes it in.
        static string[] Trace(OtlpReceiver.Span[] spans, OtlpReceiver.Span? span)
        {
            if (span?.Name != "HiveSyncGroupGrain.Ingest") return [];
            var names = new List<string>();
            for (; span is not null; span = Array.Find(spans, one => one.Id == span.Parent)) names.Insert(0, span.Name);
            return [.. names];
        }
    }

    [Fact]
    public async Task A_server_whose_collector_is_away_works_and_ends_soon()
    {
        await using var server = await ServerProcess.Start(_folder.FullName, Settings("http://127.0.0.1:9", "sqlite:./data.db"));
        await new Project(server.Api).Agent("alice");
        var begun = System.Diagnostics.Stopwatch.GetTimestamp();
        await server.Stop();
        System.Diagnostics.Stopwatch.GetElapsedTime(begun).ShouldBeLessThan(TimeSpan.FromSeconds(12));
    }

    private static Func<OtlpReceiver.Span, bool> IsEndpoint(string route) => span => span.Name.EndsWith(' ' + route);

    private Task<ServerProcess> Start(OtlpReceiver collector, string database, params (string Name, string Value)[] more)
    {
        var settings = Settings(collector.Url, database);
        foreach (var (name, value) in more) settings[name] = value;
        return ServerProcess.Start(_folder.FullName, settings);
    }

    private static Dictionary<string, string> Settings(string collector, string database) => new()
    {
        ["BEADHUB_DATABASE_URL"] = database,
        ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
    };
}
