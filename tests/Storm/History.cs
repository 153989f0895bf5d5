using System.Collections.Concurrent;

namespace Beadhub.Storm;

/// <summary>What the agents of a storm did and were told: only what was acknowledged counts as done, and when exactly is known from both
/// ends of a call.</summary>
public sealed class History
{
    /// <summary>Holdings of beads and of locks, by whom and for how long for certain.</summary>
    public ConcurrentQueue<Holding> Holdings { get; } = new();

    /// <summary>Beads whose sync was acknowledged.</summary>
    public ConcurrentQueue<Made> Synced { get; } = new();

    /// <summary>What was read.</summary>
    public ConcurrentQueue<Reading> Readings { get; } = new();

    /// <summary>Mails and chat messages that were sent, each with a text of its own.</summary>
    public ConcurrentQueue<Sending> Sendings { get; } = new();

    /// <summary>What each listener of an event stream saw.</summary>
    public ConcurrentQueue<Listening> Listenings { get; } = new();

    private readonly ConcurrentDictionary<(string Kind, string Project), Recent> _recent = new();
    private long _acknowledged;
    private long _unknown;

    /// <summary>Operations that were acknowledged.</summary>
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Operations of which nobody knows what became: the connection broke, or the server said that it could not.</summary>
    public long Unknown => Volatile.Read(ref _unknown);

    /// <summary>Notes that something of a project has just changed, so that others look at it.</summary>
    public void Changed(string kind, string project, string thing) => _recent.GetOrAdd((kind, project), static _ => new()).Add(thing);

    /// <summary>Something of a project that changed a short while ago; null when nothing has.</summary>
    public string? ChangedOf(string kind, string project, Random random) =>
        _recent.TryGetValue((kind, project), out var recent) ? recent.Any(random) : null;

    public void Acknowledge() => Interlocked.Increment(ref _acknowledged);

    public void LoseTrack() => Interlocked.Increment(ref _unknown);
}

/// <summary>The last few things that changed.</summary>
internal sealed class Recent
{
    private readonly string?[] _things = new string?[8];
    private int _added;

    public void Add(string thing) =>
        Volatile.Write(ref _things[(Interlocked.Increment(ref _added) & int.MaxValue) % _things.Length], thing);

    public string? Any(Random random) => Volatile.Read(ref _things[random.Next(_things.Length)]);
}

/// <summary>A bead that was made.</summary>
/// <param name="Bead">Which, with its project.</param>
/// <param name="At">When that was acknowledged.</param>
public sealed record Made(string Bead, long At);

/// <summary>What somebody was shown.</summary>
/// <param name="Kind"><c>bead</c> or <c>lock</c>: who holds it; <c>made</c>: whether the bead is there; <c>mail</c>: an inbox.</param>
/// <param name="Thing">Which, with its project; whose inbox.</param>
/// <param name="Began">When it was asked.</param>
/// <param name="Ended">When the answer had come.</param>
/// <param name="Shown">The holders; the bead itself; the texts.</param>
public sealed record Reading(string Kind, string Thing, long Began, long Ended, IReadOnlyList<string> Shown)
{
    /// <summary>How many mails an inbox shows, the newest.</summary>
    public const int MostMails = 100;
}

/// <summary>Somebody had something for themselves: from the moment that they were told so until the moment that they began to give it
/// back.</summary>
/// <param name="Kind"><c>bead</c> or <c>lock</c>.</param>
/// <param name="Thing">Which, with its project.</param>
/// <param name="Holder">Who.</param>
/// <param name="From">When the answer that granted it had come.</param>
public sealed record Holding(string Kind, string Thing, string Holder, long From)
{
    /// <summary>Of which bead is not known: the answer did not come.</summary>
    public const string Any = "*";

    /// <summary>When it was first asked for: from then on it may be theirs.</summary>
    public long Asked { get; init; } = From;

    /// <summary>When giving it back was acknowledged: until then it may be theirs.</summary>
    public long GivenBack { get; set; } = long.MaxValue;

    /// <summary>Whether it is certain that they were ever told so.</summary>
    public bool IsCertain => From != long.MaxValue;

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
    public bool IsAcknowledged => AcknowledgedAt != long.MaxValue;

    /// <summary>When it was acknowledged; <see cref="long.MaxValue"/> when it never was.</summary>
    public long AcknowledgedAt { get; set; } = long.MaxValue;
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
