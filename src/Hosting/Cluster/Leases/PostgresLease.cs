using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Gateway;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;

namespace Beadhub.Hosting.Cluster.Leases;

/// <summary>
/// The lease in PostgreSQL, by the database's clock. It runs out by itself when its holder is killed, paused or cut off; the holder, by its
/// own clock, gives it up a good while before that. Each node also keeps a row of its own, so that the holder learns which nodes were lost.
/// </summary>
internal sealed partial class PostgresLease(string connectionString, NodeId node, TimeProvider time, ILogger<PostgresLease> logger)
    : BackgroundService, IBackgroundLease
{
    private const string Background = "background";
    private const string NodePrefix = "node/";

    // Whoever is lost is noticed after this time; a pause longer than half of it costs a holder the lease.
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(4.5);

    // A holder renews its own lease whenever it likes, others take it only when it has run out.
    private const string Take = """
        INSERT INTO leases AS l (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE l.holder = excluded.holder OR l.until < clock_timestamp()
        RETURNING true
        """;

    private const string Lost = "DELETE FROM leases WHERE name LIKE 'node/%' AND until < clock_timestamp() RETURNING name";

    private const string Living = """
        SELECT n.holder, EXISTS (SELECT FROM leases b WHERE b.name = 'background' AND b.holder = n.holder AND b.until > clock_timestamp())
        FROM leases n WHERE n.name LIKE 'node/%' AND n.until > clock_timestamp() ORDER BY n.holder COLLATE "C"
        """;

    private const string Release = "DELETE FROM leases WHERE holder = $1";

    private readonly NpgsqlDataSource _source = PostgresSession.DataSource(
        connectionString, new EventLogOptions { StatementTimeout = TimeSpan.FromSeconds(2) }, static settings => settings.MaxPoolSize = 1);

    private readonly Lock _gate = new();
    private TaskCompletionSource<CancellationToken> _held = New();
    private CancellationTokenSource? _holding;

    /// <inheritdoc/>
    public event Action? NodeLost;

    /// <inheritdoc/>
    public TimeSpan? LookEvery { get; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public Task<CancellationToken> Held(CancellationToken stopping)
    {
        lock (_gate) return _held.Task.WaitAsync(stopping);
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<InstanceNode>> Nodes()
    {
        try
        {
            var nodes = ImmutableArray.CreateBuilder<InstanceNode>();
            await using var command = _source.CreateCommand(Living);
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync()) nodes.Add(new(rows.GetString(0), rows.GetBoolean(1)));
            return nodes.ToImmutable();
        }
        catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
        {
            throw new EventLogUnavailableException("The nodes of the cluster cannot be read", broken);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _source.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Renew(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken) || broken is OperationCanceledException)
            {
                LogNotRenewed(logger, broken.Message);
            }

            await Task.Delay(RenewEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Drop();
        try
        {
            // So that another need not wait until it runs out, and nobody takes this node for lost.
            await using var release = _source.CreateCommand(Release);
            release.Parameters.Add(new NpgsqlParameter<string> { TypedValue = node.Id });
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
        {
            // Then it runs out.
        }
    }

    private async Task Renew(CancellationToken stopping)
    {
        await Hold(NodePrefix + node.Id, stopping);
        // From before the question: an answer that was long on its way must not make the lease last longer here than in the database.
        var asked = time.GetTimestamp();
        if (!await Hold(Background, stopping))
        {
            Drop();
            return;
        }

        var left = GiveUpAfter - time.GetElapsedTime(asked);
        if (left <= TimeSpan.Zero) return;
        lock (_gate)
        {
            // Another timer for each renewal: it ends the holding when the next renewal does not come in time.
            if (_holding is { IsCancellationRequested: false } holding)
            {
                holding.CancelAfter(left);
            }
            else
            {
                var begun = _holding = new(left, time);
                LogHeld(logger, node.Id);
                _held.TrySetResult(begun.Token);
                // Last: it may be over already, and then this drops it here and now.
                begun.Token.Register(Drop);
            }
        }

        var lost = new List<string>();
        await using (var command = _source.CreateCommand(Lost))
        await using (var rows = await command.ExecuteReaderAsync(stopping))
            while (await rows.ReadAsync(stopping)) lost.Add(rows.GetString(0)[NodePrefix.Length..]);
        foreach (var name in lost) LogNodeLost(logger, name);
        if (lost.Count > 0) NodeLost?.Invoke();
    }

    private async Task<bool> Hold(string name, CancellationToken stopping)
    {
        await using var command = _source.CreateCommand(Take);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = node.Id });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Ttl });
        return await command.ExecuteScalarAsync(stopping) is true;
    }

    private void Drop()
    {
        CancellationTokenSource? holding;
        lock (_gate)
        {
            (holding, _holding) = (_holding, null);
            if (holding is null) return;
            _held = New();
        }

        LogDropped(logger, node.Id);
        holding.Cancel();
    }

    private static TaskCompletionSource<CancellationToken> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} does the background work from now on")]
    private static partial void LogHeld(ILogger logger, string node);

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} does the background work no longer")]
    private static partial void LogDropped(ILogger logger, string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} was lost; what it has left undone is taken up")]
    private static partial void LogNodeLost(ILogger logger, string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of the background work could not be renewed: {Reason}")]
    private static partial void LogNotRenewed(ILogger logger, string reason);
}
