using Orleans;

namespace Beadhub.Contacts;

/// <summary>The project knows an address as a contact now.</summary>
[GenerateSerializer, Immutable, Alias("contacts.added.v1")]
public sealed record ContactAdded(
    [property: Id(0)] string ContactId,
    [property: Id(1)] string Address,
    [property: Id(2)] string? Label,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>The contact was removed.</summary>
[GenerateSerializer, Immutable, Alias("contacts.removed.v1")]
public sealed record ContactRemoved([property: Id(0)] string ContactId, [property: Id(1)] DateTimeOffset At) : IEvent;
