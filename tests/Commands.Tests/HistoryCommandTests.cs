using System.Text.Json;
using Beadhub.BdDouble;
using Beadhub.Testing;
using ExitCode = Beadhub.Commands.ExitCode;

namespace Beadhub.CommandTests;

/// <summary><c>beadhub history</c> as two agents use it beside <c>bd</c>.</summary>
public sealed class HistoryCommandTests(OneServer server) : IDisposable
{
    private readonly User _user = new(server.Url);
    private readonly string _project = "p-" + Guid.NewGuid().ToString("n")[..12];

    public void Dispose() => _user.Dispose();

    [Theory]
    [InlineData(BdVersion.Sqlite47)]
    [InlineData(BdVersion.Dolt13)]
    public async Task What_the_server_restores_bd_takes_and_what_bd_still_has_is_a_conflict(BdVersion bd)
    {
        var (alice, bob) = (await Agent("alice", bd), await Agent("bob", bd));
        await alice.Run("bd", "create", "x-1", "A");
        await alice.Run("bd", "create", "x-2", "B");
        await alice.Hub("sync");
        (await alice.Hub("history", "commit", "-m", "good")).ShouldStartWith("Committed ");
        (await alice.Hub("history", "commit", "-m", "good")).ShouldBe("Nothing has changed since the last commit.\n");
        await bob.Hub("sync");
        await bob.Run("bd", "set", "x-1", "title", "spoilt");
        await bob.Hub("sync");
        await alice.Hub("sync");
        (await Title(alice, "x-1")).ShouldBe("spoilt");
        bob["spoilt.jsonl"] = await bob.Run("bd", "export");

        (await alice.Hub("history", "restore", "HEAD", "--by", "bob", "-m", "undo bob")).ShouldBe("1 restored, 0 removed.\n");

        // By hand: what the server exports, bd imports, since it is newer.
        bob["restored.jsonl"] = await bob.Hub("export");
        await bob.Run("bd", ["import", .. bd == BdVersion.Sqlite47 ? (string[])["-i"] : [], "restored.jsonl"]);
        (await Title(bob, "x-1")).ShouldBe("A");
        // And by sync.
        await alice.Hub("sync");
        (await Title(alice, "x-1")).ShouldBe("A");
        // An older copy that is pushed later changes nothing, and is told of.
        var pushed = await bob.Try("beadhub", "import", "spoilt.jsonl");
        (pushed.Output + pushed.Error).ShouldContain("x-1");
        var line = (await alice.Hub("export")).Split('\n').Single(text => text.Contains("\"x-1\"", StringComparison.Ordinal));
        JsonDocument.Parse(line).RootElement.Text("title").ShouldBe("A");
        (await alice.Hub("history", "log")).ShouldContain("    undo bob\n");
    }

    [Fact]
    public async Task Commits_are_shown_and_named()
    {
        var alice = await Agent("alice", BdVersion.Dolt13);
        alice["one.jsonl"] = """
            {"id":"bd-1","title":"Lamp","status":"open","updated_at":"2026-01-01T00:00:00Z"}

            """;
        (await alice.Hub("history", "log")).ShouldContain("no commit yet");
        await alice.Hub("import", "one.jsonl");
        await alice.Hub("history", "commit", "-m", "one");
        (await alice.Hub("history", "tag", "v1", "-m", "the first")).ShouldStartWith("v1 is at ");
        alice["two.jsonl"] = alice["one.jsonl"].Replace("Lamp", "Door\u001b[31m", StringComparison.Ordinal)
            .Replace("2026-01-01", "2026-01-02", StringComparison.Ordinal).Replace("\u001b", "\\u001b", StringComparison.Ordinal);
        await alice.Hub("import", "two.jsonl");
        await alice.Hub("history", "commit", "-m", "two");

        var diff = await alice.Hub("history", "diff", "v1");
        diff.ShouldContain("- title: \"Lamp\"\n+ title: \"Door");
        diff.ShouldNotContain("\u001b");
        (await alice.Hub("history", "diff")).ShouldBe("Nothing differs.\n");
        var shown = await alice.Hub("history", "show");
        shown.ShouldContain("    two\n");
        shown.ShouldContain("changed bd-1");
        JsonDocument.Parse(await alice.Hub("history", "log", "--json")).RootElement.Items("commits").Length.ShouldBe(2);
        (await alice.Hub("history", "blame", "bd-1")).ShouldContain("title");
        (await alice.Hub("history", "tag")).ShouldContain("the first");
        (await alice.Hub("history", "branch", "work", "v1")).ShouldStartWith("work is at ");
        (await alice.Hub("history", "merge", "work")).ShouldBe("Nothing is to be merged.\n");
        (await alice.Try("beadhub", "history", "show", "nothing")).ExitCode.ShouldBe(ExitCode.Nothing);
        (await alice.Try("beadhub", "history", "merge")).ExitCode.ShouldBe(ExitCode.Nothing);
        (await alice.Try("beadhub", "history", "merge", "--abort")).ExitCode.ShouldBe(ExitCode.Nothing);
        (await alice.Hub("history", "tag", "v1", "--delete")).ShouldStartWith("v1 is deleted");
    }

    private async Task<Folder> Agent(string alias, BdVersion bd)
    {
        var folder = await _user.Folder(alias, bd);
        await folder.Run("bd", "init");
        await folder.Hub("init", "--project", _project, "--alias", alias, "--origin", $"https://github.com/acme/{_project}.git");
        return folder;
    }

    private static async Task<string> Title(Folder folder, string id) =>
        JsonDocument.Parse((await folder.Run("bd", "export")).Split('\n')
            .Single(text => text.Contains($"\"id\":\"{id}\"", StringComparison.Ordinal))).RootElement.Text("title");
}
