using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Beadhub.Boards;

/// <summary>
/// An immutable sorted set: a B-tree whose changes copy one path of small arrays. At 100,000 items that is three arrays, where a binary
/// tree has seventeen nodes; a scan runs over arrays; a page starts with a binary search.
/// </summary>
/// <remarks>Safe for any number of concurrent readers. The comparer must order distinct items strictly.</remarks>
internal sealed class Sorted<T> : IEnumerable<T>
{
    private const int MaxWidth = 64;
    private const int MinWidth = MaxWidth / 4;

    // Nodes made in bulk leave room, so that the changes that follow do not split them at once.
    private const int BulkWidth = MaxWidth * 3 / 4;

    // From here on one merge over everything is cheaper than change by change, if the set is not much larger.
    private const int ManyChanges = 64;
    private const int MuchLarger = 32;

    private readonly Node? _root;
    private readonly IComparer<T> _order;

    private Sorted(Node? root, int count, IComparer<T> order)
    {
        _root = root;
        _order = order;
        Count = count;
    }

    /// <summary>A leaf holds items, an inner node holds nodes; all leaves are equally deep.</summary>
    private sealed class Node
    {
        public Node(T[] items) => (Items, Last) = (items, items[^1]);

        public Node(Node[] children) => (Children, Last) = (children, children[^1].Last);

        public T[]? Items { get; }

        public Node[]? Children { get; }

        public T Last { get; }

        [MemberNotNullWhen(true, nameof(Items))]
        [MemberNotNullWhen(false, nameof(Children))]
        public bool IsLeaf => Items is not null;

        public int Width => IsLeaf ? Items.Length : Children.Length;

        /// <summary>The last item below an entry.</summary>
        public T LastOf(int index) => IsLeaf ? Items[index] : Children[index].Last;
    }

    /// <summary>Number of items.</summary>
    public int Count { get; }

    /// <summary>A set without items.</summary>
    public static Sorted<T> Empty(IComparer<T> order) => new(null, 0, order);

    /// <summary>
    /// The set after some items left and others came; this very set when there are none. Items are found by their order alone. The lists
    /// are sorted when there are many.
    /// </summary>
    public Sorted<T> Replace(List<T> leave, List<T> come)
    {
        var changes = leave.Count + come.Count;
        if (changes == 0) return this;
        if (changes > ManyChanges && changes > Count / MuchLarger) return Merge(leave, come);

        // What keeps its place, as most of what is only renamed does, is exchanged.
        if (leave is [var old] && come is [var @new] && _order.Compare(old, @new) == 0) return Add(@new);
        var next = this;
        foreach (var item in leave) next = next.Remove(item);
        foreach (var item in come) next = next.Add(item);
        return next;
    }

    /// <summary>The items that come strictly after a place in the order.</summary>
    /// <param name="isAfter">Whether an item comes after the place: false for all items up to it, then true for all others.</param>
    public IEnumerable<T> After(Func<T, bool> isAfter) => Walk(isAfter);

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => Walk(null).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerable<T> Walk(Func<T, bool>? isAfter)
    {
        var path = new Stack<(Node Node, int Next)>();
        var node = _root;
        while (node is not null)
        {
            var first = isAfter is null ? 0 : FirstAfter(node, isAfter);
            if (first == node.Width) yield break;
            if (!node.IsLeaf)
            {
                path.Push((node, first + 1));
                node = node.Children[first];
                continue;
            }

            // The place was in this leaf: all that follows is after it.
            isAfter = null;
            for (; first < node.Items.Length; first++) yield return node.Items[first];
            node = null;
            while (node is null && path.TryPop(out var above))
            {
                if (above.Next == above.Node.Width) continue;
                path.Push((above.Node, above.Next + 1));
                node = above.Node.Children![above.Next];
            }
        }
    }

    private static int FirstAfter(Node node, Func<T, bool> isAfter)
    {
        int low = 0, high = node.Width;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (isAfter(node.LastOf(middle))) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    private Sorted<T> Add(T item)
    {
        if (_root is null) return new(new Node([item]), 1, _order);
        var (one, two, added) = Add(_root, item);
        return new(two is null ? one : new Node([one, two]), added ? Count + 1 : Count, _order);
    }

    private (Node One, Node? Two, bool Added) Add(Node node, T item)
    {
        if (!node.IsLeaf)
        {
            var at = Math.Min(FirstNotBefore(node, item), node.Width - 1);
            var (one, two, added) = Add(node.Children[at], item);
            var (left, right) = Split(two is null ? With(node.Children, at, one)
                : [.. node.Children.AsSpan(0, at), one, two, .. node.Children.AsSpan(at + 1)]);
            return (new(left), right is null ? null : new(right), added);
        }

        var index = FirstNotBefore(node, item);
        if (index < node.Width && _order.Compare(node.Items[index], item) == 0) return (new(With(node.Items, index, item)), null, false);
        var (low, high) = Split<T>([.. node.Items.AsSpan(0, index), item, .. node.Items.AsSpan(index)]);
        return (new(low), high is null ? null : new(high), true);
    }

    private Sorted<T> Remove(T item)
    {
        if (_root is null || !Remove(_root, item, out var root)) return this;
        while (root is { IsLeaf: false, Width: 1 }) root = root.Children[0];
        return new(root, Count - 1, _order);
    }

    /// <summary>Takes an item out; false when it is not there.</summary>
    /// <param name="node">Where it is.</param>
    /// <param name="item">The item.</param>
    /// <param name="rest">What remains; null when nothing does.</param>
    private bool Remove(Node node, T item, out Node? rest)
    {
        rest = node;
        var at = FirstNotBefore(node, item);
        if (at == node.Width) return false;
        if (node.IsLeaf)
        {
            if (_order.Compare(node.Items[at], item) != 0) return false;
            rest = node.Width == 1 ? null : new([.. node.Items.AsSpan(0, at), .. node.Items.AsSpan(at + 1)]);
            return true;
        }

        if (!Remove(node.Children[at], item, out var child)) return false;
        if (child is null)
        {
            rest = node.Width == 1 ? null : new([.. node.Children.AsSpan(0, at), .. node.Children.AsSpan(at + 1)]);
            return true;
        }

        if (child.Width >= MinWidth || node.Width == 1)
        {
            rest = new(With(node.Children, at, child));
            return true;
        }

        // A node that became narrow joins its neighbour, or shares with it, so that the tree stays low.
        var left = at > 0 ? at - 1 : at;
        var (one, two) = left < at ? Join(node.Children[left], child) : Join(child, node.Children[at + 1]);
        rest = new(two is null
            ? [.. node.Children.AsSpan(0, left), one, .. node.Children.AsSpan(left + 2)]
            : [.. node.Children.AsSpan(0, left), one, two, .. node.Children.AsSpan(left + 2)]);
        return true;
    }

    private static (Node One, Node? Two) Join(Node a, Node b)
    {
        if (a.IsLeaf)
        {
            var (one, two) = Split<T>([.. a.Items, .. b.Items!]);
            return (new(one), two is null ? null : new(two));
        }
        else
        {
            var (one, two) = Split<Node>([.. a.Children, .. b.Children!]);
            return (new(one), two is null ? null : new(two));
        }
    }

    private static (TEntry[] One, TEntry[]? Two) Split<TEntry>(TEntry[] entries) =>
        entries.Length <= MaxWidth ? (entries, null) : (entries[..(entries.Length / 2)], entries[(entries.Length / 2)..]);

    private static TEntry[] With<TEntry>(TEntry[] entries, int index, TEntry entry)
    {
        TEntry[] copy = [.. entries];
        copy[index] = entry;
        return copy;
    }

    private int FirstNotBefore(Node node, T item)
    {
        int low = 0, high = node.Width;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_order.Compare(node.LastOf(middle), item) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private Sorted<T> Merge(List<T> leave, List<T> come)
    {
        Sort(leave);
        Sort(come);
        var merged = new List<T>(Count + come.Count);
        int gone = 0, next = 0;
        foreach (var item in this)
        {
            while (gone < leave.Count && _order.Compare(leave[gone], item) < 0) gone++;
            while (next < come.Count && _order.Compare(come[next], item) < 0) merged.Add(come[next++]);
            var leaves = gone < leave.Count && _order.Compare(leave[gone], item) == 0 || next < come.Count
                && _order.Compare(come[next], item) == 0;
            if (!leaves) merged.Add(item);
        }

        while (next < come.Count) merged.Add(come[next++]);
        return new(Build(CollectionsMarshal.AsSpan(merged)), merged.Count, _order);
    }

    private void Sort(List<T> items)
    {
        for (var i = 1; i < items.Count; i++)
        {
            if (_order.Compare(items[i - 1], items[i]) <= 0) continue;
            items.Sort(_order);
            return;
        }
    }

    private static Node? Build(ReadOnlySpan<T> items)
    {
        if (items.IsEmpty) return null;
        var level = new Node[(items.Length + BulkWidth - 1) / BulkWidth];
        for (var i = 0; i < level.Length; i++)
            level[i] = new(items.Slice(i * BulkWidth, Math.Min(BulkWidth, items.Length - i * BulkWidth)).ToArray());
        while (level.Length > 1)
        {
            var above = new Node[(level.Length + BulkWidth - 1) / BulkWidth];
            for (var i = 0; i < above.Length; i++)
                above[i] = new(level.AsSpan(i * BulkWidth, Math.Min(BulkWidth, level.Length - i * BulkWidth)).ToArray());
            level = above;
        }

        return level[0];
    }
}
