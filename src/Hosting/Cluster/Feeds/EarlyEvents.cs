using Beadhub.Feed;

namespace Beadhub.Hosting.Cluster.Feeds;

/// <summary>
/// Events of a project that were announced before others which precede them, until those have come. Bounded by number and by size: what
/// does not fit is read from the log when its turn comes.
/// </summary>
internal sealed class EarlyEvents
{
    private const int MostEvents = 10_000;

    /// <summary>Characters of data that are kept.</summary>
    internal const int MostText = 4 * 1024 * 1024;

    private static readonly IReadOnlyList<FeedEvent> None = [];

    private readonly SortedDictionary<long, FeedEvent> _events = [];

    /// <summary>Characters of data that wait here.</summary>
    public int Text { get; private set; }

    /// <summary>Keeps events as far as there is room.</summary>
    public void Add(IReadOnlyList<FeedEvent> events)
    {
        foreach (var e in events)
            if (_events.Count < MostEvents && Text + e.Data.Length <= MostText && _events.TryAdd(e.Position, e)) Text += e.Data.Length;
    }

    /// <summary>Takes out what follows a position without a hole; forgets what is not after it.</summary>
    public IReadOnlyList<FeedEvent> After(long position)
    {
        List<FeedEvent>? ready = null;
        while (_events.Count > 0)
        {
            var (at, next) = _events.First();
            if (at > position + 1) break;
            _events.Remove(at);
            Text -= next.Data.Length;
            if (at <= position) continue;
            (ready ??= []).Add(next);
            position = at;
        }

        return ready ?? None;
    }
}
