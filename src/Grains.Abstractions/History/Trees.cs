namespace Beadhub.History;

/// <summary>Where chunks of trees are.</summary>
public interface ITreeSource
{
    /// <summary>Chunks by their hashes, in any order; those of one call are read together.</summary>
    /// <exception cref="RefusedException">One of them is not there.</exception>
    ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes);
}

/// <summary>A line that differs between two trees.</summary>
/// <param name="Before">In the first; null when it has none.</param>
/// <param name="After">In the second; null when it has none.</param>
public sealed record TreeChange(TreeEntry? Before, TreeEntry? After)
{
    /// <summary>Which line.</summary>
    public TreeKey Key => (After ?? Before)!.Key;
}

/// <summary>Walks over trees, level by level: what a level needs is loaded at once, and what two trees share is never looked at.</summary>
public static class Trees
{
    /// <summary>The lines in which two trees differ, by repository, branch and id.</summary>
    public static async ValueTask<IReadOnlyList<TreeChange>> Diff(TreeNode before, TreeNode after, ITreeSource source)
    {
        var changes = new List<TreeChange>();
        await Compare(before, after, source, static _ => { }, changes.Add);
        changes.Sort(static (a, b) => Order(a.Key, b.Key));
        return changes;
    }

    /// <summary>
    /// What a tree has that another has not: its chunks, and the lines that differ. Whoever has all of the other tree has, with these, all
    /// of this one.
    /// </summary>
    public static async ValueTask<(IReadOnlyList<TreeNode> Chunks, IReadOnlyList<TreeEntry> Lines)> Beyond(
        TreeNode known, TreeNode wanted, ITreeSource source)
    {
        var chunks = new List<TreeNode>();
        var lines = new List<TreeEntry>();
        await Compare(known, wanted, source, chunks.Add, change =>
        {
            if (change.After is { } line) lines.Add(line);
        });
        return (chunks, lines);
    }

    /// <summary>The tree with all its chunks.</summary>
    /// <exception cref="RefusedException">A chunk holds lines of another place, or not as many as its node says.</exception>
    public static async ValueTask<TreeNode> LoadAll(TreeNode root, ITreeSource source)
    {
        var chunks = new Dictionary<ObjectHash, TreeNode>();
        List<(TreeNode Node, string Path)> level = [(root, "")];
        while (level.Count > 0)
        {
            var missing = level.Where(one => one.Node.IsStub).Select(one => one.Node.Hash).Distinct().ToList();
            if (missing.Count > 0)
                foreach (var (hash, chunk) in await source.Load(missing)) chunks[hash] = chunk;
            var next = new List<(TreeNode, string)>();
            foreach (var (stub, path) in level)
            {
                var node = stub.IsStub ? chunks[stub.Hash] : stub;
                MustBe(stub, node);
                if (node.IsLeaf && node.Entries.Any(entry => !entry.Place.ToString().StartsWith(path, StringComparison.Ordinal)))
                    throw new RefusedException(RefusalKind.Invalid, $"Chunk {node.Hash} holds lines of another place");
                for (var digit = 0; digit < node.Children.Length; digit++)
                    if (node.Children[digit] is { } child) next.Add((child, $"{path}{digit:x}"));
            }

            level = next;
        }

        return Assemble(root);

        TreeNode Assemble(TreeNode stub)
        {
            var node = stub.IsStub ? chunks[stub.Hash] : stub;
            TreeNode?[]? whole = null;
            for (var digit = 0; digit < node.Children.Length; digit++)
            {
                if (node.Children[digit] is not { } child) continue;
                var next = Assemble(child);
                if (!ReferenceEquals(next, child)) (whole ??= node.Children.ToArray())[digit] = next;
            }

            return whole is null ? node : node.Loaded(whole);
        }
    }

    /// <summary>The tree with what leads to some places loaded, and, where so few lines may be left that a node becomes a leaf, what is
    /// beside it.</summary>
    public static async ValueTask<TreeNode> Loaded(TreeNode root, IEnumerable<ObjectHash> places, ITreeSource source)
    {
        var sorted = places.Order().ToArray();
        IReadOnlyDictionary<ObjectHash, TreeNode> chunks = new Dictionary<ObjectHash, TreeNode>();
        while (true)
        {
            var missing = new HashSet<ObjectHash>();
            root = Fill(root, sorted, 0);
            if (missing.Count == 0) return root;
            chunks = await source.Load(missing);

            TreeNode Fill(TreeNode node, ArraySegment<ObjectHash> under, int depth)
            {
                if (node.IsStub)
                {
                    if (!chunks.TryGetValue(node.Hash, out var chunk))
                    {
                        missing.Add(node.Hash);
                        return node;
                    }

                    MustBe(node, chunk);
                    node = chunk;
                }

                var mayBecomeLeaf = node.Count - under.Count <= TreeNode.MostInLeaf;
                TreeNode?[]? filled = null;
                for (int digit = 0, from = 0; digit < node.Children.Length; digit++)
                {
                    var to = from;
                    while (to < under.Count && under[to].Digit(depth) == digit) to++;
                    var part = under[from..to];
                    from = to;
                    if (node.Children[digit] is not { } child || part.Count == 0 && !mayBecomeLeaf) continue;
                    var next = Fill(child, part, depth + 1);
                    if (!ReferenceEquals(next, child)) (filled ??= node.Children.ToArray())[digit] = next;
                }

                return filled is null ? node : node.Loaded(filled);
            }
        }
    }

    /// <summary>The tree with lines in place of those of the same keys, and without others (null).</summary>
    public static async ValueTask<TreeNode> Changed(TreeNode tree, IReadOnlyDictionary<TreeKey, TreeEntry?> changes, ITreeSource source)
    {
        tree = await Loaded(tree, [], source);
        // Many at once are sorted rather than put in one by one.
        if (changes.Count > tree.Count / 4)
        {
            var all = (await LoadAll(tree, source)).All().ToDictionary(static entry => entry.Key);
            foreach (var (key, line) in changes)
            {
                if (line is null) all.Remove(key);
                else all[key] = line;
            }

            return TreeNode.Of(all.Values);
        }

        tree = await Loaded(tree, changes.Keys.Select(static key => key.Hash()), source);
        foreach (var (key, line) in changes)
            tree = line is null ? tree.Without(key) : tree.Find(key)?.Line == line.Line ? tree : tree.With(line);
        return tree;
    }

    /// <summary>The lines of keys in a tree; null where it has none.</summary>
    public static async ValueTask<TreeEntry?[]> Find(TreeNode tree, IReadOnlyCollection<TreeKey> keys, ITreeSource source)
    {
        tree = await Loaded(tree, keys.Select(static key => key.Hash()), source);
        return [.. keys.Select(tree.Find)];
    }

    /// <summary>The line of a key in each of several trees, all looked up together; null where there is none.</summary>
    public static async ValueTask<TreeEntry?[]> Find(IReadOnlyList<TreeNode> roots, TreeKey key, ITreeSource source)
    {
        var place = key.Hash();
        var at = new TreeNode?[roots.Count];
        for (var i = 0; i < at.Length; i++) at[i] = roots[i];
        var known = new Dictionary<ObjectHash, TreeNode>();
        for (var depth = 0; ; depth++)
        {
            var missing = at.Where(node => node is { IsStub: true } && !known.ContainsKey(node.Hash)).Select(node => node!.Hash).Distinct()
                .ToList();
            if (missing.Count > 0)
                foreach (var (hash, chunk) in await source.Load(missing)) known[hash] = chunk;
            var more = false;
            for (var i = 0; i < at.Length; i++)
            {
                if (at[i] is { IsStub: true } stub) at[i] = known[stub.Hash];
                if (at[i] is not { IsLeaf: false } node) continue;
                at[i] = node.Children[place.Digit(depth)];
                more |= at[i] is not null;
            }

            if (!more) break;
        }

        return [.. at.Select(leaf => leaf?.Find(key))];
    }

    /// <summary>The order of keys in lists: by repository, branch and id.</summary>
    public static int Order(TreeKey a, TreeKey b)
    {
        var order = string.CompareOrdinal(a.Repo, b.Repo);
        if (order == 0) order = string.CompareOrdinal(a.Branch, b.Branch);
        return order == 0 ? string.CompareOrdinal(a.BeadId, b.BeadId) : order;
    }

    private static async ValueTask Compare(TreeNode before, TreeNode after, ITreeSource source, Action<TreeNode> onlyAfter,
        Action<TreeChange> differs)
    {
        // A part of a leaf that meets the child of a node is no chunk of its own: an equal chunk of the other tree is not shared with it.
        List<(TreeNode? Before, TreeNode? After, int Depth, Parts Parts)> level = [(before, after, 0, Parts.None)];
        while (level.Count > 0)
        {
            level.RemoveAll(static pair => pair.Parts != Parts.Before && (ReferenceEquals(pair.Before, pair.After)
                || pair is { Before: { } a, After: { } b } && a.Hash == b.Hash && (a.IsStub || b.IsStub || a.Count == b.Count)));
            var missing = level.SelectMany(static pair => new[] { pair.Before, pair.After }).Where(static node => node is { IsStub: true })
                .Select(static node => node!.Hash).Distinct().ToList();
            var loaded = missing.Count == 0 ? null : await source.Load(missing);
            var next = new List<(TreeNode?, TreeNode?, int, Parts)>();
            foreach (var pair in level)
            {
                var (a, b) = (Loaded(pair.Before), Loaded(pair.After));
                if (b is not null && !pair.Parts.HasFlag(Parts.After)) onlyAfter(b);
                if (a is null or { IsLeaf: true } && b is null or { IsLeaf: true })
                {
                    Leaves(a, b, differs);
                    continue;
                }

                var parts = pair.Parts | (a is { IsLeaf: true } ? Parts.Before : 0) | (b is { IsLeaf: true } ? Parts.After : 0);
                for (var digit = 0; digit < 16; digit++)
                {
                    var (x, y) = (Child(a, digit, pair.Depth), Child(b, digit, pair.Depth));
                    if (x is not null || y is not null) next.Add((x, y, pair.Depth + 1, parts));
                }
            }

            level = next;

            TreeNode? Loaded(TreeNode? node)
            {
                if (node is not { IsStub: true }) return node;
                var chunk = loaded![node.Hash];
                MustBe(node, chunk);
                return chunk;
            }
        }
    }

    /// <summary>Which side of a comparison is a part of a leaf.</summary>
    [Flags]
    private enum Parts
    {
        None = 0,
        Before = 1,
        After = 2,
    }

    private static TreeNode? Child(TreeNode? node, int digit, int depth) =>
        node is null ? null : node.IsLeaf ? node.Part(digit, depth) : node.Children[digit];

    private static void Leaves(TreeNode? a, TreeNode? b, Action<TreeChange> differs)
    {
        int i = 0, j = 0;
        while (i < (a?.Entries.Length ?? 0) || j < (b?.Entries.Length ?? 0))
        {
            var x = i < (a?.Entries.Length ?? 0) ? a!.Entries[i] : null;
            var y = j < (b?.Entries.Length ?? 0) ? b!.Entries[j] : null;
            var order = x is null ? 1 : y is null ? -1 : x.Place.CompareTo(y.Place);
            if (order <= 0) i++;
            if (order >= 0) j++;
            if (order == 0 && x!.Line == y!.Line) continue;
            differs(new(order <= 0 ? x : null, order >= 0 ? y : null));
        }
    }

    // Who has sent a chunk may have lied about what is under it.
    private static void MustBe(TreeNode stub, TreeNode chunk)
    {
        if (stub.IsStub && stub.Count > 0 && stub.Count != chunk.Count)
            throw new RefusedException(RefusalKind.Invalid, $"Chunk {stub.Hash} holds {chunk.Count} lines, not {stub.Count}");
    }
}
