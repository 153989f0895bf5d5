using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// Makes the next <see cref="Board"/>: collects what beads became, works out what enters and what leaves each list, and changes every list
/// once. What did not change stays the same object, by which the views know that they are still good.
/// </summary>
internal sealed class BoardFold(Board before)
{
    private readonly Dictionary<string, Step> _steps = new(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, BeadView>.Builder _beads = before.Beads.ToBuilder();
    private readonly Changes<BeadRecord> _listed = new();
    private readonly Dictionary<string, Changes<BeadRecord>> _byStatus = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Repo, string Branch), int> _scopes = []; // by how many issues each grows
    private readonly Changes<BoardClaim> _claims = new();
    private readonly Dictionary<string, Changes<BoardClaim>> _claimsOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (DateTimeOffset At, string BeadId)> _released = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Changes<string>> _dependents = new(StringComparer.Ordinal);
    private (string Repo, string Branch) _place;

    public Board Before => before;

    public ImmutableDictionary<string, BeadView> Beads { get; private set; } = before.Beads;

    public ImmutableDictionary<(string Repo, string Branch), int> Scopes { get; private set; } = before.Scopes;

    public Sorted<BeadRecord> Listed { get; private set; } = before.Listed;

    public ImmutableDictionary<string, Sorted<BeadRecord>> ByStatus { get; private set; } = before.ByStatus;

    public Sorted<BeadRecord> Ready { get; private set; } = before.Ready;

    public Sorted<BeadRecord> Free { get; private set; } = before.Free;

    public ImmutableDictionary<string, ImmutableHashSet<string>> Dependents { get; private set; } = before.Dependents;

    public Sorted<BoardClaim> Claims { get; private set; } = before.Claims;

    public ImmutableDictionary<string, BoardWorkspace> Workspaces { get; private set; } = before.Workspaces;

    public ImmutableDictionary<string, int> Apexes { get; private set; } = before.Apexes;

    /// <summary>Whether claims, releases or what is shown of claimed beads and their apexes changed.</summary>
    public bool WorkChanged { get; private set; }

    private readonly record struct Step(BeadView? Before, BeadView After);

    /// <summary>A bead became this, unless something newer is known.</summary>
    public void Put(BeadView view)
    {
        ref var step = ref CollectionsMarshal.GetValueRefOrAddDefault(_steps, view.BeadId, out var again);
        if (!again) step = new(before.Beads.GetValueOrDefault(view.BeadId), null!);
        if (view.Version > ((step.After ?? step.Before)?.Version ?? 0)) step = step with { After = Compact(view, step.Before) };
    }

    /// <summary>Works out the next index.</summary>
    /// <returns>False when nothing is newer than what is known.</returns>
    public bool Fold()
    {
        var any = false;
        foreach (var (id, (was, becomes)) in _steps)
        {
            if (becomes is null) continue;
            any = true;
            _beads[id] = becomes;
            FoldIssues(was, becomes);
            FoldClaims(was, becomes);
        }

        if (!any) return false;
        Beads = _beads.ToImmutable();
        Listed = Listed.Replace(_listed.Leave, _listed.Come);

        // In the order to which the lists were just sorted, so that nothing has to be sorted twice.
        foreach (var record in _listed.Leave) Of(_byStatus, record.Status ?? "").Leave.Add(record);
        foreach (var record in _listed.Come) Of(_byStatus, record.Status ?? "").Come.Add(record);
        ByStatus = Apply(ByStatus, _byStatus, Sorted<BeadRecord>.Empty(BoardOrders.Listed), static (list, change) =>
            list.Replace(change.Leave, change.Come), static list => list.Count == 0);
        Dependents = Apply(Dependents, _dependents, [], static (ids, change) => ids.Except(change.Leave).Union(change.Come), static ids =>
            ids.IsEmpty);
        FoldScopes();
        FoldReady();
        FoldWork();
        return true;
    }

    private void FoldIssues(BeadView? was, BeadView becomes)
    {
        foreach (var record in was?.Records ?? [])
            if (!becomes.Records.Contains(record)) Leave(record);
        foreach (var record in becomes.Records)
            if (was is null || !was.Records.Contains(record)) Come(record);

        var (blockersWere, blockersAre) = (Blockers(was), Blockers(becomes));
        foreach (var id in blockersWere)
            if (!blockersAre.Contains(id)) Of(_dependents, id).Leave.Add(becomes.BeadId);
        foreach (var id in blockersAre)
            if (!blockersWere.Contains(id)) Of(_dependents, id).Come.Add(becomes.BeadId);
    }

    private void Leave(BeadRecord record)
    {
        _listed.Leave.Add(record);
        CollectionsMarshal.GetValueRefOrAddDefault(_scopes, (record.Repo, record.Branch), out _)--;
    }

    private void Come(BeadRecord record)
    {
        _listed.Come.Add(record);
        CollectionsMarshal.GetValueRefOrAddDefault(_scopes, (record.Repo, record.Branch), out _)++;
    }

    private void FoldScopes()
    {
        var scopes = Scopes.ToBuilder();
        foreach (var (key, growth) in _scopes)
        {
            var count = scopes.GetValueOrDefault(key) + growth;
            if (count == 0) scopes.Remove(key);
            else if (growth != 0) scopes[key] = count;
        }

        Scopes = scopes.ToImmutable();
    }

    /// <summary>An issue's readiness changes with itself, and with those that it waits for, or whose part it is, being done, blocked,
    /// stored or removed.</summary>
    private void FoldReady()
    {
        var change = new Changes<BeadRecord>();
        var free = new Changes<BeadRecord>();
        var (readinessWas, readiness) = (new Readiness(before.Beads, before.Dependents), new Readiness(Beads, Dependents));
        var others = new HashSet<string>(StringComparer.Ordinal);
        var wholes = new HashSet<string>(StringComparer.Ordinal);
        var changed = new Queue<string>();
        foreach (var (id, (was, becomes)) in _steps)
        {
            if (becomes is null) continue;
            Settle(was, becomes);
            if (Dependents.ContainsKey(id) && !Stands(was, readinessWas).SequenceEqual(Stands(becomes, readiness))) changed.Enqueue(id);
            if (was is not null && Parts(was).SequenceEqual(Parts(becomes))) continue;
            foreach (var record in was?.Records ?? [])
                if (record.Parent is { } parent) wholes.Add(parent.BeadId);
            foreach (var record in becomes.Records)
                if (record.Parent is { } parent) wholes.Add(parent.BeadId);
        }

        foreach (var whole in wholes)
            foreach (var id in Dependents.GetValueOrDefault(whole, []))
                if (WaitsFor(id, whole)) Reach(id);
        while (changed.TryDequeue(out var id))
            foreach (var dependent in Dependents.GetValueOrDefault(id, [])) Reach(dependent);

        // Where nothing that is ready is claimed the two lists are one, and no second one is made.
        var together = ReferenceEquals(Free, Ready) && free.Leave.SequenceEqual(change.Leave) && free.Come.SequenceEqual(change.Come);
        Ready = Ready.Replace(change.Leave, change.Come);
        Free = together ? Ready : Free.Replace(free.Leave, free.Come);
        if (Free.Count == Ready.Count) Free = Ready;

        void Reach(string id)
        {
            // What changed itself was settled.
            if (_steps.TryGetValue(id, out var step) && step.After is not null || !others.Add(id) || !Beads.TryGetValue(id, out var bead))
                return;
            Settle(bead, bead);
            if (Dependents.ContainsKey(id) && !Stands(bead, readinessWas).SequenceEqual(Stands(bead, readiness))) changed.Enqueue(id);
        }

        bool WaitsFor(string id, string whole) =>
            Beads.TryGetValue(id, out var bead)
                && bead.Records.Any(record => record.Terms is { } terms && terms.Waits.Any(wait => wait.Spawner.BeadId == whole));

        void Settle(BeadView? was, BeadView becomes)
        {
            var (wasFree, isFree) = (was?.Claims is [], becomes.Claims is []);
            foreach (var record in was?.Records ?? [])
            {
                if (!readinessWas.IsReady(record)) continue;
                var stays = becomes.Records.Contains(record) && readiness.IsReady(record);
                if (!stays) change.Leave.Add(record);
                if (wasFree && !(stays && isFree)) free.Leave.Add(record);
            }

            foreach (var record in becomes.Records)
            {
                if (!readiness.IsReady(record)) continue;
                var stayed = was is not null && was.Records.Contains(record) && readinessWas.IsReady(record);
                if (!stayed) change.Come.Add(record);
                if (isFree && !(stayed && wasFree)) free.Come.Add(record);
            }
        }
    }

    private void FoldClaims(BeadView? was, BeadView becomes)
    {
        foreach (var claim in was?.Claims ?? [])
            if (!becomes.Claims.Contains(claim)) ClaimChanges(claim).Leave.Add(Claim(becomes.BeadId, claim));
        foreach (var claim in becomes.Claims)
            if (was is null || !was.Claims.Contains(claim)) ClaimChanges(claim).Come.Add(Claim(becomes.BeadId, claim));
        foreach (var release in becomes.Releases)
        {
            if (Workspaces.TryGetValue(release.WorkspaceId, out var workspace) && workspace.LastRelease >= release.ReleasedAt) continue;
            ref var newest = ref CollectionsMarshal.GetValueRefOrAddDefault(_released, release.WorkspaceId, out _);
            if (release.ReleasedAt > newest.At) newest = (release.ReleasedAt, becomes.BeadId);
            Of(_claimsOf, release.WorkspaceId);
        }

        if (!WorkChanged && (!becomes.Claims.IsEmpty || before.Apexes.ContainsKey(becomes.BeadId)))
            WorkChanged = !(was?.Records ?? []).SequenceEqual(becomes.Records);

        Changes<BoardClaim> ClaimChanges(BeadClaim claim) => Of(_claimsOf, claim.WorkspaceId);
    }

    private void FoldWork()
    {
        if (_claimsOf.Count == 0) return;
        WorkChanged = true;
        var apexes = Apexes.ToBuilder();
        foreach (var change in _claimsOf.Values)
        {
            _claims.Leave.AddRange(change.Leave);
            _claims.Come.AddRange(change.Come);
            foreach (var claim in change.Come)
                if (claim.Apex is { } apex) apexes[apex.BeadId] = apexes.GetValueOrDefault(apex.BeadId) + 1;
        }

        foreach (var claim in _claims.Leave)
        {
            if (claim.Apex is not { } apex) continue;
            if (apexes[apex.BeadId] == 1) apexes.Remove(apex.BeadId);
            else apexes[apex.BeadId]--;
        }

        Apexes = apexes.ToImmutable();
        Claims = Claims.Replace(_claims.Leave, _claims.Come);
        var workspaces = Workspaces.ToBuilder();
        foreach (var (id, change) in _claimsOf)
        {
            var workspace = workspaces.GetValueOrDefault(id, BoardWorkspace.None);
            workspaces[id] = new(
                workspace.Claims.Replace(change.Leave, change.Come),
                _released.TryGetValue(id, out var last) ? last.At : workspace.LastRelease,
                last.BeadId ?? workspace.LastReleased);
        }

        Workspaces = workspaces.ToImmutable();
    }

    private BoardClaim Claim(string beadId, BeadClaim claim) =>
        new(new(beadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, before.ProjectId), claim.Apex, claim.Title);

    /// <summary>What others see of a bead when they ask whether they are ready.</summary>
    private static IEnumerable<(string Repo, string Branch, bool IsDone, bool IsBlocked)> Stands(BeadView? bead, Readiness readiness) =>
        (bead?.Records ?? []).Select(record => (record.Repo, record.Branch, Readiness.IsDone(record), readiness.IsBlocked(record)));

    /// <summary>What those see of a bead who wait for the parts of another.</summary>
    private static IEnumerable<(BeadRef? Parent, string? Status)> Parts(BeadView bead) =>
        bead.Records.Select(record => (record.Parent, record.Parent is null ? null : record.Status));

    /// <summary>Ids with which the readiness of a bead's issues may change: of what an issue waits for that is not done, and of what it is
    /// a part of.</summary>
    private static IReadOnlyCollection<string> Blockers(BeadView? bead)
    {
        HashSet<string>? ids = null;
        foreach (var record in bead?.Records ?? [])
        {
            if (record.Parent is { } parent) Add(parent);
            if (Readiness.IsDone(record)) continue;
            foreach (var blocker in record.BlockedBy) Add(blocker);
            if (record.Terms is not { } terms) continue;
            foreach (var condition in terms.Conditions) Add(condition);
            foreach (var wait in terms.Waits) Add(wait.Spawner);
        }

        return ids ?? (IReadOnlyCollection<string>)[];

        void Add(BeadRef reference) => (ids ??= new(StringComparer.Ordinal)).Add(reference.BeadId);
    }

    /// <summary>The view without descriptions; an issue that did not change stays the object that the lists hold.</summary>
    private BeadView Compact(BeadView view, BeadView? known)
    {
        var records = ImmutableArray.CreateBuilder<BeadRecord>(view.Records.Length);
        foreach (var record in view.Records)
        {
            if (_place != (record.Repo, record.Branch) && !before.Scopes.TryGetKey((record.Repo, record.Branch), out _place))
                _place = (record.Repo, record.Branch);
            var compact = IsCompact(record) ? record : record with
            {
                Description = null,
                Repo = _place.Repo,
                Branch = _place.Branch,
                Status = TextPool.Of(record.Status),
                Type = TextPool.Of(record.Type),
                Assignee = TextPool.Of(record.Assignee),
                CreatedBy = TextPool.Of(record.CreatedBy),
                Labels = record.Labels.IsEmpty ? [] : [.. record.Labels.Select(label => TextPool.Of(label)!)],
            };
            var same = known?.Records.In(compact.Repo, compact.Branch) is { } old && old.SyncedAt == compact.SyncedAt
                && old.Version == compact.Version && old.SaysTheSameAs(compact) ? old : compact;
            records.Add(same);
        }

        return view with { Records = records.MoveToImmutable() };
    }

    // As the reader of lines makes them, for the first repository and branch of that name.
    private bool IsCompact(BeadRecord record) =>
        record.Description is null && ReferenceEquals(record.Repo, _place.Repo) && ReferenceEquals(record.Branch, _place.Branch)
            && ReferenceEquals(record.Status, TextPool.Of(record.Status));

    private static ImmutableDictionary<string, TList> Apply<TList, TChange>(
        ImmutableDictionary<string, TList> lists, Dictionary<string, TChange> changes, TList empty, Func<TList, TChange, TList> apply,
        Func<TList, bool> isEmpty)
    {
        if (changes.Count == 0) return lists;
        var next = lists.ToBuilder();
        foreach (var (key, change) in changes)
        {
            var list = apply(next.GetValueOrDefault(key, empty), change);
            if (isEmpty(list)) next.Remove(key);
            else next[key] = list;
        }

        return next.ToImmutable();
    }

    private static TChange Of<TKey, TChange>(Dictionary<TKey, TChange> changes, TKey key) where TKey : notnull where TChange : new()
    {
        ref var change = ref CollectionsMarshal.GetValueRefOrAddDefault(changes, key, out var known);
        if (!known) change = new();
        return change!;
    }

    private sealed class Changes<T>
    {
        public List<T> Leave { get; } = [];

        public List<T> Come { get; } = [];
    }
}
