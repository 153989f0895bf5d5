using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs.Postgres;
using Beadhub.Hosting.EventLogs.Sqlite;

namespace Beadhub.Hosting.EventLogs;

/// <summary>Opens the event log that a database URL names.</summary>
public static class EventLogStore
{
    /// <summary>Opens the log, applies its schema and takes its lock.</summary>
    /// <param name="databaseUrl"><c>sqlite:PATH</c>, <c>postgres://user:password@host:port/database</c>, or an Npgsql connection
    /// string.</param>
    /// <param name="cluster">True when other nodes use the same log at the same time; PostgreSQL only.</param>
    /// <param name="publisher">Receives what was committed.</param>
    /// <param name="loggers">For what an operator must know; never sees a password.</param>
    /// <param name="time">Measures how long the store has been out of reach.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The URL cannot be understood, or SQLite was asked to serve a cluster.</exception>
    /// <exception cref="EventLogInUseException">Another process holds the log.</exception>
    /// <exception cref="EventLogSchemaException">A newer program wrote the log.</exception>
    /// <exception cref="EventLogUnavailableException">The store cannot be reached.</exception>
    public static Task<DurableEventLog> Open(
        string databaseUrl, bool cluster, IFeedPublisher publisher, ILoggerFactory loggers, TimeProvider time,
        CancellationToken cancellation = default) =>
        Open(databaseUrl, cluster, publisher, loggers, time, new EventLogOptions(), cancellation);

    /// <inheritdoc cref="Open(string, bool, IFeedPublisher, ILoggerFactory, TimeProvider, CancellationToken)"/>
    public static async Task<DurableEventLog> Open(
        string databaseUrl, bool cluster, IFeedPublisher publisher, ILoggerFactory loggers, TimeProvider time,
        EventLogOptions options, CancellationToken cancellation = default)
    {
        var url = DatabaseUrl.Parse(databaseUrl);
        if (url.SqlitePath is { } path)
        {
            if (cluster)
                throw new ArgumentException(
                    "SQLite serves one node; a cluster (BEADHUB_CLUSTER=true) needs PostgreSQL: set the database URL to postgres://…");
            return SqliteEventLog.Open(path, url.Description, publisher, loggers, time, options);
        }
        return await PostgresEventLog.Open(url.ConnectionString!, url.Description, cluster, publisher, loggers, time, options,
            cancellation);
    }
}
