using System.Security.Cryptography;
using System.Text;
using Beadhub.Identities;

namespace Beadhub.HiveSync;

/// <summary>A peer of a group, with its tokens.</summary>
/// <param name="View">The peer.</param>
/// <param name="Issued">The token that was made for it here.</param>
/// <param name="Received">The token that it has made for us: both sides may shake hands at the same time, and each then has two.</param>
/// <param name="ProofAt">Time of its last proof.</param>
public sealed record KnownPeer(GroupPeer View, PeerToken? Issued, PeerToken? Received, long ProofAt)
{
    internal KnownPeer After(PeerMet e)
    {
        var token = new PeerToken(e.SealedToken, e.PlainToken, e.TokenHash);
        // A log that is another one, or shorter than what was taken of it, is taken from its beginning; and was not sent what ours has.
        var isAnother = e.RemoteGroupId != View.RemoteGroupId || (e.Head >= 0 && e.Head < View.LastSeqReceived);
        return new(View with
        {
            RemoteGroupId = e.RemoteGroupId,
            Endpoint = e.Endpoint,
            SigningKey = e.SigningKey,
            Status = View.Status == "error" ? "active" : View.Status,
            LastError = null,
            LastSeqSent = isAnother ? 0 : View.LastSeqSent,
            LastSeqReceived = isAnother ? 0 : View.LastSeqReceived,
        }, e.IsIssued ? token : Issued, e.IsIssued ? Received : token, Math.Max(ProofAt, e.IsIssued ? e.ProofAt : 0));
    }

    internal static KnownPeer New(PeerMet e) => new KnownPeer(
        new(e.PeerId, e.InstanceId, e.RemoteGroupId, e.Endpoint, e.SigningKey, "active", 0, 0, null, null), null, null, 0).After(e);

    /// <summary>Whether a token is one of its two. Both are compared, whatever the first comes to.</summary>
    internal bool Has(byte[] tokenHash) => Is(Issued, tokenHash) | Is(Received, tokenHash);

    private static bool Is(PeerToken? token, byte[] hash) =>
        token is not null && CryptographicOperations.FixedTimeEquals(Convert.FromHexString(token.Hash), hash);
}

/// <summary>A token as it is kept.</summary>
/// <param name="Sealed">Under seal; null on a server without a secret key.</param>
/// <param name="Plain">As it is, on a server without a secret key.</param>
/// <param name="Hash">SHA-256, in hex.</param>
public sealed record PeerToken(string? Sealed, string? Plain, string Hash)
{
    internal static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    internal string? Open(Seal seal) => Sealed is null ? Plain : seal.OpenText(Sealed);
}

/// <summary>What two Beadhubs sign when they shake hands.</summary>
internal static class Handshakes
{
    /// <summary>What the initiator signs.</summary>
    public static string Offered(string instance, string group, string endpoint) =>
        $"beadhub handshake\n{instance}\n{group}\n{endpoint}";

    /// <summary>What the responder signs: an answer to this very offer.</summary>
    public static string Answered(string instance, string group, string initiator, long offeredAt) =>
        $"beadhub handshake answer\n{instance}\n{group}\n{initiator}\n{offeredAt}";

    /// <summary>Whether the proof shows that the instance said this with this key.</summary>
    public static bool IsGood(HandshakeProof proof, string instance, string group, string signingKey, string said) =>
        KeyCertificate.InstanceOf(proof.RootKey) == instance
        && KeptKey.Verify(proof.RootKey, KeyCertificate.SignedText(instance, group, proof.KeyVersion, signingKey), proof.Certificate)
        && KeptKey.Verify(signingKey, $"{said}\n{proof.At}", proof.Signature);
}
