using System.Collections;
using System.Collections.Immutable;

namespace Beadhub.Silo;

/// <summary>A <c>BEADHUB_…</c> variable that no part of Beadhub reads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Nearest">The variable that was probably meant; null when none is near.</param>
internal sealed record UnknownVariable(string Name, string? Nearest)
{
    /// <summary>In a sentence.</summary>
    public override string ToString() => Nearest is null ? $"{Name} is no setting" : $"{Name} is no setting; {Nearest} is";
}

/// <summary>Reads the settings from the environment, and notices variables that are misspelt: they would have no effect.</summary>
internal static class Variables
{
    private const string Prefix = "BEADHUB_";

    // Variables of the clients and of tests, which share the prefix.
    private static readonly string[] OfClients =
    [
        "BEADHUB_API_KEY", "BEADHUB_URL", "BEADHUB_PROJECT", "BEADHUB_ALIAS", "BEADHUB_HUMAN", "BEADHUB_ROLE", "BEADHUB_API_URL",
        "BEADHUB_REPO_ORIGIN", "BEADHUB_SKIP_REPO_CHECK", "BEADHUB_REMOTE_USER",
        "BEADHUB_REMOTE_PASSWORD", "BEADHUB_REMOTE_PASSWORD_FILE", "BEADHUB_DASHBOARD_HUMAN", "BEADHUB_RELOAD", "BEADHUB_TEST_URL",
    ];

    /// <summary>The settings, and the variables that are none.</summary>
    /// <exception cref="SettingsException">A variable holds what it may not.</exception>
    public static (Settings Settings, ImmutableArray<UnknownVariable> Unknown) Read(Func<string, string?> variable) =>
        Read(variable, Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static entry => (string)entry.Key));

    /// <inheritdoc cref="Read(Func{string, string})"/>
    public static (Settings Settings, ImmutableArray<UnknownVariable> Unknown) Read(
        Func<string, string?> variable, IEnumerable<string> present)
    {
        var known = new HashSet<string>(OfClients);
        var settings = Settings.FromEnvironment(name =>
        {
            known.Add(name);
            return variable(name);
        });
        return (settings,
        [
            .. present.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && !known.Contains(name))
                .Order(StringComparer.Ordinal).Select(name => new UnknownVariable(name, Nearest(name, known))),
        ]);
    }

    private static string? Nearest(string name, IEnumerable<string> known)
    {
        var nearest = known.Where(static other => other.StartsWith(Prefix, StringComparison.Ordinal))
            .MinBy(other => (Distance(name, other), other));
        // What differs in more than half of its letters was not meant.
        return nearest is not null && Distance(name, nearest) * 2 <= nearest.Length - Prefix.Length ? nearest : null;
    }

    /// <summary>How many letters must be put in, taken out or changed (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j - 1], above) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
