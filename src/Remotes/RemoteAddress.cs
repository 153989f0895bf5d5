using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Beadhub.Remotes;

/// <summary>What kind of place a remote is.</summary>
public enum RemoteKind
{
    /// <summary>A project of another Beadhub.</summary>
    Hub,

    /// <summary>A bucket.</summary>
    Bucket,

    /// <summary>A folder.</summary>
    Folder,
}

/// <summary>
/// Where a remote is: <c>beadhub+https://host/project</c> (<c>beadhub+http</c> for private networks), <c>s3://bucket/prefix</c> and
/// <c>gs://bucket/prefix</c> (<c>?endpoint=…&amp;region=…</c>), <c>file:///folder</c>.
/// </summary>
/// <param name="Text">As it was written.</param>
/// <param name="Kind">Which.</param>
/// <param name="Endpoint">The server; null for Amazon's own object store, and for folders.</param>
/// <param name="Name">Slug, bucket or folder.</param>
/// <param name="Prefix">Prefix in a bucket.</param>
/// <param name="Region">Region of a bucket.</param>
public sealed partial record RemoteAddress(string Text, RemoteKind Kind, Uri? Endpoint, string Name, string Prefix = "",
    string Region = "us-east-1")
{
    private const int Longest = 2048;
    private const string Forms = "write beadhub+https://host/project, s3://bucket/prefix, gs://bucket/prefix or file:///folder";

    /// <summary>The host that is called, for rules about hosts; empty for folders.</summary>
    public string Host => Kind == RemoteKind.Folder ? "" : Endpoint?.IdnHost.TrimEnd('.').ToLowerInvariant() ?? "amazonaws.com";

    /// <summary>Reads an address.</summary>
    /// <exception cref="RemoteException">It is none; what it says is never repeated, since it may hold a password.</exception>
    public static RemoteAddress Parse(string text)
    {
        if (text.StartsWith("dolthub://", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("dolt", StringComparison.OrdinalIgnoreCase) && text.Contains("://", StringComparison.Ordinal))
            throw new RemoteException("Dolt's remotes speak a protocol of Dolt's own, which Beadhub does not: on the other side run "
                + "'bd export -o issues.jsonl', and here 'beadhub import issues.jsonl'");
        if (text.Length is 0 or > Longest || text.Any(static c => c is <= ' ' or '\\' or '\u007f' or > '~'))
            throw new RemoteException($"the remote's address is none: {Forms}");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url)) throw new RemoteException($"the remote's address is none: {Forms}");
        if (url.UserInfo.Length > 0)
            throw new RemoteException("the remote's address holds a user or a password: give them by BEADHUB_REMOTE_USER and "
                + "BEADHUB_REMOTE_PASSWORD_FILE");
        if (url.Fragment.Length > 0) throw new RemoteException($"the remote's address has a fragment: {Forms}");
        return url.Scheme switch
        {
            "beadhub+https" or "beadhub+http" => Hub(text, url),
            "s3" => Bucket(text, url, null, "us-east-1"),
            "gs" => Bucket(text, url, new Uri("https://storage.googleapis.com"), "auto"),
            "file" => Folder(text, url),
            _ => throw new RemoteException($"{url.Scheme}:// is no remote that Beadhub knows: {Forms}"),
        };
    }

    private static RemoteAddress Hub(string text, Uri url)
    {
        var slug = Uri.UnescapeDataString(url.AbsolutePath.Trim('/'));
        if (url.Host.Length == 0 || url.Query.Length > 0 || !Names.IsSlug(slug)) throw new RemoteException(
            "the address of a project is beadhub+https://host/project, without anything after it");
        var scheme = url.Scheme["beadhub+".Length..];
        var endpoint = new UriBuilder(scheme, url.IdnHost, url.Port).Uri;
        if (scheme == "http" && !IsNear(url))
            throw new RemoteException("beadhub+http is for this machine and private networks alone: use beadhub+https");
        return new(text, RemoteKind.Hub, endpoint, slug);
    }

    private static RemoteAddress Bucket(string text, Uri url, Uri? endpoint, string region)
    {
        if (!BucketName().IsMatch(url.Host)) throw new RemoteException("the remote's address names no bucket");
        foreach (var part in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = part.Split('=', 2) is [var first, var second] ? (first, Uri.UnescapeDataString(second)) : (part, "");
            switch (name)
            {
                case "endpoint" when Uri.TryCreate(value, UriKind.Absolute, out var named) && named.Scheme is "https" or "http"
                    && named.UserInfo.Length == 0 && named.Query.Length == 0 && named.AbsolutePath == "/"
                    && (named.Scheme == "https" || IsNear(named)):
                    endpoint = named;
                    break;
                case "region" when value.Length is > 0 and <= 64 && value.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'):
                    region = value;
                    break;
                default:
                    throw new RemoteException("after a bucket's address only endpoint=https://host (http on private networks) and region= "
                        + "may stand");
            }
        }

        var prefix = Uri.UnescapeDataString(url.AbsolutePath.Trim('/'));
        if (prefix.Split('/').Any(static part => part is "." or "..")) throw new RemoteException("the prefix must not hold '..'");
        return new(text, RemoteKind.Bucket, endpoint, url.Host, prefix, region);
    }

    private static RemoteAddress Folder(string text, Uri url)
    {
        // As written: what Uri would resolve by itself is refused, what is shown must be what is used.
        var path = text["file://".Length..];
        if (url.Host.Length > 0 || !path.StartsWith('/') || path.Contains('%') || path.Contains('?')
            || path.Split('/').Any(static part => part is "." or "..") || path.Length < 2)
            throw new RemoteException("the address of a folder is file:///absolute/path, without '..' and escapes");
        return new(text, RemoteKind.Folder, null, path.TrimEnd('/'));
    }

    /// <summary>Whether a host is this machine, a private address, or a name without a dot or of a local network.</summary>
    private static bool IsNear(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.');
        if (!IPAddress.TryParse(url.DnsSafeHost, out var address))
            return !host.Contains('.') || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
                || host.EndsWith(".local", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".lan", StringComparison.OrdinalIgnoreCase)
                || host.EndsWith(".internal", StringComparison.OrdinalIgnoreCase);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address)) return true;
        var b = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? b[0] == 10 || b[0] == 172 && b[1] is >= 16 and <= 31 || b[0] == 192 && b[1] == 168 || b[0] == 100 && b[1] is >= 64 and <= 127
            : (b[0] & 0xFE) == 0xFC;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{1,221}$")]
    private static partial Regex BucketName();
}
