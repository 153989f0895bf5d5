using System.Collections.Concurrent;
using System.Net.NetworkInformation;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Beadhub.Gateway.Http;

/// <summary>Refuses with 403 what <see cref="HostRules"/> say of a request's <c>Host</c> and <c>Origin</c>.</summary>
internal sealed class HostCheck(IServer server, GatewaySettings settings, TimeProvider time)
{
    private const int MaxRemembered = 1000;
    private static readonly TimeSpan AddressesLast = TimeSpan.FromSeconds(10);

    // Hosts that were found good for a request without a browser: almost all requests come by one or two.
    private readonly ConcurrentDictionary<string, bool> _good = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = Names(settings);
    private HostRules? _rules;
    private (HashSet<string> Addresses, long At)? _own;

    /// <exception cref="ApiException">403.</exception>
    public Task Run(HttpContext http, RequestDelegate next)
    {
        var headers = http.Request.Headers;
        var host = headers.Host.ToString();
        var hasOrigin = headers.Origin.Count > 0;
        var isFromBrowser = hasOrigin || headers.ContainsKey("Sec-Fetch-Site") || headers.ContainsKey("Sec-Fetch-Mode")
            || headers.ContainsKey("Sec-Fetch-Dest");
        if (!isFromBrowser && _good.ContainsKey(host)) return next(http);

        // Only a server that has started knows where it listens.
        var rules = _rules ??= new(ListensOnLoopbackOnly(server), settings.AllowedHosts, IsOwn);
        var isWrite = !(HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method)
            || HttpMethods.IsOptions(http.Request.Method))
            || http.Request.Path.StartsWithSegments("/mcp");
        // Other sites that an operator has named may write: their pages have no credentials but the keys that they are given.
        var origin = hasOrigin && headers.Origin.ToString() is var from && !settings.CorsOrigins.Contains(from) ? from : null;
        if (rules.Problem(host, origin, isFromBrowser, isWrite) is { } problem)
            throw ApiException.Forbidden(problem);
        if (!isFromBrowser)
        {
            if (_good.Count >= MaxRemembered) _good.Clear();
            _good[host] = true;
        }

        return next(http);
    }

    // A server that does not tell (a test's, a socket file's) is taken for one that can be reached from elsewhere.
    internal static bool ListensOnLoopbackOnly(IServer server) =>
        server.Features.Get<IServerAddressesFeature>()?.Addresses is { Count: > 0 } addresses
        && addresses.All(static address => BindingAddress.Parse(address) is { IsUnixPipe: false, IsNamedPipe: false } bound
            && HostRules.IsLoopback(bound.Host.Trim('[', ']')));

    private static HashSet<string> Names(GatewaySettings settings)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { Environment.MachineName };
        var network = IPGlobalProperties.GetIPGlobalProperties();
        if (network.HostName.Length > 0)
        {
            names.Add(network.HostName);
            names.Add($"{network.HostName}.local");
            if (network.DomainName.Length > 0) names.Add($"{network.HostName}.{network.DomainName}");
        }

        if (Uri.TryCreate(settings.ServerUrl, UriKind.Absolute, out var url)) names.Add(url.Host);
        return names;
    }

    private bool IsOwn(string host)
    {
        if (_names.Contains(host)) return true;
        if (!System.Net.IPAddress.TryParse(host, out var address)) return false;
        var own = _own;
        // Addresses come and go; they are asked for again now and then.
        if (own is null || time.GetElapsedTime(own.Value.At) > AddressesLast) _own = own = (Addresses(), time.GetTimestamp());
        return own.Value.Addresses.Contains(address.ToString());
    }

    private static HashSet<string> Addresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(static one => one.GetIPProperties().UnicastAddresses)
            .Select(static one => one.Address.ToString())];
}
