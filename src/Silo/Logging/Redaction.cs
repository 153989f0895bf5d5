using System.Text.RegularExpressions;

namespace Beadhub.Silo.Logging;

/// <summary>
/// The last guard of the logs. Nothing that Beadhub logs holds a secret on purpose; what a library says in a message or an exception is not
/// in its hands, so everything that looks like a key, a token, a password or a signed address is cut out on its way.
/// </summary>
internal static partial class Redaction
{
    private const string Gone = "[redacted]";

    /// <summary>The text without what looks secret.</summary>
    public static string Clean(string text)
    {
        if (text.Length < 6) return text;
        text = Keys().Replace(text, $"$1{Gone}");
        text = Invites().Replace(text, $"$1{Gone}");
        text = Bearers().Replace(text, $"$1 {Gone}");
        text = Users().Replace(text, $"$1{Gone}@");
        text = Queries().Replace(text, $"$1?{Gone}");
        return Pairs().Replace(text, $"$1{Gone}");
    }

    // What Beadhub itself gives out.
    [GeneratedRegex(@"\b(aw_sk_|aw_st_|whsec_)[A-Za-z0-9_\-]+", RegexOptions.CultureInvariant)]
    private static partial Regex Keys();

    // The code in the address of somebody who was invited.
    [GeneratedRegex(@"(/i/)[A-Za-z0-9_\-]{20,}", RegexOptions.CultureInvariant)]
    private static partial Regex Invites();

    [GeneratedRegex(@"\b(bearer|basic)\s+[A-Za-z0-9+/=._~\-]{6,}", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Bearers();

    [GeneratedRegex(@"([a-z][a-z0-9+.\-]*://)[^\s/@?#]+@", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Users();

    [GeneratedRegex(@"(\bhttps?://[^\s?""'<>]+)\?[^\s""'<>]*", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Queries();

    [GeneratedRegex(
        @"(\b[A-Za-z_\-]*(?:password|passwd|pwd|secret|token|signature|api[_\-]?key|x-bh-auth)""?\s*[=:]\s*)"
        + @"(""[^""]*""|'[^']*'|[^\s;,&""'}\])]+)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Pairs();
}
