using Beadhub.Hosting.EventLogs.Sqlite;
using Microsoft.Data.Sqlite;

namespace Beadhub.Silo.Doctor;

/// <summary>A log in a SQLite file: its folder, its disk, its schema, who has it open.</summary>
internal static class SqliteChecks
{
    private const long CheckedWhole = 256L * 1024 * 1024;
    private static readonly string[] OverTheNetwork = ["nfs", "nfs4", "cifs", "smb", "smb2", "smbfs", "9p", "fuse.sshfs", "ceph",
        "glusterfs"];

    public static IEnumerable<Finding> Run(string path)
    {
        // As the server does: the lock is beside the file itself, not beside a link to it.
        path = SqliteFile.Resolve(path);
        var folder = Path.GetDirectoryName(path)!;
        yield return Folder(folder);
        foreach (var finding in Disk(folder)) yield return finding;
        if (!File.Exists(path))
        {
            yield return Finding.Ok("database", $"sqlite {path}: not there yet; the server makes it at its first start");
            yield break;
        }

        foreach (var finding in Contents(path)) yield return finding;
        yield return Lock(path);
    }

    private static Finding Folder(string folder)
    {
        var existing = folder;
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { } parent) existing = parent;
        var probe = Path.Combine(existing, $".beadhub-doctor-{Environment.ProcessId}");
        try
        {
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
            }

            return Finding.Ok("data folder", existing == folder ? $"{folder} can be written" : $"{folder} can be made");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Finding.Fail("data folder", $"{folder} cannot be written: {e.Message}",
                $"Give the server's user ({Environment.UserName}) the right to write there, or set BEADHUB_DATABASE_URL to another place.");
        }
    }

    private static IEnumerable<Finding> Disk(string folder)
    {
        var drive = DriveInfo.GetDrives().Where(drive => drive.IsReady && Covers(drive.Name, folder))
            .MaxBy(static drive => drive.Name.Length);
        if (drive is null) yield break;
        var free = drive.AvailableFreeSpace;
        var says = $"{Size(free)} free on {drive.Name}";
        yield return free switch
        {
            < 100L * 1024 * 1024 => Finding.Fail("disk", says, "Make room now: without it every write is refused."),
            < 1024L * 1024 * 1024 => Finding.Warn("disk", says, "Make room: without it every write is refused."),
            _ => Finding.Ok("disk", says),
        };
        if (OverTheNetwork.Contains(drive.DriveFormat, StringComparer.OrdinalIgnoreCase))
            yield return Finding.Fail("disk", $"{drive.Name} is a network file system ({drive.DriveFormat})",
                "SQLite's locks do not hold there: use a local disk, or PostgreSQL.");
    }

    private static bool Covers(string mount, string folder) =>
        folder == mount || folder.StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static List<Finding> Contents(string path)
    {
        try
        {
            using var connection = SqliteDatabase.Open(path, write: false);
            var version = (long)Ask(connection, "PRAGMA user_version")!;
            var findings = new List<Finding>
            {
                version > SqliteDatabase.Version
                    ? Finding.Fail("schema", $"version {version}, which is newer than this Beadhub's {SqliteDatabase.Version}",
                        "Run the newer Beadhub that wrote it.")
                    : Finding.Ok("schema", version < SqliteDatabase.Version
                        ? $"version {version}; the server brings it to {SqliteDatabase.Version} when it starts" : $"version {version}"),
            };
            var length = new FileInfo(path).Length + (File.Exists(path + "-wal") ? new FileInfo(path + "-wal").Length : 0);
            if (length > CheckedWhole)
            {
                findings.Add(Finding.Ok("database", $"sqlite {path}: {Size(length)}, too large to be read whole here"));
            }
            else
            {
                var check = (string)Ask(connection, "PRAGMA quick_check(1)")!;
                findings.Add(check == "ok"
                    ? Finding.Ok("database", $"sqlite {path}: {Size(length)}, whole")
                    : Finding.Fail("database", $"sqlite {path} is damaged: {check}",
                        "Stop the server and put the newest backup in its place (deploy/README.md)."));
            }

            return findings;
        }
        catch (SqliteException e)
        {
            return [Finding.Fail("database", $"sqlite {path} cannot be read: {e.Message}",
                "Check the file's owner and rights; if it is no database, put a backup in its place.")];
        }
    }

    // Shared: a server that starts at this moment waits longer than this takes.
    private static Finding Lock(string path)
    {
        if (!File.Exists(path + ".lock")) return Finding.Ok("lock", "free");
        try
        {
            using var held = new FileStream(path + ".lock", FileMode.Open, FileAccess.Read, FileShare.Read);
            return Finding.Ok("lock", "free: no server runs on this database");
        }
        catch (IOException)
        {
            return Finding.Ok("lock", "held: a server runs on this database, and a second one would be refused");
        }
        catch (UnauthorizedAccessException e)
        {
            return Finding.Fail("lock", e.Message, $"Give the server's user ({Environment.UserName}) the right to {path}.lock.");
        }
    }

    private static object? Ask(SqliteConnection connection, string sql)
    {
        using var command = new SqliteCommand(sql, connection);
        return command.ExecuteScalar();
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):0.0} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):0.0} MiB",
        _ => $"{bytes / 1024.0:0.0} KiB",
    };
}
