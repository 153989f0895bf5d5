using System.Collections;
using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Beadhub.Boards;

/// <summary>
/// An immutable sorted set in chunks. A change copies one chunk and the short list of chunks, which at 100,000 items is less work than the path of a
/// tree; a scan runs over arrays; a page starts with a binary search.
/// </summary>
/// <remarks>Safe for any number of concurrent readers. The comparer must order distinct items strictly.</remarks>
internal sealed class Sorted<T> : IEnumerable<T>
{
    private const int MaxChunk = 256;
    private const int MinChunk = MaxChunk / 4;

    // From here on one merge over everything is cheaper than change by change.
    private const int FewChanges = 64;

    private readonly ImmutableArray<T[]> _chunks;
    private readonly IComparer<T> _order;

    private Sorted(ImmutableArray<T[]> chunks, int count, IComparer<T> order)
    {
        _chunks = chunks;
        _order = order;
        Count = count;
    }

    /// <summary>Number of items.</summary>
    public int Count { get; }

    /// <summary>A set without items.</summary>
    public static Sorted<T> Empty(IComparer<T> order) => new([], 0, order);

    /// <summary>The set after some items left and others came; this very set when there are none. An item that comes in the place of one that is equal to it replaces it.</summary>
    public Sorted<T> Replace(List<T> leave, List<T> come)
    {
        if (leave.Count + come.Count == 0) return this;
        if (leave.Count + come.Count > FewChanges) return Merge(leave, come);
        var next = this;
        foreach (var item in leave) next = next.Remove(item);
        foreach (var item in come) next = next.Add(item);
        return next;
    }

    /// <summary>The items that come strictly after a place in the order.</summary>
    /// <param name="isAfter">Whether an item comes after the place: false for all items up to it, then true for all others.</param>
    public IEnumerable<T> After(Func<T, bool> isAfter)
    {
        int low = 0, high = _chunks.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (isAfter(_chunks[middle][^1])) high = middle;
            else low = middle + 1;
        }

        if (low == _chunks.Length) yield break;
        var chunk = _chunks[low];
        int first = 0, end = chunk.Length;
        while (first < end)
        {
            var middle = (first + end) / 2;
            if (isAfter(chunk[middle])) end = middle;
            else first = middle + 1;
        }

        for (; low < _chunks.Length; low++, first = 0)
            for (chunk = _chunks[low]; first < chunk.Length; first++) yield return chunk[first];
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator()
    {
        foreach (var chunk in _chunks)
            foreach (var item in chunk) yield return item;
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private Sorted<T> Add(T item)
    {
        if (_chunks.IsEmpty) return new([[item]], 1, _order);
        var at = Math.Min(ChunkOf(item), _chunks.Length - 1);
        var chunk = _chunks[at];
        var index = Array.BinarySearch(chunk, item, _order);
        if (index >= 0)
        {
            T[] same = [.. chunk];
            same[index] = item;
            return new(_chunks.SetItem(at, same), Count, _order);
        }

        T[] grown = [.. chunk.AsSpan(0, ~index), item, .. chunk.AsSpan(~index)];
        return grown.Length <= MaxChunk
            ? new(_chunks.SetItem(at, grown), Count + 1, _order)
            : new([.. _chunks.AsSpan(0, at), grown[..(grown.Length / 2)], grown[(grown.Length / 2)..], .. _chunks.AsSpan()[(at + 1)..]], Count + 1, _order);
    }

    private Sorted<T> Remove(T item)
    {
        var at = ChunkOf(item);
        if (at == _chunks.Length) return this;
        var chunk = _chunks[at];
        var index = Array.BinarySearch(chunk, item, _order);
        if (index < 0) return this;
        T[] shrunk = [.. chunk.AsSpan(0, index), .. chunk.AsSpan(index + 1)];
        if (shrunk.Length >= MinChunk || _chunks.Length == 1)
            return new(shrunk.Length > 0 ? _chunks.SetItem(at, shrunk) : _chunks.RemoveAt(at), Count - 1, _order);

        // A chunk that became small joins its neighbour, or shares with it, so that the list of chunks stays short.
        var left = at > 0 ? at - 1 : at;
        var (one, two) = left < at ? (_chunks[left], shrunk) : (shrunk, _chunks[at + 1]);
        T[] both = [.. one, .. two];
        return both.Length <= MaxChunk
            ? new([.. _chunks.AsSpan(0, left), both, .. _chunks.AsSpan()[(left + 2)..]], Count - 1, _order)
            : new([.. _chunks.AsSpan(0, left), both[..(both.Length / 2)], both[(both.Length / 2)..], .. _chunks.AsSpan()[(left + 2)..]], Count - 1, _order);
    }

    /// <summary>Index of the first chunk whose last item is not before this one; the number of chunks when all are.</summary>
    private int ChunkOf(T item)
    {
        int low = 0, high = _chunks.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_order.Compare(_chunks[middle][^1], item) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private Sorted<T> Merge(List<T> leave, List<T> come)
    {
        leave.Sort(_order);
        come.Sort(_order);
        var merged = new List<T>(Math.Max(0, Count - leave.Count) + come.Count);
        int gone = 0, next = 0;
        foreach (var item in this)
        {
            while (gone < leave.Count && _order.Compare(leave[gone], item) < 0) gone++;
            var leaves = gone < leave.Count && _order.Compare(leave[gone], item) == 0;
            while (next < come.Count && _order.Compare(come[next], item) < 0) Append(come[next++]);
            if (next < come.Count && _order.Compare(come[next], item) == 0) leaves = true;
            if (!leaves) merged.Add(item);
        }

        while (next < come.Count) Append(come[next++]);

        // Half-full chunks leave room, so that the changes that follow do not split them at once.
        const int size = MaxChunk / 2;
        var chunks = ImmutableArray.CreateBuilder<T[]>((merged.Count + size - 1) / size);
        for (var start = 0; start < merged.Count; start += size) chunks.Add([.. CollectionsMarshal.AsSpan(merged).Slice(start, Math.Min(size, merged.Count - start))]);
        return new(chunks.MoveToImmutable(), merged.Count, _order);

        void Append(T item)
        {
            if (merged.Count > 0 && _order.Compare(merged[^1], item) == 0) merged[^1] = item;
            else merged.Add(item);
        }
    }
}
