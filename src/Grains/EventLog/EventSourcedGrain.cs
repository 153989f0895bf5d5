using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Idempotency;
using Orleans;

namespace Beadhub.EventLog;

/// <summary>
/// A grain whose state is the fold of its events. Its methods are short: a pure decision inside <see cref="Transact{TResult}"/>,
/// or a look at the state inside <see cref="Read{TResult}"/>.
/// </summary>
/// <remarks>
/// The expected version decides every race: a second activation of the same grain, on another node or after a split, can neither lose
/// nor double a write. When the outcome of an append is unknown the state is read again before anything else is decided. It lives
/// with the other grains of its project, where that is owned; elsewhere it goes when it has answered.
/// </remarks>
[ProjectPlacement]
public abstract class EventSourcedGrain<TState>(IEventLog log) : Grain
    where TState : class, IEventSourced<TState>
{
    // Nodes that all write one stream win by turns that chance decides; a caller waits rather than be told that it lost too often.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private const int AttemptsWithoutPause = 4;
    private const int LongestPause = 20; // milliseconds

    private static readonly StreamKind<TState> Kind = TState.Kind;

    // Who writes without knowing what others write catches up now and then all the same, for the sake of snapshots.
    private static readonly int MostBehind = Kind.SnapshotEvery / 2;

    private readonly Lock _gate = new();
    private List<Waiting> _waiting = [];
    private bool _deciding; // one append of an activation is under way at a time
    private StreamKey _stream;
    private string _project = "";
    private long _behind; // events by which the newest append followed others than are known
    private long _doubts; // times that the state was distrusted
    private volatile Folded _now = Folded.Nothing;

    /// <param name="State">The fold of the events.</param>
    /// <param name="Version">Their number.</param>
    /// <param name="SnapshotVersion">That of the newest snapshot that the fold has made; 0 when there is none.</param>
    /// <param name="HoldsUnknown">Whether one of the events is not known here.</param>
    /// <param name="Epoch">The log's exclusive epoch in which this was the newest.</param>
    private sealed record Folded(TState State, long Version, long SnapshotVersion, bool HoldsUnknown, long Epoch)
    {
        public static readonly Folded Nothing = new(TState.Empty, 0, 0, false, -1);
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

    /// <summary>Whether the stream is read at the first use, not at activation: for grains that are often made for a stream that does not
    /// exist yet.</summary>
    protected virtual bool ReadsLate => false;

    /// <summary>
    /// Takes it that the stream does not exist, when it was not looked at yet. Only a hint that saves a look: were it wrong,
    /// the append would find another version, and the decision would be made again on what is there.
    /// </summary>
    protected void AssumeNew()
    {
        if (_now.Version == 0 && _now.Epoch < 0) Advance(Folded.Nothing with { Epoch = log.ExclusiveEpoch }, Interlocked.Read(ref _doubts));
    }

    /// <summary>The stream is known to have this version: what is older in memory is not believed without a look at the log.</summary>
    protected void Expect(long version)
    {
        if (_now.Version < version && _now.Epoch >= 0) Distrust();
    }

    /// <summary>
    /// Decides on the newest state, appends the events, folds them and answers; completes when the events are durable.
    /// When another writer was faster the decision is made again on what it wrote.
    /// </summary>
    /// <remarks>
    /// Transactions that come while another is under way (in grains whose commands interleave) are decided one after the other on what the
    /// ones before them leave, and share one append: a grain that everybody asks answers as many as meet in a commit, not one a commit.
    /// What is written for a request with an <c>Idempotency-Key</c> is written once (<see cref="KeyedWrite"/>), and its result is part of
    /// the same append.
    /// </remarks>
    /// <param name="decide">The decision.</param>
    /// <param name="anyVersion">
    /// The decision is the same whatever the state, and has a mark: what others write is not in its way, and need not be known
    /// (<see cref="StreamAppend.AnyVersion"/>).
    /// </param>
    /// <param name="result">JSON of the result, which a repeat of a request with an <c>Idempotency-Key</c> gets; without it the repeat's is
    /// decided on what there is then.</param>
    /// <param name="before">Appends to other streams on which the events rest (<see cref="StreamAppend.Before"/>); written only with
    /// them.</param>
    /// <param name="step">Names the transaction among those of the grain.</param>
    /// <exception cref="RefusedException">The decision refused.</exception>
    /// <exception cref="MarkTakenException">The project has an event with the decision's mark.</exception>
    /// <exception cref="EventLogUnavailableException">The log cannot be written; whether it was is unknown, and the caller may
    /// repeat.</exception>
    /// <exception cref="CarriedOutException">Another attempt at the request for which this is done has written.</exception>
    protected async Task<TResult> Transact<TResult>(
        Func<TState, Decision<TResult>> decide, bool anyVersion = false, JsonTypeInfo<TResult>? result = null,
        IReadOnlyList<StreamAppend>? before = null, [CallerMemberName] string step = "")
    {
        var write = KeyedRequest.Current is { } request && request.Project == _project ? new KeyedWrite(request, _stream, step) : null;
        if (write is { IsRepeat: true } && result is not null && await write.FirstResult(log) is { } first)
        {
            if (!Trusted) await CatchUp();
            return JsonSerializer.Deserialize(first, result)!;
        }

        var waiting = new Waiting<TResult>(decide, anyVersion, write, result, before ?? []);
        bool isFirst;
        lock (_gate)
        {
            isFirst = !_deciding;
            if (isFirst) _deciding = true;
            else _waiting.Add(waiting);
        }

        if (isFirst) await DecideTogether([waiting]);
        return await waiting.Task;
    }

    /// <summary>Lets those decide who have waited, if any.</summary>
    private void GoOn()
    {
        List<Waiting> group;
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _deciding = false;
                return;
            }

            group = _waiting;
            _waiting = [];
        }

        // They came later than the one whose end lets them decide.
        ReadBarrier.Leave();
        _ = DecideTogether(group);
    }

    /// <summary>Decides for all, appends at once, and answers all; then lets those decide who have come meanwhile. Throws
    /// nothing.</summary>
    private async Task DecideTogether(List<Waiting> all)
    {
        try
        {
            var since = Stopwatch.GetTimestamp();
            for (var attempt = 1; ; attempt++)
            {
                var anyVersion = all.TrueForAll(static waiting => waiting.AnyVersion);
                if (!Trusted && !(anyVersion && _behind < MostBehind)) await CatchUp();
                var now = _now;
                var group = new Group(now.State, anyVersion, log.Time.GetUtcNow());
                foreach (var waiting in all) waiting.Decide(group);
                if (group.Written.Count == 0) break;
                if (await TryAppend(now, group)) break;
                foreach (var waiting in all) await LookForMarks(waiting);
                await AfterDefeat(attempt, since);
            }

            foreach (var waiting in all) waiting.Complete();
        }
        catch (Exception failed)
        {
            foreach (var waiting in all) waiting.Fail(failed);
        }
        finally
        {
            GoWhereItBelongs();
            GoOn();
        }
    }

    /// <summary>After an append was refused: whether one of the transaction's marks is taken. The request's goes first, since a repeat
    /// meets both.</summary>
    private async ValueTask LookForMarks(Waiting waiting)
    {
        if (waiting.Write is { } write)
        {
            try
            {
                if (await write.AfterRefusal(log) is { } first)
                {
                    waiting.Answer(first);
                    return;
                }
            }
            catch (CarriedOutException carriedOut)
            {
                waiting.Refuse(carriedOut);
                return;
            }
        }

        if (waiting.Mark is { } mark && await log.FindMark(_project, mark) is { } marked)
            waiting.Refuse(new MarkTakenException(mark, marked));
    }

    /// <summary>Lets others go first for a moment when many want the same stream.</summary>
    private async ValueTask AfterDefeat(int attempt, long since)
    {
        if (Stopwatch.GetElapsedTime(since) >= Patience)
            throw new EventLogUnavailableException($"{_stream} was changed by others {attempt} times in a row.");
        if (attempt >= AttemptsWithoutPause) await Task.Delay(Random.Shared.Next(1, Math.Min(attempt, LongestPause) + 1));
    }

    /// <summary>Events to be appended at once, and the state that they lead to.</summary>
    private sealed class Group(TState state, bool anyVersion, DateTimeOffset at)
    {
        public TState State { get; private set; } = state;

        public List<NewEvent> Written { get; } = [];

        /// <summary>Appends to other streams on which they rest.</summary>
        public List<StreamAppend> Before { get; } = [];

        /// <summary>Whether none of the events rests on the state.</summary>
        public bool AnyVersion => anyVersion;

        /// <param name="events">What was decided.</param>
        /// <param name="mark">The decision's mark, if any: the first event gets it.</param>
        /// <param name="write">The request's mark, if any: the first event without a mark gets it, with the record.</param>
        /// <param name="result">The result as JSON, if it is kept.</param>
        public void Add(ImmutableArray<IEvent> events, string? mark, KeyedWrite? write, string? result)
        {
            var keyed = write?.Mark is null ? -1 : mark is null ? 0 : 1;
            if (keyed == events.Length) events = events.Add(new RequestCarriedOut());
            for (var i = 0; i < events.Length; i++)
            {
                State = State.Apply(events[i]);
                var data = EventTypes.Serialize(events[i]);
                Written.Add(new(EventTypes.NameOf(events[i]), i == keyed ? write!.RecordIn(data, result) : data, at, i == keyed
                    ? write!.Mark : i == 0 ? mark : null));
            }
        }

        public bool Carries(string mark) => Written.Any(written => written.Mark == mark);
    }

    /// <summary>A transaction that shares an append with others.</summary>
    private abstract class Waiting(bool anyVersion, KeyedWrite? write)
    {
        /// <summary>Whether its decision rests on no state.</summary>
        public bool AnyVersion => anyVersion;

        /// <summary>The write of a request with an <c>Idempotency-Key</c> that it is, if it is one.</summary>
        public KeyedWrite? Write => write;

        /// <summary>The mark that the decision carries.</summary>
        public string? Mark { get; protected set; }

        /// <summary>Decides on what the ones before leave. A refusal, too, is told only when what it rests on is durable.</summary>
        public abstract void Decide(Group group);

        /// <summary>It is refused, whatever it would decide.</summary>
        public abstract void Refuse(Exception refusal);

        /// <summary>It was made before, with this result.</summary>
        public abstract void Answer(string result);

        public abstract void Complete();

        public abstract void Fail(Exception failure);
    }

    private sealed class Waiting<TResult>(Func<TState, Decision<TResult>> decide, bool anyVersion, KeyedWrite? write,
        JsonTypeInfo<TResult>? json, IReadOnlyList<StreamAppend> before) : Waiting(anyVersion, write)
    {
        private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _refusal;
        private bool _isFinal;
        private bool _writes;
        private TResult? _result;

        public Task<TResult> Task => _done.Task;

        public override void Decide(Group group)
        {
            if (_isFinal) return;
            _refusal = null;
            try
            {
                var decision = decide(group.State);
                // Two of one group with one mark: the first is to be written, the second is told so by the next round.
                if (decision.Mark is { } mark && group.Carries(mark)) throw new MarkTakenException(mark, null);
                (Mark, _writes, _result) = (decision.Mark, !decision.Events.IsDefaultOrEmpty, decision.Result);
                if (!_writes)
                {
                    Write?.Drop();
                    return;
                }

                Write?.Choose();
                if (Write?.Mark is { } requestMark && group.Carries(requestMark)) throw new CarriedOutException();
                group.Before.AddRange(before);
                group.Add(decision.Events, decision.Mark, Write,
                    Write is null || json is null ? null : JsonSerializer.Serialize(decision.Result, json));
            }
            catch (Exception refusal)
            {
                (Mark, _writes, _refusal) = (null, false, refusal);
                Write?.Drop();
            }
        }

        public override void Refuse(Exception refusal)
        {
            (_isFinal, Mark, _writes, _refusal) = (true, null, false, refusal);
            Write?.Drop();
        }

        public override void Answer(string result) =>
            (_isFinal, Mark, _writes, _refusal, _result) = (true, null, false, null, JsonSerializer.Deserialize(result, json!));

        public override void Complete()
        {
            if (_writes) Write?.Wrote(withResult: json is not null);
            if (_refusal is not null) _done.TrySetException(_refusal);
            else _done.TrySetResult(_result!);
        }

        // Each caller gets an exception of its own: a shared one would collect everybody's stack traces.
        public override void Fail(Exception failure) =>
            _done.TrySetException(failure is EventLogUnavailableException
                ? new EventLogUnavailableException(failure.Message, failure.InnerException) : failure);
    }

    /// <summary>Answers from the state in memory; first catches up when another node may have written.</summary>
    protected ValueTask<TResult> Read<TResult>(Func<TState, TResult> answer) => Trusted ? new(answer(_now.State)) : ReadNewest(answer);

    // Apart, so that the usual way makes no closure.
    private async ValueTask<TResult> ReadNewest<TResult>(Func<TState, TResult> answer)
    {
        await CatchUp();
        GoWhereItBelongs();
        return answer(_now.State);
    }

    /// <summary>Like <see cref="Read{TResult}"/>, where the version of the state matters too.</summary>
    protected async ValueTask<TResult> ReadVersioned<TResult>(Func<TState, long, TResult> answer)
    {
        if (!Trusted) await CatchUp();
        GoWhereItBelongs();
        var now = _now;
        return answer(now.State, now.Version);
    }

    private void GoWhereItBelongs()
    {
        if (log.IsElsewhere(_project)) DeactivateOnIdle();
    }

    private bool Trusted => _now.Epoch == log.ExclusiveEpoch && _now.Epoch > 0;

    private async Task<bool> TryAppend(Folded now, Group group)
    {
        var (state, written) = (group.State, group.Written);
        long first;
        var version = now.Version + written.Count;
        // Where others write too, one is made for nothing as long as it is not known what they write.
        var snapshotDue = Kind.IsSnapshotDue(state, version - now.SnapshotVersion) && _behind == 0 && !now.HoldsUnknown;
        var snapshot = snapshotDue ? Kind.Save(state) : null;
        try
        {
            var result = await log.Append(new(_project, _stream, now.Version, written, snapshot, group.AnyVersion,
                Before: group.Before.Count == 0 ? null : group.Before));
            if (!result.Written)
            {
                Distrust();
                return false;
            }

            first = result.FirstVersion;
        }
        catch
        {
            Distrust();
            throw;
        }

        _behind = first - now.Version - 1;
        if (_behind > 0) Distrust(); // the state is another one
        else Advance(new(state, version, snapshotDue ? version : now.SnapshotVersion, now.HoldsUnknown, now.Epoch),
            Interlocked.Read(ref _doubts));
        return true;
    }

    /// <summary>One look-up of the version; reads what is new in the stream when it moved, or all of it when that is less.</summary>
    private async ValueTask CatchUp()
    {
        var now = _now;
        if (ReferenceEquals(now, Folded.Nothing))
        {
            await Load(default);
            return;
        }

        // Both are taken before the look, so that neither an epoch that ends during it nor a distrust that arises is undone by what it
        // finds.
        var (epoch, doubts) = (log.ExclusiveEpoch, Interlocked.Read(ref _doubts));
        var version = await log.Version(_project, _stream);
        lock (_gate)
        {
            // Where the log answers as of a moment, this may know of more already.
            if (version <= _now.Version)
            {
                if (doubts == _doubts) _now = _now with { Epoch = epoch };
                return;
            }
        }

        if (version - now.Version > Kind.SnapshotEvery || !await Follow(now, version, epoch, doubts)) await Load(default);
    }

    /// <summary>Folds what others have written; false when the stream does not go on from what is known.</summary>
    private async ValueTask<bool> Follow(Folded now, long version, long epoch, long doubts)
    {
        var news = await log.ReadStream(_stream, now.Version, (int)(version - now.Version));
        if (news.Count == 0 || news[0].Version != now.Version + 1) return false;
        Advance(new(news.Fold(now.State), now.Version + news.Count, now.SnapshotVersion, now.HoldsUnknown || news.HoldUnknown(), epoch),
            doubts);
        return true;
    }

    private async ValueTask Load(CancellationToken cancellation)
    {
        var (epoch, doubts) = (log.ExclusiveEpoch, Interlocked.Read(ref _doubts));
        var stored = await log.Load<TState>(_stream.Key, cancellation);
        Advance(new(stored.Fold<TState>(), stored.Version, stored.SnapshotVersion, stored.Tail.HoldUnknown(), epoch), doubts);
    }

    /// <summary>Several readers may catch up while a writer appends: an older state never replaces a newer one, nor is one trusted that was
    /// distrusted meanwhile.</summary>
    private void Advance(Folded to, long doubts)
    {
        lock (_gate)
        {
            if (to.Version < _now.Version) return;
            (_now, _behind) = (doubts == _doubts ? to : to with { Epoch = -1 }, 0);
        }
    }

    /// <summary>The next call looks at the log before it believes the state.</summary>
    private void Distrust()
    {
        lock (_gate)
        {
            _doubts++;
            _now = _now with { Epoch = -1 };
        }
    }
}
