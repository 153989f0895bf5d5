using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Publications;

/// <summary>
/// What agents of a project show of themselves to every caller of this server: nobody is shown who has not published itself. Key: project
/// id.
/// </summary>
[Alias("beadhub.publications")]
public interface IPublicationsGrain : IGrainWithStringKey
{
    /// <summary>Shows an agent, or shows it otherwise than before; the same again changes nothing.</summary>
    [Repeatable, AlwaysInterleave]
    Task<Publication> Publish(PublishAgent command);

    /// <summary>Shows an agent no longer. The answer says whether it was shown.</summary>
    [AlwaysInterleave]
    Task<bool> Withdraw(string agentId);

    /// <summary>All that were published and not withdrawn, agents that have ended since included. The same object is returned while nothing
    /// has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<PublicationList> List();
}

/// <summary>The projects whose agents have ever published themselves. Key: anything.</summary>
[Alias("beadhub.published_projects")]
public interface IPublishedProjectsGrain : IGrainWithStringKey
{
    /// <summary>Their ids.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<string>> All();
}

/// <summary>An agent publishes itself. Texts are checked.</summary>
[GenerateSerializer, Immutable, Alias("publications.publish.v1")]
public sealed record PublishAgent(
    [property: Id(0)] string AgentId, [property: Id(1)] ImmutableArray<string> Capabilities, [property: Id(2)] string Description);

/// <summary>What an agent shows of itself.</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="Capabilities">What it can do, in its own words.</param>
/// <param name="Description">What it is; may be empty.</param>
/// <param name="At">Since when.</param>
[GenerateSerializer, Immutable, Alias("publications.publication.v1")]
public sealed record Publication(
    [property: Id(0)] string AgentId,
    [property: Id(1)] ImmutableArray<string> Capabilities,
    [property: Id(2)] string Description,
    [property: Id(3)] DateTimeOffset At);

/// <summary>Publications of a project, by agent.</summary>
[GenerateSerializer, Immutable, Alias("publications.list.v1")]
public sealed record PublicationList([property: Id(0)] ImmutableArray<Publication> Publications);

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
