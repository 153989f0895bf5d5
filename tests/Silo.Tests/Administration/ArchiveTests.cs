using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Silo.Tests.EventLogs;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Administration;

/// <summary><c>beadhub archive</c>: what nobody reads any more leaves the database for files, and comes back from them.</summary>
public sealed partial class ArchiveTests(PostgresCluster cluster) : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-archive-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Archives => Path.Combine(_folder.FullName, "archives");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Old_events_leave_the_database_nobody_notices_and_all_come_back(string store)
    {
        if (store == "postgres") Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var database = store == "sqlite" ? $"sqlite:{_folder.FullName}/data.db" : await cluster.CreateDatabase(Cancellation);
        Agent alice, bob;
        string[] mails;
        string seen;
        await using (var server = await Start(database))
        {
            alice = await new Project(server.Api).Agent("alice");
            bob = await alice.Project.Agent("bob");
            foreach (var bead in new[] { "bd-1", "bd-2", "bd-3" })
            {
                await alice.Change(
                    Jsonl.Of(new { id = bead, title = $"sesame {bead}", status = "open", description = "first\u0000\u2028" })).Ok();
                await alice.Claim(bead, $"sesame {bead}").Ok();
            }

            // Two are closed, of which one says all in its newest line; the third goes on.
            await alice.Close("bd-1", "sesame bd-1").Ok();
            await alice.Close("bd-2", "sesame bd-2").Ok();
            // A box shows its 500 newest mails: those before leave when they were read.
            mails = new string[504];
            foreach (var some in Enumerable.Range(0, mails.Length).Chunk(24))
                await Task.WhenAll(some.Select(async i => mails[i] = await alice.MailId(bob, $"body {i}", $"subject {i}")));
            foreach (var old in (await bob.Inbox(limit: 500)) is var shown
                ? mails.Except(shown.Select(mail => mail.Text("message_id"))).ToArray() : []) await bob.Ack(old).Ok();
            await alice.MailId(bob, "last");
            seen = await Seen(alice, bob);
        }

        // As servers note how far an endpoint has come that is gone since.
        await using (var log = await EventLogStore.Open(database, cluster: false, new RecordingPublisher(), NullLoggerFactory.Instance,
            TimeProvider.System, Cancellation))
        {
            await log.Append(new(alice.ProjectId, new("webhooks", alice.ProjectId), 0,
                [.. Enumerable.Range(1, 5).Select(i => new NewEvent("webhook.delivered.v1",
                    $$"""{"webhook_id":"gone","position":{{i}},"at":"2026-01-01T00:00:00+00:00"}""", DateTimeOffset.UtcNow))], null),
                Cancellation);
        }

        var whole = await Log(database, alice);
        (await Archive(database, "--older-than", "1d", "--to", Archives)).Output.ShouldContain("nothing to archive");
        (await Archive(database, "--older-than", "0h", "--dry-run")).Output
            .ShouldMatch("would archive .* 2 closed beads, 3 mails, 3 cursors");
        (await Log(database, alice)).ShouldBe(whole);

        var run = await Archive(database, alice.Project.Slug, "--older-than", "0h", "--to", Archives);
        run.Output.ShouldMatch("archived .* 2 closed beads, 3 mails, 3 cursors");
        var file = System.IO.Directory.GetFiles(Archives).ShouldHaveSingleItem();
        var archived = (await File.ReadAllLinesAsync(file, Cancellation))[1..^1]
            .Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var left = await Log(database, alice);
        (left.Length + archived.Length - left.Count(line => line.Contains("event.archived.v1"))).ShouldBe(whole.Length);
        archived.Length.ShouldBe(int.Parse(Count().Match(run.Output).Groups[1].Value, CultureInfo.InvariantCulture));
        // What the archive and the database have together is what there was, to the letter.
        (await Log(database, alice, "--archive", file)).ShouldBe(whole);
        (await Command("archive", "verify", file)).Output.ShouldContain("whole");
        (await Archive(database, "--older-than", "0h", "--to", Archives)).Output.ShouldContain("nothing to archive");

        await using (var server = await Start(database))
        {
            (alice, bob) = (alice.At(server.Api), bob.At(server.Api));
            (await Seen(alice, bob)).ShouldBe(seen);
            // The first mail says that there is the box, and stays.
            (await bob.Inbox(limit: 500)).Length.ShouldBe(500);
            archived.Count(e => e.Text("type") == "mail.delivered.v1").ShouldBe(3);
            (await bob.Ack(Archived(archived, "mail.delivered.v1")[0])).Status.ShouldBe(404);
            // Life goes on where it was.
            await alice.Change(Jsonl.Of(new { id = "bd-1", title = "sesame bd-1", status = "open" })).Ok();
            await alice.Claim("bd-1", "sesame bd-1").Ok();
            await alice.MailId(bob, "after");
            (await bob.Inbox(limit: 1))[0].Text("body").ShouldBe("after");
            (await alice.Get("/v1/beads/issues/bd-2").Ok()).Text("title").ShouldBe("sesame bd-2");
        }

        // A file that something has happened to is not believed, and changes nothing.
        var text = await File.ReadAllTextAsync(file, Cancellation);
        foreach (var (name, damaged) in new[] { ("cut", text[..(text.Length / 2)]), ("changed", text.Replace("sesame", "SESAME")),
            ("short", string.Join('\n', text.Split('\n').Where((_, i) => i != 1))) })
        {
            var path = Path.Combine(_folder.FullName, name);
            await File.WriteAllTextAsync(path, damaged, Cancellation);
            (await Fails("archive", "verify", path)).ShouldContain("is damaged");
            (await Fails("archive", "restore", path, "--database", database)).ShouldContain("is damaged");
        }

        // A version of another fold needs the events, and says so.
        if (store == "postgres")
        {
            await PostgresCluster.Execute(database,
                "UPDATE snapshots SET snapshot = regexp_replace(snapshot, '\"_fold\":[0-9]+', '\"_fold\":1') WHERE kind = 'bead'",
                Cancellation);
            (await Fails("archive", "--database", database, "--dry-run")).ShouldContain("'beadhub archive restore'");
        }

        var live = await Log(database, alice, "--archive", file);
        (await Command("archive", "restore", file, "--database", database)).Output
            .ShouldContain($"{archived.Length} events put back, 0 were there");
        (await Command("archive", "restore", file, "--database", database)).Output
            .ShouldContain($"0 events put back, {archived.Length} were there");
        (await Log(database, alice)).ShouldBe(live);
        live[..whole.Length].ShouldBe(whole);
        await using (var server = await Start(database))
        {
            await bob.At(server.Api).Ack(Archived(archived, "mail.delivered.v1")[0]).Ok();
            (await alice.At(server.Api).Get("/v1/beads/issues/bd-2").Ok()).Text("title").ShouldBe("sesame bd-2");
        }
    }

    [Fact]
    public async Task What_commits_name_stays()
    {
        var database = $"sqlite:{_folder.FullName}/data.db";
        Agent alice;
        string line, commit;
        await using (var server = await Start(database))
        {
            alice = await new Project(server.Api).Agent("alice");
            foreach (var bead in new[] { "bd-1", "bd-2" })
                await alice.Change(Jsonl.Of(new { id = bead, title = $"first {bead}", status = "open" })).Ok();
            line = (await alice.Get($"/v1/beads/export-jsonl?repo={alice.Repo}")).Text;
            commit = (await alice.Post("/v1/beads/commits", new { message = "first" }).Ok()).At("commit").Text("id");
            await alice.Claim("bd-1", "second").Ok();
            await alice.Close("bd-1", "third").Ok();
        }

        (await Archive(database, "--older-than", "0h", "--to", Archives)).Output.ShouldContain("1 closed beads");

        await using (var server = await Start(database))
        {
            alice = alice.At(server.Api);
            (await alice.Get($"/v1/beads/export-jsonl?repo={alice.Repo}&as_of={commit}")).Text.ShouldBe(line);
            (await alice.Get("/v1/beads/diff?from=HEAD&to=WORKING")).Text.ShouldContain("third");
        }
    }

    [Fact]
    public async Task Nothing_is_archived_beside_a_server_or_without_a_place_to_go_to()
    {
        var database = $"sqlite:{_folder.FullName}/data.db";
        (await Fails("archive", "--database", database, "--to", Archives)).ShouldContain("there is no event log");
        Agent alice;
        await using (var server = await Start(database))
        {
            alice = await new Project(server.Api).Agent("alice");
            await alice.Change(Jsonl.Of(new { id = "bd-1", title = "one", status = "open" })).Ok();
            await alice.Claim("bd-1").Ok();
            await alice.Close("bd-1").Ok();
            (await Fails("archive", "--database", database, "--to", Archives)).ShouldContain("a server runs on");
        }

        (await Fails("archive", "--database", database)).ShouldContain("--to FOLDER");
        (await Fails("archive", "--database", database, "--to", Archives, "--older-than", "soon")).ShouldContain("90d or 12h");
        (await Fails("archive", "none", "--database", database, "--to", Archives)).ShouldContain("there is no project 'none'");
        await File.WriteAllTextAsync(Archives, "a file where the folder should be", Cancellation);
        var whole = await Log(database, alice);
        (await Fails("archive", "--database", database, "--to", Archives, "--older-than", "0h")).ShouldContain("nothing was changed");
        (await Log(database, alice)).ShouldBe(whole);
    }

    private static string[] Archived(JsonElement[] events, string type) => [.. events.Where(e => e.Text("type") == type)
        .Select(e => JsonDocument.Parse(e.Text("data")).RootElement.Text("message_id"))];

    private static async Task<string> Seen(Agent alice, Agent bob)
    {
        var all = "";
        var bead = (await alice.Get("/v1/beads/issues").Ok()).Items("issues")[0];
        var of = $"repo={Uri.EscapeDataString(bead.Text("repo"))}&branch={bead.Text("branch")}";
        foreach (var (agent, path) in new[] { (alice, "/v1/beads/issues"), (alice, "/v1/beads/issues/bd-1"), (alice, "/v1/claims"),
            (alice, "/v1/beads/export-jsonl?" + of), (bob, "/v1/messages/inbox?limit=500"),
            (alice, "/v1/search?query=sesame") })
        {
            var answer = await agent.Get(path);
            answer.Status.ShouldBe(200, path);
            all += answer.Text + "\n";
        }

        return all;
    }

    private async Task<string[]> Log(string database, Agent agent, params string[] more)
    {
        var run = await CommandRun.Of(_folder.FullName, [("BEADHUB_DATABASE_URL", database)],
            ["log", "--project", agent.ProjectId, "--texts", .. more]);
        run.ExitCode.ShouldBe(0, run.Error);
        return run.Lines;
    }

    private Task<CommandRun> Archive(string database, params string[] arguments) =>
        Command(["archive", .. arguments, "--database", database]);

    private async Task<CommandRun> Command(params string[] arguments)
    {
        var run = await CommandRun.Of(_folder.FullName, [], arguments);
        run.ExitCode.ShouldBe(0, run.Error);
        return run;
    }

    private async Task<string> Fails(params string[] arguments)
    {
        var run = await CommandRun.Of(_folder.FullName, [], arguments);
        run.ExitCode.ShouldBe(1, run.Output);
        run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1, run.Error);
        return run.Error;
    }

    private Task<ServerProcess> Start(string database) => ServerProcess.Start(_folder.FullName,
        new Dictionary<string, string> { ["BEADHUB_DATABASE_URL"] = database });

    [GeneratedRegex(@"archived (\d+) of")]
    private static partial Regex Count();
}
