using System.Text;

namespace Beadhub.Commands.Sync;

/// <summary>The issues of a folder: in <c>bd</c>'s database, or in a file of lines where that is the store.</summary>
internal static class IssueStores
{
    private static readonly string[] Files = ["issues.jsonl", "beads.jsonl"];

    /// <summary>Finds how this folder keeps its issues.</summary>
    /// <param name="folder">The worktree.</param>
    /// <param name="kind">auto, bd or file.</param>
    /// <param name="file">The file to use; null for the usual one.</param>
    /// <exception cref="CommandException">There are none, or <c>bd</c> is needed and missing.</exception>
    public static IIssueStore Find(string folder, string kind, string? file)
    {
        if (file is not null) return new IssueFile(Path.GetFullPath(file));
        var beads = Environment.GetEnvironmentVariable("BEADS_DIR") is { Length: > 0 } told ? told : Path.Combine(folder, ".beads");
        if (!Directory.Exists(beads)) throw new CommandException(
            $"there is no {beads}: run 'bd init' there, or name a file of issues with --file");
        var bd = Tool.Find("bd");
        var hasDatabase = Directory.Exists(Path.Combine(beads, "dolt")) || Directory.Exists(Path.Combine(beads, "embeddeddolt"))
            || Directory.EnumerateFiles(beads, "*.db").Any();
        var wantsDatabase = kind == "bd" || kind == "auto" && hasDatabase && !HasNoDatabase(beads);
        if (wantsDatabase && bd is null)
        {
            // bd 0.47 and before read the file again when it is newer than their database; Dolt does not.
            if (kind == "bd" || !Directory.EnumerateFiles(beads, "*.db").Any())
                throw new CommandException($"bd keeps the issues of {beads} in a database, and there is no bd on PATH");
            wantsDatabase = false;
        }

        return wantsDatabase ? new BdStore(folder, bd!)
            : new IssueFile(Path.Combine(beads, Files.FirstOrDefault(name => File.Exists(Path.Combine(beads, name))) ?? Files[0]));
    }

    private static bool HasNoDatabase(string beads) =>
        Path.Combine(beads, "config.yaml") is var path && File.Exists(path)
            && Yaml.Read(File.ReadAllText(path)).GetValueOrDefault("no-db") == "true";
}

/// <summary>A file of issues, one a line. Lines of others stay where and as they are.</summary>
internal sealed class IssueFile(string path) : IIssueStore
{
    private Dictionary<string, IssueLine> _read = [];

    public string Name => Path.GetFileName(path);

    public async Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation) => _read = await Now(cancellation);

    public async Task Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted, CancellationToken cancellation)
    {
        var text = await Text(cancellation);
        var now = IssueLine.Read(text, path);
        // Only over what was read: who writes the file at the same time is not undone.
        bool IsAsRead(string id) => now.GetValueOrDefault(id)?.Text == _read.GetValueOrDefault(id)?.Text;
        var next = lines.Where(line => IsAsRead(line.Id)).ToDictionary(static line => line.Id);
        var gone = deleted.Where(IsAsRead).ToHashSet();
        var written = new StringBuilder(text.Length);
        foreach (var line in text.Split('\n'))
        {
            if (line.Trim() is not { Length: > 0 } issue) continue;
            var id = IssueLine.Read(issue, path).Keys.FirstOrDefault();
            if (id is not null && gone.Contains(id)) continue;
            written.Append(id is not null && next.Remove(id, out var replaced) ? replaced.Text : line.TrimEnd('\r')).Append('\n');
        }

        foreach (var line in next.Values.OrderBy(static line => line.Id, StringComparer.Ordinal)) written.Append(line.Text).Append('\n');
        var half = $"{path}.{Environment.ProcessId}.tmp";
        await File.WriteAllTextAsync(half, written.ToString(), cancellation);
        File.Move(half, path, overwrite: true);
    }

    private async Task<Dictionary<string, IssueLine>> Now(CancellationToken cancellation) =>
        IssueLine.Read(await Text(cancellation), path);

    private async Task<string> Text(CancellationToken cancellation) =>
        File.Exists(path) ? await File.ReadAllTextAsync(path, cancellation) : "";
}

/// <summary>
/// The issues in <c>bd</c>'s database, through <c>bd export</c> and <c>bd import</c>. An import replaces whatever is there, in versions
/// up to 1.0 even by what is older: what goes in is therefore decided here.
/// </summary>
internal sealed class BdStore(string folder, string program) : IIssueStore
{
    private const int MostDeleted = 200;

    private bool? _takesFileByName;

    public string Name => "bd";

    // To standard output: with a file some versions take the export for one of their own and forget what they have still to write.
    public async Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation) =>
        IssueLine.Read(await Run(["export"], cancellation), "what bd exports");

    public async Task Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted, CancellationToken cancellation)
    {
        if (lines.Count > 0)
        {
            // Before 0.50 the file follows -i, later it stands by itself.
            _takesFileByName ??= (await Run(["import", "--help"], cancellation)).Contains("import [file", StringComparison.Ordinal);
            var file = Path.GetTempFileName();
            try
            {
                await File.WriteAllLinesAsync(file, lines.Select(static line => line.Text), cancellation);
                await Run(_takesFileByName.Value ? ["import", file] : ["import", "-i", file], cancellation);
            }
            finally
            {
                File.Delete(file);
            }
        }

        // Imports skip what was deleted, in versions that keep no tombstones.
        var tombstones = lines.Where(static line => ThreeWay.IsTombstone(line.Fields)).Select(static line => line.Id).ToHashSet();
        if (tombstones.Count > 0)
        {
            var now = await Read(cancellation);
            tombstones.RemoveWhere(id => !now.TryGetValue(id, out var line) || ThreeWay.IsTombstone(line.Fields));
        }

        foreach (var part in deleted.Concat(tombstones).Chunk(MostDeleted)) await Run(["delete", .. part, "--force"], cancellation);
    }

    private async Task<string> Run(string[] arguments, CancellationToken cancellation)
    {
        var (code, output, error) = await Tool.Run(folder, program, arguments, cancellation);
        return code == 0 ? output : throw new CommandException(
            $"'bd {arguments[0]}' failed: "
            + (error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? $"exit code {code}"));
    }
}
