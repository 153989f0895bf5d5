using Orleans;

namespace Beadhub.Projects;

/// <summary>
/// What the door must know of a caller before it lets a request in. Answered from memory with every request, so it is a value and costs no
/// memory.
/// </summary>
/// <param name="Exists">Whether the project was ever created.</param>
/// <param name="Agent">What became of the agent that the caller speaks for.</param>
/// <param name="IsArchived">Whether the project is only read.</param>
/// <param name="IsPrivate">Whether it was decided that nobody but its members reads it.</param>
/// <param name="TenantId">Its tenant, or null.</param>
[GenerateSerializer, Immutable, Alias("project.standing.v1")]
public readonly record struct Standing(
    [property: Id(0)] bool Exists,
    [property: Id(1)] AgentStanding Agent,
    [property: Id(2)] bool IsArchived,
    [property: Id(3)] bool IsPrivate,
    [property: Id(4)] string? TenantId)
{
    /// <summary>What is said to those who would change an archived project.</summary>
    public const string Archived = "Project is archived: it can be read, and changed again once it is unarchived";
}

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
