using System.Collections.Immutable;
using Beadhub.Tasks;

namespace Beadhub.History;

/// <summary>A line that a merge or a restore puts into the working set.</summary>
/// <param name="Key">Which.</param>
/// <param name="Ours">What it replaces; null for nothing.</param>
/// <param name="Line">The line; null to remove the bead.</param>
internal readonly record struct PlannedLine(TreeKey Key, TreeEntry? Ours, string? Line);

/// <summary>What a merge does, some beads at a time: no more of their lines are in memory.</summary>
/// <param name="Lines">What changes here.</param>
/// <param name="Conflicts">What nobody has decided on.</param>
internal sealed record MergePlan(ImmutableArray<PlannedLine> Lines, ImmutableArray<MergeConflict> Conflicts)
{
    private const int BeadsAtOnce = 512;

    /// <summary>Merges three trees, bead by bead and field by field.</summary>
    /// <param name="was">What both come from.</param>
    /// <param name="ours">What stands here.</param>
    /// <param name="theirs">What is to be merged.</param>
    /// <param name="objects">Where lines are.</param>
    /// <param name="now">The time.</param>
    /// <param name="choose">What was decided on the conflict of a bead's field.</param>
    public static async IAsyncEnumerable<MergePlan> Of(TreeNode was, TreeNode ours, TreeNode theirs, HistoryObjects objects,
        DateTimeOffset now, Func<TreeKey, string?, LineChoice?> choose)
    {
        var mine = (await Trees.Diff(was, ours, objects)).ToDictionary(static change => change.Key);
        var others = (await Trees.Diff(was, theirs, objects)).Where(change => !mine.TryGetValue(change.Key, out var own)
            || own.After?.Line != change.After?.Line);
        foreach (var some in others.Chunk(BeadsAtOnce))
        {
            var sides = Array.ConvertAll(some, change => (change.Key, Was: change.Before, Theirs: change.After,
                Ours: mine.TryGetValue(change.Key, out var own) ? own.After : change.Before));
            var texts = await Texts(objects, sides.SelectMany(static side => new[] { side.Was, side.Ours, side.Theirs }));
            var lines = ImmutableArray.CreateBuilder<PlannedLine>();
            var conflicts = ImmutableArray.CreateBuilder<MergeConflict>();
            foreach (var (key, before, other, own) in sides)
            {
                var merged = LineMerge.Merge(Text(before), Text(own), Text(other), now, field => choose(key, field));
                foreach (var one in merged.Conflicts)
                    conflicts.Add(new(key.Repo, key.Branch, key.BeadId, one.Field, one.Base, one.Ours, one.Theirs));
                var line = key.IsTask && merged.Line is { } task ? TaskLine.Canonical(task) : merged.Line;
                if (line != Text(own)) lines.Add(new(key, own, line));
            }

            yield return new(lines.DrainToImmutable(), conflicts.DrainToImmutable());

            string? Text(TreeEntry? entry) => entry is null ? null : texts[entry.Line];
        }
    }

    /// <summary>Makes the working set a tree, line by line as it is there.</summary>
    public static async IAsyncEnumerable<MergePlan> Taking(TreeNode working, TreeNode tree, HistoryObjects objects)
    {
        foreach (var some in (await Trees.Diff(working, tree, objects)).Chunk(BeadsAtOnce))
        {
            var texts = await Texts(objects, some.Select(static change => change.After));
            yield return new([.. some.Select(change =>
                new PlannedLine(change.Key, change.Before, change.After is { } line ? texts[line.Line] : null))], []);
        }
    }

    private static async ValueTask<Dictionary<ObjectHash, string>> Texts(HistoryObjects objects, IEnumerable<TreeEntry?> entries)
    {
        var distinct = entries.OfType<TreeEntry>().DistinctBy(static entry => entry.Line).ToList();
        var lines = await objects.Lines(distinct);
        return Enumerable.Range(0, lines.Length).ToDictionary(i => distinct[i].Line, i => lines[i]);
    }
}
