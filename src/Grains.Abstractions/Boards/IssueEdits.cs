using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Boards;

/// <summary>Creates an issue, as the client's tool would have written its line.</summary>
/// <param name="By">Who creates it.</param>
/// <param name="Id">An id of 128 bits that only repeats of the request share: the bead's id follows from it.</param>
/// <param name="Prefix">What the bead's id begins with where the repository has no issue yet.</param>
/// <param name="Repo">Canonical origin; null for the only one that has issues, or <paramref name="Prefix"/> where there is none.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Edit">Its fields.</param>
[GenerateSerializer, Immutable, Alias("board.create_issue.v1")]
public sealed record CreateIssue(
    [property: Id(0)] IssueEditor By,
    [property: Id(1)] string Id,
    [property: Id(2)] string Prefix,
    [property: Id(3)] string? Repo,
    [property: Id(4)] string Branch,
    [property: Id(5)] IssueEdit Edit);

/// <summary>Changes an issue.</summary>
/// <param name="By">Who changes it.</param>
/// <param name="BeadId">Bead id.</param>
/// <param name="Repo">Canonical origin; null for the one that was changed last.</param>
/// <param name="Branch">Branch; null for the one that was changed last.</param>
/// <param name="Edit">What changes.</param>
[GenerateSerializer, Immutable, Alias("board.change_issue.v1")]
public sealed record ChangeIssue(
    [property: Id(0)] IssueEditor By,
    [property: Id(1)] string BeadId,
    [property: Id(2)] string? Repo,
    [property: Id(3)] string? Branch,
    [property: Id(4)] IssueEdit Edit);

/// <summary>Who edits an issue.</summary>
/// <param name="WorkspaceId">Agent, which is its workspace.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
[GenerateSerializer, Immutable, Alias("board.issue_editor.v1")]
public sealed record IssueEditor([property: Id(0)] string WorkspaceId, [property: Id(1)] string Alias, [property: Id(2)] string HumanName);

/// <summary>What changes in an issue's line. What is null stays as it is.</summary>
/// <param name="Fields">Fields that are set, by the names of the client's tool.</param>
/// <param name="Status">Status. <c>closed</c> releases every claim, <c>in_progress</c> claims for who edits.</param>
/// <param name="Reason">Why it was closed.</param>
/// <param name="BlockedBy">All beads that block it, of its own repository; others of other repositories stay.</param>
/// <param name="Parent">The bead that it is a part of; empty for none.</param>
/// <param name="Comment">A comment to be added.</param>
[GenerateSerializer, Immutable, Alias("board.issue_edit.v1")]
public sealed record IssueEdit(
    [property: Id(0)] ImmutableArray<LineField> Fields,
    [property: Id(1)] string? Status = null,
    [property: Id(2)] string? Reason = null,
    [property: Id(3)] ImmutableArray<string>? BlockedBy = null,
    [property: Id(4)] string? Parent = null,
    [property: Id(5)] string? Comment = null);

/// <summary>A field of an issue's line.</summary>
/// <param name="Name">Name.</param>
/// <param name="Json">Value as JSON; null takes the field away.</param>
[GenerateSerializer, Immutable, Alias("board.line_field.v1")]
public sealed record LineField([property: Id(0)] string Name, [property: Id(1)] string? Json);
