using System.Collections.Immutable;

namespace Beadhub.Presence;

/// <summary>
/// Who is present, by workspace (contract 18). Ephemeral: nothing depends on it but what people see. It is best effort, so an
/// implementation whose backing is away forgets signs of life and shows nobody rather than fail the call that brought them.
/// </summary>
public interface IPresenceStore
{
    /// <summary>Takes a sign of life: what is missing in it is blanked, except what sticks.</summary>
    ValueTask<AgentPresence> Set(SignOfLife sign);

    /// <summary>Prolongs a presence and fills in only what it lacks; one that is not there begins with this sign of life.</summary>
    ValueTask<AgentPresence> Refresh(SignOfLife sign);

    /// <summary>Ends a presence.</summary>
    /// <returns>Whether there was one.</returns>
    ValueTask<bool> Clear(string projectId, string workspaceId);

    /// <summary>Notes that a workspace ran a command: it is seen, which does not make it present.</summary>
    ValueTask Touch(string projectId, string workspaceId);

    /// <summary>When workspaces of the project last ran a command, as far as is remembered; the same object as long as nothing
    /// changed.</summary>
    ValueTask<ImmutableDictionary<string, DateTimeOffset>> Seen(string projectId);

    /// <summary>Who of the project is present now; the same object as long as nothing changed or expired.</summary>
    ValueTask<PresenceSnapshot> Snapshot(string projectId);
}

/// <summary>How presence is kept.</summary>
/// <param name="Ttl">How long a sign of life counts (<c>BEADHUB_PRESENCE_TTL_SECONDS</c>, contract 18).</param>
public sealed record PresenceOptions(TimeSpan Ttl)
{
    /// <summary>Half an hour.</summary>
    public static PresenceOptions Default { get; } = new(TimeSpan.FromSeconds(1800));
}
