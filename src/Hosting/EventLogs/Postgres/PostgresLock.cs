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

    private PostgresLock(NpgsqlDataSource source, bool cluster, string description, ILogger logger)
    {
        _source = source;
        _cluster = cluster;
        _description = description;
        _logger = logger;
    }

    /// <summary>Above zero while the exclusive lock is held.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

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
        await using var command = new NpgsqlCommand($"SELECT {function}({LogLock})", _connection);
        if (await command.ExecuteScalarAsync(cancellation) is not true) return false;
        _times++;
        if (!_cluster) Volatile.Write(ref _epoch, _times);
        return true;
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
