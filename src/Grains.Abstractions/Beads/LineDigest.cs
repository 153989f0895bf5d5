using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans;

namespace Beadhub.Beads;

/// <summary>
/// The first 16 bytes of the SHA-256 of an issue's line: without known collisions, and the fastest such hash on processors that have
/// instructions for it. Clients send it (<c>based_on</c>): with another hash they would be refused. The default value stands for an
/// issue whose line is not known, and equals no line's digest.
/// </summary>
/// <param name="High">The first eight bytes.</param>
/// <param name="Low">The others.</param>
[GenerateSerializer, Immutable, Alias("bead.line_digest.v1"), JsonConverter(typeof(LineDigestJson))]
public readonly record struct LineDigest([property: Id(0)] ulong High, [property: Id(1)] ulong Low)
{
    private const int Bytes = 16;

    /// <summary>Digest of one line.</summary>
    /// <param name="line">The bytes without line break and surrounding blanks.</param>
    /// <param name="sha256">A hash that is idle; the same one may be used for all lines.</param>
    public static LineDigest Of(ReadOnlySpan<byte> line, IncrementalHash sha256)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        sha256.AppendData(line);
        sha256.GetHashAndReset(hash);
        return MemoryMarshal.Read<LineDigest>(hash);
    }

    /// <summary>Digest of one line, for who has no hash at hand.</summary>
    public static LineDigest Of(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(line, hash);
        return MemoryMarshal.Read<LineDigest>(hash);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; the default for anything else.</summary>
    public static LineDigest Parse(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[Bytes + 2];
        return Convert.TryFromBase64Chars(text, bytes, out var written) && written == Bytes
            ? MemoryMarshal.Read<LineDigest>(bytes) : default;
    }

    /// <summary>Base64; empty for the default.</summary>
    public override string ToString() =>
        this == default ? "" : Convert.ToBase64String(MemoryMarshal.AsBytes(new ReadOnlySpan<LineDigest>(in this)));

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Low;
}

/// <summary>In JSON a digest is the text that it writes; empty when there is none.</summary>
public sealed class LineDigestJson : JsonConverter<LineDigest>
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override LineDigest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        LineDigest.Parse(reader.GetString());

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, LineDigest value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
