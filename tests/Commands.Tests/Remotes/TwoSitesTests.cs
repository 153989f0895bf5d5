using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.CommandTests.Remotes;

/// <summary>Two Beadhubs and an object store, as their users see them.</summary>
public sealed class TwoSitesTests(OneServer first) : IAsyncLifetime
{
    private static readonly (string, string)[] Credentials =
        [("BEADHUB_REMOTE_USER", S3Double.AccessKey), ("BEADHUB_REMOTE_PASSWORD", S3Double.SecretKey)];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-sites-");
    private ServerProcess _second = null!;
    private S3Double _store = null!;
    private User _ada = null!, _bob = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Kept => Path.Combine(_folder.FullName, "remotes");

    public async ValueTask InitializeAsync()
    {
        _store = await S3Double.Start();
        _second = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = $"sqlite:{_folder.FullName}/second.db",
            ["BEADHUB_REMOTES_DIR"] = Kept,
            ["BEADHUB_INIT_RATE_LIMIT"] = "10000",
        });
        (_ada, _bob) = (new(first.Url), new(_second.Api.Address.ToString().TrimEnd('/')));
    }

    public async ValueTask DisposeAsync()
    {
        _ada.Dispose();
        _bob.Dispose();
        await _second.DisposeAsync();
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Over_s3_a_clone_changes_on_both_sides_a_refused_push_a_merge_with_one_conflict_and_equal_roots()
    {
        var ada = await new Project(first.Api).Agent("ada");
        var bob = await new Project(_second.Api).Agent("bob");
        var remote = _store.Url("team/lamps");
        await Upload(ada, ada.Repo, [.. Enumerable.Range(1, 40).Select(static i => Line($"bd-{i}", $"Lamp {i}", 1))]);
        await Commit(ada, "first");
        (await Run(_ada, ada, "push", remote)).ExitCode.ShouldBe(0);

        var clone = await Run(_bob, bob, "clone", remote);
        clone.ExitCode.ShouldBe(0, clone.Error);
        (await Export(bob, ada.Repo)).ShouldBe(await Export(ada, ada.Repo));
        (await Root(bob)).ShouldBe(await Root(ada));

        // Both sides change: one field of one bead on both, others on one.
        await Upload(ada, ada.Repo, Line("bd-1", "Lamp of Ada", 2), Line("bd-2", "Second of Ada", 2));
        await Commit(ada, "Ada's day");
        (await Run(_ada, ada, "push", remote)).ExitCode.ShouldBe(0);
        await Upload(bob, ada.Repo, Line("bd-1", "Lamp of Bob", 3), Line("bd-3", "Third of Bob", 3), Line("bd-41", "Own of Bob", 3));
        await Commit(bob, "Bob's day");
        var refused = await Run(_bob, bob, "push", remote);
        refused.ExitCode.ShouldBe(7);
        refused.Error.ShouldContain("pull first");

        var pulled = await Run(_bob, bob, "pull", remote);
        pulled.ExitCode.ShouldBe(7, pulled.Error);
        pulled.Output.ShouldContain("1 conflicts with origin/main");
        var conflict = (await bob.Get("/v1/beads/merge")).Ok().Items("conflicts").Single();
        (conflict.Text("bead_id"), conflict.Text("field")).ShouldBe(("bd-1", "title"));
        (await bob.Post("/v1/beads/merge/resolve", new { bead_id = "bd-1", field = "title", take = "theirs" })).Ok();
        (await bob.Post("/v1/beads/merge/complete")).Ok().Text("result").ShouldBe("merged");
        (await Run(_bob, bob, "push", remote)).ExitCode.ShouldBe(0);

        (await Run(_ada, ada, "pull", remote)).ExitCode.ShouldBe(0);
        (await Root(ada)).ShouldBe(await Root(bob));
        var lines = await Export(ada, ada.Repo);
        lines.ShouldBe(await Export(bob, ada.Repo));
        foreach (var title in (string[])["Lamp of Ada", "Second of Ada", "Third of Bob", "Own of Bob"]) lines.ShouldContain(title);
        lines.ShouldNotContain("Lamp of Bob");
        (await Run(_bob, bob, "push", remote)).Output.ShouldContain("has all of it already");

        // Nobody has printed or kept what opens the bucket.
        foreach (var line in _second.Output) line.ShouldNotContain(S3Double.SecretKey);
        _store.Refused.ShouldBe(0);
    }

    [Fact]
    public async Task Another_beadhub_is_a_remote_and_takes_what_leads_forward_when_all_of_its_own_is_committed()
    {
        var ada = await new Project(first.Api).Agent("ada");
        var bob = await new Project(_second.Api).Agent("bob");
        await Upload(ada, ada.Repo, Line("bd-1", "Lamp", 1), Line("bd-2", "Door", 1));
        await Commit(ada, "first");
        var remote = $"beadhub+http://127.0.0.1:{_second.Api.Address.Port}/{bob.Project.Slug}";
        (string, string)[] key = [("BEADHUB_REMOTE_PASSWORD", bob.Key)];
        var pushed = await Run(_ada, ada, key, "push", remote);
        pushed.ExitCode.ShouldBe(0, pushed.Error);
        (await Export(bob, ada.Repo)).ShouldBe(await Export(ada, ada.Repo));

        // What is there and not committed is not pushed over.
        await Upload(bob, ada.Repo, Line("bd-3", "Bob's", 2));
        await Upload(ada, ada.Repo, Line("bd-4", "Ada's", 2));
        await Commit(ada, "second");
        var dirty = await Run(_ada, ada, key, "push", remote);
        dirty.ExitCode.ShouldBe(1);
        dirty.Error.ShouldContain("not committed");
        await Commit(bob, "Bob's");
        (await Run(_ada, ada, key, "push", remote)).ExitCode.ShouldBe(7);
        (await Run(_ada, ada, key, "pull", remote)).ExitCode.ShouldBe(0);
        (await Run(_ada, ada, key, "push", remote)).ExitCode.ShouldBe(0);
        (await Root(bob)).ShouldBe(await Root(ada));
        (await Export(bob, ada.Repo)).ShouldBe(await Export(ada, ada.Repo));

        var wrong = await Run(_ada, ada, [("BEADHUB_REMOTE_PASSWORD", ada.Key)], "push", remote);
        wrong.ExitCode.ShouldBe(1);
        wrong.Error.ShouldNotContain(ada.Key);
        (await Run(_ada, ada, [], "push", remote)).Error.ShouldContain("BEADHUB_REMOTE_PASSWORD_FILE");

        // And a whole project is cloned by one command, into a new one.
        var folder = await _bob.Folder("clone", git: false);
        var clone = await _bob.Run(folder.Path, "beadhub", ["history", "clone", remote, "--project", "copy-" + bob.Project.Slug], key[0]);
        clone.ExitCode.ShouldBe(0, clone.Error);
        (await folder.Hub("export", "--repo", ada.Repo)).ShouldBe(await Export(ada, ada.Repo));
    }

    [Fact]
    public async Task Native_tasks_go_along_and_two_of_one_number_are_both_kept()
    {
        var ada = await new Project(first.Api).Agent("ada");
        var bob = await new Project(_second.Api).Agent("bob");
        var remote = _store.Url("team/tasks");
        var lamp = (await ada.Post("/v1/tasks", new { title = "Lamp", description = "bright", labels = new[] { "a" } })).Ok();
        await Commit(ada, "first");
        (await Run(_ada, ada, "push", remote)).ExitCode.ShouldBe(0);
        (await Run(_bob, bob, "clone", remote)).ExitCode.ShouldBe(0);
        var there = (await bob.Get("/v1/tasks/1")).Ok();
        (there.Text("task_id"), there.Text("description")).ShouldBe((lamp.Text("task_id"), "bright"));
        (await Root(bob)).ShouldBe(await Root(ada));

        // Both make a second task, both change the first: one its title, the other its labels, and both say something.
        (await ada.Post("/v1/tasks", new { title = "Door of Ada" })).Ok();
        (await ada.Patch("/v1/tasks/1", new { title = "Lamps", labels = new[] { "a", "of-ada" } })).Ok();
        (await ada.Post("/v1/tasks/1/comments", new { body = "Ada says" })).Ok();
        await Commit(ada, "Ada's day");
        (await Run(_ada, ada, "push", remote)).ExitCode.ShouldBe(0);
        (await bob.Post("/v1/tasks", new { title = "Door of Bob" })).Ok();
        (await bob.Patch("/v1/tasks/1", new { labels = new[] { "a", "of-bob" } })).Ok();
        (await bob.Post("/v1/tasks/1/comments", new { body = "Bob says" })).Ok();
        await Commit(bob, "Bob's day");
        (await Run(_bob, bob, "push", remote)).ExitCode.ShouldBe(7);
        var pulled = await Run(_bob, bob, "pull", remote);
        pulled.ExitCode.ShouldBe(0, pulled.Error + pulled.Output);
        (await Run(_bob, bob, "push", remote)).ExitCode.ShouldBe(0);
        (await Run(_ada, ada, "pull", remote)).ExitCode.ShouldBe(0);

        (await Root(ada)).ShouldBe(await Root(bob));
        foreach (var (site, own, other) in ((Agent, string, string)[])
            [(ada, "Door of Ada", "Door of Bob"), (bob, "Door of Bob", "Door of Ada")])
        {
            var tasks = (await site.Get("/v1/tasks")).Ok().Items("tasks").ToDictionary(task => task.Number("task_number"));
            (tasks.Count, tasks[1].Text("title"), tasks[2].Text("title"), tasks[3].Text("title")).ShouldBe((3, "Lamps", own, other));
            tasks[1].Items("labels").Select(static label => label.GetString()).Order().ShouldBe(["a", "of-ada", "of-bob"]);
            (await site.Get("/v1/tasks/1/comments")).Ok().Items("comments").Select(static said => said.Text("body"))
                .ShouldBe(["Ada says", "Bob says"]);
            // All of it is in the commit.
            (await site.Post("/v1/beads/commits", new { message = "again" })).Ok().GetProperty("committed").GetBoolean().ShouldBeFalse();
        }
    }

    [Fact]
    public async Task The_config_of_beads_names_remote_and_sovereignty_and_a_folder_gets_no_names()
    {
        var ada = await new Project(first.Api).Agent("ada");
        await Upload(ada, ada.Repo, """{"id":"bd-1","title":"Ask grace","assignee":"grace","notes":"Grace, please","status":"open"}""");
        await Commit(ada, "for grace");
        var folder = await _ada.Folder("work", git: false);
        var target = Path.Combine(_folder.FullName, "anywhere");
        folder[".beads/config.yaml"] = $"federation:\n  remote: file://{target}\n  sovereignty: T3\n";
        var pushed = await _ada.Run(folder.Path, "beadhub", ["history", "push"], ("BEADHUB_API_KEY", ada.Key));
        pushed.ExitCode.ShouldBe(0, pushed.Error);
        var files = Directory.GetFiles(target, "*", SearchOption.AllDirectories);
        files.Length.ShouldBeGreaterThan(2);
        foreach (var file in files)
        {
            var text = await File.ReadAllTextAsync(file, Cancellation);
            text.ShouldNotContain("grace", Case.Insensitive);
            text.ShouldNotContain("ada\"", Case.Insensitive);
        }

        folder[".beads/config.yaml"] = $"federation:\n  remote: file://{target}\n  sovereignty: T9\n";
        (await _ada.Run(folder.Path, "beadhub", ["history", "push"], ("BEADHUB_API_KEY", ada.Key))).Error.ShouldContain("T1, T2, T3 or T4");
        folder[".beads/config.yaml"] = "federation:\n  remote: dolthub://org/beads\n";
        (await _ada.Run(folder.Path, "beadhub", ["history", "push"], ("BEADHUB_API_KEY", ada.Key))).Error.ShouldContain("bd export");
        folder[".beads/config.yaml"] = $"federation:\n  remote: {_store.Url("x")}\n  sovereignty: T2\n";
        var before = _store.Requests.Count;
        (await _ada.Run(folder.Path, "beadhub", ["history", "push"], [("BEADHUB_API_KEY", ada.Key), .. Credentials])).Error
            .ShouldContain("BEADHUB_REMOTE_HOSTS");
        _store.Requests.Count.ShouldBe(before);
    }

    [Fact]
    public async Task The_server_keeps_remotes_with_credentials_that_nobody_sees_and_goes_only_where_it_may()
    {
        var bob = await new Project(_second.Api).Agent("bob");
        await Upload(bob, bob.Repo, Line("bd-1", "Lamp", 1));
        await Commit(bob, "first");
        var set = await bob.Post("/v1/beads/remotes",
            new { name = "origin", url = $"file://{Kept}/lamps", user = "sesame-user", password = "sesame-password" });
        set.Ok().Text("sovereignty").ShouldBe("T1");
        var list = await bob.Get("/v1/beads/remotes");
        list.Ok().Items("remotes").Single().GetProperty("has_credentials").GetBoolean().ShouldBeTrue();
        (set.Text + list.Text).ShouldNotContain("sesame");

        (await bob.Post("/v1/beads/remotes/origin/push", new { })).Ok().GetProperty("packs").GetInt32().ShouldBeGreaterThan(0);
        (await bob.Post("/v1/beads/remotes/origin/push")).Ok().GetProperty("packs").GetInt32().ShouldBe(0);
        var carol = await new Project(_second.Api).Agent("carol");
        (await carol.Post("/v1/beads/remotes", new { name = "origin", url = $"file://{Kept}/lamps" })).Ok();
        (await carol.Post("/v1/beads/remotes/origin/fetch", new { })).Ok();
        (await carol.Post("/v1/beads/merge", new { from = "origin/main" })).Ok().Text("result").ShouldBe("fast_forward");
        (await Export(carol, bob.Repo)).ShouldBe(await Export(bob, bob.Repo));

        Directory.CreateDirectory(Path.Combine(_folder.FullName, "secret"));
        if (!OperatingSystem.IsWindows())
            File.CreateSymbolicLink(Path.Combine(Kept, "link"), Path.Combine(_folder.FullName, "secret"));
        foreach (var url in (string[])[$"file://{_folder.FullName}/secret", $"file://{Kept}/../secret", $"file://{Kept}",
            $"file://{Kept}/link", "file:///etc", "dolthub://org/beads", "beadhub+http://127.0.0.1:1/x", "beadhub+https://127.0.0.1/x",
            "beadhub+https://169.254.169.254/x", _store.Url("x"), "s3://bucket/x?endpoint=https://localhost", "ftp://x/y"])
            (await bob.Post("/v1/beads/remotes", new { name = "bad", url })).Status.ShouldBe(422, url);
        (await bob.Post("/v1/beads/remotes", new { name = "t2", url = "s3://bucket/x", sovereignty = "T2" })).Status.ShouldBe(422);
        (await bob.Post("/v1/beads/remotes", new { name = "t5", url = "s3://bucket/x", sovereignty = "T5" })).Status.ShouldBe(422);
        (await bob.Post("/v1/beads/remotes/none/push", new { })).Status.ShouldBe(404);
        (await bob.Delete("/v1/beads/remotes/origin")).Ok();
        (await bob.Get("/v1/beads/remotes")).Ok().Items("remotes").ShouldBeEmpty();
        foreach (var line in _second.Output) line.ShouldNotContain("sesame");
    }

    private Task<CommandRun> Run(User user, Agent agent, params string[] arguments) => Run(user, agent, Credentials, arguments);

    private static Task<CommandRun> Run(User user, Agent agent, (string, string)[] settings, params string[] arguments) =>
        user.Run(user.Home, "beadhub", ["history", .. arguments], [("BEADHUB_API_KEY", agent.Key), .. settings]);

    private static string Line(string id, string title, int day) =>
        JsonSerializer.Serialize(new { id, title, status = "open", updated_at = $"2026-01-{day:00}T00:00:00Z" });

    private static async Task Upload(Agent agent, string repo, params string[] lines) => (await agent.Post(
        $"/v1/beads/upload-jsonl?repo={Uri.EscapeDataString(repo)}&branch=main", Api.Plain(string.Join('\n', lines)))).Ok();

    private static async Task Commit(Agent agent, string message) => (await agent.Post("/v1/beads/commits", new { message })).Ok();

    private static async Task<string> Root(Agent agent) => (await agent.Get("/v1/beads/commits/HEAD")).Ok().Text("root");

    private static async Task<string> Export(Agent agent, string repo) =>
        (await agent.Get($"/v1/beads/export-jsonl?repo={Uri.EscapeDataString(repo)}&branch=main")).Text;
}
