using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.History;
using Beadhub.Projects;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Tasks;

/// <inheritdoc cref="ITasksGrain"/>
/// <remarks>
/// What a task's status means for the board's claims is written down with the status and done afterwards, one after the other, so that it
/// is neither lost with the server nor done in the wrong order.
/// </remarks>
public sealed class TasksGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<TaskBook>(log), ITasksGrain
{
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(30);
    private static readonly Func<TaskBook, TaskBook> WholeState = book => book;

    private readonly SemaphoreSlim _following = new(1, 1);
    private string _id = "";
    private string? _slug;
    private TaskTexts _texts = null!;
    private Shown? _shown;
    private volatile ImmutableList<Past> _past = [];
    private IProjectGrain? _project;
    private IBoardGrain? _board;
    private IGrainTimer? _retry;

    private const int MostPast = 4;
    private const int Attempts = 5;
    private const int CommentsAtOnce = 256;

    /// <summary>The tasks of a commit.</summary>
    private sealed record Past(ObjectHash Root, TaskBook Book, TaskLists Lists);

    private sealed record Shown(ImmutableSortedDictionary<int, NativeTask> Tasks, TaskLists Lists);

    private IProjectGrain Project => _project ??= GrainFactory.GetGrain<IProjectGrain>(_id);

    private IHistoryGrain History => GrainFactory.GetGrain<IHistoryGrain>(_id);

    private IBoardGrain Board => _board ??= GrainFactory.GetGrain<IBoardGrain>(_id);

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = this.GetPrimaryKeyString();
        _texts = new(Log, new(TaskBook.Kind.Name, _id));
        await base.OnActivateAsync(cancellationToken);
        // A node died between a status and what follows from it.
        if (!State.Unsettled.IsEmpty) FollowLater(TimeSpan.Zero);
    }

    /// <inheritdoc/>
    public async Task<TaskView> Create(CreateTask command)
    {
        var slug = await Slug();
        await CheckAssignee(command.AssigneeId);
        var task = await Transact(book => book.Create(command, time.Now()), result: TaskJson.Relaxed.NativeTask);
        var (description, notes) = await _texts.Of(task);
        return ViewOf(task, slug, description, notes);
    }

    /// <inheritdoc/>
    public async Task<TaskView> Update(UpdateTask command)
    {
        var slug = await Slug();
        // Whether there is such a task is told before whether there is such an assignee.
        (await Newest()).Existing(command.Reference, slug);
        if (command.SetsAssignee) await CheckAssignee(command.AssigneeId);
        var (book, task, autoClosed) = await Transact(book => book.Update(command, slug, time.Now()));
        await Follow();
        return await DetailOf(book, task, slug) with
        {
            AutoClosed = autoClosed is { } closed ? [.. closed.Select(t => new ClosedTask(t.Id, t.Ref(slug), t.Title))] : null,
        };
    }

    /// <inheritdoc/>
    public async Task<TaskName> Delete(string reference)
    {
        var slug = await Slug();
        var task = await Transact(book => book.Delete(reference, slug, time.Now()));
        await Follow();
        return new(task.Id, task.Ref(slug));
    }

    /// <inheritdoc/>
    public async Task<TaskDependency> Depend(string reference, string dependsOn)
    {
        var slug = await Slug();
        return await Transact(book => book.Depend(reference, dependsOn, slug, time.Now()));
    }

    /// <inheritdoc/>
    public async Task<TaskDependency> Undepend(string reference, string dependsOn)
    {
        var slug = await Slug();
        return await Transact(book => book.Undepend(reference, dependsOn, slug, time.Now()));
    }

    /// <inheritdoc/>
    public Task SettleClaims() => Follow();

    /// <inheritdoc/>
    public async ValueTask<TaskName> Name(string reference)
    {
        var slug = await Slug();
        var task = (await Newest()).Existing(reference, slug);
        return new(task.Id, task.Ref(slug));
    }

    /// <inheritdoc/>
    public async ValueTask<TaskView?> Find(string reference)
    {
        var slug = await Slug();
        var book = await Newest();
        if (book.Find(reference, slug) is { } task) return await DetailOf(book, task, slug);
        if (!Names.IsBeadId(reference)) return null;
        return await Board.Issue(new(reference, Newest: true)) is { } issue ? BeadTask.View(_id, issue.Record) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<TaskView?> FindAt(string reference, ObjectHash root)
    {
        var slug = await Slug();
        var book = (await PastOf(root)).Book;
        if (book.Find(reference, slug) is { } task && await History.TaskAt(root, task.Id) is { } text)
        {
            var line = TaskLine.Must(text);
            return ViewOf(book, task, slug, line.Description, line.Notes);
        }

        if (!Names.IsBeadId(reference)) return null;
        return await Board.Issue(new(reference, Newest: true, AsOf: root)) is { } issue ? BeadTask.View(_id, issue.Record) : null;
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<StandingTask>> Lines(ImmutableArray<string> ids)
    {
        var book = await Latest();
        var lines = ImmutableArray.CreateBuilder<StandingTask>();
        // What waited for a task waits for it no longer when it is deleted.
        foreach (var id in ids.Concat(ids.SelectMany(id => book.Gone?.GetValueOrDefault(id)?.WaitedBy ?? [])).Distinct())
            lines.Add(new(id, book.ById(id) is { } task ? (await LineOf(book, task)).Text() : null));
        return lines.DrainToImmutable();
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<string>> Ids() => [.. (await Latest()).Numbers.Keys.Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public async Task<ImmutableArray<string>> Put(PutTasks command)
    {
        var book = await Latest();
        var changed = new List<string>();
        var placed = new List<TaskDecisions.PlacedTask>();
        foreach (var (id, text, expected) in command.Tasks)
        {
            var line = text is null ? null : TaskLine.Must(text);
            var seen = book.ById(id);
            var stands = seen is null ? default(ObjectHash?) : ObjectHash.Of((await LineOf(book, seen)).Text());
            if (stands == expected) placed.Add(new(id, line, seen));
            else changed.Add(id);
        }

        // Before the tasks: what nobody sees yet harms nobody should the rest fail.
        foreach (var (id, line, _) in placed)
            if (line is { Comments: { IsEmpty: false } comments })
                await GrainFactory.GetGrain<ITaskCommentsGrain>(ITaskCommentsGrain.Key(_id, id)).Take(
                    [.. comments.Select(said => new TaskComment(said.Id, id, said.Author, said.Text, said.At))]);
        changed.AddRange(await Transact(now => now.Put(placed, command.AgentId, time.Now())));
        await Follow();
        return [.. changed];
    }

    /// <inheritdoc/>
    public async ValueTask<TaskList> List(TaskQuery query, TaskPage page)
    {
        var lists = query.AsOf is { } root ? (await PastOf(root)).Lists : await Lists();
        return lists.List(query, query.AssigneeId is null ? await Board.AsTasks(query) : BeadsAsTasks.None).Page(page, byPriority: false);
    }

    /// <inheritdoc/>
    // A transaction waits for the append before it, even one that decides nothing.
    public Task Reach(long version) => Version >= version ? Task.CompletedTask : Transact(static _ => Decision.None(true));

    /// <inheritdoc/>
    public async ValueTask<TaskList> Ready(TaskPage page) => (await Lists()).Ready().Page(page, byPriority: true);

    /// <inheritdoc/>
    public async ValueTask<TaskList> Blocked(TaskPage page) => (await Lists()).Blocked().Page(page, byPriority: true);

    /// <inheritdoc/>
    public async ValueTask<TaskList> AssignedTo(string agentId) => (await Lists()).AssignedTo(agentId);

    /// <inheritdoc/>
    public async ValueTask<TaskTitles> Titles(TaskRefs refs)
    {
        var book = await Newest();
        return new([
            .. from reference in refs.Refs
               let task = book.Find(reference, refs.Slug)
               where task?.Ref(refs.Slug) == reference
               select new TaskTitle(reference, task.Title, task.Type),
        ]);
    }

    /// <inheritdoc/>
    public async ValueTask<string?> ApexOf(string taskRef)
    {
        var slug = await Slug();
        var book = await Newest();
        return book.Find(taskRef, slug) is { } task && task.Ref(slug) == taskRef ? book.Apex(task).Ref(slug) : null;
    }

    /// <summary>The state with all that was in the log before: a transaction waits for the append that is under way.</summary>
    private Task<TaskBook> Latest() => Transact(static book => Decision.None(book));

    private async ValueTask<TaskLine> LineOf(TaskBook book, NativeTask task)
    {
        var (description, notes) = await _texts.Of(task);
        var comments = new List<TaskCommented>();
        var stream = new StreamKey(TaskTalk.Kind.Name, ITaskCommentsGrain.Key(_id, task.Id));
        for (long after = 0; ;)
        {
            var events = await Log.ReadStream(stream, after, CommentsAtOnce);
            comments.AddRange(events.Select(static one => EventTypes.Parse(one.Type, one.Data)).OfType<TaskCommented>());
            if (events.Count < CommentsAtOnce) break;
            after = events[^1].Version;
        }

        return TaskLine.Of(task, task.DependsOn.Select(number => book.ByNumber[number].Id), description, notes, comments);
    }

    /// <summary>The tasks of a commit: those that stand, with what differs put as a restore would put it.</summary>
    private async ValueTask<Past> PastOf(ObjectHash root)
    {
        if (Kept() is { } known) return known;
        var slug = await Slug();
        for (var attempt = 1; ; attempt++)
        {
            var book = await Newest();
            var changes = await History.TasksAt(root);
            // What was written between may be in the one and not in the other.
            if (!ReferenceEquals(book.ByNumber, (await Newest()).ByNumber) && attempt < Attempts) continue;
            var then = book;
            foreach (var @event in book.Put([.. changes.Select(change => new TaskDecisions.PlacedTask(change.TaskId,
                change.Line is { } line ? TaskLine.Must(line) : null, book.ById(change.TaskId)))], null, DateTimeOffset.UnixEpoch).Events)
                then = then.Apply(@event);
            var past = new Past(root, then, new(then, slug));
            _past = _past.Count < MostPast ? _past.Add(past) : _past.RemoveAt(0).Add(past);
            return past;
        }

        Past? Kept() => _past.FirstOrDefault(one => one.Root == root);
    }

    private ValueTask<TaskBook> Newest() => Read(WholeState);

    /// <summary>Slug of the project, which never changes.</summary>
    private async ValueTask<string> Slug() =>
        _slug ??= (await Project.Describe())?.Slug ?? throw new RefusedException(RefusalKind.NotFound, "Project not found");

    private async ValueTask<TaskLists> Lists()
    {
        var slug = await Slug();
        var book = await Newest();
        var shown = Volatile.Read(ref _shown);
        // Claims that were settled change nothing that lists show.
        if (shown is null || !ReferenceEquals(shown.Tasks, book.ByNumber))
            Volatile.Write(ref _shown, shown = new(book.ByNumber, new(book, slug)));
        return shown.Lists;
    }

    private async ValueTask CheckAssignee(string? agentId)
    {
        if (agentId is not null && await Project.Agent(agentId) is not { IsLiving: true })
            throw new RefusedException(RefusalKind.Invalid, "Assignee agent not found in this project");
    }

    private async ValueTask<TaskView> DetailOf(TaskBook book, NativeTask task, string slug)
    {
        var (description, notes) = await _texts.Of(task);
        return ViewOf(book, task, slug, description, notes);
    }

    private TaskView ViewOf(TaskBook book, NativeTask task, string slug, string description, string notes)
    {
        return ViewOf(task, slug, description, notes) with { BlockedBy = Links(task.DependsOn),
            Blocks = Links(book.Waiting.GetValueOrDefault(task.Number, [])) };

        ImmutableArray<TaskLink> Links(ImmutableSortedSet<int> numbers) =>
            [.. numbers.Select(number => book.ByNumber[number])
                .Select(other => new TaskLink(other.Id, other.Ref(slug), other.Title, other.Status))];
    }

    private TaskView ViewOf(NativeTask task, string slug, string description, string notes) => new(
        task.Id, task.Ref(slug), task.Number, _id, task.Title, description, notes, task.Status, task.Priority, task.Type, task.Labels,
        task.ParentId, task.AssigneeId,
        task.CreatedBy, task.ClosedBy, task.CreatedAt, task.UpdatedAt, task.ClosedAt);

    /// <summary>Makes the board's claims on all tasks what they are to be (contract 9.2).</summary>
    private async Task Follow()
    {
        if (State.Unsettled.IsEmpty) return;
        // One after the other, so that an older wish is never done after a newer one; whoever comes next may find all done.
        await _following.WaitAsync();
        try
        {
            await Task.WhenAll((await Newest()).Unsettled.Select(Follow));
        }
        catch
        {
            // The caller hears of the failure, and the rest is done all the same.
            FollowLater(RetryEvery);
            throw;
        }
        finally
        {
            _following.Release();
        }
    }

    private async Task Follow(string taskId)
    {
        var done = 0;
        while (true)
        {
            var book = await Newest();
            if (!book.Claims.TryGetValue(taskId, out var wanted) || wanted.IsSettled && (done == 0 || done == wanted.Sequence)) return;
            await Act(book, taskId, wanted);
            done = wanted.Sequence;

            // When another node was faster, what was just done may have undone its work: then the newest wish is done again.
            await Transact(now => now.Settle(taskId, wanted.Sequence));
        }
    }

    private async Task Act(TaskBook book, string taskId, WantedClaim wanted)
    {
        var slug = await Slug();
        var reference = book.ById(taskId)?.Ref(slug) ?? $"{slug}-{wanted.Number:D3}";
        if (wanted.WorkspaceId is not { } workspaceId)
        {
            await Board.ReleaseTask(reference, wanted.Title);
            return;
        }

        // Who has no workspace any more, or never had one, claims nothing.
        if (await Project.Agent(workspaceId) is not { HasWorkspace: true } agent || book.ById(taskId) is not { } task) return;
        await Board.ClaimTask(new(reference, task.Title, book.Apex(task).Ref(slug), workspaceId, agent.Alias, agent.HumanName));
        if (await Project.Agent(workspaceId) is not { HasWorkspace: true }) await Board.ReleaseClaimsOf(workspaceId);
    }

    private void FollowLater(TimeSpan due) => _retry ??= this.RegisterGrainTimer(FollowRest, due, RetryEvery);

    private async Task FollowRest(CancellationToken cancellationToken)
    {
        await Follow();
        _retry?.Dispose();
        _retry = null;
    }
}
