using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>The database file: how connections to it are opened, and its schema.</summary>
internal static class SqliteDatabase
{
    public const int Version = 3;

    static SqliteDatabase() => SQLitePCL.Batteries_V2.Init();

    /// <summary>Opens a connection: the writer's commits are durable when they return, the others can only read.</summary>
    public static SqliteConnection Open(string path, bool write)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = write ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadOnly,
            // The log keeps its own connections; a pool would hold files open after it was closed.
            Pooling = false,
        }.ConnectionString);
        try
        {
            connection.Open();
            Execute(connection, write
                ? "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                : "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <exception cref="EventLogSchemaException">The database is newer than this program.</exception>
    public static void ApplySchema(SqliteConnection connection, string description)
    {
        // user_version is SQLite's own place for the schema's version.
        Execute(connection, "BEGIN IMMEDIATE");
        using var ask = new SqliteCommand("PRAGMA user_version", connection);
        var present = (long)ask.ExecuteScalar()!;
        if (present > Version)
        {
            Execute(connection, "ROLLBACK");
            throw EventLogSchemaException.Newer(description, present, Version);
        }
        if (present is > 0 and < 3) Execute(connection, EmbeddedSql.Of("sqlite.upgrade-3"));
        if (present < Version) Execute(connection, EmbeddedSql.Of("sqlite.schema"));
        Execute(connection, $"PRAGMA user_version = {Version}");
        Execute(connection, "COMMIT");
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = new SqliteCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
