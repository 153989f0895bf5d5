using System.Net;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>The rate limit of bootstraps: so many in a window for each client address (contract 3.5).</summary>
internal sealed class InitRate(GatewaySettings settings, TimeProvider time)
{
    private readonly RateWindows<IPAddress> _windows =
        new(settings.InitRateLimit, settings.InitRateWindow, "Rate limit exceeded. Too many initialization requests.", time);

    /// <summary>Takes one.</summary>
    /// <exception cref="ApiException">429 when the window is used up.</exception>
    public void Take(IPAddress? address) => _windows.Take(address ?? IPAddress.None);
}
