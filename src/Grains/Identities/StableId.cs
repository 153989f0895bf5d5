using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Beadhub.Identities;

/// <summary>The name of an agent that outlives its keys: it comes from the first of them (protocol 12.1).</summary>
public static class StableId
{
    private const string Prefix = "did:claw:";
    private const int HashLength = 20;
    private const int KeyLength = 32;

    /// <summary>The stable id of a public key in base64url; null when the text is no key.</summary>
    public static string? Of(string publicKey)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (Base64Url.DecodeFromChars(publicKey, key, out _, out var length) != OperationStatus.Done || length != KeyLength) return null;
        SHA256.HashData(key, hash);
        return Prefix + Base58.Encode(hash[..HashLength]);
    }
}
