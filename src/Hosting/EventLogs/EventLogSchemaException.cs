namespace Beadhub.Hosting.EventLogs;

/// <summary>The log was written by a newer version of the program, which this one must not touch.</summary>
public sealed class EventLogSchemaException(string message) : Exception(message)
{
    internal static EventLogSchemaException Newer(string description, long found, long known) => new(
        $"The event log at {description} has schema version {found}, but this Beadhub knows versions up to {known}. Run the newer "
            + $"Beadhub that wrote it.");
}
