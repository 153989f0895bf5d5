using Beadhub.EventLog;
using Microsoft.Data.Sqlite;

namespace Beadhub.Silo.EventLogs.Sqlite;

/// <summary>What an exception from SQLite means to the log.</summary>
internal static class SqliteErrors
{
    private const int TooBig = 18, Constraint = 19, Mismatch = 20, Range = 25;

    /// <summary>The database works but refuses the data.</summary>
    public static bool IsBadData(SqliteException error) => error.SqliteErrorCode is Constraint or Mismatch or TooBig or Range;

    public static EventLogUnavailableException Unavailable(string description, Exception error) =>
        new($"The event log at {description} cannot be used: {error.Message}", error);
}
