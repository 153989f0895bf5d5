using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Hives;

/// <summary>An event of a hive's log, as the fold takes it.</summary>
/// <param name="Seq">Its place in this instance's log.</param>
/// <param name="Type">Type, for example <c>post_created</c>.</param>
/// <param name="Origin">The instance that made it.</param>
/// <param name="OriginTs">When, by the clock of that instance, in milliseconds since 1970.</param>
/// <param name="OriginSeq">Its number among that instance's events, where the instance says so.</param>
/// <param name="Payload">JSON, as received.</param>
/// <param name="IsLocal">Whether this instance made it.</param>
/// <param name="ReceivedAt">When this instance received it.</param>
public readonly record struct HiveEvent(
    long Seq, string Type, string Origin, long OriginTs, long? OriginSeq, string Payload, bool IsLocal, DateTimeOffset ReceivedAt)
{
    /// <summary>What the event is called when it is ordered among others. The same event has the same stamp everywhere.</summary>
    internal Stamp Stamp => new(OriginTs, Origin, OriginSeq ?? 0, Digest.Of(Type, Payload));
}

/// <summary>
/// Orders events that write to the same place, the last of which counts: by the origin's time; of the same time the smaller origin's; of
/// one origin by its own numbers, and where it has none by the content, which says nothing but is the same everywhere.
/// </summary>
internal readonly record struct Stamp(long Ts, string Origin, long OriginSeq, UInt128 Content)
{
    /// <summary>Whether this is later.</summary>
    public bool IsAfter(in Stamp other)
    {
        if (Ts != other.Ts) return Ts > other.Ts;
        var origins = string.CompareOrdinal(Origin, other.Origin);
        if (origins != 0) return origins < 0;
        return OriginSeq != other.OriginSeq ? OriginSeq > other.OriginSeq : Content > other.Content;
    }
}

/// <summary>Digests by which folds are compared.</summary>
internal static class Digest
{
    public static UInt128 Of(params ReadOnlySpan<string> parts)
    {
        // Lengths in front: no two lists of parts make one text.
        var size = 0;
        foreach (var part in parts) size += 4 + Encoding.UTF8.GetMaxByteCount(part.Length);
        var bytes = size <= 1024 ? stackalloc byte[size] : new byte[size];
        var end = 0;
        foreach (var part in parts)
        {
            var length = Encoding.UTF8.GetBytes(part, bytes[(end + 4)..]);
            BitConverter.TryWriteBytes(bytes[end..], length);
            end += 4 + length;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..end], hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>Of a place and the event that has written to it last.</summary>
    public static UInt128 Of(string place, string key, in Stamp stamp) =>
        Of(place, key, stamp.Ts.ToString(System.Globalization.CultureInfo.InvariantCulture), stamp.Origin,
            stamp.Content.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
}
