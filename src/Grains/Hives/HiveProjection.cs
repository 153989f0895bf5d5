using System.Collections.Concurrent;
using System.Text.Json;
using Beadhub.Conversations;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.HiveSync;

namespace Beadhub.Hives;

/// <summary>A hive's <see cref="HiveState"/> in memory, which follows the hive's log.</summary>
internal sealed class HiveProjection : FeedProjection<HiveState>, IDisposable
{
    // What was held is shown a moment after its time. When the log is folded again it comes before the first event that was received
    // after its time: with the same events between, so that places in the order of arrival stay what they were.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private readonly CommittedBacklog _committed = new(static e => e.Kind == IHiveSyncGroupGrain.LogKind);
    private readonly IDisposable _following;
    private readonly TimeProvider _time;

    public HiveProjection(IEventLog log, string groupId, ICommittedFeed committed, TimeProvider time)
        : base(log, groupId, new(), position: 0)
    {
        _time = time;
        // Followed before the log is read: what comes in between is seen by one or the other.
        _following = committed.Follow(groupId, _committed.Add);
    }

    /// <summary>Looks something up in the newest state. What is given out must be immutable.</summary>
    public async ValueTask<TFound> Find<TFound>(Func<HiveState, TFound> find)
    {
        while (true)
        {
            await Newest();
            IReadOnlyList<long> recalled;
            lock (Gate)
            {
                State.Pass(_time.GetUtcNow() - Margin);
                recalled = State.TakeRecalled();
                if (recalled.Count == 0) return find(State);
            }

            await TakeAgain(recalled);
        }
    }

    /// <summary>Takes in what the log is known to have: it can be read there before this process is told of it.</summary>
    public async ValueTask Reach(long seq)
    {
        if (Position < seq) await CatchUp();
    }

    /// <inheritdoc/>
    public void Dispose() => _following.Dispose();

    /// <inheritdoc/>
    protected override ValueTask Load(CancellationToken cancellation) => default;

    /// <inheritdoc/>
    protected override ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        Take(page, page[^1].Position);
        return default;
    }

    /// <inheritdoc/>
    protected override bool TakeOwn()
    {
        if (_committed.Last <= Position) return true;
        lock (Gate)
        {
            if (_committed.After(Position) is not { } backlog) return false;
            Take(backlog.Events, backlog.Position);
        }

        return true;
    }

    private void Take(IReadOnlyList<FeedEvent> events, long position) => Change(
        state =>
        {
            foreach (var e in events)
                if (e.Version > state.Seq && EventTypes.Parse(e.Type, e.Data) is MeshEvent mesh) state.Apply(Event(e.Version, mesh));
            return state;
        },
        position);

    private async ValueTask TakeAgain(IReadOnlyList<long> seqs)
    {
        var stream = new StreamKey(IHiveSyncGroupGrain.LogKind, Project);
        foreach (var some in seqs.Chunk(PageSize))
        {
            var stored = await Log.ReadEvents([.. some.Select(seq => new EventPlace(stream, seq))]);
            lock (Gate)
            {
                foreach (var one in stored)
                    if (one is { } e && EventTypes.Parse(e.Type, e.Data) is MeshEvent mesh) State.Reapply(Event(e.Version, mesh));
            }
        }
    }

    private static HiveEvent Event(long seq, MeshEvent e) =>
        new(seq, e.Type, e.Origin, e.OriginTs, e.OriginSeq, e.Payload, e.IsLocal, e.ReceivedAt);
}

/// <summary>The texts of an event.</summary>
internal sealed record HiveText(string EventId, string? Title, string? Content, string? Url);

/// <summary>
/// The texts of posts and comments, read from the log when somebody asks. What was read lately is kept, up to some millions of characters:
/// an event never changes.
/// </summary>
internal sealed class HiveTexts(IEventLog log, string groupId)
{
    private const int MaxKept = 4 * 1024 * 1024;
    private const int AtOnce = 256;

    private readonly StreamKey _stream = new(IHiveSyncGroupGrain.LogKind, groupId);
    private readonly ConcurrentDictionary<long, HiveText> _kept = new();
    private int _size;

    /// <summary>The texts of events.</summary>
    public async ValueTask<IReadOnlyDictionary<long, HiveText>> Of(IEnumerable<long> seqs)
    {
        var found = new Dictionary<long, HiveText>();
        var missing = new List<long>();
        foreach (var seq in seqs)
            if (_kept.TryGetValue(seq, out var known)) found[seq] = known;
            else missing.Add(seq);
        foreach (var some in missing.Distinct().Chunk(AtOnce))
        {
            var stored = await log.ReadEvents([.. some.Select(seq => new EventPlace(_stream, seq))]);
            foreach (var one in stored)
                if (one is { } e && EventTypes.Parse(e.Type, e.Data) is MeshEvent mesh) found[e.Version] = Keep(e.Version, mesh);
        }

        return found;
    }

    /// <summary>Reads events backwards, page by page, newest first.</summary>
    public async IAsyncEnumerable<(long Seq, MeshEvent Event)> Backwards(long head, int most)
    {
        for (var to = head; to > 0 && to > head - most;)
        {
            var after = Math.Max(0, to - AtOnce);
            var page = await log.ReadStream(_stream, after, (int)(to - after));
            for (var i = page.Count - 1; i >= 0; i--)
                if (EventTypes.Parse(page[i].Type, page[i].Data) is MeshEvent mesh) yield return (page[i].Version, mesh);
            to = after;
        }
    }

    /// <summary>Reads events after a place.</summary>
    public async ValueTask<List<(long Seq, MeshEvent Event)>> After(long after, int max)
    {
        var found = new List<(long, MeshEvent)>();
        foreach (var stored in await log.ReadStream(_stream, after, Math.Clamp(max, 1, AtOnce)))
            if (EventTypes.Parse(stored.Type, stored.Data) is MeshEvent mesh) found.Add((stored.Version, mesh));
        return found;
    }

    /// <summary>The texts of an event.</summary>
    public static HiveText Read(MeshEvent e)
    {
        using var json = JsonDocument.Parse(e.Payload);
        return new(e.EventId, Text("title"), Text("content"), Text("url"));

        string? Text(string name) =>
            json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    private HiveText Keep(long seq, MeshEvent e)
    {
        var text = Read(e);
        var size = (text.Title?.Length ?? 0) + (text.Content?.Length ?? 0) + 64;
        if (Interlocked.Add(ref _size, size) > MaxKept)
        {
            _kept.Clear();
            Interlocked.Exchange(ref _size, size);
        }

        return _kept[seq] = text;
    }
}
