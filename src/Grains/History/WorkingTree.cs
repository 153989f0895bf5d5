using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Tasks;

namespace Beadhub.History;

/// <summary>
/// The tree of what stands now: it follows the project's feed. It begins with the tree that was committed last, of which it loads only what
/// lines that have changed since lie in.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="project">The project.</param>
/// <param name="objects">Where chunks and lines are.</param>
/// <param name="history">The commits.</param>
/// <param name="tasks">The native tasks; null for a tree that is compared with others in its beads alone.</param>
internal sealed class WorkingTree(IEventLog log, string project, HistoryObjects objects, Func<ValueTask<HistoryBook>> history,
    Func<ITasksGrain>? tasks = null)
    : FeedProjection<TreeNode>(log, project, TreeNode.Empty)
{
    private const int LinesAtOnce = 1000;
    private const int TasksAtOnce = 64;

    /// <inheritdoc/>
    protected override bool IsLoadingLess(long events) => events > 2L * State.Count + 10 * PageSize;

    /// <inheritdoc/>
    /// <remarks>The position is read first: what is written meanwhile is met again in the feed, and changes nothing twice.</remarks>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        var position = await Log.Head(Project, cancellation);
        var book = await history();
        if (book.Followed is { } from && await Follow(from, position, cancellation)) return;
        var tree = book.HeadRoot is { } root ? await Trees.LoadAll(TreeNode.Stub(root), objects) : TreeNode.Empty;
        var gone = tree.All().Select(static entry => entry.Key).ToHashSet();
        var unknown = new List<(TreeKey Key, long Version)>();
        await foreach (var stream in Log.LoadAll<Bead>(Project, cancellation))
        {
            var id = Bead.IdOf(stream.Key);
            foreach (var record in stream.Fold<Bead>().Records)
            {
                var key = new TreeKey(record.Repo, record.Branch, id);
                gone.Remove(key);
                if (tree.Find(key) is { } there && Matches(there.Line, record.Digest)) continue;
                unknown.Add((key, record.Version));
            }
        }

        var lines = new List<TreeEntry>();
        foreach (var some in unknown.Chunk(LinesAtOnce))
        {
            var events = await Log.ReadEvents([.. some.Select(one => new EventPlace(Stream(one.Key), one.Version))], cancellation);
            for (var i = 0; i < some.Length; i++)
                if (events[i] is { } found && EventTypes.Parse(found.Type, found.Data) is IIssueStored stored
                    && stored.Repo == some[i].Key.Repo && stored.Branch == some[i].Key.Branch)
                    lines.Add(TreeEntry.Of(some[i].Key, ObjectHash.Of(HistoryObjects.LineOf(stored)), some[i].Version));
                else if (await Newest(some[i].Key, cancellation) is { } newest) lines.Add(newest);
        }

        var changes = gone.ToDictionary(static key => key, static _ => default(TreeEntry?));
        foreach (var line in lines) changes[line.Key] = line;
        await AddTasks(changes);
        tree = await Trees.Changed(tree, changes, objects);
        Change(_ => tree, position);
    }

    /// <inheritdoc/>
    protected override async ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        var tree = await After(State, page);
        Change(_ => tree, page[^1].Position);
    }

    /// <summary>Begins with a commit and what has come to the feed since; false when that is more than there is, or not all
    /// there.</summary>
    private async ValueTask<bool> Follow(CommitNode from, long head, CancellationToken cancellation)
    {
        var tree = await Trees.Loaded(TreeNode.Stub(from.Root), [], objects);
        var position = from.Position;
        if (head - position > 2L * tree.Count + 10 * PageSize) return false;
        while (position < head)
        {
            var page = await Log.ReadFeed(Project, position, PageSize, cancellation);
            // A removal may be among what was archived.
            if (page.Count == 0 || page[^1].Position - position != page.Count) return false;
            tree = await After(tree, page);
            position = page[^1].Position;
        }

        if (!from.HasTasks)
        {
            // It was made before tasks were part of trees.
            var changes = new Dictionary<TreeKey, TreeEntry?>();
            await AddTasks(changes);
            if (changes.Count > 0) tree = await Trees.Changed(tree, changes, objects);
        }

        Change(_ => tree, position);
        return true;
    }

    private async ValueTask<TreeNode> After(TreeNode tree, IReadOnlyList<FeedEvent> page)
    {
        var changes = new Dictionary<TreeKey, TreeEntry?>();
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var @event in page)
        {
            if (@event.Kind == TaskBook.Kind.Name && TaskOf(EventTypes.Parse(@event.Type, @event.Data)) is { } taskId) changed.Add(taskId);
            if (@event.Kind == TaskTalk.Kind.Name) changed.Add(@event.Key[(@event.Key.IndexOf('/') + 1)..]);
            if (@event.Kind != Bead.Kind.Name) continue;
            var id = Bead.IdOf(@event.Key);
            switch (EventTypes.Parse(@event.Type, @event.Data))
            {
                case IIssueStored stored:
                    var key = new TreeKey(stored.Repo, stored.Branch, id);
                    changes[key] = TreeEntry.Of(key, ObjectHash.Of(HistoryObjects.LineOf(stored)), @event.Version);
                    break;
                case BeadRemoved removed:
                    changes[new(removed.Repo, removed.Branch, id)] = null;
                    break;
            }
        }

        await AddTasks(changes, changed);
        return changes.Count == 0 ? tree : await Trees.Changed(tree, changes, objects);
    }

    private static string? TaskOf(IEvent? @event) => @event switch
    {
        TaskCreated e => e.TaskId,
        TaskDescribed e => e.TaskId,
        TaskChanged e => e.TaskId,
        TaskStatusChanged e => e.TaskId,
        TaskDeleted e => e.TaskId,
        TaskDependencyAdded e => e.TaskId,
        TaskDependencyRemoved e => e.TaskId,
        TaskPut e => e.TaskId,
        _ => null,
    };

    private async ValueTask AddTasks(Dictionary<TreeKey, TreeEntry?> changes)
    {
        if (tasks is not null) await AddTasks(changes, await tasks().Ids());
    }

    /// <summary>Adds tasks as they stand: perhaps newer than the page in which they have changed, which the next page then finds
    /// unchanged.</summary>
    private async ValueTask AddTasks(Dictionary<TreeKey, TreeEntry?> changes, IReadOnlyCollection<string> ids)
    {
        if (tasks is null) return;
        foreach (var some in ids.Chunk(TasksAtOnce))
        {
            foreach (var (id, line) in await tasks().Lines([.. some]))
            {
                var key = new TreeKey("", "", id);
                changes[key] = line is null ? null : TreeEntry.Of(key, objects.Hold(id, line));
            }
        }
    }

    /// <summary>The newest line of a key whose place is not known, by all events of its bead.</summary>
    private async ValueTask<TreeEntry?> Newest(TreeKey key, CancellationToken cancellation)
    {
        TreeEntry? newest = null;
        for (long after = 0; ;)
        {
            var events = await Log.ReadStream(Stream(key), after, LinesAtOnce, cancellation);
            foreach (var one in events)
                if (EventTypes.Parse(one.Type, one.Data) is IIssueStored stored && stored.Repo == key.Repo && stored.Branch == key.Branch)
                    newest = TreeEntry.Of(key, ObjectHash.Of(HistoryObjects.LineOf(stored)), one.Version);
            if (events.Count < LinesAtOnce) return newest;
            after = events[^1].Version;
        }
    }

    private StreamKey Stream(TreeKey key) => new(Bead.Kind.Name, IBeadGrain.Key(Project, key.BeadId));

    /// <summary>Whether a digest is the beginning of a hash: both are SHA-256 of the line.</summary>
    internal static bool Matches(ObjectHash line, LineDigest digest) => digest != default && line.Digest() == digest;
}
