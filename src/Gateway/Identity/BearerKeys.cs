using System.Collections.Concurrent;
using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Authentication by <c>Authorization: Bearer aw_sk_…</c> (contract 1.2).</summary>
internal sealed class BearerKeys(IGrainFactory grains, Tokens tokens, KeyUses uses)
{
    /// <summary>How the header begins.</summary>
    public const string Scheme = "Bearer ";

    private const int MaxHeader = 1024;
    private const int MaxRemembered = 10_000;

    // Where the record of a key that once was good is: saves hashing it on every request. Whether it still is good, the record says.
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    private sealed record Known(IApiKeyGrain Record, KeyUse Use);

    /// <summary>Whom the key speaks for; keys that died with their workspace included, which <see cref="Identification"/> tells
    /// apart.</summary>
    /// <exception cref="ApiException">401; 403 for the administrators' key.</exception>
    public ValueTask<ProjectIdentity> Identify(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (_known.TryGetValue(header, out var known) && known.Record.Identify() is { IsCompletedSuccessfully: true, Result: { } holder })
        {
            uses.Note(known.Use);
            return new(Who(holder));
        }

        return IdentifyUnknown(header);
    }

    private async ValueTask<ProjectIdentity> IdentifyUnknown(string header)
    {
        if (header.Length == 0) throw ApiException.Unauthorized();
        if (!header.StartsWith(Scheme, StringComparison.Ordinal))
            throw ApiException.Unauthorized("Invalid Authorization header. Expected: Bearer <token>");
        if (header.Length > MaxHeader) throw UnknownKey();
        switch (tokens.KindOf(header.AsSpan(Scheme.Length)))
        {
            case TokenKind.Unknown:
                throw UnknownKey();
            case TokenKind.Administrator:
                throw ApiException.Forbidden("The administrators' key speaks for no project: use an API key of the project");
        }

        var hash = IApiKeyGrain.Key(header.AsSpan(Scheme.Length));
        var record = grains.GetGrain<IApiKeyGrain>(hash);
        var holder = await record.Identify() ?? throw UnknownKey();
        if (_known.Count >= MaxRemembered) _known.Clear();
        var use = new KeyUse(holder.Key.ProjectId, holder.Key.ApiKeyId, hash);
        _known[header] = new(record, use);
        uses.Note(use);
        return Who(holder);
    }

    /// <summary>Whom a key speaks for of which only the place of its record is known: a stream ticket's.</summary>
    /// <exception cref="ApiException">401.</exception>
    public async ValueTask<ProjectIdentity> IdentifyByHash(string hash) =>
        Who(await grains.GetGrain<IApiKeyGrain>(hash).Identify() ?? throw UnknownKey());

    private static ProjectIdentity Who(KeyHolder holder) =>
        new(holder.Key.ProjectId, holder.Key.AgentId, holder.Key.ApiKeyId, null, AuthMode.Bearer) { Standing = holder.Standing };

    /// <summary>The refusal of a key that opens nothing.</summary>
    public static ApiException UnknownKey() => ApiException.Unauthorized("Invalid API key");
}
