namespace Beadhub.EventLog;

/// <summary>Stands for an event of a type that this version does not know.</summary>
internal sealed record UnknownEvent : IEvent
{
    public static readonly UnknownEvent Instance = new();
}
