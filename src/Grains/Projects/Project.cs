using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Projects;

/// <summary>
/// A project: name, repositories and roster, in one stream because aliases, repository links, deletion and restoration are
/// decided across entries and must be all or nothing. Decisions are in <see cref="ProjectDecisions"/>.
/// </summary>
/// <param name="Id">Project id; empty while the project was never created.</param>
/// <param name="Slug">Slug.</param>
/// <param name="Name">Name.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Repos">Repositories by id, the deleted ones included.</param>
/// <param name="Roster">Agents.</param>
/// <param name="UnclearedWorkspaces">Deleted workspaces whose claims and presence may still be there.</param>
/// <param name="UnclearedRepos">Deleted repositories that may still be found by their origin.</param>
/// <param name="RotatedAgents">Agents of whose change of key others may have to be told; null for none.</param>
/// <param name="TenantId">Tenant, or null.</param>
/// <param name="Visibility">One of <see cref="Visibilities"/>; null while nobody has decided.</param>
/// <param name="ArchivedAt">Since when it is only read; null while it is in use.</param>
/// <param name="HasRoles">Whether anybody was given a role here: a project of a version without roles has none.</param>
/// <param name="Quotas">Its own quotas: null parts for the server's, 0 for none; null while nobody has set any.</param>
public sealed record Project(
    string Id,
    string Slug,
    string Name,
    DateTimeOffset CreatedAt,
    ImmutableDictionary<string, Repo> Repos,
    Roster Roster,
    ImmutableHashSet<string> UnclearedWorkspaces,
    ImmutableHashSet<string> UnclearedRepos,
    ImmutableHashSet<string>? RotatedAgents = null,
    string? TenantId = null,
    string? Visibility = null,
    DateTimeOffset? ArchivedAt = null,
    bool HasRoles = false,
    ProjectQuotas? Quotas = null) : IEventSourced<Project>
{
    /// <inheritdoc/>
    public static Project Empty { get; } = new("", "", "", default, ImmutableDictionary<string, Repo>.Empty, Roster.Empty, [], []);

    /// <inheritdoc/>
    public static StreamKind<Project> Kind { get; } = new("project", ProjectJson.Default.Project, SnapshotEvery: 64, key => key)
    {
        // 2: agents have roles. 3: a project may have quotas of its own.
        Fold = 3,
    };

    /// <summary>Whether it was ever created.</summary>
    [JsonIgnore]
    public bool Exists => Id.Length > 0;

    /// <summary>Whether something deleted is still to be cleared away.</summary>
    [JsonIgnore]
    public bool NeedsClearing => !UnclearedWorkspaces.IsEmpty || !UnclearedRepos.IsEmpty;

    /// <summary>The repository with a canonical origin, deleted or not.</summary>
    public Repo? RepoOf(string canonicalOrigin) => Repos.Values.FirstOrDefault(repo => repo.CanonicalOrigin == canonicalOrigin);

    /// <summary>The repository that an agent's workspace is on, unless it was deleted.</summary>
    public Repo? LivingRepoOf(Agent agent) =>
        agent.Workspace is { } link && Repos.TryGetValue(link.RepoId, out var repo) && repo.IsLiving ? repo : null;

    /// <summary>The agents with an active workspace on a repository.</summary>
    public IEnumerable<Agent> WorkspacesOn(string repoId) => Roster.Living.Where(agent => agent.Workspace?.RepoId == repoId);

    /// <summary>
    /// The role of an agent, one of <see cref="ProjectRoles"/>. While nobody was given one, all lead, as all could do everything in a
    /// project before there were roles.
    /// </summary>
    public string RoleOf(Agent agent) => !HasRoles ? ProjectRoles.Lead : agent.ProjectRole ?? ProjectRoles.Agent;

    /// <summary>How a caller stands here that speaks for an agent, or (null) for the project alone.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="everybody">The server's quotas.</param>
    public Standing StandingOf(AgentIdentity? agent, ProjectQuotas everybody) =>
        new(Exists ? Slug : null, agent, ArchivedAt is not null, Visibility == Visibilities.Private, TenantId,
            everybody.With(Quotas) is { LimitsAnything: true } quotas ? quotas : null);

    /// <summary>As administrators see it; null when it was never created.</summary>
    public ProjectDetails? Details() =>
        Exists ? new(Id, Slug, Name, TenantId, Visibility, CreatedAt, ArchivedAt, Roster.Living.Count(),
            Repos.Values.Count(repo => repo.IsLiving)) : null;

    /// <inheritdoc/>
    public Project Apply(IEvent @event) => @event switch
    {
        ProjectCreated e =>
            this with { Id = e.ProjectId, Slug = e.Slug, Name = e.Name, CreatedAt = e.At, TenantId = e.TenantId,
            Visibility = e.Visibility },
        ProjectChanged e => this with { Name = e.Name ?? Name, Visibility = e.Visibility ?? Visibility },
        ProjectQuotasSet e => this with { Quotas = e.Quotas },
        ProjectArchived e => this with { ArchivedAt = e.At },
        ProjectUnarchived => this with { ArchivedAt = null },
        AgentJoined e => this with
        {
            Roster = Roster
                .With(new(e.AgentId, e.Alias, e.HumanName, e.AgentType, e.Lifetime, e.Custody, e.Did, e.PublicKey, e.At,
                SealedSeed: e.SealedSeed, ProjectRole: e.ProjectRole)),
            HasRoles = HasRoles || e.ProjectRole is not null,
        },
        RoleGiven e => With(e.AgentId, agent => agent with { ProjectRole = e.Role }) with { HasRoles = true },
        AgentChanged e => With(e.AgentId, agent => agent with
        {
            AccessMode = e.AccessMode ?? agent.AccessMode, Role = e.Role ?? agent.Role, Program = e.Program ?? agent.Program,
                Context = e.Context ?? agent.Context,
        }),
        AgentDeregistered e => With(e.AgentId, agent => agent.Left(e.At)) with { UnclearedWorkspaces = UnclearedWorkspaces.Add(e.AgentId) },
        AgentRetired e => With(e.AgentId, agent => agent with { Status = AgentStatus.Retired, SuccessorAgentId = e.SuccessorAgentId }),
        IdentityClaimed e => With(e.AgentId, agent => agent.Bound(e)),
        IdentityReset e => With(e.AgentId, agent => agent.Unbound()) with { RotatedAgents = (RotatedAgents ?? []).Remove(e.AgentId) },
        KeyRotated e => With(e.AgentId, agent => agent.Rotated(e)) with { RotatedAgents = (RotatedAgents ?? []).Add(e.AgentId) },
        RotationAcknowledged e => With(e.AgentId, agent => agent.Acknowledged(e)),
        RepoAdded e => this with { Repos = Repos.SetItem(e.RepoId, TakenUp(e)), UnclearedRepos = UnclearedRepos.Remove(e.RepoId) },
        RepoRemoved e => Removed(e),
        RepoCleared e => this with { UnclearedRepos = UnclearedRepos.Remove(e.RepoId) },
        WorkspaceOpened e => this with { Roster = Roster.With(Roster.Agents[e.WorkspaceId] with { Workspace = new(e.RepoId, e.At) }) },
        WorkspaceDeleted e => Ended(Roster.Agents[e.WorkspaceId], e.At),
        WorkspaceCleared e => this with { UnclearedWorkspaces = UnclearedWorkspaces.Remove(e.WorkspaceId) },
        WorkspaceRestored e => this with
        {
            Roster = Roster.With(Roster.Agents[e.WorkspaceId].Revived(e.At)),
            UnclearedWorkspaces = UnclearedWorkspaces.Remove(e.WorkspaceId),
        },
        _ => this,
    };

    private Project With(string agentId, Func<Agent, Agent> change) => this with { Roster = Roster.With(change(Roster.Agents[agentId])) };

    private Repo TakenUp(RepoAdded e) => Repos.TryGetValue(e.RepoId, out var known)
        ? known with { OriginUrl = e.OriginUrl, TakenUpAt = e.At, DeletedAt = null }
        : new(e.RepoId, e.OriginUrl, e.CanonicalOrigin, Repo.NameOf(e.CanonicalOrigin), CreatedAt: e.At, TakenUpAt: e.At);

    private Project Removed(RepoRemoved e) => WorkspacesOn(e.RepoId).Aggregate(
        this with { Repos = Repos.SetItem(e.RepoId, Repos[e.RepoId] with { DeletedAt = e.At }),
            UnclearedRepos = UnclearedRepos.Add(e.RepoId) },
        (project, agent) => project.Ended(agent, e.At));

    private Project Ended(Agent agent, DateTimeOffset at) =>
        this with { Roster = Roster.With(agent.Ended(at)), UnclearedWorkspaces = UnclearedWorkspaces.Add(agent.Id) };
}

/// <summary>JSON of the snapshots of projects.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Project))]
internal sealed partial class ProjectJson : JsonSerializerContext;
