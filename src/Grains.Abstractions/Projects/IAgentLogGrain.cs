using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Orleans;

namespace Beadhub.Projects;

/// <summary>
/// What happened to the identities of a project's agents (protocol 12.9). Key: project id. It owns no events: it reads the project's stream
/// when it is asked, which is seldom, so that the project need not keep its past in memory.
/// </summary>
[Alias("beadhub.agent_log")]
public interface IAgentLogGrain : IGrainWithStringKey
{
    /// <summary>The log of an agent, oldest entry first; empty when the project never had it.</summary>
    Task<ImmutableArray<AgentLogEntry>> Of(string agentId);
}

/// <summary>Something happened to an agent's identity.</summary>
/// <param name="LogId">Id of the entry.</param>
/// <param name="Operation">For example <c>create</c> or <c>rotate</c>.</param>
/// <param name="OldDid">The did:key before.</param>
/// <param name="NewDid">The did:key after.</param>
/// <param name="SignedBy">The did:key that signed it.</param>
/// <param name="EntrySignature">The signature.</param>
/// <param name="Metadata">JSON object with more, if any.</param>
/// <param name="CreatedAt">When.</param>
[GenerateSerializer, Immutable, Alias("project.agent_log_entry.v1")]
public sealed record AgentLogEntry(
    [property: Id(0)] string LogId,
    [property: Id(1)] string Operation,
    [property: Id(2)] string? OldDid,
    [property: Id(3)] string? NewDid,
    [property: Id(4)] string? SignedBy,
    [property: Id(5)] string? EntrySignature,
    [property: Id(6), JsonConverter(typeof(RawJson))] string? Metadata,
    [property: Id(7)] DateTimeOffset CreatedAt);
