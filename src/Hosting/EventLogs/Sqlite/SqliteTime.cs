namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>Times as SQLite keeps them: microseconds since 1970, UTC.</summary>
internal static class SqliteTime
{
    public static long Store(DateTime utc) => (utc.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset Restore(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + microseconds * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
