using System.Collections.Immutable;
using Beadhub.Tasks;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.History;

/// <summary>
/// The history of a project's beads: commits with their trees, branches, tags, and a merge that waits. Key: project id. A version is named
/// by a commit's id or the beginning of one, a branch, a tag, a time, <c>HEAD</c>, <c>HEAD~n</c>, or <c>WORKING</c> for what stands now.
/// </summary>
[Alias("beadhub.history")]
public interface IHistoryGrain : IGrainWithStringKey
{
    /// <summary>What the history stands at.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HistoryStatus> Status();

    /// <summary>Chooses when commits are made: one of <see cref="CommitModes"/>.</summary>
    Task SetMode(string mode, string by);

    /// <summary>Commits the working set, or lines onto another branch; null when that would change nothing.</summary>
    Task<CommitView?> Commit(CreateCommit command);

    /// <summary>After a sync or an upload that has changed something: commits when the project wants it so.</summary>
    Task AfterWrite(CreateCommit command);

    /// <summary>Commits from one on, newest first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<CommitPage> Commits(LogQuery query);

    /// <summary>One commit.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<CommitView> Show(string version);

    /// <summary>The root of a version's tree; null for the working set.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ObjectHash?> Resolve(string version);

    /// <summary>The native tasks that a commit's tree holds otherwise than they stand.</summary>
    /// <param name="root">Root of the tree.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<StandingTask>> TasksAt(ObjectHash root);

    /// <summary>The line of a native task in a commit's tree; null when it has none.</summary>
    /// <param name="root">Root of the tree.</param>
    /// <param name="taskId">The task.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> TaskAt(ObjectHash root, string taskId);

    /// <summary>What differs between two versions, bead by bead and field by field.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<DiffPage> Diff(DiffQuery query);

    /// <summary>What has happened to an issue, oldest first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<IssueHistory> Events(IssueHistoryQuery query);

    /// <summary>Who has set each field of an issue last, and which commit holds that first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<IssueBlame> Blame(IssueHistoryQuery query);

    /// <summary>Makes beads what they were at a version; their lines are newer than those that they replace.</summary>
    Task<RestoreOutcome> Restore(RestoreBeads command);

    /// <summary>Sets or deletes a tag or a branch.</summary>
    Task<HistoryRef> SetRef(SetHistoryRef command);

    /// <summary>Tags or branches, by name.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HistoryRefs> Refs(bool tags);

    /// <summary>Merges a version into the working set and commits; with conflicts it waits, and changes nothing.</summary>
    Task<MergeOutcome> Merge(MergeVersion command);

    /// <summary>The merge that waits, with what is to be decided; null when none does.</summary>
    Task<PendingMerge?> Waiting();

    /// <summary>Decides on a conflict of the merge that waits.</summary>
    Task<PendingMerge> Choose(ConflictChoice choice, string by);

    /// <summary>Carries out the merge that waits, with another message of its commit, or the one that it has.</summary>
    Task<MergeOutcome> Complete(HistoryAuthor by, string? message);

    /// <summary>Gives up the merge that waits.</summary>
    Task Abandon(string by);

    /// <summary>Commits and chunks by their hashes; those that are not here are left out.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<HistoryObject>> Objects(ImmutableArray<ObjectHash> ids);

    /// <summary>
    /// Some of the objects that are missing between versions, in an order in which each can be taken in: commits, parents first, each after
    /// the chunks and lines of its tree.
    /// </summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<MissingObjects> Missing(MissingQuery query);

    /// <summary>
    /// Takes in objects that came from another site, each checked: chunks and lines by their hashes, commits when all that they name is
    /// here. What is here already costs nothing.
    /// </summary>
    /// <exception cref="RefusedException">One is not what its hash says, or names what is not here.</exception>
    Task<int> Receive(ImmutableArray<HistoryObject> objects);
}

/// <summary>When commits are made.</summary>
public static class CommitModes
{
    /// <summary>When somebody asks for one.</summary>
    public const string Manual = "manual";

    /// <summary>After each sync or upload that changed something.</summary>
    public const string Command = "command";
}

/// <summary>An object of the history, to be sent to another site.</summary>
[GenerateSerializer, Immutable, Alias("history.sent_object.v1")]
public sealed record HistoryObject([property: Id(0)] ObjectHash Id, [property: Id(1)] string Text);

/// <summary>Which objects are missing.</summary>
/// <param name="Wanted">Commits that are wanted.</param>
/// <param name="Known">Commits that the other site has whole; those that are not known here are ignored.</param>
/// <param name="After">Where the page begins; 0 for the first.</param>
/// <param name="MaxCharacters">About how much a page may hold.</param>
/// <param name="Skip">Objects of the first commit that the page before has.</param>
[GenerateSerializer, Immutable, Alias("history.missing_query.v1")]
public sealed record MissingQuery(
    [property: Id(0)] ImmutableArray<ObjectHash> Wanted,
    [property: Id(1)] ImmutableArray<ObjectHash> Known,
    [property: Id(2)] int After,
    [property: Id(3)] int MaxCharacters,
    [property: Id(4)] int Skip = 0);

/// <summary>A page of missing objects.</summary>
/// <param name="Objects">The objects.</param>
/// <param name="Next">Where the next page begins; null when there is none.</param>
/// <param name="Commits">Commits that are missing, in all.</param>
/// <param name="NextSkip">Objects of the next page's first commit that this one has.</param>
[GenerateSerializer, Immutable, Alias("history.missing.v1")]
public sealed record MissingObjects([property: Id(0)] ImmutableArray<HistoryObject> Objects, [property: Id(1)] int? Next,
    [property: Id(2)] int Commits, [property: Id(3)] int NextSkip = 0);

/// <summary>Who changes the history.</summary>
/// <param name="Alias">As commits name it.</param>
/// <param name="AgentId">Agent, which is its workspace; null for none.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
[GenerateSerializer, Immutable, Alias("history.author.v1")]
public sealed record HistoryAuthor([property: Id(0)] string Alias, [property: Id(1)] string? AgentId = null,
    [property: Id(2)] string HumanName = "");

/// <summary>What the history stands at.</summary>
/// <param name="Mode">One of <see cref="CommitModes"/>.</param>
/// <param name="Head">Newest commit of <c>main</c>; null before the first.</param>
/// <param name="Commits">Number of commits.</param>
/// <param name="IsMerging">Whether a merge waits.</param>
[GenerateSerializer, Immutable, Alias("history.status.v1")]
public sealed record HistoryStatus([property: Id(0)] string Mode, [property: Id(1)] ObjectHash? Head, [property: Id(2)] int Commits,
    [property: Id(3)] bool IsMerging);

/// <summary>Makes a commit.</summary>
/// <param name="By">Who.</param>
/// <param name="Message">What for.</param>
/// <param name="Lines">Lines to be committed onto a branch of the history, without touching the working set; null for the working
/// set.</param>
[GenerateSerializer, Immutable, Alias("history.create_commit.v1")]
public sealed record CreateCommit([property: Id(0)] HistoryAuthor By, [property: Id(1)] string Message,
    [property: Id(2)] CommittedLines? Lines = null);

/// <summary>Lines for a branch of the history.</summary>
/// <param name="On">The branch; it begins at <c>HEAD</c> when there is none of this name. Not <c>main</c>.</param>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch of the repository.</param>
/// <param name="Issues">JSONL as UTF-8.</param>
/// <param name="DeletedIds">Beads that are gone.</param>
[GenerateSerializer, Immutable, Alias("history.committed_lines.v1")]
public sealed record CommittedLines(
    [property: Id(0)] string On,
    [property: Id(1)] string Repo,
    [property: Id(2)] string Branch,
    [property: Id(3)] ImmutableArray<byte> Issues,
    [property: Id(4)] ImmutableArray<string> DeletedIds);

/// <summary>A commit as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("history.commit_view.v1")]
public sealed record CommitView(
    [property: Id(0)] ObjectHash Id,
    [property: Id(1)] ImmutableArray<ObjectHash> Parents,
    [property: Id(2)] ObjectHash Root,
    [property: Id(3)] string Author,
    [property: Id(4)] DateTimeOffset Time,
    [property: Id(5)] string Message,
    [property: Id(6)] ImmutableArray<string> Branches,
    [property: Id(7)] ImmutableArray<string> Tags);

/// <summary>Which commits to list.</summary>
/// <param name="From">Version from which to go back.</param>
/// <param name="Limit">How many.</param>
/// <param name="Skip">How many to leave out.</param>
[GenerateSerializer, Immutable, Alias("history.log_query.v1")]
public sealed record LogQuery([property: Id(0)] string From, [property: Id(1)] int Limit, [property: Id(2)] int Skip);

/// <summary>A page of commits.</summary>
[GenerateSerializer, Immutable, Alias("history.log_page.v1")]
public sealed record CommitPage([property: Id(0)] ImmutableArray<CommitView> Commits, [property: Id(1)] ObjectHash? From,
    [property: Id(2)] bool HasMore);

/// <summary>Which difference to show.</summary>
/// <param name="From">The one version.</param>
/// <param name="To">The other.</param>
/// <param name="Limit">Beads of a page.</param>
/// <param name="After">Repository, branch and bead id after which the page begins, with tabulators between; null for the first.</param>
/// <param name="BeadId">Only this bead.</param>
[GenerateSerializer, Immutable, Alias("history.diff_query.v1")]
public sealed record DiffQuery(
    [property: Id(0)] string From,
    [property: Id(1)] string To,
    [property: Id(2)] int Limit,
    [property: Id(3)] string? After = null,
    [property: Id(4)] string? BeadId = null);

/// <summary>Beads in which two versions differ.</summary>
/// <param name="From">The one version's commit; null for the working set.</param>
/// <param name="To">The other's.</param>
/// <param name="Beads">By repository, branch and id.</param>
/// <param name="Total">How many differ in all.</param>
/// <param name="Next">Where the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("history.diff_page.v1")]
public sealed record DiffPage(
    [property: Id(0)] ObjectHash? From,
    [property: Id(1)] ObjectHash? To,
    [property: Id(2)] ImmutableArray<BeadDifference> Beads,
    [property: Id(3)] int Total,
    [property: Id(4)] string? Next);

/// <summary>A bead in which two versions differ.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch of the repository.</param>
/// <param name="BeadId">Bead id.</param>
/// <param name="Change"><c>added</c>, <c>removed</c> or <c>changed</c>.</param>
/// <param name="Title">Its title in the second version, or the first where it was removed.</param>
/// <param name="Fields">The fields that differ.</param>
[GenerateSerializer, Immutable, Alias("history.bead_difference.v1")]
public sealed record BeadDifference(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string Change,
    [property: Id(4)] string? Title,
    [property: Id(5)] ImmutableArray<FieldChange> Fields);

/// <summary>A field that differs. Values are JSON; null where there is none.</summary>
[GenerateSerializer, Immutable, Alias("history.field_change.v1")]
public sealed record FieldChange([property: Id(0)] string Field, [property: Id(1)] string? Old, [property: Id(2)] string? New);

/// <summary>Which issue.</summary>
/// <param name="BeadId">Bead id.</param>
/// <param name="Repo">Canonical origin; null for all, or for the first where one is asked for.</param>
/// <param name="Branch">Branch of the repository.</param>
/// <param name="Limit">Events of a page.</param>
/// <param name="After">Version of the bead after which the page begins.</param>
[GenerateSerializer, Immutable, Alias("history.issue_query.v1")]
public sealed record IssueHistoryQuery(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string? Repo = null,
    [property: Id(2)] string? Branch = null,
    [property: Id(3)] int Limit = 100,
    [property: Id(4)] long After = 0);

/// <summary>What has happened to an issue.</summary>
/// <param name="Events">Oldest first.</param>
/// <param name="Next">Version after which the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("history.issue_history.v1")]
public sealed record IssueHistory([property: Id(0)] ImmutableArray<IssueEvent> Events, [property: Id(1)] long? Next);

/// <summary>Something that has happened to an issue.</summary>
/// <param name="Version">Number among the bead's events.</param>
/// <param name="Change"><c>added</c>, <c>changed</c>, <c>removed</c>, <c>claimed</c> or <c>released</c>.</param>
/// <param name="At">When.</param>
/// <param name="By">Alias of who did it; empty when nobody is known.</param>
/// <param name="AgentId">Agent that did it, if any.</param>
/// <param name="Command">The command line after which it was synced, where that is known.</param>
/// <param name="Repo">Canonical origin; null for claims.</param>
/// <param name="Branch">Branch of the repository.</param>
/// <param name="Fields">Fields that it changed.</param>
[GenerateSerializer, Immutable, Alias("history.issue_event.v1")]
public sealed record IssueEvent(
    [property: Id(0)] long Version,
    [property: Id(1)] string Change,
    [property: Id(2)] DateTimeOffset At,
    [property: Id(3)] string By,
    [property: Id(4)] string? AgentId,
    [property: Id(5)] string? Command,
    [property: Id(6)] string? Repo,
    [property: Id(7)] string? Branch,
    [property: Id(8)] ImmutableArray<FieldChange> Fields);

/// <summary>Who has set each field of an issue.</summary>
[GenerateSerializer, Immutable, Alias("history.issue_blame.v1")]
public sealed record IssueBlame([property: Id(0)] string BeadId, [property: Id(1)] string Repo, [property: Id(2)] string Branch,
    [property: Id(3)] ImmutableArray<BlamedField> Fields);

/// <summary>Who has set a field last.</summary>
/// <param name="Field">Field.</param>
/// <param name="Value">Its value, as JSON.</param>
/// <param name="Commit">The first commit that has this value; null while it is in none.</param>
/// <param name="Author">Who made that commit.</param>
/// <param name="Time">When that was.</param>
/// <param name="By">Alias of who set the field here; null when it came with the commit from another site.</param>
/// <param name="At">When that was.</param>
/// <param name="Command">The command line after which it was synced, where that is known.</param>
[GenerateSerializer, Immutable, Alias("history.blamed_field.v1")]
public sealed record BlamedField(
    [property: Id(0)] string Field,
    [property: Id(1)] string Value,
    [property: Id(2)] ObjectHash? Commit,
    [property: Id(3)] string? Author,
    [property: Id(4)] DateTimeOffset? Time,
    [property: Id(5)] string? By,
    [property: Id(6)] DateTimeOffset? At,
    [property: Id(7)] string? Command);

/// <summary>Makes beads what they were.</summary>
/// <param name="By">Who.</param>
/// <param name="To">The version.</param>
/// <param name="BeadIds">Only these beads; empty for all.</param>
/// <param name="Repo">Only of this repository.</param>
/// <param name="Branch">Only of this branch of the repository.</param>
/// <param name="ChangedBy">Only beads that somebody of this alias has changed since.</param>
/// <param name="Message">Message of a commit to be made of it; null for none, unless the project commits after each command.</param>
[GenerateSerializer, Immutable, Alias("history.restore.v1")]
public sealed record RestoreBeads(
    [property: Id(0)] HistoryAuthor By,
    [property: Id(1)] string To,
    [property: Id(2)] ImmutableArray<string> BeadIds,
    [property: Id(3)] string? Repo,
    [property: Id(4)] string? Branch,
    [property: Id(5)] string? ChangedBy,
    [property: Id(6)] string? Message);

/// <summary>What became of a restore.</summary>
/// <param name="Restored">Beads whose line is another one now, or that are back.</param>
/// <param name="Removed">Beads that are gone, as they were then.</param>
/// <param name="Kept">Ids of beads that somebody changed meanwhile, and that stand as that one left them.</param>
/// <param name="Commit">The commit that was made of it, if any.</param>
[GenerateSerializer, Immutable, Alias("history.restored.v1")]
public sealed record RestoreOutcome([property: Id(0)] int Restored, [property: Id(1)] int Removed,
    [property: Id(2)] ImmutableArray<string> Kept, [property: Id(3)] ObjectHash? Commit);

/// <summary>Sets or deletes a tag or a branch.</summary>
/// <param name="By">Who.</param>
/// <param name="IsTag">Whether it is a tag.</param>
/// <param name="Name">Name.</param>
/// <param name="To">The version; null to delete it.</param>
/// <param name="Message">What a tag is for.</param>
/// <param name="Moves">Whether a branch that is there already may move; a tag never does.</param>
/// <param name="Expected">Where a branch must stand still for it, where that matters; the default for a branch that must be new.</param>
[GenerateSerializer, Immutable, Alias("history.set_ref.v1")]
public sealed record SetHistoryRef(
    [property: Id(0)] HistoryAuthor By,
    [property: Id(1)] bool IsTag,
    [property: Id(2)] string Name,
    [property: Id(3)] string? To,
    [property: Id(4)] string Message = "",
    [property: Id(5)] bool Moves = false,
    [property: Id(6)] ObjectHash? Expected = null);

/// <summary>A tag or a branch.</summary>
[GenerateSerializer, Immutable, Alias("history.ref.v1")]
public sealed record HistoryRef([property: Id(0)] string Name, [property: Id(1)] ObjectHash Commit, [property: Id(2)] string? Message,
    [property: Id(3)] string? By, [property: Id(4)] DateTimeOffset? At);

/// <summary>Tags or branches.</summary>
[GenerateSerializer, Immutable, Alias("history.refs.v1")]
public sealed record HistoryRefs([property: Id(0)] ImmutableArray<HistoryRef> Refs);

/// <summary>Merges a version into the working set.</summary>
/// <param name="By">Who.</param>
/// <param name="From">The version.</param>
/// <param name="Message">Message of the commit; null for a usual one.</param>
/// <param name="Prefer"><c>ours</c> or <c>theirs</c> in conflicts; null to wait for decisions.</param>
/// <param name="OnlyForward">Refuse when it does not lead forward from <c>main</c>, or not all that stands is committed.</param>
[GenerateSerializer, Immutable, Alias("history.merge.v1")]
public sealed record MergeVersion([property: Id(0)] HistoryAuthor By, [property: Id(1)] string From, [property: Id(2)] string? Message,
    [property: Id(3)] string? Prefer = null, [property: Id(4)] bool OnlyForward = false);

/// <summary>What became of a merge.</summary>
/// <param name="Result"><c>up_to_date</c>, <c>fast_forward</c>, <c>merged</c> or <c>conflicts</c>.</param>
/// <param name="Commit">Newest commit of <c>main</c> afterwards.</param>
/// <param name="Before">The commit that was made of what was not committed yet, if any.</param>
/// <param name="Changed">Beads of the working set that are changed.</param>
/// <param name="Conflicts">Number of conflicts to be decided on.</param>
[GenerateSerializer, Immutable, Alias("history.merged.v1")]
public sealed record MergeOutcome(
    [property: Id(0)] string Result,
    [property: Id(1)] ObjectHash? Commit,
    [property: Id(2)] ObjectHash? Before = null,
    [property: Id(3)] int Changed = 0,
    [property: Id(4)] int Conflicts = 0);

/// <summary>A merge that waits.</summary>
/// <param name="From">The commit that is to be merged.</param>
/// <param name="Name">As it was named.</param>
/// <param name="Message">Message of the commit to come.</param>
/// <param name="By">Who began it.</param>
/// <param name="At">When.</param>
/// <param name="Conflicts">What is to be decided.</param>
/// <param name="Choices">What was decided.</param>
[GenerateSerializer, Immutable, Alias("history.pending_merge.v1")]
public sealed record PendingMerge(
    [property: Id(0)] ObjectHash From,
    [property: Id(1)] string Name,
    [property: Id(2)] string Message,
    [property: Id(3)] string By,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] ImmutableArray<MergeConflict> Conflicts,
    [property: Id(6)] ImmutableArray<ConflictChoice> Choices);

/// <summary>A field that both sides have changed. Values are JSON; null where a side has none.</summary>
/// <param name="Repo">Canonical origin.</param>
/// <param name="Branch">Branch of the repository.</param>
/// <param name="BeadId">Bead id.</param>
/// <param name="Field">Field; null where one side has removed the bead: the values are whole lines then.</param>
/// <param name="Base">As it was when both were the same.</param>
/// <param name="Ours">As it is here.</param>
/// <param name="Theirs">As it is there.</param>
[GenerateSerializer, Immutable, Alias("history.conflict.v1")]
public sealed record MergeConflict(
    [property: Id(0)] string Repo,
    [property: Id(1)] string Branch,
    [property: Id(2)] string BeadId,
    [property: Id(3)] string? Field,
    [property: Id(4)] string? Base,
    [property: Id(5)] string? Ours,
    [property: Id(6)] string? Theirs);

/// <summary>A decision on a conflict.</summary>
/// <param name="BeadId">Bead id.</param>
/// <param name="Repo">Canonical origin; null for any.</param>
/// <param name="Branch">Branch of the repository; null for any.</param>
/// <param name="Field">Field; null for the bead as a whole.</param>
/// <param name="Take"><c>ours</c>, <c>theirs</c>, <c>base</c> or <c>value</c>.</param>
/// <param name="Value">JSON of the value, for <c>value</c>.</param>
[GenerateSerializer, Immutable, Alias("history.choice.v1")]
public sealed record ConflictChoice(
    [property: Id(0)] string BeadId,
    [property: Id(1)] string? Repo,
    [property: Id(2)] string? Branch,
    [property: Id(3)] string? Field,
    [property: Id(4)] string Take,
    [property: Id(5)] string? Value = null);
