using Orleans;

namespace Beadhub.Beads;

/// <summary>An issue was stored: added or replaced. Becomes <c>bead.status_changed</c> on the event stream when the status differs (contract 14.1).</summary>
/// <param name="Record">The issue as it is now.</param>
/// <param name="OldStatus">Status before; null when the issue is new or had none.</param>
/// <param name="WorkspaceId">Workspace that synced it; null when the uploader has none.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("bead.stored.v1")]
public sealed record BeadStored(
    [property: Id(0)] BeadRecord Record,
    [property: Id(1)] string? OldStatus,
    [property: Id(2)] string? WorkspaceId,
    [property: Id(3)] string Alias,
    [property: Id(4)] DateTimeOffset At) : IEvent
{
    /// <summary>Whether the issue has a status and it is another one than before (contract 7.3).</summary>
    public bool ChangesStatus => Record.Status is { Length: > 0 } status && status != OldStatus;
}

/// <summary>An issue was removed by the client (contract 8.3).</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="WorkspaceId">Workspace that removed it.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("bead.removed.v1")]
public sealed record BeadRemoved(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string? WorkspaceId,
    [property: Id(3)] string Alias,
    [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>A workspace claimed the bead, or renewed its claim. Becomes <c>bead.claimed</c> on the event stream.</summary>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Claimant's alias.</param>
/// <param name="HumanName">Claimant's human name; may be empty.</param>
/// <param name="Apex">Root of the bead's parents; null when the bead is unknown.</param>
/// <param name="Title">Title of the bead when stored.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("bead.claimed.v1")]
public sealed record BeadClaimed(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] BeadRef? Apex,
    [property: Id(4)] string? Title,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A claim ended. Becomes <c>bead.unclaimed</c> on the claimant's channel, whoever ended it (contract 9.5).</summary>
/// <param name="WorkspaceId">Former claimant.</param>
/// <param name="Alias">Its alias; empty when its workspace was deleted.</param>
/// <param name="Title">Title of the bead when stored.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("bead.released.v1")]
public sealed record BeadReleased(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string? Title,
    [property: Id(3)] DateTimeOffset At) : IEvent;
