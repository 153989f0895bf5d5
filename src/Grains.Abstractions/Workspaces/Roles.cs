using System.Text.RegularExpressions;

namespace Beadhub.Workspaces;

/// <summary>The rule for roles: one or two words of letters, digits, hyphens and underscores, at most 50 characters (contract
/// 2.2).</summary>
public static partial class Roles
{
    /// <summary>Greatest length.</summary>
    public const int MaxLength = 50;

    /// <summary>The role trimmed, with single spaces, in lower case; null when it breaks the rule or is empty.</summary>
    public static string? Normalize(string? role)
    {
        if (role is null) return null;
        var normalized = Spaces().Replace(role.Trim(), " ").ToLowerInvariant();
        return normalized.Length is > 0 and <= MaxLength && Rule().IsMatch(normalized) ? normalized : null;
    }

    /// <summary>What a role adds to a name prefix in an alias: <c>full stack</c> gives <c>full-stack</c>.</summary>
    public static string AliasPart(string role) => role.Replace(' ', '-');

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]*( [a-z0-9][a-z0-9_-]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Rule();
}
