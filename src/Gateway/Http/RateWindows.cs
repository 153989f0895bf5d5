using System.Collections.Concurrent;

namespace Beadhub.Gateway.Http;

/// <summary>
/// A rate limit: a window for each caller, which begins with its first request. Who waits as long as <c>Retry-After</c> says is let in; the
/// framework's limiter, which refills on a coarse timer, does not promise that.
/// </summary>
/// <param name="limit">Requests that one caller may make in a window.</param>
/// <param name="length">Length of a window.</param>
/// <param name="time">The clock.</param>
internal sealed class RateWindows<TCaller>(int limit, TimeSpan length, TimeProvider time) where TCaller : notnull
{
    private const int PruneAbove = 10_000;

    private readonly ConcurrentDictionary<TCaller, Window> _windows = new();
    private long _pruneAt;

    private sealed class Window
    {
        public DateTimeOffset Ends;
        public int Taken;
        public long GivenBack;
    }

    /// <summary>Takes one. Null when it is within the limit; else how long until the window ends.</summary>
    public TimeSpan? Take(TCaller caller)
    {
        var now = time.GetUtcNow();
        if (!_windows.TryGetValue(caller, out var window))
        {
            Prune(now);
            window = _windows.GetOrAdd(caller, static _ => new());
        }

        lock (window)
        {
            if (window.Ends <= now) (window.Ends, window.Taken, window.GivenBack) = (now + length, 0, 0);
            if (window.Taken < limit)
            {
                window.Taken++;
                return null;
            }

            return window.Ends - now;
        }
    }

    /// <summary>Gives back what was taken last, so often at most in a window.</summary>
    public void GiveBack(TCaller caller, long most)
    {
        if (!_windows.TryGetValue(caller, out var window)) return;
        lock (window)
        {
            if (window.Taken == 0 || window.GivenBack >= most) return;
            window.Taken--;
            window.GivenBack++;
        }
    }

    /// <summary>Forgets windows that have ended, when there are many; not for every newcomer.</summary>
    private void Prune(DateTimeOffset now)
    {
        if (_windows.Count <= PruneAbove || now.Ticks < Volatile.Read(ref _pruneAt)) return;
        Volatile.Write(ref _pruneAt, now.Ticks + length.Ticks);
        foreach (var (caller, window) in _windows)
            if (window.Ends <= now) _windows.TryRemove(new(caller, window));
    }
}
