using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>Applies <c>schema.sql</c>, and refuses a database that a newer program has written.</summary>
internal static class PostgresSchema
{
    public const int Version = 5;

    // Nodes of a cluster start together; one applies the schema, the others find it done.
    private const long SchemaLock = 0x4265616468756201;

    /// <exception cref="EventLogSchemaException">The database is newer than this program.</exception>
    public static async Task Apply(NpgsqlConnection connection, string description, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await Execute($"SELECT pg_advisory_xact_lock({SchemaLock})");
        var present = await Execute("SELECT to_regclass('schema_version') IS NOT NULL") is true
            ? (await Execute("SELECT max(version) FROM schema_version")) as int? ?? 0
            : 0;
        if (present > Version) throw EventLogSchemaException.Newer(description, present, Version);
        // A present schema is left alone: a role that may not create tables can run Beadhub on one that an administrator has made.
        if (present < Version) await Execute(EmbeddedSql.Of("postgres.schema"));
        await transaction.CommitAsync(cancellation);

        async Task<object?> Execute(string sql)
        {
            // Bringing a large log to this version takes as long as it takes, and so does waiting for the node that does it.
            await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 0 };
            return await command.ExecuteScalarAsync(cancellation);
        }
    }
}
