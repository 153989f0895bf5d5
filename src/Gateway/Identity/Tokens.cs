using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Gateway.Identity;

/// <summary>Kinds of bearer tokens, told apart by their form.</summary>
internal enum TokenKind
{
    /// <summary>None of ours.</summary>
    Unknown,

    /// <summary>A project's API key: <c>aw_sk_…</c> (contract 1.2).</summary>
    ApiKey,

    /// <summary>The administrators' key, <c>BEADHUB_ADMIN_KEY</c>.</summary>
    Administrator,
}

/// <summary>Says of what kind a token is. What is of no kind is refused without a look at any store.</summary>
internal sealed class Tokens(GatewaySettings settings)
{
    /// <summary>How an API key begins.</summary>
    public const string ApiKeyPrefix = "aw_sk_";

    private readonly byte[]? _admin = settings.AdminKey is { } key ? Hash(key) : null;

    /// <summary>Whether there is an administrators' key.</summary>
    public bool HasAdminKey => _admin is not null;

    /// <summary>The kind of a token.</summary>
    public TokenKind KindOf(ReadOnlySpan<char> token) =>
        token.StartsWith(ApiKeyPrefix, StringComparison.Ordinal) ? TokenKind.ApiKey
        : IsAdmin(token) ? TokenKind.Administrator
        : TokenKind.Unknown;

    // Compared by hash and in constant time: how long it takes tells neither how much of the key is right nor how long it is.
    private bool IsAdmin(ReadOnlySpan<char> token) => _admin is not null && CryptographicOperations.FixedTimeEquals(_admin, Hash(token));

    private static byte[] Hash(ReadOnlySpan<char> token)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(token)];
        Encoding.UTF8.GetBytes(token, utf8);
        return SHA256.HashData(utf8);
    }
}
