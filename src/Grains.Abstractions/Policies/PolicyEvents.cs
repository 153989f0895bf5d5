using Orleans;

namespace Beadhub.Policies;

/// <summary>A new version of a project's policy was stored. Its mark leads back to it: bundles are kept here alone, not in the state.</summary>
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
public sealed record PolicyActivated([property: Id(0)] string PolicyId, [property: Id(1)] string? PreviousPolicyId, [property: Id(2)] DateTimeOffset At) : IEvent;
