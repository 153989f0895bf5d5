using Beadhub.Hosting.Backups;
using Beadhub.Remotes;

namespace Beadhub.Silo.Doctor;

/// <summary>Folders that settings name.</summary>
internal static class PathChecks
{
    private const string MadeAbsolute =
        "Write the whole path, as in sqlite:/var/lib/beadhub/beadhub.db: from another folder the server would begin anew, beside its data.";

    /// <summary>A relative path means another file in each folder from which the server is started: a warning then, else null.</summary>
    /// <param name="url">The database's URL as it was given.</param>
    /// <param name="path">Where it leads from here.</param>
    public static Finding? Database(string url, string path)
    {
        var given = url["sqlite:".Length..];
        if (given.StartsWith("//", StringComparison.Ordinal)) given = given[2..];
        return Path.IsPathFullyQualified(given) ? null
            : Finding.Warn("data path", $"{given} is relative: here it is {path}, from another folder another file", MadeAbsolute);
    }

    /// <summary>Whether backups can be written; null when none are wanted.</summary>
    public static async Task<Finding?> Backups(Settings settings, CancellationToken cancellation)
    {
        using var place = IBackupPlace.Of(settings);
        if (place is null) return null;
        if (settings.BackupDirectory is { } folder)
        {
            if (!Path.IsPathFullyQualified(folder))
                return Finding.Warn("backups", $"{folder} is relative: here it is {place}", MadeAbsolute);
            if (!Directory.Exists(folder)) return Finding.Ok("backups", $"{folder}: not there yet; the server makes it");
        }

        try
        {
            return Finding.Ok("backups", await place.Try(cancellation) is { } at ? $"{place}: the newest is of {at:yyyy-MM-dd HH:mm:ss} UTC"
                : $"{place}: none is there yet");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Finding.Fail("backups", $"{place} cannot be written: {e.Message}",
                $"Give the server's user ({Environment.UserName}) the right to write there, or set BEADHUB_BACKUP_DIR to another place.");
        }
        catch (RemoteException e)
        {
            return Finding.Fail("backups", $"{place} cannot be written: {e.Message}",
                "Let the access key of BEADHUB_REMOTE_USER list, read, write and delete below the address of BEADHUB_BACKUP_DIR.");
        }
    }
}
