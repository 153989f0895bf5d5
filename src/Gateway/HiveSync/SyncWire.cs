using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Serialization;
using Beadhub.HiveSync;

namespace Beadhub.Gateway.HiveSync;

/// <summary>Answer to a handshake.</summary>
internal sealed record HandshakeReply(
    string SyncGroupId, string SigningKey, long CurrentSeq, string SyncToken, int ProtocolVersion, int KeyVersion);

/// <summary>An event as peers get it.</summary>
internal sealed record SyncedEvent(
    string Id, string SyncGroupId, long Seq, string EventType, string OriginInstanceId, long OriginTs, string Payload, string Signature,
    string ReceivedAt, int IsLocal)
{
    public static SyncedEvent Of(string groupId, MeshEntry entry) => new(entry.Event.EventId, groupId, entry.Seq, entry.Event.Type,
        entry.Event.Origin, entry.Event.OriginTs, entry.Event.Payload, entry.Event.Signature,
        entry.Event.ReceivedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), entry.Event.IsLocal ? 1 : 0);
}

/// <summary>A page of a log.</summary>
internal sealed record PullReply(ImmutableArray<SyncedEvent> Events, long NextSeq, bool HasMore);

/// <summary>An event as it is pushed.</summary>
internal sealed record PushedEvent(
    string Id, string EventType, string OriginInstanceId, long OriginTs, string Payload, string Signature)
{
    public static PushedEvent Of(MeshEvent e) => new(e.EventId, e.Type, e.Origin, e.OriginTs, e.Payload, e.Signature);
}

/// <summary>A push.</summary>
internal sealed record PushBody(ImmutableArray<PushedEvent> Events, long SenderSeq);

/// <summary>Answer to a push.</summary>
internal sealed record PushReply(long ReceivedSeq);

/// <summary>What is said in a handshake.</summary>
internal sealed record HandshakeBody(
    string SyncGroupName, string SyncGroupId, string InstanceId, string SigningKey, string SyncEndpoint, int ProtocolVersion);

/// <summary>A peer, told to others.</summary>
internal sealed record ToldPeer(string SyncEndpoint, string Name, ImmutableArray<string> SharedHives, string? SigningKey, int Ttl);

/// <summary>A heartbeat, and the answer to one.</summary>
internal sealed record HeartbeatBody(
    string InstanceId,
    ImmutableSortedDictionary<string, long> SeqByHive,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ToldPeer[]? KnownPeers);

/// <summary>How a group does.</summary>
internal sealed record SyncStatusReply(
    string SyncGroupId, string HiveName, long LocalSeq, ImmutableArray<SyncStatusPeer> Peers, string StateHash);

/// <summary>How a peer does, to peers.</summary>
internal sealed record SyncStatusPeer(string Id, string PeerSwarmId, string Status, long LastSeqSent, long LastSeqReceived);

/// <summary>A peer has left.</summary>
internal sealed record SyncLeftReply(string Status, string SyncGroupId);

/// <summary>The proof of a handshake, as a header carries it.</summary>
internal static class ProofHeader
{
    /// <summary>Header of the proof.</summary>
    public const string Name = "X-Beadhub-Proof";

    /// <summary>Header of a Beadhub's answers that says who answers.</summary>
    public const string Instance = "X-Beadhub-Instance";

    /// <summary>Header of a push: the sender's seq before which nothing is missing.</summary>
    public const string Since = "X-Beadhub-Since";

    /// <summary>The proof as text.</summary>
    public static string Write(HandshakeProof proof) => string.Create(CultureInfo.InvariantCulture,
        $"{proof.RootKey};{proof.KeyVersion};{proof.Certificate};{proof.At};{proof.Signature}");

    /// <summary>The proof of a text; null when it is none.</summary>
    public static HandshakeProof? Read(string? text) =>
        text is { Length: > 0 and < 1024 } && text.Split(';') is [var root, var version, var certificate, var at, var signature]
        && int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            ? new(root, number, certificate, time, signature) : null;
}
