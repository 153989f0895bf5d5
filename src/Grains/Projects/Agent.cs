using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Beadhub.Projects;

/// <summary>An agent of a project: its identity, and the workspace that it may have opened, whose id is the agent's.</summary>
/// <param name="Id">Agent id.</param>
/// <param name="Alias">Alias, unique among the living, case kept.</param>
/// <param name="HumanName">Human behind it; may be empty.</param>
/// <param name="AgentType">Usually <c>agent</c>.</param>
/// <param name="Lifetime"><c>ephemeral</c> or <c>persistent</c>.</param>
/// <param name="Custody">Who keeps its signing key: one of <see cref="Custodies"/>, or null while it has none.</param>
/// <param name="Did">Its <c>did:key</c>; null while it has no key.</param>
/// <param name="PublicKey">Its public key, base64url; null while it has no key.</param>
/// <param name="JoinedAt">When it joined.</param>
/// <param name="Status">One of <see cref="AgentStatus"/>.</param>
/// <param name="DeletedAt">When it ended, and its workspace with it.</param>
/// <param name="KeysRevoked">Whether its API keys are dead.</param>
/// <param name="Workspace">Its workspace.</param>
/// <param name="AccessMode">Who may write to it: one of <see cref="AccessModes"/>.</param>
/// <param name="Role">Role that it told, if any.</param>
/// <param name="Program">Program that it told, if any.</param>
/// <param name="Context">JSON object that it told, if any.</param>
/// <param name="FirstPublicKey">The key that its stable id comes from, once it has another one.</param>
/// <param name="SealedSeed">Its private seed, encrypted, when the server signs for it.</param>
/// <param name="SuccessorAgentId">Whom it named in its place when it retired.</param>
/// <param name="Rotations">Its changes of keys that others may still have to be told of, oldest first.</param>
/// <param name="ProjectRole">The role that it was given; null for none (<see cref="Project.RoleOf"/>).</param>
public sealed record Agent(
    string Id,
    string Alias,
    string HumanName,
    string AgentType,
    string Lifetime,
    string? Custody,
    string? Did,
    string? PublicKey,
    DateTimeOffset JoinedAt,
    string Status = AgentStatus.Active,
    DateTimeOffset? DeletedAt = null,
    bool KeysRevoked = false,
    WorkspaceLink? Workspace = null,
    string AccessMode = AccessModes.Open,
    string? Role = null,
    string? Program = null,
    string? Context = null,
    string? FirstPublicKey = null,
    string? SealedSeed = null,
    string? SuccessorAgentId = null,
    ImmutableList<Rotation>? Rotations = null,
    string? ProjectRole = null)
{
    /// <summary>The type of agents that speak for the server; lists leave them out (contract 4.2).</summary>
    public const string SystemType = "system";

    /// <summary>Whether it holds its alias.</summary>
    [JsonIgnore]
    public bool IsLiving => DeletedAt is null;

    /// <summary>Whether it has a workspace that was not deleted.</summary>
    [JsonIgnore]
    public bool HasActiveWorkspace => IsLiving && Workspace is not null;

    /// <summary>Whether it ends by deregistration; another one retires (protocol 6.6, 12.8).</summary>
    [JsonIgnore]
    public bool IsEphemeral => Lifetime == Lifetimes.Ephemeral;

    /// <summary>The id that comes from its first key and outlives it (protocol 12.1).</summary>
    [JsonIgnore]
    public string? StableId => (FirstPublicKey ?? PublicKey) is { } key ? Identities.StableId.Of(key) : null;

    /// <summary>Ended with its workspace: the alias is free and the keys are dead (contract 1.8).</summary>
    public Agent Ended(DateTimeOffset at) => this with
    {
        Status = AgentStatus.Deregistered,
        DeletedAt = at,
        KeysRevoked = true,
        Workspace = Workspace! with { ChangedAt = at },
    };

    /// <summary>Deregistered: its workspace ends with it and the alias is free, but its API keys still open the project (contract
    /// 1.8).</summary>
    public Agent Left(DateTimeOffset at) => this with
    {
        Status = AgentStatus.Deregistered,
        DeletedAt = at,
        SealedSeed = null,
        Workspace = Workspace is null ? null : Workspace with { ChangedAt = at },
    };

    /// <summary>Back with its workspace and its keys (contract 5.5, hardened).</summary>
    public Agent Revived(DateTimeOffset at) => this with
    {
        Status = SuccessorAgentId is null ? AgentStatus.Active : AgentStatus.Retired,
        DeletedAt = null,
        KeysRevoked = false,
        Workspace = Workspace! with { ChangedAt = at },
    };

    /// <summary>With a key of its own where it had none (protocol 12.3).</summary>
    public Agent Bound(IdentityClaimed e) => this with
    {
        Did = e.Did,
        PublicKey = e.PublicKey,
        Custody = Custodies.Self,
        Lifetime = Lifetimes.Persistent,
        FirstPublicKey = null,
        SealedSeed = null,
    };

    /// <summary>Without any key (protocol 12.3). What was announced of the old ones no longer leads to a key of its.</summary>
    public Agent Unbound() => this with
    {
        Did = null, PublicKey = null, Custody = null, FirstPublicKey = null, SealedSeed = null, Rotations = null,
    };

    /// <summary>With another key (protocol 12.7).</summary>
    public Agent Rotated(KeyRotated e) => this with
    {
        Did = e.NewDid,
        PublicKey = e.NewPublicKey,
        Custody = e.Custody,
        FirstPublicKey = FirstPublicKey ?? PublicKey,
        SealedSeed = e.SealedSeed,
        Rotations = [.. (Rotations ?? []).Where(rotation => rotation.IsNewsAt(e.At)), Rotation.Of(e)],
    };

    /// <summary>With a change of its key known to another agent.</summary>
    public Agent Acknowledged(RotationAcknowledged e) => this with
    {
        Rotations = Rotations?.ConvertAll(rotation => rotation.Id == e.RotationId
            ? rotation with { KnownTo = rotation.KnownTo.Add(e.ByAgentId) } : rotation),
    };

    /// <summary>What introspection and key checks need to know.</summary>
    /// <param name="projectRole">One of <see cref="ProjectRoles"/>.</param>
    public AgentIdentity Identity(string projectRole = ProjectRoles.Agent) => new(
        Id, Alias, HumanName, AgentType, AccessMode, Status, HasActiveWorkspace, KeysRevoked,
        SuccessorAgentId, Did, PublicKey, StableId, Custody, Lifetime, Role, Program, Context,
        projectRole);
}

/// <summary>An agent's workspace: on which repository it works, for ever. It lives and ends with its agent.</summary>
/// <param name="RepoId">The repository.</param>
/// <param name="ChangedAt">When it was opened, deleted or restored last.</param>
public sealed record WorkspaceLink(string RepoId, DateTimeOffset ChangedAt);
