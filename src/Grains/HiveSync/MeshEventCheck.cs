using System.Globalization;
using System.Text;

namespace Beadhub.HiveSync;

/// <summary>Checks a batch of a peer against what the log knows: form, stamps, keys and signatures. Pure.</summary>
/// <param name="log">What the log remembers.</param>
/// <param name="groupName">Name of the group, which certificates must be for.</param>
/// <param name="self">This instance.</param>
internal sealed class MeshEventCheck(HiveLog log, string groupName, string self)
{
    /// <summary>Longest id of an instance.</summary>
    public const int MaxOrigin = 128;

    private const int MaxType = 64;
    private const int MaxPayload = 512 * 1024; // UTF-8 bytes; a batch of the wire has at most a MiB
    private const long MaxTs = 253_402_300_799_999; // the year 9999

    // What is not worth the other cores.
    private const int FewSignatures = 8;

    private HiveLog _log = log; // with the keys that the batch itself brings

    /// <summary>An event of the batch.</summary>
    /// <param name="Event">As it would be stored.</param>
    /// <param name="IsDuplicate">Whether the log has it already, as far as its numbers tell.</param>
    /// <param name="Reason">Why it is refused; null when it is good.</param>
    public readonly record struct Checked(MeshEvent Event, bool IsDuplicate, string? Reason);

    private readonly record struct ToVerify(int Index, byte[] Payload, byte[] Signature, byte[][] Keys);

    /// <summary>Id of a Beadhub's event.</summary>
    public static string IdOf(string origin, long seq) =>
        MeshIds.Of("evt_", string.Create(CultureInfo.InvariantCulture, $"{origin}\n{seq}"));

    /// <summary>Checks all; in the batch's order.</summary>
    public Checked[] Check(IngestMeshEvents batch, DateTimeOffset now)
    {
        var result = new Checked[batch.Events.Length];
        var signatures = new List<ToVerify>(batch.Events.Length);
        for (var i = 0; i < result.Length; i++)
        {
            var checkedNow = Form(batch.Events[i], batch.Via, now, out var keys, out var signature);
            if (checkedNow is { IsDuplicate: false, Reason: null })
            {
                var verify = new ToVerify(i, Encoding.UTF8.GetBytes(checkedNow.Event.Payload), signature!, keys!);
                // Keys that the batch brings serve the events behind them: these are verified at once.
                if (checkedNow.Event.Type is KeyCertificate.EventType or HiveLog.PeerKeyType)
                {
                    if (!IsGood(verify)) checkedNow = checkedNow with { Reason = BadSignature };
                    else _log = _log.Apply(checkedNow.Event);
                }
                else
                {
                    signatures.Add(verify);
                }
            }

            result[i] = checkedNow;
        }

        if (signatures.Count <= FewSignatures)
            foreach (var one in signatures) Verify(one);
        else Parallel.ForEach(signatures, Verify);
        return result;

        void Verify(ToVerify one)
        {
            if (!IsGood(one)) result[one.Index] = result[one.Index] with { Reason = BadSignature };
        }
    }

    private const string BadSignature = "the signature is not of its origin's key";

    private static bool IsGood(ToVerify one)
    {
        foreach (var key in one.Keys)
            if (Ed25519.Best.Verify(key, one.Payload, one.Signature)) return true;
        return false;
    }

    /// <summary>All but the signature.</summary>
    private Checked Form(ReceivedMeshEvent e, string via, DateTimeOffset now, out byte[][]? keys, out byte[]? signature)
    {
        keys = null;
        signature = Ed25519.DecodeSignature(e.Signature);
        var isBeadhub = e.Origin.StartsWith(KeyCertificate.InstancePrefix, StringComparison.Ordinal);
        var stamp = isBeadhub ? MeshStamp.Of(e.Payload) : null;
        var stored = new MeshEvent(
            stamp is { } own ? IdOf(own.Origin, own.Seq)
                : MeshIds.Of("evt_", string.Create(CultureInfo.InvariantCulture, $"{e.Origin}\n{e.OriginTs}\n{e.Type}\n{e.Payload}")),
            e.Type, e.Origin, e.OriginTs, stamp?.Seq, e.Payload, e.Signature, e.Origin == self, now, via);
        var reason = e.Type.Length is 0 or > MaxType ? $"event_type must have 1 to {MaxType} characters"
            : e.Origin.Length is 0 or > MaxOrigin ? $"origin_instance_id must have 1 to {MaxOrigin} characters"
            : e.OriginTs is < 0 or > MaxTs ? "origin_ts is no time"
            : Encoding.UTF8.GetByteCount(e.Payload) > MaxPayload ? $"the payload has more than {MaxPayload} bytes"
            : signature is null ? "the signature is no 64 bytes in base64"
            : isBeadhub ? OfBeadhub(stored, stamp, out keys) : OfOther(stored, out keys);
        var isDuplicate = reason is null && stored.OriginSeq is { } seq && _log.Of(stored.Origin).Seen.Contains(seq);
        return new(stored, isDuplicate, reason);
    }

    private string? OfBeadhub(MeshEvent e, MeshStamp? stamped, out byte[][]? keys)
    {
        keys = null;
        if (stamped is not { } stamp) return "an event of a Beadhub must have one _s in its payload";
        if (stamp.Seq < 1 || stamp != new MeshStamp(e.Origin, stamp.Seq, e.Type, e.OriginTs)) return "its _s disagrees with its envelope";
        var known = _log.Of(e.Origin);
        if (e.Type == KeyCertificate.EventType)
        {
            if (known.Seen.Contains(stamp.Seq)) return null;
            if (KeyCertificate.Of(e.Origin, e.Payload) is not { } certificate || certificate.Group != groupName)
                return "the certificate is not of its origin for this group";
            if (!known.MayBegin(stamp.Seq, certificate.Version)) return "the certificate is an older one than its origin has told";
            keys = [Ed25519.DecodeKey(certificate.Key)!];
            return null;
        }

        if (e.Type == HiveLog.PeerKeyType && HiveLog.PeerKeyOf(e.Payload) is null)
            return "it tells no key of an instance that is no Beadhub";
        if (known.KeyOf(stamp.Seq) is not { } key) return "the key of its origin is not known";
        keys = [Ed25519.DecodeKey(key)!];
        return null;
    }

    private string? OfOther(MeshEvent e, out byte[][]? keys)
    {
        keys = [.. _log.Of(e.Origin).Keys.Select(key => Ed25519.DecodeKey(key.PublicKey)!)];
        return keys.Length == 0 ? "the key of its origin is not known" : null;
    }
}
