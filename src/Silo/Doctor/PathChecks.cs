using Beadhub.Hosting.Backups;

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
    public static Finding? Backups(string? folder)
    {
        if (folder is null) return null;
        if (!Path.IsPathFullyQualified(folder))
            return Finding.Warn("backups", $"{folder} is relative: here it is {Path.GetFullPath(folder)}", MadeAbsolute);
        try
        {
            if (!Directory.Exists(folder)) return Finding.Ok("backups", $"{folder}: not there yet; the server makes it");
            using (File.Create(Path.Combine(folder, $".beadhub-doctor-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose))
            {
            }

            var newest = Directory.EnumerateDirectories(folder).Select(static project => BackupFolders.In(project).FirstOrDefault())
                .Where(static backup => backup.Path is not null).Select(static backup => (DateTimeOffset?)backup.At).Max();
            return Finding.Ok("backups", newest is { } at ? $"{folder}: the newest is of {at:yyyy-MM-dd HH:mm:ss} UTC"
                : $"{folder}: none is there yet");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Finding.Fail("backups", $"{folder} cannot be written: {e.Message}",
                $"Give the server's user ({Environment.UserName}) the right to write there, or set BEADHUB_BACKUP_DIR to another place.");
        }
    }
}
