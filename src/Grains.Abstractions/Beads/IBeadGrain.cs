using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Beads;

/// <summary>One bead of a project: its issues by repository and branch, its claims. Key: <see cref="Key"/>.</summary>
[Alias("beadhub.bead")]
public interface IBeadGrain : IGrainWithStringKey
{
    /// <summary>Key of the grain: project id, slash, bead id.</summary>
    static string Key(string projectId, string beadId) => $"{projectId}/{beadId}";

    /// <summary>
    /// Stores, removes, claims and releases, in this order, as one atomic change. Only the project's board calls this: while a node runs alone, its index
    /// sees no change that did not pass through it.
    /// </summary>
    Task<BeadChange> Change(ChangeBead command);

    /// <summary>The bead; with no records and claims when it is unknown.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<BeadView> Get();
}

/// <summary>What to do to a bead. Parts that are null or false are not asked for.</summary>
/// <param name="WorkspaceId">Acting workspace; null for an uploader without one.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="HumanName">Its human name; may be empty.</param>
/// <param name="Store">Issue to add or replace unless the stored one is newer (contract 7.3).</param>
/// <param name="Remove">Repository and branch whose issue is removed.</param>
/// <param name="Claim">Whether the acting workspace claims the bead (contract 9.2).</param>
/// <param name="Apex">Root of the bead's parents, for a claim.</param>
/// <param name="ReleaseAll">Whether every claim is released.</param>
/// <param name="ReleaseOf">Workspace whose claim alone is released because it was deleted.</param>
/// <param name="OnlyIfFree">Whether a claim is made only when nobody holds one: the workspace's own is not renewed.</param>
/// <param name="Title">What events call the bead when no issue of it is stored: the title of a native task.</param>
/// <param name="ProbablyNew">Whether the sender knows of no such bead: saves a look at the log, and does no harm when wrong.</param>
[GenerateSerializer, Immutable, Alias("bead.change.v1")]
public sealed record ChangeBead(
    [property: Id(0)] string? WorkspaceId,
    [property: Id(1)] string Alias,
    [property: Id(2)] string HumanName,
    [property: Id(3)] BeadRecord? Store = null,
    [property: Id(4)] BeadRef? Remove = null,
    [property: Id(5)] bool Claim = false,
    [property: Id(6)] BeadRef? Apex = null,
    [property: Id(7)] bool ReleaseAll = false,
    [property: Id(8)] string? ReleaseOf = null,
    [property: Id(9)] bool ProbablyNew = false,
    [property: Id(10)] bool OnlyIfFree = false,
    [property: Id(11)] string? Title = null);

/// <summary>What became of the issue in <see cref="ChangeBead.Store"/>.</summary>
public enum StoreResult
{
    /// <summary>Nothing was to be stored.</summary>
    None,

    /// <summary>The issue was new.</summary>
    Added,

    /// <summary>The issue replaced the stored one.</summary>
    Updated,

    /// <summary>The stored issue is newer; it was kept.</summary>
    Conflict,
}

/// <summary>What a change did.</summary>
/// <param name="Bead">The bead afterwards.</param>
/// <param name="Stored">What became of the issue to be stored.</param>
/// <param name="StatusChanged">Whether a stored issue's status is another one than before.</param>
/// <param name="Removed">Whether an issue was removed.</param>
/// <param name="HeldBy">Claimant that made a claim impossible; null when the claim was granted or none was asked for.</param>
[GenerateSerializer, Immutable, Alias("bead.changed.v1")]
public sealed record BeadChange(
    [property: Id(0)] BeadView Bead,
    [property: Id(1)] StoreResult Stored,
    [property: Id(2)] bool StatusChanged,
    [property: Id(3)] bool Removed,
    [property: Id(4)] BeadClaim? HeldBy);
