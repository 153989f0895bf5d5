using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Feed;
using Microsoft.Extensions.Logging;

namespace Beadhub.Conversations;

/// <summary>
/// A project's <see cref="ConversationIndex"/> in memory: begun from a snapshot, then told of what this process commits, and of others'
/// events by the feed. Now and then it is kept as a snapshot again.
/// </summary>
internal sealed partial class ConversationsProjection : FeedProjection<ConversationIndex>, IAsyncDisposable
{
    private const string Kind = "conversations";

    // A snapshot costs as much as there is to keep, so the more there is, the rarer it gets.
    private const int LeastToKeep = 500;
    private const int LeastPositionsToKeep = 20_000;

    private readonly CommittedBacklog _committed = new(ConversationIndex.Matters);
    private readonly IDisposable _following;
    private readonly ILogger _logger;
    private long _keptVersion;
    private long _keptPosition;
    private int _takenSinceKept;
    private Task _keeping = Task.CompletedTask; // the newest snapshot on its way to the log

    public ConversationsProjection(IEventLog log, string project, ICommittedFeed committed, ILogger logger) : base(log, project, new())
    {
        _logger = logger;
        // Followed before the log is read: what comes in between is seen by one or the other.
        _following = committed.Follow(project, _committed.Add);
    }

    /// <summary>Looks something up in the newest index. What is given out must be immutable.</summary>
    public async ValueTask<TFound> Find<TFound>(Func<ConversationIndex, TFound> find)
    {
        var index = await Newest();
        KeepNowAndThen();
        lock (Gate) return find(index);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _following.Dispose();
        await _keeping;
        if (_takenSinceKept > LeastToKeep / 4) await Keep();
    }

    /// <inheritdoc/>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        var stored = await Log.Load(new(Kind, Project), cancellation);
        _keptVersion = stored.Version;
        if (stored.Snapshot is { } snapshot
            && JsonSerializer.Deserialize(snapshot,
            ConversationsJson.Relaxed.ConversationsSnapshot)! is { Fold: ConversationIndex.Fold } kept)
            Change(_ => ConversationIndex.From(kept), kept.Position);
        _keptPosition = Position;
        await ReadTo(await Head(cancellation), cancellation);
    }

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
            if (_committed.After(State.Position) is not { } backlog) return false;
            Take(backlog.Events, backlog.Position);
        }

        return true;
    }

    private void Take(IReadOnlyList<FeedEvent> events, long position) => Change(
        index =>
        {
            foreach (var e in events)
            {
                if (e.Position > index.Position && ConversationIndex.Matters(e)) _takenSinceKept++;
                index.Take(e);
            }

            index.Reach(position);
            return index;
        },
        position);

    private void KeepNowAndThen()
    {
        if (_takenSinceKept < Math.Max(LeastToKeep, State.Count / 4) && Position - _keptPosition < LeastPositionsToKeep) return;
        lock (Gate)
            if (_keeping.IsCompleted) _keeping = Keep();
    }

    /// <summary>Keeps the index as a snapshot. When that fails, or another node was faster, nothing is lost but time at the next
    /// start.</summary>
    private async Task Keep()
    {
        // The caller holds a lock, and waits for nothing.
        await Task.Yield();
        try
        {
            ConversationsSnapshot snapshot;
            lock (Gate)
            {
                (_takenSinceKept, _keptPosition) = (0, State.Position);
                if (State.HoldsUnknown) return;
                snapshot = State.Save();
            }

            var kept = new ConversationsKept(snapshot.Position);
            var json = await Task.Run(() => JsonSerializer.Serialize(snapshot, ConversationsJson.Relaxed.ConversationsSnapshot));
            var written = await Log.Append(new(
                Project, new(Kind, Project), _keptVersion, [new(EventTypes.NameOf(kept), EventTypes.Serialize(kept), Log.Time.GetUtcNow())],
                json));
            _keptVersion = written.Written ? _keptVersion + 1 : await Log.Version(Project, new(Kind, Project));
        }
        catch (UnavailableException)
        {
            // The next time will do.
        }
        catch (Exception unexpected)
        {
            LogNotKept(_logger, Project, unexpected);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The conversations of project {Project} could not be kept as a snapshot")]
    private static partial void LogNotKept(ILogger logger, string project, Exception error);
}
