using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.CommandTests.Remotes;

/// <summary>JSONL backups in an object store: machine and database are lost, the beads are not.</summary>
public sealed class BucketBackupTests : IAsyncLifetime
{
    private const string Repo = "github.com/test/repo";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-bucket-");
    private S3Double _store = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await S3Double.Start();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_machine_is_lost_and_one_command_brings_every_line_back_from_the_bucket()
    {
        string slug, main, other;
        // What a server that was killed has left long ago, and what is nobody's backup.
        var halfOf = "20250101T000000000Z";
        _store.Objects["nightly/notes.txt"] = "mine"u8.ToArray();
        await using (var server = await Start("first.db"))
        {
            var project = new Project(server.Api);
            var alice = await project.Agent("alice");
            slug = project.Slug;
            _store.Objects[$"nightly/{slug}.{alice.ProjectId}/{halfOf}/x.jsonl"] = "{}"u8.ToArray();
            (await alice.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main", Lines(
                """{"id":"bd-1","title":"Ä lamp ✓ \u00e4","x_unknown":{"b":1,"a":[1.50,2]},"status":"open"}""",
                """{ "id": "bd-2" , "title": "spaces stay",  "status":"closed","closed_at":"2026-01-01T00:00:00Z" }"""))).Ok();
            (await alice.Post($"/v1/beads/upload-jsonl?repo=gitlab.com/a/b&branch=feature/x", Lines(
                """{"id":"bd-1","title":"the same id elsewhere","status":"open"}"""))).Ok();
            main = await Export(alice, Repo, "main");
            other = await Export(alice, "gitlab.com/a/b", "feature/x");
            await Until(() => Manifests(slug) is [.., var newest] && Read(newest).Items("files").Count() == 2);
            await server.Kill();
        }

        // Byte for byte what the export is, and bd takes.
        var newest = Manifests(slug)[^1];
        var file = Read(newest).Items("files").Single(static file => file.Text("repo") == Repo).Text("file");
        _store.Objects[newest.Replace("backup.json", file)].ShouldBe(System.Text.Encoding.UTF8.GetBytes(main));
        _store.Objects.Keys.ShouldNotContain(static name => name.Contains("20250101T000000000Z"));
        _store.Objects.Keys.ShouldContain("nightly/notes.txt");

        await using var second = await Start("second.db", ("BEADHUB_BACKUP_DIR", ""));
        var list = await Command(second, "backup", "list", _store.Url("nightly"), "--json");
        list.ExitCode.ShouldBe(0, list.Error);
        var shown = JsonDocument.Parse(list.Output).RootElement.EnumerateArray().First();
        (shown.Text("project"), shown.Number("beads")).ShouldBe((slug, 3));
        shown.Text("folder").ShouldStartWith($"s3://beads/nightly/{slug}.");

        // What was listed is what is restored from; a project's folder would do as well.
        var restored = await Command(second, "backup", "restore", shown.Text("folder")!);
        restored.ExitCode.ShouldBe(0, restored.Error);
        restored.Output.ShouldContain("3 beads of");
        var bob = await new Project(second.Api, slug).Agent("bob");
        (await Export(bob, Repo, "main")).ShouldBe(main);
        (await Export(bob, "gitlab.com/a/b", "feature/x")).ShouldBe(other);
        var project2 = shown.Text("folder")!.Split('?')[0];
        var again = await Command(second, "backup", "restore", _store.Url(project2["s3://beads/".Length..project2.LastIndexOf('/')]));
        again.ExitCode.ShouldBe(4, again.Error);
        again.Error.ShouldContain("has beads already");
        _store.Refused.ShouldBe(0);
    }

    [Fact]
    public async Task A_bucket_that_refuses_is_told_and_tried_again_and_holds_only_so_many_whole_backups()
    {
        _store.Fails = static request => request.Method == "PUT" ? 503 : null;
        await using var server = await Start("x.db", ("BEADHUB_BACKUP_KEEP", "2"));
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        await Upload(alice, 0);
        await Until(() => server.Output.Any(static line => line.Contains("could not be backed up to s3://beads/nightly")
            && line.Contains("answered 503")));
        Manifests(project.Slug).ShouldBeEmpty();
        await Until(async () => Failing((await server.Api.Get("/metrics")).Text) > 0);
        var doctor = await CommandRun.Of(_folder.FullName, Settings("other.db"), "doctor", "--json");
        doctor.Output.ShouldContain("cannot be written: the object store answered 503");

        // The manifest alone does not arrive: nothing that could be taken for a backup is there, and nothing else is left.
        _store.Fails = static request => request.Method == "PUT" && request.Path.Value!.EndsWith("backup.json") ? 500 : null;
        await Until(() => server.Output.Any(static line => line.Contains("answered 500")));
        await Until(() => !_store.Objects.Keys.Any(static name => name.EndsWith(".jsonl")));
        _store.Fails = static request => request.Method == "GET" ? 307 : null;
        await Until(() => server.Output.Any(static line => line.Contains("redirect, which is not followed")));

        _store.Fails = static _ => null;
        var seen = new List<string>();
        for (var i = 1; i <= 4; i++)
        {
            await Upload(alice, i);
            await Until(() => Manifests(project.Slug) is [.., var newest] && !seen.Contains(newest)
                && _store.Objects.TryGetValue(newest[..^"backup.json".Length] + "github.com_test_repo@main.jsonl", out var lines)
                && System.Text.Encoding.UTF8.GetString(lines).Contains($"\"v{i}\""));
            seen.Add(Manifests(project.Slug)[^1]);
        }

        await Until(() => Manifests(project.Slug).Length == 2);
        Manifests(project.Slug).ShouldBe([.. seen.TakeLast(2)]);
        await Until(() => _store.Objects.Count == 4);
        await Until(async () => Failing((await server.Api.Get("/metrics")).Text) == 0);
        var well = await CommandRun.Of(_folder.FullName, Settings("other.db"), "doctor", "--json");
        well.Output.ShouldContain("the newest is of");
        foreach (var line in server.Output.Concat(doctor.Lines).Concat(well.Lines)) line.ShouldNotContain(S3Double.SecretKey);
    }

    [Fact]
    public async Task What_is_damaged_in_the_bucket_or_names_files_elsewhere_is_not_brought_back()
    {
        await using var server = await Start("x.db");
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        await Upload(alice, 1);
        await Until(() => Manifests(project.Slug).Length > 0);
        await server.Stop();
        var newest = Manifests(project.Slug)[^1];
        var (manifest, place) = (_store.Objects[newest], _store.Url(newest[..^"/backup.json".Length]));
        var lines = newest.Replace("backup.json", "github.com_test_repo@main.jsonl");
        await using var second = await Start("second.db", ("BEADHUB_BACKUP_DIR", ""));

        (await Refused(place.Replace("?", "-none?"), 3)).ShouldContain("there is no backup");
        (await Refused(_store.Url("nightly", "elsewhere"), 3)).ShouldContain("no such bucket");
        (await Refused("dolthub://a/b", 2)).ShouldContain("bd export");
        var whole = _store.Objects[lines];
        _store.Objects[lines] = [.. whole, .. "{}\n"u8];
        (await Refused(place, 1)).ShouldContain("too many");
        _store.Objects[lines] = [.. whole.AsSpan(0, whole.Length - 3), .. "x}\n"u8];
        (await Refused(place, 1)).ShouldContain("is damaged");
        _store.Objects.TryRemove(lines, out _);
        (await Refused(place, 1)).ShouldContain("lacks github.com_test_repo@main.jsonl");
        _store.Objects[newest] = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(manifest)
            .Replace("github.com_test_repo@main.jsonl", "../../evil"));
        (await Refused(place, 1)).ShouldContain("names a file elsewhere");
        _store.Objects[newest] = "{}"u8.ToArray();
        (await Refused(place, 1)).ShouldContain("form that this program does not know");
        var stranger = await CommandRun.Of(_folder.FullName, [("BEADHUB_URL", second.Api.Address.ToString())], "backup", "list", place);
        stranger.Error.ShouldContain("BEADHUB_REMOTE_USER");

        async Task<string> Refused(string from, int code)
        {
            var run = await Command(second, "backup", "restore", from);
            run.ExitCode.ShouldBe(code, run.Error);
            return run.Error;
        }
    }

    private Dictionary<string, string> SettingsOf(string database, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = $"sqlite:{_folder.FullName}/{database}",
            ["BEADHUB_BACKUP_DIR"] = _store.Url("nightly"),
            ["BEADHUB_BACKUP_SECONDS"] = "1",
            ["BEADHUB_REMOTE_USER"] = S3Double.AccessKey,
            ["BEADHUB_REMOTE_PASSWORD"] = S3Double.SecretKey,
        };
        foreach (var (name, value) in settings) all[name] = value;
        return all;
    }

    private Task<ServerProcess> Start(string database, params (string Name, string Value)[] settings) =>
        ServerProcess.Start(_folder.FullName, SettingsOf(database, settings));

    private IEnumerable<(string, string)> Settings(string database) =>
        SettingsOf(database).Select(static pair => (pair.Key, pair.Value))
            .Append(("BEADHUB_PORT", ServerProcess.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private Task<CommandRun> Command(ServerProcess server, params string[] arguments) => CommandRun.Of(
        _folder.CreateSubdirectory("home").FullName,
        [
            ("BEADHUB_URL", server.Api.Address.ToString()), ("HOME", _folder.CreateSubdirectory("home").FullName),
            ("BEADHUB_REMOTE_USER", S3Double.AccessKey), ("BEADHUB_REMOTE_PASSWORD", S3Double.SecretKey),
        ], arguments);

    private static async Task Upload(Agent agent, int version) => (await agent.Post($"/v1/beads/upload-jsonl?repo={Repo}&branch=main",
        Lines($$"""{"id":"bd-1","title":"v{{version}}","status":"open","updated_at":"2026-01-0{{version + 1}}T00:00:00Z"}"""))).Ok();

    private static HttpContent Lines(params string[] lines) => Api.Plain(string.Join('\n', lines) + "\n");

    private static async Task<string> Export(Agent agent, string repo, string branch) =>
        (await agent.Get($"/v1/beads/export-jsonl?repo={repo}&branch={branch}")).Text;

    private string[] Manifests(string slug) => [.. _store.Objects.Keys
        .Where(name => name.StartsWith($"nightly/{slug}.", StringComparison.Ordinal) && name.EndsWith("/backup.json"))
        .Order(StringComparer.Ordinal)];

    private JsonElement Read(string name) => JsonDocument.Parse(_store.Objects[name]).RootElement;

    private static double Failing(string metrics) => double.Parse(metrics.Split('\n')
        .First(static line => line.StartsWith("beadhub_backups_failing_seconds ", StringComparison.Ordinal)).Split(' ')[1],
        System.Globalization.CultureInfo.InvariantCulture);

    private static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    // Objects and log lines are the only sign that a backup was tried.
    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(Patience);
        while (!await condition()) await Task.Delay(50, patience.Token);
    }
}
