using System.Globalization;
using System.Text.RegularExpressions;

namespace Beadhub.Hosting.Backups;

/// <summary>
/// Names of backups: <c>slug.project-id/20261122T031500123Z</c> in a folder or bucket. Only what bears such a name is ever counted or
/// removed.
/// </summary>
internal static partial class BackupFolders
{
    /// <summary>What a backup holds beside its lines; written last, so that what has one is whole.</summary>
    public const string Manifest = "backup.json";

    private const string Form = "yyyyMMdd'T'HHmmssfff'Z'";

    /// <summary>The name under which a project's backups are.</summary>
    public static string Of(string slug, string projectId) => $"{Plain(slug)}.{Plain(projectId)}";

    /// <summary>The name of a backup of a time.</summary>
    public static string Name(DateTimeOffset at) => at.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture);

    /// <summary>The time of a backup of a name; null when it is none of a backup.</summary>
    public static DateTimeOffset? Time(string name) =>
        DateTimeOffset.TryParseExact(name, Form, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    /// <summary>A name of others as part of a file's name.</summary>
    public static string Plain(string text) => Unsafe().Replace(text, "_") is var plain && plain.TrimStart('.').Length == 0 ? "_"
        : plain.Length > 80 ? plain[..80] : plain;

    [GeneratedRegex("[^A-Za-z0-9._-]")]
    private static partial Regex Unsafe();
}
