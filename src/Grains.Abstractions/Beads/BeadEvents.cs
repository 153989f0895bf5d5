using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Orleans;

namespace Beadhub.Beads;

/// <summary>
/// An issue was stored: added or replaced. What those are told who follow changes, whichever version of the event holds it. Becomes
/// <c>bead.status_changed</c> on the event stream when the status differs (contract 14.1). The bead's id is in the key of the stream.
/// </summary>
public interface IIssueStored : IEvent
{
    /// <summary>Canonical origin.</summary>
    string Repo { get; }

    /// <summary>Branch.</summary>
    string Branch { get; }

    /// <summary>Title as it is now.</summary>
    string? Title { get; }

    /// <summary>Status as it is now.</summary>
    string? Status { get; }

    /// <summary>Status before; null when the issue is new or had none.</summary>
    string? OldStatus { get; }

    /// <summary>Workspace that synced it; null when the uploader has none.</summary>
    string? WorkspaceId { get; }

    /// <summary>Its alias.</summary>
    string Alias { get; }

    /// <summary>When, the same instant for all issues of a sync.</summary>
    DateTimeOffset SyncedAt { get; }

    /// <summary>What else of a stored issue has changed that somebody may have subscribed to; null when nothing has.</summary>
    BeadBefore? Before { get; }

    /// <summary>Priority and assignee as they are now, where <see cref="Before"/> is not null.</summary>
    BeadBefore? After { get; }

    /// <summary>Whether the issue has a status and it is another one than before (contract 7.3).</summary>
    bool ChangesStatus => Status is { Length: > 0 } status && status != OldStatus;

    /// <summary>Whether subscribers may want to hear of it: an issue that had a status has another one, or its priority or assignee changed
    /// (contract 12.4).</summary>
    bool IsNews => ChangesStatus && OldStatus is { Length: > 0 } || Before is not null;
}

/// <summary>An issue was stored, with its line as it was received.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Title">Title, for those who are told of the change.</param>
/// <param name="Status">Status, for those who are told of the change.</param>
/// <param name="OldStatus">Status before; null when the issue is new or had none.</param>
/// <param name="WorkspaceId">Workspace that synced it; null when the uploader has none.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="At">When.</param>
/// <param name="Before">What else of a stored issue has changed that somebody may have subscribed to; null when nothing has.</param>
/// <param name="After">Priority and assignee as they are now, where <paramref name="Before"/> is not null.</param>
/// <param name="CreatedBy">Creator that an earlier line has named, where this one names none (contract 7.1).</param>
/// <param name="ElidedIds">Issues that block this one but were closed by the same payload (contract 7.2); null when there are none.</param>
/// <param name="Line">The issue's line: the client's own bytes, without the blanks around them. In the log it stands as it is, not as a
/// text.</param>
/// <param name="Command">The command line after which it was synced, or its beginning, where the client told it.</param>
[GenerateSerializer, Immutable, Alias("bead.stored.v2")]
public sealed record IssueStored(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string? Title,
    [property: Id(3)] string? Status,
    [property: Id(4)] string? OldStatus,
    [property: Id(5)] string? WorkspaceId,
    [property: Id(6)] string Alias,
    [property: Id(7)] DateTimeOffset At,
    [property: Id(8)] BeadBefore? Before,
    [property: Id(9)] BeadBefore? After,
    [property: Id(10)] string? CreatedBy,
    [property: Id(11)] ImmutableArray<string>? ElidedIds,
    [property: Id(12), JsonConverter(typeof(RawJson))] string Line,
    [property: Id(13)] string? Command = null) : IIssueStored
{
    /// <inheritdoc/>
    DateTimeOffset IIssueStored.SyncedAt => At;
}

/// <summary>An issue was stored, by versions of the program that kept of its line only what they knew. Becomes <c>bead.status_changed</c>
/// on the event stream when the status differs (contract 14.1).</summary>
/// <param name="Record">The issue as it is now.</param>
/// <param name="OldStatus">Status before; null when the issue is new or had none.</param>
/// <param name="WorkspaceId">Workspace that synced it; null when the uploader has none.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="At">When.</param>
/// <param name="Before">What else of a stored issue has changed that somebody may have subscribed to; null when nothing has.</param>
[GenerateSerializer, Immutable, Alias("bead.stored.v1")]
public sealed record BeadStored(
    [property: Id(0)] BeadRecord Record,
    [property: Id(1)] string? OldStatus,
    [property: Id(2)] string? WorkspaceId,
    [property: Id(3)] string Alias,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] BeadBefore? Before = null) : IIssueStored
{
    /// <inheritdoc/>
    string IIssueStored.Repo => Record.Repo;

    /// <inheritdoc/>
    string IIssueStored.Branch => Record.Branch;

    /// <inheritdoc/>
    string? IIssueStored.Title => Record.Title;

    /// <inheritdoc/>
    string? IIssueStored.Status => Record.Status;

    /// <inheritdoc/>
    DateTimeOffset IIssueStored.SyncedAt => Record.SyncedAt;

    /// <inheritdoc/>
    BeadBefore? IIssueStored.After => new(Record.Priority, Record.Assignee);
}

/// <summary>Priority and assignee of an issue, before or after one of them changed.</summary>
[GenerateSerializer, Immutable, Alias("bead.before.v1")]
public sealed record BeadBefore([property: Id(0)] long? Priority, [property: Id(1)] string? Assignee);

/// <summary>An issue was removed by the client (contract 8.3).</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="WorkspaceId">Workspace that removed it.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="At">When.</param>
/// <param name="Command">The command line after which it was synced, or its beginning, where the client told it.</param>
[GenerateSerializer, Immutable, Alias("bead.removed.v1")]
public sealed record BeadRemoved(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string? WorkspaceId,
    [property: Id(3)] string Alias,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] string? Command = null) : IEvent;

/// <summary>A workspace claimed the bead, or renewed its claim. Becomes <c>bead.claimed</c> on the event stream.</summary>
/// <param name="WorkspaceId">Claimant.</param>
/// <param name="Alias">Claimant's alias.</param>
/// <param name="HumanName">Claimant's human name; may be empty.</param>
/// <param name="Apex">Root of the bead's parents; null when the bead is unknown.</param>
/// <param name="Title">Title of the bead when stored.</param>
/// <param name="At">When.</param>
/// <param name="Issue">Which issue of the bead the server chose, when it chose.</param>
/// <param name="Role">What the claimant does on the bead, when it said so.</param>
/// <param name="Note">What the claimant has to say about it.</param>
/// <param name="Why">Why the server chose this bead, when it chose.</param>
[GenerateSerializer, Immutable, Alias("bead.claimed.v1")]
public sealed record BeadClaimed(
    [property: Id(0)] string WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] BeadRef? Apex,
    [property: Id(4)] string? Title,
    [property: Id(5)] DateTimeOffset At,
    [property: Id(6)] BeadRef? Issue = null,
    [property: Id(7)] string? Role = null,
    [property: Id(8)] string? Note = null,
    [property: Id(9)] string? Why = null) : IEvent
{
    /// <summary>The claim that it makes.</summary>
    public BeadClaim Claim() => new(WorkspaceId, Alias, HumanName, At, Apex, Title, Role, Note);
}

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
