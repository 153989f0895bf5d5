using System.Collections.Concurrent;

namespace Beadhub.Storm;

/// <summary>What the agents of a storm did and were told: only what was acknowledged counts as done, and when exactly is known from both
/// ends of a call.</summary>
public sealed class History
{
    /// <summary>Holdings of beads and of locks, by whom and for how long for certain.</summary>
    public ConcurrentQueue<Holding> Holdings { get; } = new();

    /// <summary>Beads whose sync was acknowledged.</summary>
    public ConcurrentQueue<string> Synced { get; } = new();

    /// <summary>Mails and chat messages that were sent, each with a text of its own.</summary>
    public ConcurrentQueue<Sending> Sendings { get; } = new();

    /// <summary>What each listener of an event stream saw.</summary>
    public ConcurrentQueue<Listening> Listenings { get; } = new();

    private long _acknowledged;
    private long _unknown;

    /// <summary>Operations that were acknowledged.</summary>
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Operations of which nobody knows what became: the connection broke, or the server said that it could not.</summary>
    public long Unknown => Volatile.Read(ref _unknown);

    public void Acknowledge() => Interlocked.Increment(ref _acknowledged);

    public void LoseTrack() => Interlocked.Increment(ref _unknown);
}

/// <summary>Somebody had something for themselves: from the moment that they were told so until the moment that they began to give it
/// back.</summary>
/// <param name="Kind"><c>bead</c> or <c>lock</c>.</param>
/// <param name="Thing">Which, with its project.</param>
/// <param name="Holder">Who.</param>
/// <param name="From">When the answer that granted it had come.</param>
public sealed record Holding(string Kind, string Thing, string Holder, long From)
{
    /// <summary>When giving it back was begun; <see cref="long.MaxValue"/> when it never was.</summary>
    public long Until { get; set; } = long.MaxValue;
}

/// <summary>A text that was sent to somebody.</summary>
/// <param name="Kind"><c>mail</c> or <c>chat</c>.</param>
/// <param name="To">The mailbox or the session.</param>
/// <param name="Text">The text, that nobody else sends.</param>
public sealed record Sending(string Kind, string To, string Text)
{
    /// <summary>Whether it was acknowledged. What was not may have arrived or not, but never twice.</summary>
    public bool IsAcknowledged { get; set; }
}

/// <summary>What a listener saw, over all its connections.</summary>
/// <param name="Name">Which listener.</param>
/// <param name="Feed">Whose feed it is.</param>
public sealed record Listening(string Name, string Feed)
{
    /// <summary>Position from which on it listened.</summary>
    public long After { get; set; }

    /// <summary>Positions in the order in which they came.</summary>
    public List<long> Positions { get; } = [];
}

/// <summary>What there was at the end, read from the cluster when all was quiet.</summary>
public sealed class Ending
{
    /// <summary>Beads that there are.</summary>
    public HashSet<string> Beads { get; } = new(StringComparer.Ordinal);

    /// <summary>Who holds each bead and lock, by kind and thing.</summary>
    public Dictionary<(string Kind, string Thing), List<string>> Holders { get; } = [];

    /// <summary>Texts in each mailbox and session, in order.</summary>
    public Dictionary<(string Kind, string To), List<string>> Texts { get; } = [];

    /// <summary>Positions that each feed shows to a listener from its beginning.</summary>
    public Dictionary<string, List<long>> Feeds { get; } = new(StringComparer.Ordinal);
}
