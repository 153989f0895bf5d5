using System.Runtime.InteropServices;
using BouncyCastle = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Beadhub.HiveSync;

/// <summary>
/// Ed25519 (RFC 8032, no prehash), by OpenSSL's libcrypto where the platform has it, which is several times faster, and by BouncyCastle
/// where not. Both pass one test class.
/// </summary>
public abstract class Ed25519
{
    /// <summary>Bytes of a seed and of a public key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureSize = 64;

    // SubjectPublicKeyInfo with the algorithm 1.3.101.112: all that stands before the key's own 32 bytes.
    private static readonly byte[] PublicPrefix = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>The fastest that this platform has.</summary>
    public static Ed25519 Best { get; } = OpenSslEd25519.IsAvailable ? new OpenSslEd25519() : new PortableEd25519();

    /// <summary>The public key of a seed.</summary>
    public abstract byte[] PublicKey(byte[] seed);

    /// <summary>Signs a message.</summary>
    public abstract byte[] Sign(byte[] seed, byte[] message);

    /// <summary>Whether the key's holder signed the message.</summary>
    public abstract bool Verify(byte[] publicKey, byte[] message, byte[] signature);

    /// <summary>A public key as the wire has it: base64 of its DER form (44 bytes).</summary>
    public static string Encode(byte[] publicKey) => Convert.ToBase64String([.. PublicPrefix, .. publicKey]);

    /// <summary>The public key of a text of the wire; null when it is none.</summary>
    public static byte[]? DecodeKey(string text)
    {
        Span<byte> der = stackalloc byte[64];
        return text.Length == 60 && Convert.TryFromBase64String(text, der, out var length)
            && length == PublicPrefix.Length + KeySize && der.StartsWith(PublicPrefix)
            ? der[PublicPrefix.Length..length].ToArray() : null;
    }

    /// <summary>The signature of a text of the wire; null when it is none.</summary>
    public static byte[]? DecodeSignature(string text)
    {
        Span<byte> bytes = stackalloc byte[SignatureSize + 2];
        return text.Length == 88 && Convert.TryFromBase64String(text, bytes, out var length) && length == SignatureSize
            ? bytes[..length].ToArray() : null;
    }
}

/// <summary>Ed25519 in managed code: runs everywhere.</summary>
internal sealed class PortableEd25519 : Ed25519
{
    /// <inheritdoc/>
    public override byte[] PublicKey(byte[] seed)
    {
        var key = new byte[KeySize];
        BouncyCastle.GeneratePublicKey(seed, 0, key, 0);
        return key;
    }

    /// <inheritdoc/>
    public override byte[] Sign(byte[] seed, byte[] message)
    {
        var signature = new byte[SignatureSize];
        BouncyCastle.Sign(seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }

    /// <inheritdoc/>
    public override bool Verify(byte[] publicKey, byte[] message, byte[] signature) =>
        publicKey.Length == KeySize && signature.Length == SignatureSize
        && BouncyCastle.Verify(signature, 0, publicKey, 0, message, 0, message.Length);
}

/// <summary>Ed25519 of OpenSSL 1.1.1 and later.</summary>
internal sealed class OpenSslEd25519 : Ed25519
{
    private const string Crypto = "libcrypto";
    private const int TypeEd25519 = 1087; // NID_ED25519

    private static readonly string[] Names = OperatingSystem.IsWindows() ? ["libcrypto-3-x64.dll", "libcrypto-1_1-x64.dll"]
        : OperatingSystem.IsMacOS() ? ["libcrypto.3.dylib", "libcrypto.1.1.dylib"]
        : ["libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"];

    /// <summary>Whether the library is there and does what it is to do.</summary>
    public static bool IsAvailable { get; } = Find();

    /// <inheritdoc/>
    public override byte[] PublicKey(byte[] seed)
    {
        var key = PrivateKey(seed);
        try
        {
            var publicKey = new byte[KeySize];
            nint length = KeySize;
            return EVP_PKEY_get_raw_public_key(key, publicKey, ref length) == 1 ? publicKey : throw Failed();
        }
        finally
        {
            EVP_PKEY_free(key);
        }
    }

    /// <inheritdoc/>
    public override byte[] Sign(byte[] seed, byte[] message)
    {
        var key = PrivateKey(seed);
        var context = EVP_MD_CTX_new();
        try
        {
            var signature = new byte[SignatureSize];
            nint length = SignatureSize;
            return EVP_DigestSignInit(context, 0, 0, 0, key) == 1
                && EVP_DigestSign(context, signature, ref length, message, message.Length) == 1 ? signature : throw Failed();
        }
        finally
        {
            EVP_MD_CTX_free(context);
            EVP_PKEY_free(key);
        }
    }

    /// <inheritdoc/>
    public override bool Verify(byte[] publicKey, byte[] message, byte[] signature)
    {
        if (publicKey.Length != KeySize || signature.Length != SignatureSize) return false;
        var key = EVP_PKEY_new_raw_public_key(TypeEd25519, 0, publicKey, KeySize);
        if (key == 0) return false;
        var context = EVP_MD_CTX_new();
        try
        {
            return EVP_DigestVerifyInit(context, 0, 0, 0, key) == 1
                && EVP_DigestVerify(context, signature, signature.Length, message, message.Length) == 1;
        }
        finally
        {
            EVP_MD_CTX_free(context);
            EVP_PKEY_free(key);
            // A signature that does not fit leaves an entry in the thread's queue of errors.
            ERR_clear_error();
        }
    }

    private static nint PrivateKey(byte[] seed) =>
        seed.Length == KeySize && EVP_PKEY_new_raw_private_key(TypeEd25519, 0, seed, KeySize) is not 0 and var key ? key : throw Failed();

    private static InvalidOperationException Failed()
    {
        ERR_clear_error();
        return new("libcrypto refused an Ed25519 key or message.");
    }

    private static bool Find()
    {
        foreach (var name in Names)
        {
            if (!NativeLibrary.TryLoad(name, out var library)) continue;
            if (!NativeLibrary.TryGetExport(library, nameof(EVP_PKEY_new_raw_private_key), out _)
                || !NativeLibrary.TryGetExport(library, nameof(EVP_DigestVerify), out _)) continue;
            NativeLibrary.SetDllImportResolver(typeof(OpenSslEd25519).Assembly,
                (asked, _, _) => asked == Crypto ? library : 0);
            return true;
        }

        return false;
    }

    [DllImport(Crypto)]
    private static extern nint EVP_PKEY_new_raw_private_key(int type, nint engine, byte[] key, nint length);

    [DllImport(Crypto)]
    private static extern nint EVP_PKEY_new_raw_public_key(int type, nint engine, byte[] key, nint length);

    [DllImport(Crypto)]
    private static extern int EVP_PKEY_get_raw_public_key(nint pkey, byte[] key, ref nint length);

    [DllImport(Crypto)]
    private static extern void EVP_PKEY_free(nint pkey);

    [DllImport(Crypto)]
    private static extern nint EVP_MD_CTX_new();

    [DllImport(Crypto)]
    private static extern void EVP_MD_CTX_free(nint context);

    [DllImport(Crypto)]
    private static extern int EVP_DigestSignInit(nint context, nint pkeyContext, nint type, nint engine, nint pkey);

    [DllImport(Crypto)]
    private static extern int EVP_DigestSign(nint context, byte[] signature, ref nint signatureLength, byte[] message, nint length);

    [DllImport(Crypto)]
    private static extern int EVP_DigestVerifyInit(nint context, nint pkeyContext, nint type, nint engine, nint pkey);

    [DllImport(Crypto)]
    private static extern int EVP_DigestVerify(nint context, byte[] signature, nint signatureLength, byte[] message, nint length);

    [DllImport(Crypto)]
    private static extern void ERR_clear_error();
}
