using System.Text.Json.Serialization;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/agents</c>: who is in the project and who is there (contract 4, protocol 6).</summary>
internal sealed class Agents(IGrainFactory grains, Identification identification, GatewaySettings settings)
{
    private const int MaxWord = 256;
    private const int MaxContext = 16 * 1024;
    private const int MaxContextDepth = 16;

    private static readonly Field<string> Agent = InPath.Uuid("agentId", "Id of the agent");

    // An id, or else an address: what is neither is refused whoever asks.
    private static readonly Field<AgentAddress> AgentOrAddress = InPath.Text("agentId", "Id of the agent, or its address slug/alias")
        .BeforeCaller(
        static text =>
            AgentAddress.Of(text) is var address && (address.IsValid || address.AgentId is not null)
            ? address : throw ApiException.NotFound("Invalid address format"));

    private static readonly Field<AgentAddress> Address = InPath.Text("address", "Address slug/alias").AfterCaller(
        static text => AgentAddress.Of(text) is { IsValid: true } address ? address : throw ApiException.NotFound("Agent not found"));

    private static readonly Field<string> Slug = InBody.Required("project_slug", "Slug of the project", 1, 256).To<string>(
        static (string text, out string? slug) => (slug = text.Trim()).Length > 0, "project_slug is required")
            .Must(Names.IsSlug, "Invalid project_slug format");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Agents>();
        var requests = new RequestGroup("/v1/agents", "agents", "Who is in the project and who is there");
        routes.Map(
            requests.Get("", "listAgents", "Agents of the project with their presence").Needs(Caller.Reader)
                .AnswersCached(Wire.Types.AgentList),
            async who => await endpoints.Project(who.ProjectId).Agents());
        routes.Map(
            requests.Post("/register", "registerAgentPresence", "Report presence for a workspace").Needs(Caller.Project)
                .Takes(PresenceReport.Fields).Bind(PresenceReport.Read)
                .Answers(Wire.Types.RegisterAnswer),
            endpoints.Register);
        // Newer clients ask for this, without a key, to find out under which of several addresses the server is: they take everything but
        // 404 for it.
        routes.Map(
            requests.Get("/heartbeat", "getOwnPresence", "When the caller was last seen; changes nothing").Needs(Caller.Actor)
                .Answers(Wire.Types.LastSeenAnswer),
            endpoints.LastSeen);
        routes.Map(
            requests.Post("/heartbeat", "agentHeartbeat", "Refresh the caller's presence").Needs(Caller.Actor)
                .Answers(Wire.Types.AgentSeen),
            async actor => await endpoints.Project(actor.ProjectId).AgentHeartbeat(actor.Id));
        routes.Map(
            requests.Patch("/me", "changeOwnAgent", "Change what the caller tells of itself").Needs(Caller.Actor)
                .TakesOnly(AgentChange.Fields).Bind(static fields => AgentChange.Read(fields, ""))
                .Answers(Wire.Types.AgentChangedAnswer),
            async (change, actor) => await endpoints.Change(actor.ProjectId, change with { AgentId = actor.Id }));
        routes.Map(
            requests.Patch("/{agentId}", "changeAgent", "Change what an agent of the project tells of itself")
                .Needs(Caller.OwnerOrLead).Audited("agent.changed")
                .TakesOnly([Agent, .. AgentChange.Fields]).Bind(static fields => AgentChange.Read(fields, fields.Get(Agent)))
                .Answers(Wire.Types.AgentChangedAnswer),
            async (change, who) =>
            {
                who.MustOwn(change.AgentId);
                return await endpoints.Change(who.ProjectId, change);
            });
        routes.Map(
            requests.Delete("/me", "deregisterOwnAgent", "Deregister the caller; it must be ephemeral")
                .Needs(Caller.Actor).Audited("agent.deregistered")
                .Answers(Wire.Types.DeregisteredAnswer),
            async actor => await endpoints.Deregister(actor.ProjectId, actor.Id));
        routes.Map(
            requests.Delete("/{**agentId}", "deregisterAgent", "Deregister an ephemeral agent of the project, by address or id")
                .Needs(Caller.OwnerOrLead).Audited("agent.deregistered")
                .Takes(AgentOrAddress).Bind(static fields => fields.Get(AgentOrAddress))
                .Answers(Wire.Types.DeregisteredAnswer),
            endpoints.Deregister);
        routes.Map(
            requests.Get("/resolve/{**address}", "resolveAgent", "The identity of an agent of any project, by its address")
                .Needs(Caller.Reader)
                .Takes(Address).Bind(static fields => fields.Get(Address))
                .Answers(Wire.Types.ResolvedAgent),
            endpoints.Resolve);
        routes.Map(
            requests.Post("/suggest-alias-prefix", "suggestAliasPrefix", "The next free name of a project; needs no key")
                .Needs(Caller.Tenant)
                .Takes(Slug).Fails(409).Bind(static fields => fields.Get(Slug))
                .Answers(Wire.Types.AliasPrefixAnswer),
            endpoints.SuggestAliasPrefix);
    }

    private async Task<RegisterAnswer> Register(PresenceReport report, ProjectIdentity who)
    {
        var actor = who.Mode == AuthMode.Bearer ? who.AgentId : null;
        var registered = await Project(who.ProjectId).RegisterPresence(new(
            report.WorkspaceId, actor, report.HumanName, report.Program, report.Model, report.Repo, report.Branch, report.Role,
            report.TtlSeconds));
        return new(
            new(registered.Alias, registered.HumanName, registered.ProjectSlug, report.Program, report.Model, null, report.Repo,
                report.Branch, registered.Role,
                registered.RegisteredAt),
            new(report.WorkspaceId));
    }

    private async Task<LastSeenAnswer> LastSeen(Actor actor)
    {
        var own = (await Project(actor.ProjectId).Agents()).Agents.FirstOrDefault(agent => agent.AgentId == actor.Id);
        return new(actor.Id, own?.LastSeen, own?.Online ?? false);
    }

    private async Task<AgentChangedAnswer> Change(string projectId, ChangeAgent change)
    {
        var agent = await Project(projectId).ChangeAgent(change);
        return new(agent.AgentId, agent.AccessMode, agent.Role, agent.Program, agent.Context);
    }

    private async Task<DeregisteredAnswer> Deregister(AgentAddress address, ProjectIdentity who)
    {
        var (projectId, id) = (who.ProjectId, address.AgentId);
        if (id is null)
        {
            (projectId, var agent) = await Find(who, address);
            if (projectId != who.ProjectId) throw ApiException.Forbidden("Not authorized to deregister agents in another project");
            id = agent.AgentId;
        }

        who.MustOwn(id);
        return await Deregister(projectId, id);
    }

    private async Task<DeregisteredAnswer> Deregister(string projectId, string agentId)
    {
        await Project(projectId).Deregister(agentId);
        return new(agentId, AgentStatus.Deregistered);
    }

    private async Task<ResolvedAgent> Resolve(AgentAddress address, ProjectIdentity who)
    {
        var (_, agent) = await Find(who, address);
        return new(
            agent.Did, agent.StableId, $"{address.Slug}/{address.Alias}", agent.AgentId, agent.HumanName, agent.PublicKey,
            settings.ServerUrl, agent.Custody,
            agent.Lifetime, agent.Status);
    }

    private async Task<(string ProjectId, AgentIdentity Agent)> Find(ProjectIdentity who, AgentAddress address)
    {
        var name = IDirectoryGrain.SlugName(await identification.TenantOf(who), address.Slug);
        var projectId = await grains.GetGrain<IDirectoryGrain>(name).Find() ?? throw ApiException.NotFound("Agent not found");
        return (projectId, (await Project(projectId).Named([address.Alias]))[0] ?? throw ApiException.NotFound("Agent not found"));
    }

    private async Task<AliasPrefixAnswer> SuggestAliasPrefix(string slug, SignedTenant signed)
    {
        var project = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(signed.TenantId, slug)).Find();
        var prefix = project is null ? "alice" : await Project(project).SuggestPrefix();
        if (prefix is null) throw new ApiException(StatusCodes.Status409Conflict, "alias_exhausted");
        return new(slug, project, prefix);
    }

    private IProjectGrain Project(string projectId) => grains.GetGrain<IProjectGrain>(projectId);

    /// <summary>What an agent says of itself when it reports that it is there (contract 4.3).</summary>
    private sealed record PresenceReport(
        string WorkspaceId, string? HumanName, string? Program, string? Model, string? Repo, string? Branch, string? Role, int? TtlSeconds)
    {
        private static readonly Field<string> Workspace = CommonFields.WorkspaceId("workspace_id", "The workspace that is there");
        private static readonly Field<string> OwnAlias = CommonFields.Alias("Its alias");
        private static readonly Field<string?> OfHuman = InBody.Optional("human_name", "Who runs the agent", max: 64);
        private static readonly Field<string?> OfProject = InBody
            .Optional("project_slug", "Read by nobody: the key says which project", max: 63);
        private static readonly Field<string?> InProgram = InBody.Optional("program", "Program, such as claude-code");
        private static readonly Field<string?> WithModel = InBody.Optional("model", "Model");
        private static readonly Field<string?> Task = InBody.Optional("task_description", "Read by nobody");
        private static readonly Field<string?> InRepo = InBody.Optional("repo", "Canonical origin of its repository", max: 255);
        private static readonly Field<string?> OnBranch = InBody.Optional("branch", "Branch that it is on", max: 255);
        private static readonly Field<string?> InRole = InBody.Role();
        private static readonly Field<int?> Ttl = InBody.Integer("ttl_seconds", "For how long, in seconds", 1, 86_400);

        public static readonly Field[] Fields =
            [Workspace, OwnAlias, OfHuman, OfProject, InProgram, WithModel, Task, InRepo, OnBranch, InRole, Ttl];

        public static PresenceReport Read(RequestFields fields)
        {
            var workspace = fields.Get(Workspace);
            fields.Get(OwnAlias);
            var humanName = fields.Get(OfHuman);
            fields.Get(OfProject);
            var (program, model) = (fields.Get(InProgram), fields.Get(WithModel));
            fields.Get(Task);
            return new(workspace, humanName, program, model, fields.Get(InRepo), fields.Get(OnBranch), fields.Get(InRole), fields.Get(Ttl));
        }
    }

    /// <summary>What an agent may change of what it tells of itself (protocol 6.4).</summary>
    private static class AgentChange
    {
        private static readonly Field<string?> Access = InBody
            .Word("access_mode", "Who may write to the agent", AccessModes.ContactsOnly, AccessModes.Open);
        private static readonly Field<string?> Role = InBody.Plain("role", "Role", MaxWord);
        private static readonly Field<string?> Program = InBody.Plain("program", "Program", MaxWord);
        private static readonly Field<string?> Context = InBody
            .Object("context", "Anything about it", MaxContext, MaxContextDepth, mayBeNull: true);
        private static readonly Field<object?> Privacy = InBody
            .Unread("privacy", "Sent by clients of the hosted product; means nothing here");

        public static readonly Field[] Fields = [Access, Role, Program, Context, Privacy];

        public static ChangeAgent Read(RequestFields fields, string agentId) =>
            new(agentId, fields.Get(Access), fields.Get(Role), fields.Get(Program), fields.Get(Context));
    }

    /// <summary>What a path says of an agent: an id, or an address.</summary>
    private readonly record struct AgentAddress(string Slug, string Alias, string? AgentId)
    {
        public bool IsValid => Names.IsSlug(Slug) && Names.IsAlias(Alias);

        // A slug may hold slashes, an alias may not: the last one separates them. Clients may have escaped it.
        public static AgentAddress Of(string text)
        {
            var path = text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
            var slash = path.LastIndexOf('/');
            return slash < 0 && Names.TryNormalizeUuid(path, out var id)
                ? new("", path, id) : new(slash < 0 ? "" : path[..slash], path[(slash + 1)..], null);
        }
    }
}

/// <summary>Answer of <c>POST /v1/agents/register</c> (contract 4.3).</summary>
internal sealed record RegisterAnswer(RegisteredAgent Agent, RegisteredWorkspace Workspace);

/// <summary>Presence as registered.</summary>
internal sealed record RegisteredAgent(
    string Alias,
    string? HumanName,
    string? ProjectSlug,
    string? Program,
    string? Model,
    string? Member,
    string? Repo,
    string? Branch,
    string? Role,
    DateTimeOffset RegisteredAt);

/// <summary>The workspace it is for.</summary>
internal sealed record RegisteredWorkspace(string WorkspaceId);

/// <summary>What an agent tells of itself after a change (protocol 6.4).</summary>
internal sealed record AgentChangedAnswer(
    string AgentId,
    string AccessMode,
    string? Role,
    string? Program,
    [property: JsonConverter(typeof(RawJson))] string? Context);

/// <summary>Answer of a deregistration (protocol 6.6).</summary>
internal sealed record DeregisteredAnswer(string AgentId, string Status);

/// <summary>An agent found by its address (protocol 6.5).</summary>
internal sealed record ResolvedAgent(
    string? Did,
    string? StableId,
    string Address,
    string AgentId,
    string HumanName,
    string? PublicKey,
    string Server,
    string? Custody,
    string Lifetime,
    string Status);

/// <summary>Answer of <c>POST /v1/agents/suggest-alias-prefix</c> (contract 4.1).</summary>
internal sealed record AliasPrefixAnswer(string ProjectSlug, string? ProjectId, string NamePrefix);

/// <summary>Answer of <c>GET /v1/agents/heartbeat</c>.</summary>
internal sealed record LastSeenAnswer(string AgentId, DateTimeOffset? LastSeen, bool Online);
