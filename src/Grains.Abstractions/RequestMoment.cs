using System.Diagnostics;

namespace Beadhub;

/// <summary>
/// When the request that is being served came. What one look at a shared log has found since then is new enough for all that the request reads: everything that
/// had been acknowledged to anybody when it came is in it.
/// </summary>
/// <remarks>
/// It is known to all that runs for the request in this process, and to nothing that outlives it. Only for requests that are answered at once: what waits for events
/// and looks again must not be told that it has looked already.
/// </remarks>
public sealed class RequestMoment
{
    private static readonly AsyncLocal<RequestMoment?> Served = new();

    private readonly long _at = Stopwatch.GetTimestamp();
    private volatile bool _isOver;

    private RequestMoment() { }

    /// <summary>In ticks of <see cref="Stopwatch"/>: when the request came, or now where none is served.</summary>
    public static long Current => Served.Value is { _isOver: false } moment ? moment._at : Stopwatch.GetTimestamp();

    /// <summary>Serves a request that comes now.</summary>
    public static async Task During(Func<Task> request)
    {
        var moment = Served.Value = new();
        try
        {
            await request();
        }
        finally
        {
            moment._isOver = true;
        }
    }

    /// <summary>What the caller does from here on, it does for others too, who may have come later.</summary>
    public static void Leave() => Served.Value = null;
}
