namespace Beadhub.Identities;

/// <summary>Text of bytes in the alphabet of Bitcoin (base58btc).</summary>
internal static class Base58
{
    private const string Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /// <summary>The text of these bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var zeros = bytes.IndexOfAnyExcept((byte)0) is >= 0 and var first ? first : bytes.Length;
        var digits = new List<int>();
        foreach (var b in bytes)
        {
            var carry = (int)b;
            for (var i = 0; i < digits.Count; i++)
            {
                carry += digits[i] << 8;
                (carry, digits[i]) = (carry / 58, carry % 58);
            }

            for (; carry > 0; carry /= 58) digits.Add(carry % 58);
        }

        // A zero byte in front counts for nothing in the number, so each is a digit of its own.
        return string.Create(zeros + digits.Count, (zeros, digits), static (text, state) =>
        {
            text[..state.zeros].Fill(Alphabet[0]);
            for (var i = state.zeros; i < text.Length; i++) text[i] = Alphabet[state.digits[^(i - state.zeros + 1)]];
        });
    }

    /// <summary>The bytes of a text; null when it is none, or longer than so many bytes.</summary>
    public static byte[]? Decode(ReadOnlySpan<char> text, int most)
    {
        var zeros = text.IndexOfAnyExcept(Alphabet[0]) is >= 0 and var first ? first : text.Length;
        var bytes = new List<int>();
        foreach (var c in text[zeros..])
        {
            var carry = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (carry < 0) return null;
            for (var i = 0; i < bytes.Count; i++)
            {
                carry += bytes[i] * 58;
                (carry, bytes[i]) = (carry >> 8, carry & 255);
            }

            for (; carry > 0; carry >>= 8) bytes.Add(carry & 255);
            if (zeros + bytes.Count > most) return null;
        }

        bytes.Reverse();
        return [.. new byte[zeros], .. bytes.Select(b => (byte)b)];
    }
}
