using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// How long reads wait for a server that is restarted: as long as writes do. When it has been away for longer, they fail at once, until it
/// answers again.
/// </summary>
internal sealed class ReadPatience(TimeSpan limit, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private long _since; // when the server was first found away; 0 while it answers

    /// <summary>The server answered.</summary>
    public void Answered()
    {
        if (Volatile.Read(ref _since) != 0) Volatile.Write(ref _since, 0);
    }

    /// <summary>Waits a moment when it is worth asking again; false when it is not.</summary>
    public async ValueTask<bool> Wait(Exception error, CancellationToken cancellation)
    {
        // What the server itself refuses it will refuse again, unless it is just going or coming.
        if (error is PostgresException { SqlState: not (PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow) }) return false;
        var now = time.GetTimestamp();
        var since = Interlocked.CompareExchange(ref _since, now, 0);
        if (since != 0 && time.GetElapsedTime(since, now) >= limit) return false;
        await Task.Delay(Pause, time, cancellation);
        return true;
    }
}
