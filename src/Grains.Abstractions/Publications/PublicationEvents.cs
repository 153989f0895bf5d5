using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Publications;

/// <summary>An agent has published itself.</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="Capabilities">What it can do, in its own words.</param>
/// <param name="Description">What it is; may be empty.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("publications.published.v1")]
public sealed record AgentPublished(
    [property: Id(0)] string AgentId,
    [property: Id(1)] ImmutableArray<string> Capabilities,
    [property: Id(2)] string Description,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>An agent is shown no longer.</summary>
[GenerateSerializer, Immutable, Alias("publications.withdrawn.v1")]
public sealed record AgentWithdrawn([property: Id(0)] string AgentId, [property: Id(1)] DateTimeOffset At) : IEvent;
