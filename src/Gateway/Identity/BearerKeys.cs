using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Authentication by <c>Authorization: Bearer aw_sk_…</c> (contract 1.2).</summary>
internal static class BearerKeys
{
    private const string Scheme = "Bearer ";

    public static ValueTask<ProjectIdentity> Identify(HttpRequest request, IGrainFactory grains)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.Length == 0) throw ApiException.Unauthorized();
        if (!header.StartsWith(Scheme, StringComparison.Ordinal))
            throw ApiException.Unauthorized("Invalid Authorization header. Expected: Bearer <token>");
        if (header.Length > 1024) throw UnknownKey();

        var found = grains.GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(header.AsSpan(Scheme.Length))).Identify();
        return found.IsCompletedSuccessfully ? new(Known(found.Result)) : Wait(found);

        static async ValueTask<ProjectIdentity> Wait(ValueTask<KeyIdentity?> found) => Known(await found);

        static ProjectIdentity Known(KeyIdentity? key) =>
            key is null ? throw UnknownKey() : new(key.ProjectId, key.AgentId, key.ApiKeyId, null, AuthMode.Bearer);

        static ApiException UnknownKey() => ApiException.Unauthorized("Invalid API key");
    }
}
