using System.Globalization;
using System.Text;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Unescapes large JSON strings. The framework's reader goes through an escaped string byte by byte, which for a text of megabytes full of
/// quotation marks takes longer than everything else that is done with it; here only the escapes are looked at.
/// </summary>
internal static class JsonText
{
    /// <summary>The text of a JSON string as UTF-8.</summary>
    /// <param name="escaped">What stands between the quotation marks: UTF-8 that a reader has found to be in order.</param>
    /// <exception cref="InvalidOperationException">It escapes half a surrogate pair.</exception>
    public static byte[] Unescape(ReadOnlySpan<byte> escaped)
    {
        var text = GC.AllocateUninitializedArray<byte>(Length(escaped));
        var to = text.AsSpan();
        while (escaped.IndexOf((byte)'\\') is >= 0 and var plain)
        {
            escaped[..plain].CopyTo(to);
            var (rune, read) = Escape(escaped[plain..]);
            to = to[(plain + rune.EncodeToUtf8(to[plain..]))..];
            escaped = escaped[(plain + read)..];
        }

        escaped.CopyTo(to);
        return text;
    }

    /// <summary>Number of bytes of the text.</summary>
    private static int Length(ReadOnlySpan<byte> escaped)
    {
        var length = escaped.Length;
        while (escaped.IndexOf((byte)'\\') is >= 0 and var plain)
        {
            var (rune, read) = Escape(escaped[plain..]);
            length += rune.Utf8SequenceLength - read;
            escaped = escaped[(plain + read)..];
        }

        return length;
    }

    /// <summary>The character that an escape stands for, and the escape's length.</summary>
    private static (Rune Rune, int Read) Escape(ReadOnlySpan<byte> at)
    {
        switch (at[1])
        {
            case (byte)'b': return (new('\b'), 2);
            case (byte)'f': return (new('\f'), 2);
            case (byte)'n': return (new('\n'), 2);
            case (byte)'r': return (new('\r'), 2);
            case (byte)'t': return (new('\t'), 2);
            case (byte)'u':
                var unit = Unit(at);
                if (!char.IsSurrogate(unit)) return (new(unit), 6);
                return at.Length >= 12 && at[6] == '\\' && at[7] == 'u' && Rune.TryCreate(unit, Unit(at[6..]), out var rune)
                    ? (rune, 12)
                    : throw new InvalidOperationException("A string escapes half a surrogate pair.");
            default: return (new((char)at[1]), 2);
        }
    }

    private static char Unit(ReadOnlySpan<byte> at) =>
        (char)ushort.Parse(at[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
