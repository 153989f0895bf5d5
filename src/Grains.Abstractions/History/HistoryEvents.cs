using System.Collections.Immutable;
using Orleans;

namespace Beadhub.History;

/// <summary>A chunk of a tree, or a line that no bead's own events hold, under its hash: its stream has this one event.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Versions">Of a leaf's lines, in their order: version of the event in the bead's stream that holds the line, 0 for an object
/// by itself.</param>
[GenerateSerializer, Immutable, Alias("history.object.v1")]
public sealed record ObjectStored([property: Id(0)] string Text, [property: Id(1)] ImmutableArray<long>? Versions = null) : IEvent;

/// <summary>A commit is part of the history: it was made here, or came from another site. All that it names is in the log.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parents">Ids of its parents.</param>
/// <param name="Root">Root of its tree.</param>
/// <param name="Author">Who made it.</param>
/// <param name="Time">When.</param>
/// <param name="Message">What for.</param>
/// <param name="Branch">Branch of the history whose newest commit it is now; null for none.</param>
/// <param name="Position">Position of the project's feed whose working set it is at least; 0 when it came from elsewhere.</param>
/// <param name="AgentId">Agent that made it here, if any.</param>
/// <param name="HasTasks">Whether native tasks are in its tree: they are in none of those that older versions have made.</param>
[GenerateSerializer, Immutable, Alias("history.committed.v1")]
public sealed record CommitAdded(
    [property: Id(0)] ObjectHash Id,
    [property: Id(1)] ImmutableArray<ObjectHash> Parents,
    [property: Id(2)] ObjectHash Root,
    [property: Id(3)] string Author,
    [property: Id(4)] DateTimeOffset Time,
    [property: Id(5)] string Message,
    [property: Id(6)] string? Branch,
    [property: Id(7)] long Position,
    [property: Id(8)] string? AgentId,
    [property: Id(9)] bool? HasTasks = null) : IEvent;

/// <summary>A branch of the history stands at a commit, or exists no longer.</summary>
/// <param name="Name">Name.</param>
/// <param name="Commit">The commit; null when the branch was deleted.</param>
/// <param name="By">Who did it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("history.branch_set.v1")]
public sealed record HistoryBranchSet([property: Id(0)] string Name, [property: Id(1)] ObjectHash? Commit, [property: Id(2)] string By,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>A commit has a name that stays, or has it no longer.</summary>
/// <param name="Name">Name.</param>
/// <param name="Commit">The commit; null when the tag was deleted.</param>
/// <param name="Message">What for; may be empty.</param>
/// <param name="By">Who did it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("history.tag_set.v1")]
public sealed record HistoryTagSet([property: Id(0)] string Name, [property: Id(1)] ObjectHash? Commit, [property: Id(2)] string Message,
    [property: Id(3)] string By, [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>When commits are made.</summary>
/// <param name="Mode">One of <see cref="CommitModes"/>.</param>
/// <param name="By">Who chose it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("history.mode_set.v1")]
public sealed record CommitModeSet([property: Id(0)] string Mode, [property: Id(1)] string By, [property: Id(2)] DateTimeOffset At)
    : IEvent;

/// <summary>A merge waits for decisions on its conflicts. Nothing of it is in the working set.</summary>
/// <param name="From">The commit that is to be merged.</param>
/// <param name="Name">As it was named.</param>
/// <param name="Message">Message of the commit to come.</param>
/// <param name="By">Who began it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("history.merge_begun.v1")]
public sealed record MergeBegun([property: Id(0)] ObjectHash From, [property: Id(1)] string Name, [property: Id(2)] string Message,
    [property: Id(3)] string By, [property: Id(4)] DateTimeOffset At) : IEvent;

/// <summary>Somebody has decided on a conflict.</summary>
[GenerateSerializer, Immutable, Alias("history.conflict_resolved.v1")]
public sealed record ConflictResolved([property: Id(0)] ConflictChoice Choice, [property: Id(1)] string By,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A merge that waited was given up.</summary>
[GenerateSerializer, Immutable, Alias("history.merge_abandoned.v1")]
public sealed record MergeAbandoned([property: Id(0)] string By, [property: Id(1)] DateTimeOffset At) : IEvent;
