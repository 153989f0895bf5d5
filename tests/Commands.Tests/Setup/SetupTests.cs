using System.Text.Json.Nodes;
using Beadhub.Commands;
using Beadhub.Commands.Setup;
using ExitCode = Beadhub.Commands.ExitCode;

namespace Beadhub.CommandTests.Setup;

/// <summary><c>beadhub setup</c>: what is there stays, what is written can be taken away again, and the hook keeps its word.</summary>
public sealed class SetupTests(OneServer server) : IDisposable
{
    private const string Hook = "#!/bin/sh\necho \"before $#\" >> hook.log\n[ ! -e refuse ]\n";

    // Comments, odd indentation, a trailing comma, another server.
    private const string Json = """
        {
            // mine
            "theme": "dark", /* keep */
            "mcpServers": {
                "other": { "command": "x" }, // and this
            },
        }

        """;

    private const string Toml = "model = \"o9\"\n\n[mcp_servers.other]\ncommand = \"x\"\n";

    private readonly User _user = new(server.Url);
    private readonly string _project = "p-" + Guid.NewGuid().ToString("n")[..12];

    public void Dispose() => _user.Dispose();

    [Fact]
    public async Task Setting_up_keeps_what_is_there_and_taking_away_brings_it_back()
    {
        var folder = await _user.Folder("alice");
        folder[".cursor/mcp.json"] = Json;
        folder["../.codex/config.toml"] = Toml;
        folder["AGENTS.md"] = "# Ours\n\nBe kind.";
        folder["CLAUDE.md"] = "Read @AGENTS.md first.\n";
        folder[".git/hooks/pre-commit"] = Hook;
        await folder.Run("chmod", "+x", ".git/hooks/pre-commit");
        string[] editors = ["claude", "cursor", "codex", "gemini", "copilot", "opencode"];

        (await folder.Try("beadhub", ["setup", .. editors, "--check"])).ExitCode.ShouldBe(ExitCode.Unsettled);
        var shown = await folder.Try("beadhub", ["setup", .. editors]);
        shown.ExitCode.ShouldBe(ExitCode.Unsettled);
        shown.Output.ShouldContain("+ ");
        shown.Output.ShouldContain("becomes a workspace");
        folder[".cursor/mcp.json"].ShouldBe(Json);
        folder.Has(".mcp.json").ShouldBeFalse();
        folder.Has(".beadhub").ShouldBeFalse();

        await folder.Hub(["setup", .. editors, "--yes", "--project", _project, "--alias", "alice"]);
        await folder.Hub(["setup", .. editors, "--check"]);
        (await folder.Hub("whoami")).ShouldContain("alice");
        folder[".cursor/mcp.json"].ShouldContain("// and this");
        folder[".cursor/mcp.json"].ShouldContain("\"--folder\"");
        folder[".mcp.json"].ShouldContain("\"mcpServers\"");
        folder[".vscode/mcp.json"].ShouldContain("\"servers\"");
        folder["opencode.json"].ShouldContain("\"mcp\"");
        folder["../.codex/config.toml"].ShouldStartWith(Toml);
        folder["AGENTS.md"].ShouldStartWith("# Ours\n\nBe kind.");
        folder["CLAUDE.md"].ShouldBe("Read @AGENTS.md first.\n");
        folder["GEMINI.md"].ShouldContain("@AGENTS.md");
        foreach (var file in new[] { ".mcp.json", ".cursor/mcp.json", "AGENTS.md", "../.codex/config.toml" })
            folder[file].ShouldNotContain("aw_sk_");
        (await folder.Hub(["setup", .. editors])).ShouldBe("Everything is set up.\n");

        await folder.Hub(["setup", .. editors, "--remove", "--yes"]);
        folder[".cursor/mcp.json"].ShouldBe(Json);
        folder["../.codex/config.toml"].ShouldBe(Toml);
        folder["AGENTS.md"].TrimEnd('\n').ShouldBe("# Ours\n\nBe kind.");
        folder[".git/hooks/pre-commit"].ShouldBe(Hook);
        foreach (var file in new[] { ".mcp.json", ".vscode/mcp.json", "opencode.json", "GEMINI.md" }) folder.Has(file).ShouldBeFalse(file);
    }

    [Fact]
    public async Task The_hook_refuses_what_others_have_reserved_and_calls_the_one_before()
    {
        var (alice, bob) = (await _user.Folder("alice"), await _user.Folder("bob"));
        foreach (var (folder, alias) in new[] { (alice, "alice"), (bob, "bob") })
            await folder.Hub("init", "--project", _project, "--alias", alias, "--origin", "https://github.com/acme/x.git");
        bob[".git/hooks/pre-commit"] = Hook;
        await bob.Run("chmod", "+x", ".git/hooks/pre-commit");
        await bob.Hub("setup", "git", "--yes");
        await bob.Hub("setup", "git", "--check");
        await alice.Hub("lock", "acquire", "src/a.cs");
        bob["src/a.cs"] = "1";
        await bob.Run("git", "add", "src");

        var refused = await bob.Try("git", "commit", "-m", "a");
        refused.ExitCode.ShouldNotBe(0);
        refused.Error.ShouldContain("src/a.cs is reserved by alice");
        await alice.Hub("lock", "release", "src/a.cs");
        bob["refuse"] = "";
        (await bob.Try("git", "commit", "-m", "a")).ExitCode.ShouldNotBe(0);
        File.Delete(Path.Combine(bob.Path, "refuse"));
        await bob.Run("git", "commit", "-m", "a");
        bob["hook.log"].ShouldBe("before 0\nbefore 0\nbefore 0\n");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\n\t\"a\": [1, 2] // x\n}\n")]
    [InlineData("{\"mcpServers\":{}}")]
    [InlineData("{\"mcpServers\": {\"x\": {\"mcpServers\": 1}}, \"ü\": \"}\"}")]
    [InlineData("{\n  // \"mcpServers\": {},\n  \"mcpServers\": { /* none */ }\n}")]
    public void A_member_is_set_and_taken_away_and_all_else_stays(string text)
    {
        var value = new JsonObject { ["command"] = "beadhub", ["args"] = new JsonArray("mcp") };
        var set = JsonEdits.Set(text, "mcpServers", "beadhub", value, "f");
        JsonEdits.Get(set, "mcpServers", "beadhub", "f")!.ToJsonString().ShouldBe(value.ToJsonString());
        JsonEdits.Set(set, "mcpServers", "beadhub", value, "f").ShouldBe(set);
        foreach (var comment in new[] { "// x", "/* none */", "// \"mcpServers\": {}," })
            set.Contains(comment).ShouldBe(text.Contains(comment));
        JsonEdits.Get(JsonEdits.Remove(set, "mcpServers", "beadhub", "f"), "mcpServers", "beadhub", "f").ShouldBeNull();
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"mcpServers\": []}")]
    [InlineData("not json")]
    [InlineData("{\"a\":")]
    public void What_cannot_be_changed_safely_is_refused(string text) =>
        Should.Throw<CommandException>(() => JsonEdits.Set(text, "mcpServers", "beadhub", [], "f")).Message.ShouldContain("f");
}
