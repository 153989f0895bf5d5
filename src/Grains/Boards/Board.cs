using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// The index of a project's beads: immutable, so that readers on any thread see one consistent state while the next is being made. A change
/// costs the logarithm of the size, a bulk one is merged. Issues are kept without their descriptions.
/// </summary>
internal sealed class Board
{
    private static readonly Sorted<BeadRecord> NothingReady = Sorted<BeadRecord>.Empty(BoardOrders.Ready);

    private Board(string projectId) => (ProjectId, Views) = (projectId, new(this));

    private Board(BoardFold fold)
    {
        ProjectId = fold.Before.ProjectId;
        Beads = fold.Beads;
        Scopes = fold.Scopes;
        Listed = fold.Listed;
        ByStatus = fold.ByStatus;
        Ready = fold.Ready;
        Free = fold.Free;
        Dependents = fold.Dependents;
        Claims = fold.Claims;
        Workspaces = fold.Workspaces;
        Apexes = fold.Apexes;
        Views = new(this, fold.Before, workChanged: fold.WorkChanged);
    }

    /// <summary>The project.</summary>
    public string ProjectId { get; }

    /// <summary>Every bead that was ever stored or claimed, by id.</summary>
    public ImmutableDictionary<string, BeadView> Beads { get; } = ImmutableDictionary.Create<string, BeadView>(StringComparer.Ordinal);

    /// <summary>Numbers of issues by repository and branch.</summary>
    public ImmutableDictionary<(string Repo, string Branch), int> Scopes { get; } = ImmutableDictionary<(string, string), int>.Empty;

    /// <summary>All issues, newest first.</summary>
    public Sorted<BeadRecord> Listed { get; } = Sorted<BeadRecord>.Empty(BoardOrders.Listed);

    /// <summary>Issues by status, newest first. The status is what most lists ask for, and most issues of a long-lived project are
    /// closed.</summary>
    public ImmutableDictionary<string, Sorted<BeadRecord>> ByStatus { get; } =
        ImmutableDictionary.Create<string, Sorted<BeadRecord>>(StringComparer.Ordinal);

    /// <summary>Issues with which somebody can begin (<see cref="Readiness"/>), most urgent first.</summary>
    public Sorted<BeadRecord> Ready { get; } = NothingReady;

    /// <summary>Those of <see cref="Ready"/> that nobody has claimed; the same object while none of them is claimed.</summary>
    public Sorted<BeadRecord> Free { get; } = NothingReady;

    /// <summary>Ids of the beads whose readiness may change with a bead, by its id: those that wait for it, and its parts.</summary>
    public ImmutableDictionary<string, ImmutableHashSet<string>> Dependents { get; } =
        ImmutableDictionary.Create<string, ImmutableHashSet<string>>(StringComparer.Ordinal);

    /// <summary>All claims, newest first.</summary>
    public Sorted<BoardClaim> Claims { get; } = Sorted<BoardClaim>.Empty(BoardOrders.Claimed);

    /// <summary>Workspaces that ever claimed.</summary>
    public ImmutableDictionary<string, BoardWorkspace> Workspaces { get; } = ImmutableDictionary
        .Create<string, BoardWorkspace>(StringComparer.Ordinal);

    /// <summary>Number of claims by the bead id of their apex.</summary>
    public ImmutableDictionary<string, int> Apexes { get; } = ImmutableDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>Answers to queries.</summary>
    public BoardViews Views { get; }

    /// <summary>The index of a project without beads.</summary>
    public static Board Empty(string projectId) => new(projectId);

    /// <summary>By how many issues the board grows when changes are made; not below 0 for each bead.</summary>
    public int IssuesAddedBy(IEnumerable<ChangeBead> changes) => changes.Count(change =>
        change.Store is { } issue && Find(new(issue.Repo, issue.Branch, issue.BeadId)) is null);

    /// <summary>The index after beads changed. A view that is not newer than what is known changes nothing; without newer ones this very
    /// index is returned.</summary>
    public Board With(IEnumerable<BeadView> views)
    {
        var fold = new BoardFold(this);
        foreach (var view in views) fold.Put(view);
        return fold.Fold() ? new(fold) : this;
    }

    /// <summary>Issues of a repository and branch.</summary>
    public BoardScope Scope(string repo, string branch) => new(Beads, repo, branch, Scopes.GetValueOrDefault((repo, branch)));

    /// <summary>The issue that a reference names; null when it is not stored.</summary>
    public BeadRecord? Find(BeadRef reference) => Find(Beads, reference);

    /// <summary>The most recently synced issue with a bead id; null when there is none.</summary>
    public BeadRecord? Latest(string beadId) => Beads.GetValueOrDefault(beadId)?.Records.Latest();

    /// <summary>Claims on a bead, newest last.</summary>
    public ImmutableArray<BeadClaim> ClaimsOn(string beadId) => Beads.GetValueOrDefault(beadId)?.Claims ?? [];

    /// <summary>The issue that a reference names; null when it is not stored.</summary>
    public static BeadRecord? Find(IReadOnlyDictionary<string, BeadView> beads, BeadRef reference) =>
        beads.TryGetValue(reference.BeadId, out var bead) ? bead.Records.In(reference.Repo, reference.Branch) : null;
}

/// <summary>The issues of one repository and branch in the index.</summary>
internal sealed class BoardScope(IReadOnlyDictionary<string, BeadView> beads, string repo, string branch, int count)
{
    /// <summary>A repository and branch without issues.</summary>
    public static BoardScope None { get; } = new(new Dictionary<string, BeadView>(), "", "", 0);

    /// <summary>Number of issues.</summary>
    public int Count => count;

    /// <summary>The issue with an id; null when there is none.</summary>
    public BeadRecord? Find(string beadId) => beads.TryGetValue(beadId, out var bead) ? bead.Records.In(repo, branch) : null;

    /// <summary>
    /// The issues by the digest of the line that they came from. It is made anew by going through all beads, which for a sync of many lines
    /// costs less than parsing them, and less than keeping it up to date in memory for ever.
    /// </summary>
    public Dictionary<LineDigest, BeadRecord> ByDigest()
    {
        var digests = new Dictionary<LineDigest, BeadRecord>(count);
        if (count == 0) return digests;
        foreach (var bead in beads.Values)
            if (bead.Records.In(repo, branch) is { } issue && issue.Digest != default) digests[issue.Digest] = issue;
        return digests;
    }
}

/// <summary>A claim in the index.</summary>
/// <param name="Row">As lists show it.</param>
/// <param name="Apex">Root of the bead's parents when it was claimed (contract 9.3).</param>
/// <param name="Title">Title when it was claimed.</param>
internal sealed record BoardClaim(ClaimRow Row, BeadRef? Apex, string? Title = null);

/// <summary>A workspace in the index: one that ever claimed.</summary>
/// <param name="Claims">Its claims, newest first.</param>
/// <param name="LastRelease">When a claim of it last ended.</param>
/// <param name="LastReleased">Id of the bead on which it ended.</param>
internal sealed record BoardWorkspace(Sorted<BoardClaim> Claims, DateTimeOffset? LastRelease, string? LastReleased = null)
{
    /// <summary>A workspace that never claimed.</summary>
    public static BoardWorkspace None { get; } = new(Sorted<BoardClaim>.Empty(BoardOrders.Claimed), null);
}
