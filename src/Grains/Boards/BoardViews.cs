using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Tasks;

namespace Beadhub.Boards;

/// <summary>
/// The answers of one <see cref="Board"/>. Each is made once, and handed on to the next board when the change between the two cannot be
/// seen in it, so that the same object comes back as long as nothing that it shows has changed.
/// </summary>
internal sealed class BoardViews
{
    private const int MaxPage = 200;
    private const int MaxInProgress = 200;

    private readonly Board _board;
    private readonly ViewCache _issues, _tasks, _ready, _claims, _refusals, _insights;
    private readonly Lazy<PlanGraph> _plan;
    private readonly Lazy<BoardWork> _work;
    private readonly Lazy<CommandDecision> _approved;

    /// <summary>Nothing to hand on.</summary>
    public BoardViews(Board board)
    {
        _board = board;
        _issues = new();
        _tasks = new();
        _ready = new();
        _claims = new();
        _refusals = new();
        _insights = new();
        _plan = new(() => PlanGraph.Of(_board));
        _work = new(MakeWork);
        _approved = new(MakeApproved);
    }

    /// <summary>Hands on what is still good.</summary>
    /// <param name="board">The next board.</param>
    /// <param name="before">The board that it was made from.</param>
    /// <param name="workChanged">Whether claims, releases, or what is shown of claimed beads and their apexes changed.</param>
    public BoardViews(Board board, Board before, bool workChanged)
    {
        _board = board;
        _issues = ReferenceEquals(board.Listed, before.Listed) ? before.Views._issues : new();
        _tasks = ReferenceEquals(board.Listed, before.Listed) ? before.Views._tasks : new();
        _ready = ReferenceEquals(board.Ready, before.Ready) ? before.Views._ready : new();
        _claims = ReferenceEquals(board.Claims, before.Claims) ? before.Views._claims : new();
        _plan = ReferenceEquals(board.Listed, before.Listed) ? before.Views._plan : new(() => PlanGraph.Of(_board));
        _insights = ReferenceEquals(board.Listed, before.Listed) && ReferenceEquals(board.Claims, before.Claims)
            ? before.Views._insights : new();
        _refusals = workChanged ? new() : before.Views._refusals;
        _work = workChanged ? new(MakeWork) : before.Views._work;
        _approved = workChanged ? new(MakeApproved) : before.Views._approved;
    }

    /// <summary>A page of issues (contract 7.6).</summary>
    public IssuePage Issues(IssueQuery query) => _issues.Get(_board, query, MakeIssues);

    /// <summary>All issues of a repository and branch, by bead id.</summary>
    public ImmutableArray<BeadRecord> ById(string repo, string branch) => _issues.Get(_board, new Place(repo, branch), MakeById).Issues;

    /// <summary>Beads as tasks (contract 15).</summary>
    public BeadsAsTasks AsTasks(TaskQuery query) => _tasks.Get(_board, query, MakeAsTasks);

    /// <summary>Open issues whose blockers are all closed (contract 7.8).</summary>
    public ReadyList Ready(ReadyQuery query) => _ready.Get(_board, query, MakeReady);

    /// <summary>A page of claims (contract 9.1).</summary>
    public ClaimPage Claims(ClaimQuery query) => _claims.Get(_board, query, MakeClaims);

    /// <summary>Who works on one bead.</summary>
    public BeadClaims ClaimsOn(string beadId) =>
        _claims.Get(_board, beadId, static (board, id) => new BeadClaims(id, [.. board.ClaimsOn(id).Reverse()]));

    /// <summary>What is left to do, and in which order it can be done.</summary>
    public PlanGraph Plan => _plan.Value;

    /// <summary>What is told of the plan.</summary>
    public PlanInsights Insights(PlanQuery query) => _insights.Get(_board, query, PlanViews.Of);

    /// <summary>Who works on what.</summary>
    public BoardWork Work() => _work.Value;

    /// <summary>Whether a command line may run (contract 8.2): not when another workspace holds the bead that it would claim.</summary>
    public CommandDecision Decide(DecideCommand command)
    {
        var line = CommandLine.Parse(command.CommandLine);
        if (!line.Claims || Bead.HeldByOther(_board.ClaimsOn(line.BeadId!), command.WorkspaceId) is null) return _approved.Value;
        return _refusals.Get(_board, new Refusal(line.BeadId!, command.WorkspaceId), MakeRefused);
    }

    /// <summary>The contract's sentence (8.2) for a claim that cannot be made.</summary>
    public static string BeingWorkedOn(string beadId, string alias, string humanName) =>
        $"{beadId} is being worked on by {alias} ({humanName})";

    /// <summary>An issue as lists show it.</summary>
    public static IssueRow Row(BeadRecord issue) => new(
        issue.BeadId, issue.Repo, issue.Branch, issue.Title, issue.Status, issue.Priority, issue.Type, issue.Assignee, issue.CreatedBy,
        issue.Labels, issue.BlockedBy, issue.Parent, issue.CreatedAt, issue.UpdatedAt, issue.SyncedAt);

    private static IssuePage MakeIssues(Board board, IssueQuery query)
    {
        var limit = Math.Clamp(query.Limit, 1, MaxPage);
        var filter = new IssueFilter(query);
        var page = ImmutableArray.CreateBuilder<IssueRow>();
        BeadRecord? last = null;
        long size = 0;
        foreach (var issue in Candidates(board, query))
        {
            if (!filter.Passes(issue)) continue;
            size += Size(issue);
            if (page.Count == limit || size > JsonSize.MaxPage && last is not null)
                return new(page.DrainToImmutable(), new(BoardOrders.SortTime(last!), last!.Priority, last.BeadId, last.Repo, last.Branch));
            page.Add(Row(issue));
            last = issue;
        }

        return new(page.DrainToImmutable(), null);
    }

    private static InPlace MakeById(Board board, Place place)
    {
        var issues = new List<BeadRecord>(board.Scope(place.Repo, place.Branch).Count);
        foreach (var bead in board.Beads.Values)
            if (bead.Records.In(place.Repo, place.Branch) is { } issue) issues.Add(issue);
        issues.Sort(static (a, b) => string.CompareOrdinal(a.BeadId, b.BeadId));
        return new([.. issues]);
    }

    private static BeadsAsTasks MakeAsTasks(Board board, TaskQuery query)
    {
        var filter = new TaskFilter(query);
        var rows = new List<IssueRow>();
        foreach (var bead in board.Beads.Values)
            if (BeadTask.Newest(bead.Records) is { } issue
                && filter.Passes(issue.Status, BeadTask.Priority(issue.Priority), BeadTask.Type(issue.Type), issue.Labels))
                rows.Add(Row(issue));
        rows.Sort(static (a, b) => string.CompareOrdinal(a.BeadId, b.BeadId));
        return new([.. rows]);
    }

    /// <summary>Size of an issue in a list, about, in bytes.</summary>
    private static int Size(BeadRecord issue, bool withLabels = true)
    {
        const int frame = 512; // names of fields, times, numbers
        var size = frame + JsonSize.Of(issue.BeadId) + JsonSize.Of(issue.Title) + JsonSize.Of(issue.Status) + JsonSize.Of(issue.Type)
            + JsonSize.Of(issue.Assignee)
            + JsonSize.Of(issue.CreatedBy) + JsonSize.Of(issue.Repo) + JsonSize.Of(issue.Branch);
        if (withLabels)
            foreach (var label in issue.Labels) size += JsonSize.Of(label) + 1;
        foreach (var blocker in issue.BlockedBy) size += Size(blocker);
        return issue.Parent is { } parent ? size + Size(parent) : size;
    }

    private static int Size(BeadRef reference) =>
        40 + JsonSize.Of(reference.Repo) + JsonSize.Of(reference.Branch) + JsonSize.Of(reference.BeadId);

    /// <summary>Issues with one of the statuses after the cursor, in order.</summary>
    private static IEnumerable<BeadRecord> Candidates(Board board, IssueQuery query)
    {
        var statuses = IssueFilter.Statuses(query);
        var lists = statuses.Length == 0
            ? [board.Listed]
            : statuses.Where(board.ByStatus.ContainsKey).Select(status => board.ByStatus[status]).ToArray();
        var tails = lists.Select(list => query.After is { } cursor ? list.After(issue => BoardOrders.IsAfter(issue, cursor)) : list)
            .ToArray();
        return tails.Length == 1 ? tails[0] : Interleave(tails);
    }

    private static IEnumerable<BeadRecord> Interleave(IEnumerable<BeadRecord>[] lists)
    {
        var heads = lists.Select(list => list.GetEnumerator()).Where(head => head.MoveNext()).ToList();
        while (heads.Count > 0)
        {
            var first = heads[0];
            for (var i = 1; i < heads.Count; i++)
                if (BoardOrders.Listed.Compare(heads[i].Current, first.Current) < 0) first = heads[i];
            yield return first.Current;
            if (!first.MoveNext()) heads.Remove(first);
        }
    }

    private static ReadyList MakeReady(Board board, ReadyQuery query)
    {
        var rows = ImmutableArray.CreateBuilder<IssueRow>();
        long size = 0;
        foreach (var issue in board.Ready)
        {
            if (query.Repo is { Length: > 0 } repo && issue.Repo != repo || query.Branch is { Length: > 0 } branch
                && issue.Branch != branch) continue;
            size += Size(issue, withLabels: false);
            if (rows.Count >= query.Limit || size > JsonSize.MaxPage && rows.Count > 0) return new(rows.DrainToImmutable(), HasMore: true);
            rows.Add(Row(issue));
        }

        return new(rows.DrainToImmutable());
    }

    private static ClaimPage MakeClaims(Board board, ClaimQuery query)
    {
        var limit = Math.Clamp(query.Limit, 1, MaxPage);
        var claims = query.WorkspaceId is { Length: > 0 } workspace
            ? board.Workspaces.GetValueOrDefault(workspace, BoardWorkspace.None).Claims : board.Claims;
        var page = ImmutableArray.CreateBuilder<ClaimRow>();
        foreach (var claim in query.After is { } cursor ? claims.After(claim => BoardOrders.IsAfter(claim, cursor)) : claims)
        {
            if (page.Count == limit)
            {
                var last = page[^1];
                return new(page.DrainToImmutable(), new(last.ClaimedAt, last.BeadId, last.WorkspaceId));
            }

            page.Add(claim.Row);
        }

        return new(page.DrainToImmutable(), null);
    }

    private BoardWork MakeWork()
    {
        var all = ImmutableArray.CreateBuilder<ClaimDetail>(_board.Claims.Count);
        var details = new Dictionary<ClaimRow, ClaimDetail>(_board.Claims.Count, ReferenceEqualityComparer.Instance);
        foreach (var claim in _board.Claims)
        {
            var apex = claim.Apex is { } reference ? _board.Find(reference) : null;
            var detail = new ClaimDetail(
                claim.Row, _board.Latest(claim.Row.BeadId) is { } issue ? issue.Title : claim.Title,
                _board.ClaimsOn(claim.Row.BeadId).Length, claim.Apex, apex?.Title, apex?.Type);
            details[claim.Row] = detail;
            all.Add(detail);
        }

        var workspaces = ImmutableDictionary.CreateBuilder<string, WorkspaceWork>(StringComparer.Ordinal);
        foreach (var (id, workspace) in _board.Workspaces)
        {
            ImmutableArray<ClaimDetail> claims = [.. workspace.Claims.Select(claim => details[claim.Row])];

            // Contract 9.4: a claim whose apex is unknown leaves the focus, and its time, as they were.
            var focus = claims.FirstOrDefault(claim => claim.Apex is not null);
            var updatedAt = focus?.Claim.ClaimedAt is { } claimedAt && !(workspace.LastRelease > claimedAt)
                ? claimedAt : workspace.LastRelease;
            workspaces[id] = new(claims, focus?.Apex, focus?.ApexTitle, focus?.ApexType, updatedAt);
        }

        return new(all.MoveToImmutable(), workspaces.ToImmutable());
    }

    private CommandDecision MakeApproved() =>
        new(true, "", [.. _board.Claims.Take(MaxInProgress).Select(claim => InProgress(_board, claim.Row))]);

    private static CommandDecision MakeRefused(Board board, Refusal refusal)
    {
        // Claims on the bead itself are shown even when 200 newer ones exist: they are the reason.
        var shown = board.Views._approved.Value.InProgress;
        var beyond = board.ClaimsOn(refusal.BeadId).Reverse()
            .Where(claim => !shown.Any(s => s.BeadId == refusal.BeadId && s.WorkspaceId == claim.WorkspaceId))
            .Select(claim =>
                InProgress(board, new(refusal.BeadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, board.ProjectId)));
        var holder = board.ClaimsOn(refusal.BeadId).Last(claim => claim.WorkspaceId != refusal.WorkspaceId);
        return new(false, BeingWorkedOn(refusal.BeadId, holder.Alias, holder.HumanName), [.. shown, .. beyond]);
    }

    private static BeadInProgress InProgress(Board board, ClaimRow claim) =>
        new(claim.BeadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, board.Latest(claim.BeadId)?.Title, Role: null);

    private sealed record Refusal(string BeadId, string WorkspaceId);

    private sealed record Place(string Repo, string Branch);

    private sealed record InPlace(ImmutableArray<BeadRecord> Issues);
}
