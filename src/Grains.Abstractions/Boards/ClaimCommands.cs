using System.Collections.Immutable;
using Beadhub.Beads;
using Orleans;

namespace Beadhub.Boards;

/// <summary>Which bead to claim for a workspace; parts that are null or empty do not filter.</summary>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
/// <param name="Labels">All of these must be among the labels.</param>
/// <param name="Types">Any of these issue types.</param>
/// <param name="MaxPriority">The least urgent priority that will do; issues without one are left out then.</param>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Assignee">Exactly.</param>
[GenerateSerializer, Immutable, Alias("board.claim_next.v1")]
public sealed record ClaimNextBead(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] ImmutableArray<string> Labels,
    [property: Id(4)] ImmutableArray<string> Types,
    [property: Id(5)] int? MaxPriority,
    [property: Id(6)] string? Repo,
    [property: Id(7)] string? Branch,
    [property: Id(8)] string? Assignee);

/// <summary>A bead that was claimed, and the claim.</summary>
[GenerateSerializer, Immutable, Alias("board.claimed.v1")]
public sealed record ClaimedBead([property: Id(0)] IssueRow Issue, [property: Id(1)] ClaimView Claim);

/// <summary>Joins in the work on a bead.</summary>
/// <param name="BeadId">The bead; it need not be stored (contract 9.2).</param>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
/// <param name="Role">What the claimant does on the bead.</param>
/// <param name="Note">What the claimant has to say about it.</param>
[GenerateSerializer, Immutable, Alias("board.join.v1")]
public sealed record JoinBead(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string HumanName,
    [property: Id(4)] string? Role,
    [property: Id(5)] string? Note);

/// <summary>A claim on a bead.</summary>
[GenerateSerializer, Immutable, Alias("board.claim_view.v1")]
public sealed record ClaimView([property: Id(0)] string BeadId, [property: Id(1)] BeadClaim Claim);

/// <summary>The claims on one bead, newest first.</summary>
[GenerateSerializer, Immutable, Alias("board.bead_claims.v1")]
public sealed record BeadClaims([property: Id(0)] string BeadId, [property: Id(1)] ImmutableArray<BeadClaim> Claims);
