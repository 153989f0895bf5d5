using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>Settings of every connection of the log.</summary>
internal static class PostgresSession
{
    // Every statement is a look-up by index or an insert, so the plan is known beforehand. Left alone, the server would plan anew for
    // each set of arrays, guess from the statistics of tables that were empty a minute ago, or compile to machine code what takes a
    // millisecond. A commit that is acknowledged before it is durable would break the log's promise, whatever the server's default says.
    private const string Settings = """
        SET plan_cache_mode = force_generic_plan;
        SET enable_seqscan = off;
        SET jit = off;
        SET work_mem = '32MB';
        SET default_transaction_isolation = 'read committed';
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
        """;

    public static NpgsqlDataSource DataSource(string connectionString, EventLogOptions options,
        Action<NpgsqlConnectionStringBuilder> adjust)
    {
        // Named, so that metrics and traces do not show the connection string instead.
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = "beadhub" };
        var seconds = Math.Max(1, (int)options.StatementTimeout.TotalSeconds);
        var settings = builder.ConnectionStringBuilder;
        settings.CommandTimeout = seconds;
        settings.Timeout = Math.Min(settings.Timeout, seconds);
        settings.Multiplexing = false;
        settings.Enlist = false;
        settings.NoResetOnClose = true;
        adjust(settings);
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(Settings, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(Settings, connection);
                await command.ExecuteNonQueryAsync();
            });
        return builder.Build();
    }
}
