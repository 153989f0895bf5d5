using System.Collections.Concurrent;
using System.Net;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>
/// The rate limit of bootstraps (contract 3.5): a window for each client address, which begins with its first bootstrap. Who waits as long as
/// <c>Retry-After</c> says is let in; the framework's limiter, which refills on a coarse timer, does not promise that.
/// </summary>
internal sealed class InitRate(GatewaySettings settings, TimeProvider time)
{
    private const int PruneAbove = 10_000;

    private readonly ConcurrentDictionary<IPAddress, Window> _windows = new();

    /// <summary>An address's window.</summary>
    private readonly record struct Window(DateTimeOffset Ends, int Taken);

    /// <summary>Takes one.</summary>
    /// <exception cref="ApiException">429 when the window is used up.</exception>
    public void Take(IPAddress? address)
    {
        var now = time.GetUtcNow();
        var window = _windows.AddOrUpdate(
            address ?? IPAddress.None,
            static (_, at) => new(at.now + at.settings.InitRateWindow, 1),
            static (_, window, at) => window.Ends <= at.now ? new(at.now + at.settings.InitRateWindow, 1) : window with { Taken = window.Taken + 1 },
            (now, settings));
        if (_windows.Count > PruneAbove) Prune(now);
        if (window.Taken <= settings.InitRateLimit) return;
        throw new ApiException(StatusCodes.Status429TooManyRequests, "Rate limit exceeded. Too many initialization requests.")
        {
            RetryAfter = Math.Max(1, (int)Math.Ceiling((window.Ends - now).TotalSeconds)),
        };
    }

    private void Prune(DateTimeOffset now)
    {
        foreach (var (address, window) in _windows)
            if (window.Ends <= now) _windows.TryRemove(new(address, window));
    }
}
