using System.Collections.Immutable;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// API keys after they were made: an agent looks at, changes and ends its own, who leads a project those of the project, an administrator
/// those of any. Answers that show a key are kept by no <c>Idempotency-Key</c>.
/// </summary>
internal sealed class ApiKeys(IGrainFactory grains, KeyUses uses, TimeProvider time)
{
    private const int LongestLife = 10 * 365 * 86_400;
    private const int LongestOverlap = 30 * 86_400;

    private static readonly Field<string> Project = InPath.Uuid("projectId", "Id of the project");
    private static readonly Field<string> Key = InPath.Uuid("apiKeyId", "Id of the API key");
    private static readonly Field<string?> OfAgent = InQuery.Uuid("agent_id", "Only this agent's");
    private static readonly Field<int> Limit = InQuery.Limit(200, 1000);

    private static readonly Field<string?> OfWhichAgent = InQuery.Required("agent_id", "Whose keys", min: 1)
        .To<string?>(Names.TryNormalizeUuid!, "Invalid agent_id format");
    private static readonly Field<string?> ForAgent = InBody.Required("agent_id", "Whom the key is for")
        .To<string?>(Names.TryNormalizeUuid!, "Invalid agent_id format");
    private static readonly Field<int?> ExpiresIn = InBody.Integer(
        "expires_in_seconds", "In how many seconds the key ends by itself; never unless given", 1, LongestLife);
    private static readonly Field<int> Overlap = InBody.IntegerOr(
        "overlap_seconds", "How many seconds the old key still opens; at once it opens nothing unless given", 0, 0, LongestOverlap);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<ApiKeys>();
        endpoints.MapOwn(routes);
        endpoints.MapOfProject(
            routes, new("/v1/keys", "keys", "API keys after they were made"), Caller.Lead, "AsLead",
            "of the project; for those who lead it", static (_, who) => who.ProjectId);
        endpoints.MapOfProject(
            routes, new("/v1/projects/{projectId}/keys", "keys", "API keys after they were made"), Caller.Admin, "",
            "of a project; for administrators", static (fields, _) => fields.Get(Project), Project);
    }

    private void MapOwn(IEndpointRouteBuilder routes)
    {
        var own = new RequestGroup("/v1/agents/me/keys", "keys", "API keys after they were made");
        routes.Map(
            own.Get("", "listOwnApiKeys", "The caller's API keys, newest first, without the keys themselves").Needs(Caller.KeyHolder)
                .Takes(Limit)
                .Bind(static fields => fields.Get(Limit))
                .Answers(Wire.Types.KeyListAnswer),
            (limit, caller) => List(caller.Who.ProjectId, caller.AgentId, limit));
        routes.Map(
            own.Post("/rotate", "rotateApiKey",
                "Change the API key that the request is sent with: it opens nothing from then on, or after an overlap, and the answer has "
                + "another")
                .Needs(Caller.KeyHolder).Audited("key.rotated")
                .TakesOnly(Overlap, ExpiresIn).BodyMayBeMissing()
                .Bind(static fields => new Rotation(fields.Get(Overlap), fields.Get(ExpiresIn)))
                .Answers(Wire.Types.KeyRotatedAnswer),
            (rotation, caller, http) => Rotate(caller.Who.ProjectId, caller.Who.ApiKeyId!, rotation, http));
        routes.Map(
            own.Delete("/{apiKeyId}", "revokeOwnApiKey", "End one of the caller's API keys").Needs(Caller.KeyHolder).Audited("key.revoked")
                .Takes(Key)
                .Bind(static fields => fields.Get(Key))
                .Answers(Wire.Types.KeysRevokedAnswer),
            (key, caller) => Revoke(caller.Who.ProjectId, key, caller.AgentId, "API key not found"));
    }

    /// <summary>What is done with the keys of a project, by those who lead it and by administrators.</summary>
    private void MapOfProject<TCaller>(
        IEndpointRouteBuilder routes, RequestGroup requests, Need<TCaller> need, string suffix, string which,
        Func<RequestFields, TCaller, string> projectOf, params Field[] path)
    {
        routes.Map(
            requests.Get("", $"listApiKeys{suffix}", $"API keys {which}; newest first, without the keys themselves").Needs(need)
                .Takes([.. path, OfAgent, Limit])
                .Bind(fields => (Project: Of(fields), AgentId: fields.Get(OfAgent), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.KeyListAnswer),
            (list, caller) => List(list.Project(caller), list.AgentId, list.Limit));
        routes.Map(
            requests.Post("", $"makeApiKey{suffix}", $"Make another API key for an agent {which}").Needs(need).Audited("key.issued")
                .AnswersKey()
                .TakesOnly([.. path, ForAgent, ExpiresIn])
                .Bind(fields => (Project: Of(fields), AgentId: fields.Get(ForAgent)!, ExpiresIn: fields.Get(ExpiresIn)))
                .Answers(Wire.Types.KeyMade),
            (make, caller, http) => Make(make.Project(caller), make.AgentId, make.ExpiresIn, http));
        routes.Map(
            requests.Delete("", $"revokeApiKeysOfAgent{suffix}", $"End all API keys of an agent {which}").Needs(need).Audited("key.revoked")
                .Takes([.. path, OfWhichAgent])
                .Bind(fields => (Project: Of(fields), AgentId: fields.Get(OfWhichAgent)))
                .Answers(Wire.Types.KeysRevokedAnswer),
            (revoke, caller, http) =>
            {
                http.Deed(new(revoke.AgentId, "all keys of the agent"));
                return Revoke(revoke.Project(caller), null, revoke.AgentId, "Agent has no API key");
            });
        routes.Map(
            requests.Delete("/{apiKeyId}", $"revokeApiKey{suffix}", $"End an API key {which}").Needs(need).Audited("key.revoked")
                .Takes([.. path, Key])
                .Bind(fields => (Project: Of(fields), KeyId: fields.Get(Key)))
                .Answers(Wire.Types.KeysRevokedAnswer),
            (revoke, caller) => Revoke(revoke.Project(caller), revoke.KeyId, null, "API key not found"));
        routes.Map(
            requests.Patch("/{apiKeyId}", $"expireApiKey{suffix}",
                $"Say when an API key ends by itself, or (null) that it does not, {which}")
                .Needs(need).Audited("key.expiry_set")
                .TakesOnly([.. path, Key, ExpiresIn]).Fails(409)
                .Bind(fields => (Project: Of(fields), KeyId: fields.Get(Key), ExpiresIn: fields.Get(ExpiresIn)))
                .Answers(Wire.Types.KeyItem),
            (expire, caller) => Expire(expire.Project(caller), expire.KeyId, expire.ExpiresIn));
        routes.Map(
            requests.Post("/{apiKeyId}/rotate", $"replaceApiKey{suffix}",
                $"Make another API key for the agent of this one, which then ends at once or after an overlap; {which}")
                .Needs(need).Audited("key.rotated").AnswersKey()
                .TakesOnly([.. path, Key, Overlap, ExpiresIn]).BodyMayBeMissing().Fails(409)
                .Bind(fields => (Project: Of(fields), KeyId: fields.Get(Key), Rotation: new Rotation(fields.Get(Overlap),
                    fields.Get(ExpiresIn))))
                .Answers(Wire.Types.KeyRotatedAnswer),
            (rotate, caller, http) => Rotate(rotate.Project(caller), rotate.KeyId, rotate.Rotation, http));

        // The path's project is read with the other fields; the caller's is known later.
        Func<TCaller, string> Of(RequestFields fields)
        {
            if (path is []) return caller => projectOf(fields, caller);
            var project = projectOf(fields, default!);
            return _ => project;
        }
    }

    private async Task<KeyListAnswer> List(string projectId, string? agentId, int limit)
    {
        var project = await Existing(projectId);
        var all = await Keys(projectId).List(agentId);
        var items = ImmutableArray.CreateBuilder<KeyItem>();
        foreach (var key in all.Take(limit)) items.Add(await Item(projectId, key));
        return new(project.ProjectId, project.Slug, items.DrainToImmutable(), all.Length > limit);
    }

    private async Task<KeyMade> Make(string projectId, string agentId, int? expiresIn, HttpContext http)
    {
        var made = await Of((await Existing(projectId)).ProjectId).MakeKey(agentId, After(expiresIn));
        http.Deed(new(made.ApiKeyId, $"for {made.Alias}"));
        return made;
    }

    private async Task<KeysRevokedAnswer> Revoke(string projectId, string? keyId, string? agentId, string otherwise)
    {
        await Existing(projectId);
        return new(await Keys(projectId).Revoke(keyId, agentId, null) ?? throw ApiException.NotFound(otherwise));
    }

    private async Task<KeyItem> Expire(string projectId, string keyId, int? expiresIn)
    {
        await Existing(projectId);
        return await Item(projectId, await Keys(projectId).SetExpiry(keyId, After(expiresIn)) ?? throw NoKey());
    }

    private async Task<KeyRotatedAnswer> Rotate(string projectId, string keyId, Rotation rotation, HttpContext http)
    {
        await Existing(projectId);
        var old = await Keys(projectId).Find(keyId) ?? throw NoKey();
        var agent = old.AgentId ?? throw new ApiException(StatusCodes.Status409Conflict, "API key is not bound to an agent");
        if (old.HasEnded(time.GetUtcNow())) throw new ApiException(StatusCodes.Status409Conflict, "API key has ended: make another one");
        // The new one first: were the server to stop in between, the caller would still have one that opens.
        var made = await Of(projectId).MakeKey(agent, After(rotation.ExpiresIn));
        http.Deed(new(keyId, $"another for {made.Alias}: {made.ApiKeyId}"));
        var end = After(rotation.Overlap);
        // An overlap is no reason for a key to live longer than it would have.
        if (rotation.Overlap == 0) await Keys(projectId).Revoke(keyId, null, null);
        else if (old.ExpiresAt is not { } before || end < before) await Keys(projectId).SetExpiry(keyId, end);
        else end = before;
        return new(made.ApiKeyId, made.ApiKey, made.AgentId, made.Alias, made.CreatedAt, keyId, made.ExpiresAt,
            rotation.Overlap == 0 ? null : end);
    }

    private async ValueTask<KeyItem> Item(string projectId, ApiKeyView key)
    {
        var (agent, here) = (key.AgentId is { } id ? await Of(projectId).Agent(id) : null, uses.Of(key.ApiKeyId));
        return new(key.ApiKeyId, key.AgentId, agent?.Alias, key.Prefix, key.CreatedAt, key.RevokedAt, key.ExpiresAt,
            here > (key.LastUsedAt ?? DateTimeOffset.MinValue) ? here : key.LastUsedAt);
    }

    private DateTimeOffset? After(int? seconds) =>
        seconds is { } given ? DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds() + (given * 1000L)) : null;

    private async Task<ProjectDetails> Existing(string projectId) =>
        await Of(projectId).Details() ?? throw ApiException.NotFound("Project not found");

    private IApiKeysGrain Keys(string projectId) => grains.GetGrain<IApiKeysGrain>(projectId);

    private IProjectGrain Of(string projectId) => grains.GetGrain<IProjectGrain>(projectId);

    private static ApiException NoKey() => ApiException.NotFound("API key not found");

    private readonly record struct Rotation(int Overlap, int? ExpiresIn);
}

/// <summary>A key in the place of another.</summary>
/// <param name="ApiKeyId">Id of the new key.</param>
/// <param name="ApiKey">The new key, shown here and never again.</param>
/// <param name="AgentId">Agent.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedApiKeyId">Id of the key that ended, or ends after the overlap.</param>
/// <param name="ExpiresAt">When the new key ends by itself; null for never.</param>
/// <param name="OldExpiresAt">When the old key ends; null when it has.</param>
internal sealed record KeyRotatedAnswer(string ApiKeyId, string ApiKey, string AgentId, string Alias, DateTimeOffset CreatedAt,
    string RevokedApiKeyId, DateTimeOffset? ExpiresAt, DateTimeOffset? OldExpiresAt);

/// <summary>API keys of a project.</summary>
internal sealed record KeyListAnswer(string ProjectId, string ProjectSlug, ImmutableArray<KeyItem> Keys, bool HasMore);

/// <summary>One of them.</summary>
/// <param name="ApiKeyId">Id of the key.</param>
/// <param name="AgentId">Agent; null for a key of the project alone.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Prefix">First characters, by which people recognise it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked; null while it was not.</param>
/// <param name="ExpiresAt">When it ends by itself; null for never.</param>
/// <param name="LastUsedAt">When it was used last, to within an hour; null while it was not.</param>
internal sealed record KeyItem(string ApiKeyId, string? AgentId, string? Alias, string Prefix, DateTimeOffset CreatedAt,
    DateTimeOffset? RevokedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>Ids of the API keys that a request revoked; those that were revoked before are not among them.</summary>
internal sealed record KeysRevokedAnswer(ImmutableArray<string> Revoked);
