using System.Collections.Concurrent;
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
    private const int MostKept = 8192;
    private const int ScanSize = 64;

    private readonly ConcurrentDictionary<ObjectHash, TreeNode> _kept = new();

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

    /// <summary>Makes a tree, and lines that no bead has, durable: what is there already is left out.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="texts">Its lines that no event of a bead holds, by their hashes.</param>
    public async ValueTask Store(TreeNode tree, IReadOnlyDictionary<ObjectHash, string> texts)
    {
        var chunks = new List<TreeNode>();
        var objects = texts.Select(line => (line.Key, new ObjectStored(line.Value))).ToList();
        Collect(tree);
        await Write(objects);
        foreach (var chunk in chunks) chunk.IsStored = true;

        void Collect(TreeNode node)
        {
            if (node.IsStored || node.IsStub) return;
            foreach (var child in node.Children)
                if (child is not null) Collect(child);
            chunks.Add(node);
            objects.Add((node.Hash, new(node.Text(), node.IsLeaf ? [.. node.Entries.Select(entry => entry.Version)] : null)));
        }
    }

    /// <summary>Writes objects; those that are there already stay as they are.</summary>
    public async ValueTask Write(IReadOnlyList<(ObjectHash Id, ObjectStored Object)> objects)
    {
        var now = log.Time.GetUtcNow();
        var name = EventTypes.NameOf(new ObjectStored(""));
        foreach (var some in objects.Chunk(WriteAtOnce))
            await Task.WhenAll(some.Select(one =>
                log.Append(new(project, Stream(one.Id), 0, [new(name, EventTypes.Serialize(one.Object), now)], null))));
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
        for (long after = 0; ;)
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

    private StreamKey Bead(TreeKey key) => new(Beads.Bead.Kind.Name, IBeadGrain.Key(project, key.BeadId));

    private StreamKey Stream(ObjectHash hash) => new(Kind, $"{project}/{hash}");
}
