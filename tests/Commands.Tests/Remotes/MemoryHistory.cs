using System.Collections.Concurrent;
using Beadhub.History;
using Beadhub.Remotes;

namespace Beadhub.CommandTests.Remotes;

/// <summary>A project's history in memory, for what is the same wherever the project is. It believes nothing that it has not all
/// of.</summary>
internal sealed class MemoryHistory : ILocalHistory, IHistoryObjects
{
    public ConcurrentDictionary<ObjectHash, string> Objects { get; } = new() { [TreeNode.Empty.Hash] = TreeNode.Empty.Text() };

    public Dictionary<string, ObjectHash> Branches { get; } = [];

    /// <summary>Where remotes' branches are.</summary>
    public Dictionary<string, ObjectHash> Tracked { get; } = [];

    /// <summary>Commits a set of lines on a branch.</summary>
    public ObjectHash Commit(string branch, string author, string message, IReadOnlyDictionary<string, string> lines,
        params ObjectHash[] alsoAfter)
    {
        var entries = lines.Select(line =>
        {
            var hash = ObjectHash.Of(line.Value);
            Objects[hash] = line.Value;
            return TreeEntry.Of(new("github.com/ada/lamps", "main", line.Key), hash);
        });
        var tree = TreeNode.Of(entries);
        Keep(tree);
        var time = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(Objects.Count);
        var commit = new CommitObject([.. Branches.TryGetValue(branch, out var head) ? [head] : Array.Empty<ObjectHash>(), .. alsoAfter],
            tree.Hash, author, time, message);
        Objects[commit.Id()] = commit.Text();
        return Branches[branch] = commit.Id();
    }

    /// <summary>The lines of a commit, by id.</summary>
    public async Task<SortedDictionary<string, string>> Read(ObjectHash commit)
    {
        var tree = await Trees.LoadAll(TreeNode.Stub((await Commit(commit))!.Root), this);
        return new(tree.All().ToDictionary(static entry => entry.Key.BeadId, entry => Objects[entry.Line]), StringComparer.Ordinal);
    }

    public Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<string, ObjectHash>>(Branches);

    public async Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation)
    {
        var known = new HashSet<ObjectHash>();
        foreach (var commit in commits)
            if (await IsWhole(commit)) known.Add(commit);
        return known;
    }

    public async Task<bool> Follows(ObjectHash commit, ObjectHash ancestor, CancellationToken cancellation) =>
        (await Sending.Missing(commit, [], this, cancellation)).Contains(ancestor);

    public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var all = await Sending.Missing(wanted, [], this, cancellation);
        var known = await to.Known([.. all.Reverse()], cancellation);
        await foreach (var pack in Pack.Fill(Sending.Objects(wanted, known, this, cancellation))) yield return pack;
    }

    public Task<bool> Take(Pack pack, CancellationToken cancellation)
    {
        var isNew = false;
        foreach (var (name, text) in pack.Named()) isNew |= Objects.TryAdd(name, text);
        return Task.FromResult(isNew);
    }

    public async Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation)
    {
        ObjectHash? now = Branches.TryGetValue(move.Branch, out var head) ? head : null;
        if (now != move.Expected) return MoveOutcome.Overtaken;
        if (!await IsWhole(move.Next)) throw new RemoteException("the commit lacks objects", RemoteFault.Damaged);
        if (now is { } before && !await Follows(move.Next, before, cancellation)) return MoveOutcome.NotForward;
        Branches[move.Branch] = move.Next;
        return MoveOutcome.Moved;
    }

    public async Task Track(string remote, string branch, ObjectHash commit, CancellationToken cancellation)
    {
        if (!await IsWhole(commit)) throw new RemoteException("the commit lacks objects", RemoteFault.Damaged);
        Tracked[$"{remote}/{branch}"] = commit;
    }

    public ValueTask<CommitObject?> Commit(ObjectHash id) =>
        new(Objects.TryGetValue(id, out var text) ? CommitObject.Parse(text) : null);

    public ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes) => new(hashes.ToDictionary(
        static hash => hash,
        hash => Objects.TryGetValue(hash, out var text) && TreeNode.Parse(text) is { } node ? node
            : throw new RefusedException(RefusalKind.NotFound, "missing")));

    public ValueTask<IReadOnlyDictionary<ObjectHash, string>> Lines(IReadOnlyCollection<TreeEntry> entries) =>
        new(entries.Select(static entry => entry.Line).Distinct().ToDictionary(static line => line, line => Objects[line]));

    private async Task<bool> IsWhole(ObjectHash head)
    {
        try
        {
            foreach (var id in await Sending.Missing(head, [], this, default))
            {
                var tree = await Trees.LoadAll(TreeNode.Stub((await Commit(id))!.Root), this);
                if (tree.All().Any(entry => !Objects.ContainsKey(entry.Line))) return false;
            }

            return true;
        }
        catch (Exception e) when (e is RemoteException or RefusedException)
        {
            return false;
        }
    }

    private void Keep(TreeNode node)
    {
        Objects[node.Hash] = node.Text();
        foreach (var child in node.Children)
            if (child is not null) Keep(child);
    }
}
