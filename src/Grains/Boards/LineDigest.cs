using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Beadhub.Boards;

/// <summary>
/// The first 16 bytes of the SHA-512 of an issue's line. SHA-512, because it is the fastest hash without known collisions on processors that have no
/// instructions for SHA-256, and fast enough on those that have.
/// </summary>
internal readonly record struct LineDigest(ulong High, ulong Low)
{
    private const int Bytes = 16;

    /// <summary>Digest of one line.</summary>
    /// <param name="line">The bytes without line break and surrounding blanks.</param>
    /// <param name="sha512">A hash that is idle; the same one may be used for all lines.</param>
    public static LineDigest Of(ReadOnlySpan<byte> line, IncrementalHash sha512)
    {
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        sha512.AppendData(line);
        sha512.GetHashAndReset(hash);
        return MemoryMarshal.Read<LineDigest>(hash);
    }

    /// <summary>Digest of one line, for who has no hash at hand.</summary>
    public static LineDigest Of(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(line, hash);
        return MemoryMarshal.Read<LineDigest>(hash);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; false for anything else, such as the digest of an issue that came without a line.</summary>
    public static bool TryParse(string text, out LineDigest digest)
    {
        Span<byte> bytes = stackalloc byte[Bytes + 2];
        var valid = Convert.TryFromBase64Chars(text, bytes, out var written) && written == Bytes;
        digest = valid ? MemoryMarshal.Read<LineDigest>(bytes) : default;
        return valid;
    }

    /// <summary>Base64.</summary>
    public override string ToString() => Convert.ToBase64String(MemoryMarshal.AsBytes(new ReadOnlySpan<LineDigest>(in this)));

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Low;
}
