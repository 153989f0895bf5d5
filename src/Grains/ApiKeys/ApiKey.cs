using Beadhub.Directories;
using Beadhub.EventLog;

namespace Beadhub.ApiKeys;

/// <summary>A key: unknown, or issued to somebody once and for all. Whether its agent's keys are alive is the project's to say.</summary>
/// <param name="Identity">Whom it speaks for; null while unknown.</param>
/// <param name="Prefix">By which people recognise it.</param>
/// <param name="IssuedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked: it opens nothing since.</param>
public sealed record ApiKey(KeyIdentity? Identity, string Prefix, DateTimeOffset? IssuedAt, DateTimeOffset? RevokedAt = null) : IEventSourced<ApiKey>
{
    /// <inheritdoc/>
    public static ApiKey Empty { get; } = new(Identity: null, Prefix: "", IssuedAt: null);

    /// <inheritdoc/>
    public static StreamKind<ApiKey> Kind { get; } = new("api_key", ApiKeyJson.Relaxed.ApiKey, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public ApiKey Apply(IEvent @event) => @event switch
    {
        ApiKeyIssued e => new(new KeyIdentity(e.ApiKeyId, e.ProjectId, e.AgentId), e.Prefix, e.At),
        ApiKeyRevoked e => this with { RevokedAt = e.At },
        _ => this,
    };

    /// <summary>As administrators see it; null while it is unknown.</summary>
    public ApiKeyView? View() => Identity is { } holder ? new(holder.ApiKeyId, holder.AgentId, Prefix, IssuedAt ?? default, RevokedAt) : null;

    /// <summary>Ends the key. The answer is whether it ended just now.</summary>
    public Decision<bool> Revoke(DateTimeOffset now) =>
        Identity is null || RevokedAt is not null ? Decision.None(false) : Decision.Accept(true, new ApiKeyRevoked(now));

    /// <summary>Notes whom the key speaks for; a key that was issued stays with whom it was issued to.</summary>
    public Decision<bool> Issue(ApiKeyIssued issued) => Identity is null ? Decision.Accept(true, issued) : Decision.None(false);
}
