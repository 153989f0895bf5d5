using System.Collections.Concurrent;

namespace Beadhub.Hosting.EventLogs.Ownership;

/// <summary>
/// Which projects this process owns: nobody else writes to them until it lends them out, which it does when another process wants to write,
/// or its session ends. Times are ticks of the monotonic clock.
/// </summary>
/// <param name="lease">Whether the session may be trusted.</param>
internal sealed class OwnedProjects(SessionLease lease)
{
    /// <summary>A project that was not asked for is given back after this time; at once when another wants it.</summary>
    public static readonly TimeSpan Unused = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestLoan = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestLoan = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(1);
    private const int MostKept = 10_000;

    private readonly ConcurrentDictionary<string, Owned> _owned = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Shared> _shared = new(StringComparer.Ordinal);
    private long _grants;

    /// <summary>Projects that are owned.</summary>
    public int Count => _owned.Count;

    /// <summary>Number of the grant by which the project is owned at this time, above zero; zero when it is not, or when that cannot be
    /// trusted. A project that was lent out has another number afterwards.</summary>
    public long Grant(string project, long now)
    {
        if (!_owned.TryGetValue(project, out var owned) || !lease.IsTrusted(now)) return 0;
        owned.UsedAt = now;
        return owned.Grant;
    }

    /// <summary>Whether it is worth asking for the project: it is not lent out, nor was it another's a moment ago.</summary>
    public bool MayTake(string project, long now) => !_shared.TryGetValue(project, out var shared) || now >= shared.Until;

    /// <summary>Whether the project is another's, as far as was heard lately.</summary>
    public bool IsAnothers(string project, long now) =>
        _shared.TryGetValue(project, out var shared) && shared.IsAnothers && now < shared.Until + SessionLease.Ticks(AfterRefusal);

    /// <summary>The store says that this process owns the project from now on, by a fence that was never given before.</summary>
    public void Take(string project, long fence, long now) =>
        _owned[project] = new(Interlocked.Increment(ref _grants), fence) { UsedAt = now };

    /// <summary>The store says that another process owns the project.</summary>
    public void Refused(string project, long now)
    {
        if (_shared.Count > MostKept) _shared.Clear();
        _shared[project] = new(now + SessionLease.Ticks(AfterRefusal), AfterRefusal, IsAnothers: true);
    }

    /// <summary>
    /// Ends the trust in a project because another wants to write to it, and leaves it to all for a while: for longer each time that this
    /// comes soon after the while before.
    /// </summary>
    /// <returns>What the store is to be told; null when the project was not owned.</returns>
    public Loan? Lend(string project, long now)
    {
        if (!_owned.TryRemove(project, out var owned)) return null;
        if (now - owned.UsedAt > SessionLease.Ticks(Recently)) return new(owned.Fence, IsShared: false);
        var last = _shared.TryGetValue(project, out var before) && !before.IsAnothers
            && now < before.Until + 4 * SessionLease.Ticks(before.Length) ? before.Length * 2 : ShortestLoan;
        var length = last < LongestLoan ? last : LongestLoan;
        if (_shared.Count > MostKept) _shared.Clear();
        _shared[project] = new(now + SessionLease.Ticks(length), length, IsAnothers: false);
        return new(owned.Fence, IsShared: true);
    }

    /// <summary>Ends the trust in projects that nobody has asked for lately.</summary>
    /// <returns>The projects, which the store is to be told.</returns>
    public IReadOnlyList<(string Project, long Fence)> DropUnused(long now)
    {
        var dropped = new List<(string, long)>();
        foreach (var (project, owned) in _owned)
            if (now - owned.UsedAt > SessionLease.Ticks(Unused) && _owned.TryRemove(new(project, owned)))
                dropped.Add((project, owned.Fence));
        return dropped;
    }

    /// <summary>Ends the trust in all of them.</summary>
    public void Clear() => _owned.Clear();

    private sealed class Owned(long grant, long fence)
    {
        private long _usedAt;

        public long Grant => grant;

        public long Fence => fence;

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }

    private sealed record Shared(long Until, TimeSpan Length, bool IsAnothers);
}

/// <summary>A project that its owner leaves to others.</summary>
/// <param name="Fence">By which it was owned: what is told to the store late concerns no later owner.</param>
/// <param name="IsShared">Whether all may write for a while, and its owner will own it again; else whoever wants it owns it next.</param>
internal readonly record struct Loan(long Fence, bool IsShared);
