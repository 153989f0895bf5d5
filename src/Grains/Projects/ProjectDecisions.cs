using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>What a project decides on commands. Pure: the time and fresh ids are arguments. A refusal changes nothing.</summary>
internal static class ProjectDecisions
{
    // The notifier writes as `system` (contract 12.4), and `me` names the caller in the protocol's paths (protocol 1.5).
    private static readonly ImmutableArray<string> ReservedAliases = ["system", "me"];

    /// <summary>Creates a project that nobody has joined yet.</summary>
    public static Decision<ProjectDetails> Create(this Project project, string projectId, CreateProject command, DateTimeOffset now)
    {
        if (project.Exists) throw new RefusedException(RefusalKind.Conflict, $"There is a project '{project.Slug}' already");
        var changes = new Changes(project);
        changes.Raise(new ProjectCreated(projectId, command.Slug, command.Name is "" ? command.Slug : command.Name, now, command.TenantId,
            command.Visibility));
        return changes.With(changes.Project.Details()!);
    }

    /// <summary>Gives a project another name or visibility; what it has already is no change.</summary>
    public static Decision<ProjectDetails> Change(this Project project, ChangeProject command, DateTimeOffset now)
    {
        project.MustExist();
        var (name, visibility) = (command.Name == project.Name ? null : command.Name, command.Visibility == project.Visibility ? null
            : command.Visibility);
        var changes = new Changes(project);
        if (name is not null || visibility is not null) changes.Raise(new ProjectChanged(name, visibility, now));
        return changes.With(changes.Project.Details()!);
    }

    /// <summary>Gives a project quotas of its own; answers those in force.</summary>
    /// <param name="project">The project.</param>
    /// <param name="own">Its own: null for the server's, 0 for none.</param>
    /// <param name="everybody">The server's.</param>
    /// <param name="now">When.</param>
    public static Decision<ProjectQuotas> SetQuotas(this Project project, ProjectQuotas own, ProjectQuotas everybody, DateTimeOffset now)
    {
        project.MustExist();
        var changes = new Changes(project);
        if (own != (project.Quotas ?? ProjectQuotas.None)) changes.Raise(new ProjectQuotasSet(own, now));
        return changes.With(everybody.With(changes.Project.Quotas));
    }

    /// <summary>Puts a project aside, or takes it into use again.</summary>
    public static Decision<ProjectDetails> SetArchived(this Project project, bool archived, DateTimeOffset now)
    {
        project.MustExist();
        var changes = new Changes(project);
        if (archived != project.ArchivedAt is not null) changes.Raise(archived ? new ProjectArchived(now) : new ProjectUnarchived(now));
        return changes.With(changes.Project.Details()!);
    }

    /// <summary>
    /// Creates the project when there is none and a slug was given, finds or adds the agent, and opens its workspace when a
    /// repository was given (contract 3.2 to 3.4).
    /// </summary>
    public static Decision<Initialized> Init(this Project project, string projectId, InitAgent command, FreshIdentity fresh,
        DateTimeOffset now)
    {
        var changes = new Changes(project);
        if (!project.Exists)
        {
            var slug = command.Slug ?? throw new RefusedException(RefusalKind.NotFound, "project_not_found: unknown project_id");
            changes.Raise(new ProjectCreated(projectId, slug, command.ProjectName is "" ? slug : command.ProjectName, now,
                command.TenantId));
        }
        else if (command.TenantId is { } tenant && tenant != project.TenantId)
        {
            throw new RefusedException(RefusalKind.NotFound, "project_not_found: unknown project_id");
        }
        else if (command.IsStranger)
        {
            throw new RefusedException(RefusalKind.Forbidden,
                "This server lets agents into a project by invite: ask somebody of the project for one, or send a key of the project");
        }
        else if (project.ArchivedAt is not null)
        {
            throw new RefusedException(RefusalKind.Gone, Standing.Archived);
        }

        var found = command.Alias is { } alias ? project.Roster.Named(alias) : null;
        if (found is not null && command.Sponsor is { } sponsor && sponsor != found.Id
            && !(project.Roster.Find(sponsor) is { IsLiving: true } by && project.RoleOf(by) == ProjectRoles.Lead))
            throw new RefusedException(RefusalKind.Forbidden,
                $"'{found.Alias}' is another agent's alias: only an agent with the role 'lead', or an administrator, gives a key for it");
        var agentId = found?.Id ?? changes.Join(command, fresh, now);
        if (command.Origin is not { } origin)
        {
            return changes.With(new Initialized(changes.AgentOf(agentId), Repo: null, Created: found is null, Opened: false)
            {
                IsNewProject = !project.Exists,
            });
        }

        var repo = changes.TakeUp(origin, fresh.RepoId, now).Repo;
        var opened = changes.Open(agentId, repo, now, registered => new(RefusalKind.Conflict,
            $"workspace_repo_mismatch: the workspace of '{changes.AgentOf(agentId).Alias}' is registered for "
                + $"{registered.CanonicalOrigin}, not for {repo.CanonicalOrigin}"));
        return changes.With(
            new Initialized(changes.AgentOf(agentId), repo, Created: found is null, opened) { IsNewProject = !project.Exists });
    }

    /// <summary>Opens an agent's workspace on a repository, or finds it open there (contract 5.2).</summary>
    public static Decision<Opened> Register(this Project project, RegisterWorkspace command, string freshRepoId, DateTimeOffset now)
    {
        project.MustExist();
        var agent = project.Roster.Find(command.AgentId) ?? throw new RefusedException(RefusalKind.NotFound, "Agent not found");
        if (!agent.IsLiving) throw new RefusedException(RefusalKind.Gone, "Agent has been deregistered");
        if (agent.Status != AgentStatus.Active) throw new RefusedException(RefusalKind.Gone, $"Agent is {agent.Status}");

        var changes = new Changes(project);
        var repo = changes.TakeUp(command.Origin, freshRepoId, now).Repo;
        var opened = changes.Open(agent.Id, repo, now, _ => new(RefusalKind.Conflict, "Workspace already registered for another repo"));
        return changes.With(new Opened(changes.AgentOf(agent.Id), repo, opened));
    }

    /// <summary>Checks a sign of life, in the contract's order, and opens the workspace of an agent that has none (contract 5.3).</summary>
    public static Decision<Opened> Heartbeat(this Project project, HeartbeatWorkspace command, string freshRepoId, DateTimeOffset now)
    {
        project.MustExist();
        var agent = project.Roster.Find(command.WorkspaceId) ?? throw WorkspaceNotFound();
        if (!agent.IsLiving) throw WorkspaceGone();
        if (agent.Alias != command.Alias)
        {
            throw agent.Workspace is null && project.Roster.Named(command.Alias) is not null
                ? new RefusedException(RefusalKind.Conflict,
                    $"Alias '{command.Alias}' is already used by another workspace in this project")
                : new RefusedException(RefusalKind.Conflict,
                    $"Alias mismatch: the workspace is registered as '{agent.Alias}', not '{command.Alias}'");
        }

        if (agent.Workspace is not null)
        {
            var repo = project.LivingRepoOf(agent)
                ?? throw new RefusedException(RefusalKind.Gone, "Workspace repository was deleted. Initialize the workspace again.");
            if (repo.CanonicalOrigin != command.Origin.Canonical)
            {
                throw new RefusedException(RefusalKind.Mismatch,
                    $"Repo mismatch: the workspace is registered for {repo.CanonicalOrigin}, not for {command.Origin.Canonical}");
            }

            return Decision.None(new Opened(agent, repo, Created: false));
        }

        var changes = new Changes(project);
        var added = changes.TakeUp(command.Origin, freshRepoId, now).Repo;
        changes.Raise(new WorkspaceOpened(agent.Id, added.Id, now));
        return changes.With(new Opened(changes.AgentOf(agent.Id), added, Created: true));
    }

    /// <summary>The agent of a workspace that may act (contract 8.2).</summary>
    public static Agent ActiveWorkspace(this Project project, string workspaceId)
    {
        project.MustExist();
        if (project.Roster.Find(workspaceId) is not { Workspace: not null } agent) throw WorkspaceNotFound();
        return agent.IsLiving ? agent : throw WorkspaceGone();
    }

    /// <summary>A living agent (protocol 6.2).</summary>
    public static Agent LivingAgent(this Project project, string agentId)
    {
        project.MustExist();
        return project.Roster.Find(agentId) is { IsLiving: true } agent
            ? agent : throw new RefusedException(RefusalKind.NotFound, "Agent not found");
    }

    /// <summary>
    /// Gives an agent a role. In a project of a version without roles, whoever gives the first one leads from then on, and who was given
    /// none does not.
    /// </summary>
    public static Decision<AgentRole> GiveRole(this Project project, GiveRole command, DateTimeOffset now)
    {
        var agent = project.LivingAgent(command.AgentId);
        var changes = new Changes(project);
        if (!project.HasRoles && command.ByAgentId is { } first && first != agent.Id && project.Roster.Find(first) is { IsLiving: true })
            changes.Raise(new RoleGiven(first, ProjectRoles.Lead, first, now));
        if (!changes.Project.HasRoles || project.RoleOf(agent) != command.Role)
            changes.Raise(new RoleGiven(agent.Id, command.Role, command.ByAgentId, now));
        // An administrator can always put it right; agents among themselves could not.
        var hasLead = changes.Project.Roster.Living.Any(one => changes.Project.RoleOf(one) == ProjectRoles.Lead);
        return hasLead || (command.ByAgentId is null && project.HasRoles)
            ? changes.With(new AgentRole(agent.Id, agent.Alias, command.Role))
            : throw new RefusedException(RefusalKind.Conflict, "Nobody would lead the project: give another agent the role 'lead' first");
    }

    /// <summary>Ends a workspace with its agent and the agent's keys, and frees the alias (contract 5.4).</summary>
    public static Decision<WorkspaceEnded> DeleteWorkspace(this Project project, string workspaceId, DateTimeOffset now)
    {
        var agent = project.AnyWorkspace(workspaceId);
        return agent.IsLiving
            ? Decision.Accept(new WorkspaceEnded(workspaceId, agent.Alias, now), new WorkspaceDeleted(workspaceId, now))
            : throw new RefusedException(RefusalKind.NotFound, $"Workspace {workspaceId} is already deleted");
    }

    /// <summary>Revives a deleted workspace with its agent and keys unless its alias was given away meanwhile (contract 5.5).</summary>
    public static Decision<WorkspaceEnded> RestoreWorkspace(this Project project, string workspaceId, DateTimeOffset now)
    {
        var agent = project.AnyWorkspace(workspaceId);
        if (agent.IsLiving) throw new RefusedException(RefusalKind.Conflict, $"Workspace {workspaceId} is already active (not deleted)");
        if (project.Roster.Named(agent.Alias) is not null)
            throw new RefusedException(RefusalKind.Conflict, $"Cannot restore: alias '{agent.Alias}' is now used by another workspace");
        return Decision.Accept(new WorkspaceEnded(workspaceId, agent.Alias, now), new WorkspaceRestored(workspaceId, now));
    }

    /// <summary>Adds a repository, takes a deleted one up again, or finds it (contract 6.2).</summary>
    public static Decision<RepoTakenUp> EnsureRepo(this Project project, Origin origin, string freshRepoId, DateTimeOffset now)
    {
        project.MustExist();
        var changes = new Changes(project);
        return changes.With(changes.TakeUp(origin, freshRepoId, now));
    }

    /// <summary>Deletes a repository with its workspaces. The answer names the workspaces that ended (contract 6.4).</summary>
    public static Decision<RemovedRepo> DeleteRepo(this Project project, string repoId, DateTimeOffset now)
    {
        project.MustExist();
        return project.Repos.TryGetValue(repoId, out var repo) && repo.IsLiving
            ? Decision.Accept(new RemovedRepo(repo, [.. project.WorkspacesOn(repoId).Select(agent => agent.Id)]),
                new RepoRemoved(repoId, now))
            : throw new RefusedException(RefusalKind.NotFound, "Repo not found");
    }

    /// <summary>Notes what was cleared away of what was deleted.</summary>
    public static Decision<bool> Cleared(this Project project, ImmutableArray<string> workspaceIds, ImmutableArray<string> repoIds)
    {
        var changes = new Changes(project);
        foreach (var id in workspaceIds.Where(project.UnclearedWorkspaces.Contains)) changes.Raise(new WorkspaceCleared(id));
        foreach (var id in repoIds.Where(project.UnclearedRepos.Contains)) changes.Raise(new RepoCleared(id));
        return changes.With(true);
    }

    /// <summary>The prefix that the next agent would be given; agents of type <c>system</c> use none up (contract 4.1).</summary>
    public static string? SuggestPrefix(this Project project) =>
        NamePrefixes.Free(project.Roster.Living.Where(agent => agent.AgentType != Agent.SystemType).Select(agent => agent.Alias))
            .FirstOrDefault();

    private static string Join(this Changes changes, InitAgent command, FreshIdentity fresh, DateTimeOffset now)
    {
        if (command.Alias is { } chosen && ReservedAliases.Contains(chosen, StringComparer.OrdinalIgnoreCase))
            throw new RefusedException(RefusalKind.Invalid, $"'{chosen}' is a reserved alias");
        var alias = command.Alias
            ?? changes.Project.Roster.Allot(command.Origin is null ? "" : "-" + Roles.AliasPart(command.Role))
            ?? throw new RefusedException(RefusalKind.Conflict, "All name prefixes are taken.");
        var custody = command.Custody ?? (command.Did is null && command.PublicKey is null ? Custodies.Custodial : Custodies.Self);
        var (key, sealedSeed) = IdentityDecisions.KeyOf(command, custody) is { } own ? (own.Key, null) : (fresh.Key, fresh.SealedSeed);
        if (key is not null) changes.Project.MustBeFree(key.Did, fresh.AgentId);
        changes.Raise(new AgentJoined(
            fresh.AgentId, alias, command.HumanName, command.AgentType, command.Lifetime, custody, key?.Did, key?.PublicKey, now,
            sealedSeed, changes.Project.Roster.Agents.Values.All(agent => agent.AgentType == Agent.SystemType) ? ProjectRoles.Lead : null));
        return fresh.AgentId;
    }

    // A role that is a number ("01") makes an alias which uses up another prefix than its own, so the alias is looked at as well.
    private static string? Allot(this Roster roster, string suffix) =>
        NamePrefixes.Free(roster.Aliases).Select(prefix => prefix + suffix).FirstOrDefault(alias => roster.Named(alias) is null);

    private static RepoTakenUp TakeUp(this Changes changes, Origin origin, string freshRepoId, DateTimeOffset now)
    {
        var known = changes.Project.RepoOf(origin.Canonical);
        if (known is not { IsLiving: true } || known.OriginUrl != origin.Url)
            changes.Raise(new RepoAdded(known?.Id ?? freshRepoId, origin.Url, origin.Canonical, now));
        return new(changes.Project.RepoOf(origin.Canonical)!, Created: known is null);
    }

    /// <returns>Whether the agent had no workspace before.</returns>
    private static bool Open(this Changes changes, string agentId, Repo repo, DateTimeOffset now, Func<Repo, RefusedException> elsewhere)
    {
        if (changes.AgentOf(agentId).Workspace is not { } link)
        {
            changes.Raise(new WorkspaceOpened(agentId, repo.Id, now));
            return true;
        }

        return link.RepoId == repo.Id ? false : throw elsewhere(changes.Project.Repos[link.RepoId]);
    }

    private static Agent AgentOf(this Changes changes, string agentId) => changes.Project.Roster.Agents[agentId];

    private static Agent AnyWorkspace(this Project project, string workspaceId)
    {
        project.MustExist();
        return project.Roster.Find(workspaceId) is { Workspace: not null } agent
            ? agent
            : throw new RefusedException(RefusalKind.NotFound, $"Workspace {workspaceId} not found");
    }

    /// <summary>Refuses when the project was never created.</summary>
    public static void MustExist(this Project project)
    {
        if (!project.Exists) throw new RefusedException(RefusalKind.NotFound, "Project not found");
    }

    private static RefusedException WorkspaceNotFound() => new(RefusalKind.NotFound, "Workspace not found");

    private static RefusedException WorkspaceGone() => new(RefusalKind.Gone, "Workspace was deleted");
}

/// <summary>What a bootstrap came to.</summary>
/// <param name="Agent">The agent, new or found.</param>
/// <param name="Repo">The repository, when one was given.</param>
/// <param name="Created">Whether the agent is new.</param>
/// <param name="Opened">Whether its workspace is new.</param>
internal sealed record Initialized(Agent Agent, Repo? Repo, bool Created, bool Opened)
{
    /// <summary>Whether the project is new.</summary>
    public bool IsNewProject { get; init; }
}

/// <summary>An agent's open workspace.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Repo">The repository.</param>
/// <param name="Created">Whether it was opened only now.</param>
internal sealed record Opened(Agent Agent, Repo Repo, bool Created);

/// <summary>A repository that was found, taken up again or added.</summary>
/// <param name="Repo">The repository.</param>
/// <param name="Created">Whether the project never had it before.</param>
internal sealed record RepoTakenUp(Repo Repo, bool Created);

/// <summary>A repository that was deleted.</summary>
/// <param name="Repo">The repository.</param>
/// <param name="WorkspaceIds">The workspaces that ended with it.</param>
internal sealed record RemovedRepo(Repo Repo, ImmutableArray<string> WorkspaceIds);

/// <summary>A decision of several steps in the making: each step sees the project as the steps before it leave it.</summary>
internal sealed class Changes(Project project)
{
    private readonly ImmutableArray<IEvent>.Builder _events = ImmutableArray.CreateBuilder<IEvent>();

    /// <summary>The project after the steps so far.</summary>
    public Project Project { get; private set; } = project;

    /// <summary>Lets an event happen.</summary>
    public void Raise(IEvent @event)
    {
        _events.Add(@event);
        Project = Project.Apply(@event);
    }

    /// <summary>All that happened, with the answer to the caller.</summary>
    public Decision<TResult> With<TResult>(TResult result) => new(_events.DrainToImmutable(), result);
}
