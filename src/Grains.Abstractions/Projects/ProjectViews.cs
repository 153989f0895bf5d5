using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Orleans;

namespace Beadhub.Projects;

/// <summary>A project.</summary>
[GenerateSerializer, Immutable, Alias("project.view.v1")]
public sealed record ProjectView([property: Id(0)] string ProjectId, [property: Id(1)] string Slug, [property: Id(2)] string Name);

/// <summary>A repository of a project (contract 6.3).</summary>
[GenerateSerializer, Immutable, Alias("project.repo.v1")]
public sealed record RepoView(
    [property: Id(0)] string Id,
    [property: Id(1)] string ProjectId,
    [property: Id(2)] string CanonicalOrigin,
    [property: Id(3)] string Name,
    [property: Id(4)] DateTimeOffset CreatedAt,
    [property: Id(5)] int WorkspaceCount);

/// <summary>Which repositories to list: a page after (created_at, id).</summary>
[GenerateSerializer, Immutable, Alias("project.repo_query.v1")]
public sealed record RepoQuery([property: Id(0)] int Limit, [property: Id(1)] DateTimeOffset? AfterCreatedAt,
    [property: Id(2)] string? AfterId);

/// <summary>A page of repositories, oldest first.</summary>
[GenerateSerializer, Immutable, Alias("project.repo_page.v1")]
public sealed record RepoPage([property: Id(0)] ImmutableArray<RepoView> Repos, [property: Id(1)] bool HasMore);

/// <summary>An agent's identity for introspection and full-identity checks (contract 1.6, protocol 5.2).</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="Alias">Alias.</param>
/// <param name="HumanName">Human name; may be empty.</param>
/// <param name="AgentType">Type.</param>
/// <param name="AccessMode"><c>open</c> or <c>contacts_only</c>.</param>
/// <param name="Status"><c>active</c>, <c>retired</c> or <c>deregistered</c>.</param>
/// <param name="HasWorkspace">Whether it has an active workspace.</param>
/// <param name="KeysRevoked">Whether its keys are dead.</param>
/// <param name="SuccessorAgentId">Whom a retired agent named in its place.</param>
/// <param name="Did">Its <c>did:key</c>; null while it has none.</param>
/// <param name="PublicKey">Its public key, base64url.</param>
/// <param name="StableId">The id that outlives its keys (protocol 12.1).</param>
/// <param name="Custody"><c>self</c>, <c>custodial</c>, or null while it has no key.</param>
/// <param name="Lifetime"><c>ephemeral</c> or <c>persistent</c>.</param>
/// <param name="Role">Role that it told, if any.</param>
/// <param name="Program">Program that it told, if any.</param>
/// <param name="Context">JSON object that it told, if any.</param>
/// <param name="ProjectRole">One of <see cref="ProjectRoles"/>.</param>
[GenerateSerializer, Immutable, Alias("project.agent_identity.v1")]
public sealed record AgentIdentity(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] string AgentType,
    [property: Id(4)] string AccessMode,
    [property: Id(5)] string Status,
    [property: Id(6)] bool HasWorkspace,
    [property: Id(7)] bool KeysRevoked,
    [property: Id(8)] string? SuccessorAgentId = null,
    [property: Id(9)] string? Did = null,
    [property: Id(10)] string? PublicKey = null,
    [property: Id(11)] string? StableId = null,
    [property: Id(12)] string? Custody = null,
    [property: Id(13)] string Lifetime = "ephemeral",
    [property: Id(14)] string? Role = null,
    [property: Id(15)] string? Program = null,
    [property: Id(16)] string? Context = null,
    [property: Id(17)] string ProjectRole = ProjectRoles.Agent)
{
    /// <summary>Whether the agent holds its alias: it was not deleted.</summary>
    public bool IsLiving => Status != AgentStatus.Deregistered;

    /// <summary>Whether it has retired: it keeps alias and key, but takes no mail (protocol 12.8).</summary>
    public bool IsRetired => Status == AgentStatus.Retired;
}

/// <summary>An agent in the list (contract 4.2).</summary>
[GenerateSerializer, Immutable, Alias("project.agent.v1")]
public sealed record AgentView(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string? HumanName,
    [property: Id(3)] string? AgentType,
    [property: Id(4)] string Status,
    [property: Id(5)] DateTimeOffset? LastSeen,
    [property: Id(6)] bool Online,
    [property: Id(7)] string? Did,
    [property: Id(8)] string? Custody,
    [property: Id(9)] string Lifetime,
    [property: Id(10)] string IdentityStatus,
    [property: Id(11)] string AccessMode,
    [property: Id(12)] string? Role,
    [property: Id(13)] string? Program,
    [property: Id(14), JsonConverter(typeof(RawJson))] string? Context);

/// <summary>The agents of a project.</summary>
[GenerateSerializer, Immutable, Alias("project.agents.v1")]
public sealed record AgentList([property: Id(0)] string ProjectId, [property: Id(1)] ImmutableArray<AgentView> Agents);

/// <summary>A workspace as lists show it (contract 5.6).</summary>
[GenerateSerializer, Immutable, Alias("project.workspace.v1")]
public sealed record WorkspaceView
{
    /// <summary>Workspace id, which is the agent id.</summary>
    [Id(0)] public required string WorkspaceId { get; init; }

    /// <summary>Alias.</summary>
    [Id(1)] public required string Alias { get; init; }

    /// <summary>Human name; may be empty.</summary>
    [Id(2)] public string? HumanName { get; init; }

    /// <summary>Project.</summary>
    [Id(3)] public string? ProjectId { get; init; }

    /// <summary>Slug of the project.</summary>
    [Id(4)] public string? ProjectSlug { get; init; }

    /// <summary>Program, from presence.</summary>
    [Id(5)] public string? Program { get; init; }

    /// <summary>Model, from presence.</summary>
    [Id(6)] public string? Model { get; init; }

    /// <summary>Canonical origin; null when the repository was deleted.</summary>
    [Id(7)] public string? Repo { get; init; }

    /// <summary>Branch, from presence, else as last told.</summary>
    [Id(8)] public string? Branch { get; init; }

    /// <summary>Member's e-mail, from presence.</summary>
    [Id(9)] public string? MemberEmail { get; init; }

    /// <summary>Role.</summary>
    [Id(10)] public string? Role { get; init; }

    /// <summary>Host name.</summary>
    [Id(11)] public string? Hostname { get; init; }

    /// <summary>Folder on that host.</summary>
    [Id(12)] public string? WorkspacePath { get; init; }

    /// <summary>Apex of the newest claim.</summary>
    [Id(13)] public string? ApexId { get; init; }

    /// <summary>Its title.</summary>
    [Id(14)] public string? ApexTitle { get; init; }

    /// <summary>Its issue type.</summary>
    [Id(15)] public string? ApexType { get; init; }

    /// <summary>What the workspace focuses on (contract 9.4).</summary>
    [Id(16)] public string? FocusApexId { get; init; }

    /// <summary>Its title.</summary>
    [Id(17)] public string? FocusApexTitle { get; init; }

    /// <summary>Its issue type.</summary>
    [Id(18)] public string? FocusApexType { get; init; }

    /// <summary>Its repository.</summary>
    [Id(19)] public string? FocusApexRepoName { get; init; }

    /// <summary>Its branch.</summary>
    [Id(20)] public string? FocusApexBranch { get; init; }

    /// <summary>When the focus last changed.</summary>
    [Id(21)] public DateTimeOffset? FocusUpdatedAt { get; init; }

    /// <summary><c>active</c>, or <c>offline</c> without presence.</summary>
    [Id(22)] public required string Status { get; init; }

    /// <summary>Last sign of life.</summary>
    [Id(23)] public DateTimeOffset? LastSeen { get; init; }

    /// <summary>When it was deleted.</summary>
    [Id(24)] public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Its claims, newest first; empty unless asked for.</summary>
    [Id(25)] public ImmutableArray<WorkspaceClaim> Claims { get; init; } = [];
}

/// <summary>A claim in a workspace list.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_claim.v1")]
public sealed record WorkspaceClaim(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string? Title,
    [property: Id(2)] DateTimeOffset ClaimedAt,
    [property: Id(3)] string? ApexId,
    [property: Id(4)] string? ApexTitle,
    [property: Id(5)] string? ApexType);

/// <summary>Which workspaces to list; null parts do not filter (contract 5.7).</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_query.v1")]
public sealed record WorkspaceQuery(
    [property: Id(0)] string? WorkspaceId,
    [property: Id(1)] string? HumanName,
    [property: Id(2)] string? Repo,
    [property: Id(3)] string? Alias,
    [property: Id(4)] string? Hostname,
    [property: Id(5)] bool IncludeDeleted,
    [property: Id(6)] bool IncludeClaims,
    [property: Id(7)] bool IncludePresence,
    [property: Id(8)] int Limit,
    [property: Id(9)] WorkspaceCursor? After);

/// <summary>Sort key of a workspace: last updated first; the id breaks ties and is null in cursors that clients kept from
/// elsewhere.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_cursor.v1")]
public sealed record WorkspaceCursor([property: Id(0)] DateTimeOffset UpdatedAt, [property: Id(1)] string? WorkspaceId);

/// <summary>A page of workspaces.</summary>
[GenerateSerializer, Immutable, Alias("project.workspace_page.v1")]
public sealed record WorkspacePage([property: Id(0)] ImmutableArray<WorkspaceView> Workspaces, [property: Id(1)] WorkspaceCursor? Next);

/// <summary>Which team members to list (contract 5.8).</summary>
[GenerateSerializer, Immutable, Alias("project.team_query.v1")]
public sealed record TeamQuery(
    [property: Id(0)] string? HumanName,
    [property: Id(1)] string? Repo,
    [property: Id(2)] bool IncludeClaims,
    [property: Id(3)] bool IncludePresence,
    [property: Id(4)] bool OnlyWithClaims,
    [property: Id(5)] string? AlwaysIncludeWorkspaceId,
    [property: Id(6)] int Limit);

/// <summary>Scope of a status: one workspace, one repository, or (both null) the project (contract 13).</summary>
[GenerateSerializer, Immutable, Alias("project.status_query.v1")]
public sealed record StatusQuery([property: Id(0)] string? WorkspaceId, [property: Id(1)] string? RepoId);

/// <summary>Who is there and works on what (contract 13); the time stamp is the gateway's.</summary>
[GenerateSerializer, Immutable, Alias("project.status.v1")]
public sealed record StatusView(
    [property: Id(0)] StatusScope Workspace,
    [property: Id(1)] ImmutableArray<StatusAgent> Agents,
    [property: Id(2)] ImmutableArray<StatusClaim> Claims,
    [property: Id(3)] ImmutableArray<StatusConflict> Conflicts,
    [property: Id(4)] int EscalationsPending);

/// <summary>What a status covers; the parts that do not apply are left out of the answer.</summary>
[GenerateSerializer, Immutable, Alias("project.status_scope.v1")]
public sealed record StatusScope(
    [property: Id(0), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? WorkspaceId,
    [property: Id(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RepoId,
    [property: Id(2)] string ProjectId,
    [property: Id(3)] string ProjectSlug,
    [property: Id(4), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? WorkspaceCount);

/// <summary>An agent that is present.</summary>
[GenerateSerializer, Immutable, Alias("project.status_agent.v1")]
public sealed record StatusAgent(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string? Member,
    [property: Id(3)] string? HumanName,
    [property: Id(4)] string? Program,
    [property: Id(5)] string? Role,
    [property: Id(6)] string Status,
    [property: Id(7)] string? CurrentBranch,
    [property: Id(8)] string? CanonicalOrigin,
    [property: Id(9)] string? Timezone,
    [property: Id(10)] string? CurrentIssue,
    [property: Id(11)] DateTimeOffset LastSeen);

/// <summary>A claim in a status.</summary>
[GenerateSerializer, Immutable, Alias("project.status_claim.v1")]
public sealed record StatusClaim(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string HumanName,
    [property: Id(4)] DateTimeOffset ClaimedAt,
    [property: Id(5)] int ClaimantCount,
    [property: Id(6)] string? Title,
    [property: Id(7)] string ProjectId);

/// <summary>A bead with more than one claimant.</summary>
[GenerateSerializer, Immutable, Alias("project.status_conflict.v1")]
public sealed record StatusConflict([property: Id(0)] string BeadId, [property: Id(1)] ImmutableArray<StatusClaimant> Claimants);

/// <summary>One of several claimants.</summary>
[GenerateSerializer, Immutable, Alias("project.status_claimant.v1")]
public sealed record StatusClaimant([property: Id(0)] string Alias, [property: Id(1)] string HumanName,
    [property: Id(2)] string WorkspaceId);

/// <summary>Which workspaces' events to show; the first part that is not null decides.</summary>
[GenerateSerializer, Immutable, Alias("project.scope_query.v1")]
public sealed record ScopeQuery([property: Id(0)] string? WorkspaceId, [property: Id(1)] string? Repo, [property: Id(2)] string? HumanName,
    [property: Id(3)] int Limit);

/// <summary>Workspaces whose events a stream shows; null for the whole project, those to come included.</summary>
[GenerateSerializer, Immutable, Alias("project.scope.v1")]
public sealed record StreamScope([property: Id(0)] string ProjectSlug, [property: Id(1)] ImmutableHashSet<string>? WorkspaceIds);
