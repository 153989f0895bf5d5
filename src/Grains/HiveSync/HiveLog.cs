using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Mail;

namespace Beadhub.HiveSync;

/// <summary>
/// What the log of a hive has to remember of its events to take further ones: which numbers of each origin are there, and which keys
/// verify them. Not the events themselves: a million of them takes no more room than a few, as long as their numbers have no
/// holes. Pure.
/// </summary>
/// <param name="Origins">By instance id.</param>
/// <param name="Count">Number of events: the seq of the newest.</param>
public sealed record HiveLog(ImmutableDictionary<string, OriginLog> Origins, long Count) : IEventSourced<HiveLog>
{
    /// <summary>Most instances that a log takes events or keys of.</summary>
    public const int MaxOrigins = 1_000;

    /// <summary>Holes that the numbers of every origin may have: each takes room for ever.</summary>
    public const int MaxHoles = 1_000;

    /// <summary>Holes of all origins together up to which one may have more: what came as a snapshot has one wherever something was
    /// superseded.</summary>
    public const int MaxHolesTogether = 50_000;

    /// <summary>Type of the event by which a Beadhub tells the key of an instance that cannot tell it itself (an OpenHive).</summary>
    public const string PeerKeyType = "beadhub_peer_key";

    private const int MaxKeys = 64;

    /// <inheritdoc/>
    public static HiveLog Empty { get; } = new(ImmutableDictionary<string, OriginLog>.Empty, 0);

    /// <inheritdoc/>
    public static StreamKind<HiveLog> Kind { get; } =
        new(IHiveSyncGroupGrain.LogKind, HiveSyncJson.Default.HiveLog, SnapshotEvery: 1_000, key => key);

    /// <inheritdoc/>
    public HiveLog Apply(IEvent @event)
    {
        var log = this with { Count = Count + 1 };
        if (@event is not MeshEvent e) return log;
        if (e.OriginSeq is { } seq) log = log.With(e.Origin, origin => origin with { Seen = origin.Seen.With(seq) });
        return e.Type switch
        {
            KeyCertificate.EventType when e.OriginSeq is { } from && KeyCertificate.Of(e.Origin, e.Payload) is { } certificate =>
                log.WithKey(e.Origin, new(from, certificate.Key, certificate.Version)),
            PeerKeyType when e.OriginSeq is not null && PeerKeyOf(e.Payload) is var (instance, key) =>
                log.WithKey(instance, new(0, key, 0)),
            _ => log,
        };
    }

    /// <summary>What is remembered of an origin.</summary>
    public OriginLog Of(string origin) => Origins.GetValueOrDefault(origin, OriginLog.Empty);

    /// <summary>The log with a further key; the same when an instance has as many as it may.</summary>
    internal HiveLog WithKey(string instance, OriginKey key)
    {
        var known = Of(instance);
        return known.Keys.Contains(key) || known.Keys.Length == MaxKeys || (!Origins.ContainsKey(instance) && Origins.Count >= MaxOrigins)
            ? this
            : With(instance, origin => origin with { Keys = [.. origin.Keys.Add(key).OrderBy(one => one.From)] });
    }

    /// <summary>Why an event of a Beadhub cannot be taken, whoever signed it; null when it can.</summary>
    internal string? Refusal(string origin, long seq)
    {
        if (!Origins.TryGetValue(origin, out var known))
            return Origins.Count < MaxOrigins ? null : $"the group has events of {MaxOrigins} instances already";
        return known.Seen.RangeCount < MaxHoles || known.Seen.With(seq).RangeCount <= known.Seen.RangeCount
            || Origins.Values.Sum(static other => other.Seen.RangeCount) < MaxHolesTogether ? null
            : $"the numbers of its origin have {MaxHoles} holes already, and those of all origins {MaxHolesTogether}";
    }

    /// <summary>Changes that are made here, stamped and signed; before them the key that signs, when the log does not have it.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="key">Deduplication key, or null.</param>
    /// <param name="signer">Signs.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="StaleSignerException">The key was replaced.</exception>
    internal Decision<ImmutableArray<MeshEntry>> Write(ImmutableArray<HiveChange> changes, string? key, GroupSigner signer,
        DateTimeOffset now)
    {
        var own = Of(signer.InstanceId);
        var seq = own.Seen.Last;
        var version = own.Keys is [.., var newest] ? newest.Version : 0;
        if (version > signer.Certificate.Version) throw new StaleSignerException();
        var events = ImmutableArray.CreateBuilder<MeshEvent>();
        if (version < signer.Certificate.Version)
            events.Add(signer.Sign(++seq, new(KeyCertificate.EventType, signer.Certificate.Payload()), now));
        var before = events.Count;
        foreach (var change in changes) events.Add(signer.Sign(++seq, change, now));
        return Decision.Accept<ImmutableArray<MeshEntry>>(
            [.. events.Select((e, i) => new MeshEntry(Count + 1 + i, e)).Skip(before)], [.. events]) with { Mark = key };
    }

    /// <summary>Takes verified events of Beadhubs, without those that are there.</summary>
    internal Decision<(int Stored, ImmutableArray<(MeshEvent Event, string Reason)> Refused)> Take(IReadOnlyList<MeshEvent> verified)
    {
        var log = this;
        var events = ImmutableArray.CreateBuilder<IEvent>();
        var refused = ImmutableArray.CreateBuilder<(MeshEvent, string)>();
        foreach (var e in verified)
        {
            var seq = e.OriginSeq!.Value;
            if (log.Of(e.Origin).Seen.Contains(seq)) continue;
            if (log.Refusal(e.Origin, seq) is { } reason)
            {
                refused.Add((e, reason));
                continue;
            }

            events.Add(e);
            log = log.Apply(e);
        }

        return Decision.Accept((events.Count, refused.ToImmutable()), events.ToImmutable());
    }

    /// <summary>The instance and the key that such an event tells; null when it is none.</summary>
    internal static (string Instance, string Key)? PeerKeyOf(string payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            var instance = json.RootElement.GetProperty("instance_id").GetString();
            var key = json.RootElement.GetProperty("key").GetString();
            // The key of a Beadhub is told by its own certificate only.
            return instance is { Length: > 0 and <= MeshEventCheck.MaxOrigin } && key is not null && Ed25519.DecodeKey(key) is not null
                && !instance.StartsWith(KeyCertificate.InstancePrefix, StringComparison.Ordinal) ? (instance, key) : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private HiveLog With(string instance, Func<OriginLog, OriginLog> change) =>
        this with { Origins = Origins.SetItem(instance, change(Of(instance))) };
}

/// <summary>What a log remembers of an instance.</summary>
/// <param name="Seen">Its numbers whose events are there; none of an instance that is no Beadhub.</param>
/// <param name="Keys">Its keys, by the first number that they sign.</param>
public sealed record OriginLog(VersionSet Seen, ImmutableArray<OriginKey> Keys)
{
    /// <summary>Nothing is known.</summary>
    public static OriginLog Empty { get; } = new(VersionSet.Empty, []);

    /// <summary>The key that signs a number of a Beadhub; null when it is not known.</summary>
    public string? KeyOf(long seq) => Keys.LastOrDefault(key => key.From <= seq)?.PublicKey;

    /// <summary>
    /// Whether a key may begin at a number: versions rise with the numbers. Who has got hold of an old key cannot bring it back by telling
    /// its certificate again.
    /// </summary>
    public bool MayBegin(long from, int version) =>
        Keys.All(key => key.From < from ? key.Version < version : key.From > from ? key.Version > version : key.Version == version);
}

/// <summary>A key of an instance.</summary>
/// <param name="From">The first number that it signs.</param>
/// <param name="PublicKey">Base64 of the DER form.</param>
/// <param name="Version">1, 2, 3 … of a Beadhub's; 0 of another's, any of whose keys will do.</param>
public sealed record OriginKey(long From, string PublicKey, int Version);

/// <summary>Signs what is written here.</summary>
internal sealed record GroupSigner(string GroupName, string InstanceId, KeyCertificate Certificate, byte[] Seed)
{
    /// <summary>The change as the event of a number.</summary>
    public MeshEvent Sign(long seq, HiveChange change, DateTimeOffset now)
    {
        var ts = Math.Max(now.ToUnixTimeMilliseconds(), change.NotBefore);
        var payload = new MeshStamp(InstanceId, seq, change.Type, ts).AddTo(change.Payload);
        return new(MeshEventCheck.IdOf(InstanceId, seq), change.Type, InstanceId, ts, seq, payload, KeptKey.Sign(Seed, payload),
            IsLocal: true, now);
    }
}

/// <summary>The key that was to sign was replaced by a newer one.</summary>
internal sealed class StaleSignerException : Exception;
