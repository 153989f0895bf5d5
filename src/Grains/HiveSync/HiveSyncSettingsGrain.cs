using System.Collections.Immutable;
using System.Security.Cryptography;
using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.HiveSync;

/// <inheritdoc cref="IHiveSyncSettingsGrain"/>
public sealed class HiveSyncSettingsGrain(IEventLog log, TimeProvider time, Seal seal, IGrainFactory grains)
    : EventSourcedGrain<SyncSettings>(log), IHiveSyncSettingsGrain
{
    private string GroupId => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public async Task<HiveSyncGroup> Create(CreateHiveSyncGroup command)
    {
        if (await Find() is { } there) return Same(there, command);
        var instance = await grains.GetGrain<IMeshInstanceGrain>(IMeshInstanceGrain.Key).Get();
        var name = command.Name ?? command.Hive;
        // Two hives of one name to others would be one log to them.
        var holder = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.MeshName(name)).Ensure(GroupId);
        if (holder != GroupId) throw new RefusedException(RefusalKind.Conflict, $"There is another sync group with the name {name}");
        var keyed = await NewKey(name, 1);
        var created = new HiveSyncGroupCreated(command.Hive, name, instance.InstanceId, instance.PublicKey, time.Now());
        return Same(await Transact(settings => settings.Create(GroupId, created, keyed)), command);
    }

    /// <inheritdoc/>
    public ValueTask<HiveSyncGroup?> Find() => Read(settings => settings.Group(GroupId));

    /// <inheritdoc/>
    public Task<HiveSyncGroup> Share(bool isShared) => Transact(settings => settings.Share(GroupId, isShared, time.Now()));

    /// <inheritdoc/>
    public async Task<HiveSyncGroup> RotateKey()
    {
        var group = await Find() ?? throw new RefusedException(RefusalKind.NotFound, "Sync group not found");
        var keyed = await NewKey(group.Name, group.KeyVersion + 1);
        return await Transact(settings => settings.Rotate(GroupId, keyed));
    }

    /// <inheritdoc/>
    public async Task<HandshakeAnswer> AnswerHandshake(HandshakeOffer offer)
    {
        var (token, kept) = NewToken(null);
        var met = Meeting(offer, kept, isIssued: true, head: -1, offer.Proof?.At ?? 0);
        var group = await Transact(settings => settings.Answer(GroupId, offer, met));
        return new(group, token, await Prove(Handshakes.Answered(group.InstanceId, group.Name, offer.InstanceId, offer.Proof?.At ?? 0), 0));
    }

    /// <inheritdoc/>
    public async ValueTask<HandshakeProof> Prove(string said, long after)
    {
        var key = await SigningKey() ?? throw new RefusedException(RefusalKind.NotFound, "Sync group not found");
        var at = Math.Max(time.Now().ToUnixTimeMilliseconds(), after + 1);
        var seed = KeptKey.Open(seal, key.SealedKey, key.PlainKey);
        return new(key.RootKey, key.Group.KeyVersion, key.Certificate, at, KeptKey.Sign(seed, $"{said}\n{at}"));
    }

    /// <inheritdoc/>
    public Task<GroupPeer> Met(HandshakeDone done)
    {
        var met = Meeting(done.Peer, NewToken(done.Token).Kept, isIssued: false, done.Head, done.OurAt);
        return Transact(settings => settings.Meet(met));
    }

    /// <inheritdoc/>
    public ValueTask<GroupPeer?> Authenticate(string token)
    {
        var hash = PeerToken.HashOf(token);
        return Read(settings => settings.Owner(hash));
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<GroupPeer>> Peers() =>
        Read(static settings => settings.Peers.Select(static peer => peer.View).ToImmutableArray());

    /// <inheritdoc/>
    public ValueTask<GroupPeerLink?> Link(string instanceId) => Read(settings => settings.Peer(instanceId) is { } peer
        ? new GroupPeerLink(peer.View, (peer.Received ?? peer.Issued)?.Open(seal)) : null);

    /// <inheritdoc/>
    public Task Advance(string instanceId, long sent, long received) =>
        Transact(settings => settings.Advance(instanceId, sent, received, time.Now()));

    /// <inheritdoc/>
    public Task Pushed(string instanceId, long from, long to) =>
        Transact(settings => settings.Pushed(instanceId, from, to, time.Now()));

    /// <inheritdoc/>
    public Task Note(string instanceId, string status, string? error) =>
        Transact(settings => settings.Note(instanceId, status, error, time.Now()));

    /// <inheritdoc/>
    public Task Reset(string instanceId) => Transact(settings => settings.Peer(instanceId) is null
        ? Decision.None(false) : Decision.Accept(true, new PeerReset(instanceId, time.Now())));

    /// <inheritdoc/>
    public Task<bool> Leave(string instanceId) => Transact(settings => settings.Peer(instanceId) is null
        ? Decision.None(false) : Decision.Accept(true, new PeerLeft(instanceId, time.Now())));

    private (string Token, PeerToken Kept) NewToken(string? received)
    {
        var token = received ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var closed = seal.CloseText(token);
        return (token, new(closed, closed is null ? token : null, Convert.ToHexStringLower(PeerToken.HashOf(token))));
    }

    private PeerMet Meeting(HandshakeOffer peer, PeerToken token, bool isIssued, long head, long proofAt) => new(MeshIds.New("sp_"),
        peer.InstanceId, peer.RemoteGroupId, peer.Endpoint, peer.SigningKey, isIssued, token.Sealed, token.Plain, token.Hash, proofAt, head,
        time.Now());

    /// <inheritdoc/>
    public ValueTask<GroupSigningKey?> SigningKey() => Read(settings => settings.SigningKey(GroupId));

    private async Task<HiveSyncGroupKeyed> NewKey(string groupName, int version)
    {
        var key = KeptKey.New(seal);
        var certificate = await grains.GetGrain<IMeshInstanceGrain>(IMeshInstanceGrain.Key).Certify(new(groupName, version, key.PublicKey));
        return new(version, key.PublicKey, certificate, key.SealedKey, key.PlainKey, time.Now());
    }

    private static HiveSyncGroup Same(HiveSyncGroup group, CreateHiveSyncGroup command) => group.Hive == command.Hive ? group
        : throw new RefusedException(RefusalKind.Conflict, $"The sync group is of the hive {group.Hive}");
}

/// <summary>What a sync group is set to. Pure.</summary>
/// <param name="Created">How it was made; null before that.</param>
/// <param name="Keys">Its keys, the newest last.</param>
/// <param name="IsShared">Whether sites may mesh with it.</param>
/// <param name="Peers">Its peers, in the order in which they came.</param>
public sealed record SyncSettings(
    HiveSyncGroupCreated? Created, ImmutableArray<HiveSyncGroupKeyed> Keys, bool IsShared, ImmutableArray<KnownPeer> Peers)
    : IEventSourced<SyncSettings>
{
    /// <inheritdoc/>
    public static SyncSettings Empty { get; } = new(null, [], IsShared: false, []);

    /// <inheritdoc/>
    public static StreamKind<SyncSettings> Kind { get; } =
        new("hive_sync", HiveSyncJson.Default.SyncSettings, SnapshotEvery: 100, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public SyncSettings Apply(IEvent @event) => @event switch
    {
        HiveSyncGroupCreated e => this with { Created = e },
        HiveSyncGroupKeyed e => this with { Keys = Keys.Add(e) },
        HiveSyncGroupShared e => this with { IsShared = e.IsShared },
        PeerMet e when Peer(e.InstanceId) is null => this with { Peers = Peers.Add(KnownPeer.New(e)) },
        PeerMet e => With(e.InstanceId, peer => peer.After(e)),
        PeerAdvanced e => With(e.InstanceId, peer => peer with
        {
            View = peer.View with { LastSeqSent = e.LastSeqSent, LastSeqReceived = e.LastSeqReceived, LastSyncAt = e.At },
        }),
        PeerNoted e => With(e.InstanceId, peer => peer with { View = peer.View with { Status = e.Status, LastError = e.Error } }),
        PeerReset e => With(e.InstanceId, peer => peer with { View = peer.View with { LastSeqSent = 0, LastSeqReceived = 0 } }),
        PeerLeft e => this with { Peers = Peers.RemoveAll(peer => peer.View.InstanceId == e.InstanceId) },
        _ => this,
    };

    /// <summary>Most peers of a group.</summary>
    public const int MaxPeers = 500;

    /// <summary>The peer of an instance id.</summary>
    public KnownPeer? Peer(string instanceId) => Peers.FirstOrDefault(peer => peer.View.InstanceId == instanceId);

    /// <summary>Whose a token is. All are compared, however many there are.</summary>
    public GroupPeer? Owner(byte[] tokenHash)
    {
        GroupPeer? owner = null;
        foreach (var peer in Peers)
            if (peer.Has(tokenHash)) owner = peer.View;
        return IsShared ? owner : null;
    }

    /// <summary>Answers a handshake.</summary>
    public Decision<HiveSyncGroup> Answer(string groupId, HandshakeOffer offer, PeerMet met)
    {
        if (Group(groupId) is not { IsShared: true } group)
            throw new RefusedException(RefusalKind.NotFound, "Sync group not found");
        var known = Peer(offer.InstanceId);
        if (offer.InstanceId == group.InstanceId) throw Forbidden("an instance does not mesh with itself");
        if (Ed25519.DecodeKey(offer.SigningKey) is null) throw Forbidden("signing_key is no Ed25519 key");
        if (offer.InstanceId.StartsWith(KeyCertificate.InstancePrefix, StringComparison.Ordinal))
        {
            if (offer.Proof is not { } proof
                || !Handshakes.IsGood(proof, offer.InstanceId, group.Name, offer.SigningKey,
                    Handshakes.Offered(offer.InstanceId, group.Name, offer.Endpoint)))
                throw Forbidden("the instance does not prove that it is who it says");
            if (known is not null && proof.At <= known.ProofAt) throw Forbidden("the proof is an old one");
        }
        else if (known is not null && known.View.SigningKey != offer.SigningKey)
        {
            throw Forbidden("the instance is known with another signing_key; remove the peer to let it in again");
        }

        if (known is null && Peers.Length >= MaxPeers) throw Forbidden($"the group has {MaxPeers} peers already");
        return Decision.Accept(group, met);

        static RefusedException Forbidden(string why) => new(RefusalKind.Forbidden, $"Handshake refused: {why}");
    }

    /// <summary>Takes what a peer has answered.</summary>
    public Decision<GroupPeer> Meet(PeerMet met) => Decision.Accept(Apply(met).Peer(met.InstanceId)!.View, met);

    /// <summary>Brings cursors on.</summary>
    public Decision<bool> Advance(string instanceId, long sent, long received, DateTimeOffset now)
    {
        if (Peer(instanceId) is not { View: var peer }) return Decision.None(false);
        var (toSent, toReceived) = (Math.Max(sent, peer.LastSeqSent), Math.Max(received, peer.LastSeqReceived));
        return toSent == peer.LastSeqSent && toReceived == peer.LastSeqReceived ? Decision.None(false)
            : Decision.Accept(true, new PeerAdvanced(instanceId, toSent, toReceived, now));
    }

    /// <summary>A push has brought a peer's log on, unless something is missing between.</summary>
    public Decision<bool> Pushed(string instanceId, long from, long to, DateTimeOffset now) =>
        Peer(instanceId) is { View: var peer } && from <= peer.LastSeqReceived ? Advance(instanceId, -1, to, now) : Decision.None(false);

    /// <summary>Notes how a peer does.</summary>
    public Decision<bool> Note(string instanceId, string status, string? error, DateTimeOffset now) =>
        Peer(instanceId) is { View: var peer } && (peer.Status != status || peer.LastError != error)
            ? Decision.Accept(true, new PeerNoted(instanceId, status, error, now)) : Decision.None(false);

    private SyncSettings With(string instanceId, Func<KnownPeer, KnownPeer> change) =>
        this with { Peers = [.. Peers.Select(peer => peer.View.InstanceId == instanceId ? change(peer) : peer)] };

    /// <summary>Makes the group, unless it is there.</summary>
    public Decision<HiveSyncGroup> Create(string groupId, HiveSyncGroupCreated created, HiveSyncGroupKeyed key) =>
        Group(groupId) is { } there ? Decision.None(there)
            : Decision.Accept(Apply(created).Apply(key).Group(groupId)!, created, key);

    /// <summary>Lets sites mesh with it, or ends it.</summary>
    public Decision<HiveSyncGroup> Share(string groupId, bool isShared, DateTimeOffset now)
    {
        var group = Group(groupId) ?? throw new RefusedException(RefusalKind.NotFound, "Sync group not found");
        return group.IsShared == isShared ? Decision.None(group)
            : Decision.Accept(group with { IsShared = isShared }, new HiveSyncGroupShared(isShared, now));
    }

    /// <summary>Takes a new key, unless another one was faster.</summary>
    public Decision<HiveSyncGroup> Rotate(string groupId, HiveSyncGroupKeyed key) =>
        key.Version == Keys[^1].Version + 1 ? Decision.Accept(Apply(key).Group(groupId)!, key) : Decision.None(Group(groupId)!);

    /// <summary>The group; null before it was made.</summary>
    public HiveSyncGroup? Group(string groupId) => Created is { } made && Keys is [.., var key]
        ? new(groupId, made.Hive, made.Name, made.InstanceId, IsShared, key.PublicKey, key.Version, made.At) : null;

    /// <summary>The key that signs; null before the group was made.</summary>
    public GroupSigningKey? SigningKey(string groupId) => Group(groupId) is { } group && Keys is [.., var key]
        ? new(group, Created!.RootKey, key.Certificate, key.SealedKey, key.PlainKey) : null;
}

/// <inheritdoc cref="IHiveSyncGroupsGrain"/>
[StatelessWorker]
public sealed class HiveSyncGroupsGrain(IEventLog log, IGrainFactory grains) : Grain, IHiveSyncGroupsGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<HiveSyncGroup>> All()
    {
        var keys = await log.Keys(SyncSettings.Kind.Name);
        var groups = await Task.WhenAll(keys.Select(key => grains.GetGrain<IHiveSyncSettingsGrain>(key).Find().AsTask()));
        return [.. groups.OfType<HiveSyncGroup>().OrderBy(static group => group.CreatedAt)];
    }
}
