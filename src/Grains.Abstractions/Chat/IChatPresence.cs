using System.Collections.Immutable;

namespace Beadhub.Chat;

/// <summary>
/// Who waits in which session: who has an event stream of it open (protocol 8.7); and who has just listed their sessions, as only clients
/// do that look for one to listen in. Ephemeral and best effort, like presence: an implementation whose backing is away shows nobody rather
/// than fail the call.
/// </summary>
/// <remarks>
/// One entry a stream, so that of several streams of one agent each may end. The node that holds a stream renews its entry
/// (<see cref="RenewEvery"/>); what a lost node has left counts no more after <see cref="Ttl"/>.
/// </remarks>
public interface IChatPresence
{
    /// <summary>How long an entry counts without being renewed.</summary>
    static readonly TimeSpan Ttl = TimeSpan.FromSeconds(90);

    /// <summary>How often entries are renewed.</summary>
    static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(30);

    /// <summary>How long it is known that an agent listed its sessions: longer than a message counts as just sent.</summary>
    static readonly TimeSpan ListedTtl = TimeSpan.FromSeconds(30);

    /// <summary>The agent was told which sessions it has, or which wait for it.</summary>
    ValueTask Listed(string agentId);

    /// <summary>When the agent was last told so; null when that is long ago.</summary>
    ValueTask<DateTimeOffset?> LastListed(string agentId);

    /// <summary>Streams are open from now on; entering again renews.</summary>
    ValueTask Enter(IReadOnlyCollection<ChatSeat> seats);

    /// <summary>A stream has ended.</summary>
    ValueTask Leave(ChatSeat seat);

    /// <summary>Ids of the agents that wait, for each of these sessions (by <see cref="IChatGrain.Key"/>) in their order.</summary>
    ValueTask<ImmutableArray<ImmutableHashSet<string>>> Waiting(ImmutableArray<string> sessions);
}

/// <summary>An open event stream.</summary>
/// <param name="Session">The session, by <see cref="IChatGrain.Key"/>.</param>
/// <param name="AgentId">Whose stream it is.</param>
/// <param name="StreamId">Unique to the stream.</param>
public sealed record ChatSeat(string Session, string AgentId, Guid StreamId);
