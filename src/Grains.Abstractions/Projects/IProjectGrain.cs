using System.Collections.Immutable;
using Beadhub.Workspaces;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Projects;

/// <summary>
/// A project: its name, repositories and roster (agents by alias, unique among the living, and their workspaces). Key: project id.
/// Lists of agents and workspaces, and the status, are read here because they span the roster.
/// </summary>
[Alias("beadhub.project")]
public interface IProjectGrain : IGrainWithStringKey
{
    /// <summary>Bootstraps an agent, and its workspace when a repository is given; always makes a new API key (contract 3).</summary>
    /// <exception cref="RefusedException">All prefixes are taken; the workspace belongs to another repository; the project is
    /// unknown. Forbidden: it exists, and the caller is a stranger.</exception>
    Task<AgentInitialized> Init(InitAgent command);

    /// <summary>Creates the project before anybody joins it.</summary>
    /// <exception cref="RefusedException">It is there already.</exception>
    Task<ProjectDetails> Create(CreateProject command);

    /// <summary>Changes name or visibility.</summary>
    Task<ProjectDetails> Change(ChangeProject command);

    /// <summary>Gives the project quotas of its own: null for the server's, 0 for none. Doing so twice changes nothing.</summary>
    /// <returns>The quotas in force.</returns>
    [Repeatable]
    Task<ProjectQuotas> SetQuotas(ProjectQuotas quotas);

    /// <summary>The quotas in force.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ProjectQuotas> Quotas();

    /// <summary>Puts the project aside, or takes it into use again. Doing so twice changes nothing.</summary>
    [Repeatable]
    Task<ProjectDetails> SetArchived(bool archived);

    /// <summary>The project as administrators see it; null when no such project was ever created.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ProjectDetails?> Details();

    /// <summary>Makes another API key for a living agent.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="expiresAt">When the key ends by itself; null for never.</param>
    Task<KeyMade> MakeKey(string agentId, DateTimeOffset? expiresAt);

    /// <summary>Gives a living agent a role.</summary>
    /// <exception cref="RefusedException">The project would be left without anybody who leads it.</exception>
    [Repeatable]
    Task<AgentRole> GiveRole(GiveRole command);

    /// <summary>The roles of the living agents, by alias.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<AgentRole>> RolesOfAgents();

    /// <summary>
    /// Whether an agent that leads nothing may delete another's workspace: it was left behind on the agent's own host, and shows no sign of
    /// life. Command lines clear such workspaces away as they find their folders gone. True also for what is no living workspace.
    /// </summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<bool> IsLeftBehind(string workspaceId, string byAgentId);

    /// <summary>Changes what a workspace tells of itself (requirements, API surface).</summary>
    /// <exception cref="RefusedException">The workspace is unknown or was deleted.</exception>
    [Repeatable]
    Task<Profile> ChangeWorkspace(string workspaceId, ProfilePatch patch);

    /// <summary>Opens the agent's workspace on a repository (contract 5.2).</summary>
    Task<WorkspaceRegistered> Register(RegisterWorkspace command);

    /// <summary>Takes a workspace's sign of life with its profile; opens the workspace when it has none yet (contract 5.3).</summary>
    [Repeatable]
    Task Heartbeat(HeartbeatWorkspace command);

    /// <summary>Admits a workspace to <c>command</c> and <c>sync</c>: it must exist; a given role or human name is kept (contract
    /// 8.2).</summary>
    /// <exception cref="RefusedException">The workspace is unknown or was deleted.</exception>
    [Repeatable, AlwaysInterleave]
    Task<WorkspaceEntered> Enter(EnterWorkspace command);

    /// <summary>Registers presence for a workspace (contract 4.3). Leaves no event.</summary>
    [Repeatable, AlwaysInterleave]
    Task<PresenceRegistered> RegisterPresence(RegisterPresence command);

    /// <summary>Refreshes an agent's presence (protocol 6.2). Leaves no event.</summary>
    [Repeatable, AlwaysInterleave]
    Task<AgentSeen> AgentHeartbeat(string agentId);

    /// <summary>Deletes a workspace: releases its claims, frees its alias, ends its agent and keys (contract 5.4).</summary>
    Task<WorkspaceEnded> DeleteWorkspace(string workspaceId);

    /// <summary>Restores a deleted workspace with its agent and keys (contract 5.5).</summary>
    Task<WorkspaceEnded> RestoreWorkspace(string workspaceId);

    /// <summary>Changes what an agent tells of itself (protocol 6.4).</summary>
    Task<AgentIdentity> ChangeAgent(ChangeAgent command);

    /// <summary>Ends an ephemeral agent with its workspace and claims; its API keys still open the project (protocol 6.6).</summary>
    Task Deregister(string agentId);

    /// <summary>Gives an agent without a key one that it keeps itself (protocol 12.3).</summary>
    Task<AgentIdentity> ClaimIdentity(ClaimIdentity command);

    /// <summary>Takes an agent's key away (protocol 12.3).</summary>
    Task<AgentIdentity> ResetIdentity(string agentId);

    /// <summary>Changes an agent's key (protocol 12.7).</summary>
    Task<KeyRotation> RotateKey(RotateKey command);

    /// <summary>Retires a persistent agent (protocol 12.8).</summary>
    Task<AgentIdentity> Retire(RetireAgent command);

    /// <summary>Notes that an agent, by writing to another, shows that it knows the earliest change of key it was told of (protocol
    /// 12.7).</summary>
    [Repeatable, AlwaysInterleave]
    Task AcknowledgeRotation(string ofAgentId, string byAgentId);

    /// <summary>The changes of key that an agent is told of with its mail: of each sender the earliest that is news to it (protocol 12.7).
    /// Usually none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<RotationNotice>> RotationsFor(string agentId);

    /// <summary>Whom a mail is for and what its sender must know to send it, in one answer (protocol 7.1).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<Addressed> Address(AddressMail mail);

    /// <summary>Adds a repository or finds it (contract 6.2).</summary>
    /// <param name="origin">The repository.</param>
    /// <param name="freshRepoId">Its id when it is new. A repository that has it already was made by the same request.</param>
    [Repeatable]
    Task<RepoEnsured> EnsureRepo(Origin origin, string freshRepoId);

    /// <summary>Deletes a repository with its workspaces (contract 6.4).</summary>
    Task<RepoDeleted> DeleteRepo(string repoId);

    /// <summary>Id, slug and name; null when no such project was ever created.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ProjectView?> Describe();

    /// <summary>The next free name prefix (contract 2.3); null when all are taken.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> SuggestPrefix();

    /// <summary>A repository by canonical origin, unless deleted.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<RepoView?> FindRepo(string canonicalOrigin);

    /// <summary>Ids of the active workspaces on a repository; none when it is unknown.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableHashSet<string>> WorkspacesOn(string repoId);

    /// <summary>What the door must know of a caller that speaks for an agent, or (null) for the project alone.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<Standing> Standing(string? agentId);

    /// <summary>An agent, soft-deleted ones included; null when the project never had it.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<AgentIdentity?> Agent(string agentId);

    /// <summary>The living agents with these aliases, in their order; null where nobody has the alias.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<AgentIdentity?>> Named(ImmutableArray<string> aliases);

    /// <summary>Living agents with their presence, by alias (contract 4.2).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<AgentList> Agents();

    /// <summary>A page of workspaces (contract 5.7).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<WorkspacePage> Workspaces(WorkspaceQuery query);

    /// <summary>The workspaces that matter most to a team member (contract 5.8).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<WorkspacePage> Team(TeamQuery query);

    /// <summary>Workspaces that are present (contract 5.9).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<WorkspacePage> Online(string? humanName);

    /// <summary>A page of repositories (contract 6.3).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<RepoPage> Repos(RepoQuery query);

    /// <summary>Who is there and works on what (contract 13). The same object is returned while nothing that it shows has
    /// changed.</summary>
    /// <exception cref="RefusedException">The workspace is not an active one of the project.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<StatusView> Status(StatusQuery query);

    /// <summary>Which workspaces' events a stream shows (contract 14).</summary>
    /// <exception cref="RefusedException">The workspace is unknown, or the filter matches none.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<StreamScope> Scope(ScopeQuery query);
}

/// <summary>A git remote and the canonical form of it (contract 2.1).</summary>
[GenerateSerializer, Immutable, Alias("project.origin.v1")]
public sealed record Origin([property: Id(0)] string Url, [property: Id(1)] string Canonical);

/// <summary>Bootstraps an agent. Texts are trimmed and checked.</summary>
/// <param name="Slug">Slug for a project that does not exist yet; null when the project must exist.</param>
/// <param name="ProjectName">Name for a project that does not exist yet; empty means the slug.</param>
/// <param name="Alias">Alias, or null to allot one.</param>
/// <param name="HumanName">Human name; may be empty.</param>
/// <param name="AgentType">Usually <c>agent</c>.</param>
/// <param name="Lifetime"><c>ephemeral</c> or <c>persistent</c>.</param>
/// <param name="Origin">Repository to open a workspace on, or null for an identity alone.</param>
/// <param name="Role">Role, normalised.</param>
/// <param name="Hostname">Host name; empty means none.</param>
/// <param name="WorkspacePath">Folder; empty means none.</param>
/// <param name="Custody"><c>self</c> or <c>custodial</c>; null for what fits the key (protocol 12.2).</param>
/// <param name="Did">The agent's own did:key, or null.</param>
/// <param name="PublicKey">Its public key, or null.</param>
/// <param name="TenantId">The tenant that a gateway has signed for: a new project comes under it, an existing one must be of it. Null when
/// none has.</param>
/// <param name="EndOldKeys">Whether the agent's keys that were made before end.</param>
/// <param name="IsStranger">Whether nobody has let the caller in: then the project must not exist yet.</param>
/// <param name="Sponsor">The agent by whose key or invite the caller comes: unless it leads, it gives nobody another agent's alias. Null
/// for who needs none.</param>
[GenerateSerializer, Immutable, Alias("project.init.v1")]
public sealed record InitAgent(
    [property: Id(0)] string? Slug,
    [property: Id(1)] string ProjectName,
    [property: Id(2)] string? Alias,
    [property: Id(3)] string HumanName,
    [property: Id(4)] string AgentType,
    [property: Id(5)] string Lifetime,
    [property: Id(6)] Origin? Origin,
    [property: Id(7)] string Role,
    [property: Id(8)] string Hostname,
    [property: Id(9)] string WorkspacePath,
    [property: Id(10)] string? Custody = null,
    [property: Id(11)] string? Did = null,
    [property: Id(12)] string? PublicKey = null,
    [property: Id(13)] string? TenantId = null,
    [property: Id(14)] bool EndOldKeys = false,
    [property: Id(15)] bool IsStranger = false,
    [property: Id(16)] string? Sponsor = null);

/// <summary>A bootstrapped agent (contract 3.3). The API key is shown here and never again.</summary>
[GenerateSerializer, Immutable, Alias("project.initialized.v1")]
public sealed record AgentInitialized(
    [property: Id(0)] DateTimeOffset CreatedAt,
    [property: Id(1)] string ApiKey,
    [property: Id(2)] string ProjectId,
    [property: Id(3)] string ProjectSlug,
    [property: Id(4)] string AgentId,
    [property: Id(5)] string? RepoId,
    [property: Id(6)] string? CanonicalOrigin,
    [property: Id(7)] string? WorkspaceId,
    [property: Id(8)] string Alias,
    [property: Id(9)] bool Created,
    [property: Id(10)] bool WorkspaceCreated,
    [property: Id(11)] string? Did,
    [property: Id(12)] string? Custody,
    [property: Id(13)] string Lifetime,
    [property: Id(14)] string? StableId);

/// <summary>Opens a workspace for an agent; parts that are null are cleared.</summary>
[GenerateSerializer, Immutable, Alias("project.register.v1")]
public sealed record RegisterWorkspace(
    [property: Id(0)] string AgentId,
    [property: Id(1)] Origin Origin,
    [property: Id(2)] string? Role,
    [property: Id(3)] string? Hostname,
    [property: Id(4)] string? WorkspacePath);

/// <summary>A registered workspace (contract 5.2).</summary>
[GenerateSerializer, Immutable, Alias("project.registered.v1")]
public sealed record WorkspaceRegistered(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string ProjectId,
    [property: Id(2)] string ProjectSlug,
    [property: Id(3)] string RepoId,
    [property: Id(4)] string CanonicalOrigin,
    [property: Id(5)] string Alias,
    [property: Id(6)] string HumanName,
    [property: Id(7)] bool Created);

/// <summary>A workspace's sign of life.</summary>
[GenerateSerializer, Immutable, Alias("project.heartbeat.v1")]
public sealed record HeartbeatWorkspace(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] Origin Origin,
    [property: Id(3)] ProfilePatch Profile);

/// <summary>A workspace is about to run a command or to sync.</summary>
/// <param name="WorkspaceId">Workspace.</param>
/// <param name="HumanName">Human name as sent; empty keeps the stored one.</param>
/// <param name="Role">Role as sent, not normalised; null keeps the stored one.</param>
[GenerateSerializer, Immutable, Alias("project.enter.v1")]
public sealed record EnterWorkspace([property: Id(0)] string WorkspaceId, [property: Id(1)] string HumanName,
    [property: Id(2)] string? Role);

/// <summary>A workspace that was admitted.</summary>
/// <param name="WorkspaceId">Workspace.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
[GenerateSerializer, Immutable, Alias("project.entered.v1")]
public sealed record WorkspaceEntered([property: Id(0)] string WorkspaceId, [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName);

/// <summary>Presence as an agent reports it.</summary>
/// <param name="WorkspaceId">Workspace.</param>
/// <param name="ActingAgentId">Agent that the key speaks for; must be the workspace when given (contract 1.5: checked after
/// existence).</param>
/// <param name="HumanName">Human name, or null for the stored one.</param>
/// <param name="Program">Program, or null.</param>
/// <param name="Model">Model, or null.</param>
/// <param name="Repo">Canonical origin, or null.</param>
/// <param name="Branch">Branch, or null.</param>
/// <param name="Role">Role, normalised, or null for the stored one.</param>
/// <param name="TtlSeconds">Time to live, 1 to 86,400 seconds, or null for the setting.</param>
[GenerateSerializer, Immutable, Alias("project.register_presence.v1")]
public sealed record RegisterPresence(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string? ActingAgentId,
    [property: Id(2)] string? HumanName,
    [property: Id(3)] string? Program,
    [property: Id(4)] string? Model,
    [property: Id(5)] string? Repo,
    [property: Id(6)] string? Branch,
    [property: Id(7)] string? Role,
    [property: Id(8)] int? TtlSeconds);

/// <summary>Registered presence: alias and slug are the stored ones.</summary>
[GenerateSerializer, Immutable, Alias("project.presence_registered.v1")]
public sealed record PresenceRegistered(
    [property: Id(0)] string Alias,
    [property: Id(1)] string? HumanName,
    [property: Id(2)] string ProjectSlug,
    [property: Id(3)] string? Role,
    [property: Id(4)] DateTimeOffset RegisteredAt);

/// <summary>An agent was seen.</summary>
[GenerateSerializer, Immutable, Alias("project.agent_seen.v1")]
public sealed record AgentSeen([property: Id(0)] string AgentId, [property: Id(1)] DateTimeOffset LastSeen,
    [property: Id(2)] int TtlSeconds);

/// <summary>A workspace was deleted or restored at that time.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_ended.v1")]
public sealed record WorkspaceEnded([property: Id(0)] string WorkspaceId, [property: Id(1)] string Alias,
    [property: Id(2)] DateTimeOffset At);

/// <summary>A repository was found or added.</summary>
[GenerateSerializer, Immutable, Alias("project.repo_ensured.v1")]
public sealed record RepoEnsured(
    [property: Id(0)] string RepoId,
    [property: Id(1)] string CanonicalOrigin,
    [property: Id(2)] string Name,
    [property: Id(3)] bool Created);

/// <summary>A repository was deleted, and how much with it.</summary>
[GenerateSerializer, Immutable, Alias("project.repo_deleted.v1")]
public sealed record RepoDeleted(
    [property: Id(0)] string Id,
    [property: Id(1)] int WorkspacesDeleted,
    [property: Id(2)] int ClaimsDeleted,
    [property: Id(3)] int PresenceCleared);
