using System.Security.Cryptography;
using System.Text;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;

namespace Beadhub.Hosting.Engines;

/// <summary>Applies <c>schema.sql</c> of this folder before the silo starts, which wants to find its queries there.</summary>
internal sealed class OrleansSchema(DatabaseUrl database) : IHostedService
{
    // Nodes of a cluster start together; one applies the schema, the others wait for it.
    private const long SchemaLock = 0x4265616468756202;

    // Kept among the queries, whose further keys Orleans does not mind.
    private const string Applied = "BeadhubSchema";

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Apply(database, cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Makes what is missing. A role that may not create tables runs on what an operator has made
    /// (<c>deploy/postgres/roles.sql</c>).</summary>
    /// <exception cref="EventLogUnavailableException">The database cannot be reached.</exception>
    internal static async Task Apply(DatabaseUrl database, CancellationToken cancellation)
    {
        try
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await Execute($"SELECT pg_advisory_xact_lock({SchemaLock})");
            var script = Script();
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
            if (await Execute("SELECT to_regclass('orleansquery') IS NULL OR has_schema_privilege(current_schema(), 'CREATE')") is true
                && (await Execute("SELECT to_regclass('orleansquery') IS NULL") is true
                    || await Execute($"SELECT querytext FROM orleansquery WHERE querykey = '{Applied}'") as string != hash))
            {
                await Execute(script);
                await Execute(
                    $"INSERT INTO orleansquery (querykey, querytext) VALUES ('{Applied}', '{hash}') ON CONFLICT (querykey) DO UPDATE "
                        + $"SET querytext = excluded.querytext");
            }

            await transaction.CommitAsync(cancellation);

            async Task<object?> Execute(string sql)
            {
                await using var command = new NpgsqlCommand(sql, connection, transaction);
                return await command.ExecuteScalarAsync(cancellation);
            }
        }
        catch (Exception failed) when (PostgresErrors.IsFromStore(failed))
        {
            throw PostgresErrors.Unavailable(database.Description, failed);
        }
    }

    private static string Script()
    {
        using var stream = typeof(OrleansSchema).Assembly.GetManifestResourceStream("orleans.schema.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
