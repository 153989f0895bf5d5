using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Identities;

/// <summary>
/// Keeps secrets encrypted (AES-256-GCM: nonce, ciphertext, tag; protocol 12.2) under the operator's secret key: the seeds of agents for
/// which the server signs, and the secrets of webhooks.
/// </summary>
/// <param name="key">32 bytes, or null: then no seed is kept, and other secrets cannot be sealed.</param>
/// <param name="holdsSeeds">Whether the key is one that an operator has given. Under one that the server made for itself no seeds are kept:
/// nobody has asked it to sign.</param>
/// <param name="older">Keys that were used before; they open what they closed.</param>
public sealed class Seal(byte[]? key, bool holdsSeeds = true, ImmutableArray<byte[]> older = default) : ITextSeal
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private readonly ImmutableArray<byte[]> _keys = [.. key is null ? [] : new[] { key }, .. older.IsDefault ? [] : older];

    /// <summary>Keeps nothing.</summary>
    public static Seal None { get; } = new(null);

    /// <summary>Encrypts a seed; null without a key that an operator has given.</summary>
    public string? Close(ReadOnlySpan<byte> seed) => holdsSeeds ? Encrypt(seed) : null;

    /// <summary>Decrypts a seed; null without the key that it was encrypted with.</summary>
    public byte[]? Open(string sealedSeed) => Decrypt(sealedSeed);

    /// <summary>Encrypts a text; null without a key.</summary>
    public string? CloseText(string text) => Encrypt(Encoding.UTF8.GetBytes(text));

    /// <summary>Decrypts a text; null without the key that it was encrypted with.</summary>
    public string? OpenText(string sealedText) => Decrypt(sealedText) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private string? Encrypt(ReadOnlySpan<byte> secret)
    {
        if (key is null) return null;
        var bytes = new byte[NonceLength + secret.Length + TagLength];
        var nonce = bytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(nonce, secret, bytes.AsSpan(NonceLength, secret.Length), bytes.AsSpan(NonceLength + secret.Length));
        return Convert.ToBase64String(bytes);
    }

    private byte[]? Decrypt(string text)
    {
        var bytes = new byte[(text.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length < NonceLength + TagLength) return null;
        var secret = new byte[length - NonceLength - TagLength];
        foreach (var known in _keys)
        {
            using var aes = new AesGcm(known, TagLength);
            try
            {
                aes.Decrypt(bytes.AsSpan(0, NonceLength), bytes.AsSpan(NonceLength, secret.Length),
                    bytes.AsSpan(NonceLength + secret.Length, TagLength), secret);
                return secret;
            }
            catch (AuthenticationTagMismatchException)
            {
                // Another key's.
            }
        }

        return null;
    }
}
