using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Beadhub.Gateway.Outbound;

/// <summary>
/// Where requests may go that others have named the target of: HTTPS to public addresses. A server that sends requests where its users say
/// would otherwise be their way into the operator's network, and to what listens on the same machine only.
/// </summary>
/// <param name="allowPrivate">Whether any address may be called, and without encryption.</param>
/// <param name="resolve">Looks a host name up.</param>
internal sealed class OutboundAddresses(bool allowPrivate, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    private const int MaxUrl = 2048;
    private const int MaxRemembered = 10_000;

    // Hosts that were connected to at an address that is not public; only with the setting there are any.
    private readonly ConcurrentDictionary<string, bool> _private = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong with a URL to be registered; null when nothing is. Names are looked up at each connection, not
    /// here.</summary>
    public string? Problem(string text, out Uri? url)
    {
        url = null;
        if (text.Length > MaxUrl) return $"at most {MaxUrl} characters";
        // What Uri would repair by itself is refused: what is shown must be what is called.
        if (text.Any(c => c is <= ' ' or '\\' or '\u007f') || !Uri.TryCreate(text, UriKind.Absolute, out url)) return "not an absolute URL";
        if (url.Scheme is not ("https" or "http")) return "only https";
        if (url.UserInfo.Length > 0) return "no user and password in it";
        if (url.Fragment.Length > 0) return "no fragment in it";
        if (url.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6)) return "no host";
        if (allowPrivate) return null;
        if (url.Scheme != "https") return "only https";
        if (IPAddress.TryParse(url.DnsSafeHost, out var address)) return IsPublic(address) ? null : "a private address";
        var name = url.IdnHost.TrimEnd('.');
        return name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal) ? "a private address" : null;
    }

    /// <summary>Connects, for a handler; every address that a name leads to must be allowed, and what was checked is what is connected
    /// to.</summary>
    public async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = await Allowed(context.InitialRequestMessage.RequestUri!.Scheme, host, cancellation);
        if (_private.Count >= MaxRemembered) _private.Clear();
        if (Array.TrueForAll(addresses, IsPublic)) _private.TryRemove(host, out _);
        else _private[host] = true;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether a host that was connected to is public: of another one nobody may be told how it answers.</summary>
    public bool IsPublic(Uri url) => !allowPrivate || !_private.ContainsKey(url.IdnHost);

    /// <summary>The addresses of a host, all of them allowed.</summary>
    /// <exception cref="HttpRequestException">One is not, or there is none.</exception>
    public async Task<IPAddress[]> Allowed(string scheme, string host, CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, cancellation);
        if (addresses.Length == 0) throw new HttpRequestException("the name has no address");
        if (allowPrivate) return addresses;
        return scheme == "https" && Array.TrueForAll(addresses, IsPublic)
            ? addresses : throw new HttpRequestException("the name leads to an address that is not allowed");
    }

    /// <summary>Whether an address is one of the public network.</summary>
    public static bool IsPublic(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? IsPublic4(bytes) : IsPublic6(bytes);
    }

    private static bool IsPublic4(ReadOnlySpan<byte> b) => (b[0], b[1], b[2]) switch
    {
        (0 or 10 or 127 or >= 224, _, _) => false, // this network, private, loopback, multicast and reserved
        (100, >= 64 and <= 127, _) => false, // carrier-grade translation
        (169, 254, _) => false, // link-local, with the metadata services of clouds
        (172, >= 16 and <= 31, _) => false,
        (192, 168, _) => false,
        (192, 0, 0 or 2) => false, // protocol assignments, documentation
        (192, 88, 99) => false, // relays to other networks
        (198, 18 or 19, _) => false, // benchmarks
        (198, 51, 100) or (203, 0, 113) => false, // documentation
        _ => true,
    };

    // Only global unicast, without what carries an IPv4 address inside or is for documentation. Mapped, loopback, local and multicast lie
    // outside.
    private static bool IsPublic6(ReadOnlySpan<byte> b) =>
        (b[0] & 0xE0) == 0x20
        && !(b[0] == 0x20 && b[1] == 0x02)
        && !(b[0] == 0x20 && b[1] == 0x01 && ((b[2] == 0 && b[3] == 0) || (b[2] == 0x0D && b[3] == 0xB8)))
        && !(b[0] == 0x3F && b[1] == 0xFF);
}
