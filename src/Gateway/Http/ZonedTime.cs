using System.Globalization;
using System.Text.RegularExpressions;

namespace Beadhub.Gateway.Http;

/// <summary>Times that clients send: RFC 3339 with a zone and any number of fraction digits, cut after microseconds (protocol
/// 1.3).</summary>
internal static partial class ZonedTime
{
    /// <summary>Reads a time.</summary>
    /// <exception cref="ApiException">422 in the protocol's words.</exception>
    public static DateTimeOffset Parse(string text, string name)
    {
        var match = Pattern().Match(text);
        if (!match.Success ||
            !DateTime.TryParseExact(match.Groups["time"].Value.Replace(' ', 'T').Replace('t', 'T'), "yyyy-MM-dd'T'HH:mm:ss",
                CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            throw Invalid();
        if (!match.Groups["zone"].Success) throw ApiException.Unprocessable($"{name} must be timezone-aware");

        var fraction = match.Groups["fraction"].Value;
        var microseconds = int.Parse(fraction.PadRight(6, '0')[..6], CultureInfo.InvariantCulture);
        var zone = match.Groups["zone"].Value;
        var offset = zone is "Z" or "z" ? TimeSpan.Zero
            : new TimeSpan(int.Parse(zone.AsSpan(1, 2), CultureInfo.InvariantCulture),
            int.Parse(zone.AsSpan(^2), CultureInfo.InvariantCulture), 0);
        if (zone[0] == '-') offset = -offset;
        try
        {
            return new DateTimeOffset(time.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), offset).ToUniversalTime();
        }
        catch (ArgumentException)
        {
            // An offset of more than 14 hours, or a time before or after all times.
            throw Invalid();
        }

        ApiException Invalid() => ApiException.Unprocessable($"Invalid {name} format");
    }

    [GeneratedRegex(
        @"\A(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})"
        + @"(\.(?<fraction>[0-9]{1,30}))?(?<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
