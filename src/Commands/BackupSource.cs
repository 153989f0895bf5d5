using System.Text.RegularExpressions;
using Beadhub.Remotes;

namespace Beadhub.Commands;

/// <summary>
/// Where backups are read from: a folder as it is, or a bucket, of which what is asked for comes into a temporary folder of the same
/// form.
/// </summary>
internal sealed partial class BackupSource : IDisposable
{
    private const int AtOnce = 16;
    private const long LongestManifest = 64 * 1024 * 1024;

    private readonly string _given;
    private readonly SocketsHttpHandler? _http;
    private readonly S3Store? _bucket;
    private readonly DirectoryInfo? _copy;

    private BackupSource(string given, RemoteAddress? address)
    {
        _given = given;
        if (address is null) return;
        // A signature goes to the host that was named, and nowhere else.
        _http = new() { AllowAutoRedirect = false, UseProxy = address.Endpoint is not { IsLoopback: true } };
        _bucket = RemoteSites.Bucket(address, RemoteCredentials.Of(Environment.GetEnvironmentVariable), _http);
        _copy = Directory.CreateTempSubdirectory("beadhub-backup-");
    }

    /// <summary>The folder, or that into which the bucket's objects come.</summary>
    public string Folder => _copy?.FullName ?? _given;

    /// <summary>Opens what a user names.</summary>
    /// <param name="given">A folder, or the address of a bucket.</param>
    /// <param name="newestOnly">Whether of each project the newest backup will do.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<BackupSource> Open(string given, bool newestOnly, CancellationToken cancellation)
    {
        if (!given.Contains("://", StringComparison.Ordinal)) return new(given, null);
        RemoteAddress address;
        try
        {
            address = RemoteAddress.Parse(given);
        }
        catch (RemoteException e)
        {
            throw new CommandException(e.Message, ExitCode.Usage);
        }

        if (address.Kind != RemoteKind.Bucket)
            throw new CommandException("backups are in a folder, written as a path, or in a bucket, s3://… or gs://…", ExitCode.Usage);
        try
        {
            var source = new BackupSource(given, address);
            try
            {
                await source.Manifests(newestOnly, cancellation);
                return source;
            }
            catch
            {
                source.Dispose();
                throw;
            }
        }
        catch (RemoteException e)
        {
            throw Remotes.RemoteCommands.Refusal(e);
        }
    }

    /// <summary>How a folder is named where backups are kept.</summary>
    public string Shown(string folder)
    {
        if (_copy is null) return folder;
        var (path, query) = _given.Split('?', 2) is [var first, var second] ? (first, "?" + second) : (_given, "");
        var below = Path.GetRelativePath(_copy.FullName, folder).Replace('\\', '/');
        return below == "." ? _given : $"{path.TrimEnd('/')}/{below}{query}";
    }

    /// <summary>Brings a file of a backup.</summary>
    public async Task Bring(string folder, string file, long bytes, CancellationToken cancellation)
    {
        if (_bucket is null) return;
        try
        {
            await using var to = new FileStream(Path.Combine(folder, file), FileMode.Create, FileAccess.Write);
            var below = Path.GetRelativePath(Folder, folder).Replace('\\', '/');
            if (!await _bucket.Download(below == "." ? file : $"{below}/{file}", to, bytes, cancellation))
                throw new CommandException($"{Shown(folder)} lacks {file}. Take another backup");
        }
        catch (RemoteException e)
        {
            throw Remotes.RemoteCommands.Refusal(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bucket?.Dispose();
        _http?.Dispose();
        _copy?.Delete(recursive: true);
    }

    private async Task Manifests(bool newestOnly, CancellationToken cancellation)
    {
        // Below the address there are projects, backups of one, or the files of one backup.
        var names = (await _bucket!.List("", cancellation)).Select(static name => name.Split('/'))
            .Where(static name => name is [.., BackupCommands.Manifest] && name.Length <= 3
                && name.All(static part => Plain().IsMatch(part)));
        if (newestOnly)
            names = names.GroupBy(static name => name.Length > 2 ? name[0] : "")
                .Select(static project => project.MaxBy(static name => name.Length > 1 ? name[^2] : "", StringComparer.Ordinal)!);
        await Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (name, cancelled) =>
            {
                var folder = Path.Combine([Folder, .. name[..^1]]);
                Directory.CreateDirectory(folder);
                await using var to = new FileStream(Path.Combine(folder, BackupCommands.Manifest), FileMode.Create, FileAccess.Write);
                await _bucket.Download(string.Join('/', name), to, LongestManifest, cancelled);
            });
    }

    // Names of a bucket become names of files here.
    [GeneratedRegex("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$")]
    private static partial Regex Plain();
}
