using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Backups;

/// <summary>The periodic JSONL backups, and what they are for: the database is lost, the beads are not.</summary>
public sealed class JsonlBackupTests : IDisposable
{
    private const string Repo = "github.com/test/repo";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-jsonl-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Backups => Path.Combine(_folder.FullName, "backups");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_database_is_lost_and_one_command_brings_every_line_back()
    {
        string slug, main, other;
        await using (var server = await Start("first.db"))
        {
            var project = new Project(server.Api);
            var alice = await project.Agent("alice");
            slug = project.Slug;
            (await alice.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main", Lines(
                """{"id":"bd-1","title":"Ä lamp ✓ \u00e4","x_unknown":{"b":1,"a":[1.50,2]},"status":"open"}""",
                """{ "id": "bd-2" , "title": "spaces stay",  "status":"closed","closed_at":"2026-01-01T00:00:00Z" }""",
                """{"id":"bd-10","title":"one","title":"twice","status":"tombstone"}"""))).Ok();
            (await alice.Post($"/v1/beads/upload-jsonl?repo=gitlab.com/a/b&branch=feature/x", Lines(
                """{"id":"bd-1","title":"the same id elsewhere","status":"open"}"""))).Ok();
            main = await Export(alice, Repo, "main");
            other = await Export(alice, "gitlab.com/a/b", "feature/x");
            await Until(() => Newest(slug) is { } backup && Read(backup).Items("files").Count() == 2);
            await server.Kill();
        }

        // Byte for byte what the export is, and bd takes.
        var files = Read(Newest(slug)!).Items("files").ToDictionary(static file => file.Text("repo"));
        (await File.ReadAllTextAsync(Path.Combine(Newest(slug)!, files[Repo].Text("file")), Cancellation)).ShouldBe(main);
        foreach (var lost in System.IO.Directory.GetFiles(_folder.FullName, "first.db*")) File.Delete(lost);

        // The second server's project is another one, of which it soon makes backups beside these.
        var folder = ProjectFolder(slug);
        await using var second = await Start("second.db");
        var home = _folder.CreateSubdirectory("home").FullName;
        var restored = await Command(second, home, "backup", "restore", folder);
        restored.ExitCode.ShouldBe(0, restored.Error);
        restored.Output.ShouldContain("4 beads of");
        restored.Output.ShouldContain("byte for byte");
        var bob = await new Project(second.Api, slug).Agent("bob");
        (await Export(bob, Repo, "main")).ShouldBe(main);
        (await Export(bob, "gitlab.com/a/b", "feature/x")).ShouldBe(other);

        // Nothing is brought back over what is there.
        var again = await Command(second, home, "backup", "restore", folder);
        again.ExitCode.ShouldBe(4);
        again.Error.ShouldContain("has beads already");
    }

    [Fact]
    public async Task What_does_not_change_makes_no_backup_and_only_so_many_are_kept()
    {
        await using var server = await Start("x.db", ("BEADHUB_BACKUP_KEEP", "2"));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        var seen = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            (await alice.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main",
                Lines($$"""{"id":"bd-1","title":"v{{i}}","status":"open","updated_at":"2026-01-0{{i + 1}}T00:00:00Z"}"""))).Ok();
            await Until(() => Newest(project.Slug) is { } made && !seen.Contains(made));
            seen.Add(Newest(project.Slug)!);
        }

        await Until(() => Names(project.Slug).Length == 2);
        Names(project.Slug).ShouldBe([.. seen.TakeLast(2).Select(static path => Path.GetFileName(path))]);
        // Mail moves the feed, and is no bead.
        var bob = await project.Agent("bob");
        await alice.MailId(bob, "hello");
        var other = await new Project(server.Api).Agent("carol");
        (await other.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main", Lines("""{"id":"bd-1","title":"t","status":"open"}"""))).Ok();
        await Until(() => System.IO.Directory.GetDirectories(Backups).Length == 2
            && System.IO.Directory.GetDirectories(Backups).All(static folder =>
                System.IO.Directory.GetFiles(folder, "backup.json", SearchOption.AllDirectories).Length > 0));
        Names(project.Slug).Length.ShouldBe(2);
        Newest(project.Slug).ShouldBe(seen[^1]);
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(ProjectFolder(project.Slug)).ShouldBe(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task A_damaged_backup_is_not_brought_back_and_a_half_one_is_none()
    {
        string slug;
        await using (var server = await Start("x.db"))
        {
            var project = new Project(server.Api);
            var alice = await project.Agent("alice");
            slug = project.Slug;
            (await alice.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main",
                Lines("""{"id":"bd-1","title":"t","status":"open"}"""))).Ok();
            await Until(() => Newest(slug) is not null);
        }

        var newest = Newest(slug)!;
        var file = System.IO.Directory.GetFiles(newest, "*.jsonl").Single();
        await File.AppendAllTextAsync(file, "{\"id\":\"bd-2\"}\n", Cancellation);
        // What a server that was killed has left.
        System.IO.Directory.CreateDirectory(Path.Combine(ProjectFolder(slug), ".half-1"));
        await File.WriteAllTextAsync(Path.Combine(ProjectFolder(slug), ".half-1", "backup.json"), "{}", Cancellation);
        await using var second = await Start("second.db");
        var home = _folder.CreateSubdirectory("home").FullName;
        var run = await Command(second, home, "backup", "restore", ProjectFolder(slug));
        run.ExitCode.ShouldBe(1);
        run.Error.ShouldContain("is damaged");
        (await Command(second, home, "backup", "restore", Path.Combine(_folder.FullName, "none"))).ExitCode.ShouldBe(3);
    }

    private Task<ServerProcess> Start(string database, params (string Name, string Value)[] settings) => ServerProcess.Start(
        _folder.FullName, new Dictionary<string, string>(settings.Select(static pair => KeyValuePair.Create(pair.Name, pair.Value)))
        {
            ["BEADHUB_DATABASE_URL"] = $"sqlite:{_folder.FullName}/{database}",
            ["BEADHUB_BACKUP_DIR"] = Backups,
            ["BEADHUB_BACKUP_SECONDS"] = "1",
        });

    private static Task<CommandRun> Command(ServerProcess server, string home, params string[] arguments) =>
        CommandRun.Of(home, [("BEADHUB_URL", server.Api.Address.ToString()), ("HOME", home)], arguments);

    private static HttpContent Lines(params string[] lines) => Api.Plain(string.Join('\n', lines) + "\n");

    private static async Task<string> Export(Agent agent, string repo, string branch) =>
        (await agent.Get($"/v1/beads/export-jsonl?repo={repo}&branch={branch}")).Text;

    private string ProjectFolder(string slug) => System.IO.Directory.GetDirectories(Backups, $"{slug}.*").Single();

    private string[] Names(string slug) => System.IO.Directory.Exists(Backups)
        ? [.. System.IO.Directory.GetDirectories(Backups, $"{slug}.*").SelectMany(System.IO.Directory.GetDirectories)
            .Where(static path => File.Exists(Path.Combine(path, "backup.json")) && !Path.GetFileName(path).StartsWith('.'))
            .Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
        : [];

    private string? Newest(string slug) => Names(slug) is [.., var newest] ? Path.Combine(ProjectFolder(slug), newest) : null;

    private static JsonElement Read(string backup) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(backup, "backup.json"))).RootElement;

    // The files are the only sign that a backup was made.
    private static async Task Until(Func<bool> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(Patience);
        while (!condition()) await Task.Delay(50, patience.Token);
    }
}
