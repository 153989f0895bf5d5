using System.Collections.Concurrent;
using System.Diagnostics;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs.Ownership;

namespace Beadhub.Hosting.EventLogs;

/// <summary>
/// Versions and newest events of projects in a log that other nodes write too. One query reads what was committed since the last one; from
/// that all
/// questions of a request are answered, after the versions of streams and after the feed, and those of all other requests whose read
/// barrier is
/// older than the query. Of a project that this node owns everything is known without a query.
/// </summary>
/// <param name="readHead">The position of a project's newest event.</param>
/// <param name="readNews">A project's events after a position, in order; <see cref="MostNews"/> and one at most.</param>
/// <param name="readVersion">The version of a stream.</param>
/// <param name="owners">Tells which projects this node owns; null when it owns none.</param>
/// <param name="idle">A project of which nobody has asked for so long is forgotten; a minute unless told.</param>
internal sealed class VersionCache(
    Func<string, ValueTask<long>> readHead, Func<string, long, ValueTask<IReadOnlyList<FeedEvent>>> readNews,
    Func<StreamKey, ValueTask<long>> readVersion, IProjectOwners? owners = null, TimeSpan? idle = null) : IBatchObserver
{
    /// <summary>Who is further behind forgets what it knew rather than reading it all.</summary>
    public const int MostNews = 500;

    private const int MostVersions = 10_000;
    private const int MostKept = 256; // events
    private const int MostKeptText = 256 * 1024; // characters
    private const int SweepEvery = 256; // new projects

    private readonly TimeSpan _idle = idle ?? TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Project> _projects = new(StringComparer.Ordinal);

    /// <summary>Projects of which something is known.</summary>
    public int Count => _projects.Count;

    /// <summary>The position of a project's newest event, as of the request's read barrier.</summary>
    public ValueTask<long> Head(string project, CancellationToken cancellation)
    {
        var known = Of(project);
        var barrier = ReadBarrier.Current;
        return known.HeadAsOf(barrier) is { } head ? new(head) : Refreshed();

        async ValueTask<long> Refreshed() => await known.Refresh(barrier, cancellation);
    }

    /// <summary>The version of a stream, as of the request's read barrier.</summary>
    public ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation)
    {
        var known = Of(project);
        var barrier = ReadBarrier.Current;
        return known.VersionAsOf(barrier, stream) is { } version ? new(version) : Refreshed();

        async ValueTask<long> Refreshed()
        {
            await known.Refresh(barrier, cancellation);
            return await known.Version(stream);
        }
    }

    /// <summary>A page of a project's feed, when what is known as of the request's read barrier suffices; null when the log has to be
    /// asked.</summary>
    public IReadOnlyList<FeedEvent>? Feed(string project, long after, int max) =>
        _projects.TryGetValue(project, out var known) ? known.FeedAsOf(ReadBarrier.Current, after, max) : null;

    /// <summary>This node has committed events: whoever asks from now on is to know of them.</summary>
    public void Committed(string project, IReadOnlyList<FeedEvent> events)
    {
        if (_projects.TryGetValue(project, out var known)) known.Committed(events);
    }

    /// <summary>Somebody was found to know more than this node, or may: nothing is answered without a new query.</summary>
    public void Invalidate(string project)
    {
        if (_projects.TryGetValue(project, out var known)) known.Invalidate();
    }

    /// <inheritdoc/>
    public void Begins(IReadOnlyList<PendingAppend> batch)
    {
        if (owners is null) return;
        foreach (var pending in batch)
        {
            // One that is being removed takes nothing in any more.
            while (!Of(pending.Append.Project).Begins(pending.Append.Stream)) Thread.Yield();
        }
    }

    /// <inheritdoc/>
    public void Landed(IReadOnlyList<PendingAppend> batch)
    {
        foreach (var pending in batch)
            if (_projects.TryGetValue(pending.Append.Project, out var known)) known.Landed(pending.Append.Stream);
    }

    /// <inheritdoc/>
    public void Doubted(IReadOnlyList<PendingAppend> batch)
    {
        foreach (var pending in batch)
            if (_projects.TryGetValue(pending.Append.Project, out var known)) known.Doubted();
    }

    // Who still holds one that is removed finds it too old, and asks for itself.
    private void Sweep()
    {
        var since = Stopwatch.GetTimestamp() - (long)(_idle.TotalSeconds * Stopwatch.Frequency);
        foreach (var entry in _projects)
            if (entry.Value.Retire(since)) _projects.TryRemove(entry);
    }

    private Project Of(string project)
    {
        if (_projects.TryGetValue(project, out var known)) return known;
        known = _projects.GetOrAdd(project, id => new(id, readHead, readNews, readVersion, owners));
        if (_projects.Count % SweepEvery == 0) Sweep();
        return known;
    }

    private sealed class Project(
        string id, Func<string, ValueTask<long>> readHead, Func<string, long, ValueTask<IReadOnlyList<FeedEvent>>> readNews,
        Func<StreamKey, ValueTask<long>> readVersion, IProjectOwners? owners)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<StreamKey, long> _versions = [];
        private readonly List<FeedEvent> _kept = []; // the newest events, without holes, the last one at the head
        private int _keptText;
        private long _head = -1; // below zero before the first query
        private long _asOf = long.MinValue; // everything acknowledged anywhere before is known; in ticks
        private long _owed; // position of an event committed here after others that are not known
        private long _notBefore = long.MinValue; // a query that began earlier does not count
        private int _forgotten; // times
        private Task? _refreshing;

        // While the project is owned by this grant, all is known but what is under way.
        private long _grant;
        private readonly HashSet<StreamKey> _underWay = []; // streams with an append that may be in the store already
        private bool _isDoubtful; // of what is under way nobody will be told soon
        private bool _isRetired;
        private TaskCompletionSource? _landing; // what is under way

        public long? HeadAsOf(long barrier)
        {
            lock (_gate) return Knows(barrier) ? _head : null;
        }

        public long? VersionAsOf(long barrier, StreamKey stream)
        {
            lock (_gate)
                return (Knows(barrier) || (!_underWay.Contains(stream) && IsOwned(Stopwatch.GetTimestamp())))
                    && _versions.TryGetValue(stream, out var version) ? version : null;
        }

        public IReadOnlyList<FeedEvent>? FeedAsOf(long barrier, long after, int max)
        {
            lock (_gate)
            {
                if (!Knows(barrier) || after < _head - _kept.Count) return null;
                var from = (int)Math.Min(_kept.Count, after - (_head - _kept.Count));
                return _kept.GetRange(from, Math.Min(max, _kept.Count - from));
            }
        }

        /// <summary>Completes when all is known that was acknowledged before the barrier; answers with the head. Who comes during a query
        /// shares the next one.</summary>
        public async ValueTask<long> Refresh(long barrier, CancellationToken cancellation)
        {
            while (true)
            {
                TaskCompletionSource? mine = null;
                Task refreshing;
                lock (_gate)
                {
                    if (Knows(barrier)) return _head;
                    // Others may have seen what is under way here: it is not passed over, but it is known in a moment.
                    refreshing = _underWay.Count > 0 && !_isDoubtful && IsOwned(Stopwatch.GetTimestamp())
                        ? (_landing ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task
                        : _refreshing ??= (mine = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }

                if (mine is not null) _ = RefreshFor(mine);
                try
                {
                    await refreshing.WaitAsync(cancellation);
                }
                catch (EventLogUnavailableException failed)
                {
                    // Each caller gets an exception of its own: a shared one would collect everybody's stack traces.
                    throw new EventLogUnavailableException(failed.Message, failed.InnerException);
                }
            }
        }

        public async ValueTask<long> Version(StreamKey stream)
        {
            int forgotten;
            lock (_gate)
            {
                if (_versions.TryGetValue(stream, out var known)) return known;
                forgotten = _forgotten;
            }

            var version = await readVersion(stream);
            // What was forgotten meanwhile may have been this stream's next event.
            lock (_gate)
                if (forgotten == _forgotten) Know(stream, version);
            return version;
        }

        public void Committed(IReadOnlyList<FeedEvent> events)
        {
            lock (_gate)
            {
                if (events[0].Position <= _head + 1)
                {
                    Take(events);
                    return;
                }

                (_owed, _asOf, _grant) = (events[^1].Position, long.MinValue, 0);
            }
        }

        public void Invalidate()
        {
            lock (_gate) (_notBefore, _asOf, _grant) = (Stopwatch.GetTimestamp(), long.MinValue, 0);
        }

        /// <summary>An append to a stream goes to the store; false when this is no longer the place to tell.</summary>
        public bool Begins(StreamKey stream)
        {
            lock (_gate)
            {
                if (!_isRetired) _underWay.Add(stream);
                return !_isRetired;
            }
        }

        public void Landed(StreamKey stream)
        {
            TaskCompletionSource? landing;
            lock (_gate)
            {
                _underWay.Remove(stream);
                if (_underWay.Count > 0) return;
                _isDoubtful = false;
                // Before the next batch begins: for those who have waited for this one.
                Knows(long.MaxValue);
                (landing, _landing) = (_landing, null);
            }

            landing?.TrySetResult();
        }

        public void Doubted()
        {
            TaskCompletionSource? landing;
            lock (_gate)
            {
                (_isDoubtful, _notBefore, _asOf, _grant) = (true, Stopwatch.GetTimestamp(), long.MinValue, 0);
                (landing, _landing) = (_landing, null);
            }

            landing?.TrySetResult();
        }

        /// <summary>Whether it was not asked since, and nothing is under way; it is never complete again then.</summary>
        public bool Retire(long since)
        {
            lock (_gate)
            {
                if (_asOf >= since || _refreshing is not null || _underWay.Count > 0) return false;
                (_isRetired, _grant) = (true, 0);
                return true;
            }
        }

        // Whether everything is known that was acknowledged, or could be seen, before the barrier.
        private bool Knows(long barrier)
        {
            if (_asOf >= barrier) return true;
            var now = Stopwatch.GetTimestamp();
            if (_underWay.Count > 0 || !IsOwned(now)) return false;
            _asOf = now;
            return true;
        }

        // Last of all: whoever stood still on the way here finds the lease over.
        private bool IsOwned(long now) => _grant > 0 && owners!.Grant(id, now) == _grant;

        private async Task RefreshFor(TaskCompletionSource all)
        {
            // For whoever asks meanwhile, too.
            ReadBarrier.Leave();
            var begun = Stopwatch.GetTimestamp();
            Exception? failure = null;
            try
            {
                await RefreshNow(begun);
            }
            catch (Exception failed)
            {
                failure = failed;
            }

            lock (_gate) _refreshing = null;
            if (failure is null) all.SetResult();
            else all.SetException(failure);
            _ = all.Task.Exception; // whoever asked may have gone
        }

        private async Task RefreshNow(long begun)
        {
            var grant = owners is null ? 0 : await owners.Take(id);
            long after;
            lock (_gate) after = _head;
            var news = after < 0 ? null : await readNews(id, after);
            var head = news is null or { Count: > MostNews } ? await readHead(id) : 0;
            lock (_gate)
            {
                if (head > _head)
                {
                    Forget();
                    _head = head;
                }
                else if (_head < 0)
                {
                    _head = 0;
                }
                else if (news is not null)
                {
                    Take(news);
                }

                if (_head < _owed || begun < _notBefore) return;
                _asOf = begun;
                if (!_isDoubtful && !_isRetired) _grant = grant;
            }
        }

        private void Take(IReadOnlyList<FeedEvent> events)
        {
            foreach (var e in events)
            {
                if (e.Position <= _head) continue;
                _head = e.Position;
                Know(new(e.Kind, e.Key), e.Version);
                _kept.Add(e);
                _keptText += e.Data.Length;
            }

            if (_kept.Count <= MostKept && _keptText <= MostKeptText) return;
            var gone = _kept.Count;
            for (int left = 0, text = 0; gone > 0 && left < MostKept / 2 && (text += _kept[gone - 1].Data.Length) <= MostKeptText / 2;
                left++) gone--;
            _kept.RemoveRange(0, gone);
            _keptText = _kept.Sum(static e => e.Data.Length);
        }

        private void Know(StreamKey stream, long version)
        {
            if (_versions.Count >= MostVersions && !_versions.ContainsKey(stream)) Forget();
            if (version > _versions.GetValueOrDefault(stream, -1)) _versions[stream] = version;
        }

        private void Forget()
        {
            _forgotten++;
            _versions.Clear();
            _versions.TrimExcess();
            _kept.Clear();
            _kept.TrimExcess();
            _keptText = 0;
        }
    }
}
