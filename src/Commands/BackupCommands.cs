using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Beadhub.Commands;

/// <summary><c>backup</c>: what a server writes into <c>BEADHUB_BACKUP_DIR</c>, listed and brought back.</summary>
internal static class BackupCommands
{
    /// <summary>The file that makes a backup of a folder.</summary>
    public const string Manifest = "backup.json";

    private const string Form = "beadhub-backup.v1";

    private static readonly Argument<string> Source =
        new("place") { Description = "A backup, or where a project's backups are, of which the newest is taken: a folder, or "
            + "s3://bucket/prefix with BEADHUB_REMOTE_USER and BEADHUB_REMOTE_PASSWORD_FILE" };
    private static readonly Argument<string> All =
        new("place") { Description = "Where all backups are, or a project's: a folder, or s3://bucket/prefix" };
    private static readonly Option<bool> Join = new("--join")
    {
        Description = "Join the project anew: for a folder whose key was the lost server's",
    };

    public static Command Create() => new("backup", "List a server's JSONL backups, and bring one back into an empty project.")
    {
        ClientCommand.Make("list", "Show backups, newest first; asks no server.", List, All),
        ClientCommand.Make("restore", "Bring all beads of a backup into a project that has none, byte for byte.", Restore, Source,
            InitCommand.Project, InitCommand.Alias, Join),
    };

    private static async Task<int> List(Call call)
    {
        using var source = await BackupSource.Open(call.Get(All)!, newestOnly: false, call.Cancellation);
        var backups = Below(source).OrderByDescending(static backup => backup.At).ToArray();
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartArray();
            foreach (var backup in backups)
            {
                json.WriteStartObject();
                json.WriteString("project", backup.Slug);
                json.WriteString("at", backup.At);
                json.WriteNumber("beads", backup.Files.Sum(static file => file.Beads));
                json.WriteString("folder", backup.Shown);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
        else call.Screen.Table(["PROJECT", "MADE (UTC)", "BEADS", "FOLDER"], backups.Select(static backup => new[]
        {
            backup.Slug, $"{backup.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}", $"{backup.Files.Sum(static file => file.Beads)}", backup.Shown,
        }));
        return backups.Length > 0 ? ExitCode.Done
            : throw new CommandException($"there is no backup in {call.Get(All)}", ExitCode.Nothing);
    }

    private static async Task<int> Restore(Call call)
    {
        var folder = call.Get(Source)!;
        using var source = await BackupSource.Open(folder, newestOnly: true, call.Cancellation);
        var all = Below(source).ToArray();
        var backup = all.MaxBy(static backup => backup.At)
            ?? throw new CommandException($"there is no backup in {folder}", ExitCode.Nothing);
        if (all.Select(static one => one.ProjectId).Distinct().Count() > 1)
            throw new CommandException($"{folder} has backups of several projects: name that of one", ExitCode.Usage);
        // All of it before any of it is sent.
        var parts = new List<(BackupPart File, List<string> Lines)>();
        foreach (var file in backup.Files) parts.Add((file, await Lines(source, backup, file, call.Cancellation)));

        if (call.Get(Join) || call.Connection.Key is null)
        {
            var origin = backup.Files is [var first, ..] ? $"https://{first.Repo}" : null;
            var joined = await InitCommand.Join(call, call.Get(Join), backup.Slug, origin);
            call.UseKey(joined.Key);
            call.Screen.Note($"{joined.Value("alias")} has joined project {joined.Value("project_slug")}.");
        }

        if ((await call.Ask("v1/beads/issues?limit=1")).Items("issues").Any())
            throw new CommandException("the project has beads already: a backup is brought back into one that has none", ExitCode.Taken);
        foreach (var (file, lines) in parts)
        {
            await TransferCommands.Upload(call, file.Repo, file.Branch, lines);
            var there = await call.Hub.AskText(HttpMethod.Get,
                $"v1/beads/export-jsonl?repo={file.Repo.Escaped()}&branch={file.Branch.Escaped()}", null, call.Cancellation);
            if (Digest(Encoding.UTF8.GetBytes(there)) != file.Sha256)
                throw new CommandException($"what {file.Repo} {file.Branch} has at the server now is not what the backup holds; somebody "
                    + "else may be writing there");
        }

        call.Screen.EndProgress();
        var count = backup.Files.Sum(static file => file.Beads);
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("project", backup.Slug);
            json.WriteNumber("beads", count);
            json.WriteString("folder", backup.Shown);
            json.WriteEndObject();
        });
        else call.Screen.Line($"{count} beads of {backup.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC are back, byte for byte.");
        return ExitCode.Done;
    }

    /// <summary>The backup that a folder is, or those in it.</summary>
    private static IEnumerable<Backup> Below(BackupSource source)
    {
        var folder = source.Folder;
        if (!Directory.Exists(folder)) throw new CommandException($"there is no folder {folder}", ExitCode.Nothing);
        if (File.Exists(Path.Combine(folder, Manifest))) return [Read(folder, source.Shown(folder))];
        var below = Directory.GetDirectories(folder);
        return below.Concat(below.SelectMany(Directory.GetDirectories))
            .Where(static one => !Path.GetFileName(one).StartsWith('.') && File.Exists(Path.Combine(one, Manifest)))
            .Select(one => Read(one, source.Shown(one)));
    }

    private static Backup Read(string folder, string shown)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, Manifest)));
            var root = document.RootElement;
            if (root.Text("format") != Form)
                throw new CommandException($"{Manifest} of {shown} is of a form that this program does not know");
            return new(folder, shown, root.Show("project_id"), root.Show("slug"), root.GetProperty("at").GetDateTimeOffset(),
            [
                .. root.Items("files").Select(static file => new BackupPart(
                    file.Show("repo"), file.Show("branch"), file.Show("file"), file.GetProperty("beads").GetInt32(),
                    file.GetProperty("bytes").GetInt64(), file.Show("sha256"))),
            ]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CommandException($"{Manifest} of {shown} is damaged");
        }
    }

    private static async Task<List<string>> Lines(BackupSource source, Backup backup, BackupPart file, CancellationToken cancellation)
    {
        if (Path.GetFileName(file.File) != file.File || file.File is "" or "." or ".." or Manifest)
            throw new CommandException($"{Manifest} of {backup.Shown} names a file elsewhere");
        await source.Bring(backup.Folder, file.File, file.Bytes, cancellation);
        var path = Path.Combine(backup.Folder, file.File);
        var bytes = await File.ReadAllBytesAsync(path, cancellation);
        return Digest(bytes) == file.Sha256 ? BdExport.Lines(Encoding.UTF8.GetString(bytes), path).Lines
            : throw new CommandException($"{file.File} of {backup.Shown} is damaged: it is not what was written. Take another backup");
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed record Backup(string Folder, string Shown, string ProjectId, string Slug, DateTimeOffset At, BackupPart[] Files);

    private sealed record BackupPart(string Repo, string Branch, string File, int Beads, long Bytes, string Sha256);
}
