using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.EventLog;

namespace Beadhub.History;

/// <summary>
/// The objects of a project's history in the log. A chunk is a stream of one event, named by its hash: written once, found by its name. A
/// line is where its bead has it; only lines that no bead of this site ever had are objects by themselves.
/// </summary>
internal sealed class HistoryObjects(IEventLog log, string project) : ITreeSource
{
    private const string Kind = "history_object";
    private const int ReadAtOnce = 256;
    private const int WriteAtOnce = 1000;
    private const int MostWithCommit = 64;
    private const int MostKept = 8192;
    private const int ScanSize = 64;

    private readonly ConcurrentDictionary<ObjectHash, TreeNode> _kept = new();
    private readonly ConcurrentDictionary<ObjectHash, string> _unwritten = new();
    private readonly ConcurrentDictionary<string, ObjectHash> _newest = new(StringComparer.Ordinal);

    /// <summary>Tells what came from elsewhere apart; all of it is looked at before any of it is kept.</summary>
    /// <exception cref="RefusedException">One is not what its hash says, or of no known form.</exception>
    public static (List<(ObjectHash Id, CommitObject Commit)> Commits, List<(ObjectHash, ObjectStored)> Others) Checked(
        ImmutableArray<HistoryObject> objects)
    {
        var commits = new List<(ObjectHash Id, CommitObject Commit)>();
        var others = new List<(ObjectHash, ObjectStored)>();
        foreach (var (id, text) in objects)
        {
            if (ObjectHash.Of(text) != id) throw new RefusedException(RefusalKind.Invalid, $"Object {id} is not what its hash says");
            if (text.StartsWith("commit\n", StringComparison.Ordinal))
                commits.Add((id, CommitObject.Parse(text) ?? throw new RefusedException(RefusalKind.Invalid, $"Object {id} is no commit")));
            else if (text.StartsWith('{') || TreeNode.Parse(text) is not null) others.Add((id, new(text)));
            else throw new RefusedException(RefusalKind.Invalid, $"Object {id} is neither commit, chunk nor line");
        }

        return (commits, others);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyDictionary<ObjectHash, TreeNode>> Load(IReadOnlyCollection<ObjectHash> hashes)
    {
        var found = new Dictionary<ObjectHash, TreeNode>(hashes.Count);
        var missing = new List<ObjectHash>();
        foreach (var hash in hashes)
        {
            if (_kept.TryGetValue(hash, out var kept)) found[hash] = kept;
            else missing.Add(hash);
        }

        foreach (var some in missing.Chunk(ReadAtOnce))
        {
            var stored = await Read(some);
            for (var i = 0; i < some.Length; i++)
            {
                if (stored[i] is not { } one || TreeNode.Parse(one.Text, one.Versions) is not { } chunk || chunk.Hash != some[i])
                    throw new RefusedException(RefusalKind.Conflict, $"Chunk {some[i]} of the history is not here");
                chunk.IsStored = true;
                found[some[i]] = chunk;
                if (_kept.Count >= MostKept) _kept.Clear();
                _kept[some[i]] = chunk;
            }
        }

        return found;
    }

    /// <summary>Keeps the line of a native task, which no event holds, until a commit that names it writes it.</summary>
    public ObjectHash Hold(string taskId, string line)
    {
        const int spare = 1024;
        var hash = ObjectHash.Of(line);
        _unwritten[hash] = line;
        _newest[taskId] = hash;
        // Lines that others have replaced before any commit: who reads an older tree may still ask for the last ones.
        if (_unwritten.Count > 2 * _newest.Count + spare)
        {
            var newest = _newest.Values.ToHashSet();
            foreach (var old in _unwritten.Keys)
                if (!newest.Contains(old)) _unwritten.TryRemove(old, out _);
        }

        return hash;
    }

    /// <summary>Texts of objects by their hashes; null where there is none.</summary>
    public async ValueTask<string?[]> Texts(IReadOnlyList<ObjectHash> hashes)
    {
        var texts = new string?[hashes.Count];
        for (var start = 0; start < texts.Length; start += ReadAtOnce)
        {
            var stored = await Read([.. hashes.Skip(start).Take(ReadAtOnce)]);
            for (var i = 0; i < stored.Length; i++) texts[start + i] = stored[i]?.Text;
        }

        return texts;
    }

    /// <summary>
    /// What is to be durable before a commit names a tree; what is there already is left out. A few objects are to be written with the
    /// commit, many are written at once.
    /// </summary>
    /// <param name="tree">The tree.</param>
    /// <param name="texts">Its lines that no event of a bead holds, by their hashes.</param>
    public async ValueTask<UnstoredTree> Prepare(TreeNode tree, IReadOnlyDictionary<ObjectHash, string>? texts = null)
    {
        var chunks = new List<TreeNode>();
        var objects = texts?.Select(line => (line.Key, new ObjectStored(line.Value))).ToList() ?? [];
        var tasks = new List<TreeEntry>();
        Collect(tree);
        if (objects.Count <= MostWithCommit)
            return new(chunks, [.. objects.DistinctBy(static one => one.Item1).Select(one => Append(one, isAlone: true))], Written);
        await Write(objects);
        var stored = new UnstoredTree(chunks, [], Written);
        stored.IsStored();
        return stored;

        void Collect(TreeNode node)
        {
            if (node.IsStored || node.IsStub) return;
            foreach (var child in node.Children)
                if (child is not null) Collect(child);
            chunks.Add(node);
            foreach (var entry in node.IsLeaf ? node.Entries : [])
            {
                if (!entry.Key.IsTask || !_unwritten.TryGetValue(entry.Line, out var line)) continue;
                tasks.Add(entry);
                objects.Add((entry.Line, new(line)));
            }

            objects.Add((node.Hash, new(node.Text(), node.IsLeaf ? [.. node.Entries.Select(entry => entry.Version)] : null)));
        }

        void Written()
        {
            foreach (var entry in tasks)
            {
                _unwritten.TryRemove(entry.Line, out _);
                _newest.TryRemove(new(entry.Key.BeadId, entry.Line));
            }
        }
    }

    /// <summary>Writes objects; those that are there already stay as they are.</summary>
    public async ValueTask Write(IReadOnlyList<(ObjectHash Id, ObjectStored Object)> objects)
    {
        foreach (var some in objects.Chunk(WriteAtOnce))
            await Task.WhenAll(some.Select(one => log.Append(Append(one, some.Length == 1))));
    }

    /// <summary>The lines of entries, in their order.</summary>
    public async ValueTask<string[]> Lines(IReadOnlyList<TreeEntry> entries) =>
        [.. (await Stored(entries)).Select(static found => found.Line)];

    /// <summary>The lines of entries, each with the event that stored it, where a bead has one.</summary>
    /// <exception cref="RefusedException">One is not here.</exception>
    public async ValueTask<(string Line, IIssueStored? Event)[]> Stored(IReadOnlyList<TreeEntry> entries)
    {
        var lines = new (string Line, IIssueStored? Event)[entries.Count];
        for (var start = 0; start < entries.Count; start += ReadAtOnce)
        {
            var some = entries.Skip(start).Take(ReadAtOnce).ToList();
            var events = await log.ReadEvents([.. some.Select(entry =>
                entry.Version > 0 ? new EventPlace(Bead(entry.Key), entry.Version) : new(Stream(entry.Line), 1))]);
            for (var i = 0; i < some.Count; i++)
            {
                if (some[i].Key.IsTask && _unwritten.TryGetValue(some[i].Line, out var held))
                {
                    lines[start + i] = (held, null);
                    continue;
                }

                var @event = events[i] is { } one ? EventTypes.Parse(one.Type, one.Data) : null;
                var line = @event is ObjectStored text ? text.Text : @event is IIssueStored stored ? LineOf(stored) : null;
                lines[start + i] = line is not null && ObjectHash.Of(line) == some[i].Line
                    ? (line, @event as IIssueStored) : await Search(some[i]);
            }
        }

        return lines;
    }

    /// <summary>The line that an event has stored.</summary>
    public static string LineOf(IIssueStored stored) => stored switch
    {
        IssueStored e => e.Line,
        BeadStored e => StoredLine.Render(e.Record.Complete()),
        _ => throw new InvalidOperationException($"{stored.GetType()} holds no issue."),
    };

    // The place of a line is a hint: chunks of other sites come without.
    private async ValueTask<(string Line, IIssueStored? Event)> Search(TreeEntry entry)
    {
        if ((await Texts([entry.Line]))[0] is { } text) return (text, null);
        for (long after = 0; !entry.Key.IsTask;)
        {
            var events = await log.ReadStream(Bead(entry.Key), after, ScanSize);
            foreach (var one in events)
                if (EventTypes.Parse(one.Type, one.Data) is IIssueStored stored && LineOf(stored) is var line
                    && ObjectHash.Of(line) == entry.Line) return (line, stored);
            if (events.Count < ScanSize) break;
            after = events[^1].Version;
        }

        throw new RefusedException(RefusalKind.Conflict, $"Line {entry.Line} of {entry.Key.BeadId} is not here");
    }

    private async ValueTask<ObjectStored?[]> Read(IReadOnlyList<ObjectHash> hashes) =>
        [.. (await log.ReadEvents([.. hashes.Select(hash => new EventPlace(Stream(hash), 1))]))
            .Select(static one => one is { } stored ? EventTypes.Parse(stored.Type, stored.Data) as ObjectStored : null)];

    private StreamAppend Append((ObjectHash Id, ObjectStored Object) one, bool isAlone) => new(project, Stream(one.Id), 0,
        [new(EventTypes.NameOf(one.Object), EventTypes.Serialize(one.Object), log.Time.GetUtcNow())], null, InCompany: !isAlone);

    private StreamKey Bead(TreeKey key) => new(Beads.Bead.Kind.Name, IBeadGrain.Key(project, key.BeadId));

    private StreamKey Stream(ObjectHash hash) => new(Kind, $"{project}/{hash}");
}

/// <summary>A tree that is to be stored with the commit that names it.</summary>
/// <param name="Chunks">Its chunks that are not stored.</param>
/// <param name="Appends">What is to be written before the commit.</param>
/// <param name="Written">What is to be done when it was.</param>
internal sealed record UnstoredTree(IReadOnlyList<TreeNode> Chunks, IReadOnlyList<StreamAppend> Appends, Action Written)
{
    /// <summary>The commit was written.</summary>
    public void IsStored()
    {
        foreach (var chunk in Chunks) chunk.IsStored = true;
        Written();
    }
}
