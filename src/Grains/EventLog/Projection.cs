using Beadhub.Feed;

namespace Beadhub.EventLog;

/// <summary>
/// A state in memory that follows the log: the position up to which it holds everything, the log's exclusive epoch in which that was
/// checked, and how it catches up.
/// </summary>
/// <remarks>
/// While this process is the only writer a state that was checked in the log's current epoch is the newest: reads wait for nothing.
/// Otherwise a read looks up the head, and reads on when that has moved; one reads on for all that wait. Safe for concurrent callers. A
/// position is whatever rises with each event: one of the feed, or the version of a stream.
/// </remarks>
/// <param name="log">The log.</param>
/// <param name="state">The state to begin with.</param>
/// <param name="position">Position that it reflects; null when nothing was read yet, so that the first use loads it.</param>
internal abstract class Projection<TState>(IEventLog log, TState state, long? position = null)
{
    private const long NotRead = -2;
    private const long Untrusted = -1;

    private SemaphoreSlim? _reading;
    private long _distrusted; // number of times
    private volatile Checked _now = new(state, position ?? 0, position is null ? NotRead : Untrusted);

    /// <param name="State">The state.</param>
    /// <param name="Position">Position up to which it holds everything.</param>
    /// <param name="Epoch">The log's exclusive epoch in which it was known to be the newest.</param>
    private sealed record Checked(TState State, long Position, long Epoch);

    /// <summary>What was so before the log was asked: an answer gives no trust in an epoch that ended meanwhile, and undoes no distrust
    /// that arose meanwhile.</summary>
    protected readonly record struct Basis(long Epoch, long Distrusted);

    /// <summary>The log.</summary>
    protected IEventLog Log => log;

    /// <summary>Held while the state is changed, and by those who read a state that is not immutable.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>The state as last read, which may be an old one.</summary>
    public TState State => _now.State;

    /// <summary>Position up to which <see cref="State"/> holds everything.</summary>
    public long Position => _now.Position;

    /// <summary>Whether the state is the newest, without a look-up.</summary>
    public bool IsTrusted => IsNewest(_now);

    /// <summary>The newest state; without waiting while this process is the only writer.</summary>
    public ValueTask<TState> Newest()
    {
        var now = _now;
        return IsNewest(now) && TakeOwn() ? new(State) : AfterCatchingUp();

        async ValueTask<TState> AfterCatchingUp()
        {
            await CatchUp();
            return State;
        }
    }

    /// <summary>Looks up the head; reads on when that has moved. The first time the whole state is loaded instead.</summary>
    public async ValueTask CatchUp(CancellationToken cancellation = default)
    {
        var basis = BasisNow();
        if (_now.Epoch == NotRead)
        {
            using var turn = await Turn(cancellation);
            if (_now.Epoch == NotRead)
            {
                await Load(cancellation);
                Trust(basis);
                return;
            }
        }

        var head = await Head(cancellation);
        if (Position < head)
        {
            using var turn = await Turn(cancellation);
            await ReadTo(head, cancellation);
        }

        Trust(basis);
    }

    /// <summary>The next use looks at the log before it believes the state: something may have been written, or was written
    /// elsewhere.</summary>
    public void Distrust()
    {
        lock (Gate)
        {
            _distrusted++;
            if (_now.Epoch > Untrusted) _now = _now with { Epoch = Untrusted };
        }
    }

    /// <summary>The position of the newest event that concerns the state, as the log says.</summary>
    protected abstract ValueTask<long> Head(CancellationToken cancellation);

    /// <summary>Reads the whole state as it is now, or was later than the call.</summary>
    protected abstract ValueTask Load(CancellationToken cancellation);

    /// <summary>Reads some of what is new, and advances the position. One call is under way at a time.</summary>
    protected abstract ValueTask ReadOn(long head, CancellationToken cancellation);

    /// <summary>Reads on until a position is reached.</summary>
    protected async ValueTask ReadTo(long head, CancellationToken cancellation)
    {
        while (Position is var before && before < head)
        {
            await ReadOn(head, cancellation);
            if (Position == before) throw new EventLogUnavailableException($"The log ends at {before}, before its head {head}.");
        }
    }

    /// <summary>Takes in what this process has written itself, where that does not come by the writers; false when some of it may be
    /// missing.</summary>
    protected virtual bool TakeOwn() => true;

    /// <summary>To be taken before the log is asked for something that <see cref="Trust"/> is then to rest on.</summary>
    protected Basis BasisNow() => new(log.ExclusiveEpoch, Interlocked.Read(ref _distrusted));

    /// <summary>Changes the state, which now holds everything up to a position, or what it held before and more.</summary>
    protected void Change(Func<TState, TState> change, long position = 0)
    {
        lock (Gate) _now = new(change(_now.State), Math.Max(position, _now.Position), _now.Epoch);
    }

    /// <summary>The state was the newest when the basis was taken, or later.</summary>
    protected void Trust(Basis basis)
    {
        lock (Gate) _now = _now with { Epoch = basis.Distrusted == _distrusted ? basis.Epoch : Untrusted };
    }

    private bool IsNewest(Checked now) => now.Epoch > 0 && now.Epoch == log.ExclusiveEpoch;

    private async ValueTask<IDisposable> Turn(CancellationToken cancellation)
    {
        var reading = LazyInitializer.EnsureInitialized(ref _reading, static () => new(1, 1));
        await reading.WaitAsync(cancellation);
        return new Release(reading);
    }

    private sealed class Release(SemaphoreSlim reading) : IDisposable
    {
        public void Dispose() => reading.Release();
    }
}

/// <summary>A projection of a project's feed.</summary>
internal abstract class FeedProjection<TState>(IEventLog log, string project, TState state, long? position = null)
    : Projection<TState>(log, state, position)
{
    /// <summary>Number of events that are read at once.</summary>
    protected const int PageSize = 1000;

    /// <summary>What a grain does that should rather be at the project's owner.</summary>
    public Action? Elsewhere { get; init; }

    /// <summary>The project.</summary>
    protected string Project => project;

    /// <summary>Takes in events that follow the position, and advances it to the last of them.</summary>
    protected abstract ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation);

    /// <summary>Whether loading the whole state is less work than reading so many events.</summary>
    protected virtual bool IsLoadingLess(long events) => false;

    /// <inheritdoc/>
    protected override ValueTask<long> Head(CancellationToken cancellation)
    {
        if (Log.IsElsewhere(project)) Elsewhere?.Invoke();
        return Log.Head(project, cancellation);
    }

    /// <inheritdoc/>
    protected override async ValueTask ReadOn(long head, CancellationToken cancellation)
    {
        if (IsLoadingLess(head - Position))
        {
            await Load(cancellation);
            return;
        }

        var page = await Log.ReadFeed(project, Position, PageSize, cancellation);
        if (page.Count > 0) await Take(page, cancellation);
    }
}
