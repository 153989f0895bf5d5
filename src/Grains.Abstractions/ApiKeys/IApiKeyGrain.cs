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

    /// <summary>Notes whom a freshly made key speaks for, here and in the project's list.</summary>
    [Repeatable]
    Task Issue(ApiKeyIssued issued);

    /// <summary>Ends the key: it opens nothing from then on. Whether it did so just now; false when it is unknown or had been
    /// revoked.</summary>
    [Repeatable]
    Task<bool> Revoke();

    /// <summary>Sets or takes away the time at which the key ends by itself. False when it is unknown or has ended, which is for
    /// good.</summary>
    [Repeatable]
    Task<bool> SetExpiry(DateTimeOffset? expiresAt);

    /// <summary>Whom the key was made for, though it may have ended; null when it is unknown.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<KeyIdentity?> Whose();

    /// <summary>The key as lists show it; null when it is unknown.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ApiKeyView?> Describe();

    /// <summary>Whom the key speaks for, and how they stand in their project (contract 1.8); null when it is unknown, was revoked or has
    /// expired.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<KeyHolder?> Identify();
}

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
/// <param name="ExpiresAt">When it ends by itself; null for never.</param>
[GenerateSerializer, Immutable, Alias("api_key.issued.v1")]
public sealed record ApiKeyIssued(
    [property: Id(0)] string ApiKeyId,
    [property: Id(1)] string ProjectId,
    [property: Id(2)] string? AgentId,
    [property: Id(3)] string Prefix,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] DateTimeOffset? ExpiresAt = null) : IEvent;

/// <summary>It was decided when a key ends by itself; null for never.</summary>
[GenerateSerializer, Immutable, Alias("api_key.expiry_set.v1")]
public sealed record ApiKeyExpirySet([property: Id(0)] DateTimeOffset? ExpiresAt, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>A key was revoked.</summary>
[GenerateSerializer, Immutable, Alias("api_key.revoked.v1")]
public sealed record ApiKeyRevoked([property: Id(0)] DateTimeOffset At) : IEvent;
