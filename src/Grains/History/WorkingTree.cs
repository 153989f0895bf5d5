using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.History;

/// <summary>
/// The tree of what stands now, in memory: it follows the project's feed. It begins with the tree that was committed last, so that only
/// lines that have changed since are read.
/// </summary>
internal sealed class WorkingTree(IEventLog log, string project, HistoryObjects objects, Func<ObjectHash?> committed)
    : FeedProjection<TreeNode>(log, project, TreeNode.Empty)
{
    private const int LinesAtOnce = 256;

    /// <inheritdoc/>
    protected override bool IsLoadingLess(long events) => events > 2L * State.Count + 10 * PageSize;

    /// <inheritdoc/>
    /// <remarks>The position is read first: what is written meanwhile is met again in the feed, and changes nothing twice.</remarks>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        var position = await Log.Head(Project, cancellation);
        var tree = committed() is { } root ? await Trees.LoadAll(TreeNode.Stub(root), objects) : TreeNode.Empty;
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

        foreach (var key in gone) tree = tree.Without(key);
        // Many at once are sorted rather than put in one by one.
        if (lines.Count > tree.Count / 4)
        {
            var all = tree.All().ToDictionary(static entry => entry.Key);
            foreach (var line in lines) all[line.Key] = line;
            tree = TreeNode.Of(all.Values);
        }
        else foreach (var line in lines) tree = tree.With(line);

        Change(_ => tree, position);
    }

    /// <inheritdoc/>
    protected override ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        var tree = State;
        foreach (var @event in page)
        {
            if (@event.Kind != Bead.Kind.Name) continue;
            var id = Bead.IdOf(@event.Key);
            switch (EventTypes.Parse(@event.Type, @event.Data))
            {
                case IIssueStored stored:
                    var (key, line) = (new TreeKey(stored.Repo, stored.Branch, id), ObjectHash.Of(HistoryObjects.LineOf(stored)));
                    if (tree.Find(key)?.Line != line) tree = tree.With(TreeEntry.Of(key, line, @event.Version));
                    break;
                case BeadRemoved removed:
                    tree = tree.Without(new(removed.Repo, removed.Branch, id));
                    break;
            }
        }

        Change(_ => tree, page[^1].Position);
        return default;
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
