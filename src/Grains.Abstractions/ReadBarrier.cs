using System.Diagnostics;

namespace Beadhub;

/// <summary>
/// The read barrier of the request that is being served: when it came. One look-up in a shared log that began after it is new enough for
/// all that the request reads, since everything that had been acknowledged to anybody before is in it.
/// </summary>
/// <remarks>
/// It flows to all that runs for the request in this process, and to nothing that outlives it. Only for requests that are answered at once:
/// what waits for events and looks again needs a newer barrier each time.
/// </remarks>
internal sealed class ReadBarrier
{
    private static readonly AsyncLocal<ReadBarrier?> Served = new();

    private readonly long _at = Stopwatch.GetTimestamp();
    private volatile bool _isOver;

    private ReadBarrier() { }

    /// <summary>In ticks of <see cref="Stopwatch"/>: when the request came, or now where none is served.</summary>
    public static long Current => Served.Value is { _isOver: false } barrier ? barrier._at : Stopwatch.GetTimestamp();

    /// <summary>Serves a request that comes now.</summary>
    public static async Task During(Func<Task> request)
    {
        var barrier = Served.Value = new();
        try
        {
            await request();
        }
        finally
        {
            barrier._isOver = true;
        }
    }

    /// <summary>Drops the barrier for what the caller does from here on, which it does for other requests too, that may have come
    /// later.</summary>
    public static void Leave() => Served.Value = null;
}
