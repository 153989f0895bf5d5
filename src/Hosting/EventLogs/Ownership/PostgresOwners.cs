using System.Diagnostics;
using System.Diagnostics.Metrics;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Ownership;

/// <summary>
/// Which node of a cluster owns which project, in two tables: <c>sessions</c>, a row that each node renews, and <c>owners</c>. A project
/// whose owner has no session any more is nobody's. Appends look at both within their transaction, under the project's lock, and so does
/// whoever takes a project: an append that comes later than its loss is refused.
/// </summary>
internal sealed partial class PostgresOwners : IProjectOwners, IAsyncDisposable
{
    private const string Channel = "beadhub_owners";
    private const int MostAQuery = 200;

    // In one statement: the others' counters are those of the moment in which one's own is raised.
    private static readonly string Renewal = $"""
        WITH mine AS (UPDATE sessions SET renewals = renewals + 1 WHERE id = $1 RETURNING id)
        SELECT s.id, s.renewals, EXISTS (SELECT FROM mine), ({PostgresLock.Unaware}) FROM sessions s
        """;

    private const string Begin = "INSERT INTO sessions (id, node, address, renewals) VALUES ($1, $2, $3, 0)";
    private const string Listen = $"LISTEN {Channel}";

    private const string EndOf = """
        WITH gone AS (DELETE FROM sessions WHERE id = $1 AND ($2 < 0 OR renewals = $2) RETURNING id),
            freed AS (DELETE FROM owners o USING gone WHERE o.owner = gone.id)
        SELECT id FROM gone
        """;

    private const string TakeMany = """
        INSERT INTO owners AS o (project, owner, shared)
        SELECT p, $2, false FROM unnest($1) AS p WHERE EXISTS (SELECT FROM sessions WHERE id = $2)
        ON CONFLICT (project) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, shared = false
        WHERE o.owner = excluded.owner OR NOT EXISTS (SELECT FROM sessions s WHERE s.id = o.owner)
        RETURNING project, fence
        """;

    private const string ShareOne = "UPDATE owners SET shared = true WHERE project = $1 AND fence = $2";
    private const string DropMany =
        "DELETE FROM owners o USING unnest($1, $2) AS d (project, fence) WHERE o.project = d.project AND o.fence = d.fence";

    // Wakes the owner of a project in which this node wants to write; a row when there is one to wait for.
    private const string Ask = $"""
        SELECT pg_notify('{Channel}', o.owner || ' ' || o.project) FROM owners o JOIN sessions s ON s.id = o.owner
        WHERE o.project = $1 AND o.owner <> $2 AND NOT o.shared
        """;

    private const string OwnerOf = """
        SELECT s.address FROM owners o JOIN sessions s ON s.id = o.owner WHERE o.project = $1
        """;

    // A node that stands still is waited for until its session may be ended; then a renewal has to come round.
    private static readonly TimeSpan AskFor = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan UnawareMayReturn = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlDataSource _watch;
    private readonly NpgsqlDataSource _source;
    private readonly PostgresLock _lock;
    private readonly string _description;
    private readonly ProjectOwnership _options;
    private readonly ILogger _logger;
    private readonly SessionLease _lease = new();
    private readonly OwnedProjects _projects;
    private readonly SharedQuery<string, long> _takes;
    private readonly Lock _gate = new(); // a session and what was taken under it end together
    private readonly CancellationTokenSource _closing = new();
    private readonly Meter _meter = new("Beadhub.EventLog");
    private readonly Counter<long> _lent;
    private long _lost;
    private readonly Task _renewing;
    private volatile string _session = NewId();
    private volatile bool _isBegun;
    private bool _sawUnaware;
    private long _aloneSince = long.MaxValue; // since when no node was seen that does not know of owners

    public PostgresOwners(string connectionString, string description, PostgresLock held, EventLogOptions options, ILogger logger)
    {
        // What takes longer than the trust lasts is of no use any more.
        var impatient = options with { StatementTimeout = SessionLease.Trust };
        _watch = PostgresSession.DataSource(connectionString, impatient, static settings => settings.Pooling = false);
        _source = PostgresSession.DataSource(connectionString, options, static settings => settings.MaxPoolSize = 3);
        (_lock, _description, _options, _logger, _projects) = (held, description, options.Ownership, logger, new(_lease));
        // One after the other: the last fence that is heard of a project is the newest.
        _takes = new(TakeThem, parallel: 1, MostAQuery);
        _meter.CreateObservableUpDownCounter("beadhub.owned.projects", () => _projects.Count, "{project}",
            "Projects of which this node answers from memory");
        _meter.CreateObservableUpDownCounter("beadhub.lease.held", () => _lease.IsTrusted(Stopwatch.GetTimestamp()) ? 1 : 0, "{lease}",
            "Whether this node's lease is held");
        _meter.CreateObservableCounter("beadhub.lease.lost", () => Interlocked.Read(ref _lost), "{lease}", "Leases that were lost");
        _lent = _meter.CreateCounter<long>("beadhub.owned.lent", "{project}", "Projects that were left to other nodes because they wrote");
        _lent.Add(0);
        _renewing = Task.Run(Renew);
    }

    /// <summary>Names this node to the store; another one after it was lost.</summary>
    public string Session => _session;

    /// <inheritdoc/>
    public long Grant(string project, long now) => _projects.Grant(project, now);

    /// <inheritdoc/>
    public ValueTask<long> Take(string project)
    {
        var now = Stopwatch.GetTimestamp();
        var grant = _projects.Grant(project, now);
        return grant > 0 || !_lease.IsTrusted(now) || !_projects.MayTake(project, now) || !MayOwn(now) ? new(grant) : Asked();

        async ValueTask<long> Asked()
        {
            try
            {
                return await _takes.Ask(project, default);
            }
            catch (EventLogUnavailableException)
            {
                return 0; // then the log is looked at, if it can be
            }
        }
    }

    /// <summary>Whether grains of the project should rather live at another node, which owns it.</summary>
    public bool IsElsewhere(string project) => _options.GrainsFollow && _projects.IsAnothers(project, Stopwatch.GetTimestamp());

    /// <summary>The address of the node that owns a project, as it was given in <see cref="ProjectOwnership"/>; null when none
    /// does.</summary>
    public async ValueTask<string?> AddressOf(string project, CancellationToken cancellation)
    {
        if (_projects.Grant(project, Stopwatch.GetTimestamp()) > 0) return _options.Address;
        await using var query = await Query(OwnerOf, cancellation, Text(project));
        return await query.Read() ? query.Rows.GetString(0) : null;
    }

    /// <summary>After an append was refused: asks the owner, if another node is, to let this node write, and waits until it does or its
    /// session ends.</summary>
    /// <returns>Whether there was one, so that the append is to be made again.</returns>
    public async ValueTask<bool> WasAnothers(string project, CancellationToken cancellation)
    {
        if (_projects.Grant(project, Stopwatch.GetTimestamp()) > 0) return false;
        var since = Stopwatch.GetTimestamp();
        var pause = FirstPause;
        for (var asked = false; ; asked = true)
        {
            var session = _session;
            await using (var query = await Query(Ask, cancellation, Text(project), Text(session)))
                if (!await query.Read()) return asked;
            _projects.Refused(project, Stopwatch.GetTimestamp());
            if (Stopwatch.GetElapsedTime(since) > AskFor)
                throw new EventLogUnavailableException("Another node owns the project and does not let this one write.");
            await Task.Delay(pause, cancellation);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Gives everything back: others need not wait.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _renewing;
        EndTrust();
        try
        {
            if (_isBegun) await Execute(EndOf, default, Text(_session), Number(-1));
        }
        catch (EventLogUnavailableException)
        {
            // Then it ends by itself.
        }

        await _watch.DisposeAsync();
        await _source.DisposeAsync();
        _meter.Dispose();
        _closing.Dispose();
    }

    private bool MayOwn(long now) => _lock.IsHeld && now >= Interlocked.Read(ref _aloneSince);

    private void EndTrust()
    {
        _lease.End();
        _projects.Clear();
    }

    private async Task Renew()
    {
        NpgsqlConnection? connection = null;
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                if (connection is null)
                {
                    connection = await _watch.OpenConnectionAsync(_closing.Token);
                    connection.Notification += (_, asked) => _ = LendIfAsked(asked.Payload);
                    await using var listen = new NpgsqlCommand(Listen, connection);
                    await listen.ExecuteNonQueryAsync(_closing.Token);
                }

                var next = Stopwatch.GetTimestamp() + SessionLease.Ticks(SessionLease.RenewEvery);
                await RenewOnce(connection);
                // Returns at each notification, and when the time is over.
                while (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next) is { Ticks: > TimeSpan.TicksPerMillisecond } left)
                    if (!await connection.WaitAsync(left, _closing.Token)) break;
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                break;
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken) || broken is OperationCanceledException)
            {
                LogNotRenewed(_logger, broken.Message);
                await LetGo();
                await Task.Delay(SessionLease.RenewEvery / 2, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await LetGo();

        async ValueTask LetGo()
        {
            var gone = connection;
            connection = null;
            try
            {
                if (gone is not null) await gone.DisposeAsync();
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
            {
                // It is gone either way.
            }
        }
    }

    private async Task RenewOnce(NpgsqlConnection connection)
    {
        if (!_isBegun)
        {
            await using var begin = Command(connection, Begin, Text(_session), Text(_options.Node), Text(_options.Address));
            await begin.ExecuteNonQueryAsync(_closing.Token);
            _isBegun = true;
        }

        var others = new List<SessionCount>();
        var (lives, unaware) = (false, 0L);
        var sent = Stopwatch.GetTimestamp();
        await using (var renewal = Command(connection, Renewal, Text(_session)))
        await using (var rows = await renewal.ExecuteReaderAsync(_closing.Token))
            while (await rows.ReadAsync(_closing.Token))
            {
                (lives, unaware) = (rows.GetBoolean(2), rows.GetInt64(3));
                if (rows.GetString(0) != _session) others.Add(new(rows.GetString(0), rows.GetInt64(1)));
            }

        var received = Stopwatch.GetTimestamp();
        if (!lives)
        {
            // Another has ended it because this process stood still, or a node that runs alone has ended all.
            lock (_gate)
            {
                EndTrust();
                (_session, _isBegun) = (NewId(), false);
            }

            Interlocked.Increment(ref _lost);
            LogLost(_logger, _description);
            return;
        }

        if (unaware > 0)
        {
            // It neither looks for owners nor tells anybody what it writes.
            lock (_gate)
            {
                if (!_sawUnaware) LogUnaware(_logger);
                Interlocked.Exchange(ref _aloneSince, long.MaxValue);
                _projects.Clear();
            }
        }
        else if (Interlocked.Read(ref _aloneSince) == long.MaxValue)
        {
            // One that has lost its connection for a moment may be back: from the first time on for all who were there.
            Interlocked.Exchange(ref _aloneSince, _sawUnaware ? received + SessionLease.Ticks(UnawareMayReturn) : received);
        }

        _sawUnaware |= unaware > 0;
        _lease.Renewed(sent);
        foreach (var still in _lease.Saw(others, sent, received))
        {
            await using var end = Command(connection, EndOf, Text(still.Session), Number(still.Renewals));
            if (await end.ExecuteScalarAsync(_closing.Token) is not null) LogEnded(_logger, still.Session);
        }

        if (_projects.DropUnused(received) is { Count: > 0 } unused)
        {
            await using var drop = Command(connection, DropMany, Texts([.. unused.Select(static one => one.Project)]),
                Longs([.. unused.Select(static one => one.Fence)]));
            await drop.ExecuteNonQueryAsync(_closing.Token);
        }
    }

    private async Task LendIfAsked(string asked)
    {
        if (asked.Split(' ', 2) is not [var owner, var project] || owner != _session) return;
        try
        {
            // The store may say that this node owns it though this node was never told: an answer was lost.
            if (_projects.Grant(project, Stopwatch.GetTimestamp()) == 0) await _takes.Ask(project, _closing.Token);
            if (_projects.Lend(project, Stopwatch.GetTimestamp()) is not { } loan) return;
            _lent.Add(1);
            if (loan.IsShared) await Execute(ShareOne, default, Text(project), Number(loan.Fence));
            else await Execute(DropMany, default, Texts([project]), Longs([loan.Fence]));
        }
        catch (Exception failed) when (failed is EventLogUnavailableException or ObjectDisposedException or OperationCanceledException)
        {
            // Who asked asks again.
            LogNotRenewed(_logger, failed.Message);
        }
    }

    private async Task<long[]> TakeThem(IReadOnlyList<string> projects)
    {
        var session = _session;
        var taken = new Dictionary<string, long>(StringComparer.Ordinal);
        try
        {
            await using var connection = await _source.OpenConnectionAsync(_closing.Token);
            await using var batch = new NpgsqlBatch(connection);
            var names = projects.Distinct().ToArray();
            batch.BatchCommands.Add(new(EmbeddedSql.Of("postgres.lock")) { Parameters = { Texts(names) } });
            batch.BatchCommands.Add(new(TakeMany) { Parameters = { Texts(names), Text(session) } });
            await using var rows = await batch.ExecuteReaderAsync(_closing.Token);
            await rows.NextResultAsync(_closing.Token);
            while (await rows.ReadAsync(_closing.Token)) taken[rows.GetString(0)] = rows.GetInt64(1);
            // To the end: only then is it committed.
            await rows.NextResultAsync(_closing.Token);
        }
        catch (Exception failed) when (PostgresErrors.IsFromStore(failed) || failed is OperationCanceledException)
        {
            throw PostgresErrors.Unavailable(_description, failed);
        }

        var now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            foreach (var project in projects.Distinct())
            {
                if (!taken.TryGetValue(project, out var fence)) _projects.Refused(project, now);
                else if (session == _session && MayOwn(now)) _projects.Take(project, fence, now);
            }
        }

        return [.. projects.Select(project => _projects.Grant(project, now))];
    }

    private Task<PostgresQuery> Query(string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters) =>
        PostgresQuery.Run(_source, _description, sql, parameters, null, cancellation);

    private async Task Execute(string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters)
    {
        await using var query = await Query(sql, cancellation, parameters);
        await query.Read();
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    private static string NewId() => Guid.NewGuid().ToString("N");

    private static NpgsqlParameter Text(string value) =>
        new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Texts(string[] values) =>
        new NpgsqlParameter<string[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static NpgsqlParameter Longs(long[] values) =>
        new NpgsqlParameter<long[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    private static NpgsqlParameter Number(long value) => new NpgsqlParameter<long> { TypedValue = value };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease on this node's projects could not be renewed: {Reason}")]
    private static partial void LogNotRenewed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "This node's lease at {Log} was ended by another: it stood still for too long. It begins a new one.")]
    private static partial void LogLost(ILogger logger, string log);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The node with session {Session} stands still: its projects are everybody's")]
    private static partial void LogEnded(ILogger logger, string session);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "A Beadhub of an older version runs on this database: every read looks at the log until it has gone")]
    private static partial void LogUnaware(ILogger logger);
}

/// <summary>How a node of a cluster owns projects.</summary>
/// <param name="Node">Name of the node for people.</param>
/// <param name="Address">Where grains of its projects are to be, for whoever places them.</param>
/// <param name="GrainsFollow">Whether grains can be moved to the node that owns their project.</param>
public sealed record ProjectOwnership(string Node = "", string Address = "", bool GrainsFollow = false);
