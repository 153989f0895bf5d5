using System.Collections.Immutable;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// API keys after they were made: an agent changes its own, an administrator sees and ends any of a project and makes one for an agent that
/// has lost its key. Answers that show a key are kept by no <c>Idempotency-Key</c>.
/// </summary>
internal sealed class ApiKeys(IGrainFactory grains)
{
    private static readonly Field<string> Project = InPath.Uuid("projectId", "Id of the project");
    private static readonly Field<string> Key = InPath.Uuid("apiKeyId", "Id of the API key");
    private static readonly Field<string?> OfAgent = InQuery.Uuid("agent_id", "Only this agent's");
    private static readonly Field<int> Limit = InQuery.Limit(200, 1000);

    private static readonly Field<string?> OfWhichAgent = InQuery.Required("agent_id", "Whose keys", min: 1)
        .To<string?>(Names.TryNormalizeUuid!, "Invalid agent_id format");
    private static readonly Field<string?> ForAgent = InBody.Required("agent_id", "Whom the key is for")
        .To<string?>(Names.TryNormalizeUuid!, "Invalid agent_id format");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<ApiKeys>();
        routes.Map(
            new RequestGroup("/v1/agents/me/keys", "keys", "API keys after they were made")
                .Post("/rotate", "rotateApiKey",
                    "Change the API key that the request is sent with: it opens nothing from then on, and the answer has another")
                .Needs(Caller.KeyAgent)
                .Answers(Wire.Types.KeyRotatedAnswer),
            endpoints.Rotate);

        var requests = new RequestGroup("/v1/projects/{projectId}/keys", "keys", "API keys after they were made");
        routes.Map(
            requests.Get("", "listApiKeys", "API keys of a project, newest first, without the keys themselves; for administrators")
                .Needs(Caller.Admin)
                .Takes(Project, OfAgent, Limit)
                .Bind(static fields => (ProjectId: fields.Get(Project), AgentId: fields.Get(OfAgent), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.KeyListAnswer),
            async (list, _) => await endpoints.List(list.ProjectId, list.AgentId, list.Limit));
        routes.Map(
            requests.Post("", "makeApiKey", "Make another API key for an agent; for administrators").Needs(Caller.Admin)
                .TakesOnly(Project, ForAgent)
                .Bind(static fields => (ProjectId: fields.Get(Project), AgentId: fields.Get(ForAgent)!))
                .Answers(Wire.Types.KeyMade),
            async (make, _) => await endpoints.Of((await endpoints.Existing(make.ProjectId)).ProjectId).MakeKey(make.AgentId));
        routes.Map(
            requests.Delete("", "revokeApiKeysOfAgent", "Revoke all API keys of an agent; for administrators").Needs(Caller.Admin)
                .Takes(Project, OfWhichAgent)
                .Bind(static fields => (ProjectId: fields.Get(Project), AgentId: fields.Get(OfWhichAgent)))
                .Answers(Wire.Types.KeysRevokedAnswer),
            async (revoke, _) => await endpoints.Revoke(revoke.ProjectId, null, revoke.AgentId, "Agent has no API key"));
        routes.Map(
            requests.Delete("/{apiKeyId}", "revokeApiKey", "Revoke an API key; for administrators").Needs(Caller.Admin)
                .Takes(Project, Key)
                .Bind(static fields => (ProjectId: fields.Get(Project), KeyId: fields.Get(Key)))
                .Answers(Wire.Types.KeysRevokedAnswer),
            async (revoke, _) => await endpoints.Revoke(revoke.ProjectId, revoke.KeyId, null, "API key not found"));
    }

    private async Task<KeyRotatedAnswer> Rotate(KeyAgent caller, HttpContext http)
    {
        // The new one first: were the server to stop in between, the caller would still have one that opens.
        var made = await Of(caller.Who.ProjectId).MakeKey(caller.AgentId);
        await grains
            .GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(http.Request.Headers.Authorization.ToString().AsSpan(BearerKeys.Scheme.Length)))
            .Revoke();
        return new(made.ApiKeyId, made.ApiKey, made.AgentId, made.Alias, made.CreatedAt, caller.Who.ApiKeyId!);
    }

    private async Task<KeyListAnswer> List(string projectId, string? agentId, int limit)
    {
        var project = await Existing(projectId);
        var all = await grains.GetGrain<IApiKeysGrain>(projectId).List(agentId);
        var aliases = new Dictionary<string, string?>();
        foreach (var id in all.Take(limit).Select(key => key.AgentId).OfType<string>().Distinct())
            aliases[id] = (await Of(projectId).Agent(id))?.Alias;
        return new(project.ProjectId, project.Slug,
            [.. all.Take(limit).Select(key => new KeyItem(
                key.ApiKeyId, key.AgentId, key.AgentId is { } id ? aliases[id] : null, key.Prefix, key.CreatedAt, key.RevokedAt))],
            all.Length > limit);
    }

    private async Task<KeysRevokedAnswer> Revoke(string projectId, string? keyId, string? agentId, string otherwise)
    {
        await Existing(projectId);
        return new(await grains.GetGrain<IApiKeysGrain>(projectId).Revoke(keyId, agentId) ?? throw ApiException.NotFound(otherwise));
    }

    private async Task<ProjectDetails> Existing(string projectId) =>
        await Of(projectId).Details() ?? throw ApiException.NotFound("Project not found");

    private IProjectGrain Of(string projectId) => grains.GetGrain<IProjectGrain>(projectId);
}

/// <summary>
/// Writes whose answers are not kept for a repeat with the same <c>Idempotency-Key</c>: those that show a key, and those of administrators,
/// who are of no project.
/// </summary>
internal static class UnkeptAnswers
{
    /// <summary>Whether a request is one; asked before it is routed.</summary>
    public static bool Has(PathString path) =>
        path.StartsWithSegments("/v1/init") || path.StartsWithSegments("/v1/projects") || path.StartsWithSegments("/v1/agents/me/keys");
}

/// <summary>Answer of <c>POST /v1/agents/me/keys/rotate</c>.</summary>
/// <param name="ApiKeyId">Id of the new key.</param>
/// <param name="ApiKey">The new key, shown here and never again.</param>
/// <param name="AgentId">Agent.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedApiKeyId">Id of the key that ended.</param>
internal sealed record KeyRotatedAnswer(string ApiKeyId, string ApiKey, string AgentId, string Alias, DateTimeOffset CreatedAt,
    string RevokedApiKeyId);

/// <summary>API keys of a project.</summary>
internal sealed record KeyListAnswer(string ProjectId, string ProjectSlug, ImmutableArray<KeyItem> Keys, bool HasMore);

/// <summary>One of them.</summary>
internal sealed record KeyItem(string ApiKeyId, string? AgentId, string? Alias, string Prefix, DateTimeOffset CreatedAt,
    DateTimeOffset? RevokedAt);

/// <summary>Ids of the API keys that a request revoked; those that were revoked before are not among them.</summary>
internal sealed record KeysRevokedAnswer(ImmutableArray<string> Revoked);
