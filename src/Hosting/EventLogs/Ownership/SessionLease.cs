using System.Diagnostics;

namespace Beadhub.Hosting.EventLogs.Ownership;

/// <summary>
/// How long this process may trust that its session lives, and when it may end another's. Pure: times are ticks of this process's monotonic
/// clock (<see cref="Stopwatch"/>), and no clocks are compared, so that steps of any of them change nothing.
/// </summary>
/// <remarks>
/// A session is a row whose counter its process raises. Who renews trusts it from before it sent the renewal; who watches counts from after
/// it has read a counter until before it read the same again, and ends the session in the statement that finds the counter unchanged still.
/// So the process's own trust has always ended before, however long messages are on their way and whoever stands still in between.
/// </remarks>
/// <param name="trust">How long a renewal is trusted, for a test of the tests; <see cref="Trust"/> otherwise.</param>
internal sealed class SessionLease(TimeSpan? trust = null)
{
    /// <summary>How long a renewal lets a process trust its session.</summary>
    public static readonly TimeSpan Trust = TimeSpan.FromSeconds(2);

    /// <summary>How often it is renewed.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(0.5);

    /// <summary>How long a counter must stand still: longer than the trust, for clocks do not run equally fast.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    // Who could not read meanwhile knows nothing of what others did: the database may have been away for all.
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(1.5);

    private readonly Dictionary<string, (long Renewals, long Since)> _others = new(StringComparer.Ordinal);
    private readonly long _trust = Ticks(trust ?? Trust);
    private long _trustedUntil = long.MinValue;
    private long _sawAt = long.MinValue / 2;

    /// <summary>Whether nobody can have ended the session at this time.</summary>
    public bool IsTrusted(long now) => now < Volatile.Read(ref _trustedUntil);

    /// <summary>A renewal succeeded that was sent at this time.</summary>
    public void Renewed(long sent) => Volatile.Write(ref _trustedUntil, Math.Max(_trustedUntil, sent + _trust));

    /// <summary>The session has ended, or is about to be.</summary>
    public void End() => Volatile.Write(ref _trustedUntil, long.MinValue);

    /// <summary>Takes in what the others' counters were at some time between two.</summary>
    /// <returns>Those that stood still for long enough to be ended, at this count.</returns>
    public IReadOnlyList<SessionCount> Saw(IReadOnlyList<SessionCount> others, long sent, long received)
    {
        if (sent - _sawAt > Ticks(LongestGap)) _others.Clear();
        _sawAt = received;
        var before = new Dictionary<string, (long Renewals, long Since)>(_others, StringComparer.Ordinal);
        _others.Clear();
        var still = new List<SessionCount>();
        foreach (var other in others)
        {
            if (before.TryGetValue(other.Session, out var seen) && seen.Renewals == other.Renewals)
            {
                _others[other.Session] = seen;
                if (sent - seen.Since >= Ticks(Patience)) still.Add(other);
            }
            else
            {
                _others[other.Session] = (other.Renewals, received);
            }
        }

        return still;
    }

    /// <summary>A time in ticks of <see cref="Stopwatch"/>.</summary>
    public static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}

/// <summary>A session and how often it was renewed.</summary>
internal readonly record struct SessionCount(string Session, long Renewals);
