using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Beadhub.Mail;

/// <summary>Versions of events in a stream, kept as ranges: however many follow each other, they take the room of one. Immutable.</summary>
public sealed class VersionSet
{
    private readonly ImmutableList<Range> _ranges; // ascending, apart from each other by at least one version

    /// <summary>The set with these bounds: first and last version of each range, ascending.</summary>
    [JsonConstructor]
    public VersionSet(ImmutableArray<long> bounds)
    {
        var ranges = ImmutableList.CreateBuilder<Range>();
        for (var i = 0; i + 1 < bounds.Length; i += 2)
        {
            ranges.Add(new(bounds[i], bounds[i + 1]));
            Count += ranges[^1].Length;
        }

        _ranges = ranges.ToImmutable();
    }

    private VersionSet(ImmutableList<Range> ranges, long count) => (_ranges, Count) = (ranges, count);

    private readonly record struct Range(long First, long Last)
    {
        public long Length => Last - First + 1;
    }

    /// <summary>No versions.</summary>
    public static VersionSet Empty { get; } = new(ImmutableArray<long>.Empty);

    /// <summary>First and last version of each range, ascending.</summary>
    public ImmutableArray<long> Bounds => [.. _ranges.SelectMany(range => new[] { range.First, range.Last })];

    /// <summary>Number of versions.</summary>
    [JsonIgnore]
    public long Count { get; }

    /// <summary>Whether the version is in the set.</summary>
    public bool Contains(long version) => IndexOf(version) is var i && i < _ranges.Count && _ranges[i].First <= version;

    /// <summary>The highest version; 0 when there is none.</summary>
    [JsonIgnore]
    public long Last => _ranges is [.., var last] ? last.Last : 0;

    /// <summary>Number of ranges.</summary>
    [JsonIgnore]
    public int RangeCount => _ranges.Count;

    /// <summary>The set with a version; the same when it was in it.</summary>
    public VersionSet With(long version)
    {
        if (version == Last + 1 && _ranges is [.., var last])
            return new(_ranges.SetItem(_ranges.Count - 1, last with { Last = version }), Count + 1);
        var i = IndexOf(version);
        if (i < _ranges.Count && _ranges[i].First <= version) return this;
        var joinsBefore = i > 0 && _ranges[i - 1].Last == version - 1;
        var joinsAfter = i < _ranges.Count && _ranges[i].First == version + 1;
        var ranges = (joinsBefore, joinsAfter) switch
        {
            (true, true) => _ranges.SetItem(i, new(_ranges[i - 1].First, _ranges[i].Last)).RemoveAt(i - 1),
            (true, _) => _ranges.SetItem(i - 1, _ranges[i - 1] with { Last = version }),
            (_, true) => _ranges.SetItem(i, _ranges[i] with { First = version }),
            _ => _ranges.Insert(i, new(version, version)),
        };
        return new(ranges, Count + 1);
    }

    /// <summary>The set without a version; the same when it was not in it.</summary>
    public VersionSet Without(long version)
    {
        var i = IndexOf(version);
        if (i == _ranges.Count || _ranges[i].First > version) return this;
        var (first, last) = _ranges[i];
        var ranges = (version == first, version == last) switch
        {
            (true, true) => _ranges.RemoveAt(i),
            (true, _) => _ranges.SetItem(i, new(version + 1, last)),
            (_, true) => _ranges.SetItem(i, new(first, version - 1)),
            _ => _ranges.SetItem(i, new(version + 1, last)).Insert(i, new(first, version - 1)),
        };
        return new(ranges, Count - 1);
    }

    /// <summary>The versions, the highest first.</summary>
    public IEnumerable<long> Descending()
    {
        for (var i = _ranges.Count - 1; i >= 0; i--)
        {
            var (first, last) = _ranges[i];
            for (var version = last; version >= first; version--) yield return version;
        }
    }

    /// <summary>Index of the first range that ends at the version or above it.</summary>
    private int IndexOf(long version)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Last < version) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
