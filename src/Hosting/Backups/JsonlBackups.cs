using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Projects;
using Beadhub.Remotes;
using Orleans;

namespace Beadhub.Hosting.Backups;

/// <summary>
/// Backs up the beads of every project that changed, as the JSONL that <c>bd</c> takes, a file a repository and branch: what remains when
/// the database is lost, and what goes into another tool. One node does it for all (<see cref="IBackgroundLease"/>).
/// </summary>
internal sealed partial class JsonlBackups : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);

    private readonly IEventLog _log;
    private readonly IGrainFactory _grains;
    private readonly Settings _settings;
    private readonly IBackgroundLease _lease;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly ILogger<JsonlBackups> _logger;
    private readonly IBackupPlace _place;

    // The feed position up to which a project is known to be backed up.
    private readonly Dictionary<string, long> _done = [];

    // Since when rounds have failed, without one that was whole between them.
    private DateTimeOffset? _failing;

    public JsonlBackups(
        IEventLog log, IGrainFactory grains, Settings settings, IBackgroundLease lease, IHostApplicationLifetime lifetime,
        TimeProvider time, IMeterFactory meters, ILogger<JsonlBackups> logger)
    {
        (_log, _grains, _settings, _lease, _lifetime, _time, _logger) = (log, grains, settings, lease, lifetime, time, logger);
        _place = IBackupPlace.Of(settings)!;
        meters.Create("Beadhub.Backups").CreateObservableGauge(
            "beadhub.backups.failing", () => _failing is { } since ? (_time.GetUtcNow() - since).TotalSeconds : 0, "s",
            "For how long backups could not all be made");
    }

    public override void Dispose()
    {
        base.Dispose();
        _place.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var running = _lifetime.ApplicationStarted.Register(started.SetResult);
        try
        {
            await started.Task.WaitAsync(stoppingToken);
            while (true)
            {
                var held = await _lease.Held(stoppingToken);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                try
                {
                    for (var pause = FirstPause; ;)
                    {
                        if (await Round(until.Token)) (_failing, pause) = (null, _settings.BackupEvery);
                        else
                        {
                            pause = _failing is null ? FirstPause : pause * 2;
                            _failing ??= _time.GetUtcNow();
                        }

                        if (pause > _settings.BackupEvery) pause = _settings.BackupEvery;
                        await Task.Delay(pause, _time, until.Token);
                    }
                }
                catch (OperationCanceledException) when (held.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
                {
                    // Another node goes on, and this one knows nothing of what it does.
                    _done.Clear();
                    _failing = null;
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    // One project after the other: requests go first. Whether all that changed are backed up.
    private async Task<bool> Round(CancellationToken stopping)
    {
        IReadOnlyList<string> projects;
        try
        {
            projects = await _log.Keys(Project.Kind.Name, stopping);
        }
        catch (UnavailableException e)
        {
            LogNotRead(_logger, e.Message);
            return false;
        }

        var isWhole = true;
        foreach (var id in projects)
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                await BackUp(id, stopping);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFailed(_logger, id, _place, e.Message);
                isWhole = false;
                // It does not answer the others either: each would wait as long.
                if (e is RemoteException) break;
            }
        }

        return isWhole;
    }

    private async Task BackUp(string id, CancellationToken stopping)
    {
        // Before what is read: what is written meanwhile is in the next one, whether this one has it or not.
        var position = await _log.Head(id, stopping);
        if (_done.TryGetValue(id, out var done) && done == position) return;
        if ((await _log.Load<Project>(id, stopping)).Fold<Project>().Details() is not { } project) return;
        var folder = BackupFolders.Of(project.Slug, id);
        var newest = await _place.Times(folder, stopping) is [var first, ..] ? first : (DateTimeOffset?)null;
        var last = newest is null ? null : await _place.Read(folder, newest.Value, stopping);
        if (last?.Position != position)
        {
            var board = _grains.GetGrain<IBoardGrain>(id);
            var places = await board.Places();
            // Nothing to lose, and nothing lost yet.
            if (places.IsEmpty && last is null) return;
            var made = _place.Begin(folder);
            try
            {
                var files = ImmutableArray.CreateBuilder<BackupFile>(places.Length);
                foreach (var place in places) files.Add(await Write(board, place, made, files, stopping));
                // Mail and claims move the position, too: the beads may be those of the newest backup.
                if (last is null || !last.Files.SequenceEqual(files))
                    await Complete(made, folder, newest, new(BackupManifest.Form, id, project.Slug, project.Name, project.TenantId,
                        position, default, files.ToImmutable()), stopping);
            }
            finally
            {
                if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
            }
        }

        await Retain(folder, stopping);
        _done[id] = position;
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

    private async Task Complete(
        string made, string folder, DateTimeOffset? newest, BackupManifest manifest, CancellationToken stopping)
    {
        // A clock that was set back must not make the newest look old.
        var at = _time.GetUtcNow();
        at = newest is { } before && before >= at ? before.AddMilliseconds(1) : at;
        using (var file = new FileStream(Path.Combine(made, BackupFolders.Manifest), FileMode.CreateNew, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, manifest with { At = at }, BackupJson.Default.BackupManifest);
            file.Flush(flushToDisk: true);
        }

        await _place.Complete(folder, made, at, stopping);
        LogWritten(_logger, manifest.Slug, manifest.Files.Sum(static file => file.Beads), folder, BackupFolders.Name(at), _place);
    }

    private async Task Retain(string folder, CancellationToken stopping)
    {
        var oldest = _time.GetUtcNow() - _settings.BackupsKeptFor;
        var backups = await _place.Times(folder, stopping);
        for (var i = 1; i < backups.Count; i++)
            if (i >= _settings.BackupsKept || backups[i] < oldest) await _place.Remove(folder, backups[i], stopping);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Backed up project {Slug}: {Beads} beads as {Folder}/{Name} in {Place}")]
    private static partial void LogWritten(ILogger logger, string slug, int beads, string folder, string name, IBackupPlace place);

    [LoggerMessage(Level = LogLevel.Error, Message = "Project {Project} could not be backed up to {Place}: {Reason}")]
    private static partial void LogFailed(ILogger logger, string project, IBackupPlace place, string reason);

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

    /// <summary>Reads one. What cannot be read is none: another is made.</summary>
    public static BackupManifest? Read(Stream stream)
    {
        try
        {
            return JsonSerializer.Deserialize(stream, BackupJson.Default.BackupManifest) is { Files.IsDefault: false } read ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
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
