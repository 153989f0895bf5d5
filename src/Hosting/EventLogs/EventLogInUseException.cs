namespace Beadhub.Hosting.EventLogs;

/// <summary>Another process holds the log, and not both were started as parts of a cluster.</summary>
public sealed class EventLogInUseException(string message, Exception? inner = null) : Exception(message, inner);
