using System.Globalization;
using System.Text.RegularExpressions;

namespace Beadhub.Hosting.Backups;

/// <summary>
/// Names of backups: <c>FOLDER/slug.project-id/20261122T031500123Z</c>. Only what bears such a name is ever counted or removed.
/// </summary>
internal static partial class BackupFolders
{
    /// <summary>What a backup holds beside its lines; written last, so that a folder with one is whole.</summary>
    public const string Manifest = "backup.json";

    private const string Form = "yyyyMMdd'T'HHmmssfff'Z'";

    /// <summary>The folder of a project.</summary>
    public static string Of(string folder, string slug, string projectId) => Path.Combine(folder, $"{Plain(slug)}.{Plain(projectId)}");

    /// <summary>The name of a backup of a time.</summary>
    public static string Name(DateTimeOffset at) => at.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture);

    /// <summary>The backups in a project's folder, newest first.</summary>
    public static IReadOnlyList<(string Path, DateTimeOffset At)> In(string project)
    {
        var found = new List<(string Path, DateTimeOffset At)>();
        if (!Directory.Exists(project)) return found;
        foreach (var path in Directory.EnumerateDirectories(project))
            if (Time(Path.GetFileName(path)) is { } at && File.Exists(Path.Combine(path, Manifest))) found.Add((path, at));
        found.Sort(static (a, b) => b.At.CompareTo(a.At));
        return found;
    }

    /// <summary>A name of others as part of a file's name.</summary>
    public static string Plain(string text) => Unsafe().Replace(text, "_") is var plain && plain.TrimStart('.').Length == 0 ? "_"
        : plain.Length > 80 ? plain[..80] : plain;

    private static DateTimeOffset? Time(string name) =>
        DateTimeOffset.TryParseExact(name, Form, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    [GeneratedRegex("[^A-Za-z0-9._-]")]
    private static partial Regex Unsafe();
}
