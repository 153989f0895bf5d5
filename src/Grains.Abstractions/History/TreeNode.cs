using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Beadhub.History;

/// <summary>Which line of a tree: an issue by repository, branch of the repository and bead id. A native task has neither repository nor
/// branch, and its own id.</summary>
public readonly record struct TreeKey(string Repo, string Branch, string BeadId)
{
    /// <summary>Whether it is a native task.</summary>
    public bool IsTask => Repo.Length == 0;

    /// <summary>As trees write it: the three with tabulators between, none of which may stand in a name.</summary>
    public override string ToString() => $"{Repo}\t{Branch}\t{BeadId}";

    /// <summary>Its place in a tree: the SHA-256 of its text.</summary>
    public ObjectHash Hash() => ObjectHash.Of(ToString());
}

/// <summary>A line of a tree.</summary>
/// <param name="Key">Which.</param>
/// <param name="Place">SHA-256 of the key, by which entries are ordered.</param>
/// <param name="Line">SHA-256 of the line's bytes.</param>
/// <param name="Version">Where this site has the line: version of the event in the bead's stream; 0 when it is an object by itself. No part
/// of what is hashed.</param>
public sealed record TreeEntry(TreeKey Key, ObjectHash Place, ObjectHash Line, long Version = 0)
{
    /// <summary>An entry.</summary>
    public static TreeEntry Of(TreeKey key, ObjectHash line, long version = 0) => new(key, key.Hash(), line, version);
}

/// <summary>
/// A tree of lines, or part of one: a trie by the hexadecimal digits of the keys' hashes, whose shape depends on nothing but the set of its
/// keys. Up to <see cref="MostInLeaf"/> lines are a leaf, more are a node with a child for each digit. Its hash is that of its text, which
/// names the hashes of its lines or children: equal hashes are equal lines. Immutable: a change makes anew what is on its way, and shares
/// the rest.
/// </summary>
public sealed class TreeNode
{
    /// <summary>Lines of a leaf at most.</summary>
    public const int MostInLeaf = 32;

    private const int Digits = 16;

    private readonly ImmutableArray<TreeEntry> _entries;
    private readonly TreeNode?[]? _children;
    private Known? _known;

    private TreeNode(ImmutableArray<TreeEntry> entries) => (_entries, Count) = (entries, entries.Length);

    private TreeNode(TreeNode?[] children)
    {
        _children = children;
        foreach (var child in children) Count += child?.Count ?? 0;
    }

    private TreeNode(ObjectHash hash, int count) => (_known, Count) = (new(hash), count);

    // A reference is written at once; a hash is not.
    private sealed record Known(ObjectHash Hash);

    /// <summary>The tree without lines.</summary>
    public static TreeNode Empty { get; } = new(ImmutableArray<TreeEntry>.Empty);

    /// <summary>Number of lines.</summary>
    public int Count { get; }

    /// <summary>Whether only its hash and count are known: what it holds is to be loaded (<see cref="ITreeSource"/>).</summary>
    public bool IsStub => _children is null && _entries.IsDefault;

    /// <summary>Whether it is a leaf.</summary>
    public bool IsLeaf => !_entries.IsDefault;

    /// <summary>A leaf's lines, by place; default for others.</summary>
    public ImmutableArray<TreeEntry> Entries => _entries;

    /// <summary>A node's children by digit, null where there is none; empty for others.</summary>
    public ReadOnlySpan<TreeNode?> Children => _children;

    /// <summary>Whether this site's log is known to have it, with all that is under it.</summary>
    public bool IsStored { get; set; }

    /// <summary>Its hash.</summary>
    public ObjectHash Hash => (_known ??= new(ObjectHash.Of(Text()))).Hash;

    /// <summary>One that is to be loaded: the root of a commit, say.</summary>
    /// <param name="hash">Its hash.</param>
    /// <param name="count">Its number of lines, where that is known.</param>
    public static TreeNode Stub(ObjectHash hash, int count = 0) => hash == Empty.Hash ? Empty : new(hash, count);

    /// <summary>The tree of lines, each of another key.</summary>
    public static TreeNode Of(IEnumerable<TreeEntry> entries)
    {
        var sorted = entries.ToArray();
        Array.Sort(sorted, static (a, b) => a.Place.CompareTo(b.Place));
        return Build(sorted, 0);
    }

    /// <summary>The tree with a line, in place of the one with the same key. It must be loaded on the way there.</summary>
    public TreeNode With(TreeEntry entry) => With(entry, 0);

    /// <summary>The tree without a key. It must be loaded on the way there, and beside it.</summary>
    public TreeNode Without(TreeKey key) => Without(key.Hash(), 0);

    /// <summary>The line of a key; null when there is none. It must be loaded on the way there.</summary>
    public TreeEntry? Find(TreeKey key)
    {
        var place = key.Hash();
        var node = this;
        for (var depth = 0; !node.IsLeaf; depth++)
        {
            node.MustBeLoaded();
            if (node._children![place.Digit(depth)] is not { } child) return null;
            node = child;
        }

        var at = Search(node._entries, place);
        return at < 0 ? null : node._entries[at];
    }

    /// <summary>All lines of a tree that is loaded.</summary>
    public IEnumerable<TreeEntry> All()
    {
        if (IsLeaf) return _entries;
        MustBeLoaded();
        return _children!.Where(static child => child is not null).SelectMany(static child => child!.All());
    }

    /// <summary>
    /// What is hashed, and what is sent to other sites. <c>leaf</c>, then a line for each entry: repository, branch, id, hash of the line;
    /// or <c>node</c>, then a line for each child: digit, number of lines, hash. Fields are divided by tabulators.
    /// </summary>
    public string Text()
    {
        var text = new StringBuilder();
        if (IsLeaf)
        {
            text.Append("leaf\n");
            foreach (var entry in _entries) text.Append(entry.Key).Append('\t').Append(entry.Line).Append('\n');
            return text.ToString();
        }

        MustBeLoaded();
        text.Append("node\n");
        for (var digit = 0; digit < Digits; digit++)
            if (_children![digit] is { } child)
                text.Append(CultureInfo.InvariantCulture, $"{digit:x}\t{child.Count}\t{child.Hash}\n");
        return text.ToString();
    }

    /// <summary>Reads a chunk; null when the text is none, or not in the one form that it can have. Children are to be loaded.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="versions">Where this site has a leaf's lines, in their order; null where that is not known.</param>
    public static TreeNode? Parse(string text, ImmutableArray<long>? versions = null)
    {
        if (!text.EndsWith('\n')) return null;
        var lines = text[..^1].Split('\n');
        var node = lines[0] switch { "leaf" => Leaf(), "node" => Node(), _ => null };
        if (node is null || node.Text() != text) return null;
        node._known = new(ObjectHash.Of(text));
        return node;

        TreeNode? Leaf()
        {
            if (lines.Length - 1 > MostInLeaf) return null;
            var entries = ImmutableArray.CreateBuilder<TreeEntry>(lines.Length - 1);
            for (var i = 1; i < lines.Length; i++)
            {
                var fields = lines[i].Split('\t');
                if (fields.Length != 4 || !ObjectHash.TryParse(fields[3], out var line)) return null;
                var key = new TreeKey(fields[0], fields[1], fields[2]);
                if (!IsKey(key)) return null;
                var version = versions is { } known && i <= known.Length ? known[i - 1] : 0;
                entries.Add(TreeEntry.Of(key, line, version));
                if (i > 1 && entries[i - 2].Place.CompareTo(entries[i - 1].Place) >= 0) return null;
            }

            return new(entries.MoveToImmutable());
        }

        TreeNode? Node()
        {
            var children = new TreeNode?[Digits];
            foreach (var line in lines.AsSpan(1))
            {
                var fields = line.Split('\t');
                if (fields.Length != 3 || fields[0].Length != 1 || !char.IsAsciiHexDigitLower(fields[0][0])
                    || !int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1
                    || !ObjectHash.TryParse(fields[2], out var hash)) return null;
                children[Convert.ToInt32(fields[0], 16)] = new(hash, count);
            }

            long total = 0;
            foreach (var child in children) total += child?.Count ?? 0;
            return total is <= MostInLeaf or > int.MaxValue ? null : new(children);
        }
    }

    /// <summary>Whether the names of a key can stand in a tree.</summary>
    public static bool IsKey(TreeKey key) => Names.IsBeadId(key.BeadId)
        && (key is { Repo: "", Branch: "" } || Names.IsCanonicalOrigin(key.Repo) && Names.IsBranch(key.Branch));

    /// <summary>The same node with children that were loaded, in their places.</summary>
    internal TreeNode Loaded(TreeNode?[] children) => new(children) { _known = _known, IsStored = IsStored };

    /// <summary>The leaf's entries with the digit at a depth, as a leaf of their own.</summary>
    internal TreeNode? Part(int digit, int depth)
    {
        var part = _entries.Where(entry => entry.Place.Digit(depth) == digit).ToImmutableArray();
        return part.IsEmpty ? null : new(part);
    }

    private TreeNode With(TreeEntry entry, int depth)
    {
        if (IsLeaf)
        {
            var at = Search(_entries, entry.Place);
            if (at >= 0) return _entries[at] == entry ? this : new(_entries.SetItem(at, entry));
            var entries = _entries.Insert(~at, entry);
            return entries.Length <= MostInLeaf ? new(entries) : Build(entries.AsSpan(), depth);
        }

        MustBeLoaded();
        var digit = entry.Place.Digit(depth);
        var child = _children![digit];
        var next = child is null ? new([entry]) : child.With(entry, depth + 1);
        return ReferenceEquals(next, child) ? this : Replaced(digit, next);
    }

    private TreeNode Without(ObjectHash place, int depth)
    {
        if (IsLeaf)
        {
            var at = Search(_entries, place);
            return at < 0 ? this : new(_entries.RemoveAt(at));
        }

        MustBeLoaded();
        var digit = place.Digit(depth);
        if (_children![digit] is not { } child) return this;
        var next = child.Without(place, depth + 1);
        if (ReferenceEquals(next, child)) return this;
        var node = Replaced(digit, next.Count == 0 ? null : next);
        return node.Count > MostInLeaf ? node : Of(node.All());
    }

    private TreeNode Replaced(int digit, TreeNode? child)
    {
        var children = (TreeNode?[])_children!.Clone();
        children[digit] = child;
        return new(children);
    }

    private static TreeNode Build(ReadOnlySpan<TreeEntry> sorted, int depth)
    {
        if (sorted.Length <= MostInLeaf) return new([.. sorted]);
        var children = new TreeNode?[Digits];
        for (var start = 0; start < sorted.Length;)
        {
            var digit = sorted[start].Place.Digit(depth);
            var end = start + 1;
            while (end < sorted.Length && sorted[end].Place.Digit(depth) == digit) end++;
            children[digit] = Build(sorted[start..end], depth + 1);
            start = end;
        }

        return new(children);
    }

    private static int Search(ImmutableArray<TreeEntry> entries, ObjectHash place)
    {
        int low = 0, high = entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = entries[middle].Place.CompareTo(place);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    private void MustBeLoaded()
    {
        if (IsStub) throw new InvalidOperationException($"Chunk {Hash} is not loaded.");
    }
}
