using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Policies;

/// <summary>
/// A project's policy: its versions, and which of them is in force (contract 10). Key: project id. Version 1 is the server's default and is
/// made when anybody first asks.
/// </summary>
[Alias("beadhub.policies")]
public interface IPoliciesGrain : IGrainWithStringKey
{
    /// <summary>The version in force. The same object is returned while it is.</summary>
    [AlwaysInterleave]
    ValueTask<PolicyView> Active();

    /// <summary>One version.</summary>
    /// <exception cref="RefusedException">Not found.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<PolicyView> Get(string policyId);

    /// <summary>The versions, newest first.</summary>
    [AlwaysInterleave]
    ValueTask<ImmutableArray<PolicyLine>> History(int limit);

    /// <summary>Stores a new version, which is not in force yet (contract 10.6) unless the command says so.</summary>
    /// <exception cref="RefusedException">
    /// Forbidden: it names a workspace that is none of the project's. Conflict: another version is in force than the one it was based on.
    /// </exception>
    [AlwaysInterleave]
    Task<PolicyLine> Create(CreatePolicy command);

    /// <summary>Puts a version in force; false when the project has no such version.</summary>
    [Repeatable, AlwaysInterleave]
    Task<bool> Activate(string policyId);

    /// <summary>Stores the server's default as a new version and puts it in force (contract 10.9).</summary>
    /// <param name="policyId">Id for it.</param>
    /// <param name="agentId">Agent that asks for it; its workspace, if it has one, is noted.</param>
    [AlwaysInterleave]
    Task<PolicyLine> Reset(string policyId, string? agentId);
}

/// <summary>A version to be stored.</summary>
/// <param name="PolicyId">Id for it.</param>
/// <param name="Bundle">JSON with the three containers of contract 10.1.</param>
/// <param name="BasePolicyId">The version that must be in force, or null for any.</param>
/// <param name="CreatedBy">Workspace that it is noted for; null for that of <paramref name="AgentId"/>, if it has one.</param>
/// <param name="AgentId">Agent that stores it, if any.</param>
/// <param name="Activate">Whether it is put in force in the same step, so that no other can come in between.</param>
[GenerateSerializer, Immutable, Alias("policy.create.v1")]
public sealed record CreatePolicy(
    [property: Id(0)] string PolicyId,
    [property: Id(1)] string Bundle,
    [property: Id(2)] string? BasePolicyId,
    [property: Id(3)] string? CreatedBy,
    [property: Id(4)] string? AgentId = null,
    [property: Id(5)] bool Activate = false);

/// <summary>A version as the history shows it.</summary>
[GenerateSerializer, Immutable, Alias("policy.line.v1")]
public sealed record PolicyLine(
    [property: Id(0)] string PolicyId,
    [property: Id(1)] int Version,
    [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] string? CreatedBy,
    [property: Id(4)] bool IsActive);

/// <summary>A version with its texts.</summary>
[GenerateSerializer, Immutable, Alias("policy.view.v1")]
public sealed record PolicyView(
    [property: Id(0)] string PolicyId,
    [property: Id(1)] string ProjectId,
    [property: Id(2)] int Version,
    [property: Id(3)] DateTimeOffset UpdatedAt,
    [property: Id(4)] ImmutableArray<InvariantView> Invariants,
    [property: Id(5)] ImmutableArray<RoleView> Roles,
    [property: Id(6)] string Adapters);

/// <summary>A rule for everybody.</summary>
[GenerateSerializer, Immutable, Alias("policy.invariant.v1")]
public sealed record InvariantView([property: Id(0)] string Id, [property: Id(1)] string Title, [property: Id(2)] string BodyMd);

/// <summary>What is expected of a role.</summary>
[GenerateSerializer, Immutable, Alias("policy.role.v1")]
public sealed record RoleView([property: Id(0)] string Role, [property: Id(1)] string Title, [property: Id(2)] string PlaybookMd);

/// <summary>A new version of a project's policy was stored. Its mark leads back to it: bundles are kept here alone, not in the
/// state.</summary>
/// <param name="PolicyId">Id of the version.</param>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Bundle">The bundle: a JSON object with <c>invariants</c>, <c>roles</c> and <c>adapters</c> as they were sent.</param>
/// <param name="CreatedBy">Workspace that stored it, if any.</param>
/// <param name="IsDefault">Whether it is the server's default.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("policy.created.v1")]
public sealed record PolicyCreated(
    [property: Id(0)] string PolicyId,
    [property: Id(1)] int Version,
    [property: Id(2)] string Bundle,
    [property: Id(3)] string? CreatedBy,
    [property: Id(4)] bool IsDefault,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A version became the one in force.</summary>
/// <param name="PolicyId">The version.</param>
/// <param name="PreviousPolicyId">The one before, if any.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("policy.activated.v1")]
public sealed record PolicyActivated([property: Id(0)] string PolicyId, [property: Id(1)] string? PreviousPolicyId,
    [property: Id(2)] DateTimeOffset At) : IEvent;
