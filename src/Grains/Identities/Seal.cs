using System.Security.Cryptography;

namespace Beadhub.Identities;

/// <summary>
/// Keeps private seeds encrypted (AES-256-GCM: nonce, ciphertext, tag; protocol 12.2) under the operator's custody key, for the agents for which
/// the server signs. Without a key nothing is kept.
/// </summary>
/// <param name="custodyKey">32 bytes, or null.</param>
public sealed class Seal(byte[]? custodyKey)
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    /// <summary>Keeps nothing.</summary>
    public static Seal None { get; } = new(null);

    /// <summary>Whether there is a custody key.</summary>
    public bool IsConfigured => custodyKey is not null;

    /// <summary>Encrypts a seed; null without a custody key.</summary>
    public string? Close(ReadOnlySpan<byte> seed)
    {
        if (custodyKey is null) return null;
        var sealedSeed = new byte[NonceLength + seed.Length + TagLength];
        var nonce = sealedSeed.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(custodyKey, TagLength);
        aes.Encrypt(nonce, seed, sealedSeed.AsSpan(NonceLength, seed.Length), sealedSeed.AsSpan(NonceLength + seed.Length));
        return Convert.ToBase64String(sealedSeed);
    }

    /// <summary>Decrypts a seed; null without the custody key that it was encrypted with.</summary>
    public byte[]? Open(string sealedSeed)
    {
        if (custodyKey is null) return null;
        var bytes = Convert.FromBase64String(sealedSeed);
        var seed = new byte[bytes.Length - NonceLength - TagLength];
        using var aes = new AesGcm(custodyKey, TagLength);
        try
        {
            aes.Decrypt(bytes.AsSpan(0, NonceLength), bytes.AsSpan(NonceLength, seed.Length), bytes.AsSpan(NonceLength + seed.Length), seed);
            return seed;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
