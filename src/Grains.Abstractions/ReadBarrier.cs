using System.Diagnostics;
using Orleans;
using Orleans.Runtime;

namespace Beadhub;

/// <summary>
/// The read barrier of the request that is being served: when it came. One look-up in a shared log that began after it is new enough for
/// all that the request reads, since everything that had been acknowledged to anybody before is in it.
/// </summary>
/// <remarks>
/// It travels with the request's calls to all grains of this node, and to nothing that outlives the request. At another node, where another
/// clock ticks, each look is a new one. Only for requests that are answered at once: what waits for events and looks again needs a newer
/// barrier each time.
/// </remarks>
[GenerateSerializer, Immutable, Alias("beadhub.read_barrier.v1")]
internal sealed class ReadBarrier(long at)
{
    private const string Name = "beadhub.read_barrier";

    private readonly bool _isServed; // here; what came from another node is a copy, which nobody ends
    private volatile bool _isOver;

    // With a parameter, so that no copy is made by it.
    private ReadBarrier(long at, bool isServed) : this(at) => _isServed = isServed;

    /// <summary>In ticks of <see cref="Stopwatch"/>: when the request came, or now where none is served.</summary>
    public static long Current => RequestContext.Get(Name) is ReadBarrier { _isServed: true, _isOver: false } barrier
        ? barrier.At : Stopwatch.GetTimestamp();

    /// <summary>When the request came, by the clock of the node that serves it.</summary>
    [Id(0)]
    public long At { get; } = at;

    /// <summary>Serves a request that comes now.</summary>
    public static async Task During(Func<Task> request)
    {
        var barrier = new ReadBarrier(Stopwatch.GetTimestamp(), isServed: true);
        RequestContext.Set(Name, barrier);
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
    public static void Leave() => RequestContext.Remove(Name);
}
