using Beadhub.History;
using FsCheck;
using FsCheck.Fluent;

namespace Beadhub.Grains.Tests.History;

/// <summary>The laws of trees: what they are is decided by what they hold, and by nothing else.</summary>
public class TreeTests
{
    private static readonly Arbitrary<int[]> Steps = Arb.From(
        Gen.Choose(0, 900).SelectMany(static most => Gen.Choose(0, 4000).ArrayOf(most)),
        static steps => steps.Length < 2 ? [] : [steps[..(steps.Length / 2)], steps[(steps.Length / 2)..]]);

    private static Config Some => Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(100).WithQuietOnSuccess(true);

    [Fact]
    public void A_root_depends_on_the_lines_and_not_on_the_order_in_which_they_came() => Check.One(Some, Prop.ForAll(Steps, static steps =>
    {
        var (tree, lines) = Apply(TreeNode.Empty, [], steps);
        var anew = TreeNode.Of(lines.Values.OrderByDescending(entry => entry.Key.BeadId, StringComparer.Ordinal));
        return tree.Hash == anew.Hash && tree.Count == lines.Count && tree.All().SequenceEqual(anew.All());
    }));

    [Fact]
    public void A_difference_applied_to_the_one_gives_the_other() => Check.One(Some, Prop.ForAll(Steps, Steps, static (first, second) =>
    {
        var (before, lines) = Apply(TreeNode.Empty, [], first);
        var (after, _) = Apply(before, lines, second);
        var source = new Chunks(before, after);
        // Neither is loaded: all comes from the source.
        var changes = Trees.Diff(TreeNode.Stub(before.Hash), TreeNode.Stub(after.Hash), source).GetAwaiter().GetResult();
        var patched = changes.Aggregate(before, static (tree, change) =>
            change.After is { } line ? tree.With(line) : tree.Without(change.Key));
        return patched.Hash == after.Hash && changes.All(change => change.Before?.Line != change.After?.Line);
    }));

    [Fact]
    public void What_one_tree_has_beyond_another_completes_it() => Check.One(Some, Prop.ForAll(Steps, Steps, static (first, second) =>
    {
        var (known, lines) = Apply(TreeNode.Empty, [], first);
        var (wanted, _) = Apply(known, lines, second);
        var beyond = Trees.Beyond(known, wanted, new Chunks(known, wanted)).GetAwaiter().GetResult();
        var here = new Chunks(known);
        foreach (var chunk in beyond.Chunks) here.Put(chunk.Text());
        var whole = Trees.LoadAll(TreeNode.Stub(wanted.Hash), here).GetAwaiter().GetResult();
        var sent = beyond.Lines.Select(static line => line.Line).Concat(known.All().Select(static entry => entry.Line)).ToHashSet();
        return whole.Hash == wanted.Hash && whole.All().All(entry => sent.Contains(entry.Line));
    }));

    [Fact]
    public void A_chunk_is_read_as_it_was_written_and_no_other_way() => Check.One(Some, Prop.ForAll(Steps, static steps =>
    {
        var (tree, _) = Apply(TreeNode.Empty, [], steps);
        var text = tree.Text();
        var read = TreeNode.Parse(text);
        return read is not null && read.Hash == tree.Hash && read.Text() == text
            && TreeNode.Parse(text + "\n") is null && TreeNode.Parse(text[..^1]) is null && TreeNode.Parse(" " + text) is null;
    }));

    [Fact]
    public async Task A_chunk_that_holds_lines_of_another_place_is_refused()
    {
        var tree = TreeNode.Of(Enumerable.Range(0, 100).Select(number => Entry(number, 1)));
        var chunks = new Chunks(tree);
        // Another tree's leaf where this one has its own: as many lines, at the wrong digit.
        var text = tree.Text().Split('\n');
        var (first, second) = (text[1].Split('\t'), text[2].Split('\t'));
        text[1] = string.Join('\t', first[0], second[1], second[2]);
        var lie = string.Join('\n', text);
        chunks.Put(lie);
        await Assert.ThrowsAsync<RefusedException>(async () => await Trees.LoadAll(TreeNode.Stub(ObjectHash.Of(lie)), chunks));
    }

    [Fact]
    public void A_commit_is_read_as_it_was_written_and_its_id_holds_all_of_it()
    {
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(12_340);
        var commit = new CommitObject([ObjectHash.Of("a"), ObjectHash.Of("b")], TreeNode.Empty.Hash, "alice", at, "two\n\nparagraphs\n");
        Assert.Equal(commit.Text(), CommitObject.Parse(commit.Text())!.Text());
        Assert.Null(CommitObject.Parse(commit.Text().Replace("author", "Author", StringComparison.Ordinal)));
        Assert.Null(CommitObject.Parse("commit\n\n"));
        CommitObject[] others =
        [
            commit with { Parents = [commit.Parents[1], commit.Parents[0]] }, commit with { Root = ObjectHash.Of("x") },
            commit with { Author = "bob" }, commit with { Time = at.AddMicroseconds(1) }, commit with { Message = "two" },
        ];
        Assert.Equal(others.Length + 1, others.Append(commit).Select(one => one.Id()).Distinct().Count());
    }

    [Fact]
    public async Task Two_trees_ten_lines_apart_are_compared_by_a_few_chunks_however_large_they_are()
    {
        var loads = new List<int>();
        foreach (var size in new[] { 1_000, 20_000 })
        {
            var before = TreeNode.Of(Enumerable.Range(0, size).Select(number => Entry(number, 1)));
            var after = Enumerable.Range(0, 10).Aggregate(before, (tree, i) => tree.With(Entry(i * size / 10, 2)));
            var source = new Chunks(before, after);
            Assert.Equal(10, (await Trees.Diff(TreeNode.Stub(before.Hash), TreeNode.Stub(after.Hash), source)).Count);
            loads.Add(source.Loaded);
        }

        // A level for each factor of sixteen, of at most two chunks a change.
        Assert.True(loads[1] <= loads[0] + 2 * 10 * 2, string.Join(", ", loads));
    }

    private static TreeEntry Entry(int number, int content) =>
        TreeEntry.Of(new("github.com/o/r", "main", $"bd-{number}"), ObjectHash.Of($"line {number} {content}"));

    private static (TreeNode Tree, Dictionary<int, TreeEntry> Lines) Apply(TreeNode tree, Dictionary<int, TreeEntry> lines, int[] steps)
    {
        lines = new(lines);
        foreach (var step in steps)
        {
            var number = step % 400;
            if (step % 7 < 2)
            {
                tree = tree.Without(Entry(number, 0).Key);
                lines.Remove(number);
                continue;
            }

            lines[number] = Entry(number, step / 400);
            tree = tree.With(lines[number]);
        }

        return (tree, lines);
    }

    private sealed class Chunks : ITreeSource
    {
        private readonly Dictionary<ObjectHash, string> _texts = [];

        public Chunks(params TreeNode[] roots)
        {
            foreach (var root in roots) Put(root);
        }

        public int Loaded { get; private set; }

        public void Put(string text) => _texts[ObjectHash.Of(text)] = text;

        public ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes)
        {
            Loaded += hashes.Count;
            return new(hashes.ToDictionary(hash => hash, hash => TreeNode.Parse(_texts[hash])!));
        }

        private void Put(TreeNode node)
        {
            Put(node.Text());
            foreach (var child in node.Children)
                if (child is not null) Put(child);
        }
    }
}
