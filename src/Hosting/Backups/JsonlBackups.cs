using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Hosting.Backups;

/// <summary>
/// Backs up the beads of every project that changed, as the JSONL that <c>bd</c> takes, a file a repository and branch: what remains when
/// the database is lost, and what goes into another tool. One node does it for all (<see cref="IBackgroundLease"/>).
/// </summary>
internal sealed partial class JsonlBackups(
    IEventLog log, IGrainFactory grains, Settings settings, IBackgroundLease lease, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<JsonlBackups> logger)
    : BackgroundService
{
    private const string Half = ".half-";

    private readonly string _folder = Path.GetFullPath(settings.BackupDirectory!);

    // The feed position up to which a project is known to be backed up.
    private readonly Dictionary<string, long> _done = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var running = lifetime.ApplicationStarted.Register(started.SetResult);
        try
        {
            await started.Task.WaitAsync(stoppingToken);
            while (true)
            {
                var held = await lease.Held(stoppingToken);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                try
                {
                    while (true)
                    {
                        await Round(until.Token);
                        await Task.Delay(settings.BackupEvery, time, until.Token);
                    }
                }
                catch (OperationCanceledException) when (held.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
                {
                    // Another node goes on, and this one knows nothing of what it does.
                    _done.Clear();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    // One project after the other: requests go first.
    private async Task Round(CancellationToken stopping)
    {
        IReadOnlyList<string> projects;
        try
        {
            projects = await log.Keys(Project.Kind.Name, stopping);
        }
        catch (UnavailableException e)
        {
            LogNotRead(logger, e.Message);
            return;
        }

        foreach (var id in projects)
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                await BackUp(id, stopping);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or UnavailableException or RefusedException)
            {
                LogFailed(logger, id, _folder, e.Message);
            }
        }
    }

    private async Task BackUp(string id, CancellationToken stopping)
    {
        // Before what is read: what is written meanwhile is in the next one, whether this one has it or not.
        var position = await log.Head(id, stopping);
        if (_done.TryGetValue(id, out var done) && done == position) return;
        if ((await log.Load<Project>(id, stopping)).Fold<Project>().Details() is not { } project) return;
        var folder = BackupFolders.Of(_folder, project.Slug, id);
        var newest = BackupFolders.In(folder) is [var first, ..] ? first : default;
        var last = newest.Path is null ? null : Read(newest.Path);
        if (last?.Position != position)
        {
            var board = grains.GetGrain<IBoardGrain>(id);
            var places = await board.Places();
            // Nothing to lose, and nothing lost yet.
            if (places.IsEmpty && last is null) return;
            MakeFolder(folder);
            foreach (var half in Directory.EnumerateDirectories(folder, Half + "*")) Directory.Delete(half, recursive: true);
            var made = Path.Combine(folder, Half + Environment.ProcessId);
            MakeFolder(made);
            try
            {
                var files = ImmutableArray.CreateBuilder<BackupFile>(places.Length);
                foreach (var place in places) files.Add(await Write(board, place, made, files, stopping));
                // Mail and claims move the position, too: the beads may be those of the newest backup.
                if (last is not null && last.Files.SequenceEqual(files)) Directory.Delete(made, recursive: true);
                else Complete(made, folder, newest.At, new(BackupManifest.Form, id, project.Slug, project.Name, project.TenantId, position,
                    default, files.ToImmutable()));
            }
            catch
            {
                if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
                throw;
            }
        }

        _done[id] = position;
        Retain(folder);
    }

    // Beads are nobody else's business on this machine.
    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task<BackupFile> Write(IBoardGrain board, IssuePlace place, string folder, IReadOnlyCollection<BackupFile> others,
        CancellationToken stopping)
    {
        var plain = $"{BackupFolders.Plain(place.Repo)}@{BackupFolders.Plain(place.Branch)}";
        var name = others.Any(other => string.Equals(other.File, plain + ".jsonl", StringComparison.OrdinalIgnoreCase))
            ? $"{plain}.{others.Count}.jsonl" : plain + ".jsonl";
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(Path.Combine(folder, name), new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous,
        });
        var beads = 0;
        for (string? after = null; ;)
        {
            var page = await board.Export(new(place.Repo, place.Branch, after));
            hash.AppendData(page.Lines.AsSpan());
            beads += page.Lines.AsSpan().Count((byte)'\n');
            await file.WriteAsync(page.Lines.AsMemory(), stopping);
            if ((after = page.Next) is null) break;
        }

        file.Flush(flushToDisk: true);
        return new(place.Repo, place.Branch, name, beads, file.Length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Gives a folder that holds all files its name, by which it is a backup.</summary>
    private void Complete(string made, string folder, DateTimeOffset newest, BackupManifest manifest)
    {
        // A clock that was set back must not make the newest look old.
        var at = time.GetUtcNow();
        at = at > newest ? at : newest.AddMilliseconds(1);
        using (var file = new FileStream(Path.Combine(made, BackupFolders.Manifest), FileMode.CreateNew, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, manifest with { At = at }, BackupJson.Default.BackupManifest);
            file.Flush(flushToDisk: true);
        }

        var name = Path.Combine(folder, BackupFolders.Name(at));
        Directory.Move(made, name);
        LogWritten(logger, manifest.Slug, manifest.Files.Sum(static file => file.Beads), name);
    }

    private void Retain(string folder)
    {
        var oldest = time.GetUtcNow() - settings.BackupsKeptFor;
        var backups = BackupFolders.In(folder);
        for (var i = 1; i < backups.Count; i++)
        {
            if (i < settings.BackupsKept && backups[i].At >= oldest) continue;
            // A folder without its manifest is no backup any more, wherever the removal is cut off.
            File.Delete(Path.Combine(backups[i].Path, BackupFolders.Manifest));
            Directory.Delete(backups[i].Path, recursive: true);
        }
    }

    // One that cannot be read is none: another is made.
    private static BackupManifest? Read(string path)
    {
        try
        {
            using var file = File.OpenRead(Path.Combine(path, BackupFolders.Manifest));
            return JsonSerializer.Deserialize(file, BackupJson.Default.BackupManifest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Backed up project {Slug}: {Beads} beads to {Path}")]
    private static partial void LogWritten(ILogger logger, string slug, int beads, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "Project {Project} could not be backed up to {Folder}: {Reason}")]
    private static partial void LogFailed(ILogger logger, string project, string folder, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The projects could not be read to be backed up: {Reason}")]
    private static partial void LogNotRead(ILogger logger, string reason);
}

/// <summary>What a backup is of.</summary>
/// <param name="Format">Always <see cref="Form"/>.</param>
/// <param name="ProjectId">The project.</param>
/// <param name="Slug">Its slug.</param>
/// <param name="Name">Its name.</param>
/// <param name="TenantId">Its tenant, if any.</param>
/// <param name="Position">Feed position whose beads it holds, and perhaps some of later ones.</param>
/// <param name="At">When it was made.</param>
/// <param name="Files">A file a repository and branch.</param>
internal sealed record BackupManifest(
    string Format, string ProjectId, string Slug, string Name, string? TenantId, long Position, DateTimeOffset At,
    ImmutableArray<BackupFile> Files)
{
    /// <summary>The first form.</summary>
    public const string Form = "beadhub-backup.v1";
}

/// <summary>The lines of one repository and branch, by bead id, as they were received.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="File">Name of the file beside the manifest.</param>
/// <param name="Beads">Lines.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its digest, in hexadecimal digits.</param>
internal sealed record BackupFile(string Repo, string Branch, string File, int Beads, long Bytes, string Sha256);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
