using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.Chat;

namespace Beadhub.Presence;

/// <summary>Who waits, in this process's memory, for a node that runs alone.</summary>
public sealed class MemoryChatPresence(TimeProvider time) : IChatPresence
{
    private const int MaxListed = 10_000;

    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _listed = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask Listed(string agentId)
    {
        // It is of use for seconds only: nothing is lost when all of them are forgotten. Counting takes locks, so only for a new one.
        if (!_listed.ContainsKey(agentId) && _listed.Count >= MaxListed) _listed.Clear();
        _listed[agentId] = time.Now();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<DateTimeOffset?> LastListed(string agentId) =>
        new(_listed.TryGetValue(agentId, out var at) && time.GetUtcNow() - at < IChatPresence.ListedTtl ? at : null);

    /// <inheritdoc/>
    public ValueTask Enter(IReadOnlyCollection<ChatSeat> seats)
    {
        var until = time.GetUtcNow() + IChatPresence.Ttl;
        foreach (var seat in seats)
        {
            while (true)
            {
                var session = _sessions.GetOrAdd(seat.Session, static _ => new());
                lock (session)
                {
                    if (session.Ended) continue;
                    session.Seats[seat.StreamId] = (seat.AgentId, until);
                    session.Waiting = null;
                    break;
                }
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public ValueTask Leave(ChatSeat seat)
    {
        if (!_sessions.TryGetValue(seat.Session, out var session)) return default;
        lock (session)
        {
            session.Seats.Remove(seat.StreamId);
            session.Waiting = null;
            if (session.Seats.Count == 0) End(seat.Session, session);
        }

        return default;
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<ImmutableHashSet<string>>> Waiting(ImmutableArray<string> sessions)
    {
        var now = time.GetUtcNow();
        return new([.. sessions.Select(session => WaitingIn(session, now))]);
    }

    private ImmutableHashSet<string> WaitingIn(string key, DateTimeOffset now)
    {
        if (!_sessions.TryGetValue(key, out var session)) return [];
        lock (session)
        {
            if (session.Waiting is { } known && now < session.ValidUntil) return known;
            // Whoever was not renewed is gone, and cannot say so any more.
            foreach (var (id, seat) in session.Seats)
                if (seat.Until <= now) session.Seats.Remove(id);
            if (session.Seats.Count == 0)
            {
                End(key, session);
                return [];
            }

            session.ValidUntil = session.Seats.Values.Min(seat => seat.Until);
            return session.Waiting = [.. session.Seats.Values.Select(seat => seat.AgentId)];
        }
    }

    private void End(string key, Session session)
    {
        session.Ended = true;
        _sessions.TryRemove(key, out _);
    }

    private sealed class Session
    {
        public Dictionary<Guid, (string AgentId, DateTimeOffset Until)> Seats { get; } = [];

        public ImmutableHashSet<string>? Waiting { get; set; }

        public DateTimeOffset ValidUntil { get; set; }

        public bool Ended { get; set; }
    }
}
