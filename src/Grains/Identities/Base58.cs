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
}
