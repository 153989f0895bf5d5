using Orleans;

namespace Beadhub.Projects;

/// <summary>A project came to be.</summary>
[GenerateSerializer, Immutable, Alias("project.created.v1")]
public sealed record ProjectCreated(
    [property: Id(0)] string ProjectId,
    [property: Id(1)] string Slug,
    [property: Id(2)] string Name,
    [property: Id(3)] DateTimeOffset At,
    [property: Id(4)] string? TenantId = null,
    [property: Id(5)] string? Visibility = null) : IEvent;

/// <summary>A project has another name or visibility; parts that are null stayed as they were.</summary>
[GenerateSerializer, Immutable, Alias("project.changed.v1")]
public sealed record ProjectChanged([property: Id(0)] string? Name, [property: Id(1)] string? Visibility,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A project was put aside: it is read, not changed, and nobody joins it.</summary>
[GenerateSerializer, Immutable, Alias("project.archived.v1")]
public sealed record ProjectArchived([property: Id(0)] DateTimeOffset At) : IEvent;

/// <summary>An archived project is in use again.</summary>
[GenerateSerializer, Immutable, Alias("project.unarchived.v1")]
public sealed record ProjectUnarchived([property: Id(0)] DateTimeOffset At) : IEvent;

/// <summary>An agent joined the project under an alias that no other living agent has.</summary>
[GenerateSerializer, Immutable, Alias("project.agent_joined.v1")]
public sealed record AgentJoined(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] string AgentType,
    [property: Id(4)] string Lifetime,
    [property: Id(5)] string Custody,
    [property: Id(6)] string? Did,
    [property: Id(7)] string? PublicKey,
    [property: Id(8)] DateTimeOffset At,
    [property: Id(9)] string? SealedSeed = null,
    [property: Id(10)] string? ProjectRole = null) : IEvent;

/// <summary>An agent has another role in its project.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="Role">One of <see cref="ProjectRoles"/>.</param>
/// <param name="ByAgentId">Who gave it; null for an administrator.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("project.role_given.v1")]
public sealed record RoleGiven([property: Id(0)] string AgentId, [property: Id(1)] string Role, [property: Id(2)] string? ByAgentId,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>A repository was added, taken up again, or is known by another URL now.</summary>
[GenerateSerializer, Immutable, Alias("project.repo_added.v1")]
public sealed record RepoAdded(
    [property: Id(0)] string RepoId,
    [property: Id(1)] string OriginUrl,
    [property: Id(2)] string CanonicalOrigin,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>A repository was deleted with all its workspaces, whose agents' keys died with it (contract 6.4).</summary>
[GenerateSerializer, Immutable, Alias("project.repo_removed.v1")]
public sealed record RepoRemoved([property: Id(0)] string RepoId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>An agent opened its workspace on a repository, or opened it again.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_opened.v1")]
public sealed record WorkspaceOpened(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string RepoId,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A workspace was deleted: its alias is free, its agent deregistered and the agent's keys dead (contract 5.4).</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_deleted.v1")]
public sealed record WorkspaceDeleted([property: Id(0)] string WorkspaceId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>The claims of a deleted workspace are all released.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_cleared.v1")]
public sealed record WorkspaceCleared([property: Id(0)] string WorkspaceId) : IEvent;

/// <summary>A deleted repository is no longer found by its origin.</summary>
[GenerateSerializer, Immutable, Alias("project.repo_cleared.v1")]
public sealed record RepoCleared([property: Id(0)] string RepoId) : IEvent;

/// <summary>A deleted workspace was restored with its agent and keys (contract 5.5).</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_restored.v1")]
public sealed record WorkspaceRestored([property: Id(0)] string WorkspaceId, [property: Id(1)] DateTimeOffset At) : IEvent;
