using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Beadhub;

/// <summary>The alphabets of names (contract 2). Anchored strictly: a trailing newline is no part of any name.</summary>
public static partial class Names
{
    private const string Alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // Every issue of a sync is looked at with these: no regular expressions here.
    private static readonly SearchValues<char> First = SearchValues.Create(Alphanumeric);
    private static readonly SearchValues<char> InBeadId = SearchValues.Create(Alphanumeric + "_.-");
    private static readonly SearchValues<char> InBranch = SearchValues.Create(Alphanumeric + "/_.-");

    /// <summary>Whether it is a bead id: <c>^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$</c>.</summary>
    public static bool IsBeadId(ReadOnlySpan<char> text) => text.Length <= 100 && IsWord(text, InBeadId);

    /// <summary>Whether it is a branch: <c>^[a-zA-Z0-9][a-zA-Z0-9/_.-]{0,254}$</c>.</summary>
    public static bool IsBranch(ReadOnlySpan<char> text) => text.Length <= 255 && IsWord(text, InBranch);

    /// <summary>Whether it is a canonical origin such as <c>github.com/acme/demo</c>: segments that begin with a letter or digit; one is
    /// enough.</summary>
    public static bool IsCanonicalOrigin(ReadOnlySpan<char> text)
    {
        if (text.Length > 255) return false;
        foreach (var segment in text.Split('/'))
            if (!IsWord(text[segment], InBeadId)) return false;
        return true;
    }

    /// <summary>Whether it is what one subscribes to: a bead id without dots, perhaps with the name of a repository and a colon before
    /// it.</summary>
    public static bool IsSubscribedBead(string text) => SubscribedBead().IsMatch(text);

    /// <summary>Whether it is an alias.</summary>
    public static bool IsAlias(string text) => Alias().IsMatch(text);

    /// <summary>Whether it is a human name; the empty one is.</summary>
    public static bool IsHumanName(string text) => text.Length == 0 || HumanName().IsMatch(text);

    /// <summary>Whether it is a project slug.</summary>
    public static bool IsSlug(string text) => text.Length <= 256 && Slug().IsMatch(text);

    /// <summary>Whether it has the form of a time zone name; no look-up is made.</summary>
    public static bool IsTimezone(string text) => Timezone().IsMatch(text);

    /// <summary>Reads a UUID in any of its usual forms (upper case, braces, <c>urn:uuid:</c>, no hyphens) and writes it lower-case with
    /// hyphens.</summary>
    public static bool TryNormalizeUuid(string? text, [NotNullWhen(true)] out string? uuid)
    {
        var bare = text?.Trim() ?? "";
        if (bare.StartsWith("urn:uuid:", StringComparison.OrdinalIgnoreCase)) bare = bare[9..];
        if (bare is ['{', .., '}']) bare = bare[1..^1];
        uuid = Guid.TryParseExact(bare, "D", out var id) || Guid.TryParseExact(bare, "N", out id) ? id.ToString("D") : null;
        return uuid is not null;
    }

    /// <summary>Length in Unicode code points, as limits are counted.</summary>
    public static int CodePoints(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }

    /// <summary>
    /// Turns a git remote into its canonical origin <c>host/path</c> (contract 2.1): host lower-cased, user and port dropped, path case
    /// kept, slashes at both ends and one trailing <c>.git</c> removed.
    /// </summary>
    public static bool TryCanonicalizeOrigin(string url, [NotNullWhen(true)] out string? canonical)
    {
        canonical = null;
        url = url.Trim();
        string host, path;
        if (Scp().Match(url) is { Success: true } scp)
        {
            (host, path) = (scp.Groups[1].Value, scp.Groups[2].Value);
        }
        else
        {
            var scheme = url.IndexOf("://", StringComparison.Ordinal);
            if (scheme <= 0 || !Scheme().IsMatch(url.AsSpan(0, scheme))) return false;
            var rest = url[(scheme + 3)..];
            if (rest.IndexOfAny(['?', '#']) is >= 0 and var end) rest = rest[..end];
            var slash = rest.IndexOf('/');
            if (slash <= 0) return false;
            host = rest[..slash];
            path = rest[slash..];
            host = host[(host.LastIndexOf('@') + 1)..];
            if (host.LastIndexOf(':') is >= 0 and var port && !host.EndsWith(']')) host = host[..port];
        }

        path = path.Trim('/');
        if (path.EndsWith(".git", StringComparison.Ordinal)) path = path[..^4].TrimEnd('/');
        if (host.Length == 0 || path.Length == 0) return false;
        canonical = $"{host.ToLowerInvariant()}/{path}";
        return true;
    }

    private static bool IsWord(ReadOnlySpan<char> text, SearchValues<char> allowed) =>
        text.Length > 0 && First.Contains(text[0]) && !text.ContainsAnyExcept(allowed);

    [GeneratedRegex(@"\A([a-zA-Z0-9][a-zA-Z0-9_-]{0,99}:)?[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}\z")]
    private static partial Regex SubscribedBead();

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}\z")]
    private static partial Regex Alias();

    [GeneratedRegex(@"\A[a-zA-Z][a-zA-Z0-9 '\-]{0,63}\z")]
    private static partial Regex HumanName();

    [GeneratedRegex(@"\A[a-zA-Z0-9/_.-]+\z")]
    private static partial Regex Slug();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_+\-/]{0,63}\z")]
    private static partial Regex Timezone();

    [GeneratedRegex(@"\Agit@([^:/@\s]+):(.+)\z")]
    private static partial Regex Scp();

    [GeneratedRegex(@"\A[a-zA-Z][a-zA-Z0-9+.-]*\z")]
    private static partial Regex Scheme();
}
