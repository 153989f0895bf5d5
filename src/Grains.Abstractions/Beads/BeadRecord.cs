using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Beads;

/// <summary>Names an issue across repositories (contract 7.2).</summary>
/// <param name="Repo">Canonical origin of the repository.</param>
/// <param name="Branch">Branch.</param>
/// <param name="BeadId">Bead id.</param>
[GenerateSerializer, Immutable, Alias("bead.ref.v1")]
public sealed record BeadRef([property: Id(0)] string Repo, [property: Id(1)] string Branch, [property: Id(2)] string BeadId);

/// <summary>One issue as a client pushed it, normalised (contract 7.1). Identified by repository, branch and bead id within a
/// project.</summary>
/// <param name="BeadId">Bead id.</param>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Title">Title.</param>
/// <param name="Description">Description; null where the record is kept in memory, which large texts do not stay in.</param>
/// <param name="Status">Status; any text, usually open, in_progress or closed.</param>
/// <param name="Priority">Priority; lower is more urgent.</param>
/// <param name="Type">Issue type.</param>
/// <param name="Assignee">Assignee.</param>
/// <param name="CreatedBy">Creator, at most 255 characters.</param>
/// <param name="Labels">Labels; empty when there are none.</param>
/// <param name="BlockedBy">Issues that block this one, in the order given, <c>blocked_by</c> before <c>dependencies</c>.</param>
/// <param name="Parent">Parent issue.</param>
/// <param name="CreatedAt">Creation time by the client.</param>
/// <param name="UpdatedAt">Time of the last change by the client; an older one than stored is a conflict (contract 7.3).</param>
/// <param name="SyncedAt">When the server stored it.</param>
/// <param name="Digest">Digest of the client's text of the issue, by which an unchanged issue is recognised without parsing it; the default
/// when it is not known.</param>
/// <param name="BlocksIds">Targets of its <c>blocks</c> dependencies.</param>
/// <param name="ElidedIds">Those of <paramref name="BlocksIds"/> that were left out of <paramref name="BlockedBy"/> because the same
/// payload closed them (contract 7.2).</param>
/// <param name="Terms">What else is asked before it is ready; null for most.</param>
/// <param name="Version">Where its line is: version of the event that stored it, within the bead's stream; 0 when that is not
/// known.</param>
/// <param name="EstimatedMinutes">How long the work is expected to take, in minutes; null when nobody said so.</param>
/// <param name="ClosedAt">When the client closed it.</param>
[GenerateSerializer, Immutable, Alias("bead.record.v1")]
public sealed record BeadRecord(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string Repo,
    [property: Id(2)] string Branch,
    [property: Id(3)] string? Title,
    [property: Id(4)] string? Description,
    [property: Id(5)] string? Status,
    [property: Id(6)] long? Priority,
    [property: Id(7)] string? Type,
    [property: Id(8)] string? Assignee,
    [property: Id(9)] string? CreatedBy,
    [property: Id(10)] ImmutableArray<string> Labels,
    [property: Id(11)] ImmutableArray<BeadRef> BlockedBy,
    [property: Id(12)] BeadRef? Parent,
    [property: Id(13)] DateTimeOffset? CreatedAt,
    [property: Id(14)] DateTimeOffset? UpdatedAt,
    [property: Id(15)] DateTimeOffset SyncedAt,
    [property: Id(21)] LineDigest Digest,
    [property: Id(17)] ImmutableArray<string> BlocksIds,
    [property: Id(18)] ImmutableArray<string> ElidedIds,
    [property: Id(19)] long Version = 0,
    [property: Id(20)] BeadTerms? Terms = null,
    [property: Id(22)] long? EstimatedMinutes = null,
    [property: Id(23)] DateTimeOffset? ClosedAt = null);

/// <summary>What the client's tool asks of an issue beside its blockers before it is ready.</summary>
/// <param name="Conditions">Issues of <c>conditional-blocks</c> dependencies.</param>
/// <param name="Waits">Issues of <c>waits-for</c> dependencies.</param>
/// <param name="IsNoWork">Whether it is pinned or ephemeral, which is no work.</param>
[GenerateSerializer, Immutable, Alias("bead.terms.v1")]
public sealed record BeadTerms([property: Id(0)] ImmutableArray<BeadRef> Conditions, [property: Id(1)] ImmutableArray<BeadWait> Waits,
    [property: Id(2)] bool IsNoWork);

/// <summary>An issue that waits for the parts of another.</summary>
/// <param name="Spawner">The issue whose parts are waited for.</param>
/// <param name="AnyPart">Whether one closed part is enough.</param>
[GenerateSerializer, Immutable, Alias("bead.wait.v1")]
public sealed record BeadWait([property: Id(0)] BeadRef Spawner, [property: Id(1)] bool AnyPart);

/// <summary>A workspace's claim on a bead (contract 9). Alias and human name are as they were when it was made.</summary>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Claimant's alias.</param>
/// <param name="HumanName">Claimant's human name; may be empty.</param>
/// <param name="ClaimedAt">When it was made or renewed.</param>
/// <param name="Apex">Root of the bead's parents at that time, when the bead was known (contract 9.3); without repository and branch for a
/// native task.</param>
/// <param name="Title">Title of the bead or native task at that time.</param>
/// <param name="Role">What the claimant does on the bead, when it said so.</param>
/// <param name="Note">What the claimant has to say about it.</param>
[GenerateSerializer, Immutable, Alias("bead.claim.v1")]
public sealed record BeadClaim(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] DateTimeOffset ClaimedAt,
    [property: Id(4)] BeadRef? Apex,
    [property: Id(5)] string? Title = null,
    [property: Id(6)] string? Role = null,
    [property: Id(7)] string? Note = null);

/// <summary>The last claim of a workspace that ended on a bead; dates the workspace's focus (contract 9.4).</summary>
/// <param name="WorkspaceId">Former claimant.</param>
/// <param name="ReleasedAt">When.</param>
[GenerateSerializer, Immutable, Alias("bead.release.v1")]
public sealed record BeadRelease([property: Id(0)] string WorkspaceId, [property: Id(1)] DateTimeOffset ReleasedAt);

/// <summary>One bead id of a project: its issue in each repository and branch, and its claims.</summary>
/// <param name="BeadId">Bead id.</param>
/// <param name="Version">Version of its event stream.</param>
/// <param name="Records">Issues with this id, ordered by repository and branch (ordinal).</param>
/// <param name="Claims">Claims, newest last.</param>
/// <param name="Releases">The claims that ended last, one a workspace.</param>
/// <param name="HoldsUnknown">Whether one of its events is of a type that this version does not know.</param>
[GenerateSerializer, Immutable, Alias("bead.view.v1")]
public sealed record BeadView(
    [property: Id(0)] string BeadId,
    [property: Id(1)] long Version,
    [property: Id(2)] ImmutableArray<BeadRecord> Records,
    [property: Id(3)] ImmutableArray<BeadClaim> Claims,
    [property: Id(4)] ImmutableArray<BeadRelease> Releases,
    [property: Id(5)] bool HoldsUnknown = false);
