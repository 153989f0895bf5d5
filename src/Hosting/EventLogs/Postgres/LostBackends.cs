using System.Diagnostics;
using Beadhub.EventLog;
using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// The server's processes whose connection the writer has lost. Such a process does not know it, may wait for a lock and commit at any time
/// later: it is ended before anything is looked for or written over another connection, so that what is not there then never will be.
/// </summary>
internal sealed class LostBackends
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    // Process ids are used again; together with its start a process is told from all others.
    private const string Mine = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";

    private const string EndOne = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2";

    private readonly List<(int Pid, DateTime Start)> _lost = [];
    private (int Pid, DateTime Start)? _watched;

    /// <summary>Remembers the process at the other end of a connection.</summary>
    public void Watch(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(Mine, connection);
        using var rows = command.ExecuteReader();
        _watched = rows.Read() && !rows.IsDBNull(1) ? (rows.GetInt32(0), rows.GetDateTime(1)) : null;
    }

    /// <summary>The connection that is watched was given up.</summary>
    public void Add()
    {
        if (_watched is { } lost) _lost.Add(lost);
        _watched = null;
    }

    /// <summary>Ends the processes that were lost, and returns when they are gone.</summary>
    /// <exception cref="EventLogUnavailableException">One of them does not end within the patience: what it was at is still
    /// unknown.</exception>
    public void End(NpgsqlConnection connection, TimeSpan patience)
    {
        var since = Stopwatch.GetTimestamp();
        while (_lost.Count > 0)
        {
            if (IsGone(connection, _lost[^1])) _lost.RemoveAt(_lost.Count - 1);
            else if (Stopwatch.GetElapsedTime(since) < patience) Thread.Sleep(Poll);
            else throw new EventLogUnavailableException("The database still works at a write whose connection was lost.");
        }
    }

    private static bool IsGone(NpgsqlConnection connection, (int Pid, DateTime Start) lost)
    {
        using var command = new NpgsqlCommand(EndOne,
            connection) { Parameters = { new() { Value = lost.Pid }, new() { Value = lost.Start } } };
        try
        {
            return command.ExecuteScalar() is null;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // Then it goes on: the writer looks again for what is refused.
            return true;
        }
    }
}
