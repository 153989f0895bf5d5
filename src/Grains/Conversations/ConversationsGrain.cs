using System.Text.Json;
using Beadhub.Chat;
using Beadhub.EventLog;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Placement;

namespace Beadhub.Conversations;

/// <summary>
/// Keeps a project's <see cref="ConversationIndex"/> in memory. While this process is the only writer it hears of every event before its writer is
/// answered, and reads look nothing up; otherwise each read first looks where the feed ends.
/// </summary>
/// <remarks>Reads come on any thread. The index is used under a lock; what is given out is immutable.</remarks>
[PreferLocalPlacement]
public sealed partial class ConversationsGrain(IEventLog log, ICommittedFeed committed, IChatPresence presence, ILogger<ConversationsGrain> logger) : Grain, IConversationsGrain
{
    private const string Kind = "conversations";
    private const int FeedBatch = 1000;

    // A snapshot costs as much as there is to keep, so the more there is, the rarer it gets.
    private const int LeastToKeep = 500;
    private const int LeastPositionsToKeep = 20_000;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _catchingUp = new(1, 1);
    private readonly FeedNews _news = new(ConversationIndex.Matters);
    private string _project = "";
    private ConversationIndex _index = new();
    private IDisposable? _following;
    private long _epoch = -1; // the log's exclusive epoch in which the index was last known to be complete
    private long _position; // that of the index, to be read without the lock
    private long _keptVersion;
    private long _keptPosition;
    private int _takenSinceKept;
    private Task _keeping = Task.CompletedTask; // the newest snapshot on its way to the log

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        // Followed before the log is read: what comes in between is seen by one or the other.
        _following = committed.Follow(_project, _news.Add);
        try
        {
            var stored = await log.Load(new(Kind, _project), cancellationToken);
            _keptVersion = stored.Version;
            if (stored.Snapshot is { } snapshot && JsonSerializer.Deserialize(snapshot, ConversationsJson.Relaxed.ConversationsSnapshot)! is { Fold: ConversationIndex.Fold } kept)
                _index = ConversationIndex.From(kept);
            _position = _keptPosition = _index.Position;
        }
        catch
        {
            _following.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _following?.Dispose();
        await _keeping;
        if (_takenSinceKept > LeastToKeep / 4) await Keep();
    }

    /// <inheritdoc/>
    public async ValueTask<ChatSessionsView> Sessions(string agentId)
    {
        var lists = await Look(index => index.ListsOf(agentId));
        var waits = await Waiting(agentId, lists.Sessions.Select(row => row.SessionId));
        return new([.. lists.Sessions.Select((row, i) => waits(i) ? row with { SenderWaiting = true } : row)]);
    }

    /// <inheritdoc/>
    public async ValueTask<PendingView> Pending(string agentId)
    {
        var lists = await Look(index => index.ListsOf(agentId));
        var waits = lists.Pending.IsEmpty ? static _ => false : await Waiting(agentId, lists.Pending.Select(session => session.Row.SessionId));
        return await lists.PendingWith(waits, TextOf);
    }

    /// <inheritdoc/>
    public async ValueTask<ConversationPage> List(ConversationQuery query)
    {
        var conversations = await Look(index => index.ConversationsOf(query.AgentId));
        var from = conversations.Where(c => !(c.Position >= query.Before) && !(c.Row.LastMessageAt >= query.OlderThan)).Take(query.Limit + 1).ToList();
        var page = from.Take(query.Limit).ToList();
        return new([.. page.Select(c => c.Row)], from.Count > query.Limit ? page[^1].Position : null);
    }

    private ValueTask<string?> TextOf(PendingSession session) =>
        GrainFactory.GetGrain<IChatGrain>(IChatGrain.Key(_project, session.Row.SessionId)).TextOf(session.Newest);

    /// <summary>Whether somebody else waits in each of these sessions.</summary>
    private async ValueTask<Func<int, bool>> Waiting(string agentId, IEnumerable<string> sessions)
    {
        var waiting = await presence.Waiting([.. sessions.Select(id => IChatGrain.Key(_project, id))]);
        return i => waiting[i] is { IsEmpty: false } agents && !(agents.Count == 1 && agents.Contains(agentId));
    }

    private async ValueTask<TFound> Look<TFound>(Func<ConversationIndex, TFound> find)
    {
        if (!TakeNews()) await CatchUp();
        lock (_gate) return find(_index);
    }

    /// <summary>Takes in what this process has committed; false when there may be more that it does not know of.</summary>
    private bool TakeNews()
    {
        var epoch = Volatile.Read(ref _epoch);
        if (epoch <= 0 || epoch != log.ExclusiveEpoch) return false;
        if (_news.Last <= Volatile.Read(ref _position)) return true;
        lock (_gate)
        {
            if (_news.After(_index.Position) is not { } news) return false;
            foreach (var e in news.Events) Take(e);
            _index.Reach(news.Position);
            Volatile.Write(ref _position, _index.Position);
        }

        KeepNowAndThen();
        return true;
    }

    /// <summary>One look-up of the feed's head; reads on only when it moved.</summary>
    private async Task CatchUp()
    {
        // Taken before the head, so that an epoch that ends in between is never trusted.
        var epoch = log.ExclusiveEpoch;
        var head = await log.Head(_project);
        if (Volatile.Read(ref _position) < head)
        {
            await _catchingUp.WaitAsync();
            try
            {
                while (Volatile.Read(ref _position) < head)
                {
                    var events = await log.ReadFeed(_project, Volatile.Read(ref _position), FeedBatch);
                    if (events.Count == 0) throw new EventLogUnavailableException($"The feed of project {_project} ends before its head.");
                    lock (_gate)
                    {
                        foreach (var e in events) Take(e);
                        Volatile.Write(ref _position, _index.Position);
                    }
                }
            }
            finally
            {
                _catchingUp.Release();
            }
        }

        Volatile.Write(ref _epoch, epoch);
        KeepNowAndThen();
    }

    private void Take(Feed.FeedEvent stored)
    {
        if (stored.Position <= _index.Position) return;
        if (ConversationIndex.Matters(stored)) _takenSinceKept++;
        _index.Take(stored);
    }

    private void KeepNowAndThen()
    {
        if (_takenSinceKept < Math.Max(LeastToKeep, _index.Count / 4) && Volatile.Read(ref _position) - _keptPosition < LeastPositionsToKeep) return;
        lock (_gate)
            if (_keeping.IsCompleted) _keeping = Keep();
    }

    /// <summary>Keeps the index as a snapshot. When that fails, or another node was faster, nothing is lost but time at the next start.</summary>
    private async Task Keep()
    {
        // The caller holds a lock, and waits for nothing.
        await Task.Yield();
        try
        {
            ConversationsSnapshot snapshot;
            lock (_gate)
            {
                (_takenSinceKept, _keptPosition) = (0, _index.Position);
                if (_index.HoldsUnknown) return;
                snapshot = _index.Save();
            }

            var kept = new ConversationsKept(snapshot.Position);
            var json = await Task.Run(() => JsonSerializer.Serialize(snapshot, ConversationsJson.Relaxed.ConversationsSnapshot));
            var written = await log.Append(new(
                _project, new(Kind, _project), _keptVersion, [new(EventTypes.NameOf(kept), EventTypes.Serialize(kept), log.Time.GetUtcNow())], json));
            _keptVersion = written.Written ? _keptVersion + 1 : await log.Version(_project, new(Kind, _project));
        }
        catch (UnavailableException)
        {
            // The next time will do.
        }
        catch (Exception unexpected)
        {
            LogNotKept(logger, _project, unexpected);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The conversations of project {Project} could not be kept as a snapshot")]
    private static partial void LogNotKept(ILogger logger, string project, Exception error);
}
