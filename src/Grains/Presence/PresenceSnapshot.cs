using System.Collections.Immutable;

namespace Beadhub.Presence;

/// <summary>Who of a project is present. The same object is given again until somebody's presence changes or expires.</summary>
/// <param name="ByWorkspace">By workspace id.</param>
/// <param name="ValidUntil">When the first of them expires.</param>
public sealed record PresenceSnapshot(ImmutableDictionary<string, AgentPresence> ByWorkspace, DateTimeOffset ValidUntil)
{
    /// <summary>Nobody is there.</summary>
    public static PresenceSnapshot Empty { get; } = new(ImmutableDictionary<string, AgentPresence>.Empty, DateTimeOffset.MaxValue);

    /// <summary>The workspace's presence, or null.</summary>
    public AgentPresence? Find(string workspaceId) => ByWorkspace.GetValueOrDefault(workspaceId);

    /// <summary>With one more, or one renewed.</summary>
    public PresenceSnapshot With(AgentPresence presence)
    {
        var renewsEarliest = Find(presence.WorkspaceId) is { } before && before.ExpiresAt == ValidUntil;
        var all = ByWorkspace.SetItem(presence.WorkspaceId, presence);
        return new(all, renewsEarliest ? Earliest(all) : presence.ExpiresAt < ValidUntil ? presence.ExpiresAt : ValidUntil);
    }

    /// <summary>Without a workspace.</summary>
    public PresenceSnapshot Without(string workspaceId) =>
        Find(workspaceId) is not { } before ? this
        : ByWorkspace.Remove(workspaceId) is var rest && before.ExpiresAt == ValidUntil ? Of(rest)
        : this with { ByWorkspace = rest };

    /// <summary>Without those that count no more; itself when all still count.</summary>
    public PresenceSnapshot At(DateTimeOffset now) =>
        now < ValidUntil ? this : Of(ByWorkspace.RemoveRange(ByWorkspace.Values.Where(p => p.ExpiresAt <= now).Select(p => p.WorkspaceId)));

    private static PresenceSnapshot Of(ImmutableDictionary<string, AgentPresence> all) => all.IsEmpty ? Empty : new(all, Earliest(all));

    private static DateTimeOffset Earliest(ImmutableDictionary<string, AgentPresence> all) => all.Values.Min(p => p.ExpiresAt);
}
