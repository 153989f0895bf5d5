using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Conversations;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.HiveSync;
using Microsoft.Extensions.Logging;

namespace Beadhub.Hives;

/// <summary>A hive's <see cref="HiveState"/> in memory, which follows the hive's log: begun from a snapshot, and now and then kept as one
/// again.</summary>
/// <remarks>
/// A snapshot is a head and parts, each in a stream of its own, beside the log, whose feed has mesh events only. A part that is written
/// again goes to the other of its two places: until the head names that, the snapshot before is whole. Of several nodes that keep one at
/// the same time one does; another that comes later writes all parts, since they are of its own fold.
/// </remarks>
internal sealed partial class HiveProjection : FeedProjection<HiveState>, IAsyncDisposable
{
    private const string Kind = "hive_view";
    private const int LeastToKeep = 1_000; // events
    private const int MostToKeep = 10_000;
    private const int AtOnce = 16;

    // What was held is shown a moment after its time. When the log is folded again it comes before the first event that was received
    // after its time: with the same events between, so that places in the order of arrival stay what they were.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private readonly CommittedBacklog _committed = new(static e => e.Kind == IHiveSyncGroupGrain.LogKind);
    private readonly IDisposable _following;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private KeptHead _kept = KeptHead.None;
    private long _keptVersion;
    private bool _keepsAll; // the snapshot that there is, is of another process
    private Task _keeping = Task.CompletedTask; // the newest snapshot on its way to the log

    public HiveProjection(IEventLog log, string groupId, ICommittedFeed committed, TimeProvider time, ILogger logger)
        : base(log, groupId, new())
    {
        (_time, _logger) = (time, logger);
        // Followed before the log is read: what comes in between is seen by one or the other.
        _following = committed.Follow(groupId, _committed.Add);
    }

    /// <summary>Looks something up in the newest state. What is given out must be immutable.</summary>
    public async ValueTask<TFound> Find<TFound>(Func<HiveState, TFound> find)
    {
        while (true)
        {
            await Newest();
            KeepNowAndThen();
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
    public async ValueTask DisposeAsync()
    {
        _following.Dispose();
        await _keeping;
        if (State.Seq - _kept.Seq > LeastToKeep / 4) await Keep();
    }

    /// <inheritdoc/>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        await Restore(cancellation);
        await ReadTo(await Head(cancellation), cancellation);
    }

    /// <inheritdoc/>
    protected override ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        Take(page, page[^1].Position);
        // A long log is kept on the way: what was folded of it need not be folded again, however far this one comes.
        KeepNowAndThen();
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

    private StreamKey HeadStream => new(Kind, Project);

    private StreamKey PartStream(int part, KeptPart kept) =>
        new(Kind, string.Create(CultureInfo.InvariantCulture, $"{Project}/{part}/{kept.Place}"));

    // Not in the project of the log, every position of which is a mesh event's.
    private string KeptIn => $"{Project}/view";

    private async ValueTask Restore(CancellationToken cancellation)
    {
        await ReadHead(cancellation);
        if (_kept is not { Fold: HiveState.Fold, Seq: > 0 }) return;
        var parts = new List<string>();
        foreach (var some in _kept.Parts.Select((kept, part) => (kept, part)).Chunk(AtOnce))
            foreach (var (stored, kept) in (await Task.WhenAll(some.Select(one =>
                Log.Load(PartStream(one.part, one.kept), cancellation).AsTask()))).Zip(some.Select(static one => one.kept)))
            {
                // Written over meanwhile: the log has everything.
                var part = stored.Snapshot is { } snapshot ? JsonSerializer.Deserialize(snapshot, HiveViewJson.Default.KeptContent) : null;
                if (part?.Seq != kept.Seq) return;
                parts.Add(part.Data);
            }

        var hive = HiveState.Restore(_kept.Data, parts, out var held);
        var stream = new StreamKey(IHiveSyncGroupGrain.LogKind, Project);
        foreach (var some in held.Chunk(PageSize))
        {
            var stored = await Log.ReadEvents([.. some.Select(one => new EventPlace(stream, one.Seq))], cancellation);
            foreach (var (e, one) in stored.Zip(some))
                if (e is { } there && EventTypes.Parse(there.Type, there.Data) is MeshEvent mesh)
                    hive.Hold(Event(there.Version, mesh), one.SinceTicks);
        }

        Change(_ => hive, hive.Seq);
        _keepsAll = false;
    }

    private async ValueTask ReadHead(CancellationToken cancellation)
    {
        var stored = await Log.Load(HeadStream, cancellation);
        _keptVersion = stored.Version;
        _kept = stored.Snapshot is { } snapshot && JsonSerializer.Deserialize(snapshot, HiveViewJson.Default.KeptHead) is { } kept
            ? kept : KeptHead.None;
        // Whatever there is of another fold is written anew, as is what this process has not restored.
        _keepsAll = _kept.Seq != State.Seq || _kept.Fold != HiveState.Fold;
        if (_kept.Fold != HiveState.Fold) _kept = _kept with { Seq = 0 };
    }

    private void KeepNowAndThen()
    {
        if (!IsDue()) return;
        lock (Gate)
            if (_keeping.IsCompleted && IsDue()) _keeping = Keep();

        // As much as there is to keep it costs only when all is kept.
        bool IsDue() => State.Seq is var seq
            && seq - _kept.Seq >= (_keepsAll ? Math.Max(LeastToKeep, seq / 16) : Math.Clamp(seq / 16, LeastToKeep, MostToKeep));
    }

    /// <summary>Keeps the hive. When that fails, or another node was faster, nothing is lost but time at the next start.</summary>
    private async Task Keep()
    {
        // The caller holds a lock, and waits for nothing.
        await Task.Yield();
        try
        {
            if (await Log.Version(KeptIn, HeadStream) != _keptVersion)
            {
                await ReadHead(CancellationToken.None);
                _keepsAll = true;
                return;
            }

            long seq;
            string head;
            List<(int Part, string Text)> parts;
            lock (Gate)
            {
                seq = State.Seq;
                (head, parts) = State.Save(_keepsAll);
            }

            // Until the head is written, what was changed is in no snapshot.
            _keepsAll = true;
            var places = _kept.Parts.ToBuilder();
            foreach (var (part, text) in parts)
            {
                while (places.Count <= part) places.Add(new(0, 1));
                places[part] = new(seq, 1 - places[part].Place);
                var stream = PartStream(part, places[part]);
                if (!await Write(stream, await Log.Version(KeptIn, stream),
                    JsonSerializer.Serialize(new(seq, text), HiveViewJson.Default.KeptContent))) return;
            }

            var kept = new KeptHead(HiveState.Fold, seq, head, places.ToImmutable());
            if (!await Write(HeadStream, _keptVersion, JsonSerializer.Serialize(kept, HiveViewJson.Default.KeptHead))) return;
            (_kept, _keptVersion, _keepsAll) = (kept, _keptVersion + 1, false);

            async Task<bool> Write(StreamKey stream, long version, string snapshot)
            {
                var note = new HiveViewKept(seq);
                return (await Log.Append(new(KeptIn, stream, version,
                    [new(EventTypes.NameOf(note), EventTypes.Serialize(note), Log.Time.GetUtcNow())], snapshot))).Written;
            }
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

    [LoggerMessage(Level = LogLevel.Error, Message = "The hive of sync group {Group} could not be kept as a snapshot")]
    private static partial void LogNotKept(ILogger logger, string group, Exception error);

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

/// <summary>A kept hive, without its content.</summary>
/// <param name="Fold">The fold that made it.</param>
/// <param name="Seq">Place of the last event that it holds.</param>
/// <param name="Data">What <see cref="HiveState.Save"/> gave.</param>
/// <param name="Parts">The parts of its content, by their numbers.</param>
internal sealed record KeptHead(int Fold, long Seq, string Data, ImmutableArray<KeptPart> Parts)
{
    public static KeptHead None { get; } = new(HiveState.Fold, 0, "", []);
}

/// <summary>Where a part is.</summary>
/// <param name="Seq">Place of the last event that it holds.</param>
/// <param name="Place">Which of its two places: 0 or 1.</param>
internal readonly record struct KeptPart(long Seq, int Place);

/// <summary>A part of a kept hive's content.</summary>
internal sealed record KeptContent(long Seq, string Data);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(KeptHead))]
[JsonSerializable(typeof(KeptContent))]
internal sealed partial class HiveViewJson : JsonSerializerContext;

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
