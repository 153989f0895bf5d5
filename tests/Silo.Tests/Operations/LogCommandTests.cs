using System.Text.Json;
using Beadhub.Feed;
using Beadhub.Silo.LogReading;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary><c>beadhub log</c>, beside a running server and without one.</summary>
public sealed class LogCommandTests(PostgresCluster cluster) : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-log-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_projects_feed_and_its_streams_are_printed_beside_the_server_without_secrets(string store)
    {
        if (store == "postgres") Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var database = store == "sqlite"
            ? $"sqlite:{_folder.FullName}/data.db" : await cluster.CreateDatabase(TestContext.Current.CancellationToken);
        (string, string)[] settings = [("BEADHUB_DATABASE_URL", database)];
        await using var server = await ServerProcess.Start(_folder.FullName,
            new Dictionary<string, string> { ["BEADHUB_DATABASE_URL"] = database, ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true",
            ["AWEB_CUSTODY_KEY"] = new string('a', 64) });
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var bob = await project.Agent("bob");
        await alice.MailId(bob, "mail-body-sesame42", "mail-subject-sesame42");
        await alice.Chat("chat-body-sesame42", bob);
        var secret = (await alice.Post("/v1/webhooks", new { url = "http://127.0.0.1:9/path-sesame42?sig=query-sesame42" })).Json
            .Text("secret");
        await alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "once"))
            .Post("/v1/messages", new { to_agent_id = bob.Id, body = "again-sesame42" });

        var run = await CommandRun.Of(_folder.FullName, settings, "log", "--project", project.Slug);
        run.ExitCode.ShouldBe(0, run.Error);
        var lines = run.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        lines.Select(line => line.Number("position")).ShouldBe(Enumerable.Range(1, lines.Count));
        lines.Select(line => line.Text("type")).ShouldAllBe(type => type.EndsWith(".v1", StringComparison.Ordinal)
            || type.EndsWith(".v2", StringComparison.Ordinal));
        lines.ShouldContain(line =>
            line.Text("type") == "mail.delivered.v1" && line.At("data").Text("from_alias") == "alice"
            && line.At("data").Text("body") == "[18 characters]");
        lines.ShouldContain(line => line.Text("type") == "webhook.registered.v2" && line.At("data").Text("url") == "http://127.0.0.1:9/…");
        lines.ShouldContain(line => line.Text("type") == "request.carried_out.v1" && line.At("data").Text("_request") == "[hidden]");
        // the answer follows from the mail's result, in the mail's own commit
        lines.ShouldNotContain(line => line.Text("type") == "request.answered.v1");
        foreach (var hidden in (string[])[secret, "sesame42", alice.Key]) run.Output.ShouldNotContain(hidden);
        lines.Where(line => line.Text("type") == "project.agent_joined.v1")
            .ShouldAllBe(line => line.At("data").Text("sealed_seed") == "[hidden]");

        var texts = await CommandRun.Of(_folder.FullName, settings, "log", "--project", alice.ProjectId, "--texts", "--after", "1", "--max",
            "1000");
        texts.Lines.Length.ShouldBeGreaterThanOrEqualTo(lines.Count - 1); // the failing webhook goes on
        texts.Output.ShouldContain("mail-body-sesame42");
        texts.Output.ShouldContain("chat-body-sesame42");
        foreach (var hidden in (string[])[secret, "path-sesame42", "query-sesame42", alice.Key]) texts.Output.ShouldNotContain(hidden);

        var stream = await CommandRun.Of(_folder.FullName, settings, "log", "--stream", $"mailbox/{alice.ProjectId}/{bob.Id}", "--max",
            "1");
        stream.Lines.Length.ShouldBe(1);
        JsonDocument.Parse(stream.Output).RootElement.Number("version").ShouldBe(1);

        // The instance's own: keys only by the beginning of their hash.
        var instance = await CommandRun.Of(_folder.FullName, settings, "log", "--project", "-");
        instance.Lines.ShouldContain(line => line.Contains("\"api_key.issued.v1\""));
        foreach (var line in instance.Lines.Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.Text("kind") == "api_key")) line.Text("key").Length.ShouldBe(9);

        // The server was not hindered.
        await alice.MailId(bob);
    }

    [Fact]
    public async Task It_follows_what_comes()
    {
        await using var server = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>());
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        using var following = CommandRun.Start(_folder.FullName, [], "log", "--project", project.Slug, "--follow");
        _ = following.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await Until("project.agent_joined.v1");
            await alice.MailId(alice, "later");
            await Until("mail.delivered.v1");
        }
        finally
        {
            following.Kill();
            await following.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        async Task Until(string type)
        {
            while (await following.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(TimeSpan.FromSeconds(30)) is { } line)
                if (JsonDocument.Parse(line).RootElement.Text("type") == type) return;
            throw new InvalidOperationException($"It ended before {type}.");
        }
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_is_said_to()
    {
        await using (var server = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>()))
            await new Project(server.Api).Agent("alice");

        var run = await CommandRun.Of(_folder.FullName, [], "log", "--stream", "foo/bar");

        (run.ExitCode, run.Output, run.Error.Trim()).ShouldBe((1, "", "beadhub: there is no stream 'foo/bar'"));
    }

    [Fact]
    public async Task What_cannot_be_read_is_said()
    {
        (await CommandRun.Of(_folder.FullName, [], "log", "--project", "x")).ShouldSatisfyAllConditions(
            run => run.ExitCode.ShouldBe(1), run =>
                run.Error.ShouldContain("There is no event log"), run =>
                System.IO.Directory.GetFileSystemEntries(_folder.FullName).ShouldBeEmpty());
        (await CommandRun.Of(_folder.FullName, [], "log")).Error.ShouldContain("--project or --stream");
        (await CommandRun.Of(_folder.FullName, [], "log", "--stream", "x")).Error.ShouldContain("KIND/KEY");
        await using (await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>()))
            (await CommandRun.Of(_folder.FullName, [], "log", "--project", "none")).Error.ShouldContain("no project 'none'");
        (await CommandRun.Of(_folder.FullName, [("BEADHUB_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:9/x")], "log", "--project", "x"))
            .ShouldSatisfyAllConditions(
            run => run.ExitCode.ShouldBe(1), run => run.Error.ShouldContain("127.0.0.1:9/x"), run => run.Error.ShouldNotContain("hunter2"));
    }

    [Fact]
    public void A_field_that_nobody_has_thought_of_does_not_show_a_text()
    {
        var stored = new FeedEvent("p", 1, "kind", "key", 1, "new.v1",
            $$"""{ "novel":"{{new string('x', 500)}}","lines":["a\nb"],"id":"short","nested":{"token":"t","n":1,"none":null } }""",
            DateTimeOffset.UnixEpoch);
        var data = JsonDocument.Parse(LogLine.Of(stored, texts: false)).RootElement.At("data");
        data.Text("novel").ShouldBe("[500 characters]");
        data.Texts("lines").ShouldBe(["[3 characters]"]);
        data.Text("id").ShouldBe("short");
        data.At("nested").Text("token").ShouldBe("[hidden]");
        data.At("nested").Number("n").ShouldBe(1);
        LogLine.Of(stored with { Data = "no json" }, texts: false).ShouldContain("[7 characters]");
        LogLine.Of(stored with { Data = """{"secret":"s","body":"b"}""" }, texts: true)
            .ShouldContain("""{"secret":"[hidden]","body":"b"}""");
    }
}
