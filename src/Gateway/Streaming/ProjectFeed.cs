using Beadhub.Feed;

namespace Beadhub.Gateway.Streaming;

/// <summary>
/// The newest frames of one project, shared by all its event streams on this node. The log is the truth: the stream of batches only
/// brings news sooner, holes are filled from the log, and a reader that fell behind what is kept here reads the log itself.
/// </summary>
internal sealed class ProjectFeed(IFeedGrain log, string projectSlug, StreamMetrics metrics, ILogger logger)
{
    private const int Kept = 1024;
    private const int BytesKept = 8 * 1024 * 1024;
    private const int PageSize = 256;
    private const int LogPageSize = 32;

    // A page of the log holds events whole, a mail with its text of a megabyte, until it is rendered: many who read the past at once take
    // turns.
    private static readonly SemaphoreSlim LogPages = new(4, 4);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _filling = new(1, 1);
    private readonly Frame?[] _frames = new Frame?[Kept];
    private readonly AgentSignal?[] _signals = new AgentSignal?[Kept];
    private readonly Touched?[] _touched = new Touched?[Kept];
    private long _first = 1; // position of the oldest frame kept
    private long _last; // position of the newest
    private long _bytes; // of what is kept
    private TaskCompletionSource _news = New();

    /// <summary>Completes when there is something newer than at the time of asking. Ask before reading.</summary>
    public Task News
    {
        get
        {
            lock (_lock) return _news.Task;
        }
    }

    /// <summary>Position of the newest event known here.</summary>
    public long Last
    {
        get
        {
            lock (_lock) return _last;
        }
    }

    /// <summary>Starts at the end of the log.</summary>
    public void StartAt(long head)
    {
        lock (_lock) (_first, _last) = (head + 1, head);
    }

    /// <summary>Takes a batch from the stream.</summary>
    public async Task Receive(FeedBatch batch)
    {
        if (batch.Events.IsDefaultOrEmpty) return;
        metrics.Arrived(batch);
        if (TryAppend(batch)) return;
        await CatchUp();
    }

    /// <summary>Reads what the log has beyond <see cref="Last"/>.</summary>
    public async Task CatchUp()
    {
        await _filling.WaitAsync();
        try
        {
            while (true)
            {
                var missing = await log.Read(Last, PageSize);
                if (missing.Events.IsDefaultOrEmpty) return;
                TryAppend(missing);
            }
        }
        catch (Exception e)
        {
            // The next batch or the next look at the log tries again.
            logger.LogWarning(e, "The feed could not be read");
        }
        finally
        {
            _filling.Release();
        }
    }

    /// <summary>Frames after a position, and the position that the reader has then reached.</summary>
    public ValueTask<(IReadOnlyList<Frame> Frames, long Position)> Read(long after) => Read(after, _frames, WireEvents.Render);

    /// <summary>What agents are to be woken for after a position, and the position that the reader has then reached.</summary>
    public ValueTask<(IReadOnlyList<AgentSignal> Signals, long Position)> Signals(long after) =>
        Read(after, _signals, static (e, _) => AgentSignals.Of(e));

    /// <summary>What was written after a position, and the position that the reader has then reached.</summary>
    public ValueTask<(IReadOnlyList<Touched> Touched, long Position)> Touches(long after) =>
        Read(after, _touched, static (e, _) => new Touched(e.Kind, e.Key));

    private async ValueTask<(IReadOnlyList<T> Items, long Position)> Read<T>(long after, T?[] kept,
        Func<FeedEvent, string, T?> render) where T : class
    {
        lock (_lock)
        {
            if (after >= _last) return ([], after);
            if (after + 1 >= _first)
            {
                var items = new List<T>();
                var to = Math.Min(_last, after + PageSize);
                for (var position = after + 1; position <= to; position++)
                    if (kept[position % Kept] is { } item) items.Add(item);
                return (items, to);
            }
        }

        await LogPages.WaitAsync();
        try
        {
            var stored = await log.Read(after, LogPageSize);
            if (stored.Events.IsDefaultOrEmpty) return ([], after);
            var old = new List<T>();
            foreach (var e in stored.Events)
                if (render(e, projectSlug) is { } item) old.Add(item);
            return (old, stored.Events[^1].Position);
        }
        finally
        {
            LogPages.Release();
        }
    }

    /// <summary>False when events before the batch are missing.</summary>
    private bool TryAppend(FeedBatch batch)
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            if (batch.Events[0].Position > _last + 1) return false;
            if (batch.Events[^1].Position <= _last) return true;
            foreach (var e in batch.Events)
            {
                if (e.Position <= _last) continue;
                Keep(e.Position, WireEvents.Render(e, projectSlug), AgentSignals.Of(e), new(e.Kind, e.Key));
            }

            news = _news;
            _news = New();
        }

        news.SetResult();
        return true;
    }

    private void Keep(long position, Frame? frame, AgentSignal? signal, Touched touched)
    {
        if (position - _first >= Kept) Drop();
        (_frames[position % Kept], _signals[position % Kept], _touched[position % Kept], _last) = (frame, signal, touched, position);
        _bytes += SizeAt(position);
        while (_bytes > BytesKept && _first < _last) Drop();
    }

    private void Drop()
    {
        _bytes -= SizeAt(_first);
        (_frames[_first % Kept], _signals[_first % Kept], _touched[_first % Kept]) = (null, null, null);
        _first++;
    }

    private long SizeAt(long position) => (_frames[position % Kept]?.Size ?? 0) + (_signals[position % Kept]?.Size ?? 0);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A stream of events to which something was written.</summary>
/// <param name="Kind">Kind of what it tells of.</param>
/// <param name="Key">Key of that.</param>
internal sealed record Touched(string Kind, string Key);
