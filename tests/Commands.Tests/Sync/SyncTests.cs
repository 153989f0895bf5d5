using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.BdDouble;
using Beadhub.Testing;
using ExitCode = Beadhub.Commands.ExitCode;

namespace Beadhub.CommandTests.Sync;

/// <summary><c>beadhub sync</c> as a program, with a server and with three machines' <c>bd</c>.</summary>
public sealed class SyncTests(OneServer server) : IDisposable
{
    private readonly User _user = new(server.Url);
    private readonly string _project = "p-" + Guid.NewGuid().ToString("n")[..12];

    public void Dispose() => _user.Dispose();

    [Theory]
    [InlineData(BdVersion.Sqlite47, BdVersion.Dolt10, BdVersion.Dolt13)]
    public async Task A_creates_B_closes_five_C_sees_them_closed(BdVersion first, BdVersion second, BdVersion third)
    {
        var (a, b, c) = (await Machine("a", first), await Machine("b", second), await Machine("c", third));
        foreach (var folder in new[] { a, b, c }) await folder.Run("bd", "init");
        for (var i = 1; i <= 7; i++) await a.Run("bd", "create", $"bd-{i}", $"Lamp {i}");
        (await a.Hub("sync")).ShouldBe("7 to the hub; 7 beads in all.\n");
        (await b.Hub("sync")).ShouldBe("7 from the hub; 7 beads in all.\n");
        (await c.Hub("sync")).ShouldBe("7 from the hub; 7 beads in all.\n");
        (await c.Hub("sync")).ShouldBe("7 beads, the same on both sides.\n");

        // All three work at once, and sync in the worst order: who closed last, the others before and after.
        await b.Run("bd", "close", "bd-1", "bd-2", "bd-3", "bd-4", "bd-5");
        await a.Run("bd", "set", "bd-1", "title", "A's lamp");
        await c.Run("bd", "set", "bd-1", "description", "C's words");
        await c.Run("bd", "set", "bd-2", "title", "C's title");
        await a.Run("bd", "set", "bd-2", "title", "A's title");
        await c.Hub("sync");
        var conflict = await a.Try("beadhub", "sync", "--json");
        conflict.ExitCode.ShouldBe(0, conflict.Error);
        var said = JsonDocument.Parse(conflict.Output).RootElement.Items("conflicts").Single();
        said.Text("field").ShouldBe("title");
        new[] { said.Text("kept"), said.Text("dropped") }.Order().ShouldBe(["A's title", "C's title"]);
        a[".beadhub-cache/sync-conflicts.jsonl"].ShouldContain(said.Text("dropped"));
        await b.Hub("sync");
        await c.Hub("sync");
        await a.Hub("sync");

        var issues = new List<Dictionary<string, JsonObject>>();
        foreach (var folder in new[] { a, b, c })
            issues.Add((await folder.Run("bd", "export")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static line => JsonNode.Parse(line)!.AsObject()).ToDictionary(static issue => issue["id"]!.ToString()));
        foreach (var machine in issues)
        {
            machine.Values.Count(static issue => issue["status"]!.ToString() == "closed").ShouldBe(5);
            machine["bd-1"]["title"]!.ToString().ShouldBe("A's lamp");
            machine["bd-1"]["description"]!.ToString().ShouldBe("C's words");
            machine["bd-2"]["title"]!.ToString().ShouldBe(said.Text("kept"));
        }

        (await c.Hub("sync")).ShouldBe("7 beads, the same on both sides.\n");
    }

    [Fact]
    public async Task Deletions_go_both_ways_and_an_accident_goes_none()
    {
        var (a, b) = (await Machine("a", BdVersion.Dolt13), await Machine("b", BdVersion.Sqlite47));
        foreach (var folder in new[] { a, b }) await folder.Run("bd", "init");
        for (var i = 1; i <= 8; i++) await a.Run("bd", "create", $"bd-{i}", $"Lamp {i}");
        await a.Hub("sync");
        await b.Hub("sync");
        await a.Run("bd", "delete", "bd-1", "--force");
        await b.Run("bd", "delete", "bd-2", "--force");
        (await a.Hub("sync")).ShouldContain("1 deleted at the hub");
        await b.Hub("sync");
        await a.Hub("sync");
        (await a.Run("bd", "export")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(6);
        (await b.Run("bd", "export")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Count(static line => !line.Contains("tombstone")).ShouldBe(6);

        // A database that was made anew is no wish to delete.
        a[".beads/double.db"] = "";
        var run = await a.Try("beadhub", "sync");
        run.ExitCode.ShouldBe(ExitCode.Failed);
        run.Error.ShouldContain("--delete means that they are to be deleted at the hub, too");
        (await b.Hub("export")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Count(static line => !line.Contains("tombstone")).ShouldBe(6);
    }

    [Fact]
    public async Task A_file_is_a_store_and_what_it_holds_besides_stays()
    {
        var (a, b) = (await Machine("a", BdVersion.Dolt13), await Machine("b", BdVersion.Dolt13));
        const string memory = """{"_type":"memory","key":"k","value":"v"}""";
        const string first = """{"id":"bd-1","title":"Größe <1>","status":"open","updated_at":"2025-12-09T19:54:41.84706+01:00","x":{"n":1.50}}""";
        a[".beads/issues.jsonl"] = $"{first}\n{memory}\n";
        Directory.CreateDirectory(Path.Combine(b.Path, ".beads"));
        await a.Hub("sync");
        await b.Hub("sync");
        b[".beads/issues.jsonl"].ShouldBe(first + "\n");

        b[".beads/issues.jsonl"] = first.Replace("open", "in_progress").Replace("2025", "2026") + "\n";
        await b.Hub("sync", "--quiet");
        await a.Hub("sync");
        a[".beads/issues.jsonl"].ShouldBe($"{first.Replace("open", "in_progress").Replace("2025", "2026")}\n{memory}\n");

        a[".beads/issues.jsonl"] = "<<<<<<< HEAD\n" + a[".beads/issues.jsonl"];
        var run = await a.Try("beadhub", "sync");
        run.ExitCode.ShouldBe(ExitCode.Failed);
        run.Error.ShouldContain("line 1 of");
    }

    [Fact]
    public async Task What_the_server_changed_reaches_bd_and_what_bd_closed_is_released()
    {
        var a = await Machine("a", BdVersion.Dolt10);
        await a.Run("bd", "init");
        await a.Run("bd", "create", "bd-1", "Lamp");
        await a.Run("bd", "create", "bd-2", "Door");
        await a.Hub("sync");
        await a.Hub("claim", "bd-1");
        await a.Hub("claim", "bd-2");
        await a.Hub("done", "bd-1", "--reason", "Shines");
        await a.Run("bd", "close", "bd-2");
        await a.Hub("sync");

        (await a.Run("bd", "export")).ShouldContain("Shines");
        (await a.Hub("status")).ShouldNotContain("holds");
        (await a.Hub("export")).Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldAllBe(static line => line.Contains("\"closed\""));
    }

    [Fact]
    public async Task It_goes_on_by_itself_and_from_hooks_of_git()
    {
        var (a, b) = (await Machine("a", BdVersion.Dolt13), await Machine("b", BdVersion.Dolt13));
        foreach (var folder in new[] { a, b }) await folder.Run("bd", "init");
        using var watching = CommandRun.Start(a.Path,
        [
            ("HOME", _user.Home), ("BEADHUB_URL", server.Url), ("BD_DOUBLE", nameof(BdVersion.Dolt13)),
            ("PATH", $"{_user.Home}/bin{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}"),
        ], "sync", "--watch", "--interval", "1");
        var (printed, said) = (watching.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            watching.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        try
        {
            await b.Run("beadhub", "setup", "git", "--sync-hooks", "--yes");
            await b.Hub("setup", "git", "--sync-hooks", "--check");
            // What a commit is made of goes to the hub with it, and from there to who watches.
            await b.Run("bd", "create", "bd-1", "From the hook");
            b["readme"] = "x";
            await b.Run("git", "add", "readme");
            await b.Run("git", "commit", "-q", "-m", "one");
            await Until(a, "From the hook");
            await a.Run("bd", "create", "bd-2", "From who watches");
            for (var left = 60; !(await b.Hub("export")).Contains("From who watches"); left--)
            {
                left.ShouldBePositive(watching.HasExited ? await said : "");
                await b.Run("git", "commit", "-q", "--allow-empty", "-m", "again");
            }

            await b.Run("git", "commit", "-q", "--allow-empty", "-m", "and takes");
            (await b.Run("bd", "export")).ShouldContain("From who watches");
            watching.HasExited.ShouldBeFalse();
        }
        finally
        {
            watching.Kill();
            await watching.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        (await printed).ShouldContain("1 from the hub");

        async Task Until(Folder folder, string title)
        {
            for (var left = 60; !(await folder.Run("bd", "export")).Contains(title); left--)
            {
                left.ShouldBePositive(watching.HasExited ? await said : title);
                await Task.Delay(200, TestContext.Current.CancellationToken);
            }
        }
    }

    private async Task<Folder> Machine(string name, BdVersion version)
    {
        var folder = await _user.Folder(name, version);
        await folder.Hub("init", "--project", _project, "--alias", name, "--origin", $"https://github.com/acme/{_project}.git");
        return folder;
    }
}
