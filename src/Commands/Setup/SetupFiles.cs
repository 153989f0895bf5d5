using System.Text.Json.Nodes;

namespace Beadhub.Commands.Setup;

/// <summary>A file as it is and as it is to be. Null where there is none.</summary>
/// <param name="Path">Path.</param>
/// <param name="What">What it is for.</param>
/// <param name="Before">Its text now.</param>
/// <param name="After">Its text then.</param>
/// <param name="IsProgram">Whether it is run.</param>
internal sealed record FileChange(string Path, string What, string? Before, string? After, bool IsProgram = false)
{
    public bool IsNeeded => Before != After;

    public void Apply()
    {
        if (After is null)
        {
            File.Delete(Path);
            return;
        }

        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        // The mode of a file that is there stays, and whoever links to it.
        File.WriteAllText(Path, After);
        if (IsProgram && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path, File.GetUnixFileMode(Path)
                | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>Lines that go and come, with the line before them.</summary>
    public IEnumerable<string> Difference()
    {
        var (old, next) = (Lines(Before), Lines(After));
        var same = 0;
        while (same < old.Length && same < next.Length && old[same] == next[same]) same++;
        var tail = 0;
        while (tail < old.Length - same && tail < next.Length - same && old[^(tail + 1)] == next[^(tail + 1)]) tail++;
        if (same > 0) yield return "  " + next[same - 1];
        foreach (var line in old[same..^tail]) yield return "- " + line;
        foreach (var line in next[same..^tail]) yield return "+ " + line;
        if (tail > 0) yield return "  " + next[^tail];
    }

    private static string[] Lines(string? text) => text is null ? [] : text.TrimEnd('\n').Split('\n');
}

/// <summary>A part of a text file that belongs to this program, between two lines that say so.</summary>
internal static class MarkedSection
{
    /// <summary>The text with the section set; null removes it.</summary>
    /// <exception cref="CommandException">One of the two lines is missing.</exception>
    public static string? Put(string? text, string begin, string end, string? section, string path)
    {
        var lines = (text ?? "").ReplaceLineEndings("\n").Split('\n').ToList();
        var (from, to) = (lines.FindIndex(line => line.Trim() == begin), lines.FindIndex(line => line.Trim() == end));
        if (from < 0 != to < 0 || to < from) throw new CommandException($"{path} has only one of the lines '{begin}' and '{end}'");
        if (section is null)
        {
            if (from < 0) return text;
            lines.RemoveRange(from, to - from + 1);
            // The blank line that was put before it.
            if (from > 0 && lines[from - 1].Length == 0) lines.RemoveAt(from - 1);
            var left = string.Join('\n', lines);
            return left.Trim().Length == 0 ? null : left;
        }

        var block = $"{begin}\n{section.Trim('\n')}\n{end}";
        if (from >= 0)
        {
            lines.RemoveRange(from, to - from + 1);
            lines.Insert(from, block);
            return string.Join('\n', lines);
        }

        return text is not { Length: > 0 } ? block + "\n" : $"{text}{(text.EndsWith('\n') ? "" : "\n")}\n{block}\n";
    }
}

/// <summary>An editor, or another program in which agents work: where it looks for MCP servers and for instructions.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="File">Its file, from the worktree or, with a tilde, from the user's folder.</param>
/// <param name="Outer">Member of its JSON that holds the servers; null when the file is TOML.</param>
/// <param name="Server">How it starts one.</param>
/// <param name="Instructions">File that it reads in place of AGENTS.md; null when it reads that.</param>
internal sealed record Editor(string Name, string File, string? Outer, Func<JsonObject> Server, string? Instructions = null)
{
    private const string TomlBegin = "# beadhub: begin", TomlEnd = "# beadhub: end";

    public static readonly Editor[] All =
    [
        new("claude", ".mcp.json", "mcpServers", static () => new()
            { ["type"] = "stdio", ["command"] = "beadhub", ["args"] = new JsonArray("mcp") }, "CLAUDE.md"),
        new("cursor", ".cursor/mcp.json", "mcpServers", static () => new()
            { ["command"] = "beadhub", ["args"] = new JsonArray("mcp", "--folder", "${workspaceFolder}") }),
        new("codex", "~/.codex/config.toml", null, static () => []),
        new("gemini", ".gemini/settings.json", "mcpServers", static () => new()
            { ["command"] = "beadhub", ["args"] = new JsonArray("mcp") }, "GEMINI.md"),
        new("copilot", ".vscode/mcp.json", "servers", static () => new()
        {
            ["type"] = "stdio", ["command"] = "beadhub", ["args"] = new JsonArray("mcp", "--folder", "${workspaceFolder}"),
        }),
        new("opencode", "opencode.json", "mcp", static () => new()
            { ["type"] = "local", ["command"] = new JsonArray("beadhub", "mcp"), ["enabled"] = true }),
    ];

    /// <summary>Where its file is.</summary>
    public string PathIn(string folder)
    {
        if (File.StartsWith('~'))
            return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), File[2..]);
        var path = Path.Combine(folder, File);
        // The same with comments, where that is what is there.
        return Name == "opencode" && !System.IO.File.Exists(path) && System.IO.File.Exists(path + "c") ? path + "c" : path;
    }

    /// <summary>Its file with the server in it, or without.</summary>
    public FileChange Change(string folder, bool remove)
    {
        var path = PathIn(folder);
        var text = System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path) : null;
        var what = $"{Name}: MCP server";
        if (Outer is null) return new(path, what, text, Toml(text, path, remove));
        if (!remove) return new(path, what, text, JsonEdits.Set(text ?? "", Outer, "beadhub", Server(), path));
        if (text is null) return new(path, what, null, null);
        var left = JsonEdits.Remove(text, Outer, "beadhub", path);
        return new(path, what, text, left != text && JsonEdits.IsEmpty(left, path) ? null : left);
    }

    private static string? Toml(string? text, string path, bool remove)
    {
        var next = MarkedSection.Put(text, TomlBegin, TomlEnd,
            remove ? null : "[mcp_servers.beadhub]\ncommand = \"beadhub\"\nargs = [\"mcp\"]", path);
        if (!remove && next!.Split('\n').Count(static line => line.Replace("\"", "").Trim() == "[mcp_servers.beadhub]") > 1)
            throw new CommandException($"{path} has a server 'beadhub' that this program has not written; take it out first");
        return next;
    }
}

/// <summary>What agents are told in the files that they read.</summary>
internal static class Instructions
{
    private const string Begin = "<!-- beadhub: begin -->", End = "<!-- beadhub: end -->";

    private const string Words = """
        ## Working with the others (beadhub)

        Other agents work on this repository. Work is tracked as beads on a beadhub server; the MCP server `beadhub` and the command
        `beadhub` do the same.

        1. Begin with `beadhub status`: what you hold, who has written to you, what the others do.
        2. Take work with `beadhub next`, or `beadhub ready` and `beadhub claim ID`. Don't work on a bead that another holds.
        3. Reserve files before you change them: `beadhub lock acquire PATH…`; give them back with `beadhub lock release PATH…`.
        4. Read mail (`beadhub mail read`), answer chats (`beadhub chat`), write to others with `beadhub mail send ALIAS TEXT`.
        5. Ask a human when you are stuck or must not decide: `beadhub ask SUBJECT SITUATION`.
        6. When a bead is finished: `beadhub done ID --reason TEXT`, then take the next.
        """;

    /// <summary>AGENTS.md with the section, or without.</summary>
    public static FileChange Agents(string folder, bool remove) => Section(Path.Combine(folder, "AGENTS.md"), remove ? null : Words);

    /// <summary>The file that an editor reads instead, with a line that includes AGENTS.md unless one is there.</summary>
    public static FileChange Include(string folder, string file, bool remove)
    {
        var path = Path.Combine(folder, file);
        var change = Section(path, remove ? null : "@AGENTS.md");
        // A file that leads there already, or is a link to it, needs nothing.
        var isThere = File.Exists(path) && (new FileInfo(path).LinkTarget is not null
            || (MarkedSection.Put(change.Before, Begin, End, null, path) ?? "").Contains("@AGENTS.md", StringComparison.Ordinal));
        return isThere && !remove ? change with { After = change.Before } : change;
    }

    private static FileChange Section(string path, string? section)
    {
        var text = File.Exists(path) ? File.ReadAllText(path) : null;
        return new(path, "instructions for agents", text, MarkedSection.Put(text, Begin, End, section, path));
    }
}

/// <summary>Hooks of git that call this program, after whatever hook was there before.</summary>
internal static class GitHooks
{
    private const string Kept = ".before-beadhub";
    private const string Mark = "# Written by 'beadhub setup'";

    private const string PreCommit = """
        command -v beadhub > /dev/null 2>&1 || { echo "beadhub is not on PATH: reservations were not looked at" >&2; exit 0; }
        beadhub lock check --staged
        case $? in
        0) ;;
        4) echo "Others have reserved files of this commit; wait, or ask them. (git commit --no-verify does it all the same.)" >&2; exit 1 ;;
        *) echo "beadhub: reservations could not be looked at; the commit goes on" >&2 ;;
        esac
        """;

    private const string Sync = """
        command -v beadhub > /dev/null 2>&1 && beadhub sync --quiet || true
        """;

    /// <summary>What is to be done for the commit hook, and, when asked for, for those that sync.</summary>
    public static async Task<IEnumerable<FileChange>> Changes(string folder, bool remove, bool sync, CancellationToken cancellation)
    {
        if (await Worktree.Git(folder, cancellation, "rev-parse", "--git-path", "hooks") is not { } hooks) return [];
        var path = Path.GetFullPath(hooks.Trim(), folder);
        return new[] { ("pre-commit", PreCommit, true), ("post-commit", Sync, sync), ("post-merge", Sync, sync) }
            .Where(hook => remove || hook.Item3)
            .SelectMany(hook => Change(Path.Combine(path, hook.Item1), hook.Item1, hook.Item2, remove));
    }

    private static IEnumerable<FileChange> Change(string path, string name, string body, bool remove)
    {
        var (text, kept) = (Text(path), Text(path + Kept));
        var isOurs = text?.Contains(Mark, StringComparison.Ordinal) == true;
        var script = $"""
            #!/bin/sh
            {Mark}; 'beadhub setup git --remove' takes it away.
            before="$0{Kept}"
            if [ -x "$before" ]; then "$before" "$@" || exit $?; fi
            {body}
            """.ReplaceLineEndings("\n") + "\n";
        if (remove)
        {
            if (!isOurs) yield break;
            yield return new(path, $"git: {name} hook", text, kept, IsProgram: true);
            if (kept is not null) yield return new(path + Kept, $"git: the {name} hook that was there", kept, null);
            yield break;
        }

        if (!isOurs && text is not null)
        {
            if (kept is not null) throw new CommandException($"{path} and {path + Kept} are both there, and neither is this program's");
            yield return new(path + Kept, $"git: the {name} hook that is there, called first", null, text, IsProgram: true);
        }

        yield return new(path, $"git: {name} hook", text, script, IsProgram: true);
    }

    private static string? Text(string path) => File.Exists(path) ? File.ReadAllText(path) : null;
}
