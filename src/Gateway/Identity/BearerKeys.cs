using System.Collections.Concurrent;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Authentication by <c>Authorization: Bearer aw_sk_…</c> (contract 1.2).</summary>
internal sealed class BearerKeys(IGrainFactory grains)
{
    private const string Scheme = "Bearer ";
    private const int MaxHeader = 1024;
    private const int MaxRemembered = 10_000;

    // Where the record of a key that once was good is: saves hashing it on every request. Whether it still is good, the record says.
    private readonly ConcurrentDictionary<string, IApiKeyGrain> _known = new(StringComparer.Ordinal);

    /// <exception cref="ApiException">401.</exception>
    public ValueTask<ProjectIdentity> Identify(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (_known.TryGetValue(header, out var record) && record.Identify() is { IsCompletedSuccessfully: true, Result: { } identity }) return new(Who(identity));
        return IdentifyUnknown(header);
    }

    private async ValueTask<ProjectIdentity> IdentifyUnknown(string header)
    {
        if (header.Length == 0) throw ApiException.Unauthorized();
        if (!header.StartsWith(Scheme, StringComparison.Ordinal))
            throw ApiException.Unauthorized("Invalid Authorization header. Expected: Bearer <token>");
        if (header.Length > MaxHeader) throw UnknownKey();

        var record = grains.GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(header.AsSpan(Scheme.Length)));
        var identity = await record.Identify() ?? throw UnknownKey();
        if (_known.Count >= MaxRemembered) _known.Clear();
        _known[header] = record;
        return Who(identity);
    }

    private static ProjectIdentity Who(KeyIdentity key) => new(key.ProjectId, key.AgentId, key.ApiKeyId, null, AuthMode.Bearer);

    private static ApiException UnknownKey() => ApiException.Unauthorized("Invalid API key");
}
