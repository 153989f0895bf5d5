using System.Runtime.InteropServices;
using Beadhub.EventLog;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>
/// The database file of a log that is open: held for this process alone, by whatever name it is reached, and watched. A file that was
/// deleted or replaced while it is open, and one that is found damaged, take no further write.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    private const int MostLinks = 40;
    private const string Moved =
        "The server's database file was deleted or replaced while it runs: nothing is written until its operator has put it back or "
        + "restarted the server.";
    private const string Damaged =
        "The server's database file is damaged: nothing is written until its operator has put a backup in its place and restarted "
        + "the server.";

    private readonly Lock _gate = new();
    private readonly FileStream _lock;
    private readonly FileStream? _file;
    private SqliteConnection? _opened;
    private volatile EventLogUnavailableException? _damage;

    private SqliteFile(string path, string description, FileStream held, FileStream? file) =>
        (Path, Description, _lock, _file) = (path, description, held, file);

    /// <summary>Where it is, links resolved.</summary>
    public string Path { get; }

    /// <summary>For people.</summary>
    public string Description { get; }

    /// <summary>Takes the locks. The database itself is made by whoever opens it first.</summary>
    /// <exception cref="EventLogInUseException">Another process has it, perhaps under another name.</exception>
    /// <exception cref="IOException">The folder or the file cannot be written.</exception>
    public static SqliteFile Hold(string path, string description, TimeSpan patience, TimeProvider time)
    {
        path = Resolve(path);
        System.IO.Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        // The file stays when the log is closed: deleting it would let two processes lock two files of one name.
        var held = Lock(path + ".lock", description, patience, time);
        try
        {
            // A hard link has another name for the same file. SQLite uses locks of another sort, which this one does not touch; on Windows
            // it would.
            return new(path, description, held, OperatingSystem.IsWindows() ? null : Lock(path, description, patience, time));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The path without symbolic links: names that lead to one file become one.</summary>
    public static string Resolve(string path) => Resolve(System.IO.Path.GetFullPath(path), MostLinks);

    /// <summary>Watches the file from here on. It has been opened by this process.</summary>
    public void Watch() => _opened = SqliteDatabase.Open(Path, write: false);

    /// <summary>Does nothing while the file is the one that was opened, and whole as far as is known.</summary>
    /// <exception cref="EventLogUnavailableException">It is not.</exception>
    public void Check()
    {
        if (_damage is { } damage) throw new EventLogUnavailableException(damage.Message, damage.InnerException);
        // Without its write-ahead log, what has been committed since the last checkpoint would be gone with the process.
        if (HasMoved() || !File.Exists(Path + "-wal"))
        {
            throw new EventLogUnavailableException(
                $"The file of the event log at {Description} was deleted or replaced while it is open. Put it back, or stop Beadhub, "
                    + $"see to the file, and start it again.",
                new LastingTroubleException(Moved));
        }
    }

    /// <summary>What an exception means. Damage is remembered until the next start: pages that were found damaged do not heal, even if
    /// others can be read and written.</summary>
    public EventLogUnavailableException Unavailable(SqliteException error)
    {
        if (!SqliteErrors.IsDamage(error)) return SqliteErrors.Unavailable(Description, error);
        return _damage = new EventLogUnavailableException(
            $"The event log at {Description} is damaged ({error.Message}). Stop Beadhub and put the newest backup in its place "
                + $"(deploy/README.md).", new LastingTroubleException(Damaged, error));
    }

    /// <summary>Brings everything into the file itself, which then can be copied. All other connections are closed.</summary>
    public void Finish()
    {
        try
        {
            Check();
            lock (_gate) _opened?.Dispose();
            using var last = SqliteDatabase.Open(Path, write: true);
            SqliteDatabase.Execute(last, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (Exception failed) when (failed is SqliteException or EventLogUnavailableException)
        {
            // Then it stays in the write-ahead log, and is found there at the next start.
        }
    }

    public void Dispose()
    {
        lock (_gate) _opened?.Dispose();
        _file?.Dispose();
        _lock.Dispose();
    }

    private bool HasMoved()
    {
        const int FileHasMoved = 20; // SQLITE_FCNTL_HAS_MOVED
        lock (_gate)
        {
            var moved = 0;
            return _opened?.Handle is { IsClosed: false } handle && FileControl(handle, "main", FileHasMoved, ref moved) == 0 && moved != 0;
        }
    }

    private static FileStream Lock(string path, string description, TimeSpan patience, TimeProvider time)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException taken) when (SqliteErrors.IsTaken(taken))
            {
                if (time.GetElapsedTime(since) >= patience)
                {
                    throw new EventLogInUseException(
                        $"Another Beadhub runs on this database ({description}). Stop it first; to run several nodes, use PostgreSQL "
                            + $"and start them with BEADHUB_CLUSTER=true.",
                        taken);
                }
                Thread.Sleep(50);
            }
        }
    }

    private static string Resolve(string path, int links)
    {
        var resolved = System.IO.Path.GetPathRoot(path)!;
        foreach (var part in path[resolved.Length..].Split(System.IO.Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = System.IO.Path.Combine(resolved, part);
            if (new FileInfo(next).LinkTarget is { } target)
                next = links > 0 ? Resolve(System.IO.Path.GetFullPath(target, resolved), links - 1)
                    : throw new IOException($"Too many symbolic links: '{path}'");
            resolved = next;
        }

        return resolved;
    }

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control")]
    private static extern int FileControl(SafeHandle database, [MarshalAs(UnmanagedType.LPUTF8Str)] string schema, int operation,
        ref int value);
}
