using System.Net.Sockets;
using Beadhub.EventLog;
using Npgsql;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>What an exception from Npgsql means to the log.</summary>
internal static class PostgresErrors
{
    /// <summary>
    /// Two nodes met: the server undid one transaction, which may simply be sent again. A position, version or mark that another has
    /// written a moment ago is
    /// seen by the next attempt.
    /// </summary>
    public static bool IsCollision(Exception error) =>
        error is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure }
        or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, TableName: "events" };

    /// <summary>The server works and the connection stands, but it refuses the data: an overlong key, a character it cannot keep.</summary>
    public static bool IsBadData(Exception error) =>
        error is PostgresException { SqlState: var state } && (state.StartsWith("22", StringComparison.Ordinal)
            || state.StartsWith("23", StringComparison.Ordinal) || state.StartsWith("54", StringComparison.Ordinal));

    /// <summary>Anything that Npgsql throws when the server is away, goes away, or cannot serve.</summary>
    public static bool IsFromStore(Exception error) =>
        error is NpgsqlException or TimeoutException or IOException or SocketException
        // Npgsql throws these on a connection that broke between two calls.
        or InvalidOperationException or ObjectDisposedException;

    public static EventLogUnavailableException Unavailable(string description, Exception error)
    {
        var reason = error is PostgresException refused ? refused.MessageText : error.Message;
        return new EventLogUnavailableException($"The event log at {description} does not answer: {reason}", error);
    }
}
