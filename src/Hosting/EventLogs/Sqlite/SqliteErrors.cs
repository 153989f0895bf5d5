using Beadhub.EventLog;
using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>What an exception from SQLite means to the log.</summary>
internal static class SqliteErrors
{
    private const int WouldBlock = 11, WouldBlockOnMac = 35, SharingViolation = unchecked((int)0x80070020);
    private const int TooBig = 18, Constraint = 19, Mismatch = 20, Range = 25;

    private const int Corrupt = 11, NotADatabase = 26;

    /// <summary>The file does not hold what SQLite has written.</summary>
    public static bool IsDamage(SqliteException error) => error.SqliteErrorCode is Corrupt or NotADatabase;

    /// <summary>Whether a file could not be opened because another process holds it, not because of the file system.</summary>
    public static bool IsTaken(IOException error) => error.HResult is WouldBlock or WouldBlockOnMac or SharingViolation;

    /// <summary>The database works but refuses the data.</summary>
    public static bool IsBadData(SqliteException error) => error.SqliteErrorCode is Constraint or Mismatch or TooBig or Range;

    public static EventLogUnavailableException Unavailable(string description, Exception error) =>
        new($"The event log at {description} cannot be used: {error.Message}", error);
}
