using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Projects;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.ApiKeys;

/// <summary>What an API key stands for. Key: lower-case hex SHA-256 of the whole key (contract 1.2); the key itself is kept
/// nowhere.</summary>
[Alias("beadhub.api_key")]
public interface IApiKeyGrain : IGrainWithStringKey
{
    /// <summary>Key of the grain of an API key: any text is taken, only its hash counts.</summary>
    /// <exception cref="ArgumentException">It is longer than 1,024 characters: no key is.</exception>
    static string Key(ReadOnlySpan<char> apiKey)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(apiKey.Length, 1024, nameof(apiKey));
        Span<byte> utf8 = stackalloc byte[3 * 1024];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(apiKey, utf8)], hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Notes whom a freshly made key speaks for.</summary>
    [Repeatable]
    Task Issue(ApiKeyIssued issued);

    /// <summary>Ends the key: it opens nothing from then on. Whether it did so just now; false when it is unknown or had ended.</summary>
    [Repeatable]
    Task<bool> Revoke();

    /// <summary>Whom the key speaks for, and how they stand in their project (contract 1.8); null when it is unknown or was
    /// revoked.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<KeyHolder?> Identify();
}

/// <summary>
/// The API keys of a project, for administrators. Key: project id. It owns no events: keys are kept by their hash, each for itself, and are
/// read all together when somebody asks, which is seldom.
/// </summary>
[Alias("beadhub.api_keys")]
public interface IApiKeysGrain : IGrainWithStringKey
{
    /// <summary>The project's keys, or those of one agent of it, newest first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<ApiKeyView>> List(string? agentId);

    /// <summary>Ends keys: the one with this id, or (null) all of an agent. The answer names those that ended just now; null when there is
    /// no such key.</summary>
    [Repeatable]
    Task<ImmutableArray<string>?> Revoke(string? apiKeyId, string? agentId);
}

/// <summary>A key as administrators see it: never the key itself.</summary>
/// <param name="ApiKeyId">Id of the key record.</param>
/// <param name="AgentId">Agent, or null for a key of the project alone.</param>
/// <param name="Prefix">First characters, by which people recognise it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked; null while it was not.</param>
[GenerateSerializer, Immutable, Alias("api_key.view.v1")]
public sealed record ApiKeyView(
    [property: Id(0)] string ApiKeyId,
    [property: Id(1)] string? AgentId,
    [property: Id(2)] string Prefix,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] DateTimeOffset? RevokedAt);

/// <summary>Whom a key speaks for, and how they stand just now.</summary>
/// <param name="Key">Whom it speaks for.</param>
/// <param name="Standing">How they stand in their project.</param>
[GenerateSerializer, Immutable, Alias("api_key.holder.v1")]
public readonly record struct KeyHolder([property: Id(0)] KeyIdentity Key, [property: Id(1)] Standing Standing);

/// <summary>Whom a key speaks for.</summary>
/// <param name="ApiKeyId">Id of the key record.</param>
/// <param name="ProjectId">Project.</param>
/// <param name="AgentId">Agent, or null for a key of the project alone.</param>
[GenerateSerializer, Immutable, Alias("api_key.identity.v1")]
public sealed record KeyIdentity([property: Id(0)] string ApiKeyId, [property: Id(1)] string ProjectId, [property: Id(2)] string? AgentId);

/// <summary>A key was made.</summary>
/// <param name="ApiKeyId">Id of the key record.</param>
/// <param name="ProjectId">Project.</param>
/// <param name="AgentId">Agent, or null.</param>
/// <param name="Prefix">First 12 characters of the key, by which people recognise it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("api_key.issued.v1")]
public sealed record ApiKeyIssued(
    [property: Id(0)] string ApiKeyId,
    [property: Id(1)] string ProjectId,
    [property: Id(2)] string? AgentId,
    [property: Id(3)] string Prefix,
    [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>A key was revoked.</summary>
[GenerateSerializer, Immutable, Alias("api_key.revoked.v1")]
public sealed record ApiKeyRevoked([property: Id(0)] DateTimeOffset At) : IEvent;
