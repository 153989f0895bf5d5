using Beadhub.Remotes;

namespace Beadhub.Hosting.Backups;

/// <summary>Where backups are kept.</summary>
internal interface IBackupPlace : IDisposable
{
    /// <summary>When the whole backups of a project were made, the newest first.</summary>
    Task<IReadOnlyList<DateTimeOffset>> Times(string project, CancellationToken cancellation);

    /// <summary>What a backup says of itself; null when it cannot be understood.</summary>
    Task<BackupManifest?> Read(string project, DateTimeOffset at, CancellationToken cancellation);

    /// <summary>Makes an empty folder of this machine for the files of the next backup, which is none yet.</summary>
    string Begin(string project);

    /// <summary>Makes a backup of such a folder, which holds all files then; whole or not at all.</summary>
    Task Complete(string project, string made, DateTimeOffset at, CancellationToken cancellation);

    /// <summary>Removes a backup.</summary>
    Task Remove(string project, DateTimeOffset at, CancellationToken cancellation);

    /// <summary>Writes something and takes it away again.</summary>
    /// <returns>When the newest backup of all projects was made; null when there is none.</returns>
    Task<DateTimeOffset?> Try(CancellationToken cancellation);

    /// <summary>The place that the settings name; null for none.</summary>
    static IBackupPlace? Of(Settings settings) => settings.BackupBucket is { } bucket ? new BackupBucketPlace(bucket)
        : settings.BackupDirectory is { } folder ? new BackupFolderPlace(Path.GetFullPath(folder)) : null;
}

/// <summary>A bucket in which backups are kept, and who may write there.</summary>
/// <param name="Address">Which.</param>
/// <param name="Credentials">Who.</param>
public sealed record BackupBucket(RemoteAddress Address, RemoteCredentials Credentials)
{
    /// <inheritdoc/>
    public override string ToString() => Address.Text;
}

/// <summary>A folder. What is half made has another name, and gets the right one by a rename.</summary>
internal sealed class BackupFolderPlace(string root) : IBackupPlace
{
    private const string Half = ".half-";

    public override string ToString() => root;

    public Task<IReadOnlyList<DateTimeOffset>> Times(string project, CancellationToken cancellation)
    {
        var found = new List<DateTimeOffset>();
        if (Directory.Exists(Of(project)))
            foreach (var path in Directory.EnumerateDirectories(Of(project)))
                if (BackupFolders.Time(Path.GetFileName(path)) is { } at && File.Exists(Path.Combine(path, BackupFolders.Manifest)))
                    found.Add(at);
        found.Sort(static (a, b) => b.CompareTo(a));
        return Task.FromResult<IReadOnlyList<DateTimeOffset>>(found);
    }

    public Task<BackupManifest?> Read(string project, DateTimeOffset at, CancellationToken cancellation)
    {
        using var file = File.OpenRead(Path.Combine(Of(project, at), BackupFolders.Manifest));
        return Task.FromResult(BackupManifest.Read(file));
    }

    public string Begin(string project)
    {
        var folder = Of(project);
        MakeFolder(folder);
        foreach (var half in Directory.EnumerateDirectories(folder, Half + "*")) Directory.Delete(half, recursive: true);
        var made = Path.Combine(folder, Half + Environment.ProcessId);
        MakeFolder(made);
        return made;
    }

    public Task Complete(string project, string made, DateTimeOffset at, CancellationToken cancellation)
    {
        Directory.Move(made, Of(project, at));
        return Task.CompletedTask;
    }

    public Task Remove(string project, DateTimeOffset at, CancellationToken cancellation)
    {
        // A folder without its manifest is no backup any more, wherever the removal is cut off.
        File.Delete(Path.Combine(Of(project, at), BackupFolders.Manifest));
        Directory.Delete(Of(project, at), recursive: true);
        return Task.CompletedTask;
    }

    public async Task<DateTimeOffset?> Try(CancellationToken cancellation)
    {
        using (File.Create(Path.Combine(root, $".beadhub-doctor-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose))
        {
        }

        DateTimeOffset? newest = null;
        foreach (var project in Directory.EnumerateDirectories(root))
            if (await Times(Path.GetFileName(project), cancellation) is [var first, ..] && !(first < newest)) newest = first;
        return newest;
    }

    public void Dispose()
    {
    }

    private string Of(string project) => Path.Combine(root, project);

    private string Of(string project, DateTimeOffset at) => Path.Combine(root, project, BackupFolders.Name(at));

    // Beads are nobody else's business on this machine.
    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

/// <summary>
/// A bucket. The files of a backup get their names before it is whole, and the manifest last: what has none is no backup. Files are made
/// in a temporary folder of this machine first, since most are found to be those of the newest backup and never sent.
/// </summary>
internal sealed class BackupBucketPlace : IBackupPlace
{
    private const int LongestManifest = 64 * 1024 * 1024;

    // Nothing takes so long to be sent, so what has no manifest after it gets none any more.
    private static readonly TimeSpan LongestUpload = TimeSpan.FromDays(1);

    private readonly BackupBucket _bucket;
    private readonly SocketsHttpHandler _http;
    private readonly S3Store _store;

    public BackupBucketPlace(BackupBucket bucket)
    {
        _bucket = bucket;
        // A signature goes to the host that was named, and nowhere else.
        _http = new()
        {
            AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = TimeSpan.FromSeconds(15),
            UseProxy = bucket.Address.Endpoint is not { IsLoopback: true },
        };
        _store = RemoteSites.Bucket(bucket.Address, bucket.Credentials, _http);
    }

    public override string ToString() => _bucket.ToString();

    public async Task<IReadOnlyList<DateTimeOffset>> Times(string project, CancellationToken cancellation) =>
        [
            .. (await _store.List(project + "/", cancellation)).Select(static name => WholeAt(name)).OfType<DateTimeOffset>()
                .OrderDescending(),
        ];

    public async Task<BackupManifest?> Read(string project, DateTimeOffset at, CancellationToken cancellation)
    {
        using var read = new MemoryStream();
        if (!await _store.Download($"{Of(project, at)}/{BackupFolders.Manifest}", read, LongestManifest, cancellation)) return null;
        read.Position = 0;
        return BackupManifest.Read(read);
    }

    // Only this user's, as the system makes it.
    public string Begin(string project) => Directory.CreateTempSubdirectory("beadhub-backup-").FullName;

    public async Task Complete(string project, string made, DateTimeOffset at, CancellationToken cancellation)
    {
        await RemoveHalves(project, at, cancellation);
        try
        {
            foreach (var file in Directory.GetFiles(made).OrderBy(static file => Path.GetFileName(file) == BackupFolders.Manifest))
                await _store.Upload($"{Of(project, at)}/{Path.GetFileName(file)}", file, cancellation);
        }
        catch (RemoteException)
        {
            try
            {
                await Remove(project, at, cancellation);
            }
            catch (RemoteException)
            {
                // It stays a half one, and goes a day later.
            }

            throw;
        }

        Directory.Delete(made, recursive: true);
    }

    public async Task Remove(string project, DateTimeOffset at, CancellationToken cancellation)
    {
        // Without its manifest it is no backup any more, wherever the removal is cut off.
        await _store.Delete($"{Of(project, at)}/{BackupFolders.Manifest}", cancellation);
        foreach (var name in await _store.List(Of(project, at) + "/", cancellation)) await _store.Delete(name, cancellation);
    }

    public async Task<DateTimeOffset?> Try(CancellationToken cancellation)
    {
        var name = $".beadhub-doctor-{Environment.ProcessId}";
        var file = Path.GetTempFileName();
        try
        {
            await _store.Upload(name, file, cancellation);
        }
        finally
        {
            File.Delete(file);
        }

        await _store.Delete(name, cancellation);
        return (await _store.List("", cancellation)).Select(static name => WholeAt(name)).Max();
    }

    public void Dispose()
    {
        _store.Dispose();
        _http.Dispose();
    }

    /// <summary>Removes what a server that was killed has left of a backup.</summary>
    private async Task RemoveHalves(string project, DateTimeOffset now, CancellationToken cancellation)
    {
        var names = await _store.List(project + "/", cancellation);
        var whole = names.Select(static name => WholeAt(name)).OfType<DateTimeOffset>().ToHashSet();
        foreach (var name in names)
            if (name.Split('/') is [_, var folder, _] && BackupFolders.Time(folder) is { } at && !whole.Contains(at)
                && at < now - LongestUpload) await _store.Delete(name, cancellation);
    }

    private static string Of(string project, DateTimeOffset at) => $"{project}/{BackupFolders.Name(at)}";

    /// <summary>The time of the backup whose manifest a name is.</summary>
    private static DateTimeOffset? WholeAt(string name) =>
        name.Split('/') is [_, var at, BackupFolders.Manifest] ? BackupFolders.Time(at) : null;
}
