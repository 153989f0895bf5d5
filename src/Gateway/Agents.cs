using System.Text.Json.Serialization;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/agents</c>: who is in the project and who is there (contract 4, protocol 6).</summary>
internal sealed class Agents(IGrainFactory grains, Identification identification, GatewaySettings settings)
{
    private const int MaxWord = 256;
    private const int MaxContext = 16 * 1024;
    private const int MaxContextDepth = 16;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Agents>();
        var group = routes.MapGroup("/v1/agents").WithTags("agents");
        group.Get("", endpoints.List).Says("Agents of the project with their presence", 401);
        group.Post("/register", endpoints.Register).Says("Report presence for a workspace", 401, 403, 404, 410, 422);
        group.Get("/heartbeat", endpoints.LastSeen).Says("When the caller was last seen; changes nothing", 401, 403, 404);
        group.Post("/heartbeat", endpoints.Heartbeat).Says("Refresh the caller's presence", 401, 404);
        group.Patch("/me", endpoints.ChangeOwn).Says("Change what the caller tells of itself", 401, 403, 404, 422);
        group.Patch("/{agentId}", endpoints.Change).Says("Change what an agent of the project tells of itself", 401, 404, 422);
        group.Delete("/me", endpoints.Leave).Says("Deregister the caller; it must be ephemeral", 400, 401, 403, 404);
        group.Delete("/{**agentId}", endpoints.Deregister).Says("Deregister an ephemeral agent of the project, by address or id", 400, 401, 403, 404);
        group.Get("/resolve/{**address}", endpoints.Resolve).Says("The identity of an agent of any project, by its address", 401, 404);
        group.Post("/suggest-alias-prefix", endpoints.SuggestAliasPrefix).Says("The next free name of a project; needs no key", 409, 422);
    }

    private async Task<Answer<AgentList>> List(HttpContext http)
    {
        var who = await identification.Of(http);
        return Answer.Shared(await grains.GetGrain<IProjectGrain>(who.ProjectId).Agents(), Wire.Types.AgentList);
    }

    private async Task<Answer<RegisterAnswer>> Register(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var workspaceId = body.WorkspaceId();
        body.Alias();
        var humanName = body.Optional("human_name", max: 64);
        body.Optional("project_slug", max: 63);
        var program = body.Optional("program");
        var model = body.Optional("model");
        body.Optional("task_description");
        var repo = body.Optional("repo", max: 255);
        var branch = body.Optional("branch", max: 255);
        var role = body.Role("role", CommonFields.RoleRule);
        var ttl = body.Integer("ttl_seconds", 1, 86_400);
        body.Done();

        var who = await identification.Of(http);
        var actor = who.Mode == AuthMode.Bearer ? who.AgentId : null;
        var registered = await grains.GetGrain<IProjectGrain>(who.ProjectId).RegisterPresence(
            new(workspaceId, actor, humanName, program, model, repo, branch, role, ttl));
        return Answer.Of(
            new RegisterAnswer(
                new(registered.Alias, registered.HumanName, registered.ProjectSlug, program, model, null, repo, branch, registered.Role, registered.RegisteredAt),
                new(workspaceId)),
            Wire.Types.RegisterAnswer);
    }

    // Newer clients ask for this, without a key, to find out under which of several addresses the server is: they take everything but 404 for it.
    private async Task<Answer<LastSeenAnswer>> LastSeen(HttpContext http)
    {
        var actor = await identification.ActorOf(http);
        var agents = (await grains.GetGrain<IProjectGrain>(actor.ProjectId).Agents()).Agents;
        var own = agents.FirstOrDefault(agent => agent.AgentId == actor.Id);
        return Answer.Of(new LastSeenAnswer(actor.Id, own?.LastSeen, own?.Online ?? false), Wire.Types.LastSeenAnswer);
    }

    private async Task<Answer<AgentSeen>> Heartbeat(HttpContext http)
    {
        var actor = await identification.ActorOf(http);
        return Answer.Of(await grains.GetGrain<IProjectGrain>(actor.ProjectId).AgentHeartbeat(actor.Id), Wire.Types.AgentSeen);
    }

    private async Task<Answer<AgentChangedAnswer>> ChangeOwn(HttpContext http)
    {
        var change = await Changes(http);
        var actor = await identification.ActorOf(http);
        return await Change(actor.ProjectId, change with { AgentId = actor.Id });
    }

    private async Task<Answer<AgentChangedAnswer>> Change(HttpContext http)
    {
        var change = await Changes(http);
        var who = await identification.Of(http);
        if (!Names.TryNormalizeUuid(http.PathPart("agentId"), out var agentId)) throw ApiException.Unprocessable("Invalid agent_id format");
        return await Change(who.ProjectId, change with { AgentId = agentId });
    }

    private async Task<Answer<AgentChangedAnswer>> Change(string projectId, ChangeAgent change)
    {
        var agent = await grains.GetGrain<IProjectGrain>(projectId).ChangeAgent(change);
        return Answer.Of(new AgentChangedAnswer(agent.AgentId, agent.AccessMode, agent.Role, agent.Program, agent.Context), Wire.Types.AgentChangedAnswer);
    }

    private static async Task<ChangeAgent> Changes(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        // Clients of the hosted product send their privacy along, which means nothing here.
        body.Only("access_mode", "role", "program", "context", "privacy");
        var change = new ChangeAgent(
            "",
            body.OneOf("access_mode", [AccessModes.ContactsOnly, AccessModes.Open]),
            body.Plain("role", MaxWord),
            body.Plain("program", MaxWord),
            body.Object("context", MaxContext, MaxContextDepth, mayBeNull: true));
        body.Done();
        return change;
    }

    private async Task<Answer<DeregisteredAnswer>> Leave(HttpContext http)
    {
        var actor = await identification.ActorOf(http);
        return await Deregister(actor.ProjectId, actor.Id);
    }

    private async Task<Answer<DeregisteredAnswer>> Deregister(HttpContext http)
    {
        var address = Address(http, "agentId");
        if (Names.TryNormalizeUuid(address.Alias, out var agentId) && address.Slug.Length == 0)
            return await Deregister((await identification.Of(http)).ProjectId, agentId);
        if (!address.IsValid) throw ApiException.NotFound("Invalid address format");

        var who = await identification.Of(http);
        var (projectId, agent) = await Find(who, address);
        return projectId == who.ProjectId
            ? await Deregister(projectId, agent.AgentId)
            : throw ApiException.Forbidden("Not authorized to deregister agents in another project");
    }

    private async Task<Answer<DeregisteredAnswer>> Deregister(string projectId, string agentId)
    {
        await grains.GetGrain<IProjectGrain>(projectId).Deregister(agentId);
        return Answer.Of(new DeregisteredAnswer(agentId, AgentStatus.Deregistered), Wire.Types.DeregisteredAnswer);
    }

    private async Task<Answer<ResolvedAgent>> Resolve(HttpContext http)
    {
        var who = await identification.Of(http);
        var address = Address(http, "address");
        if (!address.IsValid) throw ApiException.NotFound("Agent not found");
        var (_, agent) = await Find(who, address);
        return Answer.Of(
            new ResolvedAgent(agent.Did, agent.StableId, $"{address.Slug}/{address.Alias}", agent.AgentId, agent.HumanName, agent.PublicKey, settings.ServerUrl,
                agent.Custody, agent.Lifetime, agent.Status),
            Wire.Types.ResolvedAgent);
    }

    private async Task<(string ProjectId, AgentIdentity Agent)> Find(ProjectIdentity who, AgentAddress address)
    {
        var name = IDirectoryGrain.SlugName(await identification.TenantOf(who), address.Slug);
        var projectId = await grains.GetGrain<IDirectoryGrain>(name).Find() ?? throw ApiException.NotFound("Agent not found");
        var named = await grains.GetGrain<IProjectGrain>(projectId).Named([address.Alias]);
        return (projectId, named[0] ?? throw ApiException.NotFound("Agent not found"));
    }

    // A slug may hold slashes, an alias may not: the last one separates them. Clients may have escaped it.
    private static AgentAddress Address(HttpContext http, string part)
    {
        var path = (http.Request.RouteValues[part] as string ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var slash = path.LastIndexOf('/');
        return new(slash < 0 ? "" : path[..slash], path[(slash + 1)..]);
    }

    private readonly record struct AgentAddress(string Slug, string Alias)
    {
        public bool IsValid => Names.IsSlug(Slug) && Names.IsAlias(Alias);
    }

    private async Task<Answer<AliasPrefixAnswer>> SuggestAliasPrefix(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var slug = body.Required("project_slug", 1, 256).Trim();
        if (slug.Length > 0 && !Names.IsSlug(slug)) body.Fail("project_slug", "Invalid project_slug format");
        else if (slug.Length == 0 && body.Has("project_slug")) body.Fail("project_slug", "project_slug is required");
        body.Done();

        var (tenant, _) = identification.SignedTenantOf(http);
        var project = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Find();
        var prefix = project is null ? "alice" : await grains.GetGrain<IProjectGrain>(project).SuggestPrefix();
        if (prefix is null) throw new ApiException(StatusCodes.Status409Conflict, "alias_exhausted");
        return Answer.Of(new AliasPrefixAnswer(slug, project, prefix), Wire.Types.AliasPrefixAnswer);
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
