using Orleans;

namespace Beadhub.Projects;

/// <summary>What an agent tells of itself changed; parts that are null stayed as they were (protocol 6.4).</summary>
[GenerateSerializer, Immutable, Alias("project.agent_changed.v1")]
public sealed record AgentChanged(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string? AccessMode,
    [property: Id(2)] string? Role,
    [property: Id(3)] string? Program,
    [property: Id(4)] string? Context,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>An ephemeral agent left, and its workspace ended with it; its API keys still open the project (protocol 6.6).</summary>
[GenerateSerializer, Immutable, Alias("project.agent_deregistered.v1")]
public sealed record AgentDeregistered([property: Id(0)] string AgentId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>An agent without a key got one that it keeps itself (protocol 12.3).</summary>
[GenerateSerializer, Immutable, Alias("project.identity_claimed.v1")]
public sealed record IdentityClaimed(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Did,
    [property: Id(2)] string PublicKey,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>An agent gave its key up (protocol 12.3).</summary>
[GenerateSerializer, Immutable, Alias("project.identity_reset.v1")]
public sealed record IdentityReset([property: Id(0)] string AgentId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>An agent changed its key (protocol 12.7).</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="RotationId">Id of the change.</param>
/// <param name="OldDid">The key before.</param>
/// <param name="NewDid">The key after.</param>
/// <param name="NewPublicKey">The same, base64url.</param>
/// <param name="Custody">Who keeps it.</param>
/// <param name="SealedSeed">Its private seed, encrypted, when the server keeps it.</param>
/// <param name="Timestamp">Time as signed.</param>
/// <param name="Signature">Signature by the old key.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("project.key_rotated.v1")]
public sealed record KeyRotated(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string RotationId,
    [property: Id(2)] string OldDid,
    [property: Id(3)] string NewDid,
    [property: Id(4)] string NewPublicKey,
    [property: Id(5)] string Custody,
    [property: Id(6)] string? SealedSeed,
    [property: Id(7)] string Timestamp,
    [property: Id(8)] string Signature,
    [property: Id(9)] DateTimeOffset At) : IEvent;

/// <summary>Another agent knows of a change of an agent's key: it has written to it since (protocol 12.7).</summary>
[GenerateSerializer, Immutable, Alias("project.rotation_acknowledged.v1")]
public sealed record RotationAcknowledged(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string RotationId,
    [property: Id(2)] string ByAgentId) : IEvent;

/// <summary>A persistent agent retired and named its successor (protocol 12.8).</summary>
/// <param name="AgentId">Agent.</param>
/// <param name="SuccessorAgentId">Who takes its place.</param>
/// <param name="Signature">Its signature, unless the server keeps its key and cannot sign.</param>
/// <param name="Timestamp">Time as signed.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("project.agent_retired.v1")]
public sealed record AgentRetired(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string SuccessorAgentId,
    [property: Id(2)] string? Signature,
    [property: Id(3)] string? Timestamp,
    [property: Id(4)] DateTimeOffset At) : IEvent;
