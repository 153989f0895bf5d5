using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.ApiKeys;

/// <summary>A key: unknown, or issued to somebody once and for all. Whether its agent's keys are alive is the project's to say.</summary>
/// <param name="Identity">Whom it speaks for; null while unknown.</param>
/// <param name="Prefix">By which people recognise it.</param>
/// <param name="IssuedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked: it opens nothing since.</param>
/// <param name="ExpiresAt">From when on it opens nothing by itself; null for never.</param>
public sealed record ApiKey(
    KeyIdentity? Identity, string Prefix, DateTimeOffset? IssuedAt, DateTimeOffset? RevokedAt = null, DateTimeOffset? ExpiresAt = null)
    : IEventSourced<ApiKey>
{
    /// <inheritdoc/>
    public static ApiKey Empty { get; } = new(Identity: null, Prefix: "", IssuedAt: null);

    /// <inheritdoc/>
    public static StreamKind<ApiKey> Kind { get; } = new("api_key", ApiKeyJson.Default.ApiKey, SnapshotEvery: 64, _ => InstanceFeed.Id)
    {
        // 2: keys expire.
        Fold = 2,
    };

    /// <inheritdoc/>
    public ApiKey Apply(IEvent @event) => @event switch
    {
        ApiKeyIssued e => new(new KeyIdentity(e.ApiKeyId, e.ProjectId, e.AgentId), e.Prefix, e.At, ExpiresAt: e.ExpiresAt),
        ApiKeyRevoked e => this with { RevokedAt = e.At },
        ApiKeyExpirySet e => this with { ExpiresAt = e.ExpiresAt },
        _ => this,
    };

    /// <summary>As lists show it; null while it is unknown.</summary>
    public ApiKeyView? View() =>
        Identity is { } holder ? new(holder.ApiKeyId, holder.AgentId, Prefix, IssuedAt ?? default, RevokedAt, ExpiresAt) : null;

    /// <summary>Whether it opens nothing any more.</summary>
    public bool HasEnded(DateTimeOffset now) => RevokedAt is not null || ExpiresAt <= now;

    /// <summary>Ends the key. The answer is whether it ended just now.</summary>
    public Decision<bool> Revoke(DateTimeOffset now) =>
        Identity is null || RevokedAt is not null ? Decision.None(false) : Decision.Accept(true, new ApiKeyRevoked(now));

    /// <summary>Decides when the key ends by itself. False when it has ended or is unknown: what has ended stays so.</summary>
    public Decision<bool> SetExpiry(DateTimeOffset? expiresAt, DateTimeOffset now) =>
        Identity is null || HasEnded(now) ? Decision.None(false)
        : expiresAt == ExpiresAt ? Decision.None(true)
        : Decision.Accept(true, new ApiKeyExpirySet(expiresAt, now));

    /// <summary>Notes whom the key speaks for; a key that was issued stays with whom it was issued to.</summary>
    public Decision<bool> Issue(ApiKeyIssued issued) => Identity is null ? Decision.Accept(true, issued) : Decision.None(false);
}

/// <summary>A key that was just made: <c>aw_sk_</c> and 64 hex digits of 32 random bytes (protocol 1.4.1).</summary>
/// <param name="Text">The whole key, shown once and kept nowhere.</param>
internal readonly record struct NewApiKey(string Text)
{
    private const string Scheme = "aw_sk_";
    private const int PrefixLength = 12;

    /// <summary>Makes a key.</summary>
    public static NewApiKey Make() => new(Scheme + RandomNumberGenerator.GetHexString(64, lowercase: true));

    /// <summary>By which people recognise the key.</summary>
    public string Prefix => Text[..PrefixLength];

    /// <summary>Key of the grain that knows it.</summary>
    public string GrainKey => IApiKeyGrain.Key(Text);

    // A key must not slip into a log by way of a record's default text.
    /// <inheritdoc/>
    public override string ToString() => Prefix + "…";
}

/// <summary>JSON of the snapshots of keys.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ApiKey))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;
