namespace Beadhub.Gateway.Mcp;

/// <summary>Finds what was probably meant by a name that does not exist.</summary>
internal static class NearestName
{
    /// <summary>The name that differs least; null when none is near.</summary>
    public static string? To(string name, IEnumerable<string> names) => name.Length > 100 ? null : names
        .Select(known => (Known: known, Distance: IsPart(name, known) || IsPart(known, name) ? 1 : Distance(name, known)))
        .Where(near => near.Distance <= Math.Max(2, near.Known.Length / 3))
        .OrderBy(near => near.Distance).Select(near => near.Known).FirstOrDefault();

    private static bool IsPart(string part, string whole) => whole.Contains(part, StringComparison.Ordinal);

    // Levenshtein's, row by row.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
