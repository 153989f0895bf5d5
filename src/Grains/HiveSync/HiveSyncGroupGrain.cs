using System.Collections.Immutable;
using System.Text;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;

namespace Beadhub.HiveSync;

/// <inheritdoc cref="IHiveSyncGroupGrain"/>
public sealed class HiveSyncGroupGrain(IEventLog log, TimeProvider time, Seal seal, IGrainFactory grains)
    : EventSourcedGrain<HiveLog>(log), IHiveSyncGroupGrain
{
    private const int MaxPage = 1_000;
    private const int MaxChanges = 100;
    private const int MaxPayload = 256 * 1024; // UTF-8 bytes
    private const int MaxType = 64;
    private const int KeptRefusals = 100;

    private static readonly Func<HiveLog, HiveLog> WholeState = log => log;

    private readonly Queue<RefusedMeshEvent> _refused = new();
    private volatile GroupSigner? _signer;

    private string GroupId => this.GetPrimaryKeyString();

    private StreamKey Stream => new(HiveLog.Kind.Name, GroupId);

    /// <inheritdoc/>
    public Task<HiveSyncGroup> Create(CreateHiveSyncGroup command) => Settings.Create(command);

    /// <inheritdoc/>
    public async Task<HiveChangesWritten> Write(WriteHiveChanges command)
    {
        if (command.Changes.Length is 0 or > MaxChanges || !command.Changes.All(IsInLimits))
            throw new RefusedException(RefusalKind.Invalid,
                $"1 to {MaxChanges} changes, types of at most {MaxType} characters and payloads of at most {MaxPayload} bytes");
        var key = command.Key is { } given ? $"write:{given}" : null;
        while (true)
        {
            var signer = await Signer();
            try
            {
                return new(await Transact(log => log.Write(command.Changes, key, signer, time.Now())));
            }
            catch (StaleSignerException)
            {
                _signer = null;
            }
            catch (MarkTakenException taken)
            {
                // Of two at the same moment the second looks again: by then the first is written.
                if (taken.Marked is { } marked) return new(await Repeated(marked.Version, command.Changes.Length));
            }
        }
    }

    /// <inheritdoc/>
    public async Task<HiveSyncGroup> RotateKey()
    {
        var group = await Settings.RotateKey();
        _signer = null;
        var signer = await Signer();
        // Written at once: by that other nodes learn that the key which they have in memory was replaced.
        try
        {
            await Transact(log => log.Write([], null, signer, time.Now()));
        }
        catch (StaleSignerException)
        {
            _signer = null; // replaced once more meanwhile
        }

        return group;
    }

    /// <inheritdoc/>
    public async Task<MeshEventsIngested> Ingest(IngestMeshEvents command)
    {
        var signer = await Signer();
        var log = await Read(WholeState);
        var now = time.Now();
        // The signatures of a batch are worth all cores, and are no reason for others to wait.
        var all = await Task.Run(() => new MeshEventCheck(log, signer.GroupName, signer.InstanceId).Check(command, now));
        foreach (var one in all)
            if (one.Reason is { } reason) Refuse(one.Event, reason);
        var good = all.Where(static one => one is { IsDuplicate: false, Reason: null }).Select(static one => one.Event).ToList();
        var stored = await Store(good);
        var refused = all.Count(static one => one.Reason is not null) + stored.Refused;
        return new((await Read(WholeState)).Count, stored.Stored, all.Length - stored.Stored - refused, refused);
    }

    /// <inheritdoc/>
    public async ValueTask<MeshPage> Read(long after, int max)
    {
        var head = (await Read(WholeState)).Count;
        if (after >= head) return new([], head);
        var events = await Log.ReadStream(Stream, after, Math.Clamp(max, 1, MaxPage));
        return new([.. Parsed(events)], Math.Max(head, events is [.., var last] ? last.Version : 0));
    }

    /// <inheritdoc/>
    public async ValueTask<long> Head() => (await Read(WholeState)).Count;

    /// <inheritdoc/>
    public async ValueTask<bool> IsAnswerGood(HandshakeOffer answer, long offeredAt)
    {
        var own = await Signer();
        return answer.Proof is { } proof && Handshakes.IsGood(proof, answer.InstanceId, own.GroupName, answer.SigningKey,
            Handshakes.Answered(answer.InstanceId, own.GroupName, own.InstanceId, offeredAt));
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<RefusedMeshEvent>> Refused()
    {
        lock (_refused) return new([.. _refused.Reverse()]);
    }

    private IHiveSyncSettingsGrain Settings => grains.GetGrain<IHiveSyncSettingsGrain>(GroupId);

    private static bool IsInLimits(HiveChange change) =>
        change.Type.Length is > 0 and <= MaxType && Encoding.UTF8.GetByteCount(change.Payload) <= MaxPayload;

    private static IEnumerable<MeshEntry> Parsed(IEnumerable<StoredEvent> events)
    {
        foreach (var stored in events)
            if (EventTypes.Parse(stored.Type, stored.Data) is MeshEvent e) yield return new(stored.Version, e);
    }

    /// <summary>The events of a write that was made before: they follow each other.</summary>
    private async ValueTask<ImmutableArray<MeshEntry>> Repeated(long version, int count)
    {
        // One more, for the key that may stand before them and then carries the mark.
        var entries = Parsed(await Log.ReadStream(Stream, version - 1, count + 1)).ToList();
        var first = entries[0].Event.Type == KeyCertificate.EventType ? 1 : 0;
        return [.. entries.Skip(first).Take(count)];
    }

    /// <summary>Those of Beadhubs, which the state tells apart, together; each other one with its content as the mark, by which the log
    /// tells. All are under way at once and so share an append.</summary>
    private async Task<(int Stored, int Refused)> Store(List<MeshEvent> good)
    {
        var others = good.Where(static e => e.OriginSeq is null).ToList();
        var there = await Task.WhenAll(others.Select(e => Log.FindMark(GroupId, e.EventId).AsTask()));
        var known = others.Where((_, i) => there[i] is not null).Select(static e => e.EventId).ToHashSet(StringComparer.Ordinal);
        var tasks = new List<Task<(int Stored, ImmutableArray<(MeshEvent Event, string Reason)> Refused)>>();
        for (var i = 0; i < good.Count;)
        {
            var e = good[i];
            if (e.OriginSeq is null)
            {
                i++;
                if (known.Add(e.EventId)) tasks.Add(StoreByContent(e));
                continue;
            }

            var run = good.Skip(i).TakeWhile(static one => one.OriginSeq is not null).ToList();
            i += run.Count;
            tasks.Add(Transact(log => log.Take(run)));
        }

        var done = await Task.WhenAll(tasks);
        foreach (var (e, reason) in done.SelectMany(static one => one.Refused)) Refuse(e, reason);
        return (done.Sum(static one => one.Stored), done.Sum(static one => one.Refused.Length));
    }

    private async Task<(int Stored, ImmutableArray<(MeshEvent Event, string Reason)> Refused)> StoreByContent(MeshEvent e)
    {
        try
        {
            return (await Transact(_ => Decision.Accept(1, e) with { Mark = e.EventId }), []);
        }
        catch (MarkTakenException)
        {
            return (0, []);
        }
    }

    private void Refuse(MeshEvent e, string reason)
    {
        lock (_refused)
        {
            if (_refused.Count == KeptRefusals) _refused.Dequeue();
            _refused.Enqueue(new(e.ReceivedAt, e.Via ?? "", Short(e.Origin), Short(e.Type), reason));
        }

        static string Short(string text) => text.Length <= MaxType ? text : text[..MaxType];
    }

    private async ValueTask<GroupSigner> Signer()
    {
        if (_signer is { } known) return known;
        var key = await Settings.SigningKey() ?? throw new RefusedException(RefusalKind.NotFound, "Sync group not found");
        var group = key.Group;
        return _signer = new(group.Name, group.InstanceId, new(key.RootKey, group.PublicKey, group.KeyVersion, group.Name, key.Certificate),
            KeptKey.Open(seal, key.SealedKey, key.PlainKey));
    }
}
