using System.Security.Cryptography;
using Beadhub.Projects;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Beadhub.Identities;

/// <summary>Ed25519 signatures as agents exchange them: base64 in the standard alphabet without padding (protocol 12.1).</summary>
public static class Signing
{
    /// <summary>Signs with the key of a seed of 32 bytes.</summary>
    public static string Sign(byte[] seed, byte[] payload)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(seed, 0, payload, 0, payload.Length, signature, 0);
        return Convert.ToBase64String(signature).TrimEnd('=');
    }

    /// <summary>Signs with a seed that is kept under seal; null when the seal cannot be opened.</summary>
    public static string? Sign(Seal seal, string sealedSeed, byte[] payload)
    {
        if (seal.Open(sealedSeed) is not { } seed) return null;
        try
        {
            return Sign(seed, payload);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>The bytes of a signature in either base64 alphabet, padded or not; null when it is none.</summary>
    public static byte[]? Decode(string signature)
    {
        var text = signature.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        var bytes = new byte[Ed25519.SignatureSize];
        return text.Length is > 0 and <= 88
            && Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), bytes, out var length) && length == bytes.Length
                ? bytes
                : null;
    }

    /// <summary>Whether the key's holder signed the payload.</summary>
    public static bool Verify(DidKey key, byte[] payload, byte[] signature) =>
        Ed25519.Verify(signature, 0, key.KeyBytes(), 0, payload, 0, payload.Length);
}
