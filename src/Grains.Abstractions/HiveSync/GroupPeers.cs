using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.HiveSync;

/// <summary>What a peer offers when it shakes hands.</summary>
/// <param name="InstanceId">Its instance id.</param>
/// <param name="RemoteGroupId">Id of the group at its site.</param>
/// <param name="SigningKey">Its key in the group, base64 of the DER form.</param>
/// <param name="Endpoint">Where it is reached, <c>…/sync/v1</c>.</param>
/// <param name="Proof">How a Beadhub shows that it is who it says; null of others.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.offer.v1")]
public sealed record HandshakeOffer(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] string RemoteGroupId,
    [property: Id(2)] string SigningKey,
    [property: Id(3)] string Endpoint,
    [property: Id(4)] HandshakeProof? Proof);

/// <summary>Shows that who shakes hands holds the key that an instance's root key has certified for the group.</summary>
/// <param name="RootKey">The root key, whose hash is the instance's id.</param>
/// <param name="KeyVersion">Version of the signing key.</param>
/// <param name="Certificate">The root key's signature over the signing key.</param>
/// <param name="At">Milliseconds since 1970; rises with each handshake of the instance, so that none can be repeated by others.</param>
/// <param name="Signature">The signing key's signature over what is said.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.proof.v1")]
public sealed record HandshakeProof(
    [property: Id(0)] string RootKey,
    [property: Id(1)] int KeyVersion,
    [property: Id(2)] string Certificate,
    [property: Id(3)] long At,
    [property: Id(4)] string Signature);

/// <summary>What the other side of a handshake is answered.</summary>
/// <param name="Group">The group here.</param>
/// <param name="Token">What the peer shows from now on.</param>
/// <param name="Proof">How it is shown who answers.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.handshake_answer.v1")]
public sealed record HandshakeAnswer(
    [property: Id(0)] HiveSyncGroup Group, [property: Id(1)] string Token, [property: Id(2)] HandshakeProof Proof);

/// <summary>What a peer has answered to a handshake of ours.</summary>
/// <param name="Peer">Who it is, and where.</param>
/// <param name="Token">What is shown to it from now on.</param>
/// <param name="Head">Its seq.</param>
/// <param name="OurAt">The time that our proof said.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.handshake_done.v1")]
public sealed record HandshakeDone(
    [property: Id(0)] HandshakeOffer Peer,
    [property: Id(1)] string Token,
    [property: Id(2)] long Head,
    [property: Id(3)] long OurAt);

/// <summary>A peer of a group.</summary>
/// <param name="PeerId"><c>sp_…</c></param>
/// <param name="InstanceId">Its instance id.</param>
/// <param name="RemoteGroupId">Id of the group at its site.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="SigningKey">Its key.</param>
/// <param name="Status"><c>active</c>, <c>backfilling</c> or <c>error</c>.</param>
/// <param name="LastSeqSent">Up to where our log was sent to it.</param>
/// <param name="LastSeqReceived">Up to where its log was taken, in its own numbers.</param>
/// <param name="LastSyncAt">When either last moved.</param>
/// <param name="LastError">What was last wrong; null when nothing is.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.peer.v1")]
public sealed record GroupPeer(
    [property: Id(0)] string PeerId,
    [property: Id(1)] string InstanceId,
    [property: Id(2)] string RemoteGroupId,
    [property: Id(3)] string Endpoint,
    [property: Id(4)] string SigningKey,
    [property: Id(5)] string Status,
    [property: Id(6)] long LastSeqSent,
    [property: Id(7)] long LastSeqReceived,
    [property: Id(8)] DateTimeOffset? LastSyncAt,
    [property: Id(9)] string? LastError)
{
    /// <summary>Whether it is a Beadhub.</summary>
    public bool IsBeadhub => InstanceId.StartsWith("bh_", StringComparison.Ordinal);
}

/// <summary>What it takes to speak to a peer.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Token">What is shown to it; null when there is none that can be opened.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.link.v1")]
public sealed record GroupPeerLink([property: Id(0)] GroupPeer Peer, [property: Id(1)] string? Token);

/// <summary>Two sites have shaken hands.</summary>
/// <param name="PeerId">Id of the peer, if it is a new one.</param>
/// <param name="InstanceId">Its instance id.</param>
/// <param name="RemoteGroupId">Id of the group at its site.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="SigningKey">Its key.</param>
/// <param name="IsIssued">Whether the token was made here (the peer has asked), or by the peer.</param>
/// <param name="SealedToken">The token under seal; null on a server without a secret key.</param>
/// <param name="PlainToken">The token, on a server without a secret key.</param>
/// <param name="TokenHash">SHA-256 of the token, in hex.</param>
/// <param name="ProofAt">The time that the initiator's proof said.</param>
/// <param name="Head">Seq of the peer, when it has told; -1 otherwise.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.peer_met.v1")]
public sealed record PeerMet(
    [property: Id(0)] string PeerId,
    [property: Id(1)] string InstanceId,
    [property: Id(2)] string RemoteGroupId,
    [property: Id(3)] string Endpoint,
    [property: Id(4)] string SigningKey,
    [property: Id(5)] bool IsIssued,
    [property: Id(6)] string? SealedToken,
    [property: Id(7)] string? PlainToken,
    [property: Id(8)] string TokenHash,
    [property: Id(9)] long ProofAt,
    [property: Id(10)] long Head,
    [property: Id(11)] DateTimeOffset At) : IEvent;

/// <summary>Up to where a peer was sent our log, and its log was taken.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.peer_advanced.v1")]
public sealed record PeerAdvanced(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] long LastSeqSent,
    [property: Id(2)] long LastSeqReceived,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>How a peer does has changed.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.peer_noted.v1")]
public sealed record PeerNoted(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] string Status,
    [property: Id(2)] string? Error,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>A peer is to be sent everything again, and everything of it is to be taken again.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.peer_reset.v1")]
public sealed record PeerReset([property: Id(0)] string InstanceId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>A peer has left the group, or was put out of it. Its tokens are void.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.peer_left.v1")]
public sealed record PeerLeft([property: Id(0)] string InstanceId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>The sync groups of this site. Key: <see cref="Key"/>.</summary>
[Alias("beadhub.hive_sync_groups")]
public interface IHiveSyncGroupsGrain : IGrainWithStringKey
{
    /// <summary>The only key.</summary>
    const string Key = "all";

    /// <summary>All groups, shared or not.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<HiveSyncGroup>> All();
}
