using System.Diagnostics;
using System.Runtime.InteropServices;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.EventLogs;

/// <summary>
/// Commits appends in groups: one thread takes all that wait, writes them in one transaction, publishes them and completes their tasks;
/// meanwhile the next group gathers. So one caller alone waits for one commit, and many share one. A caller who comes while nobody writes
/// commits on its own thread (<see cref="EventLogOptions.MayCommitInline"/>); what comes meanwhile is left to the committing thread.
/// </summary>
/// <remarks>A thread that blocks on the store saves the thread switches that asynchronous reads cost; a lone writer feels them.</remarks>
internal sealed partial class GroupCommit : IAsyncDisposable
{
    // A batch of so many has its fixed costs well shared; waiting for more would only delay it.
    private const int EnoughCompany = 64;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestGathering = TimeSpan.FromMicroseconds(250);
    private static readonly TimeSpan FailureShows = TimeSpan.FromSeconds(10);

    private readonly IBatchWriter _writer;
    private readonly IFeedPublisher _publisher;
    private readonly EventLogOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly EventLogMetrics _metrics;
    private readonly IBatchObserver? _observer;

    private readonly object _gate = new();
    private readonly Queue<PendingAppend> _waiting = new();
    private readonly SemaphoreSlim _room;
    private volatile int _waitingCount;
    private bool _asleep; // the committing thread has nothing to do, and waits for a pulse
    private bool _inline; // a caller commits; the committing thread must not begin
    private bool _closing;

    // Belongs to whoever commits: the committing thread, or the caller while _inline.
    private readonly HashSet<StreamKey> _streams = [];
    private readonly HashSet<(string Project, string Mark)> _marks = [];
    private readonly HashSet<string> _projects = [];
    private List<PendingAppend> _batch = [];
    private List<PendingAppend> _later = [];
    private List<PendingAppend> _left = [];
    private long _bytes;
    private readonly List<PendingAppend> _unsettled = []; // their callers were told that the outcome is unknown, which it still is
    private string? _unsettledBecause;
    private int _company; // how many wrote or waited when the last batch was committed
    private TimeSpan _lastWrite;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Failure? _lastFailure;
    private volatile Failure? _outOfReach;
    private volatile bool _isUnsettled;
    private long _unknown; // batches of unknown outcome, ever

    public GroupCommit(IBatchWriter writer, IFeedPublisher publisher, EventLogOptions options, ILogger logger, TimeProvider time,
        IBatchObserver? observer = null)
    {
        _observer = observer;
        _writer = writer;
        _publisher = publisher;
        _options = options;
        _logger = logger;
        _time = time;
        _room = new SemaphoreSlim(options.MaxWaiting);
        _metrics = new EventLogMetrics(() => _waitingCount);
        new Thread(Run) { IsBackground = true, Name = "event log committer" }.Start();
    }

    /// <summary>Why writes fail just now, or null.</summary>
    public string? Trouble =>
        _outOfReach is { } away ? away.Error.Message
        : _lastFailure is { } failure && _time.GetElapsedTime(failure.At) < FailureShows ? failure.Error.Message
        : null;

    /// <summary>
    /// The epoch in which memory may be trusted, from the one in which this process is the only writer. After a batch of unknown outcome
    /// it is another one, so that nobody trusts what
    /// was known before; and zero until it is known what became of the batch, which the store may still write.
    /// </summary>
    public long EpochFrom(long exclusive) => exclusive <= 0 || _isUnsettled ? 0 : exclusive + Interlocked.Read(ref _unknown);

    public Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation)
    {
        PendingAppend pending;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            pending = new PendingAppend(append, cancellation)
            {
                Before = append.Before is { } before ? [.. before.Select(one => new PendingAppend(one, CancellationToken.None))] : [],
            };
            if (_outOfReach is { } away) throw new EventLogUnavailableException(away.Error.Message, away.Error.InnerException);
        }
        catch (Exception refused)
        {
            return Task.FromException<AppendResult>(refused);
        }
        if (!append.InCompany && _options.MayCommitInline?.Invoke() == true && BeginInline())
        {
            CommitInline(pending);
            return pending.Task;
        }
        for (var taken = 0; taken <= pending.Before.Count; taken++)
            if (!_room.Wait(0, CancellationToken.None)) return AppendWhenThereIsRoom(pending, taken);
        Enqueue(pending);
        return pending.Task;
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
        return new ValueTask(_ended.Task);
    }

    private async Task<AppendResult> AppendWhenThereIsRoom(PendingAppend pending, int taken)
    {
        try
        {
            for (; taken <= pending.Before.Count; taken++) await _room.WaitAsync(pending.Cancellation);
        }
        catch when (taken > 0)
        {
            _room.Release(taken);
            throw;
        }

        Enqueue(pending);
        return await pending.Task;
    }

    private void Enqueue(PendingAppend pending)
    {
        lock (_gate)
        {
            if (!_closing)
            {
                foreach (var before in pending.Before) _waiting.Enqueue(before);
                _waiting.Enqueue(pending);
                _waitingCount = _waiting.Count;
                if (_asleep && !_inline) Monitor.Pulse(_gate);
                return;
            }
        }
        pending.SetException(new EventLogUnavailableException("The event log is closed."));
    }

    /// <summary>
    /// Whether the caller may commit here and now: the committing thread sleeps, the last commit went well, and it served nobody else.
    /// Callers
    /// who come in company share commits instead.
    /// </summary>
    private bool BeginInline()
    {
        lock (_gate)
        {
            if (!_asleep || _inline || _closing || _company != 1 || _lastFailure is not null || _isUnsettled) return false;
            return _inline = true;
        }
    }

    /// <summary>Commits one append on the caller's thread. However that ends, the committing thread goes on with what has come
    /// meanwhile.</summary>
    private void CommitInline(PendingAppend pending)
    {
        try
        {
            _batch.Clear();
            _batch.AddRange(pending.Before);
            _batch.Add(pending);
            Commit();
        }
        catch (Exception unexpected)
        {
            StopWriting(unexpected);
        }
        finally
        {
            _batch.Clear();
            lock (_gate)
            {
                _inline = false;
                if (_waiting.Count > 0 || _closing || _isUnsettled) Monitor.Pulse(_gate);
            }
        }
    }

    private void Run()
    {
        try
        {
            while (Take())
            {
                if (Reach() && Settle()) Commit();
            }
        }
        catch (Exception unexpected)
        {
            StopWriting(unexpected);
        }
        finally
        {
            _writer.Dispose();
            _metrics.Dispose();
            _ended.SetResult();
        }
    }

    private void StopWriting(Exception unexpected)
    {
        LogStopped(_logger, unexpected);
        _isUnsettled = true;
        var error = new EventLogUnavailableException("The event log has stopped writing; restart Beadhub.", unexpected);
        _outOfReach = new Failure(_time.GetTimestamp(), error);
        lock (_gate) _closing = true;
        FailAll(error);
    }

    /// <summary>
    /// Waits for appends and fills the batch, at most one append a stream and a mark, in the order they came. False when closed and
    /// nothing waits. The batch may be
    /// empty when an outcome is to be found out.
    /// </summary>
    private bool Take()
    {
        _batch.Clear();
        _bytes = 0;
        _streams.Clear();
        _marks.Clear();
        _projects.Clear();

        // What the previous batch had to leave behind comes first, so that appends to one stream keep their order.
        (_later, _left) = (_left, _later);
        foreach (var pending in _left) Place(pending);
        _left.Clear();

        var taken = 0;
        lock (_gate)
        {
            while (_inline || (_batch.Count == 0 && _waiting.Count == 0))
            {
                if (!_inline && _closing) return false;
                if (!_inline && _isUnsettled) break;
                _asleep = true;
                Monitor.Wait(_gate);
                _asleep = false;
            }
        }
        Gather();
        lock (_gate)
        {
            while (!Full && _later.Count < _options.MaxBatchAppends && _waiting.TryDequeue(out var pending))
            {
                taken++;
                Place(pending);
            }
            _waitingCount = _waiting.Count;
        }
        if (taken > 0) _room.Release(taken);
        return true;
    }

    /// <summary>
    /// Waits a moment for those who were here a moment ago. Callers that write again as soon as they are answered would otherwise form
    /// two shifts, each waiting while the other is written, and every commit would serve half of them. It never waits for a caller who
    /// writes alone.
    /// </summary>
    private void Gather()
    {
        var expected = Math.Min(_company, EnoughCompany);
        if (_batch.Count + _waitingCount >= expected) return;
        var longest = _lastWrite / 4 < LongestGathering ? _lastWrite / 4 : LongestGathering;
        var begun = Stopwatch.GetTimestamp();
        // Too short for a timer. Yielding leaves the processor to the very callers who are waited for.
        while (_batch.Count + _waitingCount < expected && Stopwatch.GetElapsedTime(begun) < longest) Thread.Yield();
    }

    private bool Full =>
        _batch.Count >= _options.MaxBatchAppends || _bytes >= _options.MaxBatchBytes || _projects.Count >= _options.MaxBatchProjects;

    private void Place(PendingAppend pending)
    {
        if (pending.Cancellation.IsCancellationRequested)
        {
            pending.SetCanceled(pending.Cancellation);
        }
        else if (HasFailedBefore(pending) is { } failed)
        {
            pending.TrySetException(failed);
        }
        else if (Full || pending.Before.Any(before => !before.Task.IsCompleted && !_batch.Contains(before))
            || !_streams.Add(pending.Append.Stream) || MeetsMark(pending))
        {
            _later.Add(pending);
        }
        else
        {
            _batch.Add(pending);
            _bytes += pending.Size;
            _projects.Add(pending.Append.Project);
        }
    }

    /// <summary>Why one of the appends has failed on which this one rests.</summary>
    private static Exception? HasFailedBefore(PendingAppend pending)
    {
        foreach (var before in pending.Before)
            if (before.Task.Exception?.InnerException is { } failed)
                return failed is EventLogUnavailableException away ? new EventLogUnavailableException(away.Message, away.InnerException)
                    : new BadAppendException(failed.Message, failed);
        return null;
    }

    /// <summary>Whether a mark of the append is in the batch already, so that only a later batch can tell that it is taken.</summary>
    private bool MeetsMark(PendingAppend pending)
    {
        if (!pending.HasMarks) return false;
        var meets = false;
        foreach (var @event in pending.Append.Events)
            if (@event.Mark is { } mark) meets |= !_marks.Add((pending.Append.Project, mark));
        return meets;
    }

    /// <summary>
    /// Returns once the store can be reached. Appends wait for that with patience; when it ends, all that wait fail. False when closed
    /// meanwhile.
    /// </summary>
    private bool Reach()
    {
        var since = _time.GetTimestamp();
        var pause = FirstPause;
        while (true)
        {
            try
            {
                _writer.Connect();
                if (_outOfReach is not null) LogReachable(_logger);
                _outOfReach = null;
                return true;
            }
            catch (EventLogUnavailableException away)
            {
                bool closing;
                lock (_gate) closing = _closing;
                if (closing || _outOfReach is not null || _time.GetElapsedTime(since) >= _options.Patience)
                {
                    if (_outOfReach is null) LogOutOfReach(_logger, away);
                    _outOfReach = new Failure(since, away);
                    FailAll(away);
                    if (closing) return false;
                }
            }
            lock (_gate)
            {
                if (!_closing) Monitor.Wait(_gate, pause);
            }
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>
    /// Finds out what became of batches whose outcome was unknown, before anything else is written. Their callers know that they must
    /// look; those who follow the feed
    /// are told what was written after all. False when the store failed again, which leaves the batch to be written later.
    /// </summary>
    private bool Settle()
    {
        if (_unsettled.Count == 0) return true;
        try
        {
            _writer.Find(_unsettled);
        }
        catch (EventLogUnavailableException again)
        {
            if (again.Message != _unsettledBecause) LogUnsettled(_logger, _unsettled.Count, again);
            _unsettledBecause = again.Message;
            _lastFailure = new Failure(_time.GetTimestamp(), again);
            foreach (var pending in _batch) Fail(pending, again);
            // The next attempt comes with the next append, or after a moment.
            lock (_gate)
            {
                if (!_closing && _waiting.Count == 0) Monitor.Wait(_gate, LongestPause);
            }
            return false;
        }

        Publish(_unsettled);
        _observer?.Landed(_unsettled);
        _unsettled.Clear();
        _unsettledBecause = null;
        _isUnsettled = false;
        return true;
    }

    private void Commit()
    {
        if (_batch.Count == 0) return;
        using var span = EventLogTraces.StartCommit(_batch);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            _observer?.Begins(_batch);
            _writer.Write(_batch);
            _lastWrite = Stopwatch.GetElapsedTime(begun);
            _company = _batch.Count + _waitingCount;
            _lastFailure = null;
            _metrics.Committed(_batch.Count, _lastWrite);
            Publish(_batch);
            _observer?.Landed(_batch);
            Complete(_batch);
        }
        catch (BadAppendException) when (_batch.Count > 1)
        {
            _observer?.Landed(_batch);
            CommitOneByOne();
        }
        catch (BadAppendException bad)
        {
            _observer?.Landed(_batch);
            _batch[0].SetException(bad);
        }
        catch (EventLogUnavailableException failed)
        {
            LogFailed(_logger, _batch.Count, failed);
            span.Failed(failed);
            _metrics.Failed(_batch.Count);
            _lastFailure = new Failure(_time.GetTimestamp(), failed);
            // Before anybody is told: whoever hears of the failure finds that nothing in memory is trusted.
            _isUnsettled = true;
            Interlocked.Increment(ref _unknown);
            _unsettled.AddRange(_batch);
            _observer?.Doubted(_batch);
            foreach (var pending in _batch) Fail(pending, failed);
        }
    }

    /// <summary>One of the batch is bad: the others must not suffer.</summary>
    private void CommitOneByOne()
    {
        var all = _batch;
        try
        {
            foreach (var pending in all)
            {
                _batch = [pending];
                pending.FirstPosition = 0;
                if (HasFailedBefore(pending) is { } failed) pending.SetException(failed);
                else Commit();
            }
        }
        finally
        {
            // Should something unexpected end the committer, all of them are told, not only the one that met it.
            _batch = all;
        }
    }

    private void Publish(List<PendingAppend> batch)
    {
        // Lists of what each project gained, in feed order. The usual batch is of one project.
        if (batch.Count == 1)
        {
            if (batch[0].FirstPosition > 0) Publish(batch[0].Append.Project, batch);
            return;
        }
        var byProject = new Dictionary<string, List<PendingAppend>>();
        foreach (var pending in batch)
        {
            if (pending.FirstPosition == 0) continue;
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(byProject, pending.Append.Project, out _);
            (list ??= []).Add(pending);
        }
        foreach (var (project, appends) in byProject)
        {
            appends.Sort(static (a, b) => a.FirstPosition.CompareTo(b.FirstPosition));
            Publish(project, appends);
        }
    }

    private void Publish(string project, List<PendingAppend> appends)
    {
        var events = new List<FeedEvent>(appends.Count);
        foreach (var pending in appends) pending.AddTo(events);
        try
        {
            _publisher.Publish(project, events);
        }
        catch (Exception failed)
        {
            // The events are durable whoever heard of them; followers find the hole in the positions and read on from the log.
            LogUnpublished(_logger, project, failed);
        }
    }

    private static void Complete(List<PendingAppend> batch)
    {
        foreach (var pending in batch)
            pending.SetResult(pending.FirstPosition > 0 ? new(true, pending.FirstPosition, pending.FirstVersion) : default);
    }

    private void FailAll(EventLogUnavailableException error)
    {
        foreach (var pending in _batch) Fail(pending, error);
        foreach (var pending in _later) Fail(pending, error);
        _batch.Clear();
        _later.Clear();
        List<PendingAppend> waiting;
        lock (_gate)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
            _waitingCount = 0;
        }
        if (waiting.Count == 0) return;
        _room.Release(waiting.Count);
        foreach (var pending in waiting) Fail(pending, error);
    }

    // Each caller gets an exception of its own: a shared one would collect everybody's stack traces.
    private static void Fail(PendingAppend pending, EventLogUnavailableException error) =>
        pending.TrySetException(new EventLogUnavailableException(error.Message, error.InnerException));

    [LoggerMessage(Level = LogLevel.Error, Message = "A group of {Count} appends failed; whether it was written is unknown")]
    private static partial void LogFailed(ILogger logger, int count, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "What became of {Count} appends could not be found out yet")]
    private static partial void LogUnsettled(ILogger logger, int count, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The event log is out of reach: writes are refused until it answers again")]
    private static partial void LogOutOfReach(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "The event log can be reached again")]
    private static partial void LogReachable(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "Events of project {Project} were committed but not published")]
    private static partial void LogUnpublished(ILogger logger, string project, Exception error);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The committer of the event log has stopped")]
    private static partial void LogStopped(ILogger logger, Exception error);

    private sealed record Failure(long At, EventLogUnavailableException Error);
}
