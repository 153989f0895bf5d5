using System.Text.Json;
using Orleans;

namespace Beadhub.EventLog;

/// <summary>
/// A grain whose state is the fold of its events. Its methods are short: a pure decision inside <see cref="Transact{TResult}"/>,
/// or a look at the state inside <see cref="Read{TResult}"/>.
/// </summary>
/// <remarks>
/// The expected version decides every race: a second activation of the same grain, on another node or after a split, can neither lose
/// nor double a write. When the outcome of an append is unknown the state is read again before anything else is decided.
/// </remarks>
public abstract class EventSourcedGrain<TState>(IEventLog log) : Grain
    where TState : class, IEventSourced<TState>
{
    private const int MaxAttempts = 16;

    private static readonly StreamKind<TState> Kind = TState.Kind;

    // Transactions of an activation queue here, so that interleaving methods never race each other to the log.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private StreamKey _stream;
    private string _project = "";
    private volatile Folded _now = Folded.Nothing;

    private sealed record Folded(TState State, long Version, long SnapshotVersion, long Epoch)
    {
        public static readonly Folded Nothing = new(TState.Empty, 0, 0, -1);
    }

    /// <summary>The log.</summary>
    protected IEventLog Log => log;

    /// <summary>The state as last folded. Use <see cref="Read{TResult}"/> to answer a caller.</summary>
    protected TState State => _now.State;

    /// <summary>Version of <see cref="State"/>: the number of its events.</summary>
    protected long Version => _now.Version;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        _stream = new(Kind.Name, key);
        _project = Kind.ProjectOf(key);
        return ReadsLate ? Task.CompletedTask : Load(cancellationToken).AsTask();
    }

    /// <summary>Whether the stream is read at the first use, not at activation: for grains that are often made for a stream that does not exist yet.</summary>
    protected virtual bool ReadsLate => false;

    /// <summary>
    /// Takes it that the stream does not exist, when it was not looked at yet. Only a hint that saves a look: were it wrong,
    /// the append would find another version, and the decision would be made again on what is there.
    /// </summary>
    protected void AssumeNew()
    {
        if (_now.Version == 0 && _now.Epoch < 0) Advance(Folded.Nothing with { Epoch = log.ExclusiveEpoch });
    }

    /// <summary>
    /// Decides on the newest state, appends the events, folds them and answers; completes when the events are durable.
    /// When another writer was faster the decision is made again on what it wrote.
    /// </summary>
    /// <exception cref="RefusedException">The decision refused.</exception>
    /// <exception cref="EventLogUnavailableException">The log cannot be written; whether it was is unknown, and the caller may repeat.</exception>
    protected async Task<TResult> Transact<TResult>(Func<TState, Decision<TResult>> decide)
    {
        await _turn.WaitAsync();
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                if (!Trusted) await CatchUp();
                var now = _now;
                var decision = decide(now.State);
                if (decision.Events.IsDefaultOrEmpty) return decision.Result;
                if (await TryAppend(now, decision.Events)) return decision.Result;
                if (attempt == MaxAttempts) throw new EventLogUnavailableException($"{_stream} was changed by others {MaxAttempts} times in a row.");
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Answers from the state in memory; first catches up when another node may have written.</summary>
    protected ValueTask<TResult> Read<TResult>(Func<TState, TResult> answer) => Trusted ? new(answer(_now.State)) : ReadNewest(answer);

    // Apart, so that the usual way makes no closure.
    private async ValueTask<TResult> ReadNewest<TResult>(Func<TState, TResult> answer)
    {
        await CatchUp();
        return answer(_now.State);
    }

    private bool Trusted => _now.Epoch == log.ExclusiveEpoch && _now.Epoch > 0;

    private async Task<bool> TryAppend(Folded now, IReadOnlyList<IEvent> events)
    {
        var state = now.State;
        var written = new NewEvent[events.Count];
        var at = DateTimeOffset.UtcNow;
        for (var i = 0; i < events.Count; i++)
        {
            state = state.Apply(events[i]);
            written[i] = new(EventTypes.NameOf(events[i]), EventTypes.Serialize(events[i]), at);
        }

        var version = now.Version + events.Count;
        var snapshotDue = version - now.SnapshotVersion >= Kind.SnapshotEvery;
        var snapshot = snapshotDue ? JsonSerializer.Serialize(state, Kind.Snapshot) : null;
        try
        {
            var result = await log.Append(new(_project, _stream, now.Version, written, snapshot));
            if (!result.Written)
            {
                Distrust();
                return false;
            }
        }
        catch
        {
            Distrust();
            throw;
        }

        Advance(new(state, version, snapshotDue ? version : now.SnapshotVersion, now.Epoch));
        return true;
    }

    /// <summary>One look-up of the version; reads the stream only when it moved, or was never read.</summary>
    private async ValueTask CatchUp()
    {
        if (ReferenceEquals(_now, Folded.Nothing))
        {
            await Load(default);
            return;
        }

        var epoch = log.ExclusiveEpoch;
        var version = await log.Version(_stream);
        lock (_turn)
        {
            if (version == _now.Version)
            {
                _now = _now with { Epoch = epoch };
                return;
            }
        }

        await Load(default);
    }

    private async ValueTask Load(CancellationToken cancellation)
    {
        var epoch = log.ExclusiveEpoch;
        var stored = await log.Load(_stream, cancellation);
        Advance(new(stored.Fold<TState>(), stored.Version, stored.SnapshotVersion, epoch));
    }

    /// <summary>Several readers may catch up while a writer appends: an older state never replaces a newer one.</summary>
    private void Advance(Folded to)
    {
        lock (_turn)
        {
            if (to.Version >= _now.Version) _now = to;
        }
    }

    /// <summary>The next call looks at the log before it believes the state.</summary>
    private void Distrust()
    {
        lock (_turn) _now = _now with { Epoch = -1 };
    }
}
