using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Boards;

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
