using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Idempotency;
using Beadhub.Projects;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.History;

/// <inheritdoc cref="IHistoryGrain"/>
/// <remarks>
/// A tree's chunks are durable before the commit that names them: a crash between leaves chunks that nobody names. What a merge or a
/// restore puts into the working set goes through the board, each line on the condition that what it replaces still stands.
/// </remarks>
public sealed class HistoryGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<HistoryBook>(log), IHistoryGrain
{
    private const string WorkingName = "WORKING";
    private const int Attempts = 5;
    private const int MostSkipped = 100_000;
    private const int BeadsAtOnce = 512;
    private const int LinesAtOnce = 256;

    private static readonly Func<HistoryBook, HistoryBook> Whole = static book => book;

    private string _project = "";
    private HistoryObjects _objects = null!;
    private WorkingTree _working = null!;
    private IssueHistories _issues = null!;
    private volatile CommitContent? _beyond;

    private sealed record CommitContent(ObjectHash Of, IReadOnlyList<TreeNode> Chunks, IReadOnlyList<TreeEntry> Lines);

    private IBoardGrain Board => GrainFactory.GetGrain<IBoardGrain>(_project);

    private ITasksGrain Tasks => GrainFactory.GetGrain<ITasksGrain>(_project);

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        _objects = new(Log, _project);
        _working = new(Log, _project, _objects, () => Read(Whole), () => Tasks);
        _issues = new(Log, _project, _objects);
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryStatus> Status() =>
        Read(static book => new HistoryStatus(book.Mode, book.Head, book.Commits.Count, book.Merge is not null));

    /// <inheritdoc/>
    public async Task SetMode(string mode, string by)
    {
        // What was written before belongs to no command that is committed.
        if (mode == CommitModes.Command && (await Status()).Mode != mode)
            await CommitWorking(new(by), "What stood before each command is committed");
        await Transact(book => book.Mode == mode
            ? Decision.None(true) : Decision.Accept(true, new CommitModeSet(mode, by, time.Now())));
    }

    /// <inheritdoc/>
    public async Task<CommitView?> Commit(CreateCommit command)
    {
        var made = command.Lines is { } lines ? await CommitLines(command, lines) : await CommitWorking(command.By, command.Message);
        return made is null ? null : View(State, made.Id(), made.Message);
    }

    /// <inheritdoc/>
    public async Task AfterWrite(CreateCommit command)
    {
        // It is no part of what the sync answers, and done again it changes nothing.
        KeyedRequest.Leave();
        if ((await Status()).Mode == CommitModes.Command) await CommitEach(command);
    }

    /// <inheritdoc/>
    public async ValueTask<CommitPage> Commits(LogQuery query)
    {
        var book = await Read(Whole);
        if (book.Commits.IsEmpty && query.From == "HEAD") return new([], null, false);
        var from = book.CommitOf(query.From);
        var ids = book.Ancestors(from).Skip(Math.Min(query.Skip, MostSkipped)).Take(query.Limit + 1).ToList();
        var shown = await Shown(book, [.. ids.Take(query.Limit)]);
        return new(shown, from, ids.Count > query.Limit);
    }

    /// <inheritdoc/>
    public async ValueTask<CommitView> Show(string version)
    {
        var book = await Read(Whole);
        return (await Shown(book, [book.CommitOf(version)]))[0];
    }

    /// <inheritdoc/>
    public ValueTask<ObjectHash?> Resolve(string version) =>
        Read(book => version == WorkingName ? default(ObjectHash?) : book.Commits[book.CommitOf(version)].Root);

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<StandingTask>> TasksAt(ObjectHash root)
    {
        var changes = (await Trees.Diff(await Working(), TreeNode.Stub(root), _objects)).Where(static change => change.Key.IsTask).ToList();
        var then = changes.Select(static change => change.After).OfType<TreeEntry>().ToList();
        var lines = await _objects.Lines(then);
        return [.. changes.Where(static change => change.After is null).Select(static change => new StandingTask(change.Key.BeadId, null)),
            .. then.Select((entry, i) => new StandingTask(entry.Key.BeadId, lines[i]))];
    }

    /// <inheritdoc/>
    public async ValueTask<string?> TaskAt(ObjectHash root, string taskId) =>
        (await Trees.Find(TreeNode.Stub(root), [new("", "", taskId)], _objects))[0] is { } entry
            ? (await _objects.Lines([entry]))[0] : null;

    /// <inheritdoc/>
    public async ValueTask<DiffPage> Diff(DiffQuery query)
    {
        var book = await Read(Whole);
        var (from, before) = await Named(book, query.From);
        var (to, after) = await Named(book, query.To);
        var changes = await Trees.Diff(before, after, _objects);
        IEnumerable<TreeChange> listed = changes;
        if (query.BeadId is { } id) listed = listed.Where(change => change.Key.BeadId == id);
        var total = query.BeadId is null ? changes.Count : listed.Count();
        if (query.After?.Split('\t') is [var repo, var branch, var last])
            listed = listed.Where(change => Trees.Order(change.Key, new(repo, branch, last)) > 0);
        var page = listed.Take(query.Limit + 1).ToList();
        var isLast = page.Count <= query.Limit;
        if (!isLast) page.RemoveAt(query.Limit);
        var lines = await _objects.Lines([.. page.SelectMany(static change => new[] { change.Before, change.After }).OfType<TreeEntry>()]);
        var at = 0;
        var beads = ImmutableArray.CreateBuilder<BeadDifference>(page.Count);
        foreach (var change in page)
        {
            var (was, becomes) = (change.Before is null ? null : lines[at++], change.After is null ? null : lines[at++]);
            beads.Add(new(change.Key.Repo, change.Key.Branch, change.Key.BeadId,
                was is null ? "added" : becomes is null ? "removed" : "changed", TitleOf(becomes ?? was!),
                IssueHistories.Changes(was, becomes)));
        }

        return new(from, to, beads.MoveToImmutable(), total, isLast ? null : page[^1].Key.ToString());
    }

    /// <inheritdoc/>
    public ValueTask<IssueHistory> Events(IssueHistoryQuery query) => _issues.Events(query);

    /// <inheritdoc/>
    public async ValueTask<IssueBlame> Blame(IssueHistoryQuery query)
    {
        var book = await Read(Whole);
        var tree = await Working();
        var key = await Board.Issue(new(query.BeadId, query.Repo, query.Branch)) is { Record: var record }
            ? new TreeKey(record.Repo, record.Branch, record.BeadId) : new("", "", query.BeadId);
        var line = (await Trees.Find(tree, [key], _objects))[0]
            ?? throw new RefusedException(RefusalKind.NotFound, "Issue not found");
        return await _issues.Blame(line, book.Head, book);
    }

    /// <inheritdoc/>
    public async Task<RestoreOutcome> Restore(RestoreBeads command)
    {
        // It writes in many steps, and done again it changes nothing.
        KeyedRequest.Leave();
        var root = await Resolve(command.To)
            ?? throw new RefusedException(RefusalKind.Invalid, "WORKING is what stands: restore to a commit");
        var commitId = (await Read(Whole)).CommitOf(command.To);
        var (restored, removed) = (0, 0);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            kept.Clear();
            var now = time.Now();
            var changes = await Chosen(await Trees.Diff(await Working(), TreeNode.Stub(root), _objects), command,
                State.Commits[commitId]);
            foreach (var some in changes.Chunk(BeadsAtOnce))
            {
                var lines = await _objects.Lines([.. some.SelectMany(static change => new[] { change.Before, change.After })
                    .OfType<TreeEntry>()]);
                var at = 0;
                var planned = new List<PlannedLine>();
                foreach (var change in some)
                {
                    var (was, target) = (change.Before is null ? null : lines[at++], change.After is null ? null : lines[at++]);
                    if (change.Key.IsTask && was is not null && target is not null)
                        target = TaskLine.Must(target).WithCommentsOf(TaskLine.Must(was)).Text();
                    if (was is not null && target is not null && LineMerge.SaysTheSame(was, target)) continue;
                    // A bead that was removed may be known to clients by any line: this one is newer than all of them.
                    planned.Add(new(change.Key, change.Before, target is null ? null
                        : was is null ? LineMerge.At(target, now) : LineMerge.Newer(target, was, now)));
                }

                var conflicts = await Put(planned, command.By, $"history restore {command.To}");
                kept.UnionWith(conflicts);
                restored += planned.Count(line => line.Line is not null && !conflicts.Contains(line.Key.BeadId));
                removed += planned.Count(line => line.Line is null && !conflicts.Contains(line.Key.BeadId));
            }

            if (kept.Count == 0) break;
        }

        var commit = command.Message is { } message ? await CommitWorking(command.By, message)
            : restored + removed > 0 && State.Mode == CommitModes.Command
                ? await CommitEach(new(command.By, $"history restore {command.To}")) : null;
        return new(restored, removed, [.. kept.Order(StringComparer.Ordinal)], commit?.Id());
    }

    /// <inheritdoc/>
    public Task<HistoryRef> SetRef(SetHistoryRef command) => Transact(book => book.Set(command, time.Now()));

    /// <inheritdoc/>
    public ValueTask<HistoryRefs> Refs(bool tags) => Read(book => new HistoryRefs(tags
        ? [.. book.Tags.Select(tag => new HistoryRef(tag.Key, tag.Value.Commit, tag.Value.Message, tag.Value.By, tag.Value.At))]
        : [.. book.Branches.Select(branch => new HistoryRef(branch.Key, branch.Value, null, null, null))]));

    /// <inheritdoc/>
    public async Task<MergeOutcome> Merge(MergeVersion command)
    {
        var book = await Read(Whole);
        var from = book.CommitOf(command.From);
        if (book.Merge is { } waiting && waiting.From != from)
            throw new RefusedException(RefusalKind.Conflict,
                $"A merge of {waiting.Name} waits for decisions: complete or abandon it first");
        return await Merge(from, command.From, command.Message ?? $"Merge {command.From}", command.By, command.Prefer,
            command.OnlyForward);
    }

    /// <inheritdoc/>
    public async Task<PendingMerge?> Waiting() => (await Read(Whole)).Merge is { } waiting ? await Shown(waiting) : null;

    /// <inheritdoc/>
    public async Task<PendingMerge> Choose(ConflictChoice choice, string by)
    {
        var shown = await Shown(await MustWait());
        if (!shown.Conflicts.Any(conflict => Concerns(choice, new(conflict.Repo, conflict.Branch, conflict.BeadId), conflict.Field))
            && !shown.Choices.Any(made => made with { Take = "", Value = null } == choice with { Take = "", Value = null }))
            throw new RefusedException(RefusalKind.NotFound, "There is no such conflict");
        await Transact(book => book.Merge is null ? throw NoneWaits()
            : Decision.Accept(true, new ConflictResolved(choice, by, time.Now())));
        return await Shown(await MustWait());
    }

    /// <inheritdoc/>
    public async Task<MergeOutcome> Complete(HistoryAuthor by, string? message)
    {
        var waiting = await MustWait();
        return await Merge(waiting.From, waiting.Name, message ?? waiting.Message, by, null);
    }

    /// <inheritdoc/>
    public Task Abandon(string by) => Transact(book => book.Merge is null ? throw NoneWaits()
        : Decision.Accept(true, new MergeAbandoned(by, time.Now())));

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<HistoryObject>> Objects(ImmutableArray<ObjectHash> ids)
    {
        var book = await Read(Whole);
        var found = ImmutableArray.CreateBuilder<HistoryObject>();
        var others = new List<ObjectHash>();
        foreach (var id in ids)
        {
            if (book.Commits.ContainsKey(id)) found.Add(new(id, (await ObjectOf(book, id)).Text()));
            else others.Add(id);
        }

        var texts = await _objects.Texts(others);
        for (var i = 0; i < texts.Length; i++)
            if (texts[i] is { } text) found.Add(new(others[i], text));
        return found.DrainToImmutable();
    }

    /// <inheritdoc/>
    public async ValueTask<MissingObjects> Missing(MissingQuery query)
    {
        var book = await Read(Whole);
        foreach (var id in query.Wanted)
            if (!book.Commits.ContainsKey(id)) throw new RefusedException(RefusalKind.NotFound, $"Unknown commit: {id}");
        var known = book.Ancestors(query.Known.Where(book.Commits.ContainsKey)).ToHashSet();
        var commits = book.Ancestors(query.Wanted).Where(id => !known.Contains(id)).Reverse().ToList();
        var objects = ImmutableArray.CreateBuilder<HistoryObject>();
        long size = 0;
        var skip = query.Skip;
        for (var at = query.After; at < commits.Count; at++, skip = 0)
        {
            var (chunks, lines) = await Beyond(book, commits[at]);
            while (skip < lines.Count)
            {
                if (IsFull()) return Page(at);
                var some = lines.Skip(skip).Take(LinesAtOnce).ToList();
                var texts = await _objects.Lines(some);
                for (var i = 0; i < texts.Length && !IsFull(); i++, skip++) Add(some[i].Line, texts[i]);
            }

            for (; skip < lines.Count + chunks.Count; skip++)
            {
                if (IsFull()) return Page(at);
                var chunk = chunks[skip - lines.Count];
                Add(chunk.Hash, chunk.Text());
            }

            if (IsFull()) return Page(at);
            Add(commits[at], (await ObjectOf(book, commits[at])).Text());
        }

        return new(objects.DrainToImmutable(), null, commits.Count);

        bool IsFull() => objects.Count > 0 && size >= query.MaxCharacters;

        MissingObjects Page(int at) => new(objects.DrainToImmutable(), at, commits.Count, skip);

        void Add(ObjectHash id, string text)
        {
            objects.Add(new(id, text));
            size += text.Length;
        }
    }

    /// <summary>What a commit's tree has beyond its first parent's. That of the last one is kept: large ones are sent in many
    /// pages.</summary>
    private async ValueTask<(IReadOnlyList<TreeNode> Chunks, IReadOnlyList<TreeEntry> Lines)> Beyond(HistoryBook book, ObjectHash id)
    {
        if (_beyond is { } kept && kept.Of == id) return (kept.Chunks, kept.Lines);
        var commit = book.Commits[id];
        var before = commit.Parents is [var parent, ..] ? TreeNode.Stub(book.Commits[parent].Root) : TreeNode.Empty;
        var (chunks, lines) = await Trees.Beyond(before, TreeNode.Stub(commit.Root), _objects);
        _beyond = new(id, chunks, lines);
        return (chunks, lines);
    }

    /// <inheritdoc/>
    public async Task<int> Receive(ImmutableArray<HistoryObject> objects)
    {
        var (commits, others) = HistoryObjects.Checked(objects);
        var book = await Read(Whole);
        await _objects.Write(others);
        var added = 0;
        foreach (var (id, commit) in commits)
        {
            if (book.Commits.ContainsKey(id)) continue;
            foreach (var parent in commit.Parents)
                if (!book.Commits.ContainsKey(parent))
                    throw new RefusedException(RefusalKind.Invalid, $"Commit {id} follows {parent}, which is not here");
            if (commit.Parents.Any(parent => book.Commits[parent].Time > commit.Time))
                throw new RefusedException(RefusalKind.Invalid, $"Commit {id} is older than what it follows");
            var hasTasks = await MustBeWhole(commit, book);
            await Transact(now => now.Commits.ContainsKey(id) ? Decision.None(true) : Decision.Accept(true,
                new CommitAdded(id, commit.Parents, commit.Root, commit.Author, commit.Time, commit.Message, null, 0, null,
                    hasTasks ? true : null)));
            book = await Read(Whole);
            added++;
        }

        return added;
    }

    /// <summary>All that a commit's tree has beyond its first parent's is here.</summary>
    /// <returns>Whether there are native tasks in it.</returns>
    private async ValueTask<bool> MustBeWhole(CommitObject commit, HistoryBook book)
    {
        var before = commit.Parents is [var first, ..] ? TreeNode.Stub(book.Commits[first].Root) : TreeNode.Empty;
        var (_, lines) = await Trees.Beyond(before, TreeNode.Stub(commit.Root), _objects);
        foreach (var some in lines.Chunk(BeadsAtOnce))
        {
            var texts = await _objects.Lines(some);
            for (var i = 0; i < some.Length; i++)
                if (some[i].Key is { IsTask: true, BeadId: var id } && TaskLine.Must(texts[i]).Id != id)
                    throw new RefusedException(RefusalKind.Invalid, $"The line of task {id} is another's");
        }

        // A chunk may lie about where its lines belong, or how many they are.
        return (await Trees.LoadAll(TreeNode.Stub(commit.Root), _objects)).All().Any(static entry => entry.Key.IsTask);
    }

    private async Task<CommitObject?> CommitWorking(HistoryAuthor by, string message)
    {
        for (var attempt = 1; ; attempt++)
        {
            var tree = await Working();
            var position = _working.Position;
            var unstored = await _objects.Prepare(tree);
            var made = await Transact(book => book.Head is { } head && book.Commits[head].Position > position
                ? Decision.None<(bool IsOld, CommitObject? Commit)>((true, null))
                : With(book.Commit(tree.Hash, position, HistoryBook.Main, null, null, by, message, time.Now())),
                before: unstored.Appends);
            if (made.Commit is not null) unstored.IsStored();
            if (!made.IsOld) return made.Commit;
            // Another node has committed what is not in this tree yet.
            if (attempt == Attempts) throw new EventLogUnavailableException("The history is being written by others.");
        }
    }

    private static Decision<(bool IsOld, CommitObject? Commit)> With(Decision<CommitObject?> decision) =>
        new(decision.Events, (false, decision.Result));

    /// <summary>Commits what each command has changed since the last commit, under its own author: several may have met.</summary>
    /// <returns>The last commit; null when nothing has changed.</returns>
    private async Task<CommitObject?> CommitEach(CreateCommit command)
    {
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var book = await Read(Whole);
            var working = await Working();
            var position = _working.Position;
            if (book is not { Head: { } head, HeadRoot: { } root, Followed.Position: var since }
                || await CommandChanges.Since(Log, _project, since, position) is not { } beads) break;
            CommitObject? made = null;
            var all = beads.ToList();
            if (await ChangedTasks(all, TreeNode.Stub(root), working, command) is { } tasks) all.Add(tasks);
            var tree = TreeNode.Stub(root);
            for (var i = 0; i < all.Count; i++)
            {
                // The last one leads to what stands, of which more is in memory.
                var isLast = i == all.Count - 1;
                tree = await Trees.Changed(tree, all[i].Lines, _objects);
                if (isLast && tree.Hash == working.Hash) tree = working;
                var unstored = await _objects.Prepare(tree);
                var (next, by, after) = (tree, all[i].By, head);
                var message = all[i].Message ?? (by.Alias == command.By.Alias ? command.Message : all[i].Usual);
                // A commit within holds not all that has come until then: what has come since the first is taken in after it.
                var at = ReferenceEquals(next, working) ? position : since;
                var one = await Transact(now => now.Head != after ? Decision.None<(bool IsOld, CommitObject? Commit)>((true, null))
                    : With(now.Commit(next.Hash, at, HistoryBook.Main, null, null, by, message, time.Now())), before: unstored.Appends);
                // Another node has committed meanwhile.
                if (one.IsOld) break;
                if (one.Commit is not { } commit) continue;
                unstored.IsStored();
                (made, head) = (commit, commit.Id());
            }

            if (tree.Hash == working.Hash && (await Read(Whole)).HeadRoot == working.Hash) return made;
        }

        return await CommitWorking(command.By, command.Message);
    }

    /// <summary>What has changed of native tasks; null for nothing. Their events do not tell commands apart: it belongs to whoever
    /// asks.</summary>
    private async ValueTask<CommandChanges?> ChangedTasks(List<CommandChanges> beads, TreeNode before, TreeNode working,
        CreateCommit command)
    {
        var changes = new CommandChanges(command.By, beads.Count == 0 ? command.Message : "change tasks", time.Now());
        foreach (var change in await Trees.Diff(before, working, _objects))
            if (change.Key.IsTask) changes.Lines[change.Key] = change.After;
        return changes.Lines.Count == 0 ? null : changes;
    }

    private async Task<CommitObject?> CommitLines(CreateCommit command, CommittedLines lines)
    {
        if (lines.On == HistoryBook.Main || !HistoryBook.IsRefName(lines.On))
            throw new RefusedException(RefusalKind.Invalid, $"Lines are committed onto a branch other than main, not {lines.On}");
        var issues = IssueLines.Read(lines.Issues.AsSpan(), lines.Repo, lines.Branch, BoardScope.None, time.Now());
        var book = await Read(Whole);
        var start = book.Branches.TryGetValue(lines.On, out var newest) ? newest : book.Head;
        var before = start is { } commit ? TreeNode.Stub(book.Commits[commit].Root) : TreeNode.Empty;
        var written = issues.ChangedLines.Select(changed => (Line: changed.Line, Entry: TreeEntry.Of(
            new(lines.Repo, lines.Branch, changed.Issue.BeadId), ObjectHash.Of(changed.Line)))).ToList();
        var known = await Trees.Find(before, [.. written.Select(static one => one.Entry.Key)], _objects);
        var texts = new Dictionary<ObjectHash, string>();
        var changes = new Dictionary<TreeKey, TreeEntry?>();
        for (var i = 0; i < known.Length; i++)
        {
            var (line, entry) = written[i];
            if (known[i]?.Line == entry.Line) continue;
            texts[entry.Line] = line;
            changes[entry.Key] = entry;
        }

        foreach (var id in lines.DeletedIds)
            if (Names.IsBeadId(id)) changes[new(lines.Repo, lines.Branch, id)] = null;
        var tree = await Trees.Changed(before, changes, _objects);
        var unstored = await _objects.Prepare(tree, texts);
        return await Transact(now =>
        {
            if ((now.Branches.TryGetValue(lines.On, out var still) ? still : now.Head) != start)
                throw new RefusedException(RefusalKind.Conflict, $"Branch {lines.On} was moved by others meanwhile");
            return now.Commit(tree.Hash, 0, lines.On, start, null, command.By, command.Message, time.Now(),
                hasTasks: start is not { } of || now.Commits[of].HasTasks);
        }, before: unstored.Appends);
    }

    private async Task<MergeOutcome> Merge(ObjectHash from, string name, string message, HistoryAuthor by, string? prefer,
        bool onlyForward = false)
    {
        // It writes in many steps, and done again it changes nothing.
        KeyedRequest.Leave();
        ObjectHash? before = null;
        var changed = 0;
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            if (onlyForward && (await Working()).Hash != ((await Read(Whole)).HeadRoot ?? TreeNode.Empty.Hash))
                throw new RefusedException(RefusalKind.Conflict,
                    "The other project has changes that are not committed: commit them there first, or push to a branch other than main");
            // What is not committed yet is a version of its own: a merge has two sides.
            before = (await CommitWorking(by, $"Changes before the merge of {name}"))?.Id() ?? before;
            var book = await Read(Whole);
            var ours = await Working();
            var head = book.Head;
            if (head is not null && book.HeadRoot != ours.Hash) continue;
            var common = head is { } newest ? book.MergeBase(newest, from) : null;
            if (common == from)
            {
                if (book.Merge is not null) await Abandon(by.Alias);
                return new("up_to_date", head, before);
            }

            var theirs = TreeNode.Stub(book.Commits[from].Root);
            var isForward = common == head;
            // Somebody else was faster.
            if (onlyForward && !isForward) return new("overtaken", head);
            var was = common is { } one ? TreeNode.Stub(book.Commits[one].Root) : TreeNode.Empty;
            var choices = book.Merge?.Choices ?? [];
            IAsyncEnumerable<MergePlan> Plans() => isForward ? MergePlan.Taking(ours, theirs, _objects)
                : MergePlan.Of(was, ours, theirs, _objects, time.Now(), Choosing(choices, prefer));
            var conflicts = 0;
            if (!isForward)
                await foreach (var plan in Plans()) conflicts += plan.Conflicts.Length;
            if (conflicts > 0)
            {
                await Transact(now => now.Merge is not null ? Decision.None(true)
                    : Decision.Accept(true, new MergeBegun(from, name, message, by.Alias, time.Now())));
                return new("conflicts", head, before, 0, conflicts);
            }

            var lost = false;
            var removed = new List<TreeKey>();
            var written = new List<(TreeKey Key, ObjectHash Line)>();
            await foreach (var plan in Plans())
            {
                lost |= (await Put(plan.Lines, by, $"history merge {name}")).Count > 0;
                changed += plan.Lines.Length;
                foreach (var (key, _, line) in plan.Lines)
                {
                    if (line is null) removed.Add(key);
                    else written.Add((key, key.IsTask ? _objects.Hold(key.BeadId, line) : ObjectHash.Of(line)));
                }
            }

            // Somebody wrote meanwhile: what that was is committed before, and merged too.
            if (lost) continue;
            if (isForward)
            {
                await Transact(now => now.Head != head ? throw Moved()
                    : Decision.Accept(true, new HistoryBranchSet(HistoryBook.Main, from, by.Alias, time.Now())));
                return new("fast_forward", from, before, changed);
            }

            var working = await Working();
            var there = await Trees.Find(working, [.. written.Select(static one => one.Key)], _objects);
            var changes = removed.ToDictionary(static key => key, static _ => default(TreeEntry?));
            for (var i = 0; i < there.Length; i++)
                changes[written[i].Key] = there[i] is { } stands && stands.Line == written[i].Line ? stands
                    : TreeEntry.Of(written[i].Key, written[i].Line);
            var merged = await Trees.Changed(ours, changes, _objects);
            var unstored = await _objects.Prepare(merged);
            var commit = await Transact(now => now.Head != head ? throw Moved()
                : now.Commit(merged.Hash, book.Commits[head!.Value].Position, HistoryBook.Main, null, from, by, message, time.Now()),
                before: unstored.Appends);
            return new("merged", commit!.Id(), before, changed);
        }

        throw new RefusedException(RefusalKind.Conflict, "Beads were changed by others while they were merged: try again");

        static RefusedException Moved() => new(RefusalKind.Conflict, "main was moved by others meanwhile: try again");
    }

    private static Func<TreeKey, string?, LineChoice?> Choosing(ImmutableArray<ConflictChoice> choices, string? prefer) => (key, field) =>
        choices.LastOrDefault(choice => Concerns(choice, key, field)) is { } made ? new(made.Take, made.Value)
        : prefer is null ? null : new(prefer);

    private static bool Concerns(ConflictChoice choice, TreeKey key, string? field) => choice.BeadId == key.BeadId
        && choice.Field == field && (choice.Repo ?? key.Repo) == key.Repo && (choice.Branch ?? key.Branch) == key.Branch;

    private async ValueTask<PendingMerge> Shown(WaitingMerge waiting)
    {
        var book = await Read(Whole);
        var common = book.Head is { } head ? book.MergeBase(head, waiting.From) : null;
        var was = common is { } one ? TreeNode.Stub(book.Commits[one].Root) : TreeNode.Empty;
        var conflicts = ImmutableArray.CreateBuilder<MergeConflict>();
        await foreach (var plan in MergePlan.Of(was, await Working(), TreeNode.Stub(book.Commits[waiting.From].Root), _objects, time.Now(),
            Choosing(waiting.Choices, null))) conflicts.AddRange(plan.Conflicts);
        return new(waiting.From, waiting.Name, waiting.Message, waiting.By, waiting.At, conflicts.DrainToImmutable(), waiting.Choices);
    }

    private async ValueTask<WaitingMerge> MustWait() => (await Read(Whole)).Merge ?? throw NoneWaits();

    private static RefusedException NoneWaits() => new(RefusalKind.NotFound, "No merge waits");

    /// <summary>Puts lines into the working set; answers the ids of beads that somebody has changed meanwhile.</summary>
    private async ValueTask<IReadOnlyCollection<string>> Put(IReadOnlyCollection<PlannedLine> lines, HistoryAuthor by, string command)
    {
        ImmutableArray<PutLine> beads = [.. lines.Where(static line => !line.Key.IsTask).Select(static line =>
            new PutLine(line.Key.Repo, line.Key.Branch, line.Key.BeadId, line.Line, line.Ours?.Line))];
        ImmutableArray<PutTask> tasks = [.. lines.Where(static line => line.Key.IsTask).Select(static line =>
            new PutTask(line.Key.BeadId, line.Line, line.Ours?.Line))];
        var conflicts = new List<string>();
        if (!beads.IsEmpty) conflicts.AddRange((await Board.Put(new(by.AgentId, by.Alias, by.HumanName, command, beads))).Conflicts);
        if (!tasks.IsEmpty) conflicts.AddRange(await Tasks.Put(new(by.AgentId, tasks)));
        return conflicts;
    }

    /// <summary>The changes that a restore is to make.</summary>
    private async ValueTask<List<TreeChange>> Chosen(IReadOnlyList<TreeChange> changes, RestoreBeads command, CommitNode to)
    {
        var byTask = command.ChangedBy is { } whose ? await TasksChangedBy(whose, to.Time) : null;
        var ids = command.BeadIds.ToHashSet(StringComparer.Ordinal);
        var chosen = new List<TreeChange>();
        foreach (var change in changes)
        {
            var key = change.Key;
            // Commits of older versions tell nothing of tasks.
            if (key.IsTask && (!to.HasTasks || byTask?.Contains(key.BeadId) == false)) continue;
            if (ids.Count > 0 && !ids.Contains(key.BeadId) || (command.Repo ?? key.Repo) != key.Repo
                || (command.Branch ?? key.Branch) != key.Branch) continue;
            if (!key.IsTask && command.ChangedBy is { } alias && !await _issues.HasChanged(key, alias, change.After?.Version ?? 0))
                continue;
            chosen.Add(change);
        }

        return chosen;
    }

    /// <summary>Ids of the native tasks that agents of an alias have changed since a time.</summary>
    private async ValueTask<HashSet<string>> TasksChangedBy(string alias, DateTimeOffset since)
    {
        var project = GrainFactory.GetGrain<IProjectGrain>(_project);
        var tasks = new HashSet<string>(StringComparer.Ordinal);
        var aliases = new Dictionary<string, string?>(StringComparer.Ordinal);
        var stream = new StreamKey(TaskBook.Kind.Name, _project);
        for (long after = 0; ;)
        {
            var events = await Log.ReadStream(stream, after, BeadsAtOnce);
            foreach (var one in events)
            {
                var (task, agent, at) = EventTypes.Parse(one.Type, one.Data) switch
                {
                    TaskCreated e => (e.TaskId, e.CreatedBy, e.At),
                    TaskDescribed e => (e.TaskId, e.AgentId, e.At),
                    TaskChanged e => (e.TaskId, e.AgentId, e.At),
                    TaskStatusChanged e => (e.TaskId, e.AgentId, e.At),
                    TaskPut { AgentId: { } by } e => (e.TaskId, by, e.At),
                    _ => ("", "", default(DateTimeOffset)),
                };
                if (at <= since || agent.Length == 0) continue;
                if (!aliases.TryGetValue(agent, out var known)) aliases[agent] = known = (await project.Agent(agent))?.Alias;
                if (known == alias) tasks.Add(task);
            }

            if (events.Count < BeadsAtOnce) return tasks;
            after = events[^1].Version;
        }
    }

    private async ValueTask<TreeNode> Working()
    {
        await _working.CatchUp();
        return _working.State;
    }

    private async ValueTask<(ObjectHash? Commit, TreeNode Tree)> Named(HistoryBook book, string version)
    {
        if (version == WorkingName) return (null, await Working());
        var commit = book.CommitOf(version);
        return (commit, TreeNode.Stub(book.Commits[commit].Root));
    }

    private async ValueTask<ImmutableArray<CommitView>> Shown(HistoryBook book, IReadOnlyList<ObjectHash> ids)
    {
        var messages = await Messages(book, ids);
        return [.. ids.Select((id, i) => View(book, id, messages[i]))];
    }

    private static CommitView View(HistoryBook book, ObjectHash id, string message)
    {
        var commit = book.Commits[id];
        return new(id, commit.Parents, commit.Root, commit.Author, commit.Time, message,
            [.. book.Branches.Where(branch => branch.Value == id).Select(static branch => branch.Key)],
            [.. book.Tags.Where(tag => tag.Value.Commit == id).Select(static tag => tag.Key)]);
    }

    private async ValueTask<CommitObject> ObjectOf(HistoryBook book, ObjectHash id)
    {
        var commit = book.Commits[id];
        return new(commit.Parents, commit.Root, commit.Author, commit.Time, (await Messages(book, [id]))[0]);
    }

    // The place is exact unless the stream holds events that only a later version of the program knows.
    private async ValueTask<string[]> Messages(HistoryBook book, IReadOnlyList<ObjectHash> ids)
    {
        var stream = new StreamKey(HistoryBook.Kind.Name, _project);
        var events = await Log.ReadEvents([.. ids.Select(id => new EventPlace(stream, book.Commits[id].Version))]);
        return [.. events.Select((one, i) => one is { } stored && EventTypes.Parse(stored.Type, stored.Data) is CommitAdded added
            && added.Id == ids[i] ? added.Message : "")];
    }

    private static string? TitleOf(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.TryGetProperty("title", out var title) && title.ValueKind == JsonValueKind.String
            ? title.GetString() : null;
    }
}
