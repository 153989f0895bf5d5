using System.Text.RegularExpressions;

namespace Beadhub.Gateway.Tests;

/// <summary>The contract's text formats.</summary>
internal static partial class Formats
{
    /// <summary>A lower-case UUID with hyphens.</summary>
    public static void ShouldBeUuid(this string text) => Guid.ParseExact(text, "D").ToString("D").ShouldBe(text);

    /// <summary>UTC as +00:00, with six fraction digits or none (contract 0.4, TS+).</summary>
    public static void ShouldBeTimestamp(this string text) => text.ShouldMatch(Timestamp().ToString());

    /// <summary>UTC in whole seconds with a Z (protocol 1.3, S).</summary>
    public static void ShouldBeSeconds(this string text) => text.ShouldMatch(Seconds().ToString());

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    private static partial Regex Seconds();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$")]
    private static partial Regex Timestamp();
}
