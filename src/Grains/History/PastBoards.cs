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
/// question that can be put to a board can be put to a past one, and costs the same. The first is made of the board as it stands, by a walk
/// over the whole tree.
/// </summary>
internal sealed class PastBoards(IEventLog log, string project)
{
    private const int MostKept = 4;
    private const int LinesAtOnce = 256;
    private const int LinesOfPage = 64;
    private const int PageSize = 512 * 1024; // in bytes

    private readonly HistoryObjects _objects = new(log, project);
    private readonly SemaphoreSlim _making = new(1, 1);
    private volatile ImmutableList<Past> _kept = [];

    private sealed record Past(ObjectHash Root, TreeNode Tree, Board Board);

    /// <summary>The board of a tree.</summary>
    /// <param name="root">Root of the tree.</param>
    /// <param name="newest">The board as it stands.</param>
    /// <exception cref="RefusedException">The tree, or one of its lines, is not here.</exception>
    public async ValueTask<Board> Of(ObjectHash root, Board newest) => (await Find(root, newest)).Board;

    /// <summary>An issue whole, as it was; null when there was none.</summary>
    public async ValueTask<IssueText?> Issue(ObjectHash root, Board newest, TreeKey key)
    {
        if ((await Find(root, newest)).Tree.Find(key) is not { } entry) return null;
        var (line, @event) = (await _objects.Stored([entry]))[0];
        return new(Record(entry, line, @event, whole: true), line);
    }

    /// <summary>Some of the lines of a repository and branch, as they were.</summary>
    public async ValueTask<ExportPage> Export(ObjectHash root, Board newest, ExportQuery query)
    {
        var past = await Find(root, newest);
        var issues = past.Board.Views.ById(query.Repo, query.Branch);
        var lines = new ArrayBufferWriter<byte>();
        var ids = query.After is { } after
            ? issues.Where(issue => string.CompareOrdinal(issue.BeadId, after) > 0) : issues;
        string? last = null;
        foreach (var some in ids.Chunk(LinesOfPage))
        {
            if (lines.WrittenCount >= PageSize) return Page(last);
            var texts = await _objects.Lines([.. some.Select(issue =>
                past.Tree.Find(new(query.Repo, query.Branch, issue.BeadId))!)]);
            foreach (var text in texts)
            {
                Encoding.UTF8.GetBytes(text, lines);
                lines.Write("\n"u8);
            }

            last = some[^1].BeadId;
        }

        return Page(null);

        ExportPage Page(string? next) => new(ImmutableCollectionsMarshal.AsImmutableArray(lines.WrittenSpan.ToArray()), next);
    }

    private async ValueTask<Past> Find(ObjectHash root, Board newest)
    {
        if (Kept() is { } known) return known;
        await _making.WaitAsync();
        try
        {
            if (Kept() is { } made) return made;
            var past = _kept is [.., var near] ? await Next(near, root) : await First(root, newest);
            _kept = _kept.Count < MostKept ? _kept.Add(past) : _kept.RemoveAt(0).Add(past);
            return past;
        }
        finally
        {
            _making.Release();
        }

        Past? Kept() => _kept.FirstOrDefault(one => one.Root == root);
    }

    private async ValueTask<Past> Next(Past near, ObjectHash root)
    {
        var changes = await Trees.Diff(near.Tree, TreeNode.Stub(root), _objects);
        var tree = changes.Aggregate(near.Tree, static (tree, change) =>
            change.After is { } line ? tree.With(line) : tree.Without(change.Key));
        var records = await Records([.. changes.Select(static change => change.After).OfType<TreeEntry>()]);
        return new(root, tree, Changed(near.Board, changes.Select(change =>
            (change.Key, change.After is null ? null : records[change.Key]))));
    }

    private async ValueTask<Past> First(ObjectHash root, Board newest)
    {
        var tree = await Trees.LoadAll(TreeNode.Stub(root), _objects);
        var gone = newest.Beads.Values.SelectMany(static bead => bead.Records)
            .Select(static record => new TreeKey(record.Repo, record.Branch, record.BeadId)).ToHashSet();
        var others = new List<TreeEntry>();
        foreach (var entry in tree.All())
        {
            if (gone.Remove(entry.Key) && WorkingTree.Matches(entry.Line,
                newest.Find(new(entry.Key.Repo, entry.Key.Branch, entry.Key.BeadId))!.Digest)) continue;
            others.Add(entry);
        }

        var records = await Records(others);
        return new(root, tree, Changed(newest, gone.Select(key => (key, default(BeadRecord?)))
            .Concat(records.Select(static record => (record.Key, (BeadRecord?)record.Value)))));
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
