using Beadhub.Gateway;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;

namespace Beadhub.Hosting.Cluster.Postgres;

/// <summary>
/// What nodes without Redis share and may lose, in a table of their PostgreSQL (<c>shared.sql</c>). While it cannot be reached, or is not
/// there, each node goes by what it knows itself.
/// </summary>
internal sealed partial class SharedState(string connectionString, TimeProvider time, ILogger<SharedState> logger)
    : ISharedCounts, IAsyncDisposable
{
    private const string CountUp = """
        INSERT INTO shared_state AS s (area, name, field, value, until) VALUES ('count', $1, '', $2, $3)
        ON CONFLICT (area, name, field) DO UPDATE SET
            value = CASE WHEN s.until <= $4 THEN excluded.value ELSE (s.value::bigint + excluded.value::bigint)::text END,
            until = CASE WHEN s.until <= $4 THEN excluded.until ELSE s.until END
        RETURNING value::bigint, until
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(10);

    private readonly NpgsqlDataSource _source = PostgresSession.DataSource(
        connectionString, new EventLogOptions { StatementTimeout = TimeSpan.FromSeconds(2) }, static settings => settings.MaxPoolSize = 4);

    private readonly SemaphoreSlim _making = new(1, 1);
    private bool _isMade;
    private long _awayUntil;
    private int _away;
    private long _sweptAt = time.GetTimestamp();

    /// <summary>Asks, by statements of the table. False when it cannot be reached; what was asked may have been done all the
    /// same.</summary>
    public async ValueTask<(bool Answered, T Answer)> Try<T>(Func<NpgsqlConnection, Task<T>> ask)
    {
        if (time.GetTimestamp() < Volatile.Read(ref _awayUntil)) return default;
        try
        {
            await using var connection = await _source.OpenConnectionAsync();
            if (!Volatile.Read(ref _isMade)) await Make(connection);
            await Sweep(connection);
            var answer = await ask(connection);
            if (Interlocked.Exchange(ref _away, 0) == 1) LogBack(logger);
            return (true, answer);
        }
        catch (Exception e) when (PostgresErrors.IsFromStore(e) || e is ObjectDisposedException or OperationCanceledException)
        {
            Volatile.Write(ref _awayUntil, time.GetTimestamp() + (long)(Patience.TotalSeconds * time.TimestampFrequency));
            if (Interlocked.Exchange(ref _away, 1) == 0) LogAway(logger, e.Message);
            return default;
        }
    }

    /// <summary>A statement with its values.</summary>
    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value is DateTimeOffset at ? at.UtcDateTime : value });
        return command;
    }

    /// <inheritdoc/>
    public async ValueTask<SharedCount?> Add(string name, long by, TimeSpan window)
    {
        var now = time.GetUtcNow();
        var (answered, count) = await Try(async connection =>
        {
            await using var command = Command(connection, CountUp, name, by.ToString(System.Globalization.CultureInfo.InvariantCulture),
                now + window, now);
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            return new SharedCount(row.GetInt64(0), new(row.GetDateTime(1)));
        });
        return answered ? count : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _making.Dispose();
    }

    private async Task Make(NpgsqlConnection connection)
    {
        await _making.WaitAsync();
        try
        {
            if (_isMade) return;
            await using var look = Command(connection, "SELECT to_regclass('shared_state') IS NOT NULL");
            if (await look.ExecuteScalarAsync() is not true)
            {
                // Nodes start together, and CREATE IF NOT EXISTS alone does not bear that.
                await using var transaction = await connection.BeginTransactionAsync();
                await using var make = Command(connection,
                    "SELECT pg_advisory_xact_lock(hashtext('beadhub shared')); " + EmbeddedSql.Of("postgres.shared"));
                await make.ExecuteNonQueryAsync();
                await transaction.CommitAsync();
            }

            Volatile.Write(ref _isMade, true);
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>Forgets what has run out, now and then.</summary>
    private async Task Sweep(NpgsqlConnection connection)
    {
        var sweptAt = Volatile.Read(ref _sweptAt);
        if (time.GetElapsedTime(sweptAt) < SweepEvery
            || Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), sweptAt) != sweptAt) return;
        await using var command = Command(connection, "DELETE FROM shared_state WHERE until < $1", time.GetUtcNow());
        await command.ExecuteNonQueryAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "What nodes share in PostgreSQL cannot be used ({Reason}): presence and limits are what this node knows. "
            + "Where servers may not make tables, run roles.sql of this version.")]
    private static partial void LogAway(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "What nodes share in PostgreSQL can be used again")]
    private static partial void LogBack(ILogger logger);
}
