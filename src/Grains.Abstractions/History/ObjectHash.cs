using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Beads;
using Orleans;

namespace Beadhub.History;

/// <summary>
/// SHA-256 of an object of the history: a commit, a chunk of a tree, or a line. It names the object on every site. In JSON it is
/// the text that it writes.
/// </summary>
/// <param name="A">The first eight bytes, big-endian, so that numbers order as bytes do.</param>
/// <param name="B">The next eight.</param>
/// <param name="C">The next eight.</param>
/// <param name="D">The last eight.</param>
[GenerateSerializer, Immutable, Alias("history.hash.v1"), JsonConverter(typeof(ObjectHashJson))]
public readonly record struct ObjectHash([property: Id(0)] ulong A, [property: Id(1)] ulong B, [property: Id(2)] ulong C,
    [property: Id(3)] ulong D) : IComparable<ObjectHash>
{
    /// <summary>Number of hexadecimal digits.</summary>
    public const int Digits = 64;

    private const int Bytes = SHA256.HashSizeInBytes;

    /// <summary>Hash of a text, as UTF-8.</summary>
    public static ObjectHash Of(string text)
    {
        Span<byte> hash = stackalloc byte[Bytes];
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most <= 1024)
        {
            Span<byte> bytes = stackalloc byte[most];
            SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(text, bytes)], hash);
        }
        else SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return Read(hash);
    }

    /// <summary>Reads 64 hexadecimal digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ObjectHash hash)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        hash = default;
        if (text.Length != Digits || text.ContainsAnyExceptInRange('0', 'f')) return false;
        if (Convert.FromHexString(text, bytes, out _, out var written) != System.Buffers.OperationStatus.Done || written != Bytes)
            return false;
        hash = Read(bytes);
        return true;
    }

    /// <summary>The hexadecimal digit at a place, counted from the left: what decides the way through a tree.</summary>
    public int Digit(int place) => (int)((place < 16 ? A : place < 32 ? B : place < 48 ? C : D) >> (60 - 4 * (place & 15))) & 15;

    /// <summary>Of a line: the digest by which boards know it, which is the beginning of its hash.</summary>
    public LineDigest Digest() => new(BinaryPrimitives.ReverseEndianness(A), BinaryPrimitives.ReverseEndianness(B));

    /// <inheritdoc/>
    public int CompareTo(ObjectHash other) => A != other.A ? A.CompareTo(other.A) : B != other.B ? B.CompareTo(other.B)
        : C != other.C ? C.CompareTo(other.C) : D.CompareTo(other.D);

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{A:x16}{B:x16}{C:x16}{D:x16}";

    /// <inheritdoc/>
    public override int GetHashCode() => (int)D;

    private static ObjectHash Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));
}

/// <summary>In JSON a hash is the text that it writes.</summary>
public sealed class ObjectHashJson : JsonConverter<ObjectHash>
{
    /// <inheritdoc/>
    public override ObjectHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ObjectHash.TryParse(reader.GetString(), out var hash) ? hash : throw new JsonException("not a hash");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ObjectHash value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());

    /// <inheritdoc/>
    public override ObjectHash ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, ObjectHash value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.ToString());
}
