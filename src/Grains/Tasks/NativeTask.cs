using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Beadhub.Tasks;

/// <summary>A native task as it is kept in memory: without its large texts.</summary>
/// <param name="Id">Id.</param>
/// <param name="Number">Number within the project.</param>
/// <param name="Title">Title.</param>
/// <param name="Status">One of <see cref="TaskStatuses"/>.</param>
/// <param name="Priority">0 (most urgent) to 4.</param>
/// <param name="Type">Type.</param>
/// <param name="Labels">Labels.</param>
/// <param name="ParentId">Task that it is a part of; it may have been deleted.</param>
/// <param name="AssigneeId">Agent that is to do it.</param>
/// <param name="CreatedBy">Agent that created it.</param>
/// <param name="ClosedBy">Agent that closed it; null unless it is closed.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it last changed.</param>
/// <param name="ClosedAt">When it was closed; null unless it is closed.</param>
/// <param name="DependsOn">Numbers of the tasks that it waits for.</param>
/// <param name="Revision">Number of changes of its large texts.</param>
/// <param name="Description">Where its description is; null when it is empty.</param>
/// <param name="Notes">Where its notes are; null when they are empty.</param>
/// <param name="Origin">Number that it had where it was created; null when that is the same.</param>
/// <param name="Elsewhere">Ids of tasks that it waits for and that are not here.</param>
public sealed record NativeTask(
    string Id,
    int Number,
    string Title,
    string Status,
    int Priority,
    string Type,
    ImmutableArray<string> Labels,
    string? ParentId,
    string? AssigneeId,
    string CreatedBy,
    string? ClosedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? ClosedAt,
    ImmutableSortedSet<int> DependsOn,
    int Revision = 0,
    TextPlace? Description = null,
    TextPlace? Notes = null,
    int? Origin = null,
    ImmutableArray<string>? Elsewhere = null)
{
    /// <summary>Whether it is closed.</summary>
    [JsonIgnore]
    public bool IsClosed => Status == TaskStatuses.Closed;

    /// <summary>As clients name it: the project's slug and the number, with three digits at least (protocol 13.1).</summary>
    public string Ref(string slug) => $"{slug}-{Number:D3}";
}

/// <summary>Where a large text is in the log.</summary>
/// <param name="Revision">The task's revision that brought it.</param>
/// <param name="Version">Version of the event within the stream, as far as this version of the program knows its events.</param>
public sealed record TextPlace(int Revision, long Version);

/// <summary>What the board's claims on a task's reference are to be (contract 9.2).</summary>
/// <param name="Number">Number of the task, which may have been deleted.</param>
/// <param name="Title">Its title.</param>
/// <param name="WorkspaceId">Workspace that is to hold the claim; null when every claim is to be released.</param>
/// <param name="Sequence">Number of the change that wants it so.</param>
/// <param name="IsSettled">Whether it was done.</param>
public sealed record WantedClaim(int Number, string Title, string? WorkspaceId, int Sequence, bool IsSettled = false);

/// <summary>A task that was deleted.</summary>
/// <param name="Number">The number that it had, and has again should it come back.</param>
/// <param name="WaitedBy">Ids of the tasks that waited for it.</param>
public sealed record GoneTask(int Number, ImmutableArray<string> WaitedBy);
