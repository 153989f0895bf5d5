using System.Collections.Immutable;
using Beadhub.Tasks;
using Beadhub.Beads;
using Beadhub.History;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Boards;

/// <summary>
/// The index of a project's beads: sync, list, search, ready work and claims. Key: project id. It owns no events: it is rebuilt from the
/// beads. Reads answer from memory; the same object is returned again while nothing that it shows has changed.
/// </summary>
[Alias("beadhub.board")]
public interface IBoardGrain : IGrainWithStringKey
{
    /// <summary>Stores issues, deletes, claims and releases (contract 8.3, 7.4).</summary>
    [Repeatable, AlwaysInterleave]
    Task<SyncOutcome> Sync(SyncBeads command);

    /// <summary>Releases every claim of a workspace that was deleted, with its events.</summary>
    /// <returns>The number of claims released.</returns>
    [Repeatable, AlwaysInterleave]
    Task<int> ReleaseClaimsOf(string workspaceId);

    /// <summary>
    /// Claims the best ready bead that nobody works on: the first in the order of <see cref="Ready"/> that passes the filters. Of many who
    /// ask at once each gets another one. Null when there is none.
    /// </summary>
    [AlwaysInterleave]
    Task<ClaimedBead?> ClaimNext(ClaimNextBead command);

    /// <summary>Creates an issue, as open unless its edit says otherwise.</summary>
    /// <exception cref="RefusedException">Its line would not be in order; it names beads that do not exist.</exception>
    [AlwaysInterleave]
    Task<IssueText> Create(CreateIssue command);

    /// <summary>
    /// Changes an issue by its line: what the edit does not name stays as it was written, and the line is newer than the one before, so
    /// that a client that pushes an older copy is told of a conflict. Closing it releases its claims.
    /// </summary>
    /// <exception cref="RefusedException">There is none; another workspace holds it and the edit would claim it; or as for
    /// <see cref="Create"/>.</exception>
    [AlwaysInterleave]
    Task<IssueText> Edit(ChangeIssue command);

    /// <summary>
    /// Puts lines in the place of others, or of none, or takes them away, for what restores and merges: each on the condition that what it
    /// replaces still stands. Claims stay as they are.
    /// </summary>
    /// <exception cref="RefusedException">A line is not in order; nothing was changed.</exception>
    [AlwaysInterleave]
    Task<PutOutcome> Put(PutLines command);

    /// <summary>Joins in the work on a bead, whoever else holds it; one's own claim is renewed.</summary>
    [AlwaysInterleave]
    Task<ClaimView> Join(JoinBead command);

    /// <summary>Releases a workspace's own claim on a bead.</summary>
    /// <returns>Whether there was one.</returns>
    [AlwaysInterleave]
    Task<bool> Leave(string workspaceId, string beadId);

    /// <summary>Claims a native task's reference for a workspace unless anybody holds it, the workspace itself included.</summary>
    [Repeatable, AlwaysInterleave]
    Task ClaimTask(ClaimTask command);

    /// <summary>Releases every claim on a native task's reference.</summary>
    [Repeatable, AlwaysInterleave]
    Task ReleaseTask(string taskRef, string title);

    /// <summary>Decides whether a command line may run (contract 8.2).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<CommandDecision> Decide(DecideCommand command);

    /// <summary>A page of issues (contract 7.6).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<IssuePage> Issues(IssueQuery query);

    /// <summary>One issue with all that its line says; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<IssueText?> Issue(IssueName name);

    /// <summary>Some of the lines of a repository and branch, by bead id, as they were received last.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ExportPage> Export(ExportQuery query);

    /// <summary>The repositories and branches that have issues, in the order of their names.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<IssuePlace>> Places();

    /// <summary>Open issues whose blockers are all closed (contract 7.8).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ReadyList> Ready(ReadyQuery query);

    /// <summary>A page of claims, newest first (contract 9.1).</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ClaimPage> Claims(ClaimQuery query);

    /// <summary>Who works on one bead.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<BeadClaims> ClaimsOn(string beadId);

    /// <summary>Beads as the list of tasks shows them (contract 15): each id once, as its clients changed it last.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<BeadsAsTasks> AsTasks(TaskQuery query);

    /// <summary>What is left of the project's plan: its longest chain, circles, what waits for what, and when it may be done.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<PlanInsights> Insights(PlanQuery query);

    /// <summary>Who works on what: claims and focus a workspace, with titles.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<BoardWork> Work();
}

/// <summary>A sync or an upload.</summary>
/// <param name="WorkspaceId">Acting workspace (or uploading agent); null when the caller has none.</param>
/// <param name="Alias">Its alias as sent.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="Issues">JSONL text of the issues as UTF-8, one object a line; validated for size and count only. Empty when none.</param>
/// <param name="DeletedIds">Ids to delete; invalid ones are skipped.</param>
/// <param name="RemoveDeleted">Whether issues in <paramref name="DeletedIds"/> are removed (incremental sync) or only their claims released
/// (full sync).</param>
/// <param name="CommandLine">The command whose claim or release follows (contract 9.2).</param>
/// <param name="BasedOn">Digests of the lines that the client has merged into what it sends: no issue with another line is replaced or
/// removed. Null when the client does not say.</param>
[GenerateSerializer, Immutable, Alias("board.sync.v1")]
public sealed record SyncBeads(
    [property: Id(0)] string? WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] string Repo,
    [property: Id(4)] string Branch,
    [property: Id(5)] ImmutableArray<byte> Issues,
    [property: Id(6)] ImmutableArray<string> DeletedIds,
    [property: Id(7)] bool RemoveDeleted,
    [property: Id(8)] string? CommandLine,
    [property: Id(9)] ImmutableArray<LineDigest>? BasedOn = null);

/// <summary>Puts lines in the place of others.</summary>
/// <param name="WorkspaceId">Acting workspace; null when the caller has none.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
/// <param name="Command">What leads to it.</param>
/// <param name="Lines">The lines.</param>
[GenerateSerializer, Immutable, Alias("board.put.v1")]
public sealed record PutLines(
    [property: Id(0)] string? WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] string Command,
    [property: Id(4)] ImmutableArray<PutLine> Lines);

/// <summary>A line in the place of another.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch.</param>
/// <param name="BeadId">Bead id.</param>
/// <param name="Line">The line; null to remove the issue.</param>
/// <param name="Replaces">Hash of the line that it may replace; null for an issue that is not stored.</param>
[GenerateSerializer, Immutable, Alias("board.put_line.v1")]
public sealed record PutLine(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Line,
    [property: Id(4)] ObjectHash? Replaces);

/// <summary>What became of lines that were put.</summary>
/// <param name="Conflicts">Ids of beads that somebody has changed meanwhile; their lines stand as they are.</param>
[GenerateSerializer, Immutable, Alias("board.put_done.v1")]
public sealed record PutOutcome([property: Id(0)] ImmutableArray<string> Conflicts);

/// <summary>What a sync did.</summary>
/// <param name="Received">Distinct valid issues, conflicts included.</param>
/// <param name="Added">Issues that were new.</param>
/// <param name="Updated">Stored issues that were sent again, changed or not.</param>
/// <param name="Deleted">Issues removed.</param>
/// <param name="Conflicts">Ids whose stored issue is newer, or not what the sync is based on.</param>
/// <param name="StatusChanges">Number of issues whose status changed.</param>
/// <param name="Total">Issues stored for this repository and branch afterwards.</param>
/// <param name="ClaimRefused">The contract's sentence when a claim was refused because another workspace holds the bead; null
/// otherwise.</param>
/// <param name="SyncedAt">The instant that all stored issues carry.</param>
/// <param name="NotificationsSent">Mails that subscribers got (contract 12.4).</param>
/// <param name="NotificationsFailed">Mails that subscribers could not get yet.</param>
/// <param name="Unchanged">Those of <paramref name="Updated"/> that were stored already just as they came.</param>
[GenerateSerializer, Immutable, Alias("board.synced.v1")]
public sealed record SyncOutcome(
    [property: Id(0)] int Received,
    [property: Id(1)] int Added,
    [property: Id(2)] int Updated,
    [property: Id(3)] int Deleted,
    [property: Id(4)] ImmutableArray<string> Conflicts,
    [property: Id(5)] int StatusChanges,
    [property: Id(6)] int Total,
    [property: Id(7)] string? ClaimRefused,
    [property: Id(8)] DateTimeOffset SyncedAt,
    [property: Id(9)] int NotificationsSent = 0,
    [property: Id(10)] int NotificationsFailed = 0,
    [property: Id(11)] int Unchanged = 0);

/// <summary>A command line that a workspace is about to run.</summary>
[GenerateSerializer, Immutable, Alias("board.decide.v1")]
public sealed record DecideCommand([property: Id(0)] string WorkspaceId, [property: Id(1)] string CommandLine);

/// <summary>Whether it may run, and who works on what (contract 8.2).</summary>
/// <param name="Approved">False only when another workspace holds the bead that the command would claim.</param>
/// <param name="Reason">The contract's sentence; empty when approved.</param>
/// <param name="InProgress">Newest claims of the project, at most 200, and any claim on the bead in question.</param>
[GenerateSerializer, Immutable, Alias("board.decision.v1")]
public sealed record CommandDecision(
    [property: Id(0)] bool Approved,
    [property: Id(1)] string Reason,
    [property: Id(2)] ImmutableArray<BeadInProgress> InProgress);

/// <summary>A claim as <c>beads_in_progress</c> shows it.</summary>
[GenerateSerializer, Immutable, Alias("board.in_progress.v1")]
public sealed record BeadInProgress(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string HumanName,
    [property: Id(4)] DateTimeOffset StartedAt,
    [property: Id(5)] string? Title,
    [property: Id(6)] string? Role);
