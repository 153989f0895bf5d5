using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.HiveSync;

/// <summary>What a sync group is set to, and its keys. Key: sync group id.</summary>
[Alias("beadhub.hive_sync_settings")]
public interface IHiveSyncSettingsGrain : IGrainWithStringKey
{
    /// <summary>Makes the group with its first key. A repeat answers with what there is.</summary>
    /// <exception cref="RefusedException">The group is another hive's.</exception>
    [Repeatable]
    Task<HiveSyncGroup> Create(CreateHiveSyncGroup command);

    /// <summary>The group; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveSyncGroup?> Find();

    /// <summary>Lets sites mesh with the group, or ends it.</summary>
    [Repeatable]
    Task<HiveSyncGroup> Share(bool isShared);

    /// <summary>Makes a new key; the old one still verifies what it has signed.</summary>
    Task<HiveSyncGroup> RotateKey();

    /// <summary>Answers a handshake: the peer is one of the group from now on, with a new token in place of the one that was made for it
    /// before.</summary>
    /// <exception cref="RefusedException">NotFound: the group is not there, or not shared; Forbidden: the proof is missing or bad, or the
    /// instance has another key.</exception>
    Task<HandshakeAnswer> AnswerHandshake(HandshakeOffer offer);

    /// <summary>The proof for a handshake of ours with an endpoint.</summary>
    ValueTask<HandshakeProof> Prove(string said, long after);

    /// <summary>Takes what a peer has answered.</summary>
    Task<GroupPeer> Met(HandshakeDone done);

    /// <summary>The peer that shows a token, compared in constant time; null when it is nobody's.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<GroupPeer?> Authenticate(string token);

    /// <summary>The peers, in the order in which they came.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<GroupPeer>> Peers();

    /// <summary>What it takes to speak to a peer; null when it is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<GroupPeerLink?> Link(string instanceId);

    /// <summary>Notes up to where a peer was sent our log and its log was taken; negative for what has not moved. A cursor never goes
    /// back.</summary>
    [Repeatable]
    Task Advance(string instanceId, long sent, long received);

    /// <summary>Takes it that a peer's push has brought its log on, when nothing is missing between.</summary>
    [Repeatable]
    Task Pushed(string instanceId, long from, long to);

    /// <summary>Notes how a peer does.</summary>
    [Repeatable]
    Task Note(string instanceId, string status, string? error);

    /// <summary>Sends a peer everything again, and takes everything of it again.</summary>
    [Repeatable]
    Task Reset(string instanceId);

    /// <summary>Puts a peer out; false when it is none.</summary>
    Task<bool> Leave(string instanceId);

    /// <summary>The key that signs; null when there is no group.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<GroupSigningKey?> SigningKey();
}

/// <summary>A sync group.</summary>
/// <param name="GroupId">Its id at this site.</param>
/// <param name="Hive">Name of its hive.</param>
/// <param name="Name">Name under which sites meet.</param>
/// <param name="InstanceId">This site's id.</param>
/// <param name="IsShared">Whether sites may mesh with it.</param>
/// <param name="PublicKey">The key that signs what is written here, base64 of the DER form.</param>
/// <param name="KeyVersion">1, 2, 3 … with each new key.</param>
/// <param name="CreatedAt">When it was made.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.group.v1")]
public sealed record HiveSyncGroup(
    [property: Id(0)] string GroupId,
    [property: Id(1)] string Hive,
    [property: Id(2)] string Name,
    [property: Id(3)] string InstanceId,
    [property: Id(4)] bool IsShared,
    [property: Id(5)] string PublicKey,
    [property: Id(6)] int KeyVersion,
    [property: Id(7)] DateTimeOffset CreatedAt);

/// <summary>A group's signing key, its private part as it is kept.</summary>
/// <param name="Group">The group.</param>
/// <param name="RootKey">The site's root key, base64 of the DER form.</param>
/// <param name="Certificate">The root key's signature over the group's name, the version and the key; base64.</param>
/// <param name="SealedKey">The seed under seal; null on a server without a secret key.</param>
/// <param name="PlainKey">The seed as base64, on a server without a secret key.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.signing_key.v1")]
public sealed record GroupSigningKey(
    [property: Id(0)] HiveSyncGroup Group,
    [property: Id(1)] string RootKey,
    [property: Id(2)] string Certificate,
    [property: Id(3)] string? SealedKey,
    [property: Id(4)] string? PlainKey);

/// <summary>A sync group was made.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.group_created.v1")]
public sealed record HiveSyncGroupCreated(
    [property: Id(0)] string Hive,
    [property: Id(1)] string Name,
    [property: Id(2)] string InstanceId,
    [property: Id(3)] string RootKey,
    [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>A sync group got a signing key, from then on the one that signs.</summary>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="PublicKey">Base64 of the DER form.</param>
/// <param name="Certificate">Base64.</param>
/// <param name="SealedKey">The seed under seal; null on a server without a secret key.</param>
/// <param name="PlainKey">The seed as base64, on a server without a secret key.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("hive_sync.group_keyed.v1")]
public sealed record HiveSyncGroupKeyed(
    [property: Id(0)] int Version,
    [property: Id(1)] string PublicKey,
    [property: Id(2)] string Certificate,
    [property: Id(3)] string? SealedKey,
    [property: Id(4)] string? PlainKey,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>Sites may mesh with a group from now on, or may not any longer.</summary>
[GenerateSerializer, Immutable, Alias("hive_sync.group_shared.v1")]
public sealed record HiveSyncGroupShared([property: Id(0)] bool IsShared, [property: Id(1)] DateTimeOffset At) : IEvent;
