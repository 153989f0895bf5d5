using System.Net;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// Whether a request comes from this machine itself: to such callers the server tells, and allows, what it does to nobody else.
/// </summary>
internal static class LocalCallers
{
    // A proxy on the same machine brings requests from anywhere, and says so: in one of these, of which X-Original-For is left of a header
    // that was believed.
    private static readonly string[] OfProxies = ["Forwarded", "Via", "X-Real-IP", "X-Original-For", ProxyHeaders.Signature];

    /// <summary>Whether it comes over the loopback and no proxy has brought it.</summary>
    public static bool IsLocal(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address) && !IsForwarded(http.Request.Headers);

    /// <summary>
    /// Whether the request names this machine as such. A page in a browser can let a name of its own lead here, and would then read as the
    /// machine's user.
    /// </summary>
    public static bool NamesThisMachine(HttpRequest request)
    {
        var host = request.Host.Host.Trim('[', ']');
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
    }

    /// <summary>Whether a proxy has brought a request from an address that is not known: what a proxy that is believed says of it is taken
    /// out of the headers.</summary>
    public static bool IsFromUnknown(IHeaderDictionary headers) =>
        headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded");

    /// <summary>Whether a proxy has brought a request, by what proxies add to it.</summary>
    public static bool IsForwarded(IHeaderDictionary headers)
    {
        foreach (var name in OfProxies)
            if (headers.ContainsKey(name)) return true;
        foreach (var (name, _) in headers)
            if (name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
