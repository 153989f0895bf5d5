using System.Diagnostics;
using Beadhub.EventLog;
using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// Writes batches over one connection of its own. One append is one short prepared statement, several are one statement over arrays;
/// either way one
/// round trip and one commit. Very many events are copied, as nothing else loads rows as fast.
/// </summary>
/// <remarks>
/// The statements look up the newest versions and positions. That nobody else writes meanwhile is what they count on (a lone node, or the
/// locks of a
/// cluster's nodes on the projects), not what the log rests on: were it otherwise, the keys of the table would refuse the batch, and it
/// would be sent again.
/// </remarks>
internal sealed class PostgresWriter : IBatchWriter
{
    // From here on, the three further round trips of COPY cost less than passing the payloads through arrays.
    private const int CopyFrom = 256;
    private const int Attempts = 10;

    private const string CopyEvents =
        "COPY events (project, position, kind, key, version, type, data, at, mark) FROM STDIN (FORMAT binary)";

    private static readonly TimeSpan ReconnectEvery = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlDataSource _source;
    private readonly string _description;
    private readonly Func<string>? _session;
    private readonly TimeSpan _patience;
    private readonly LostBackends _lost = new();
    private NpgsqlConnection? _connection;
    private AppendOneCommand _appendOne = null!;
    private ManyAppendsCommand _append = null!;
    private ManyAppendsCommand _place = null!;

    /// <param name="connectionString">How to reach the server.</param>
    /// <param name="description">The log, for people.</param>
    /// <param name="session">The node's session, where others write too.</param>
    /// <param name="options">Bounds.</param>
    public PostgresWriter(string connectionString, string description, Func<string>? session, EventLogOptions options)
    {
        _description = description;
        _session = session;
        _patience = options.Patience;
        _source = PostgresSession.DataSource(connectionString, options, settings =>
        {
            settings.Pooling = false;
            settings.WriteBufferSize = 32 * 1024;
            // An attempt to connect must not outlast the patience by much.
            settings.Timeout = Math.Min(settings.Timeout, Math.Max(1, (int)Math.Ceiling(options.Patience.TotalSeconds)));
        });
    }

    public void Connect()
    {
        if (_connection is not null) return;
        NpgsqlConnection? connection = null;
        try
        {
            connection = _source.OpenConnection();
            using (var setting = new NpgsqlCommand("SET enable_nestloop = off", connection)) setting.ExecuteNonQuery();
            _appendOne = new(connection, _session is not null);
            _append = new(connection, _session is not null, withEvents: true);
            _place = new(connection, _session is not null, withEvents: false);
            _lost.End(connection, _patience);
            _lost.Watch(connection);
            _connection = connection;
        }
        catch (Exception error) when (PostgresErrors.IsFromStore(error))
        {
            connection?.Dispose();
            throw PostgresErrors.Unavailable(_description, error);
        }
        catch (EventLogUnavailableException)
        {
            connection?.Dispose();
            throw;
        }
    }

    public void Write(IReadOnlyList<PendingAppend> batch)
    {
        var wasLost = false;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (_connection is null) Connect();
                WriteOnce(batch);
                if (wasLost) LookForRefused(batch);
                return;
            }
            catch (Exception collision) when (PostgresErrors.IsCollision(collision) && attempt < Attempts)
            {
                // Undone by the server because of another node: the same again, after a moment that differs between the nodes.
                Thread.Sleep(Random.Shared.Next(1, 5 * attempt));
            }
            catch (Exception bad) when (PostgresErrors.IsBadData(bad))
            {
                throw new BadAppendException($"The event log refuses an append: {((PostgresException)bad).MessageText}", bad);
            }
            catch (Exception error) when (PostgresErrors.IsFromStore(error))
            {
                // An error that the server reports leaves the connection in order, any other leaves it in doubt.
                if (IsInDoubt(error))
                {
                    Disconnect();
                    // A server that was restarted is back in a moment, and can say what became of the batch. Not written, it is written
                    // now.
                    if (!wasLost)
                    {
                        wasLost = true;
                        if (ReconnectedAndFound(batch)) return;
                        continue;
                    }
                }
                throw PostgresErrors.Unavailable(_description, error);
            }
        }
    }

    public void Find(IReadOnlyList<PendingAppend> appends)
    {
        try
        {
            if (_connection is null) Connect();
            WrittenBatch.Find(_connection!, appends);
        }
        catch (Exception error) when (PostgresErrors.IsFromStore(error))
        {
            if (IsInDoubt(error)) Disconnect();
            throw PostgresErrors.Unavailable(_description, error);
        }
    }

    public void Dispose()
    {
        Disconnect();
        _source.Dispose();
    }

    private bool IsInDoubt(Exception error) => error is not PostgresException || _connection?.FullState != System.Data.ConnectionState.Open;

    /// <summary>
    /// What is refused after the connection was lost may have been written by the first attempt, after it was looked for: where the server
    /// does not let its process be ended, that
    /// process commits when it gets as far.
    /// </summary>
    private void LookForRefused(IReadOnlyList<PendingAppend> batch)
    {
        var refused = batch.Where(static pending => pending.FirstPosition == 0).ToList();
        if (refused.Count > 0) WrittenBatch.Find(_connection!, refused);
    }

    /// <summary>Connects again, with patience; then whether the batch was written, after all.</summary>
    private bool ReconnectedAndFound(IReadOnlyList<PendingAppend> batch)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Connect();
                return WrittenBatch.Find(_connection!, batch);
            }
            catch (EventLogUnavailableException) when (Stopwatch.GetElapsedTime(since) < _patience)
            {
                Thread.Sleep(ReconnectEvery);
            }
            catch (Exception error) when (PostgresErrors.IsFromStore(error))
            {
                Disconnect();
                if (Stopwatch.GetElapsedTime(since) >= _patience) throw PostgresErrors.Unavailable(_description, error);
                Thread.Sleep(ReconnectEvery);
            }
        }
    }

    private void WriteOnce(IReadOnlyList<PendingAppend> batch)
    {
        if (batch.Count == 1 && batch[0].Append.Snapshot is null && batch[0].Append.Events.Count < CopyFrom)
        {
            _appendOne.Execute(batch[0], _session?.Invoke());
            return;
        }
        var events = 0;
        foreach (var pending in batch) events += pending.Append.Events.Count;
        if (events < CopyFrom) _append.Execute(batch, _session?.Invoke());
        else Copy(batch);
    }

    private void Copy(IReadOnlyList<PendingAppend> batch)
    {
        using var transaction = _connection!.BeginTransaction();
        _place.Execute(batch, _session?.Invoke());
        using (var import = _connection.BeginBinaryImport(CopyEvents))
        {
            foreach (var pending in batch)
                if (pending.FirstPosition > 0) Copy(pending, import);
            import.Complete();
        }
        transaction.Commit();
    }

    private static void Copy(PendingAppend pending, NpgsqlBinaryImporter import)
    {
        var append = pending.Append;
        for (var i = 0; i < append.Events.Count; i++)
        {
            var @event = append.Events[i];
            import.StartRow();
            import.Write(append.Project, NpgsqlDbType.Text);
            import.Write(pending.FirstPosition + i, NpgsqlDbType.Bigint);
            import.Write(append.Stream.Kind, NpgsqlDbType.Text);
            import.Write(append.Stream.Key, NpgsqlDbType.Text);
            import.Write(pending.FirstVersion + i, NpgsqlDbType.Bigint);
            import.Write(@event.Type, NpgsqlDbType.Text);
            import.Write(@event.Data, NpgsqlDbType.Text);
            import.Write(pending.At(i), NpgsqlDbType.TimestampTz);
            if (@event.Mark is null) import.WriteNull();
            else import.Write(@event.Mark, NpgsqlDbType.Text);
        }
    }

    private void Disconnect()
    {
        if (_connection is not null) _lost.Add();
        try
        {
            _connection?.Dispose();
        }
        catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
        {
            // It is gone either way.
        }
        _connection = null;
    }
}
