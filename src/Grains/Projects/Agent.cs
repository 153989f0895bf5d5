using System.Text.Json.Serialization;

namespace Beadhub.Projects;

/// <summary>An agent of a project: its identity, and the workspace that it may have opened, whose id is the agent's.</summary>
/// <param name="Id">Agent id.</param>
/// <param name="Alias">Alias, unique among the living, case kept.</param>
/// <param name="HumanName">Human behind it; may be empty.</param>
/// <param name="AgentType">Usually <c>agent</c>.</param>
/// <param name="Lifetime"><c>ephemeral</c> or <c>persistent</c>.</param>
/// <param name="Custody">Who keeps its signing key.</param>
/// <param name="Did">Its <c>did:key</c>.</param>
/// <param name="PublicKey">Its public key, base64url.</param>
/// <param name="JoinedAt">When it joined.</param>
/// <param name="Status">One of <see cref="AgentStatus"/>.</param>
/// <param name="DeletedAt">When it ended, and its workspace with it.</param>
/// <param name="KeysRevoked">Whether its API keys are dead.</param>
/// <param name="Workspace">Its workspace.</param>
public sealed record Agent(
    string Id,
    string Alias,
    string HumanName,
    string AgentType,
    string Lifetime,
    string Custody,
    string Did,
    string PublicKey,
    DateTimeOffset JoinedAt,
    string Status = AgentStatus.Active,
    DateTimeOffset? DeletedAt = null,
    bool KeysRevoked = false,
    WorkspaceLink? Workspace = null)
{
    /// <summary>The type of agents that speak for the server; lists leave them out (contract 4.2).</summary>
    public const string SystemType = "system";

    /// <summary>Who may write to an agent: all do.</summary>
    public const string OpenAccess = "open";

    /// <summary>Whether it holds its alias.</summary>
    [JsonIgnore]
    public bool IsLiving => DeletedAt is null;

    /// <summary>Whether it has a workspace that was not deleted.</summary>
    [JsonIgnore]
    public bool HasActiveWorkspace => IsLiving && Workspace is not null;

    /// <summary>Ended with its workspace: the alias is free and the keys are dead (contract 1.8).</summary>
    public Agent Ended(DateTimeOffset at) => this with
    {
        Status = AgentStatus.Deregistered,
        DeletedAt = at,
        KeysRevoked = true,
        Workspace = Workspace! with { ChangedAt = at },
    };

    /// <summary>Back with its workspace and its keys (contract 5.5, hardened).</summary>
    public Agent Revived(DateTimeOffset at) => this with
    {
        Status = AgentStatus.Active,
        DeletedAt = null,
        KeysRevoked = false,
        Workspace = Workspace! with { ChangedAt = at },
    };

    /// <summary>What introspection and key checks need to know.</summary>
    public AgentIdentity Identity() =>
        new(Id, Alias, HumanName, AgentType, AccessMode: OpenAccess, Status, HasActiveWorkspace, KeysRevoked);
}
