using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/agents</c>: who is in the project and who is there (contract 4, protocol 6).</summary>
internal sealed class Agents(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Agents>();
        var group = routes.MapGroup("/v1/agents").WithTags("agents");
        group.Get("", endpoints.List).Says("Agents of the project with their presence", 401);
        group.Post("/register", endpoints.Register).Says("Report presence for a workspace", 401, 403, 404, 410, 422);
        group.Post("/heartbeat", endpoints.Heartbeat).Says("Refresh the caller's presence", 401, 404);
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

    private async Task<Answer<AgentSeen>> Heartbeat(HttpContext http)
    {
        var who = await identification.Of(http);
        var agent = who.AgentId ?? throw ApiException.Forbidden("API key is not bound to an agent");
        return Answer.Of(await grains.GetGrain<IProjectGrain>(who.ProjectId).AgentHeartbeat(agent), Wire.Types.AgentSeen);
    }

    private async Task<Answer<AliasPrefixAnswer>> SuggestAliasPrefix(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var slug = body.Required("project_slug", 1, 256).Trim();
        if (slug.Length > 0 && !Names.IsSlug(slug)) body.Fail("project_slug", "Invalid project_slug format");
        else if (slug.Length == 0 && body.Has("project_slug")) body.Fail("project_slug", "project_slug is required");
        body.Done();

        var project = await grains.GetGrain<IDirectoryGrain>(slug).Find();
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

/// <summary>Answer of <c>POST /v1/agents/suggest-alias-prefix</c> (contract 4.1).</summary>
internal sealed record AliasPrefixAnswer(string ProjectSlug, string? ProjectId, string NamePrefix);
