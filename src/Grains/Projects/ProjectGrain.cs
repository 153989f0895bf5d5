using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.ApiKeys;
using Beadhub.Boards;
using Beadhub.Directories;
using Beadhub.Escalations;
using Beadhub.EventLog;
using Beadhub.Identities;
using Beadhub.Presence;
using Beadhub.Workspaces;
using Beadhub.Tasks;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Projects;

/// <inheritdoc cref="IProjectGrain"/>
/// <remarks>
/// Reads run beside commands and beside each other, so they touch only immutable objects behind one reference each. A command that
/// spans grains decides here first; what follows in other grains can be repeated, by the client or by <see cref="ClearRest"/>.
/// </remarks>
public sealed class ProjectGrain(IEventLog log, TimeProvider time, IPresenceStore presence, PresenceOptions options, Seal seal,
    ProjectQuotas quotas)
    : EventSourcedGrain<Project>(log), IProjectGrain
{
    private const int CachedAnswers = 32;

    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(30);
    private static readonly Func<Project, Project> WholeState = project => project;

    private readonly AnswerCache<string, AgentList> _agents = new(CachedAnswers, AgentLists.Compose);
    private readonly AnswerCache<WorkspaceQuery, WorkspacePage> _pages = new(CachedAnswers, WorkspaceLists.Page);
    private readonly AnswerCache<StatusQuery, StatusView> _statuses = new(CachedAnswers, StatusViews.Compose);
    private readonly ConcurrentDictionary<string, (Agent Agent, AgentIdentity Identity)> _identities = new();

    // Repositories whose origin is known to lead here, and since when they were in the project when that was registered.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _registeredOrigins = new();

    private RosterView? _view;
    private TaskWork? _work;
    private ProfileIndex _profiles = null!;
    private IBoardGrain? _board;
    private IEscalationsGrain? _escalations;
    private IGrainTimer? _clearing;
    private string _id = "";

    private IBoardGrain Board => _board ??= GrainFactory.GetGrain<IBoardGrain>(_id);

    private IEscalationsGrain Escalations => _escalations ??= GrainFactory.GetGrain<IEscalationsGrain>(_id);

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = this.GetPrimaryKeyString();
        _profiles = new(Log, _id);
        await base.OnActivateAsync(cancellationToken);
        await _profiles.CatchUp(cancellationToken);
        // A node died between a deletion and what follows from it.
        if (State.NeedsClearing) ClearLater(TimeSpan.Zero);
    }

    /// <inheritdoc/>
    public async Task<AgentInitialized> Init(InitAgent command)
    {
        var now = time.Now();
        var fresh = FreshIdentity.Make(seal);
        var initialized = await Transact(project => project.Init(_id, command, fresh, now));
        var (agent, repo, created, opened) = initialized;

        // All of these can be repeated: after a crash in between, the client's next try completes what is missing.
        var (key, keyId, keys) = (NewApiKey.Make(), FreshIdentity.NewId(), GrainFactory.GetGrain<IApiKeysGrain>(_id));
        var begun = initialized.IsNewProject ? keys.Begin() : Task.CompletedTask;
        var issued = Task.WhenAll(begun,
            GrainFactory.GetGrain<IApiKeyGrain>(key.GrainKey).Issue(new(keyId, _id, agent.Id, key.Prefix, now)));
        var profile = new ProfilePatch(
            Replace: true, HumanName: command.HumanName, Role: command.Role, Hostname: command.Hostname,
            WorkspacePath: command.WorkspacePath);
        await (repo is null ? issued : Task.WhenAll(issued, RegisterOrigin(repo), UpdateProfile(agent.Id, profile)));
        if (command.EndOldKeys && !created) await keys.Revoke(null, agent.Id, except: keyId);

        return new(
            now,
            key.Text,
            _id,
            State.Slug,
            agent.Id,
            repo?.Id,
            repo?.CanonicalOrigin,
            repo is null ? null : agent.Id,
            agent.Alias,
            created,
            opened,
            agent.Did,
            agent.Custody,
            agent.Lifetime,
            agent.StableId);
    }

    /// <inheritdoc/>
    public Task<ProjectDetails> Create(CreateProject command) => Transact(project => project.Create(_id, command, time.Now()));

    /// <inheritdoc/>
    public Task<ProjectDetails> Change(ChangeProject command) => Transact(project => project.Change(command, time.Now()));

    /// <inheritdoc/>
    public Task<ProjectQuotas> SetQuotas(ProjectQuotas own) => Transact(project => project.SetQuotas(own, quotas, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ProjectQuotas> Quotas() => quotas.With((await Newest()).Quotas);

    /// <inheritdoc/>
    public Task<ProjectDetails> SetArchived(bool archived) => Transact(project => project.SetArchived(archived, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ProjectDetails?> Details() => (await Newest()).Details();

    /// <inheritdoc/>
    public async Task<KeyMade> MakeKey(string agentId, DateTimeOffset? expiresAt)
    {
        var agent = (await Newest()).LivingAgent(agentId);
        var (key, id, now) = (NewApiKey.Make(), FreshIdentity.NewId(), time.Now());
        await GrainFactory.GetGrain<IApiKeyGrain>(key.GrainKey).Issue(new(id, _id, agent.Id, key.Prefix, now, expiresAt));
        return new(id, key.Text, agent.Id, agent.Alias, now, expiresAt);
    }

    /// <inheritdoc/>
    public Task<AgentRole> GiveRole(GiveRole command) => Transact(project => project.GiveRole(command, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<AgentRole>> RolesOfAgents()
    {
        var project = await Newest();
        return [.. project.Roster.Living.Where(static agent => agent.AgentType != Projects.Agent.SystemType)
            .OrderBy(static agent => agent.Alias, StringComparer.Ordinal)
            .Select(agent => new AgentRole(agent.Id, agent.Alias, project.RoleOf(agent)))];
    }

    /// <inheritdoc/>
    public async ValueTask<bool> IsLeftBehind(string workspaceId, string byAgentId)
    {
        var roster = await Look();
        if (roster.Project.Roster.Find(workspaceId) is not { HasActiveWorkspace: true }) return true;
        return roster.Find(byAgentId)?.Profile.Hostname is { Length: > 0 } host && roster.Find(workspaceId)?.Profile.Hostname == host
            && (await Present()).Find(workspaceId) is null;
    }

    /// <inheritdoc/>
    public async Task<Profile> ChangeWorkspace(string workspaceId, ProfilePatch patch)
    {
        var agent = (await Newest()).ActiveWorkspace(workspaceId);
        var profile = await UpdateProfile(agent.Id, patch);
        // Who is present is shown as it said with its last sign of life, which this is one of.
        if ((await presence.Snapshot(_id)).Find(agent.Id) is { } before)
            await presence.Set(new(_id, State.Slug, agent.Id, agent.Alias)
            {
                HumanName = profile.HumanName,
                RepoId = before.RepoId,
                Program = before.Program,
                Model = before.Model,
                CurrentBranch = profile.Branch ?? before.CurrentBranch,
                Role = profile.Role,
                CanonicalOrigin = before.CanonicalOrigin,
                Timezone = profile.Timezone,
            });
        return profile;
    }

    /// <inheritdoc/>
    public async Task<WorkspaceRegistered> Register(RegisterWorkspace command)
    {
        var now = time.Now();
        var freshRepoId = FreshIdentity.NewId();
        var (agent, repo, created) = await Transact(project => project.Register(command, freshRepoId, now));
        var profile = new ProfilePatch(
            Replace: true, HumanName: agent.HumanName, Role: command.Role, Hostname: command.Hostname,
            WorkspacePath: command.WorkspacePath);
        await Task.WhenAll(RegisterOrigin(repo), UpdateProfile(agent.Id, profile));
        return new(agent.Id, _id, State.Slug, repo.Id, repo.CanonicalOrigin, agent.Alias, agent.HumanName, created);
    }

    /// <inheritdoc/>
    public async Task Heartbeat(HeartbeatWorkspace command)
    {
        var now = time.Now();
        var freshRepoId = FreshIdentity.NewId();
        var (agent, repo, _) = await Transact(project => project.Heartbeat(command, freshRepoId, now));
        var profileUpdated = UpdateProfile(agent.Id, command.Profile with { Replace = false, OnlyIfUnset = true });
        await Task.WhenAll(RegisterOrigin(repo), profileUpdated);
        await presence.Touch(_id, agent.Id);
        await presence.Set(new(_id, State.Slug, agent.Id, agent.Alias)
        {
            HumanName = (await profileUpdated).HumanName,
            RepoId = repo.Id,
            Program = "bdh",
            CurrentBranch = command.Profile.Branch,
            Role = command.Profile.Role,
            CanonicalOrigin = repo.CanonicalOrigin,
            Timezone = command.Profile.Timezone,
        });
    }

    /// <inheritdoc/>
    public async Task<WorkspaceEntered> Enter(EnterWorkspace command)
    {
        var agent = (await Newest()).ActiveWorkspace(command.WorkspaceId);
        await presence.Touch(_id, agent.Id);
        var profile = await UpdateProfile(agent.Id, new ProfilePatch(HumanName: command.HumanName, Role: command.Role));
        return new(agent.Id, agent.Alias, profile.HumanName);
    }

    /// <inheritdoc/>
    public async Task<PresenceRegistered> RegisterPresence(RegisterPresence command)
    {
        var roster = await Look();
        var agent = roster.Project.ActiveWorkspace(command.WorkspaceId);
        if (command.ActingAgentId is { } acting && acting != agent.Id)
            throw new RefusedException(RefusalKind.Forbidden, "workspace_id does not match API key identity");

        var (_, repo, profile) = roster.Find(agent.Id)!;
        var humanName = Text.OrNull(command.HumanName) ?? profile.HumanName;
        var role = Text.OrNull(command.Role) ?? profile.Role;
        var registered = await presence.Set(new(_id, roster.Project.Slug, agent.Id, agent.Alias)
        {
            HumanName = humanName,
            RepoId = repo?.Id,
            Program = command.Program,
            Model = command.Model,
            CurrentBranch = command.Branch,
            Role = role,
            CanonicalOrigin = command.Repo ?? repo?.CanonicalOrigin,
            Timezone = profile.Timezone,
            Ttl = command.TtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        });
        return new(agent.Alias, Text.OrNull(humanName), roster.Project.Slug, role, registered.LastSeen);
    }

    /// <inheritdoc/>
    public async Task<AgentSeen> AgentHeartbeat(string agentId)
    {
        var roster = await Look();
        var agent = roster.Project.LivingAgent(agentId);
        var member = roster.Find(agentId);
        var seen = await presence.Refresh(new(_id, roster.Project.Slug, agentId, agent.Alias)
        {
            HumanName = member?.Profile.HumanName ?? agent.HumanName,
            RepoId = member?.Repo?.Id,
            CurrentBranch = member?.Profile.Branch,
            Role = member?.Profile.Role,
            CanonicalOrigin = member?.Repo?.CanonicalOrigin,
            Timezone = member?.Profile.Timezone,
        });
        return new(agentId, seen.LastSeen, (int)options.Ttl.TotalSeconds);
    }

    /// <inheritdoc/>
    public async Task<WorkspaceEnded> DeleteWorkspace(string workspaceId)
    {
        var ended = await Transact(project => project.DeleteWorkspace(workspaceId, time.Now()));
        await Clear([workspaceId], []);
        return ended;
    }

    /// <inheritdoc/>
    public async Task<WorkspaceEnded> RestoreWorkspace(string workspaceId)
    {
        // What the deletion has left must not be cleared away from a workspace that lives again.
        if ((await Newest()).UnclearedWorkspaces.Contains(workspaceId)) await Clear([workspaceId], []);
        return await Transact(project => project.RestoreWorkspace(workspaceId, time.Now()));
    }

    /// <inheritdoc/>
    public Task<AgentIdentity> ChangeAgent(ChangeAgent command) => Transact(project => project.Change(command, time.Now()));

    /// <inheritdoc/>
    public async Task Deregister(string agentId)
    {
        await Transact(project => project.Deregister(agentId, time.Now()));
        await Clear([agentId], []);
    }

    /// <inheritdoc/>
    public Task<AgentIdentity> ClaimIdentity(ClaimIdentity command) => Transact(project => project.ClaimIdentity(command, time.Now()));

    /// <inheritdoc/>
    public Task<AgentIdentity> ResetIdentity(string agentId) => Transact(project => project.ResetIdentity(agentId, time.Now()));

    /// <inheritdoc/>
    public Task<KeyRotation> RotateKey(RotateKey command)
    {
        var fresh = FreshIdentity.Make(seal);
        return Transact(project => project.Rotate(command, fresh, seal, time.Now()));
    }

    /// <inheritdoc/>
    public Task<AgentIdentity> Retire(RetireAgent command) => Transact(project => project.Retire(command, seal, time.Now()));

    /// <inheritdoc/>
    public async Task AcknowledgeRotation(string ofAgentId, string byAgentId)
    {
        // Asked with every mail: it is seldom news.
        if ((await Newest()).RotatedAgents?.Contains(ofAgentId) == true)
            await Transact(project => project.AcknowledgeRotation(ofAgentId, byAgentId, time.Now()));
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<RotationNotice>> RotationsFor(string agentId) =>
        (await Newest()).RotationsFor(agentId, time.Now());

    /// <inheritdoc/>
    public async Task<RepoEnsured> EnsureRepo(Origin origin, string freshRepoId)
    {
        var now = time.Now();
        var (repo, created) = await Transact(project => project.EnsureRepo(origin, freshRepoId, now));
        await RegisterOrigin(repo);
        // Made by the same request before: a repeat is answered as the first time.
        return new(repo.Id, repo.CanonicalOrigin, repo.Name, created || repo.Id == freshRepoId);
    }

    /// <inheritdoc/>
    public async Task<RepoDeleted> DeleteRepo(string repoId)
    {
        var removed = await Transact(project => project.DeleteRepo(repoId, time.Now()));
        var (claims, presences) = await Clear(removed.WorkspaceIds, [removed.Repo]);
        return new(repoId, removed.WorkspaceIds.Length, claims, presences);
    }

    /// <inheritdoc/>
    public async ValueTask<ProjectView?> Describe() =>
        await Newest() is { Exists: true } project ? new(project.Id, project.Slug, project.Name) : null;

    /// <inheritdoc/>
    public async ValueTask<string?> SuggestPrefix() => (await Newest()).SuggestPrefix();

    /// <inheritdoc/>
    public async ValueTask<RepoView?> FindRepo(string canonicalOrigin) => RepoLists.Find(await Newest(), canonicalOrigin);

    /// <inheritdoc/>
    public async ValueTask<ImmutableHashSet<string>> WorkspacesOn(string repoId) =>
        [.. (await Newest()).WorkspacesOn(repoId).Select(agent => agent.Id)];

    /// <inheritdoc/>
    public async ValueTask<Standing> Standing(string? agentId)
    {
        var project = await Newest();
        return project.StandingOf(agentId is null ? null : FindIdentity(project, agentId), quotas);
    }

    /// <inheritdoc/>
    public async ValueTask<Addressed> Address(AddressMail mail)
    {
        var project = await Newest();
        return project.Address(mail, agent => IdentityOf(project, agent), seal, time.Now());
    }

    /// <inheritdoc/>
    public async ValueTask<AgentIdentity?> Agent(string agentId) =>
        FindIdentity(await Newest(), agentId);

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<AgentIdentity?>> Named(ImmutableArray<string> aliases)
    {
        var project = await Newest();
        return [.. aliases.Select(alias => project.Roster.Named(alias) is { } agent ? IdentityOf(project, agent) : null)];
    }

    /// <inheritdoc/>
    public async ValueTask<AgentList> Agents() => _agents.Get(new(await Look(), Sources.Unseen, await Present(), Sources.NoWork), _id);

    /// <inheritdoc/>
    public async ValueTask<WorkspacePage> Workspaces(WorkspaceQuery query) => _pages.Get(await Gather(query.IncludePresence), query);

    /// <inheritdoc/>
    public async ValueTask<WorkspacePage> Team(TeamQuery query) => WorkspaceLists.Team(await Gather(query.IncludePresence), query);

    /// <inheritdoc/>
    public async ValueTask<WorkspacePage> Online(string? humanName) => WorkspaceLists.Online(await Look(), await Present(), humanName);

    /// <inheritdoc/>
    public async ValueTask<RepoPage> Repos(RepoQuery query) => RepoLists.Page(await Newest(), query);

    /// <inheritdoc/>
    public async ValueTask<StatusView> Status(StatusQuery query)
    {
        var sources = await Gather(withPresence: true) with { Escalations = await Escalations.Pending() };
        return _statuses.Get(StatusViews.DependsOnOrder(sources.Roster) ? sources : sources with { Seen = Sources.Unseen }, query);
    }

    /// <inheritdoc/>
    public async ValueTask<StreamScope> Scope(ScopeQuery query) => StreamScopes.Compose(await Look(), await presence.Seen(_id), query);

    private AgentIdentity? FindIdentity(Project project, string agentId) =>
        project.Roster.Find(agentId) is { } agent ? IdentityOf(project, agent) : null;

    private AgentIdentity IdentityOf(Project project, Agent agent)
    {
        // Asked on every request: the same answer again while the agent has not changed.
        var role = project.RoleOf(agent);
        if (_identities.TryGetValue(agent.Id, out var known) && ReferenceEquals(known.Agent, agent) && known.Identity.ProjectRole == role)
            return known.Identity;
        var identity = agent.Identity(role);
        _identities[agent.Id] = (agent, identity);
        return identity;
    }

    private ValueTask<Project> Newest() => Read(WholeState);

    private ValueTask<PresenceSnapshot> Present() => presence.Snapshot(_id);

    private async ValueTask<RosterView> Look()
    {
        var project = await Newest();
        var profiles = await _profiles.Newest();
        var view = Volatile.Read(ref _view);
        if (view is null || !ReferenceEquals(view.Project, project) || !ReferenceEquals(view.Profiles, profiles))
            Volatile.Write(ref _view, view = new(project, profiles));
        return view;
    }

    private async ValueTask<Sources> Gather(bool withPresence) =>
        new(await Look(), await presence.Seen(_id), withPresence ? await Present() : PresenceSnapshot.Empty, await Work());

    private async ValueTask<BoardWork> Work()
    {
        var board = await Board.Work();
        var work = Volatile.Read(ref _work);
        if (!ReferenceEquals(work?.Board, board)) Volatile.Write(ref _work, work = TaskWork.Of(board, State.Slug));
        if (work.Refs.IsEmpty) return board;
        var titled = work.With(await GrainFactory.GetGrain<ITasksGrain>(_id).Titles(new(State.Slug, work.Refs)));
        Interlocked.CompareExchange(ref _work, titled, work);
        return titled.Work;
    }

    /// <summary>Passes on what a workspace tells of itself, unless it is known.</summary>
    private async Task<Profile> UpdateProfile(string workspaceId, ProfilePatch patch)
    {
        var known = (await _profiles.Newest()).GetValueOrDefault(workspaceId) ?? Workspace.Empty.Profile;
        if (Workspace.Patched(known, patch) == known) return known;
        try
        {
            var profile = await GrainFactory.GetGrain<IWorkspaceGrain>(IWorkspaceGrain.Key(_id, workspaceId)).Update(patch);
            _profiles.Set(workspaceId, profile);
            return profile;
        }
        catch
        {
            _profiles.Distrust();
            throw;
        }
    }

    /// <summary>Lets the repository be found by its origin, unless that was done since it was taken up.</summary>
    private async Task RegisterOrigin(Repo repo)
    {
        if (_registeredOrigins.TryGetValue(repo.Id, out var takenUpAt) && takenUpAt == repo.TakenUpAt) return;
        await Task.WhenAll(
            GrainFactory.GetGrain<IOriginGrain>(repo.CanonicalOrigin).Use(new(_id, State.Slug, repo.Id, repo.Name, State.TenantId)),
            GrainFactory.GetGrain<IDirectoryGrain>(IDirectoryGrain.RepoName(repo.Id)).Ensure(_id));
        _registeredOrigins[repo.Id] = repo.TakenUpAt;
    }

    /// <summary>Does what follows from deletions that are durable already.</summary>
    private async Task<(int Claims, int Presences)> Clear(ImmutableArray<string> workspaceIds, ImmutableArray<Repo> repos)
    {
        var (claims, presences) = (0, 0);
        try
        {
            foreach (var repo in repos) await GrainFactory.GetGrain<IOriginGrain>(repo.CanonicalOrigin).Leave(_id);
            foreach (var id in workspaceIds)
            {
                claims += await Board.ReleaseClaimsOf(id);
                if (await presence.Clear(_id, id)) presences++;
            }

            await Transact(project => project.Cleared(workspaceIds, [.. repos.Select(repo => repo.Id)]));
        }
        catch
        {
            // The caller hears of the failure, and the rest is done all the same.
            ClearLater(RetryEvery);
            throw;
        }

        return (claims, presences);
    }

    private void ClearLater(TimeSpan due) => _clearing ??= this.RegisterGrainTimer(ClearRest, due, RetryEvery);

    private async Task ClearRest(CancellationToken cancellationToken)
    {
        var project = await Newest();
        if (project.NeedsClearing)
            await Clear([.. project.UnclearedWorkspaces], [.. project.UnclearedRepos.Select(id => project.Repos[id])]);
        _clearing?.Dispose();
        _clearing = null;
    }
}
