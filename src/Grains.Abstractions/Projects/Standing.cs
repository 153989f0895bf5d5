using Orleans;

namespace Beadhub.Projects;

/// <summary>What the door must know of a caller before it lets a request in. Answered from memory with every request, so it is a value and costs no memory.</summary>
/// <param name="Exists">Whether the project was ever created.</param>
/// <param name="Agent">What became of the agent that the caller speaks for.</param>
[GenerateSerializer, Immutable, Alias("project.standing.v1")]
public readonly record struct Standing([property: Id(0)] bool Exists, [property: Id(1)] AgentStanding Agent);

/// <summary>What became of an agent (contract 1.8).</summary>
public enum AgentStanding
{
    /// <summary>No agent was named, or the project never had it.</summary>
    Unknown,

    /// <summary>It is there.</summary>
    Living,

    /// <summary>It was deregistered: its keys still read the project, and write nothing.</summary>
    Deregistered,

    /// <summary>It ended with its workspace, and its keys are dead.</summary>
    Revoked,
}
