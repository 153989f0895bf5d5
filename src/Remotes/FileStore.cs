using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Remotes;

/// <summary>A folder of this machine, or of one that is mounted.</summary>
public sealed class FileStore : IObjectStore
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromMilliseconds(20);

    private readonly string _root;

    /// <param name="root">The folder; made when it is not there and something is stored.</param>
    public FileStore(string root) => _root = Path.GetFullPath(root);

    /// <inheritdoc/>
    public Task<bool> Has(string name, CancellationToken cancellation) => Task.FromResult(File.Exists(PathOf(name)));

    /// <inheritdoc/>
    public async Task<byte[]?> Get(string name, int most, CancellationToken cancellation)
    {
        try
        {
            var path = PathOf(name);
            if (new FileInfo(path) is { Exists: true } file && file.Length > most)
                throw new RemoteException($"the remote holds an object of {file.Length} bytes, too many", RemoteFault.Damaged);
            return await File.ReadAllBytesAsync(path, cancellation);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    /// <inheritdoc/>
    public async Task Put(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        try
        {
            await Write(PathOf(name), content, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    /// <inheritdoc/>
    public async Task<StoredRef?> ReadRef(string name, CancellationToken cancellation) =>
        await Get(RefOf(name), 64 * 1024, cancellation) is { } bytes
            ? new(Encoding.UTF8.GetString(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes))) : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> Refs(CancellationToken cancellation)
    {
        var folder = Path.Combine(_root, "refs");
        return Task.FromResult<IReadOnlyList<string>>(Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Select(static path => Path.GetFileName(path))
                .Where(static name => !name.StartsWith('.')).Select(Uri.UnescapeDataString).Order(StringComparer.Ordinal)]
            : []);
    }

    /// <inheritdoc/>
    public async Task<bool> SwapRef(string name, StoredRef? expected, string text, CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(Path.Combine(_root, "refs"));
            // Held by the process, and so by nobody when it dies.
            await using var held = await Lock(Path.Combine(_root, "refs", ".lock"), cancellation);
            if ((await ReadRef(name, cancellation))?.Version != expected?.Version) return false;
            await Write(PathOf(RefOf(name)), Encoding.UTF8.GetBytes(text), cancellation);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static string RefOf(string name) => "refs/" + Uri.EscapeDataString(name);

    // Names are made here, of digests and of escaped branches: none of them leads out of the folder.
    private string PathOf(string name)
    {
        var path = Path.GetFullPath(Path.Combine(_root, name));
        return path.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
            : throw new RemoteException($"'{name}' leads out of the remote's folder");
    }

    private static async Task Write(string path, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var half = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Guid.NewGuid():n}");
        try
        {
            await using (var file = new FileStream(half, FileMode.CreateNew, FileAccess.Write))
            {
                await file.WriteAsync(content, cancellation);
                file.Flush(flushToDisk: true);
            }

            File.Move(half, path, overwrite: true);
        }
        catch
        {
            File.Delete(half);
            throw;
        }
    }

    private static async Task<FileStream> Lock(string path, CancellationToken cancellation)
    {
        for (var since = DateTime.UtcNow; ;)
        {
            try
            {
                return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (DateTime.UtcNow - since < LongestWait)
            {
                await Task.Delay(Pause, cancellation);
            }
        }
    }

    private static RemoteException Failed(Exception e) => new($"the remote's folder cannot be used: {e.Message}", cause: e);
}
