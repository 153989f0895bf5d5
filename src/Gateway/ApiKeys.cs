using System.Collections.Immutable;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// API keys after they were made: an agent changes its own, an administrator sees and ends any of a project and makes one for an agent that
/// has lost its key. Answers that show a key are kept by no <c>Idempotency-Key</c>.
/// </summary>
internal sealed class ApiKeys(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<ApiKeys>();
        routes.Post("/v1/agents/me/keys/rotate", endpoints.Rotate).WithTags("keys")
            .Says("Change the API key that the request is sent with: it opens nothing from then on, and the answer has another", 401, 404);
        var group = routes.MapGroup("/v1/projects/{projectId}/keys").WithTags("keys");
        group.Get("", endpoints.List)
            .Says("API keys of a project, newest first, without the keys themselves; for administrators", 401, 403, 404, 422);
        group.Post("", endpoints.Make).Says("Make another API key for an agent; for administrators", 401, 403, 404, 422);
        group.Delete("", endpoints.RevokeAll).Says("Revoke all API keys of an agent; for administrators", 401, 403, 404, 422);
        group.Delete("/{apiKeyId}", endpoints.Revoke).Says("Revoke an API key; for administrators", 401, 403, 404, 422);
    }

    private async Task<Answer<KeyRotatedAnswer>> Rotate(HttpContext http)
    {
        var (who, agentId) = await identification.AgentOf(http);
        // The new one first: were the server to stop in between, the caller would still have one that opens.
        var made = await grains.GetGrain<IProjectGrain>(who.ProjectId).MakeKey(agentId);
        await grains.GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(http.Request.Headers.Authorization.ToString().AsSpan(BearerKeys.Scheme.Length))).Revoke();
        return Answer.Of(new KeyRotatedAnswer(made.ApiKeyId, made.ApiKey, made.AgentId, made.Alias, made.CreatedAt, who.ApiKeyId!),
            Wire.Types.KeyRotatedAnswer);
    }

    private async Task<Answer<KeyListAnswer>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var text = query.Text("agent_id");
        var agentId = Agent(query, text);
        var limit = query.Integer("limit", 200, 1, 1000);
        query.Done();

        var project = await Project(http);
        var all = await grains.GetGrain<IApiKeysGrain>(project.ProjectId).List(agentId);
        var aliases = new Dictionary<string, string?>();
        foreach (var id in all.Take(limit).Select(key => key.AgentId).OfType<string>().Distinct())
            aliases[id] = (await grains.GetGrain<IProjectGrain>(project.ProjectId).Agent(id))?.Alias;
        return Answer.Of(
            new KeyListAnswer(project.ProjectId, project.Slug,
                [.. all.Take(limit).Select(key => new KeyItem(
                    key.ApiKeyId, key.AgentId, key.AgentId is { } id ? aliases[id] : null, key.Prefix, key.CreatedAt, key.RevokedAt))],
                all.Length > limit),
            Wire.Types.KeyListAnswer);
    }

    private async Task<Answer<KeyMade>> Make(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("agent_id");
        var text = body.Required("agent_id");
        if (!Names.TryNormalizeUuid(text, out var agentId) && body.Has("agent_id")) body.Fail("agent_id", "Invalid agent_id format");
        body.Done();

        var project = await Project(http);
        return Answer.Of(await grains.GetGrain<IProjectGrain>(project.ProjectId).MakeKey(agentId!), Wire.Types.KeyMade);
    }

    private async Task<Answer<KeysRevokedAnswer>> RevokeAll(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var agentId = Agent(query, query.Required("agent_id"));
        query.Done();

        var project = await Project(http);
        return Answer.Of(
            new KeysRevokedAnswer(await grains.GetGrain<IApiKeysGrain>(project.ProjectId).Revoke(null, agentId)
                ?? throw ApiException.NotFound("Agent has no API key")),
            Wire.Types.KeysRevokedAnswer);
    }

    private async Task<Answer<KeysRevokedAnswer>> Revoke(HttpContext http)
    {
        var text = http.PathPart("apiKeyId");
        var project = await Project(http);
        if (!Names.TryNormalizeUuid(text, out var id)) throw ApiException.Unprocessable("Invalid api_key_id format");
        return Answer.Of(
            new KeysRevokedAnswer(await grains.GetGrain<IApiKeysGrain>(project.ProjectId).Revoke(id, null)
                ?? throw ApiException.NotFound("API key not found")),
            Wire.Types.KeysRevokedAnswer);
    }

    private async Task<ProjectDetails> Project(HttpContext http) =>
        await grains.GetGrain<IProjectGrain>(Projects.Administered(http, identification)).Details()
        ?? throw ApiException.NotFound("Project not found");

    private static string? Agent(QueryFields query, string? text)
    {
        if (string.IsNullOrEmpty(text) || Names.TryNormalizeUuid(text, out text)) return string.IsNullOrEmpty(text) ? null : text;
        query.Fail("agent_id", "Invalid agent_id format");
        return null;
    }
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
