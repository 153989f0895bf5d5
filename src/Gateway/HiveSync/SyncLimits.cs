using System.Collections.Concurrent;
using System.Globalization;

namespace Beadhub.Gateway.HiveSync;

/// <summary>How much each peer may send, in events, and each address ask for, in handshakes: so many a second for ever, and more at once
/// after a silence. In a cluster of all nodes together.</summary>
/// <remarks>Each node keeps a bucket and takes from it what the count that all share has grown by. While that cannot be reached, or there
/// is one node only, it goes by its own.</remarks>
internal sealed class SyncLimits(MeshSettings settings, TimeProvider time, ISharedCounts? shared = null)
{
    private const int MaxKept = 10_000;
    private const int HandshakesPerSecond = 5;
    private const int HandshakesAtOnce = 50;

    private static readonly TimeSpan ShortestPeriod = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);

    /// <summary>Takes events of a peer.</summary>
    /// <returns>How long it is to wait; zero when it may send them now.</returns>
    public ValueTask<TimeSpan> Take(string instanceId, int events) =>
        Take($"peer {instanceId}", events, settings.EventsPerSecond, settings.EventsBurst);

    /// <summary>Takes a handshake from an address.</summary>
    public ValueTask<TimeSpan> TakeHandshake(string address) => Take($"address {address}", 1, HandshakesPerSecond, HandshakesAtOnce);

    private async ValueTask<TimeSpan> Take(string name, int wanted, int rate, int burst)
    {
        if (_buckets.Count >= MaxKept) _buckets.Clear();
        // A count is of a period in which an empty bucket fills: what was taken before the last one is made up for.
        var period = TimeSpan.FromSeconds(Math.Max(ShortestPeriod.TotalSeconds, (double)burst / rate));
        var now = time.GetUtcNow().Ticks / period.Ticks;
        var bucket = _buckets.GetOrAdd(name, _ => new(rate, burst, now - 1, time));
        // What is more than fits at all is let through when nothing else was.
        var needed = Math.Min(wanted, burst);
        if (shared is null) return bucket.Take(wanted, needed);
        if (bucket.Period is var before && before != now)
            bucket.Reached(before, await Add(before, 0) ?? 0, now);
        if (bucket.Lacking(needed) is { Ticks: > 0 } wait) return wait;
        if (await Add(now, wanted) is not { } count) return bucket.Take(wanted, needed);
        if (bucket.Reached(now, count, now) >= needed - wanted) return TimeSpan.Zero;
        // Other nodes have taken what seemed to be left.
        bucket.GiveBack(wanted);
        await Add(now, -wanted);
        return bucket.Lacking(needed);

        async ValueTask<long?> Add(long of, int by) =>
            (await shared.Add(string.Create(CultureInfo.InvariantCulture, $"mesh:{name}:{of}"), by, 3 * period))?.Count;
    }

    private sealed class Bucket(int rate, int burst, long period, TimeProvider time)
    {
        private double _left = burst;
        private long _at = time.GetTimestamp();
        private long _seen; // of the count of the period

        /// <summary>The period whose count is followed.</summary>
        public long Period { get; private set; } = period;

        /// <summary>Takes it, or says how long to wait.</summary>
        public TimeSpan Take(int wanted, int needed)
        {
            lock (this)
            {
                if (Wait(needed) is { Ticks: > 0 } wait) return wait;
                _left -= wanted;
                return TimeSpan.Zero;
            }
        }

        /// <summary>How long it takes until so much is there.</summary>
        public TimeSpan Lacking(int needed)
        {
            lock (this) return Wait(needed);
        }

        /// <summary>The count of all nodes has reached this: what it has grown by is taken. Then a later period is followed.</summary>
        /// <returns>What is left; below zero when it was more than there was.</returns>
        public double Reached(long of, long count, long next)
        {
            lock (this)
            {
                Fill();
                if (Period == of)
                {
                    _left -= Math.Max(0, count - _seen);
                    _seen = Math.Max(count, _seen);
                }

                if (next > Period)
                {
                    (Period, _seen) = (next, 0);
                    // What was taken before was made up for meanwhile, in part at least.
                    _left = Math.Max(0, _left);
                }

                return _left;
            }
        }

        public void GiveBack(int taken)
        {
            lock (this) (_left, _seen) = (_left + taken, _seen - taken);
        }

        private TimeSpan Wait(int needed)
        {
            Fill();
            return _left >= needed ? TimeSpan.Zero : TimeSpan.FromSeconds((needed - _left) / rate);
        }

        private void Fill()
        {
            var now = time.GetTimestamp();
            _left = Math.Min(burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * rate));
            _at = now;
        }
    }
}
