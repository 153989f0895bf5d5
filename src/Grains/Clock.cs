namespace Beadhub;

/// <summary>The time as it is stored.</summary>
public static class Clock
{
    /// <summary>Now, UTC, in whole microseconds: what every store and the API's timestamps keep, so that a time in memory equals the same
    /// time read back.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return new(now.Ticks - now.Ticks % TimeSpan.TicksPerMicrosecond, now.Offset);
    }
}
