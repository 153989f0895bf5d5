namespace Beadhub.Commands;

/// <summary>
/// The file <c>.beadhub</c> of a worktree, as <c>bdh</c> writes it: which workspace this folder is. Where a server keeps its data in a
/// folder of that name, it is the file <c>workspace</c> in it.
/// </summary>
internal sealed record WorkspaceFile(string Path, IReadOnlyDictionary<string, string> Values)
{
    public const string Name = ".beadhub";
    private const int Longest = 65_536;

    /// <summary>The worktree.</summary>
    public string Folder => System.IO.Path.GetFileName(Path) == Name ? System.IO.Path.GetDirectoryName(Path)!
        : System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(Path))!;

    public string? Url => Value("beadhub_url");

    public string? WorkspaceId => Value("workspace_id");

    public string? Alias => Value("alias");

    public string? ProjectSlug => Value("project_slug");

    public string HumanName => Value("human_name") ?? "";

    public string? RepoOrigin => Value("repo_origin");

    public string? CanonicalOrigin => Value("canonical_origin");

    public string? Role => Value("role");

    /// <summary>The nearest one, from a folder up to the root of its repository; null when there is none.</summary>
    public static WorkspaceFile? Find(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (PathIn(at.FullName) is var path && File.Exists(path)) return Read(path);
            if (System.IO.Path.Exists(System.IO.Path.Combine(at.FullName, ".git"))) return null;
        }

        return null;
    }

    /// <summary>Where it is, or would be, in a folder.</summary>
    public static string PathIn(string folder)
    {
        var path = System.IO.Path.Combine(folder, Name);
        return Directory.Exists(path) ? System.IO.Path.Combine(path, "workspace") : path;
    }

    /// <summary>Writes it, readable for its user only.</summary>
    public static void Write(string path, IEnumerable<(string Name, string? Value)> values) => PrivateFile.Write(path,
        "# Which workspace of which server this folder is; written by beadhub.\n"
        + string.Concat(values.Where(static pair => pair.Value is { Length: > 0 })
            .Select(static pair => $"{pair.Name}: {Yaml.Quoted(pair.Value!)}\n")));

    private static WorkspaceFile Read(string path) => new FileInfo(path).Length > Longest
        ? throw new CommandException($"{path} is too long for what bdh or beadhub write")
        : new(path, Yaml.Read(File.ReadAllText(path)));

    private string? Value(string name) => Values.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
}

/// <summary>The user's accounts, <c>~/.config/aw/config.yaml</c>, which <c>aw</c> and <c>bdh</c> share; a worktree's
/// <c>.aw/context</c> says which of them speaks there.</summary>
internal sealed record AccountFile(string Path)
{
    /// <summary>The file of this user.</summary>
    public static AccountFile Of(Func<string, string?> variable) => new(variable("AW_CONFIG_PATH") is { Length: > 0 } path ? path
        : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config", "aw", "config.yaml"));

    /// <summary>Host and port, by which accounts name their server.</summary>
    public static string ServerName(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.Authority : url;

    /// <summary>The key with which a worktree speaks to a server; null when there is none.</summary>
    public string? KeyFor(WorkspaceFile? workspace, string url)
    {
        if (workspace is null || !File.Exists(Path)) return null;
        var accounts = Yaml.Read(File.ReadAllText(Path));
        var contextPath = System.IO.Path.Combine(workspace.Folder, ".aw", "context");
        var context = File.Exists(contextPath) ? Yaml.Read(File.ReadAllText(contextPath)) : new Dictionary<string, string>();
        var account = context.GetValueOrDefault($"server_accounts/{ServerName(url)}") ?? context.GetValueOrDefault("default_account")
            ?? Account(workspace, url);
        return account is null ? null : accounts.GetValueOrDefault($"accounts/{account}/api_key");
    }

    /// <summary>Adds an account, or gives it another key, and has a worktree use it.</summary>
    public void Add(string worktree, string url, string project, string alias, string agentId, string key)
    {
        var server = ServerName(url);
        var account = $"acct-{Plain(server)}__{Plain(project)}__{Plain(alias)}";
        var text = File.Exists(Path) ? File.ReadAllText(Path) : "";
        text = Yaml.Put(text, ["servers", server], [("url", url)]);
        text = Yaml.Put(text, ["accounts", account],
            [("server", server), ("api_key", key), ("default_project", project), ("agent_id", agentId), ("agent_alias", alias)]);
        if (!Yaml.Read(text).ContainsKey("default_account")) text += $"default_account: {Yaml.Quoted(account)}\n";
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        PrivateFile.Write(Path, text);

        var folder = Directory.CreateDirectory(System.IO.Path.Combine(worktree, ".aw")).FullName;
        PrivateFile.Write(System.IO.Path.Combine(folder, "context"),
            $"default_account: {Yaml.Quoted(account)}\nserver_accounts:\n  {Yaml.Quoted(server)}: {Yaml.Quoted(account)}\n");
    }

    private static string? Account(WorkspaceFile workspace, string url) => workspace is { ProjectSlug: { } project, Alias: { } alias }
        ? $"acct-{Plain(ServerName(url))}__{Plain(project)}__{Plain(alias)}" : null;

    private static string Plain(string part) =>
        string.Concat(part.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '-'));
}

/// <summary>Files with secrets.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a file whole or not at all, readable for its user only.</summary>
    public static void Write(string path, string text)
    {
        var half = $"{path}.{Environment.ProcessId}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(half, options)) writer.Write(text);
        File.Move(half, path, overwrite: true);
    }
}

/// <summary>
/// The YAML of these files: names with texts, and names with such below them. Names on the way to a text are joined with slashes.
/// </summary>
internal static class Yaml
{
    public static Dictionary<string, string> Read(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var path = new List<(int Indent, string Name)>();
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            var content = line.TrimStart(' ');
            if (content.Length == 0 || content[0] == '#' || Split(content) is not var (name, value)) continue;
            var indent = line.Length - content.Length;
            path.RemoveAll(above => above.Indent >= indent);
            if (value.Length > 0) values[string.Join('/', path.Select(static above => above.Name).Append(name))] = Plain(value);
            else path.Add((indent, name));
        }

        return values;
    }

    /// <summary>
    /// The text with texts of one name below another set; all else stays as it stands. What is there of that name is replaced, name by
    /// name, so that what others keep beside it stays as well.
    /// </summary>
    public static string Put(string text, string[] path, (string Name, string Value)[] values)
    {
        var lines = text.Length == 0 ? [] : text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').ToList();
        int at = 0, indent = 0, end = lines.Count;
        for (var depth = 0; depth < path.Length; depth++)
        {
            var found = Find(lines, at, end, path[depth], depth == 0 ? 0 : null);
            if (found < 0)
            {
                var step = depth == 0 ? 0 : ChildIndent(lines, at, end) ?? indent + 4;
                lines.Insert(end, new string(' ', step) + Quoted(path[depth]) + ":");
                found = end;
            }
            else if (Split(lines[found].TrimStart()) is var (name, value) && value is "{}" or "null" or "~")
            {
                lines[found] = lines[found][..(lines[found].Length - lines[found].TrimStart().Length)] + Quoted(name) + ":";
            }

            indent = Indent(lines[found]);
            at = found + 1;
            end = at;
            while (end < lines.Count && (lines[end].Trim().Length == 0 || Indent(lines[end]) > indent)) end++;
        }

        foreach (var (name, value) in values)
        {
            var found = Find(lines, at, end, name, null);
            var line = new string(' ', ChildIndent(lines, at, end) ?? indent + 4) + $"{name}: {Quoted(value)}";
            if (found >= 0) lines[found] = line;
            else lines.Insert(end++, line);
        }

        return string.Join('\n', lines) + "\n";
    }

    /// <summary>A text as a value that no reader takes for anything else.</summary>
    public static string Quoted(string text) =>
        text.Length > 0 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '@')
            && char.IsAsciiLetter(text[0]) && text is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off") ? text
        : "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";

    private static int Find(List<string> lines, int from, int to, string name, int? indent)
    {
        var wanted = indent ?? ChildIndent(lines, from, to);
        for (var i = from; i < to; i++)
            if (Indent(lines[i]) == wanted && Split(lines[i].TrimStart()) is var (found, _) && found == name) return i;
        return -1;
    }

    private static int? ChildIndent(List<string> lines, int from, int to)
    {
        for (var i = from; i < to; i++)
            if (lines[i].Trim() is { Length: > 0 } text && text[0] != '#') return Indent(lines[i]);
        return null;
    }

    private static int Indent(string line) => line.Length - line.TrimStart(' ').Length;

    // The colon after a name is followed by a blank or the end: "127.0.0.1:8000:" is one name.
    private static (string Name, string Value)? Split(string line)
    {
        var from = line[0] is '"' or '\'' ? line.IndexOf(line[0], 1) + 1 : 0;
        for (var i = Math.Max(from, 0); i < line.Length; i++)
            if (line[i] == ':' && (i + 1 == line.Length || line[i + 1] == ' '))
                return (Plain(line[..i].Trim()), line[(i + 1)..].Trim() is ['#', ..] ? "" : line[(i + 1)..].Trim());
        return null;
    }

    private static string Plain(string value)
    {
        if (value is ['"', .. var quoted, '"']) return quoted.Replace("\\\"", "\"").Replace("\\\\", "\\");
        if (value is ['\'', .. var single, '\'']) return single.Replace("''", "'");
        var comment = value.IndexOf(" #", StringComparison.Ordinal);
        return comment < 0 ? value : value[..comment].TrimEnd();
    }
}
