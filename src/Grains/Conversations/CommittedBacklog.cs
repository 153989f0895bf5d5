using Beadhub.Feed;

namespace Beadhub.Conversations;

/// <summary>Events that were committed in this process and wait to be taken into the lists. Bounded; safe for concurrent callers.</summary>
internal sealed class CommittedBacklog(Func<FeedEvent, bool> matters)
{
    private const int MostEvents = 256;
    private const int MostCharacters = 1024 * 1024;

    private static readonly IReadOnlyList<FeedEvent> None = [];

    private readonly Lock _gate = new();
    private List<FeedEvent> _events = [];
    private int _characters;
    private long _since; // every event that matters with a position above this and up to _last is here
    private long _last;

    /// <summary>Position of the newest event told; 0 when none was.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Takes what was committed.</summary>
    public void Add(IReadOnlyList<FeedEvent> committed)
    {
        lock (_gate)
        {
            if (committed[0].Position != _last + 1) DropUpTo(committed[0].Position - 1);
            foreach (var e in committed)
            {
                if (!matters(e)) continue;
                // Nobody asks: the log has it all when somebody does.
                if (_events.Count >= MostEvents || _characters > MostCharacters) DropUpTo(e.Position - 1);
                _events.Add(e);
                _characters += e.Data.Length;
            }

            Volatile.Write(ref _last, committed[^1].Position);
        }
    }

    /// <summary>What came after a position, and the position that is reached with it; null when something may be missing.</summary>
    public (IReadOnlyList<FeedEvent> Events, long Position)? After(long position)
    {
        lock (_gate)
        {
            if (position < _since) return null;
            var events = _events.Count == 0 ? None : _events.Where(e => e.Position > position).ToList();
            DropUpTo(_last);
            return (events, _last);
        }
    }

    private void DropUpTo(long position)
    {
        if (_events.Count > 0) _events = [];
        _characters = 0;
        _since = position;
    }
}
