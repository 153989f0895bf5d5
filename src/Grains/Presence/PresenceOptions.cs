namespace Beadhub.Presence;

/// <summary>How presence is kept.</summary>
/// <param name="Ttl">How long a sign of life counts (<c>BEADHUB_PRESENCE_TTL_SECONDS</c>, contract 18).</param>
public sealed record PresenceOptions(TimeSpan Ttl)
{
    /// <summary>Half an hour.</summary>
    public static PresenceOptions Default { get; } = new(TimeSpan.FromSeconds(1800));
}
