using Orleans;

namespace Beadhub.Projects;

/// <summary>
/// What the door must know of a caller before it lets a request in, in one answer. Given from memory with every request, so it is a value
/// and costs no memory.
/// </summary>
/// <param name="Slug">Slug of the project; null when it was never created.</param>
/// <param name="Agent">The agent that the caller speaks for, also when it has ended (contract 1.8); null when none was named or the project
/// never had it.</param>
/// <param name="IsArchived">Whether the project is only read.</param>
/// <param name="IsPrivate">Whether it was decided that nobody but its members reads it.</param>
/// <param name="TenantId">Its tenant, or null.</param>
/// <param name="Quotas">What the project may hold; null for no limits.</param>
[GenerateSerializer, Immutable, Alias("project.standing.v2")]
public readonly record struct Standing(
    [property: Id(0)] string? Slug,
    [property: Id(1)] AgentIdentity? Agent,
    [property: Id(2)] bool IsArchived,
    [property: Id(3)] bool IsPrivate,
    [property: Id(4)] string? TenantId,
    [property: Id(5)] ProjectQuotas? Quotas = null)
{
    /// <summary>What is said to those who would change an archived project.</summary>
    public const string Archived = "Project is archived: it can be read, and changed again once it is unarchived";

    /// <summary>Whether the project was ever created.</summary>
    public bool Exists => Slug is not null;
}
