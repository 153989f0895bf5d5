using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.EventLog;

namespace Beadhub.History;

/// <summary>
/// Boards as they were at commits: each is made of the nearest one in memory and the lines in which their trees differ, so that every
/// question that can be put to a board can be put to a past one, and costs the same. The first is made of the board as it stands.
/// </summary>
internal sealed class PastBoards(IEventLog log, string project, BoardProjection now)
{
    private const int MostKept = 4;
    private const int Attempts = 3;
    private const int LinesAtOnce = 256;
    private const int LinesOfPage = 64;
    private const int PageSize = 512 * 1024; // in bytes

    private readonly HistoryObjects _objects = new(log, project);
    private readonly SemaphoreSlim _making = new(1, 1);
    private volatile ImmutableList<Past> _kept = [];

    private sealed record Past(ObjectHash Root, Board Board);

    /// <summary>The board of a tree.</summary>
    /// <param name="root">Root of the tree.</param>
    /// <exception cref="RefusedException">The tree, or one of its lines, is not here.</exception>
    public async ValueTask<Board> Of(ObjectHash root)
    {
        if (Kept() is { } known) return known.Board;
        await _making.WaitAsync();
        try
        {
            if (Kept() is { } made) return made.Board;
            var past = new Past(root, _kept is [.., var near] ? await Changed(near.Board, TreeNode.Stub(near.Root), root)
                : await First(root));
            _kept = _kept.Count < MostKept ? _kept.Add(past) : _kept.RemoveAt(0).Add(past);
            return past.Board;
        }
        finally
        {
            _making.Release();
        }

        Past? Kept() => _kept.FirstOrDefault(one => one.Root == root);
    }

    /// <summary>An issue whole, as it was; null when there was none.</summary>
    public async ValueTask<IssueText?> Issue(ObjectHash root, TreeKey key)
    {
        if ((await Trees.Find(TreeNode.Stub(root), [key], _objects))[0] is not { } entry) return null;
        var (line, @event) = (await _objects.Stored([entry]))[0];
        return new(Record(entry, line, @event, whole: true), line);
    }

    /// <summary>Some of the lines of a repository and branch, as they were.</summary>
    public async ValueTask<ExportPage> Export(ObjectHash root, ExportQuery query)
    {
        var issues = (await Of(root)).Views.ById(query.Repo, query.Branch);
        var lines = new ArrayBufferWriter<byte>();
        var ids = query.After is { } after
            ? issues.Where(issue => string.CompareOrdinal(issue.BeadId, after) > 0) : issues;
        string? last = null;
        foreach (var some in ids.Chunk(LinesOfPage))
        {
            if (lines.WrittenCount >= PageSize) return Page(last);
            var entries = await Trees.Find(TreeNode.Stub(root),
                [.. some.Select(issue => new TreeKey(query.Repo, query.Branch, issue.BeadId))], _objects);
            foreach (var text in await _objects.Lines(entries!))
            {
                Encoding.UTF8.GetBytes(text, lines);
                lines.Write("\n"u8);
            }

            last = some[^1].BeadId;
        }

        return Page(null);

        ExportPage Page(string? next) => new(ImmutableCollectionsMarshal.AsImmutableArray(lines.WrittenSpan.ToArray()), next);
    }

    private async ValueTask<Board> First(ObjectHash root)
    {
        var working = new WorkingTree(log, project, _objects, async () => (await log.Load<HistoryBook>(project)).Fold<HistoryBook>());
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            await working.CatchUp();
            await now.CatchUp();
            var board = now.State;
            // Nothing was written between: tree and board are of one moment.
            if (working.Position == await log.Head(project)) return await Changed(board, working.State, root);
        }

        return await ByAllLines(now.State, root);
    }

    /// <summary>The board of a tree, from another tree's.</summary>
    private async ValueTask<Board> Changed(Board board, TreeNode tree, ObjectHash root)
    {
        var changes = (await Trees.Diff(tree, TreeNode.Stub(root), _objects)).Where(static change => !change.Key.IsTask).ToList();
        var records = await Records([.. changes.Select(static change => change.After).OfType<TreeEntry>()]);
        return Changed(board, changes.Select(change => (change.Key, change.After is null ? null : records[change.Key])));
    }

    /// <summary>The board of a tree, from one of which no tree is known: line by line.</summary>
    private async ValueTask<Board> ByAllLines(Board newest, ObjectHash root)
    {
        var tree = await Trees.LoadAll(TreeNode.Stub(root), _objects);
        var gone = newest.Beads.Values.SelectMany(static bead => bead.Records)
            .Select(static record => new TreeKey(record.Repo, record.Branch, record.BeadId)).ToHashSet();
        var others = new List<TreeEntry>();
        foreach (var entry in tree.All())
        {
            if (entry.Key.IsTask || gone.Remove(entry.Key) && WorkingTree.Matches(entry.Line,
                newest.Find(new(entry.Key.Repo, entry.Key.Branch, entry.Key.BeadId))!.Digest)) continue;
            others.Add(entry);
        }

        var records = await Records(others);
        return Changed(newest, gone.Select(key => (key, default(BeadRecord?)))
            .Concat(records.Select(static record => (record.Key, (BeadRecord?)record.Value))));
    }

    private static Board Changed(Board board, IEnumerable<(TreeKey Key, BeadRecord? Record)> changes) =>
        board.With(changes.GroupBy(static change => change.Key.BeadId, StringComparer.Ordinal).Select(bead =>
        {
            var before = board.Beads.GetValueOrDefault(bead.Key) ?? Bead.Empty.View(bead.Key, 0);
            var records = before.Records;
            foreach (var (key, record) in bead)
            {
                records = records.RemoveAll(one => one.Repo == key.Repo && one.Branch == key.Branch);
                if (record is not null) records = records.Add(record);
            }

            // In the order of repositories and branches, and newer than what it is made from: the board takes nothing else.
            records = records.Sort(static (a, b) => Trees.Order(new(a.Repo, a.Branch, a.BeadId), new(b.Repo, b.Branch, b.BeadId)));
            return before with { Records = records, Version = before.Version + 1 };
        }));

    private async ValueTask<Dictionary<TreeKey, BeadRecord>> Records(IReadOnlyList<TreeEntry> entries)
    {
        var records = new Dictionary<TreeKey, BeadRecord>(entries.Count);
        foreach (var some in entries.Chunk(LinesAtOnce))
        {
            var lines = await _objects.Stored(some);
            for (var i = 0; i < some.Length; i++)
                records[some[i].Key] = Record(some[i], lines[i].Line, lines[i].Event, whole: false).Kept(some[i].Version);
        }

        return records;
    }

    private static BeadRecord Record(TreeEntry entry, string line, IIssueStored? @event, bool whole)
    {
        if (@event is IssueStored stored) return StoredLine.Read(stored, whole);
        if (@event is BeadStored old) return old.Record.Complete();
        // It came from another site, and was never stored here.
        var bytes = Encoding.UTF8.GetBytes(line);
        return IssueLineReader.ReadStored(bytes, entry.Key.Repo, entry.Key.Branch, LineDigest.Of(bytes), DateTimeOffset.UnixEpoch, whole)
            .Resolve(static _ => false);
    }
}
