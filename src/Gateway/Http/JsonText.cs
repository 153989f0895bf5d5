using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Large JSON strings, by vectorised search. The framework's reader goes through a string with escapes byte by byte, once to check it and
/// again to read it, which for a text of megabytes full of quotation marks takes longer than everything else that is done with it; here
/// only the escapes are looked at.
/// </summary>
internal static class JsonText
{
    // What ends a string, begins an escape, or must not stand in a string.
    private static readonly SearchValues<byte> Special =
        SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, ' ').Select(static control => (byte)control)]);

    /// <summary>Length of the string with which the JSON begins, with both quotation marks; 0 when it is not in order.</summary>
    /// <param name="json">Valid UTF-8 that begins with a quotation mark.</param>
    public static int StringLength(ReadOnlySpan<byte> json)
    {
        var at = 1;
        while (json[at..].IndexOfAny(Special) is >= 0 and var plain)
        {
            at += plain;
            if (json[at] == '"') return at + 1;
            if (json[at] != '\\' || at + 1 == json.Length) return 0;
            switch (json[at + 1])
            {
                case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                    at += 2;
                    break;
                case (byte)'u' when json.Length - at >= 6 && Unit(json[at..]) >= 0:
                    at += 6;
                    break;
                default:
                    return 0;
            }
        }

        return 0;
    }

    /// <summary>The text of a JSON string as UTF-8.</summary>
    /// <param name="escaped">What stands between the quotation marks: UTF-8 that has been found to be in order.</param>
    /// <exception cref="InvalidOperationException">It escapes half a surrogate pair.</exception>
    public static byte[] Unescape(ReadOnlySpan<byte> escaped)
    {
        // No escape is shorter than what it stands for.
        var text = GC.AllocateUninitializedArray<byte>(escaped.Length);
        var length = 0;
        while (escaped.IndexOf((byte)'\\') is >= 0 and var plain)
        {
            escaped[..plain].CopyTo(text.AsSpan(length));
            length += plain;
            var read = 2;
            switch (escaped[plain + 1])
            {
                case (byte)'b': text[length++] = (byte)'\b'; break;
                case (byte)'f': text[length++] = (byte)'\f'; break;
                case (byte)'n': text[length++] = (byte)'\n'; break;
                case (byte)'r': text[length++] = (byte)'\r'; break;
                case (byte)'t': text[length++] = (byte)'\t'; break;
                case (byte)'u': read = UnescapeUnits(escaped[plain..], text, ref length); break;
                case var itself: text[length++] = itself; break;
            }
            escaped = escaped[(plain + read)..];
        }

        escaped.CopyTo(text.AsSpan(length));
        Array.Resize(ref text, length + escaped.Length);
        return text;
    }

    /// <summary>Writes the character of an escape by its number, of two if it is half a pair. Answers the length of what was
    /// read.</summary>
    private static int UnescapeUnits(ReadOnlySpan<byte> at, byte[] text, ref int length)
    {
        var unit = Unit(at);
        if (unit < 0x80)
        {
            text[length++] = (byte)unit;
            return 6;
        }

        if (Rune.TryCreate((char)unit, out var rune))
        {
            length += rune.EncodeToUtf8(text.AsSpan(length));
            return 6;
        }

        if (at.Length < 12 || at[6] != '\\' || at[7] != 'u' || !Rune.TryCreate((char)unit, (char)Unit(at[6..]), out rune))
            throw new InvalidOperationException("A string escapes half a surrogate pair.");
        length += rune.EncodeToUtf8(text.AsSpan(length));
        return 12;
    }

    /// <summary>The number of an escape; -1 when its four digits are none.</summary>
    private static int Unit(ReadOnlySpan<byte> at) =>
        Utf8Parser.TryParse(at[2..6], out ushort unit, out var read, 'x') && read == 4 ? unit : -1;
}
