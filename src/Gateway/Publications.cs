using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Beadhub.Publications;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/agents/publish</c> and <c>/v1/network/directory</c>: what an agent shows of itself to every caller of its tenant on this server,
/// in the words of the clients from 0.6 on. Of a project only its slug and name are shown, and only with an agent that has published
/// itself.
/// </summary>
internal sealed class Publications(IGrainFactory grains, Identification identification)
{
    private const int MaxCapability = 64;
    private const int MaxQuery = 255;
    private const string What = "Agents that show themselves to all projects of this server";

    private static readonly Field<string?> Self = InBody.Uuid("agent_id", "The caller's own id");
    private static readonly Field<List<string>> Abilities = InBody
        .Words("capabilities", "What the agent can do, one or two words each", 50, MaxCapability);
    private static readonly Field<string?> About = InBody.Prose("description", "What the agent is", 2000);
    private static readonly Field<string> Alias = InPath.Text("alias", "The caller's own alias");
    private static readonly Field<string?> Ability = InQuery.Filter("capability", "Exactly this capability", MaxCapability);
    private static readonly Field<string?> Slug = InQuery.Filter("org_slug", "Slug of the project", MaxQuery);
    private static readonly Field<string?> Part = InQuery.Filter("q", "Part of alias, project, capability or description", MaxQuery);
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);

    // A slug may hold slashes, an alias may not: the last one separates them. Clients may have escaped it.
    private static readonly Field<(string Slug, string Alias)> Address = InPath.Text("address", "Address slug/alias")
        .AfterCaller(static text =>
        text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) is var address && address.LastIndexOf('/') is >= 0 and var slash
            ? (address[..slash], address[(slash + 1)..])
            : throw ApiException.NotFound("Agent not found"));

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Publications>();
        var agents = new RequestGroup("/v1/agents", "directory", What);
        routes.Map(
            agents.Post("/publish", "publishAgent", "Show the caller in the directory, to every project of this server").Needs(Caller.Actor)
                .TakesOnly(Self, Abilities, About)
                .Bind(static fields =>
                    (AgentId: fields.Get(Self), Capabilities: fields.Get(Abilities), Description: fields.Get(About) ?? ""))
                .Answers(Wire.Types.PublishedAnswer),
            endpoints.Publish);
        routes.Map(
            agents.Delete("/{alias}/publish", "withdrawAgent", "Show the caller no longer").Needs(Caller.Actor)
                .Takes(Alias)
                .Bind(static fields => fields.Get(Alias))
                .Answers(Wire.Types.WithdrawnAnswer),
            endpoints.Withdraw);
        var directory = new RequestGroup("/v1/network/directory", "directory", What);
        routes.Map(
            directory.Get("", "searchDirectory", "Agents of this server that have published themselves").Needs(Caller.Reader)
                .Takes(Part, Ability, Slug, Limit)
                .Bind(static fields => new DirectoryQuery(fields.Get(Ability), fields.Get(Slug), fields.Get(Part), fields.Get(Limit)))
                .Answers(Wire.Types.DirectoryAnswer),
            endpoints.Search);
        routes.Map(
            directory.Get("/{**address}", "findPublishedAgent", "An agent that has published itself").Needs(Caller.Reader)
                .Takes(Address)
                .Bind(static fields => fields.Get(Address))
                .Answers(Wire.Types.DirectoryAgent),
            async (address, who) => (await endpoints.Shown(who, address.Slug)).FirstOrDefault(agent => agent.Alias == address.Alias)
                ?? throw ApiException.NotFound("Agent not found"));
    }

    private async Task<PublishedAnswer> Publish((string? AgentId, List<string> Capabilities, string Description) request, Actor actor)
    {
        if (request.AgentId is not null && request.AgentId != actor.Id)
            throw ApiException.Forbidden("agent_id does not match API key identity");
        var capabilities = request.Capabilities.Select(capability => capability.Trim()).Where(capability => capability.Length > 0)
            .Distinct(StringComparer.Ordinal);
        var shown = await grains.GetGrain<IPublicationsGrain>(actor.ProjectId)
            .Publish(new(actor.Id, [.. capabilities], request.Description));
        return new(actor.ProjectId, actor.Id, actor.Alias, shown.Capabilities, shown.Description, shown.At);
    }

    private async Task<WithdrawnAnswer> Withdraw(string alias, Actor actor)
    {
        if (alias != actor.Alias) throw ApiException.Forbidden("Agents publish and withdraw only themselves");
        if (!await grains.GetGrain<IPublicationsGrain>(actor.ProjectId).Withdraw(actor.Id))
            throw ApiException.NotFound("Agent is not published");
        return new(actor.Id, actor.Alias, true);
    }

    private async Task<DirectoryAnswer> Search(DirectoryQuery query, ProjectIdentity who)
    {
        var found = (await Shown(who, query.Slug))
            .Where(agent => query.Capability is null || agent.Capabilities.Contains(query.Capability, StringComparer.OrdinalIgnoreCase))
            .Where(agent => query.Text is null || Has(agent, query.Text))
            .OrderBy(agent => agent.OrgSlug, StringComparer.Ordinal).ThenBy(agent => agent.Alias, StringComparer.Ordinal).ToList();
        return new([.. found.Take(query.Limit)], found.Count);
    }

    private sealed record DirectoryQuery(string? Capability, string? Slug, string? Text, int Limit);

    /// <summary>The living agents that are shown to a caller, of one project or of all: of its own tenant, and of others' projects only
    /// where these are not private. What is archived is shown to nobody.</summary>
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
            if (standing.TenantId != tenant || standing.IsArchived || (standing.IsPrivate && projectId != who.ProjectId)
                || await project.Describe() is not { } described) continue;
            foreach (var publication in shown)
                if (await project.Agent(publication.AgentId) is { IsLiving: true } agent)
                    agents.Add(new(described.Name, described.Slug, agent.Alias, publication.Capabilities, publication.Description));
        }

        return agents;
    }

    private async ValueTask<ImmutableArray<string>> Projects(string? slug, string? tenant)
    {
        if (slug is null) return await grains.GetGrain<IPublishedProjectsGrain>("all").All();
        return Names.IsSlug(slug) && await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Find() is { } projectId
            ? [projectId] : [];
    }

    private static bool Has(DirectoryAgent agent, string text) =>
        agent.Alias.Contains(text, StringComparison.OrdinalIgnoreCase)
            || agent.Description.Contains(text, StringComparison.OrdinalIgnoreCase)
        || agent.OrgSlug.Contains(text, StringComparison.OrdinalIgnoreCase)
            || agent.Capabilities.Any(capability => capability.Contains(text, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Answer of <c>POST /v1/agents/publish</c>; the project is the organisation.</summary>
internal sealed record PublishedAnswer(string OrgId, string AgentId, string Alias, ImmutableArray<string> Capabilities, string Description,
    DateTimeOffset PublishedAt);

/// <summary>Answer of <c>DELETE /v1/agents/{alias}/publish</c>.</summary>
internal sealed record WithdrawnAnswer(string AgentId, string Alias, bool Unpublished);

/// <summary>Answer of <c>GET /v1/network/directory</c>.</summary>
/// <param name="Agents">The first of them, by project and alias.</param>
/// <param name="Total">How many there are.</param>
internal sealed record DirectoryAnswer(ImmutableArray<DirectoryAgent> Agents, int Total);

/// <summary>An agent that has published itself; the project is the organisation.</summary>
internal sealed record DirectoryAgent(string OrgName, string OrgSlug, string Alias, ImmutableArray<string> Capabilities,
    string Description);
