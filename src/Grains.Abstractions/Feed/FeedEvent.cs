using Orleans;

namespace Beadhub.Feed;

/// <summary>One event as a project's feed carries it.</summary>
/// <param name="ProjectId">The project whose feed it belongs to; a lower-case hyphenated UUID.</param>
/// <param name="Position">Place in the project's feed: 1, 2, 3 … without gaps, in commit order.</param>
/// <param name="Kind">Kind of the grain that raised it, for example <c>bead</c>.</param>
/// <param name="Key">Key of that grain.</param>
/// <param name="Version">Version of that grain after the event.</param>
/// <param name="Type">Name of the event type, for example <c>bead.claimed.v1</c>.</param>
/// <param name="Data">The event as JSON.</param>
/// <param name="At">When it was decided, UTC.</param>
[GenerateSerializer, Immutable, Alias("feed.event.v1")]
public sealed record FeedEvent(
    [property: Id(0)] string ProjectId,
    [property: Id(1)] long Position,
    [property: Id(2)] string Kind,
    [property: Id(3)] string Key,
    [property: Id(4)] long Version,
    [property: Id(5)] string Type,
    [property: Id(6)] string Data,
    [property: Id(7)] DateTimeOffset At);
