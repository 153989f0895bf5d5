using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>The backup and restore scripts: what a restored server answers is what the first one answers.</summary>
public sealed partial class BackupTests(PostgresCluster cluster) : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-backup-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_restored_server_answers_as_the_first_one_and_goes_on(string store)
    {
        if (store == "postgres") Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var (first, second) = store == "sqlite"
            ? ($"sqlite:{_folder.FullName}/first/data.db", $"sqlite:{_folder.FullName}/second/data.db")
            : (await cluster.CreateDatabase(Cancellation), await cluster.CreateDatabase(Cancellation));
        var file = Path.Combine(_folder.FullName, "backup");
        Team team;
        // Taken while the server runs and writes.
        await using (var server = await Start(first))
        {
            team = await Team.Fill(server.Api);
            using var busy = new CancellationTokenSource();
            var writing = KeepWriting(await new Project(server.Api).Agent("busy"), busy.Token);
            await Script.Run(Script.PathOf("postgres/backup.sh"), first, file);
            await busy.CancelAsync();
            await writing;
        }

        await Script.Run(Script.PathOf("postgres/restore.sh"), file, second);
        // Both freshly started: presence, which is in no backup, is the same of both.
        await using var original = await Start(first);
        await using var restored = await Start(second);
        var expected = await team.Read(original.Api);
        var actual = await team.Read(restored.Api);
        actual.Keys.ShouldBe(expected.Keys);
        foreach (var (path, answer) in expected) (actual[path] == answer).ShouldBeTrue($"{path}\n{answer}\n{actual[path]}");
        (await Feed(second, team.Alice.ProjectId)).ShouldBe(await Feed(first, team.Alice.ProjectId));

        // Keys still work, and the feed goes on where it ended.
        var alice = team.Alice.At(restored.Api);
        await using var stream = await alice.Stream(lastEventId: "0");
        await alice.MailId(team.Bob.At(restored.Api), "after the restore");
        (await team.Bob.At(restored.Api).Inbox())[0].Text("body").ShouldBe("after the restore");
        (await Feed(second, alice.ProjectId)).Length.ShouldBeGreaterThan((await Feed(first, alice.ProjectId)).Length);
        (await stream.Next()).Position.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Nothing_is_restored_over_a_log_that_is_there()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        await using (await Start(url))
        {
        }

        var file = Path.Combine(_folder.FullName, "backup");
        await Script.Run(Script.PathOf("postgres/backup.sh"), url, file);
        var (code, output) = await Script.Try(Script.PathOf("postgres/restore.sh"), file, url);
        code.ShouldBe(1);
        output.ShouldContain("holds a log already");

        var path = Path.Combine(_folder.FullName, "x.db");
        await File.WriteAllTextAsync(path, "precious", Cancellation);
        (code, output) = await Script.Try(Script.PathOf("postgres/restore.sh"), file, $"sqlite:{path}");
        code.ShouldBe(1);
        (await File.ReadAllTextAsync(path, Cancellation)).ShouldBe("precious");
    }

    [Fact]
    public async Task A_backup_that_fails_leaves_no_file()
    {
        var file = Path.Combine(_folder.FullName, "backup");
        (await Script.Try(Script.PathOf("postgres/backup.sh"), $"sqlite:{_folder.FullName}/none.db", file)).Code.ShouldNotBe(0);
        (await Script.Try(Script.PathOf("postgres/backup.sh"), "postgres://127.0.0.1:9/none", file)).Code.ShouldNotBe(0);
        System.IO.Directory.GetFileSystemEntries(_folder.FullName).ShouldBeEmpty();
    }

    private static async Task KeepWriting(Agent agent, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
            (await agent.Sync(Jsonl.Of(new { id = $"bd-{i % 50}", title = $"Bead {i}", status = "open" }))).Ok();
    }

    private async Task<string[]> Feed(string database, string project)
    {
        var run = await CommandRun.Of(_folder.FullName, [("BEADHUB_DATABASE_URL", database)], "log", "--project", project, "--texts");
        run.ExitCode.ShouldBe(0, run.Error);
        // When keys were used last is noted as a server stops: after the backup, at the first one.
        return [.. run.Lines.Where(static line => !line.Contains("\"kind\":\"api_keys\"", StringComparison.Ordinal))];
    }

    private Task<ServerProcess> Start(string database) => ServerProcess.Start(
        _folder.FullName, new Dictionary<string, string> { ["BEADHUB_DATABASE_URL"] = database, ["AWEB_CUSTODY_KEY"] = new string('5', 64),
            ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true" });

    /// <summary>A project in which everything has happened.</summary>
    private sealed partial record Team(Agent Alice, Agent Bob, string Session)
    {
        public static async Task<Team> Fill(Api api)
        {
            var project = new Project(api);
            var alice = await project.Agent("alice", "Ada", "developer");
            var bob = await project.Agent("bob", "Grace", "reviewer");
            (await alice
                .Sync(Jsonl
                .Of(Enumerable.Range(1, 40).Select(object (i) =>
                new { id = $"bd-{i}", title = $"Bead {i} ✓", status = "open", priority = i % 4, labels = new[] { "a", "b" } }).ToArray())))
                .Ok();
            (await alice.Claim("bd-1", "Bead 1 ✓")).Ok();
            (await bob.Claim("bd-2", "Bead 2 ✓")).Ok();
            (await bob.Close("bd-2", "Bead 2 ✓")).Ok();
            (await bob.Post("/v1/beads/claim-next", new { })).Ok();
            for (var i = 0; i < 5; i++) await alice.MailId(bob, $"Mail {i}", $"Subject {i}");
            (await bob.Ack((await bob.Inbox())[0].Text("message_id"))).Ok();
            var session = (await alice.Chat("Ready?", bob)).Text("session_id");
            await bob.ReadUpTo(session, await bob.Say(session, "Yes"));
            (await alice.Post("/v1/reservations", new { resource_key = "src/**", pattern = true, ttl_seconds = 3600 })).Ok();
            (await bob.Post("/v1/subscriptions", new { workspace_id = bob.Id, alias = bob.Alias, bead_id = "bd-3" })).Status
                .ShouldBeOneOf(200, 201);
            (await alice.Post("/v1/escalations",
                new { workspace_id = alice.Id, alias = alice.Alias, subject = "Help", situation = "Stuck",
                options = new[] { "a", "b" } })).Status.ShouldBeOneOf(200, 201);
            (await alice.Post("/v1/tasks", new { title = "A task", description = "At length" })).Status.ShouldBeOneOf(200, 201);
            (await alice.Post("/v1/contacts", new { contact_address = "elsewhere/carol" })).Status.ShouldBeOneOf(200, 201);
            (await alice.Post("/v1/webhooks", new { url = "https://127.0.0.1/hook", events = new[] { "escalation" } })).Status
                .ShouldBeOneOf(200, 201);
            (await alice.Get("/v1/policies/active")).Ok(); // made when it is first asked for
            await bob.Heartbeat("main", "Europe/Paris", "host");
            return new(alice, bob, session);
        }

        /// <summary>All that can be read, of both agents, without what tells the time of asking.</summary>
        public async Task<SortedDictionary<string, string>> Read(Api api)
        {
            var read = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var agent in (Agent[])[Alice.At(api), Bob.At(api)])
            {
                foreach (var path in (string[])[
                    "/v1/status", "/v1/agents", "/v1/agents/me/log", "/v1/auth/introspect", "/v1/projects/current", "/v1/workspaces",
                    "/v1/workspaces/team", "/v1/repos", "/v1/beads/issues?limit=100",
                    $"/v1/beads/ready?workspace_id={agent.Id}", "/v1/beads/bd-1/claims", "/v1/claims", "/v1/escalations",
                    $"/v1/subscriptions?workspace_id={agent.Id}&alias={agent.Alias}",
                    "/v1/messages/inbox", "/v1/contacts", "/v1/conversations", "/v1/reservations", "/v1/policies/active",
                    "/v1/policies/history", "/v1/tasks", "/v1/chat/sessions",
                    "/v1/chat/pending", $"/v1/chat/sessions/{Session}/messages", "/v1/webhooks"])
                {
                    var answer = await agent.Get(path);
                    answer.Status.ShouldBe(200, answer.ToString());
                    var json = JsonNode.Parse(answer.Text)!;
                    Settle(json);
                    read[$"{agent.Alias} {path}"] = json.ToJsonString();
                }
            }

            read.Values.ShouldAllBe(text => text.Length > 2);
            return read;
        }

        private static void Settle(JsonNode node)
        {
            if (node is JsonArray array)
            {
                foreach (var item in array)
                    if (item is not null) Settle(item);
            }
            else if (node is JsonObject fields)
            {
                foreach (var (name, value) in fields.ToList())
                {
                    if (TimeOfAsking().IsMatch(name)) fields.Remove(name);
                    else if (value is not null) Settle(value);
                }
            }
        }

        [GeneratedRegex("^(timestamp|ttl_remaining_seconds|time_remaining_seconds|lag|position)$")]
        private static partial Regex TimeOfAsking();
    }
}
