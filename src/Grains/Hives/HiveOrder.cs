namespace Beadhub.Hives;

/// <summary>
/// Items in an order of their own, in chunks: finding, adding and removing one looks at a few hundred others however many there are, and
/// a page is found by its number without walking over the items before it.
/// </summary>
/// <param name="comparer">The order; no two items are equal. An item's key must not change while it is inside.</param>
internal sealed class HiveOrder<T>(Comparison<T> comparer)
{
    private const int Most = 512;

    private readonly List<List<T>> _chunks = [];

    /// <summary>Number of items.</summary>
    public int Count { get; private set; }

    public void Add(T item)
    {
        Count++;
        if (_chunks.Count == 0)
        {
            _chunks.Add([item]);
            return;
        }

        var at = ChunkOf(item);
        var chunk = _chunks[at];
        chunk.Insert(~Find(chunk, item), item);
        if (chunk.Count <= Most) return;
        _chunks.Insert(at + 1, chunk.GetRange(Most / 2, chunk.Count - (Most / 2)));
        chunk.RemoveRange(Most / 2, chunk.Count - (Most / 2));
    }

    public void Remove(T item)
    {
        if (_chunks.Count == 0) return;
        var at = ChunkOf(item);
        var chunk = _chunks[at];
        var index = Find(chunk, item);
        if (index < 0) return;
        chunk.RemoveAt(index);
        if (chunk.Count == 0) _chunks.RemoveAt(at);
        Count--;
    }

    /// <summary>Items from a number on.</summary>
    public IEnumerable<T> From(int offset)
    {
        foreach (var chunk in _chunks)
        {
            if (offset >= chunk.Count)
            {
                offset -= chunk.Count;
                continue;
            }

            for (var i = offset; i < chunk.Count; i++) yield return chunk[i];
            offset = 0;
        }
    }

    /// <summary>The last chunk that begins at or before the item; the first one when none does.</summary>
    private int ChunkOf(T item)
    {
        var (low, high) = (0, _chunks.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (comparer(_chunks[middle][0], item) <= 0) low = middle;
            else high = middle - 1;
        }

        return low;
    }

    /// <summary>Where the item is, or the complement of where it would be.</summary>
    private int Find(List<T> chunk, T item)
    {
        var (low, high) = (0, chunk.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            switch (comparer(chunk[middle], item))
            {
                case 0: return middle;
                case < 0: low = middle + 1; break;
                default: high = middle - 1; break;
            }
        }

        return ~low;
    }
}
