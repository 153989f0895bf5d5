using System.Security.Cryptography;
using System.Text;
using Beadhub.Identities;

namespace Beadhub.HiveSync;

/// <summary>A key pair whose seed is kept under seal, or as it is on a server that has no secret key (the start warns of that).</summary>
/// <param name="PublicKey">Base64 of the DER form.</param>
/// <param name="SealedKey">The seed under seal.</param>
/// <param name="PlainKey">The seed as base64, without a seal.</param>
internal readonly record struct KeptKey(string PublicKey, string? SealedKey, string? PlainKey)
{
    public static KeptKey New(Seal seal)
    {
        var seed = RandomNumberGenerator.GetBytes(Ed25519.KeySize);
        var text = Convert.ToBase64String(seed);
        var closed = seal.CloseText(text);
        var key = new KeptKey(Ed25519.Encode(Ed25519.Best.PublicKey(seed)), closed, closed is null ? text : null);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <summary>The seed.</summary>
    /// <exception cref="UnavailableException">It was sealed under a key that the server does not have.</exception>
    public static byte[] Open(Seal seal, string? sealedKey, string? plainKey) =>
        (sealedKey is null ? plainKey : seal.OpenText(sealedKey)) is { } text
            ? Convert.FromBase64String(text) : throw new UnavailableException(Lost, new LastingTroubleException(Lost));

    private const string Lost =
        "Hives cannot be written: their signing key was sealed under a BEADHUB_SECRET_KEY that this server does not have. Set that again";

    /// <summary>Signs a text.</summary>
    public static string Sign(byte[] seed, string text) => Convert.ToBase64String(Ed25519.Best.Sign(seed, Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether the key's holder signed a text; false for whatever is no key or no signature.</summary>
    public static bool Verify(string publicKey, string text, string signature) =>
        Ed25519.DecodeKey(publicKey) is { } key && Ed25519.DecodeSignature(signature) is { } bytes
            && Ed25519.Best.Verify(key, Encoding.UTF8.GetBytes(text), bytes);
}
