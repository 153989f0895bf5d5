using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Beadhub.Publications;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/agents/publish</c> and <c>/v1/network/directory</c>: what an agent shows of itself to every caller of its tenant on this server, in the words of the clients
/// from 0.6 on. Of a project only its slug and name are shown, and only with an agent that has published itself.
/// </summary>
internal sealed class Publications(IGrainFactory grains, Identification identification)
{
    private const int MaxCapabilities = 50;
    private const int MaxCapability = 64;
    private const int MaxDescription = 2000;
    private const int MaxQuery = 255;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Publications>();
        routes.Post("/v1/agents/publish", endpoints.Publish).WithTags("directory").Says("Show the caller in the directory, to every project of this server", 401, 403, 404, 422);
        routes.Delete("/v1/agents/{alias}/publish", endpoints.Withdraw).WithTags("directory").Says("Show the caller no longer", 401, 403, 404);
        routes.Get("/v1/network/directory", endpoints.Search).WithTags("directory").Says("Agents of this server that have published themselves", 401, 422);
        routes.Get("/v1/network/directory/{**address}", endpoints.Find).WithTags("directory").Says("An agent that has published itself", 401, 404);
    }

    private async Task<Answer<PublishedAnswer>> Publish(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("agent_id", "capabilities", "description");
        var agentId = body.Uuid("agent_id", "Invalid agent_id format");
        var capabilities = body.Words("capabilities", MaxCapabilities, MaxCapability);
        var description = body.Optional("description", max: MaxDescription) ?? "";
        body.MustBePlain("description", description);
        body.Done();

        var actor = await identification.ActorOf(http);
        if (agentId is not null && agentId != actor.Id) throw ApiException.Forbidden("agent_id does not match API key identity");
        var shown = await grains.GetGrain<IPublicationsGrain>(actor.ProjectId).Publish(
            new(actor.Id, [.. capabilities.Select(capability => capability.Trim()).Where(capability => capability.Length > 0).Distinct(StringComparer.Ordinal)], description));
        return Answer.Of(new PublishedAnswer(actor.ProjectId, actor.Id, actor.Alias, shown.Capabilities, shown.Description, shown.At), Wire.Types.PublishedAnswer);
    }

    private async Task<Answer<WithdrawnAnswer>> Withdraw(HttpContext http)
    {
        var alias = http.PathPart("alias");
        var actor = await identification.ActorOf(http);
        if (alias != actor.Alias) throw ApiException.Forbidden("Agents publish and withdraw only themselves");
        if (!await grains.GetGrain<IPublicationsGrain>(actor.ProjectId).Withdraw(actor.Id)) throw ApiException.NotFound("Agent is not published");
        return Answer.Of(new WithdrawnAnswer(actor.Id, actor.Alias, true), Wire.Types.WithdrawnAnswer);
    }

    private async Task<Answer<DirectoryAnswer>> Search(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var capability = query.Text("capability", MaxCapability);
        var slug = query.Text("org_slug", MaxQuery);
        var text = query.Text("q", MaxQuery);
        var limit = query.Integer("limit", 50, 1, 200);
        query.Done();

        var who = await identification.Of(http);
        var found = (await Shown(who, string.IsNullOrEmpty(slug) ? null : slug))
            .Where(agent => string.IsNullOrEmpty(capability) || agent.Capabilities.Contains(capability, StringComparer.OrdinalIgnoreCase))
            .Where(agent => string.IsNullOrEmpty(text) || Has(agent, text))
            .OrderBy(agent => agent.OrgSlug, StringComparer.Ordinal).ThenBy(agent => agent.Alias, StringComparer.Ordinal).ToList();
        return Answer.Of(new DirectoryAnswer([.. found.Take(limit)], found.Count), Wire.Types.DirectoryAnswer);
    }

    private async Task<Answer<DirectoryAgent>> Find(HttpContext http)
    {
        // A slug may hold slashes, an alias may not: the last one separates them. Clients may have escaped it.
        var address = http.PathPart("address").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var who = await identification.Of(http);
        var slash = address.LastIndexOf('/');
        if (slash < 0) throw ApiException.NotFound("Agent not found");
        var agent = (await Shown(who, address[..slash])).FirstOrDefault(agent => agent.Alias == address[(slash + 1)..]) ?? throw ApiException.NotFound("Agent not found");
        return Answer.Of(agent, Wire.Types.DirectoryAgent);
    }

    /// <summary>The living agents that are shown to a caller, of one project or of all: of its own tenant, and of others' projects only where these are not private. What is archived is shown to nobody.</summary>
    private async Task<List<DirectoryAgent>> Shown(ProjectIdentity who, string? slug)
    {
        var tenant = await identification.TenantOf(who);
        var agents = new List<DirectoryAgent>();
        foreach (var projectId in await Projects(slug, tenant))
        {
            var shown = (await grains.GetGrain<IPublicationsGrain>(projectId).List()).Publications;
            if (shown.IsEmpty) continue;
            var project = grains.GetGrain<IProjectGrain>(projectId);
            var standing = await project.Standing(null);
            if (standing.TenantId != tenant || standing.IsArchived || (standing.IsPrivate && projectId != who.ProjectId) || await project.Describe() is not { } described) continue;
            foreach (var publication in shown)
                if (await project.Agent(publication.AgentId) is { IsLiving: true } agent)
                    agents.Add(new(described.Name, described.Slug, agent.Alias, publication.Capabilities, publication.Description));
        }

        return agents;
    }

    private async ValueTask<ImmutableArray<string>> Projects(string? slug, string? tenant)
    {
        if (slug is null) return await grains.GetGrain<IPublishedProjectsGrain>("all").All();
        return Names.IsSlug(slug) && await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Find() is { } projectId ? [projectId] : [];
    }

    private static bool Has(DirectoryAgent agent, string text) =>
        agent.Alias.Contains(text, StringComparison.OrdinalIgnoreCase) || agent.Description.Contains(text, StringComparison.OrdinalIgnoreCase)
        || agent.OrgSlug.Contains(text, StringComparison.OrdinalIgnoreCase) || agent.Capabilities.Any(capability => capability.Contains(text, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Answer of <c>POST /v1/agents/publish</c>; the project is the organisation.</summary>
internal sealed record PublishedAnswer(string OrgId, string AgentId, string Alias, ImmutableArray<string> Capabilities, string Description, DateTimeOffset PublishedAt);

/// <summary>Answer of <c>DELETE /v1/agents/{alias}/publish</c>.</summary>
internal sealed record WithdrawnAnswer(string AgentId, string Alias, bool Unpublished);

/// <summary>Answer of <c>GET /v1/network/directory</c>.</summary>
/// <param name="Agents">The first of them, by project and alias.</param>
/// <param name="Total">How many there are.</param>
internal sealed record DirectoryAnswer(ImmutableArray<DirectoryAgent> Agents, int Total);

/// <summary>An agent that has published itself; the project is the organisation.</summary>
internal sealed record DirectoryAgent(string OrgName, string OrgSlug, string Alias, ImmutableArray<string> Capabilities, string Description);
