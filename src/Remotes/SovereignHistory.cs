using System.Runtime.CompilerServices;
using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>A project's commits, trees and lines, to be read.</summary>
public interface IHistoryObjects : ITreeSource
{
    /// <summary>A commit; null when it is not here.</summary>
    ValueTask<CommitObject?> Commit(ObjectHash id);

    /// <summary>Lines of trees, by their hashes; those of one call are read together.</summary>
    ValueTask<IReadOnlyDictionary<ObjectHash, string>> Lines(IReadOnlyCollection<TreeEntry> entries);
}

/// <summary>What is sent of a history: which objects, in which order.</summary>
public static class Sending
{
    private const int Together = 256;

    /// <summary>
    /// The objects of all commits that lead to one and not to others: parents first, of each commit what its tree has beyond its first
    /// parent's, then the commit. The same for the same commits, wherever it is asked for.
    /// </summary>
    public static async IAsyncEnumerable<string> Objects(ObjectHash wanted, IReadOnlyCollection<ObjectHash> known, IHistoryObjects history,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (var id in await Missing(wanted, known, history, cancellation))
        {
            var commit = (await history.Commit(id))!;
            var before = commit.Parents is [var first, ..] && await history.Commit(first) is { } parent
                ? TreeNode.Stub(parent.Root) : TreeNode.Empty;
            var after = TreeNode.Stub(commit.Root);
            var (chunks, lines) = await Trees.Beyond(before, after, history);
            foreach (var part in lines.OrderBy(static line => line.Place).Chunk(Together))
            {
                cancellation.ThrowIfCancellationRequested();
                var texts = await history.Lines(part);
                foreach (var line in part) yield return texts[line.Line];
            }

            foreach (var chunk in chunks) yield return chunk.Text();
            // The tree without lines is known to everybody, and stands for itself only where it is a commit's.
            if (chunks.Count == 0 && commit.Root == TreeNode.Empty.Hash) yield return TreeNode.Empty.Text();
            yield return commit.Text();
        }
    }

    /// <summary>Commits that lead to one and to none of others, parents first.</summary>
    public static async Task<IReadOnlyList<ObjectHash>> Missing(ObjectHash wanted, IReadOnlyCollection<ObjectHash> known,
        IHistoryObjects history, CancellationToken cancellation)
    {
        var left = known.ToHashSet();
        // All that is under what is known is known.
        var pending = new Stack<ObjectHash>(left);
        while (pending.TryPop(out var id))
        {
            cancellation.ThrowIfCancellationRequested();
            if (await history.Commit(id) is not { } commit) continue;
            foreach (var parent in commit.Parents)
                if (left.Add(parent)) pending.Push(parent);
        }

        var order = new List<ObjectHash>();
        var seen = new HashSet<ObjectHash>(left);
        var stack = new Stack<(ObjectHash Id, bool IsDone)>([(wanted, false)]);
        while (stack.TryPop(out var next))
        {
            cancellation.ThrowIfCancellationRequested();
            if (next.IsDone)
            {
                order.Add(next.Id);
                continue;
            }

            if (!seen.Add(next.Id)) continue;
            var commit = await history.Commit(next.Id)
                ?? throw new RemoteException($"commit {next.Id} is not here", RemoteFault.NotFound);
            stack.Push((next.Id, true));
            foreach (var parent in commit.Parents.Reverse()) stack.Push((parent, false));
        }

        return order;
    }
}

/// <summary>
/// A history as a remote of the third or fourth tier gets it: commit for commit another one, in which nobody is named. The same history
/// under the same key gives the same commits, so that what was sent before is known again. Who is a person follows from a commit's own past
/// alone: a name that comes up later changes nothing of what was sent.
/// </summary>
public sealed class SovereignHistory(IHistoryObjects history, SovereigntyTier tier, byte[] key) : IHistoryObjects
{
    private readonly Dictionary<ObjectHash, Mapped> _mapped = [];
    private readonly Dictionary<ObjectHash, CommitObject> _commits = [];
    private readonly Dictionary<ObjectHash, TreeNode> _chunks = [];
    private readonly Dictionary<ObjectHash, string> _lines = [];

    private sealed record Mapped(ObjectHash Id, TreeNode Tree, HashSet<string> People, TreeNode Source);

    /// <summary>The commit that stands for one of the project's.</summary>
    public async Task<ObjectHash> Map(ObjectHash commit, CancellationToken cancellation)
    {
        foreach (var id in await Sending.Missing(commit, _mapped.Keys, history, cancellation)) await Add(id);
        return _mapped[commit].Id;
    }

    /// <inheritdoc/>
    public ValueTask<CommitObject?> Commit(ObjectHash id) => new(_commits.GetValueOrDefault(id));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<ObjectHash, string>> Lines(IReadOnlyCollection<TreeEntry> entries) =>
        new(entries.Select(static entry => entry.Line).Distinct().ToDictionary(static line => line, line => _lines[line]));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes) =>
        new(hashes.ToDictionary(static hash => hash, hash => _chunks[hash]));

    private async Task Add(ObjectHash id)
    {
        var commit = (await history.Commit(id))!;
        var parents = commit.Parents.Select(parent => _mapped[parent]).ToArray();
        var source = TreeNode.Stub(commit.Root);
        var changes = await Trees.Diff(parents is [var first, ..] ? first.Source : TreeNode.Empty, source, history);
        var people = parents.SelectMany(static parent => parent.People).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var before = parents is [var one, ..] ? one.People.Count : -1;
        People.Add(commit.Author, people);
        var changed = await Read([.. changes.Select(static change => change.After).OfType<TreeEntry>()]);
        foreach (var line in changed.Values) People.Of(line, people);

        var redaction = new Redaction(tier, key, people);
        TreeNode tree;
        if (people.Count == before)
        {
            tree = parents[0].Tree;
            foreach (var change in changes)
            {
                if (change.Before is { } gone) tree = tree.Without(Key(gone.Key, redaction));
                if (change.After is { } here) tree = tree.With(Entry(here, changed[here.Line], redaction));
            }
        }
        else
        {
            // Somebody is named for the first time: older lines may speak of them.
            var all = (await Trees.LoadAll(source, history)).All().ToArray();
            var lines = await Read(all);
            tree = TreeNode.Of(all.Select(entry => Entry(entry, lines[entry.Line], redaction)).DistinctBy(static entry => entry.Place));
        }

        Keep(tree);
        var next = new CommitObject([.. parents.Select(static parent => parent.Id)], tree.Hash,
            tier == SovereigntyTier.T4 ? "anonymous" : redaction.Person(commit.Author), commit.Time, redaction.Message(commit.Message));
        _commits[next.Id()] = next;
        _mapped[id] = new(next.Id(), tree, people, source);
    }

    private async Task<IReadOnlyDictionary<ObjectHash, string>> Read(TreeEntry[] entries)
    {
        var lines = new Dictionary<ObjectHash, string>();
        foreach (var part in entries.Chunk(256))
        foreach (var (hash, text) in await history.Lines(part)) lines[hash] = text;
        return lines;
    }

    private TreeEntry Entry(TreeEntry entry, string line, Redaction redaction)
    {
        var text = redaction.Line(line);
        var hash = ObjectHash.Of(text);
        _lines[hash] = text;
        return TreeEntry.Of(Key(entry.Key, redaction), hash);
    }

    // Repositories and ids may bear somebody's name.
    private static TreeKey Key(TreeKey key, Redaction redaction) =>
        new TreeKey(redaction.Text(key.Repo), redaction.Text(key.Branch), redaction.Text(key.BeadId)) is var next && TreeNode.IsKey(next)
            ? next : throw new RemoteException($"bead {key.BeadId} has a name that cannot be made pseudonymous: nothing is sent");

    private void Keep(TreeNode node)
    {
        if (!_chunks.TryAdd(node.Hash, node)) return;
        foreach (var child in node.Children)
            if (child is not null) Keep(child);
    }
}

/// <summary>A project's history as it is sent to a remote of the third or fourth tier: pushed, and never fetched.</summary>
/// <param name="project">The project.</param>
/// <param name="tier">The tier.</param>
/// <param name="key">The project's key, under which pseudonyms are made.</param>
/// <param name="only">The branch that is to be sent, of which alone the history is read; null for all.</param>
public sealed class SovereignSender(ILocalHistory project, SovereigntyTier tier, byte[] key, string? only = null) : ILocalHistory
{
    private readonly Dictionary<ObjectHash, SovereignHistory> _views = [];

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation)
    {
        var heads = new Dictionary<string, ObjectHash>();
        foreach (var (name, head) in await project.Heads(cancellation))
        {
            // Remotes' branches, noted here, are others' business.
            if (name.Contains('/', StringComparison.Ordinal) || only is not null && name != only) continue;
            var all = new Loaded();
            await foreach (var pack in project.Send(head, Nobody.Instance, cancellation)) all.Add(pack);
            var view = new SovereignHistory(all, tier, key);
            var mapped = await view.Map(head, cancellation);
            (heads[name], _views[mapped]) = (mapped, view);
        }

        return heads;
    }

    /// <inheritdoc/>
    public async Task<bool> Follows(ObjectHash commit, ObjectHash ancestor, CancellationToken cancellation) =>
        (await Sending.Missing(commit, [], _views[commit], cancellation)).Contains(ancestor);

    /// <inheritdoc/>
    public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var view = _views[wanted];
        var known = await to.Known([.. await Sending.Missing(wanted, [], view, cancellation)], cancellation);
        await foreach (var pack in Pack.Fill(Sending.Objects(wanted, known, view, cancellation))) yield return pack;
    }

    /// <inheritdoc/>
    public Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) => throw OneWay();

    /// <inheritdoc/>
    public Task<bool> Take(Pack pack, CancellationToken cancellation) => throw OneWay();

    /// <inheritdoc/>
    public Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation) => throw OneWay();

    /// <inheritdoc/>
    public Task Track(string remote, string branch, ObjectHash commit, CancellationToken cancellation) => throw OneWay();

    private static RemoteException OneWay() =>
        new("a remote of tier T3 or T4 has another history than this project: it is pushed to, and nothing is fetched from it");

    /// <summary>Knows nothing, and so is sent everything.</summary>
    private sealed class Nobody : IHistorySite
    {
        public static readonly Nobody Instance = new();

        public Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyDictionary<string, ObjectHash>>(new Dictionary<string, ObjectHash>());

        public Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlySet<ObjectHash>>(new HashSet<ObjectHash>());

        public IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, CancellationToken cancellation) => throw OneWay();

        public Task<bool> Take(Pack pack, CancellationToken cancellation) => throw OneWay();

        public Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation) => throw OneWay();
    }

    private sealed class Loaded : IHistoryObjects
    {
        private readonly Dictionary<ObjectHash, string> _texts = new() { [TreeNode.Empty.Hash] = TreeNode.Empty.Text() };

        public void Add(Pack pack)
        {
            foreach (var (name, text) in pack.Named()) _texts[name] = text;
        }

        public ValueTask<CommitObject?> Commit(ObjectHash id) =>
            new(_texts.TryGetValue(id, out var text) ? CommitObject.Parse(text) : null);

        public ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes) =>
            new(hashes.ToDictionary(static hash => hash, hash => TreeNode.Parse(_texts[hash])!));

        public ValueTask<IReadOnlyDictionary<ObjectHash, string>> Lines(IReadOnlyCollection<TreeEntry> entries) =>
            new(entries.Select(static entry => entry.Line).Distinct().ToDictionary(static line => line, line => _texts[line]));
    }
}
