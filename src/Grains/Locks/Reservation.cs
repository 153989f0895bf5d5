namespace Beadhub.Locks;

/// <summary>A key that is held.</summary>
public sealed record Reservation(
    string Key,
    bool IsPattern,
    string Id,
    string AgentId,
    string Alias,
    string Metadata,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt)
{
    /// <summary>Memory that its texts take, in characters.</summary>
    internal long Weight => Key.Length + Metadata.Length;

    internal ReservationConflict InTheWayOf(string key) => new(key, Key, IsPattern, AgentId, Alias, ExpiresAt);

    internal ReservationView View(DateTimeOffset now) =>
        new(Id, Key, IsPattern, AgentId, Alias, AcquiredAt, ExpiresAt, (int)Math.Ceiling((ExpiresAt - now).TotalSeconds), Metadata);
}
