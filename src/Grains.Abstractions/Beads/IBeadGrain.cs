using Orleans;

namespace Beadhub.Beads;

/// <summary>
/// One bead of a project: its issues by repository and branch, its claims. Key: <see cref="Key"/>. It decides changes; who reads asks the
/// board, which also decides large syncs without the grain.
/// </summary>
[Alias("beadhub.bead")]
public interface IBeadGrain : IGrainWithStringKey
{
    /// <summary>Key of the grain: project id, slash, bead id.</summary>
    static string Key(string projectId, string beadId) => $"{projectId}/{beadId}";

    /// <summary>
    /// Stores, removes, claims and releases, in this order, as one atomic change. Only the project's board calls this: while a node runs
    /// alone, its index sees no change that did not pass through it.
    /// </summary>
    Task<BeadChange> Change(ChangeBead command);
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
/// <param name="Title">What events call the bead when no issue of it is stored: the title of a native task.</param>
/// <param name="ProbablyNew">Whether the sender knows of no such bead: saves a look at the log, and does no harm when wrong.</param>
/// <param name="Terms">How to claim; null for the exclusive claim that a sync makes.</param>
/// <param name="ReleaseOwn">Whether the acting workspace's own claim is released.</param>
/// <param name="Line">The line from which <paramref name="Store"/> was read, as it was received.</param>
/// <param name="KnownVersion">Version of the bead's stream that the sender knows of: the grain decides on nothing older.</param>
/// <param name="Based">Digest of the only line that <paramref name="Store"/> may replace and <paramref name="Remove"/> may remove, the
/// default for an issue that is not stored; null for whatever is stored. What another client has changed meanwhile is then kept.</param>
/// <param name="EditOf">Place of the line from which <paramref name="Store"/> was edited, 0 for a bead that must be new; null for a line
/// that a client pushes. An edit is made whole or not at all.</param>
/// <param name="Command">The command line that led to it, or its beginning.</param>
/// <param name="Overrides">Whether <paramref name="Store"/> may replace a line that was updated later.</param>
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
    [property: Id(10)] string? Title = null,
    [property: Id(11)] ClaimTerms? Terms = null,
    [property: Id(12)] bool ReleaseOwn = false,
    [property: Id(13)] string? Line = null,
    [property: Id(14)] long KnownVersion = 0,
    [property: Id(15)] LineDigest? Based = null,
    [property: Id(16)] long? EditOf = null,
    [property: Id(17)] string? Command = null,
    [property: Id(18)] bool Overrides = false);

/// <summary>How a bead is claimed.</summary>
/// <param name="Kind">Beside whom.</param>
/// <param name="Issue">Issue that must be open still; null when there is no such condition.</param>
/// <param name="Role">What the claimant does on the bead.</param>
/// <param name="Note">What the claimant has to say about it.</param>
/// <param name="Why">Why the server chose this bead, when it chose.</param>
[GenerateSerializer, Immutable, Alias("bead.claim_terms.v1")]
public sealed record ClaimTerms(
    [property: Id(0)] ClaimKind Kind,
    [property: Id(1)] BeadRef? Issue = null,
    [property: Id(2)] string? Role = null,
    [property: Id(3)] string? Note = null,
    [property: Id(4)] string? Why = null);

/// <summary>Beside whom a bead may be claimed.</summary>
public enum ClaimKind
{
    /// <summary>Beside nobody else; one's own claim is renewed (contract 9.2).</summary>
    Exclusive,

    /// <summary>Beside whoever holds it: several work on one bead on purpose.</summary>
    Joining,

    /// <summary>Only while nobody holds it, the claimant included: its own claim is not renewed.</summary>
    Free,
}

/// <summary>What became of the issue in <see cref="ChangeBead.Store"/>.</summary>
public enum StoreResult
{
    /// <summary>Nothing was to be stored.</summary>
    None,

    /// <summary>The issue was new.</summary>
    Added,

    /// <summary>The issue replaced the stored one.</summary>
    Updated,

    /// <summary>The stored issue is newer, or not the one on which the change is based; it was kept.</summary>
    Conflict,

    /// <summary>The line that was edited is not the stored one any more; nothing was changed.</summary>
    Outdated,
}

/// <summary>What a change did.</summary>
/// <param name="Bead">The bead afterwards.</param>
/// <param name="Stored">What became of the issue to be stored.</param>
/// <param name="StatusChanged">Whether a stored issue's status is another one than before.</param>
/// <param name="Removed">Whether an issue was removed.</param>
/// <param name="HeldBy">Claimant that made a claim impossible; null when the claim was granted, none was asked for, or the issue is not
/// open any more.</param>
/// <param name="Granted">The claim that was made.</param>
/// <param name="NewsVersion">Version of the event that subscribers may want to hear of; 0 when there is none (contract 12.4).</param>
[GenerateSerializer, Immutable, Alias("bead.changed.v1")]
public sealed record BeadChange(
    [property: Id(0)] BeadView Bead,
    [property: Id(1)] StoreResult Stored,
    [property: Id(2)] bool StatusChanged,
    [property: Id(3)] bool Removed,
    [property: Id(4)] BeadClaim? HeldBy,
    [property: Id(5)] BeadClaim? Granted = null,
    [property: Id(7)] long NewsVersion = 0);
