using System.Net;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>POST /v1/init</c>: bootstraps project, agent, key and, with a repository, workspace (contract 3).</summary>
internal sealed class Init(IGrainFactory grains, IInitRate rate, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Init>();
        if (!routes.ServiceProvider.GetRequiredService<GatewaySettings>().Bootstrap) return;
        routes.Post("/v1/init", endpoints.Post).WithTags("init").Says("Bootstrap an agent; answers with a new API key", 401, 404, 409, 410, 422).AllowAnonymous().Answers<InitAnswer>();
    }

    private async Task<IResult> Post(HttpContext http)
    {
        // Counted before the body is looked at, which costs more than the refusal; given back when the body turns out to be none (checklist 59).
        var client = ClientOf(http);
        if (FieldNotes.Of(http) is null && await rate.Take(client) is { } wait)
            throw ApiException.TooMany("Rate limit exceeded. Too many initialization requests.", wait);
        try
        {
            return await Bootstrap(http);
        }
        catch (InvalidFieldsException)
        {
            await rate.GiveBack(client);
            throw;
        }
    }

    private async Task<IResult> Bootstrap(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        // bdh may send the human's e-mail, meant for the hosted product: accepted and not kept.
        body.Only("project_slug", "project_name", "alias", "human_name", "agent_type", "lifetime", "custody", "project_id", "repo_origin", "role",
            "hostname", "workspace_path", "email", "did", "public_key");
        var slug = (body.Optional("project_slug", max: 256) ?? "").Trim();
        if (slug.Length > 0 && !Names.IsSlug(slug)) body.Fail("project_slug", "Invalid project_slug format");
        var projectName = body.Optional("project_name", max: 256) ?? "";
        var alias = body.Optional("alias", 1, 64)?.Trim() is { Length: > 0 } given ? given : null;
        if (alias is not null && !Names.IsAlias(alias)) body.Fail("alias", "Invalid alias format");
        else if (alias is not null && alias.Equals("me", StringComparison.OrdinalIgnoreCase)) body.Fail("alias", $"'{alias}' is a reserved alias");
        var humanName = (body.Optional("human_name", max: 64) ?? "").Trim();
        if (!Names.IsHumanName(humanName)) body.Fail("human_name", "Invalid human_name format");
        var agentType = body.Optional("agent_type", max: 32)?.Trim() is { Length: > 0 } type ? type : "agent";
        var lifetime = body.Optional("lifetime") ?? "ephemeral";
        if (lifetime is not ("persistent" or "ephemeral")) body.Fail("lifetime", "lifetime must be 'persistent' or 'ephemeral'");
        var custody = body.Optional("custody");
        if (custody is not (null or "self" or "custodial")) body.Fail("custody", "custody must be 'self' or 'custodial'");
        var projectId = body.Optional("project_id", max: 36)?.Trim() is { Length: > 0 } id ? id : null;
        if (projectId is not null && !Names.TryNormalizeUuid(projectId, out projectId)) body.Fail("project_id", "Invalid project_id format");
        var origin = body.Origin("repo_origin", required: false);
        var role = body.Role("role", "Invalid role format") ?? "agent";
        var hostname = body.Plain("hostname", 255);
        var path = body.Plain("workspace_path", 4096, linesAllowed: true);
        // Newer clients bring a key of their own.
        var did = body.Optional("did", max: 256)?.Trim() is { Length: > 0 } key ? key : null;
        var publicKey = body.Optional("public_key", max: 64)?.Trim() is { Length: > 0 } bytes ? bytes : null;
        body.Done();
        if (lifetime == Lifetimes.Ephemeral && custody != Custodies.Custodial && (custody is not null || did is not null || publicKey is not null))
            throw ApiException.Unprocessable("Ephemeral agents must be custodial");

        var (tenant, signedProject) = identification.SignedTenantOf(http);
        if (signedProject is not null && projectId is not null && signedProject != projectId) throw ApiException.NotFound("project_not_found: unknown project_id");
        var (project, newSlug) = (projectId ?? signedProject, (string?)null);
        if (project is null)
        {
            if (slug.Length == 0)
            {
                if (origin is null) throw ApiException.Unprocessable("project_slug is required");
                var uses = (await grains.GetGrain<IOriginGrain>(origin.Canonical).Projects()).RemoveAll(use => use.TenantId != tenant);
                if (uses.IsEmpty) throw ApiException.Unprocessable("project_not_found: repo not registered");
                if (uses.Length > 1) return new AmbiguousRepo(origin.Canonical, uses);
                project = uses[0].ProjectId;
            }
            else
            {
                newSlug = slug;
                project = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Ensure(Guid.NewGuid().ToString("D"));
            }
        }

        var agent = await grains.GetGrain<IProjectGrain>(project).Init(
            new(newSlug, projectName, alias, humanName, agentType, lifetime, origin, role, hostname ?? "", path ?? "", custody, did, publicKey, tenant));
        return Answer.Of(
            new InitAnswer("ok", agent.CreatedAt, agent.ApiKey, agent.ProjectId, agent.ProjectSlug, agent.AgentId, agent.RepoId, agent.CanonicalOrigin,
                agent.WorkspaceId, agent.Alias, agent.Created, agent.WorkspaceCreated, agent.Did, agent.Custody, agent.Lifetime, agent.StableId),
            Wire.Types.InitAnswer);
    }

    /// <summary>The client's address; one of IPv4 is the same on a socket that serves both kinds.</summary>
    private static IPAddress ClientOf(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => IPAddress.None,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4(),
        var address => address,
    };
}

/// <summary>Answer of <c>POST /v1/init</c> (contract 3.3).</summary>
internal sealed record InitAnswer(
    string Status,
    DateTimeOffset CreatedAt,
    string ApiKey,
    string ProjectId,
    string ProjectSlug,
    string AgentId,
    string? RepoId,
    string? CanonicalOrigin,
    string? WorkspaceId,
    string Alias,
    bool Created,
    bool WorkspaceCreated,
    string? Did,
    string? Custody,
    string Lifetime,
    string? StableId);
