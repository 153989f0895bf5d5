using System.Net;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>Counts bootstraps: so many in a window for each client address (contract 3.5).</summary>
public interface IInitRate
{
    /// <summary>Takes one.</summary>
    /// <returns>Null when it is within the limit; else how long until the window ends.</returns>
    ValueTask<TimeSpan?> Take(IPAddress client);
}

/// <summary>Counts what comes to this process.</summary>
public sealed class MemoryInitRate(GatewaySettings settings, TimeProvider time) : IInitRate
{
    private readonly RateWindows<IPAddress> _windows = new(settings.InitRateLimit, settings.InitRateWindow, time);

    /// <inheritdoc/>
    public ValueTask<TimeSpan?> Take(IPAddress client) => new(_windows.Take(client));
}
