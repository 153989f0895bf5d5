using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Streaming;
using Beadhub.HiveSync;
using Orleans;

namespace Beadhub.Hosting.HiveSync;

/// <summary>
/// Keeps a group at one site and at another the same: shakes hands, takes what the other has, sends what is new here, and begins anew after
/// each failure. One request at a time; every cursor is in the log, so that another node, or this one after a crash, goes on from there.
/// </summary>
internal sealed class PeerLink(
    HiveSyncGroup group, ResolvedPeer peer, IGrainFactory grains, MeshHttp http, FeedHub hub, Gossip gossip, TimeProvider time,
    ILogger logger)
{
    private const int PageSize = 500;
    private const int FewEvents = 100; // an OpenHive's own batches
    private const int MaxEmptyPages = 100;
    private const int MaxPagesInVain = 10_000;
    private const int MaxBatchBytes = 600 * 1024;
    private const int FailuresToError = 10;
    private const int Behind = 100; // events from which on a peer is told to be backfilling
    private const int FarBehind = 10_000; // events from which on a Beadhub takes a snapshot

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan NoteEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SnapshotPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SnapshotLook = TimeSpan.FromMilliseconds(200);

    private readonly IHiveSyncSettingsGrain _settings = grains.GetGrain<IHiveSyncSettingsGrain>(group.GroupId);
    private readonly IHiveSyncGroupGrain _log = grains.GetGrain<IHiveSyncGroupGrain>(group.GroupId);
    private readonly CopyResolver _copies = new(group, grains, http, time);
    private long _theirHead; // as it has told when hands were shaken
    private TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HiveSyncGroup Group => group;

    public ResolvedPeer Peer => peer;

    /// <summary>The other side, once hands were shaken.</summary>
    public GroupPeerLink? Known { get; private set; }

    /// <summary>Events that it has not been sent yet, as last looked at.</summary>
    public long Lag { get; private set; }

    /// <summary>Failures in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>What was last wrong; null when nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Events that were sent and stored.</summary>
    public long Sent { get; private set; }

    /// <summary>Events that were taken by pulls.</summary>
    public long Taken { get; private set; }

    /// <summary>The other side has more than was taken of it.</summary>
    public void Ask() => _asked.TrySetResult();

    /// <summary>Whom to call.</summary>
    public MeshTarget Target(string? token) => new(peer.Endpoint, token, peer.IsTrusted);

    /// <summary>Runs until it is told to end.</summary>
    public async Task Run(CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                await Meet(ended);
                await Pull(ended);
                Healthy();
                await Push(ended);
                return;
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                wait = await Failed(e);
            }

            await Task.Delay(wait, time, ended).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task Meet(CancellationToken ended)
    {
        var said = $"beadhub handshake\n{group.InstanceId}\n{group.Name}\n{gossip.OwnEndpoint}";
        var proof = await _settings.Prove(said, 0);
        var key = await _settings.Find() ?? throw new PeerException("the group is gone");
        var (reply, instance, theirs) = await http.Handshake(Target(null),
            new(group.Name, group.GroupId, group.InstanceId, key.PublicKey, gossip.OwnEndpoint, 1), proof, ended);
        if (Ed25519.DecodeKey(reply.SigningKey) is null) throw new PeerException("its signing_key is no Ed25519 key");
        if (instance is { } beadhub && beadhub.StartsWith("bh_", StringComparison.Ordinal))
        {
            if (theirs is null
                || !await _log.IsAnswerGood(new(beadhub, reply.SyncGroupId, reply.SigningKey, peer.Endpoint, theirs), proof.At))
                throw new PeerException("it does not prove that it is who it says");
        }
        else
        {
            // The wire's answer does not say who answers: a heartbeat does.
            instance = (await http.Heartbeat(Target(reply.SyncToken), await gossip.Say("", withPeers: false), ended)).InstanceId;
            if (instance.StartsWith("bh_", StringComparison.Ordinal)) throw new PeerException("it does not prove that it is who it says");
            await SyncProtocol.TellKey(grains, group.GroupId, instance, reply.SigningKey);
        }

        if (instance == group.InstanceId) throw new PeerException("it is this site itself", 409);
        // Under another address it is still who was removed. One that an administrator has entered was not.
        if (!peer.IsTrusted && (await grains.GetGrain<ISyncPeersGrain>(ISyncPeersGrain.Key).Refused())
            .Any(site => site.Is(instance, peer.Endpoint))) throw new PeerException("it was removed by an administrator of this site");
        _theirHead = reply.CurrentSeq;
        await _settings.Met(new(new(instance, reply.SyncGroupId, reply.SigningKey, peer.Endpoint, null), reply.SyncToken, reply.CurrentSeq,
            proof.At));
        Known = await _settings.Link(instance) ?? throw new PeerException("it has left meanwhile");
    }

    /// <summary>Takes what the other side has, page by page: of a Beadhub from which much is missing first what no later event has
    /// superseded.</summary>
    private async Task Pull(CancellationToken ended)
    {
        var known = await Refreshed();
        var since = known.Peer.LastSeqReceived;
        var isSnapshot = known.Peer.IsBeadhub && _theirHead - since > FarBehind;
        var (isBackfilling, inVain) = (false, 0);
        Task<(ImmutableArray<ReceivedMeshEvent> Events, long Next, bool HasMore)>? ahead = null;
        while (true)
        {
            using var trace = MeshTraces.Begin(isSnapshot ? "mesh.snapshot" : "mesh.pull", group, peer, since);
            ImmutableArray<ReceivedMeshEvent> events;
            long next;
            bool hasMore;
            try
            {
                (events, next, hasMore) = await (ahead ?? Page(since));
            }
            catch (PeerException e) when (isSnapshot && e.Status == StatusCodes.Status404NotFound)
            {
                (isSnapshot, ahead) = (false, null); // an older Beadhub
                continue;
            }

            // The next page is on its way while this one is verified and stored. What goes wrong with it is told when it is wanted.
            ahead = hasMore ? Page(next) : null;
            _ = ahead?.ContinueWith(static page => page.Exception, TaskScheduler.Default);
            var before = Taken;
            if (!events.IsEmpty) Taken += (await _log.Ingest(new(events, known.Peer.InstanceId))).Stored;
            // Of a log that is all known already there are many such pages; of one that never ends as well.
            inVain = Taken > before ? 0 : inVain + 1;
            if (inVain >= (events.IsEmpty ? MaxEmptyPages : MaxPagesInVain))
                throw new PeerException($"{inVain} of its pages have brought nothing, and it says that there is more");

            if (hasMore && !isBackfilling && events.Length >= Behind)
            {
                isBackfilling = true;
                await _settings.Note(known.Peer.InstanceId, "backfilling", null);
            }

            // After the events are durable: who ends in between takes them again, and stores none twice.
            if (next > since) await _settings.Advance(known.Peer.InstanceId, -1, next);
            // The end of a snapshot is told as well: what the other side is told to have arrived it does not send.
            if (!hasMore && !isSnapshot) break;
            if (!hasMore && next == since) isSnapshot = false;
            since = next;
        }

        await _settings.Note(known.Peer.InstanceId, "active", null);

        Task<(ImmutableArray<ReceivedMeshEvent> Events, long Next, bool HasMore)> Page(long after) =>
            http.Pull(Target(known.Token), known.Peer.RemoteGroupId, isSnapshot, after, PageSize, ended);
    }

    /// <summary>Sends what is new, and takes what it is told that there is.</summary>
    private async Task Push(CancellationToken ended)
    {
        var known = await Refreshed();
        var cursor = known.Peer.LastSeqSent;
        var (noted, notedAt, takenAt, askedAt) = (cursor, time.GetTimestamp(), time.GetTimestamp(), time.GetTimestamp());
        var most = known.Peer.IsBeadhub ? PageSize : FewEvents;
        var feed = await hub.Watch(group.GroupId);
        try
        {
            while (true)
            {
                var (news, asked) = (feed.News, _asked.Task);
                var page = await _log.Read(cursor, PageSize);
                if (known.Peer.IsBeadhub && (Lag = page.Head - cursor) > FarBehind && time.GetElapsedTime(takenAt) < SnapshotPatience)
                {
                    // It takes a snapshot by itself, and says with each page how far it is.
                    await Task.Delay(SnapshotLook, time, ended);
                    known = await Refreshed();
                    if (known.Peer.LastSeqSent <= cursor) continue;
                    cursor = noted = known.Peer.LastSeqSent;
                    takenAt = time.GetTimestamp();
                    continue;
                }

                if (!page.Entries.IsEmpty)
                {
                    var (batch, last) = Batch(known.Peer, page, most);
                    if (batch.Count > 0)
                    {
                        await Send(known, batch, cursor, last, ended);
                        Sent += batch.Count;
                        Healthy();
                    }

                    cursor = last;
                    Lag = page.Head - cursor;
                }
                else
                {
                    Lag = 0;
                }

                // An OpenHive stores again what it is sent again: of its cursor nothing may be lost.
                if (cursor > noted && (!known.Peer.IsBeadhub || page.Entries.IsEmpty || time.GetElapsedTime(notedAt) >= NoteEvery))
                {
                    await _settings.Advance(known.Peer.InstanceId, cursor, -1);
                    (noted, notedAt) = (cursor, time.GetTimestamp());
                }

                if (!known.Peer.IsBeadhub && time.GetElapsedTime(askedAt) >= LookEvery)
                {
                    askedAt = time.GetTimestamp();
                    await _copies.Resolve(known.Peer.InstanceId, Target(null), ended);
                }

                if (!page.Entries.IsEmpty) continue;
                if (asked.IsCompleted)
                {
                    _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    await Pull(ended);
                    Healthy();
                    continue;
                }

                try
                {
                    await Task.WhenAny(news, asked).WaitAsync(LookEvery, time, ended);
                }
                catch (TimeoutException)
                {
                    await feed.CatchUp();
                    // Another node, or the other side, may have made a new token, or put the peer out.
                    known = await Refreshed();
                }
            }
        }
        finally
        {
            await hub.Leave(group.GroupId);
            if (cursor > noted) await NoteAtEnd(known.Peer.InstanceId, cursor);
        }
    }

    /// <summary>Events of a page that the peer is to get, as many as one push carries, and up to where they reach.</summary>
    private static (List<PushedEvent> Batch, long Last) Batch(GroupPeer to, MeshPage page, int most)
    {
        var batch = new List<PushedEvent>();
        var (bytes, last) = (0L, 0L);
        foreach (var (seq, e) in page.Entries.Select(static entry => (entry.Seq, entry.Event)))
        {
            // Never back to where it came from.
            if (e.Origin != to.InstanceId && e.Via != to.InstanceId)
            {
                // Quotes and what is not ASCII take more room in JSON than as text.
                var size = (System.Text.Encoding.UTF8.GetByteCount(e.Payload) * 3L / 2) + 600;
                if (batch.Count == most || (batch.Count > 0 && bytes + size > MaxBatchBytes)) return (batch, last);
                bytes += size;
                batch.Add(PushedEvent.Of(e));
            }

            last = seq;
        }

        return (batch, last);
    }

    private async Task Send(GroupPeerLink to, List<PushedEvent> batch, long since, long last, CancellationToken ended)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new PushBody([.. batch], last), Wire.Types.PushBody);
        while (true)
        {
            using var trace = MeshTraces.Begin("mesh.push", group, peer, since);
            try
            {
                await http.Push(Target(to.Token), to.Peer.RemoteGroupId, body, since, ended);
                return;
            }
            catch (PeerException e) when (e.Status == StatusCodes.Status429TooManyRequests)
            {
                // It is well, and asks to be spared.
                var wait = e.RetryAfter ?? TimeSpan.FromSeconds(1);
                await Task.Delay(wait < LongestWait ? wait : LongestWait, time, ended);
            }
            catch (PeerException e) when (e.Status == StatusCodes.Status413PayloadTooLarge && batch.Count > 1)
            {
                var half = batch.Count / 2;
                // Only the last part brings the peer's cursor on.
                await Send(to, batch[..half], -1, last, ended);
                await Send(to, batch[half..], -1, last, ended);
                return;
            }
            catch (PeerException e) when (e.Status == StatusCodes.Status413PayloadTooLarge)
            {
                logger.LogWarning("{Peer} takes no event as large as {Event} of group {Group}", peer.Name, batch[0].Id, group.Name);
                return;
            }
        }
    }

    private async Task<GroupPeerLink> Refreshed() =>
        Known = await _settings.Link(Known!.Peer.InstanceId) is { Token: not null } link ? link : throw new PeerException("it has left");

    private void Healthy() => (Failures, Error) = (0, null);

    private async Task<TimeSpan> Failed(Exception e)
    {
        Failures++;
        var isNew = Error != e.Message;
        Error = e switch
        {
            PeerException => e.Message,
            UnavailableException { InnerException: LastingTroubleException lasting } => lasting.Message,
            UnavailableException => $"this site cannot store what it gets: {e.InnerException?.Message ?? e.Message}",
            _ => "an internal error",
        };
        if (e is not PeerException and not UnavailableException) logger.LogError(e, "Meshing with {Peer} failed", peer.Name);
        else if (isNew) logger.LogWarning("Group {Group}: {Peer} fails: {Error}", group.Name, peer.Name, e.Message);
        try
        {
            if (Known is { } known && Failures >= FailuresToError) await _settings.Note(known.Peer.InstanceId, "error", Error);
        }
        catch (UnavailableException)
        {
            // The log is away, and what is wrong is told the next time.
        }

        if (e is PeerException { RetryAfter: { } asked }) return asked < LongestWait ? asked : LongestWait;
        // 1, 2, 4 … seconds up to a minute, each up to a quarter shorter.
        var seconds = Math.Min(LongestWait.TotalSeconds, Math.Pow(2, Math.Min(Failures - 1, 10)));
        return TimeSpan.FromSeconds(seconds * (1 - (Random.Shared.NextDouble() / 4)));
    }

    private async Task NoteAtEnd(string instance, long cursor)
    {
        try
        {
            await _settings.Advance(instance, cursor, -1).WaitAsync(NoteEvery, time);
        }
        catch (Exception e)
        {
            logger.LogDebug(e, "The cursor of {Peer} was not noted; some events are sent again", peer.Name);
        }
    }
}
