namespace Beadhub.Hosting.EventLogs;

/// <summary>The store works, but refuses the contents of an append: sending it again would not help.</summary>
public sealed class BadAppendException(string message, Exception? inner = null) : Exception(message, inner);
