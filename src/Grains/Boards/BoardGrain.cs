using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.History;
using Beadhub.Idempotency;
using Beadhub.Notifications;
using Beadhub.Projects;
using Beadhub.Subscriptions;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Boards;

/// <summary>
/// Keeps a project's <see cref="Board"/> in memory. It owns no events: it is rebuilt from the beads when it starts, and follows the
/// project's feed while other nodes may write. While this process is the only writer every change of a bead passes here, and reads look
/// nothing up.
/// </summary>
/// <remarks>Reads come on any thread and see one immutable index; whoever makes the next one does so under a lock, newest version of each
/// bead first.</remarks>
[ProjectPlacement]
public sealed class BoardGrain(IEventLog log, TimeProvider time) : Grain, IBoardGrain
{
    // A larger sync is decided here: each of thousands of grains would keep its bead in memory long after it.
    private const int MostByGrains = 64;
    private const int AttemptsHere = 3;
    private const int AppendBatch = 2000;
    private const int MostEdits = 16;

    private readonly List<(string WorkspaceId, string BeadId)> _claiming = [];
    private readonly FreeBeads _free = new();
    private string _project = "";
    private IssueTexts _texts = null!;
    private BoardProjection _board = null!;
    private PastBoards _past = null!;

    private ISubscriptionsGrain Subscriptions => field ??= GrainFactory.GetGrain<ISubscriptionsGrain>(_project);

    private INotifierGrain Notifier => GrainFactory.GetGrain<INotifierGrain>(_project);

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        _texts = new(log, _project);
        _board = new(log, _project) { Elsewhere = DeactivateOnIdle };
        _past = new(log, _project, _board);
        await _board.CatchUp(cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<CommandDecision> Decide(DecideCommand command) => Read(command, static (views, command) => views.Decide(command));

    /// <inheritdoc/>
    public ValueTask<IssuePage> Issues(IssueQuery query) => ReadAt(query.AsOf, query, static (views, query) => views.Issues(query));

    /// <inheritdoc/>
    public async ValueTask<IssueText?> Issue(IssueName name)
    {
        var newest = await _board.Newest();
        var board = name.AsOf is { } root ? await _past.Of(root) : newest;
        var records = board.Beads.GetValueOrDefault(name.BeadId)?.Records ?? [];
        var issue = name.Newest ? BeadTask.Newest(records)
            : name is { Repo: { } repo, Branch: { } branch } ? records.In(repo, branch)
            : records.FirstOrDefault();
        return issue is null ? null
            : name.AsOf is { } then ? await _past.Issue(then, new(issue.Repo, issue.Branch, issue.BeadId))
            : await _texts.Of(issue);
    }

    /// <inheritdoc/>
    public async ValueTask<ExportPage> Export(ExportQuery query) => query.AsOf is { } root
        ? await _past.Export(root, query)
        : await _texts.Page((await _board.Newest()).Views.ById(query.Repo, query.Branch), query.After);

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<IssuePlace>> Places() =>
    [
        .. (await _board.Newest()).Scopes.Where(static scope => scope.Value > 0)
            .OrderBy(static scope => scope.Key.Repo, StringComparer.Ordinal)
            .ThenBy(static scope => scope.Key.Branch, StringComparer.Ordinal)
            .Select(static scope => new IssuePlace(scope.Key.Repo, scope.Key.Branch, scope.Value)),
    ];

    /// <inheritdoc/>
    public ValueTask<ReadyList> Ready(ReadyQuery query) => ReadAt(query.AsOf, query, static (views, query) => views.Ready(query));

    /// <inheritdoc/>
    public ValueTask<ClaimPage> Claims(ClaimQuery query) => Read(query, static (views, query) => views.Claims(query));

    /// <inheritdoc/>
    public ValueTask<BeadClaims> ClaimsOn(string beadId) => Read(beadId, static (views, id) => views.ClaimsOn(id));

    /// <inheritdoc/>
    public ValueTask<BeadsAsTasks> AsTasks(TaskQuery query) => ReadAt(query.AsOf, query, static (views, query) => views.AsTasks(query));

    /// <inheritdoc/>
    public ValueTask<PlanInsights> Insights(PlanQuery query) => Read(query, static (views, query) => views.Insights(query));

    /// <inheritdoc/>
    public ValueTask<BoardWork> Work() => Read(this, static (views, _) => views.Work());

    /// <inheritdoc/>
    public async Task<SyncOutcome> Sync(SyncBeads command)
    {
        var board = await _board.Newest();
        var now = time.Now();
        var plan = SyncPlan.Of(board, command, now);
        if (plan.ClaimedTask is { } task && await GrainFactory.GetGrain<ITasksGrain>(_project).ApexOf(task) is { } apex)
            plan = plan.WithTaskApex(apex);
        BeadChange[] results;
        try
        {
            results = await Change(plan.Changes);
        }
        catch
        {
            // Some may have been changed; their subscribers must hear of it all the same.
            await WakeNotifier();
            throw;
        }

        var notified = await Notify(results);
        return Outcome(command, plan, results, now) with { NotificationsSent = notified.Sent, NotificationsFailed = notified.Failed };
    }

    /// <inheritdoc/>
    public async Task<ClaimedBead?> ClaimNext(ClaimNextBead command)
    {
        if (await ClaimedBefore() is { } before) return before;
        HashSet<string>? refused = null;
        while (true)
        {
            var board = await _board.Newest();
            var (issue, why, busy) = _free.Reserve(board, command, refused);
            if (issue is null)
            {
                if (busy is null) return null;
                await busy;
                continue;
            }

            try
            {
                var claimed = await Claim(board, issue.BeadId, new(command.WorkspaceId, command.Alias, command.HumanName),
                    new(ClaimKind.Free, new(issue.Repo, issue.Branch, issue.BeadId), Why: why));
                if (claimed.Granted is { } claim) return new(BoardViews.Row(issue), new(issue.BeadId, claim), why);

                // Somebody was faster, on another node or by a sync.
                (refused ??= new(StringComparer.Ordinal)).Add(issue.BeadId);
            }
            finally
            {
                _free.Return(issue.BeadId);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<IssueText> Create(CreateIssue command)
    {
        var board = await _board.Newest();
        var repo = command.Repo ?? (board.Scopes.Keys.Select(scope => scope.Repo).Distinct().Take(2).ToList() is [var only]
            ? only : command.Prefix);
        var prefix = board.Views.ById(repo, command.Branch) is [var first, ..] && first.BeadId.LastIndexOf('-') is > 0 and var end
            ? first.BeadId[..end] : command.Prefix;
        // A repeat finds its own bead by the same ids: what the first attempt has written is answered again.
        foreach (var id in IssueEditing.Ids(prefix, command.Id))
        {
            var created = IssueEditing.Create(id, repo, command.Branch, command.Edit, command.By, board, time.Now());
            if (await Write(id, created, place: 0, command.By, command.Edit, board) is { } text) return text;
        }

        throw new RefusedException(RefusalKind.Conflict, "No free bead id was found");
    }

    /// <inheritdoc/>
    public async Task<IssueText> Edit(ChangeIssue command)
    {
        for (var attempt = 1; attempt <= MostEdits; attempt++)
        {
            var board = await _board.Newest();
            var records = board.Beads.GetValueOrDefault(command.BeadId)?.Records ?? [];
            var have = command.Repo is null && command.Branch is null ? BeadTask.Newest(records) : records.FirstOrDefault(record =>
                (command.Repo ?? record.Repo) == record.Repo && (command.Branch ?? record.Branch) == record.Branch);
            if (have is null) throw new RefusedException(RefusalKind.NotFound, "Issue not found");
            var changed = IssueEditing.Change(have, (await _texts.Of(have)).Line, command.Edit, command.By, board, time.Now());
            if (await Write(command.BeadId, changed, have.Version, command.By, command.Edit, board) is { } text) return text;
        }

        throw new EventLogUnavailableException($"{command.BeadId} was changed by others {MostEdits} times in a row.");
    }

    /// <summary>Writes an edited line, with the claim or the release that its status means; null when another line was stored
    /// meanwhile.</summary>
    private async Task<IssueText?> Write(string beadId, (BeadRecord Record, string Line) edited, long place, IssueEditor by, IssueEdit edit,
        Board board)
    {
        var change = new ChangeBead(
            by.WorkspaceId, by.Alias, by.HumanName, Store: edited.Record, Claim: edit.Status == "in_progress",
            Apex: ApexWalk.From(edited.Record, board.Find), ReleaseAll: edit.Status == "closed",
            ProbablyNew: place == 0, Line: edited.Line, EditOf: place);
        var results = await Change([KeyValuePair.Create(beadId, change)]);
        if (results[0].Stored == StoreResult.Outdated) return null;
        if (results[0].HeldBy is { } holder)
            throw new RefusedException(RefusalKind.Conflict, BoardViews.BeingWorkedOn(beadId, holder.Alias, holder.HumanName));
        await Notify(results);
        var stored = results[0].Bead.Records.In(edited.Record.Repo, edited.Record.Branch);
        return stored is null ? new(edited.Record, edited.Line) : await _texts.Of(stored);
    }

    /// <inheritdoc/>
    public async Task<PutOutcome> Put(PutLines command)
    {
        var conflicts = ImmutableArray.CreateBuilder<string>();
        foreach (var round in PutPlan.Of(command, await _board.Newest(), time.Now()))
        {
            var results = await Change(round);
            await Notify(results);
            for (var i = 0; i < results.Length; i++)
                if (results[i].Stored == StoreResult.Conflict) conflicts.Add(round[i].Key);
        }

        return new(conflicts.DrainToImmutable());
    }

    /// <inheritdoc/>
    public async Task<ClaimView> Join(JoinBead command)
    {
        var joined = await Claim(await _board.Newest(), command.BeadId, new(command.WorkspaceId, command.Alias, command.HumanName),
            new(ClaimKind.Joining, Role: command.Role, Note: command.Note));
        return new(command.BeadId, joined.Granted!);
    }

    /// <inheritdoc/>
    public async Task<bool> Leave(string workspaceId, string beadId)
    {
        var board = await _board.Newest();
        // Ids of which nothing is known cost nothing.
        if (!board.ClaimsOn(beadId).Any(claim => claim.WorkspaceId == workspaceId)) return false;
        var left = await Change([KeyValuePair.Create(beadId, new ChangeBead(workspaceId, "", "", ReleaseOwn: true))]);
        return !left[0].Bead.Claims.Any(claim => claim.WorkspaceId == workspaceId);
    }

    /// <inheritdoc/>
    public async Task<int> ReleaseClaimsOf(string workspaceId)
    {
        var board = await _board.Newest();
        var beads = board.Workspaces.GetValueOrDefault(workspaceId, BoardWorkspace.None).Claims.Select(c => c.Row.BeadId)
            .ToHashSet(StringComparer.Ordinal);

        // A claim on its way to the log is not in the index yet, and would outlive its workspace.
        lock (_claiming) beads.UnionWith(_claiming.Where(c => c.WorkspaceId == workspaceId).Select(c => c.BeadId));
        if (beads.Count == 0) return 0;
        var release = new ChangeBead(null, "", "", ReleaseOf: workspaceId);
        await Change([.. beads.Select(id => KeyValuePair.Create(id, release))]);
        return beads.Count;
    }

    /// <summary>Has the subscribers told of changes. Those are durable: what goes wrong here is made up for by the notifier.</summary>
    private async Task<Notified> Notify(BeadChange[] results)
    {
        if (results.Length == 0) return Notified.Nothing;
        try
        {
            var watched = (await Subscriptions.Watched()).BeadIds;
            if (watched.IsEmpty) return Notified.Nothing;
            var news = results.Where(r => r.NewsVersion > 0 && watched.Contains(r.Bead.BeadId))
                .Select(r => new BeadNews(r.Bead.BeadId, r.NewsVersion)).ToImmutableArray();
            if (!news.IsEmpty) return await Notifier.Notify(news);

            // Lest it have much to read when something concerns somebody again.
            await Notifier.Wake();
        }
        catch (UnavailableException)
        {
            // Told later.
        }

        return Notified.Nothing;
    }

    private async Task WakeNotifier()
    {
        try
        {
            if (!(await Subscriptions.Watched()).BeadIds.IsEmpty) await Notifier.Wake();
        }
        catch (UnavailableException)
        {
            // The next change wakes it, or the next start.
        }
    }

    private async Task<BeadChange> Claim(Board board, string beadId, ChangeBead who, ClaimTerms terms)
    {
        var change = who with { Claim = true, Apex = ApexWalk.From(board.Latest(beadId), board.Find), Terms = terms,
            ProbablyNew = !board.Beads.ContainsKey(beadId) };
        return (await Change([KeyValuePair.Create(beadId, change)]))[0];
    }

    /// <summary>The bead that the first attempt at the request has claimed, as it was then, whatever has become of it since; null when this
    /// is no repeat, or nothing was claimed.</summary>
    private async Task<ClaimedBead?> ClaimedBefore()
    {
        if (KeyedRequest.Current is not { IsRepeat: true } request || await log.FindMark(_project, request.Mark) is not { } marked)
            return null;
        var bead = Bead.Empty;
        IEvent? last = null;
        if (marked.Stream.Kind == Bead.Kind.Name)
        {
            foreach (var stored in await log.ReadStream(marked.Stream, 0, (int)marked.Version))
                if ((last = EventTypes.Parse(stored.Type, stored.Data)) is not null) bead = bead.Apply(last);
        }

        return last is BeadClaimed { Issue: { } issue } claimed
            ? new(BoardViews.Row(bead.Records.In(issue.Repo, issue.Branch)!), new(Bead.IdOf(marked.Stream.Key), claimed.Claim()),
                claimed.Why)
            : null;
    }

    /// <inheritdoc/>
    public async Task ClaimTask(ClaimTask command)
    {
        var board = await _board.Newest();
        var claim = new ChangeBead(
            command.WorkspaceId, command.Alias, command.HumanName, Claim: true, Apex: new("", "", command.ApexRef),
            ProbablyNew: !board.Beads.ContainsKey(command.TaskRef),
            Terms: new(ClaimKind.Free), Title: command.Title);
        await Change([KeyValuePair.Create(command.TaskRef, claim)]);
    }

    /// <inheritdoc/>
    public async Task ReleaseTask(string taskRef, string title)
    {
        var board = await _board.Newest();
        bool claiming;
        lock (_claiming) claiming = _claiming.Any(c => c.BeadId == taskRef);
        if (!claiming && board.ClaimsOn(taskRef).IsEmpty) return;
        await Change([KeyValuePair.Create(taskRef, new ChangeBead(null, "", "", ReleaseAll: true, Title: title))]);
    }

    private SyncOutcome Outcome(SyncBeads command, SyncPlan plan, BeadChange[] results, DateTimeOffset now)
    {
        int added = 0, updated = plan.Unchanged, deleted = 0, statusChanges = 0;
        var conflicts = ImmutableArray.CreateBuilder<string>();
        string? refused = null;
        foreach (var result in results)
        {
            if (result.Stored == StoreResult.Added) added++;
            if (result.Stored == StoreResult.Updated) updated++;
            if (result.Stored == StoreResult.Conflict) conflicts.Add(result.Bead.BeadId);
            if (result.StatusChanged) statusChanges++;
            if (result.Removed) deleted++;
            if (result.HeldBy is { } holder) refused = BoardViews.BeingWorkedOn(result.Bead.BeadId, holder.Alias, holder.HumanName);
        }

        var total = _board.State.Scope(command.Repo, command.Branch).Count;
        return new(plan.Received, added, updated, deleted, conflicts.DrainToImmutable(), statusChanges, total, refused, now,
            Unchanged: plan.Unchanged);
    }

    /// <summary>Changes beads, all at once, so that their appends meet in one commit or a few; then shows what became of them, in one
    /// swap.</summary>
    private async Task<BeadChange[]> Change(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes)
    {
        if (changes.Count == 0) return [];
        await MustFit(changes);
        foreach (var (id, change) in changes) Claiming(id, change, begins: true);
        try
        {
            return changes.Count <= MostByGrains ? await ChangeByGrains(changes) : await ChangeHere(changes);
        }
        finally
        {
            foreach (var (id, change) in changes) Claiming(id, change, begins: false);
        }
    }

    /// <summary>Refuses issues that are new here when the project's quota has no room for them.</summary>
    private async ValueTask MustFit(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes)
    {
        var added = _board.State.IssuesAddedBy(changes.Select(static change => change.Value));
        if (added > 0 && (await GrainFactory.GetGrain<IProjectGrain>(_project).Quotas()).Beads is { } most
            && _board.State.Listed.Count is var used && used + added > most)
            throw ProjectQuotas.Exceeded("beads", most, used);
    }

    private async Task<BeadChange[]> ChangeByGrains(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes)
    {
        var calls = new Task<BeadChange>[changes.Count];
        try
        {
            for (var i = 0; i < calls.Length; i++)
            {
                var (id, change) = changes[i];
                calls[i] = GrainFactory.GetGrain<IBeadGrain>(IBeadGrain.Key(_project, id))
                    .Change(change with { KnownVersion = _board.State.Beads.GetValueOrDefault(id)?.Version ?? 0 });
            }

            return await Task.WhenAll(calls);
        }
        finally
        {
            DistrustAfter(calls);
            // What succeeded is in the log and is shown even when another bead's call failed.
            _board.Show(calls.Where(call => call is { IsCompletedSuccessfully: true }).Select(call => call.Result.Bead));
        }
    }

    /// <summary>
    /// Decides for many beads without their grains. Each append expects the version on which was decided: when somebody was faster that
    /// bead is read and decided again. Grains that hold one of the beads hear of its version with their next command.
    /// </summary>
    private async Task<BeadChange[]> ChangeHere(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes)
    {
        var results = new BeadChange[changes.Count];
        List<int> left = [.. Enumerable.Range(0, changes.Count)];
        try
        {
            var write = KeyedRequest.Current is { } request && request.Project == _project
                ? new KeyedWrite(request, new("board", _project), nameof(ChangeHere)) : null;
            for (var attempt = 1; left.Count > 0 && attempt <= AttemptsHere; attempt++)
            {
                left = await AppendAll(changes, left, results, write);
                foreach (var group in left.Chunk(BoardProjection.LoadBatch))
                    _board.Show(await Task.WhenAll(group.Select(i => _board.Read(changes[i].Key).AsTask())));
            }
        }
        finally
        {
            // What succeeded is in the log and is shown even when the rest failed.
            _board.Show(results.Where(result => result is not null).Select(result => result.Bead));
        }

        if (left.Count == 0) return results;
        var rest = await ChangeByGrains([.. left.Select(i => changes[i])]);
        for (var i = 0; i < rest.Length; i++) results[left[i]] = rest[i];
        return results;
    }

    /// <summary>
    /// Decides and appends, some thousand beads at a time: while they are being written the next are decided, and no more texts are in
    /// memory. Answers the changes for whose beads somebody was faster.
    /// </summary>
    private async Task<List<int>> AppendAll(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes, List<int> indexes,
        BeadChange[] results, KeyedWrite? write)
    {
        var left = new List<int>();
        var before = Task.FromResult<List<int>>([]);
        foreach (var chunk in indexes.Chunk(AppendBatch))
        {
            List<Decided> decided;
            try
            {
                decided = await Decide(changes, chunk, results, write);
            }
            catch
            {
                await before;
                throw;
            }

            var append = Append(decided, results, write);
            try
            {
                left.AddRange(await before);
            }
            catch
            {
                await Task.WhenAny(append);
                throw;
            }

            before = append;
        }

        left.AddRange(await before);
        return left;
    }

    private sealed record Decided(int Index, StreamAppend Append, BeadChange Change);

    /// <summary>Decides on the newest index; what changes nothing is a result at once.</summary>
    private async ValueTask<List<Decided>> Decide(IReadOnlyList<KeyValuePair<string, ChangeBead>> changes, int[] indexes,
        BeadChange[] results, KeyedWrite? write)
    {
        var board = await _board.Newest();
        var now = time.Now();
        var decided = new List<Decided>(indexes.Length);
        foreach (var i in indexes)
        {
            var (id, change) = changes[i];
            var bead = board.Beads.GetValueOrDefault(id) ?? Bead.Empty.View(id, 0);
            var (decision, after) = Bead.Of(bead).ChangeTo(change, now);
            if (decision.Events.IsEmpty)
            {
                results[i] = decision.Result.On(bead);
                continue;
            }

            var view = after.View(id, bead.Version + decision.Events.Length);
            var snapshotDue = view.Version / Bead.Kind.SnapshotEvery > bead.Version / Bead.Kind.SnapshotEvery && !view.HoldsUnknown;
            decided.Add(new(i,
                new(_project, StreamOf(id), bead.Version,
                [.. decision.Events.Select(e => new NewEvent(EventTypes.NameOf(e), EventTypes.Serialize(e), now))],
                snapshotDue ? Bead.Kind.Save(after) : null), decision.Result.On(view)));
        }

        if (decided.Count > 0 && write is not null)
        {
            // Asked after the decisions: what comes later moves the versions that the appends expect.
            await write.MustBeAlone(log);
            decided[0] = decided[0] with { Append = decided[0].Append with { Events = write.MarkOnce(decided[0].Append.Events) } };
        }

        return decided;
    }

    /// <summary>Appends; answers the changes for whose beads somebody was faster.</summary>
    private async Task<List<int>> Append(List<Decided> decided, BeadChange[] results, KeyedWrite? write)
    {
        var appends = decided.ConvertAll(one => log.Append(one.Append));
        try
        {
            await Task.WhenAll(appends);
        }
        finally
        {
            DistrustAfter(appends);
            for (var i = 0; i < appends.Count; i++)
                if (appends[i] is { IsCompletedSuccessfully: true, Result.Written: true }) results[decided[i].Index] = decided[i].Change;
        }

        var left = decided.Where(one => results[one.Index] is null).Select(one => one.Index).ToList();
        if (write is not null && decided.Count > 0)
        {
            if (left.Count < decided.Count) write.Wrote(withResult: false);
            // The first of them may have carried the mark.
            if (results[decided[0].Index] is null) await write.AfterRefusal(log);
        }

        return left;
    }

    private StreamKey StreamOf(string beadId) => new(Bead.Kind.Name, IBeadGrain.Key(_project, beadId));

    private void Claiming(string beadId, ChangeBead change, bool begins)
    {
        if (change is not { Claim: true, WorkspaceId: { } workspaceId }) return;
        lock (_claiming)
        {
            if (begins) _claiming.Add((workspaceId, beadId));
            else _claiming.Remove((workspaceId, beadId));
        }
    }

    private ValueTask<TAnswer> Read<TQuery, TAnswer>(TQuery query, Func<BoardViews, TQuery, TAnswer> answer)
    {
        var board = _board.Newest();
        return board.IsCompletedSuccessfully ? new(answer(board.Result.Views, query)) : ReadNewest(board);

        async ValueTask<TAnswer> ReadNewest(ValueTask<Board> board) => answer((await board).Views, query);
    }

    /// <summary>The same as of a commit's tree.</summary>
    private ValueTask<TAnswer> ReadAt<TQuery, TAnswer>(ObjectHash? root, TQuery query, Func<BoardViews, TQuery, TAnswer> answer)
    {
        return root is { } then ? ReadPast(then) : Read(query, answer);

        async ValueTask<TAnswer> ReadPast(ObjectHash then) => answer((await _past.Of(then)).Views, query);
    }

    /// <summary>What was neither answered nor refused may have been written all the same.</summary>
    private void DistrustAfter(IEnumerable<Task?> calls)
    {
        if (!calls.All(static call => call is { IsCompletedSuccessfully: true } || call?.Exception?.InnerException is RefusedException))
            _board.Distrust();
    }
}
