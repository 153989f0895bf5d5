using System.Collections.Immutable;
using System.Net;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Which names a request may call this server by, and which pages in browsers may write to it. A page anywhere can lead a name of its own
/// to this machine (DNS rebinding) and would then read and write, as if from here, what nobody outside can reach; its requests give it away
/// by <c>Host</c> and <c>Origin</c>.
/// </summary>
/// <param name="onlyLoopback">Whether the server can be reached from this machine only.</param>
/// <param name="allowed">Further names that are its own: <c>name</c>, <c>name:port</c>, <c>*.name</c>, or <c>*</c> for any.</param>
/// <param name="isOwn">Whether a name or address is this machine's.</param>
internal sealed class HostRules(bool onlyLoopback, ImmutableArray<string> allowed, Func<string, bool> isOwn)
{
    private const int Shown = 100;

    /// <summary>What is wrong with a request; null when nothing is.</summary>
    /// <param name="host">Its <c>Host</c>; empty when it has none, as clients of HTTP/1.0 do.</param>
    /// <param name="origin">Its <c>Origin</c>, if any: the page that sends it.</param>
    /// <param name="isFromBrowser">Whether it shows a browser.</param>
    /// <param name="isWrite">Whether it may change something, or is one to <c>/mcp</c>.</param>
    public string? Problem(string host, string? origin, bool isFromBrowser, bool isWrite)
    {
        var name = HostString.FromUriComponent(host);
        if (onlyLoopback)
        {
            if (host.Length > 0 && !IsLoopback(name.Host) && !IsAllowed(name))
                return $"Host '{Short(host)}' is not this server's: it listens on the loopback only. Use localhost, or name the host in "
                    + $"BEADHUB_ALLOWED_HOSTS";
        }
        else if (isFromBrowser && !IsLoopback(name.Host) && !IsAllowed(name) && !isOwn(name.Host))
        {
            return $"Host '{Short(host)}' is not a name or address of this machine: "
                + "browsers may use it once it is in BEADHUB_ALLOWED_HOSTS";
        }

        return origin is null || !isWrite || IsSame(origin, name)
            ? null
            : $"Origin '{Short(origin)}' is another site than this server ('{Short(host)}'): its pages may write here once its host is "
                + $"in BEADHUB_ALLOWED_HOSTS";
    }

    /// <summary>Whether a name leads nowhere but to this machine.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private bool IsAllowed(HostString host)
    {
        foreach (var entry in allowed)
        {
            if (entry == "*" || entry.Equals(host.Host, StringComparison.OrdinalIgnoreCase)
                || entry.Equals(host.Value, StringComparison.OrdinalIgnoreCase)) return true;
            if (entry.StartsWith("*.", StringComparison.Ordinal) && host.Host.EndsWith(entry[1..], StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    // Of schemes nothing is required: what ends TLS is a proxy.
    private bool IsSame(string origin, HostString host)
    {
        if (!Uri.TryCreate(origin, UriKind.Absolute, out var page) || page.Scheme is not ("http" or "https")) return false;
        var from = page.IsDefaultPort ? new HostString(page.Host) : new HostString(page.Host, page.Port);
        var samePort = host.Port == from.Port || (page.IsDefaultPort && host.Port == page.Port);
        return (host.Host.Equals(from.Host, StringComparison.OrdinalIgnoreCase) && samePort) || IsAllowed(from);
    }

    private static string Short(string text) => text.Length <= Shown ? text : text[..Shown] + "…";
}
