namespace Beadhub.Gateway.Streaming;

/// <summary>An event stream that a client has open, for as long as it is not disposed of.</summary>
/// <param name="metrics">Where it is counted.</param>
/// <param name="sort">Which of the streams it is.</param>
/// <param name="newest">Position of the newest event that it could have sent.</param>
internal sealed class OpenStream(StreamMetrics metrics, string sort, Func<long> newest) : IDisposable
{
    private long _position = long.MaxValue;

    /// <summary>Which of the streams it is: <c>status</c>, <c>events</c> or <c>chat</c>.</summary>
    public string Sort => sort;

    /// <summary>How many events it has not handled yet.</summary>
    public long Lag => Math.Max(0, newest() - Volatile.Read(ref _position));

    /// <summary>The stream has sent, or passed over, everything up to here.</summary>
    public void Reached(long position) => Volatile.Write(ref _position, position);

    public void Dispose() => metrics.Close(this);
}
