using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.History;
using Orleans;

namespace Beadhub.Boards;

/// <summary>Which issues to list; null or empty parts do not filter (contract 7.6).</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Statuses">Any of these.</param>
/// <param name="Assignee">Exactly.</param>
/// <param name="CreatedBy">Exactly.</param>
/// <param name="Label">Among the labels.</param>
/// <param name="Type">Exactly.</param>
/// <param name="Text">Prefix of the bead id or part of the title, ignoring case.</param>
/// <param name="Limit">Page size, 1 to 200.</param>
/// <param name="After">Sort key of the last issue of the page before.</param>
/// <param name="AsOf">Root of a commit's tree: the issues as they were then.</param>
[GenerateSerializer, Immutable, Alias("board.issue_query.v1")]
public sealed record IssueQuery(
    [property: Id(0)] string? Repo,
    [property: Id(1)] string? Branch,
    [property: Id(2)] string? Statuses,
    [property: Id(3)] string? Assignee,
    [property: Id(4)] string? CreatedBy,
    [property: Id(5)] string? Label,
    [property: Id(6)] string? Type,
    [property: Id(7)] string? Text,
    [property: Id(8)] int Limit,
    [property: Id(9)] IssueCursor? After,
    [property: Id(10)] ObjectHash? AsOf = null);

/// <summary>Sort key of an issue: newest first, then by priority (none last), then by bead id; repository and branch break ties.</summary>
[GenerateSerializer, Immutable, Alias("board.issue_cursor.v1")]
public sealed record IssueCursor(
    [property: Id(0)] DateTimeOffset SortTime,
    [property: Id(1)] long? Priority,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Repo,
    [property: Id(4)] string? Branch);

/// <summary>A page of issues.</summary>
/// <param name="Issues">In the order of <see cref="IssueCursor"/>.</param>
/// <param name="Next">Where the next page starts; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("board.issue_page.v1")]
public sealed record IssuePage([property: Id(0)] ImmutableArray<IssueRow> Issues, [property: Id(1)] IssueCursor? Next);

/// <summary>An issue in a list: what <see cref="BeadRecord"/> holds less the description.</summary>
[GenerateSerializer, Immutable, Alias("board.issue.v1")]
public sealed record IssueRow(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string Repo,
    [property: Id(2)] string Branch,
    [property: Id(3)] string? Title,
    [property: Id(4)] string? Status,
    [property: Id(5)] long? Priority,
    [property: Id(6)] string? Type,
    [property: Id(7)] string? Assignee,
    [property: Id(8)] string? CreatedBy,
    [property: Id(9)] ImmutableArray<string> Labels,
    [property: Id(10)] ImmutableArray<BeadRef> BlockedBy,
    [property: Id(11)] BeadRef? Parent,
    [property: Id(12)] DateTimeOffset? CreatedAt,
    [property: Id(13)] DateTimeOffset? UpdatedAt,
    [property: Id(14)] DateTimeOffset SyncedAt);

/// <summary>Which ready issues to list (contract 7.8).</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Limit">How many.</param>
/// <param name="AsOf">Root of a commit's tree: what was ready then.</param>
[GenerateSerializer, Immutable, Alias("board.ready_query.v1")]
public sealed record ReadyQuery([property: Id(0)] string? Repo, [property: Id(1)] string? Branch, [property: Id(2)] int Limit,
    [property: Id(3)] ObjectHash? AsOf = null);

/// <summary>Ready issues by priority, then bead id.</summary>
/// <param name="Issues">As many as were asked for, and no more than one answer may hold.</param>
/// <param name="HasMore">Whether there are more.</param>
[GenerateSerializer, Immutable, Alias("board.ready.v1")]
public sealed record ReadyList([property: Id(0)] ImmutableArray<IssueRow> Issues, [property: Id(1)] bool HasMore = false);

/// <summary>Names an issue to be shown whole.</summary>
/// <param name="BeadId">Bead id.</param>
/// <param name="Repo">Canonical origin; with the branch null the first by repository and branch (contract 7.7).</param>
/// <param name="Branch">Branch.</param>
/// <param name="Newest">Of several the one that its clients changed last, instead.</param>
/// <param name="AsOf">Root of a commit's tree: the issue as it was then.</param>
[GenerateSerializer, Immutable, Alias("board.issue_name.v1")]
public sealed record IssueName([property: Id(0)] string BeadId, [property: Id(1)] string? Repo = null,
    [property: Id(2)] string? Branch = null, [property: Id(3)] bool Newest = false, [property: Id(4)] ObjectHash? AsOf = null);

/// <summary>An issue whole.</summary>
/// <param name="Record">The issue, with its description.</param>
/// <param name="Line">Its line as it was received; made from what is known when it was stored by a version that did not keep the
/// line.</param>
[GenerateSerializer, Immutable, Alias("board.issue_text.v1")]
public sealed record IssueText([property: Id(0)] BeadRecord Record, [property: Id(1)] string Line);

/// <summary>Which lines to export.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="After">Bead id after which to go on; null for the first page.</param>
/// <param name="AsOf">Root of a commit's tree: the lines as they were then.</param>
[GenerateSerializer, Immutable, Alias("board.export_query.v1")]
public sealed record ExportQuery([property: Id(0)] string Repo, [property: Id(1)] string Branch, [property: Id(2)] string? After,
    [property: Id(3)] ObjectHash? AsOf = null);

/// <summary>A repository and branch that has issues.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Count">How many.</param>
[GenerateSerializer, Immutable, Alias("board.place.v1")]
public sealed record IssuePlace([property: Id(0)] string Repo, [property: Id(1)] string Branch, [property: Id(2)] int Count);

/// <summary>Lines of issues.</summary>
/// <param name="Lines">UTF-8, each line with its line feed.</param>
/// <param name="Next">Bead id after which the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("board.export_page.v1")]
public sealed record ExportPage([property: Id(0)] ImmutableArray<byte> Lines, [property: Id(1)] string? Next);
