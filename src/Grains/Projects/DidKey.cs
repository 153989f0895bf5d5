using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using Beadhub.Identities;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Beadhub.Projects;

/// <summary>The public half of an Ed25519 key pair as agents carry it (protocol 12.1).</summary>
/// <param name="Did"><c>did:key:z</c> and the base58btc of 0xED 0x01 and the key.</param>
/// <param name="PublicKey">The key, base64url without padding.</param>
public sealed record DidKey(string Did, string PublicKey)
{
    private const int SeedLength = 32;
    private const int PublicKeyLength = 43; // of 32 bytes in base64 without padding

    /// <summary>Makes a key pair and keeps its public half.</summary>
    public static DidKey Make() => Make(Seal.None).Key;

    /// <summary>Makes a key pair. Its seed is kept only under the seal of a custody key: without one the server signs for nobody (protocol
    /// 12.2).</summary>
    public static (DidKey Key, string? SealedSeed) Make(Seal seal)
    {
        var seed = RandomNumberGenerator.GetBytes(SeedLength);
        try
        {
            return (OfSeed(seed), seal.Close(seed));
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
        return OfKey(key);
    }

    /// <summary>
    /// The key that a client sent, in its canonical form: 32 bytes in base64, url-safe or standard, with or without padding. Null when it
    /// is none.
    /// </summary>
    public static DidKey? Parse(string publicKey)
    {
        var text = publicKey.Trim().TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Span<byte> key = stackalloc byte[Ed25519.PublicKeySize];
        if (text.Length != PublicKeyLength || Base64Url.DecodeFromChars(text, key, out _, out var length) != OperationStatus.Done
            || length != key.Length) return null;
        return OfKey(key);
    }

    /// <summary>The key that a <c>did:key</c> names; null when it names none of ours.</summary>
    public static DidKey? Of(string? did)
    {
        const string prefix = "did:key:z";
        if (did is null || !did.StartsWith(prefix, StringComparison.Ordinal)) return null;
        return Base58.Decode(did.AsSpan(prefix.Length), Ed25519.PublicKeySize + 2) is [0xED, 0x01, .. var key]
            && key.Length == Ed25519.PublicKeySize ? OfKey(key) : null;
    }

    /// <summary>The 32 bytes of the key.</summary>
    public byte[] KeyBytes() => Base64Url.DecodeFromChars(PublicKey);

    private static DidKey OfKey(ReadOnlySpan<byte> key) =>
        new("did:key:z" + Base58.Encode([0xED, 0x01, .. key]), Base64Url.EncodeToString(key));
}
