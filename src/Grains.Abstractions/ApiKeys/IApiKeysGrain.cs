using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.ApiKeys;

/// <summary>
/// The list of a project's API keys. Key: project id. Whether a key opens anything is its own record's to say (<see cref="IApiKeyGrain"/>);
/// here is what people look at, and when each was used last.
/// </summary>
[Alias("beadhub.api_keys")]
public interface IApiKeysGrain : IGrainWithStringKey
{
    /// <summary>Says that the project is new: no version that kept no list has made keys for it.</summary>
    [Repeatable, AlwaysInterleave]
    Task Begin();

    /// <summary>Enters a key.</summary>
    [Repeatable, AlwaysInterleave]
    Task Enter(ListedApiKey key);

    /// <summary>
    /// The project's keys, or those of one agent of it, newest first. Keys that a version without this list has made are looked for the
    /// first time.
    /// </summary>
    [AlwaysInterleave]
    Task<ImmutableArray<ApiKeyView>> List(string? agentId);

    /// <summary>One key; null when the project has no such key.</summary>
    [AlwaysInterleave]
    Task<ApiKeyView?> Find(string apiKeyId);

    /// <summary>Ends keys: the one with this id, or (null) all of an agent. The answer names those that ended just now; null when there is
    /// no such key.</summary>
    /// <param name="apiKeyId">The key, or null.</param>
    /// <param name="agentId">The agent whose keys are meant; null for any.</param>
    /// <param name="except">Id of a key that stays.</param>
    [Repeatable, AlwaysInterleave]
    Task<ImmutableArray<string>?> Revoke(string? apiKeyId, string? agentId, string? except);

    /// <summary>Sets or takes away the time at which a key ends by itself. The answer is the key; null when there is no such key.</summary>
    /// <exception cref="RefusedException">It has ended.</exception>
    [Repeatable, AlwaysInterleave]
    Task<ApiKeyView?> SetExpiry(string apiKeyId, DateTimeOffset? expiresAt);

    /// <summary>Notes when keys were used last. What is within an hour of what is known is no news.</summary>
    [Repeatable, AlwaysInterleave]
    Task Used(ImmutableArray<ApiKeyUse> uses);
}

/// <summary>A key as lists show it: never the key itself.</summary>
/// <param name="ApiKeyId">Id of the key record.</param>
/// <param name="AgentId">Agent, or null for a key of the project alone.</param>
/// <param name="Prefix">First characters, by which people recognise it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked; null while it was not.</param>
/// <param name="ExpiresAt">When it ends by itself; null for never.</param>
/// <param name="LastUsedAt">When it was used last, to within an hour; null while it was not.</param>
[GenerateSerializer, Immutable, Alias("api_key.view.v1")]
public sealed record ApiKeyView(
    [property: Id(0)] string ApiKeyId,
    [property: Id(1)] string? AgentId,
    [property: Id(2)] string Prefix,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] DateTimeOffset? RevokedAt,
    [property: Id(5)] DateTimeOffset? ExpiresAt = null,
    [property: Id(6)] DateTimeOffset? LastUsedAt = null)
{
    /// <summary>Whether it opens nothing any more.</summary>
    public bool HasEnded(DateTimeOffset now) => RevokedAt is not null || ExpiresAt <= now;
}

/// <summary>A key as the list keeps it.</summary>
/// <param name="Hash">Key of its record's grain.</param>
/// <param name="View">What is shown of it.</param>
[GenerateSerializer, Immutable, Alias("api_key.listed.v1")]
public sealed record ListedApiKey([property: Id(0)] string Hash, [property: Id(1)] ApiKeyView View);

/// <summary>That a key was used.</summary>
/// <param name="ApiKeyId">The key.</param>
/// <param name="Hash">Key of its record's grain.</param>
/// <param name="At">When last.</param>
[GenerateSerializer, Immutable, Alias("api_key.use.v1")]
public sealed record ApiKeyUse([property: Id(0)] string ApiKeyId, [property: Id(1)] string Hash, [property: Id(2)] DateTimeOffset At);

/// <summary>Keys are in the list of the project.</summary>
/// <param name="Keys">The keys; none at the start of a project.</param>
/// <param name="IsWhole">Whether the list has all keys of the project from now on.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("api_keys.entered.v1")]
public sealed record ApiKeysEntered(
    [property: Id(0)] ImmutableArray<ListedApiKey> Keys, [property: Id(1)] bool IsWhole, [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A key was revoked, or has another end.</summary>
/// <param name="ApiKeyId">The key.</param>
/// <param name="RevokedAt">When it was revoked; null while it was not.</param>
/// <param name="ExpiresAt">When it ends by itself; null for never.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("api_keys.changed.v1")]
public sealed record ApiKeyChanged(
    [property: Id(0)] string ApiKeyId, [property: Id(1)] DateTimeOffset? RevokedAt, [property: Id(2)] DateTimeOffset? ExpiresAt,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>Keys were used.</summary>
/// <param name="Uses">When each was used last.</param>
/// <param name="At">When it was noted.</param>
[GenerateSerializer, Immutable, Alias("api_keys.used.v1")]
public sealed record ApiKeysUsed([property: Id(0)] ImmutableArray<ApiKeyUse> Uses, [property: Id(1)] DateTimeOffset At) : IEvent;
