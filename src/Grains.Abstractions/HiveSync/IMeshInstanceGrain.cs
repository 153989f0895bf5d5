using Orleans;

namespace Beadhub.HiveSync;

/// <summary>
/// Who this site is in the mesh: a root key pair that is made once, and the instance id that follows from it. The id is a hash of the
/// public key, so whoever has an event's origin can check a certificate of that origin without having met it. Key: <see cref="Key"/>.
/// </summary>
[Alias("beadhub.mesh_instance")]
public interface IMeshInstanceGrain : IGrainWithStringKey
{
    /// <summary>The only key.</summary>
    const string Key = "instance";

    /// <summary>The instance's id; made, with the root key, at the first call.</summary>
    [Repeatable]
    Task<MeshInstance> Get();

    /// <summary>Signs with the root key which key signs the events of a group.</summary>
    /// <returns>The signature, base64.</returns>
    /// <exception cref="UnavailableException">The root key was sealed under a key that the server does not have.</exception>
    [Repeatable]
    Task<string> Certify(CertifyGroupKey command);
}

/// <summary>The site in the mesh.</summary>
/// <param name="InstanceId">Its id, <c>bh_…</c>.</param>
/// <param name="PublicKey">Its root key: base64 of the DER form.</param>
[GenerateSerializer, Immutable, Alias("mesh_instance.view.v1")]
public sealed record MeshInstance([property: Id(0)] string InstanceId, [property: Id(1)] string PublicKey);

/// <summary>Which key is to sign the events of a group.</summary>
/// <param name="GroupName">Name under which sites meet.</param>
/// <param name="Version">1, 2, 3 … with each new key.</param>
/// <param name="PublicKey">Base64 of the DER form.</param>
[GenerateSerializer, Immutable, Alias("mesh_instance.certify.v1")]
public sealed record CertifyGroupKey([property: Id(0)] string GroupName, [property: Id(1)] int Version, [property: Id(2)] string PublicKey);

/// <summary>The root key was made.</summary>
/// <param name="InstanceId">Id that follows from it.</param>
/// <param name="PublicKey">Base64 of the DER form.</param>
/// <param name="SealedKey">The seed under seal; null on a server without a secret key.</param>
/// <param name="PlainKey">The seed as base64, on a server without a secret key.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("mesh_instance.made.v1")]
public sealed record MeshInstanceMade(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] string PublicKey,
    [property: Id(2)] string? SealedKey,
    [property: Id(3)] string? PlainKey,
    [property: Id(4)] DateTimeOffset At) : IEvent;
