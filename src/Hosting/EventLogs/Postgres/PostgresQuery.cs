using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>A prepared query under way on a pooled connection; disposing it gives the connection back.</summary>
internal sealed class PostgresQuery : IAsyncDisposable
{
    private readonly string _description;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlCommand _command;
    private readonly CancellationToken _cancellation;

    private PostgresQuery(string description, NpgsqlConnection connection, NpgsqlCommand command, NpgsqlDataReader rows,
        CancellationToken cancellation)
    {
        _description = description;
        _connection = connection;
        _command = command;
        Rows = rows;
        _cancellation = cancellation;
    }

    public NpgsqlDataReader Rows { get; }

    // Without patience a server that is away is asked a second time at most.
    public static async Task<PostgresQuery> Run(
        NpgsqlDataSource source, string description, string sql, NpgsqlParameter[] parameters, ReadPatience? patience,
        CancellationToken cancellation)
    {
        // A pooled connection may have died with the server: one that fails before it answers is worth a second try, a new connection then.
        for (var attempt = 1; ; attempt++)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = await source.OpenConnectionAsync(cancellation);
                var command = new NpgsqlCommand(sql, connection);
                foreach (var parameter in parameters) command.Parameters.Add(parameter.Clone());
                await command.PrepareAsync(cancellation);
                var rows = await command.ExecuteReaderAsync(cancellation);
                patience?.Answered();
                return new PostgresQuery(description, connection, command, rows, cancellation);
            }
            catch (Exception error) when (PostgresErrors.IsFromStore(error))
            {
                var broken = connection is not null && connection.FullState != System.Data.ConnectionState.Open;
                if (connection is not null) await connection.DisposeAsync();
                if (broken) source.Clear();
                if (broken && attempt == 1)
                {
                    continue;
                }
                if (patience is not null && await patience.Wait(error, cancellation)) continue;
                throw PostgresErrors.Unavailable(description, error);
            }
            catch
            {
                if (connection is not null) await connection.DisposeAsync();
                throw;
            }
        }
    }

    public async ValueTask<bool> Read()
    {
        try
        {
            return await Rows.ReadAsync(_cancellation);
        }
        catch (Exception error) when (PostgresErrors.IsFromStore(error))
        {
            throw PostgresErrors.Unavailable(_description, error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Rows.DisposeAsync();
            await _command.DisposeAsync();
            await _connection.DisposeAsync();
        }
        catch (Exception error) when (PostgresErrors.IsFromStore(error))
        {
            // The rows were read or the reader has left; a connection that breaks now hurts nobody.
            await _connection.DisposeAsync();
        }
    }
}
