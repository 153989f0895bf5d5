using Beadhub.Mail;
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

/// <summary>A mail that looks for its recipient.</summary>
/// <param name="FromAgentId">Sender.</param>
/// <param name="ToAgentId">Recipient's id; goes before the alias.</param>
/// <param name="ToAlias">Recipient's alias, among the living.</param>
/// <param name="ToSign">What the server is to sign in the sender's name when it keeps the sender's key (protocol 12.5); null when nothing
/// is to be signed.</param>
[GenerateSerializer, Immutable, Alias("project.address_mail.v1")]
public sealed record AddressMail(
    [property: Id(0)] string FromAgentId,
    [property: Id(1)] string? ToAgentId,
    [property: Id(2)] string? ToAlias,
    [property: Id(3)] UnsignedMail? ToSign);

/// <summary>The parts of a mail that are signed.</summary>
/// <param name="MessageId">Id of the mail.</param>
/// <param name="Subject">Subject; may be empty.</param>
/// <param name="Body">Text.</param>
/// <param name="At">Time of the mail; its whole seconds are signed.</param>
[GenerateSerializer, Immutable, Alias("project.unsigned_mail.v1")]
public sealed record UnsignedMail(
    [property: Id(0)] string MessageId,
    [property: Id(1)] string Subject,
    [property: Id(2)] string Body,
    [property: Id(3)] DateTimeOffset At);

/// <summary>Whom a mail is for.</summary>
/// <param name="Recipient">The recipient, also when it has ended; null when the project never had it.</param>
/// <param name="SuccessorAlias">Of a retired recipient: who follows it, while that agent lives.</param>
/// <param name="Signature">The server's signature in the sender's name; null when it keeps no key of the sender's.</param>
/// <param name="HasRotated">Whether the sender is still told of a change of the recipient's key, and by writing shows that it knows it
/// (protocol 12.7).</param>
[GenerateSerializer, Immutable, Alias("project.addressed.v1")]
public sealed record Addressed(
    [property: Id(0)] AgentIdentity? Recipient,
    [property: Id(1)] string? SuccessorAlias,
    [property: Id(2)] MessageSignature? Signature,
    [property: Id(3)] bool HasRotated);

/// <summary>Gives an agent a role in its project.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="Role">One of <see cref="ProjectRoles"/>.</param>
/// <param name="ByAgentId">Who gives it; null for an administrator.</param>
[GenerateSerializer, Immutable, Alias("project.give_role.v1")]
public sealed record GiveRole([property: Id(0)] string AgentId, [property: Id(1)] string Role, [property: Id(2)] string? ByAgentId);

/// <summary>The role of an agent in its project.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Role">One of <see cref="ProjectRoles"/>.</param>
[GenerateSerializer, Immutable, Alias("project.agent_role.v1")]
public sealed record AgentRole([property: Id(0)] string AgentId, [property: Id(1)] string Alias, [property: Id(2)] string Role);
