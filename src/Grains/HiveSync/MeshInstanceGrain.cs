using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Beadhub.Identities;

namespace Beadhub.HiveSync;

/// <inheritdoc cref="IMeshInstanceGrain"/>
public sealed class MeshInstanceGrain(IEventLog log, TimeProvider time, Seal seal)
    : EventSourcedGrain<MeshIdentity>(log), IMeshInstanceGrain
{
    /// <inheritdoc/>
    public async Task<MeshInstance> Get()
    {
        var made = await Identity();
        return new(made.InstanceId, made.PublicKey);
    }

    /// <inheritdoc/>
    public async Task<string> Certify(CertifyGroupKey command)
    {
        var made = await Identity();
        var seed = KeptKey.Open(seal, made.SealedKey, made.PlainKey);
        try
        {
            return KeptKey.Sign(seed, KeyCertificate.SignedText(made.InstanceId, command.GroupName, command.Version, command.PublicKey));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    private async ValueTask<MeshInstanceMade> Identity()
    {
        if (await Read(static identity => identity.Made) is { } made) return made;
        var key = KeptKey.New(seal);
        return await Transact(identity => identity.Make(
            new(KeyCertificate.InstanceOf(key.PublicKey)!, key.PublicKey, key.SealedKey, key.PlainKey, time.Now())));
    }
}

/// <summary>Who the site is in the mesh. Pure.</summary>
/// <param name="Made">Its id and root key; null before the first use.</param>
public sealed record MeshIdentity(MeshInstanceMade? Made) : IEventSourced<MeshIdentity>
{
    /// <inheritdoc/>
    public static MeshIdentity Empty { get; } = new(Made: null);

    /// <inheritdoc/>
    public static StreamKind<MeshIdentity> Kind { get; } =
        new("mesh_instance", HiveSyncJson.Default.MeshIdentity, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public MeshIdentity Apply(IEvent @event) => @event is MeshInstanceMade made && Made is null ? new(made) : this;

    /// <summary>Makes the identity, unless there is one.</summary>
    public Decision<MeshInstanceMade> Make(MeshInstanceMade made) =>
        Made is { } there ? Decision.None(there) : Decision.Accept(made, made);
}

/// <summary>JSON of the snapshots of sync groups.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MeshIdentity))]
[JsonSerializable(typeof(SyncSettings))]
[JsonSerializable(typeof(HiveLog))]
[JsonSerializable(typeof(SyncPeers))]
internal sealed partial class HiveSyncJson : JsonSerializerContext;
