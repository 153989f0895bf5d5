using System.Collections.Immutable;
using Beadhub.Beads;
using Orleans;

namespace Beadhub.Boards;

/// <summary>Which claims to list (contract 9.1).</summary>
/// <param name="WorkspaceId">Claimant, or null for all.</param>
/// <param name="Limit">Page size, 1 to 200.</param>
/// <param name="After">Sort key of the last claim of the page before.</param>
[GenerateSerializer, Immutable, Alias("board.claim_query.v1")]
public sealed record ClaimQuery([property: Id(0)] string? WorkspaceId, [property: Id(1)] int Limit, [property: Id(2)] ClaimCursor? After);

/// <summary>Sort key of a claim: newest first; bead and workspace break ties, and are null in cursors that clients kept from
/// elsewhere.</summary>
[GenerateSerializer, Immutable, Alias("board.claim_cursor.v1")]
public sealed record ClaimCursor([property: Id(0)] DateTimeOffset ClaimedAt, [property: Id(1)] string? BeadId,
    [property: Id(2)] string? WorkspaceId);

/// <summary>A page of claims.</summary>
[GenerateSerializer, Immutable, Alias("board.claim_page.v1")]
public sealed record ClaimPage([property: Id(0)] ImmutableArray<ClaimRow> Claims, [property: Id(1)] ClaimCursor? Next);

/// <summary>A claim in a list.</summary>
[GenerateSerializer, Immutable, Alias("board.claim.v1")]
public sealed record ClaimRow(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string HumanName,
    [property: Id(4)] DateTimeOffset ClaimedAt,
    [property: Id(5)] string ProjectId);

/// <summary>Who works on what in a project.</summary>
/// <param name="Claims">All claims, newest first.</param>
/// <param name="Workspaces">By workspace id; a workspace that never claimed is absent.</param>
[GenerateSerializer, Immutable, Alias("board.work.v1")]
public sealed record BoardWork(
    [property: Id(0)] ImmutableArray<ClaimDetail> Claims,
    [property: Id(1)] ImmutableDictionary<string, WorkspaceWork> Workspaces);

/// <summary>A claim with what is known of its bead (contract 5.6, 13).</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Title">Title of the most recently synced issue with that id.</param>
/// <param name="ClaimantCount">Claims on the bead in the whole project.</param>
/// <param name="Apex">Root of the bead's parents when it was claimed.</param>
/// <param name="ApexTitle">Title of the apex.</param>
/// <param name="ApexType">Issue type of the apex.</param>
[GenerateSerializer, Immutable, Alias("board.claim_detail.v1")]
public sealed record ClaimDetail(
    [property: Id(0)] ClaimRow Claim,
    [property: Id(1)] string? Title,
    [property: Id(2)] int ClaimantCount,
    [property: Id(3)] BeadRef? Apex,
    [property: Id(4)] string? ApexTitle,
    [property: Id(5)] string? ApexType);

/// <summary>The work of one workspace.</summary>
/// <param name="Claims">Its claims, newest first.</param>
/// <param name="Focus">Apex of the newest claim that has one (contract 9.4).</param>
/// <param name="FocusTitle">Title of the focus.</param>
/// <param name="FocusType">Issue type of the focus.</param>
/// <param name="FocusUpdatedAt">When a claim or a release last set the focus.</param>
[GenerateSerializer, Immutable, Alias("board.workspace_work.v1")]
public sealed record WorkspaceWork(
    [property: Id(0)] ImmutableArray<ClaimDetail> Claims,
    [property: Id(1)] BeadRef? Focus,
    [property: Id(2)] string? FocusTitle,
    [property: Id(3)] string? FocusType,
    [property: Id(4)] DateTimeOffset? FocusUpdatedAt);

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
/// <param name="Strategy">By what it is chosen.</param>
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
    [property: Id(8)] string? Assignee,
    [property: Id(9)] ClaimStrategy Strategy = ClaimStrategy.Priority);

/// <summary>A bead that was claimed, the claim, and why it was this one.</summary>
[GenerateSerializer, Immutable, Alias("board.claimed.v1")]
public sealed record ClaimedBead([property: Id(0)] IssueRow Issue, [property: Id(1)] ClaimView Claim, [property: Id(2)] string? Why = null);

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

/// <summary>A workspace works on a native task (contract 9.2).</summary>
/// <param name="TaskRef">The task's reference, which is the bead id of the claim.</param>
/// <param name="Title">Title of the task.</param>
/// <param name="ApexRef">Reference of its topmost parent.</param>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
[GenerateSerializer, Immutable, Alias("board.claim_task.v1")]
public sealed record ClaimTask(
    [property: Id(0)] string TaskRef,
    [property: Id(1)] string Title,
    [property: Id(2)] string ApexRef,
    [property: Id(3)] string WorkspaceId,
    [property: Id(4)] string Alias,
    [property: Id(5)] string HumanName);

/// <summary>Beads to be listed as tasks, each id once, by id.</summary>
[GenerateSerializer, Immutable, Alias("board.as_tasks.v1")]
public sealed record BeadsAsTasks([property: Id(0)] ImmutableArray<IssueRow> Issues)
{
    /// <summary>No beads.</summary>
    public static BeadsAsTasks None { get; } = new([]);
}
