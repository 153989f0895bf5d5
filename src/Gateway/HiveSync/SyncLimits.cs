using System.Collections.Concurrent;

namespace Beadhub.Gateway.HiveSync;

/// <summary>How much each peer may send, in events: so many a second for ever, and more at once after a silence.</summary>
internal sealed class SyncLimits(MeshSettings settings, TimeProvider time)
{
    private const int MaxKept = 10_000;
    private const int HandshakesPerSecond = 5;
    private const int HandshakesAtOnce = 50;

    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);

    /// <summary>Takes events of a peer.</summary>
    /// <returns>How long it is to wait; zero when it may send them now.</returns>
    public TimeSpan Take(string instanceId, int events) =>
        BucketOf(instanceId, settings.EventsBurst).Take(events, settings.EventsPerSecond, settings.EventsBurst, time.GetTimestamp(), time);

    /// <summary>Takes a handshake from an address.</summary>
    public TimeSpan TakeHandshake(string address) =>
        BucketOf($"address {address}", HandshakesAtOnce).Take(1, HandshakesPerSecond, HandshakesAtOnce, time.GetTimestamp(), time);

    private Bucket BucketOf(string key, int full)
    {
        if (_buckets.Count >= MaxKept) _buckets.Clear();
        return _buckets.GetOrAdd(key, _ => new(full, time.GetTimestamp()));
    }

    private sealed class Bucket(double left, long at)
    {
        private double _left = left;
        private long _at = at;

        public TimeSpan Take(int wanted, int rate, int burst, long now, TimeProvider time)
        {
            lock (this)
            {
                _left = Math.Min(burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * rate));
                _at = now;
                // What is more than fits at all is let through when nothing else was.
                var needed = Math.Min(wanted, burst);
                if (_left < needed) return TimeSpan.FromSeconds((needed - _left) / rate);
                _left -= wanted;
                return TimeSpan.Zero;
            }
        }
    }
}
