using System.Net;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>Counts bootstraps: so many in a window for each client address (contract 3.5).</summary>
public interface IInitRate
{
    /// <summary>Takes one.</summary>
    /// <returns>Null when it is within the limit; else how long until the window ends.</returns>
    ValueTask<TimeSpan?> Take(IPAddress client);

    /// <summary>
    /// Gives one back: the request was none. Of a client that sends nothing else so many are given back in a window
    /// (<see cref="GatewaySettings.InitRateLimit"/> times <see cref="Invalid"/>), and the rest count.
    /// </summary>
    ValueTask GiveBack(IPAddress client);

    /// <summary>How many requests that are none a client may send for each that it may make.</summary>
    const int Invalid = 10;
}

/// <summary>Counts what comes to this process.</summary>
public sealed class MemoryInitRate(GatewaySettings settings, TimeProvider time) : IInitRate
{
    private readonly RateWindows<IPAddress> _windows = new(settings.InitRateLimit, settings.InitRateWindow, time);

    /// <inheritdoc/>
    public ValueTask<TimeSpan?> Take(IPAddress client) => new(_windows.Take(client));

    /// <inheritdoc/>
    public ValueTask GiveBack(IPAddress client)
    {
        _windows.GiveBack(client, settings.InitRateLimit * (long)IInitRate.Invalid);
        return ValueTask.CompletedTask;
    }
}
