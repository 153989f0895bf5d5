using Orleans;

namespace Beadhub.Projects;

/// <summary>Changes what an agent tells of itself; parts that are null stay.</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="AccessMode">One of <see cref="AccessModes"/>.</param>
/// <param name="Role">Role.</param>
/// <param name="Program">Program.</param>
/// <param name="Context">JSON object.</param>
[GenerateSerializer, Immutable, Alias("project.change_agent.v1")]
public sealed record ChangeAgent(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string? AccessMode = null,
    [property: Id(2)] string? Role = null,
    [property: Id(3)] string? Program = null,
    [property: Id(4)] string? Context = null);

/// <summary>Gives an agent a key of its own.</summary>
[GenerateSerializer, Immutable, Alias("project.claim_identity.v1")]
public sealed record ClaimIdentity([property: Id(0)] string AgentId, [property: Id(1)] string Did, [property: Id(2)] string PublicKey);

/// <summary>Changes an agent's key.</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="Custody">Who is to keep the new key.</param>
/// <param name="Timestamp">Time as signed.</param>
/// <param name="NewDid">The new key, unless the server makes it.</param>
/// <param name="NewPublicKey">The same as base64.</param>
/// <param name="Signature">Signature by the old key, unless the server keeps that.</param>
[GenerateSerializer, Immutable, Alias("project.rotate_key.v1")]
public sealed record RotateKey(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Custody,
    [property: Id(2)] string Timestamp,
    [property: Id(3)] string? NewDid,
    [property: Id(4)] string? NewPublicKey,
    [property: Id(5)] string? Signature);

/// <summary>A changed key.</summary>
[GenerateSerializer, Immutable, Alias("project.key_rotation.v1")]
public sealed record KeyRotation(
    [property: Id(0)] string OldDid,
    [property: Id(1)] string NewDid,
    [property: Id(2)] string NewPublicKey,
    [property: Id(3)] string Custody);

/// <summary>Retires an agent.</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="SuccessorAgentId">Who takes its place.</param>
/// <param name="Proof">Its signature, unless the server keeps its key.</param>
/// <param name="Timestamp">Time as signed.</param>
[GenerateSerializer, Immutable, Alias("project.retire.v1")]
public sealed record RetireAgent(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string SuccessorAgentId,
    [property: Id(2)] string? Proof,
    [property: Id(3)] string? Timestamp);

/// <summary>A change of a sender's key, as its recipients are told of it (protocol 7.2).</summary>
[GenerateSerializer, Immutable, Alias("project.rotation_notice.v1")]
public sealed record RotationNotice(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string OldDid,
    [property: Id(2)] string NewDid,
    [property: Id(3)] string Timestamp,
    [property: Id(4)] string OldKeySignature);
