using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;

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
public sealed record SyncSettings(HiveSyncGroupCreated? Created, ImmutableArray<HiveSyncGroupKeyed> Keys, bool IsShared)
    : IEventSourced<SyncSettings>
{
    /// <inheritdoc/>
    public static SyncSettings Empty { get; } = new(null, [], IsShared: false);

    /// <inheritdoc/>
    public static StreamKind<SyncSettings> Kind { get; } =
        new("hive_sync", HiveSyncJson.Default.SyncSettings, SnapshotEvery: 100, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public SyncSettings Apply(IEvent @event) => @event switch
    {
        HiveSyncGroupCreated e => this with { Created = e },
        HiveSyncGroupKeyed e => this with { Keys = Keys.Add(e) },
        HiveSyncGroupShared e => this with { IsShared = e.IsShared },
        _ => this,
    };

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
