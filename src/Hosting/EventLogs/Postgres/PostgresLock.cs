using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// The advisory lock that tells a lone node that it is alone: exclusive for a lone node, shared for the nodes of a cluster, so that the
/// two sorts exclude each other. It lives on a connection of its own, which is watched; when that breaks, the lock counts as lost until
/// it is held again, under a new epoch.
/// </summary>
internal sealed partial class PostgresLock : IAsyncDisposable
{
    /// <summary>Number of the advisory lock: "Beadhub" in ASCII.</summary>
    public const long LogLock = 0x4265616468756200;

    /// <summary>Number of a second one (02 is the Orleans engine's), which nodes of a cluster hold that look for the owners of projects
    /// before they write.</summary>
    private const long OwnersLock = 0x4265616468756203;

    /// <summary>How many processes hold the log that do not look for owners: those of older versions, or one that takes itself for
    /// alone.</summary>
    public static readonly string Unaware = $"""
        SELECT count(*) FROM (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = {LogLock >> 32}
                AND objid::bigint IN ({LogLock & 0xffffffff}, {OwnersLock & 0xffffffff})
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            GROUP BY pid HAVING bool_and(objid::bigint = {LogLock & 0xffffffff})
        ) AS holders
        """;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource _source;
    private readonly bool _cluster;
    private readonly string _description;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private NpgsqlConnection? _connection;
    private Task _watching = Task.CompletedTask;
    private long _times;
    private long _epoch;
    private volatile bool _isHeld;

    private PostgresLock(NpgsqlDataSource source, bool cluster, string description, ILogger logger)
    {
        _source = source;
        _cluster = cluster;
        _description = description;
        _logger = logger;
    }

    /// <summary>Above zero while the exclusive lock is held.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    /// <summary>Whether the lock is held, exclusive or shared.</summary>
    public bool IsHeld => _isHeld;

    /// <exception cref="EventLogInUseException">Another process holds it for longer than the patience.</exception>
    public static async Task<PostgresLock> Take(
        string connectionString, bool cluster, string description, EventLogOptions options, ILogger logger, TimeProvider time,
        CancellationToken cancellation)
    {
        // Keep-alives find a connection that died silently before the server does and gives the lock away.
        var source = PostgresSession.DataSource(connectionString, options, settings =>
        {
            settings.Pooling = false;
            settings.KeepAlive = 5;
        });
        var held = new PostgresLock(source, cluster, description, logger);
        try
        {
            var since = time.GetTimestamp();
            while (!await held.TryTake(cancellation))
            {
                if (time.GetElapsedTime(since) >= options.LockPatience) throw held.InUse();
                await Task.Delay(Poll, cancellation);
            }
        }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
        held._watching = held.Watch();
        return held;
    }

    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _epoch, 0);
        _isHeld = false;
        await _closing.CancelAsync();
        await _watching;
        await LetGo();
        await _source.DisposeAsync();
        _closing.Dispose();
    }

    private async Task<bool> TryTake(CancellationToken cancellation)
    {
        _connection ??= await _source.OpenConnectionAsync(cancellation);
        var function = _cluster ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock";
        if (_cluster) await Ask($"SELECT {function}({OwnersLock})");
        if (await Ask($"SELECT {function}({LogLock})") is not true) return false;
        _times++;
        if (!_cluster && await EndSessions()) await Task.Delay(Ownership.SessionLease.Patience, cancellation);
        _isHeld = true;
        if (!_cluster) Volatile.Write(ref _epoch, _times);
        return true;

        // Of nodes of a cluster that are gone, or that have lost their lock and still trust what they know for a moment.
        async Task<bool> EndSessions() => await Ask("SELECT to_regclass('sessions') IS NOT NULL") is true
            && await Ask("WITH ended AS (DELETE FROM sessions RETURNING id) SELECT count(*) FROM ended") is > 0L;

        async Task<object?> Ask(string sql)
        {
            await using var command = new NpgsqlCommand(sql, _connection);
            return await command.ExecuteScalarAsync(cancellation);
        }
    }

    private async Task Watch()
    {
        var held = true;
        var pause = Poll;
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                if (held)
                {
                    // Nothing is ever notified: this returns when the connection breaks.
                    await _connection!.WaitAsync(_closing.Token);
                }
                else if (await TryTake(_closing.Token))
                {
                    held = true;
                    pause = Poll;
                    LogRegained(_logger, _description);
                }
                else
                {
                    LogTaken(_logger, _description);
                    await Pause();
                }
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
            {
                Volatile.Write(ref _epoch, 0);
                _isHeld = false;
                if (held) LogLost(_logger, _description, broken);
                held = false;
                await LetGo();
                await Pause();
            }
        }

        async Task Pause()
        {
            await Task.Delay(pause, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async ValueTask LetGo()
    {
        if (_connection is null) return;
        try
        {
            await _connection.DisposeAsync();
        }
        catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
        {
            // It is gone either way.
        }
        _connection = null;
    }

    private EventLogInUseException InUse() => new(_cluster
        ? $"A Beadhub that was not started for a cluster runs on this database ({_description}). To run several on one database, start "
            + $"all of them with BEADHUB_CLUSTER=true."
        : $"Another Beadhub runs on this database ({_description}). Stop it first, or start both with BEADHUB_CLUSTER=true.");

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The lock on the event log at {Log} was lost with its connection; trying to regain it")]
    private static partial void LogLost(ILogger logger, string log, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "The lock on the event log at {Log} is held again")]
    private static partial void LogRegained(ILogger logger, string log);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Another Beadhub has taken the lock on the event log at {Log}; every write checks versions until it is free")]
    private static partial void LogTaken(ILogger logger, string log);
}
