using System.Buffers.Text;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Beadhub.Projects;

/// <summary>The public half of an Ed25519 key pair as agents carry it (protocol 12.1).</summary>
/// <param name="Did"><c>did:key:z</c> and the base58btc of 0xED 0x01 and the key.</param>
/// <param name="PublicKey">The key, base64url without padding.</param>
public sealed record DidKey(string Did, string PublicKey)
{
    private const int SeedLength = 32;
    private const string Base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /// <summary>Makes a key pair and keeps its public half: without a custody key the server signs for nobody (protocol 12.2).</summary>
    public static DidKey Make()
    {
        var seed = RandomNumberGenerator.GetBytes(SeedLength);
        try
        {
            return OfSeed(seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>The public half of the pair that a seed of 32 bytes leads to.</summary>
    public static DidKey OfSeed(byte[] seed)
    {
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        return new("did:key:z" + ToBase58([0xED, 0x01, .. key]), Base64Url.EncodeToString(key));
    }

    // The prefix 0xED is never zero, so leading zero bytes need no care here.
    private static string ToBase58(ReadOnlySpan<byte> bytes)
    {
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

        return string.Create(digits.Count, digits, static (text, digits) =>
        {
            for (var i = 0; i < text.Length; i++) text[i] = Base58[digits[^(i + 1)]];
        });
    }
}
