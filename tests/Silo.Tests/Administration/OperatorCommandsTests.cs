using System.Text;
using System.Text.Json;
using Beadhub.Silo.Tests.Deploy;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Administration;

/// <summary><c>beadhub project</c> and <c>beadhub key</c>: what operators do, beside a running server and, to erase, without one.</summary>
public sealed class OperatorCommandsTests(PostgresCluster cluster) : IDisposable
{
    private const string Origin = "git@github.com:shared/repo.git";

    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-admin-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Projects_and_keys_are_listed_and_changed_on_a_running_server()
    {
        await using var server = await Start($"sqlite:{_folder.FullName}/data.db");
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await project.Init(new { project_slug = project.Slug + "x", project_name = "red \u001b[31m and\nwide" }).Ok();

        var list = await Run("project", "list");
        list.Lines[0].ShouldStartWith("SLUG");
        list.Output.ShouldContain(alice.ProjectId);
        list.Output.ShouldNotContain("\u001b");
        list.Lines.Length.ShouldBe(3);
        var json = JsonDocument.Parse((await Run("project", "list", "--json")).Output).RootElement;
        json.EnumerateArray().Select(item => item.Text("slug")).ShouldBe([project.Slug, project.Slug + "x"], ignoreOrder: true);

        (await Run("project", "rename", project.Slug, "A better name")).Output.ShouldContain("A better name");
        (await Run("project", "show", alice.ProjectId)).Output.ShouldContain("A better name");
        JsonDocument.Parse((await Run("project", "archive", project.Slug, "--json")).Output).RootElement.Text("archived_at")
            .ShouldNotBeEmpty();
        (await alice.Heartbeat()).Status.ShouldBe(410);
        await Run("project", "unarchive", project.Slug);
        (await alice.Heartbeat()).Status.ShouldBe(200);

        var keys = await Run("key", "list", project.Slug);
        keys.Lines.Length.ShouldBe(3);
        foreach (var key in new[] { alice.Key, bob.Key }) keys.Output.ShouldNotContain(key[12..]);
        var bobs = JsonDocument.Parse((await Run("key", "list", project.Slug, "--agent", "bob", "--json")).Output).RootElement
            .EnumerateArray().Single();
        bobs.Text("alias").ShouldBe("bob");
        (await Run("key", "revoke", project.Slug, bobs.Text("api_key_id"))).Output.ShouldContain($"Revoked {bobs.Text("api_key_id")}");
        (await Run("key", "revoke", project.Slug, bobs.Text("api_key_id"))).Output.ShouldContain("revoked before");
        (await bob.Get("/v1/agents")).Status.ShouldBe(401);
        await Run("key", "revoke", project.Slug, "--agent", "alice");
        (await alice.Get("/v1/agents")).Status.ShouldBe(401);

        // A key is shown when it is made, and never again.
        var made = JsonDocument.Parse((await Run("key", "issue", project.Slug, "alice", "--expires", "1d", "--json")).Output).RootElement;
        await server.Api.As(made.Text("api_key")).Get("/v1/agents").Ok();
        var rotated = JsonDocument.Parse((await Run("key", "rotate", project.Slug, made.Text("api_key_id"), "--overlap", "1h", "--json"))
            .Output).RootElement;
        foreach (var key in new[] { made, rotated }) await server.Api.As(key.Text("api_key")).Get("/v1/agents").Ok();
        (await Run("key", "expire", project.Slug, rotated.Text("api_key_id"), "never")).Output.ShouldContain("expires_at    -");
        (await Run("key", "list", project.Slug)).Output.ShouldNotContain(made.Text("api_key")[12..]);
        await Fails("is no length of time", "key", "issue", project.Slug, "alice", "--expires", "soon");
        await Fails("API key has ended", "key", "expire", project.Slug, bobs.Text("api_key_id"), "1d");

        (await Run("role", "list", project.Slug)).Lines[1].ShouldMatch("^alice +lead ");
        (await Run("role", "give", project.Slug, "bob", "observer")).Output.ShouldContain("bob has the role observer");
        (await Run("audit", project.Slug)).Lines[1].ShouldMatch(" role.given +administrator .* bob: observer");
        (await Run("audit", project.Slug, "--max", "2", "--json")).Output.ShouldNotContain(made.Text("api_key")[12..]);
        await Run("audit");
        await Fails("there is no agent 'carol'", "role", "give", project.Slug, "carol", "lead");

        await Fails("there is no project 'none'", "project", "show", "none");
        await Fails("API key not found", "key", "revoke", project.Slug, Guid.NewGuid().ToString());
        await Fails("either the id of a key or --agent", "key", "revoke", project.Slug);
        await Fails("is not the address of a server", "project", "list", "--url", "ftp://x");
        await Fails("cannot be reached", "project", "list", "--url", "http://127.0.0.1:9");
        (await CommandRun.Of(_folder.FullName,
            [("BEADHUB_URL", server.Api.Address.ToString()), ("BEADHUB_ADMIN_KEY", "another-key-0123456")], "project", "list"))
            .ShouldSatisfyAllConditions(
            run => run.ExitCode.ShouldBe(1), run => run.Error.ShouldBe("beadhub: Administrators only\n"));

        async Task<CommandRun> Run(params string[] arguments)
        {
            var run = await Command(server, arguments);
            run.ExitCode.ShouldBe(0, run.Error);
            return run;
        }

        async Task Fails(string reason, params string[] arguments)
        {
            var run = await Command(server, arguments);
            run.ExitCode.ShouldBe(1, run.Output);
            run.Error.ShouldContain(reason);
            run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1, run.Error);
        }
    }

    [Fact]
    public async Task Agents_are_invited_into_a_project()
    {
        await using var server = await Start($"sqlite:{_folder.FullName}/data.db", ("BEADHUB_JOIN", "invite"));
        var project = new Project(server.Api);
        await project.Agent("alice");

        var carol = (await Invite("create", project.Slug, "--alias", "carol", "--days", "1")).Output.Trim();
        var open = (await Invite("list", project.Slug)).Lines;
        open[0].ShouldMatch("^ID +STATUS +ALIAS");
        open[1].ShouldMatch("^[0-9a-f-]{36} +open +carol ");
        string.Concat(open).ShouldNotContain(carol.Split('/')[^1]);
        var path = new Uri(carol).AbsolutePath.TrimEnd('/');
        (await server.Api.Post($"{path}/v1/init", new { project_slug = project.Slug }).Ok()).Text("alias").ShouldBe("carol");
        (await Invite("list", project.Slug)).Lines[1].ShouldMatch("^[0-9a-f-]{36} +used +carol ");

        var made = JsonDocument.Parse((await Invite("create", project.Slug, "--json")).Output).RootElement;
        var id = made.At("invite").Text("invite_id");
        (await Invite("revoke", project.Slug, id)).Output.ShouldBe("The invite is revoked.\n");
        var ended = new Uri(made.Text("url")).AbsolutePath.TrimEnd('/');
        (await server.Api.Post($"{ended}/v1/init", new { project_slug = project.Slug })).Status.ShouldBe(403);
        var wrong = await Command(server, "invite", "revoke", project.Slug, Guid.NewGuid().ToString());
        (wrong.ExitCode, wrong.Error.Trim().Split('\n').Length).ShouldBe((1, 1), wrong.Error);

        async Task<CommandRun> Invite(params string[] arguments)
        {
            var run = await Command(server, ["invite", .. arguments]);
            run.ExitCode.ShouldBe(0, run.Error);
            return run;
        }
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task An_erased_project_leaves_nothing_and_its_neighbours_everything(string store)
    {
        if (store == "postgres") Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var database = store == "sqlite" ? $"sqlite:{_folder.FullName}/data.db" : await cluster.CreateDatabase(Cancellation);
        Agent alice, neighbour;
        string before;
        await using (var server = await Start(database))
        {
            neighbour = await new Project(server.Api).Agent("nora", origin: Origin);
            alice = await new Project(server.Api).Agent("alice", origin: Origin);
            var bob = await alice.Project.Agent("bob");
            foreach (var agent in new[] { neighbour, alice })
            {
                await agent.Sync(Jsonl.Of(new { id = "bd-1", title = "sesame42", status = "open" })).Ok();
                await agent.Claim("bd-1").Ok();
                await agent.Post("/v1/tasks", new { title = "sesame42" }).Ok();
                await agent.Get("/v1/policies/active").Ok();
            }

            await alice.MailId(bob, "sesame42");
            await alice.Chat("sesame42", bob);
            await alice.Post("/v1/webhooks", new { url = "https://hooks.example/" }).Ok();
            await alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "once"))
                .Post("/v1/tasks", new { title = "again" }).Ok();
            await neighbour.MailId(neighbour, $"look at {alice.ProjectId}");
            before = await Seen(neighbour);

            // A server has the log.
            (await Erase(database, alice.Project.Slug, "--yes", alice.Project.Slug)).ShouldSatisfyAllConditions(
                run => run.ExitCode.ShouldBe(1), run =>
                    run.Error.ShouldContain("a server runs on"), run => run.Error.Trim().Split('\n').Length.ShouldBe(1));
            await alice.Get("/v1/status").Ok();
        }

        (await Erase(database, alice.Project.Slug, "--yes", neighbour.Project.Slug)).Error.ShouldContain("nothing was changed");
        (await Erase(database, "none", "--yes", "none")).Error.ShouldContain("there is no project 'none'");
        (await Everything(database)).ShouldContain(alice.Project.Slug);

        var erased = await Erase(database, alice.Project.Slug, "--yes", alice.Project.Slug);
        erased.ExitCode.ShouldBe(0, erased.Error);
        erased.Output.ShouldContain("2 API keys");
        erased.Output.ShouldContain("1 events of other projects mention its id");
        erased.Output.ShouldContain("Backups");
        var left = await Everything(database);
        foreach (var gone in new[] { alice.Project.Slug, alice.Id, alice.RepoId, alice.Key[..12] }) left.ShouldNotContain(gone);
        left.Split(alice.ProjectId).Length.ShouldBe(2, "only the neighbour's own words mention it");
        (await Erase(database, alice.Project.Slug, "--yes", alice.Project.Slug)).Error.ShouldContain("there is no project");

        await using (var server = await Start(database))
        {
            (await Seen(neighbour.At(server.Api))).ShouldBe(before);
            await alice.At(server.Api).Get("/v1/agents").Refused();
            // What both used is the neighbour's alone, and the slug is free for another project.
            (await server.Api.Post("/v1/repos/lookup", new { origin_url = Origin }).Ok()).Text("project_id").ShouldBe(neighbour.ProjectId);
            var again = await new Project(server.Api, alice.Project.Slug).Agent("alice", origin: Origin);
            again.ProjectId.ShouldNotBe(alice.ProjectId);
            (await again.Get("/v1/agents").Ok()).Items("agents").Length.ShouldBe(1);
            (await again.Get("/v1/beads/issues").Ok()).Number("count").ShouldBe(0);
            (await server.Api.Post("/v1/repos/lookup", new { origin_url = Origin })).Status.ShouldBe(409);
        }
    }

    [Fact]
    public async Task Only_the_owner_of_the_tables_erases()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        await Script.Run("psql",
            ["-v", "ON_ERROR_STOP=1", "-v", "app_password=it's-any", "--no-psqlrc", "-q", "-d", url, "-f",
            Script.PathOf("postgres/roles.sql")]);
        var app = url.Replace("postgres@", "beadhub_app@");
        Agent alice;
        await using (var server = await Start(app)) alice = await new Project(server.Api).Agent("alice");

        (await Erase(app, alice.Project.Slug, "--yes", alice.Project.Slug)).ShouldSatisfyAllConditions(
            run => run.ExitCode.ShouldBe(1), run => run.Error.ShouldContain("beadhub_app may not delete"));
        await using (await Start(app, ("BEADHUB_CLUSTER", "true")))
            (await Erase(url, alice.Project.Slug, "--yes", alice.Project.Slug)).Error.ShouldContain("a server runs on");
        var erased = await Erase(url, alice.ProjectId, "--yes", alice.Project.Slug);
        erased.ExitCode.ShouldBe(0, erased.Error);
        (await PostgresCluster.Execute(url, "SELECT to_regclass('public.events') IS NULL", Cancellation)).ShouldBe(true);
        await using (var server = await Start(app)) (await alice.At(server.Api).Get("/v1/status")).Status.ShouldBe(401);
    }

    private static async Task<string> Seen(Agent agent)
    {
        var all = new StringBuilder();
        foreach (var path in new[] { "/v1/agents", "/v1/workspaces", "/v1/repos", "/v1/beads/issues", "/v1/claims", "/v1/tasks",
            "/v1/messages/inbox", "/v1/policies/active" })
            all.Append((await agent.Get(path).Ok()).GetRawText().Replace("\"online\":true", "", StringComparison.Ordinal)).Append('\n');
        // Presence ends with the server.
        return System.Text.RegularExpressions.Regex.Replace(all.ToString(), "\"(status|last_seen|online|program|branch)\":[^,}]*", "");
    }

    /// <summary>Every byte that a database has of anybody.</summary>
    private static async Task<string> Everything(string database)
    {
        if (!database.StartsWith("sqlite:", StringComparison.Ordinal))
        {
            return (string)(await PostgresCluster.Execute(database,
                """
                SELECT coalesce((SELECT string_agg(project || ' ' || key || ' ' || snapshot, ' ') FROM snapshots), '')
                    || coalesce((SELECT string_agg(project || ' ' || key || ' ' || data || ' ' || coalesce(mark, ''), ' ') FROM events WHERE position > 0), '')
                """, Cancellation))!;
        }

        var folder = Path.GetDirectoryName(database["sqlite:".Length..])!;
        var bytes = await Task
            .WhenAll(System.IO.Directory.GetFiles(folder, "data.db*").Select(file => File.ReadAllBytesAsync(file, Cancellation)));
        return string.Concat(bytes.Select(Encoding.Latin1.GetString));
    }

    private Task<CommandRun> Erase(string database, params string[] arguments) =>
        CommandRun.Of(_folder.FullName, [("BEADHUB_DATABASE_URL", database)], ["project", "erase", .. arguments]);

    private Task<CommandRun> Command(ServerProcess server, params string[] arguments) =>
        CommandRun.Of(_folder.FullName, [("BEADHUB_URL", server.Api.Address.ToString()), ("BEADHUB_ADMIN_KEY", Api.AdminKey)], arguments);

    private Task<ServerProcess> Start(string database, params (string Name, string Value)[] settings) => ServerProcess.Start(
        _folder.FullName, settings.Concat([("BEADHUB_DATABASE_URL", database), ("BEADHUB_ADMIN_KEY", Api.AdminKey)]).ToDictionary(setting =>
            setting.Item1, setting => setting.Item2));
}

internal static class Refusal
{
    public static async Task Refused(this Task<Answer> answer) => (await answer).Status.ShouldBe(401);
}
