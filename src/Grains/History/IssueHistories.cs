using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.EventLog;

namespace Beadhub.History;

/// <summary>What has happened to issues, from their own events; and which commit each field of one came with.</summary>
internal sealed class IssueHistories(IEventLog log, string project, HistoryObjects objects)
{
    private const int ReadAtOnce = 64;
    private const int CommitsAtOnce = 64;

    /// <summary>A page of an issue's events.</summary>
    public async ValueTask<IssueHistory> Events(IssueHistoryQuery query)
    {
        var page = ImmutableArray.CreateBuilder<IssueEvent>();
        await foreach (var @event in All(query))
        {
            if (@event.Version <= query.After) continue;
            if (page.Count == query.Limit)
            {
                var last = page[^1].Version;
                return new(page.DrainToImmutable(), last);
            }

            page.Add(@event);
        }

        return new(page.DrainToImmutable(), null);
    }

    /// <summary>Whether somebody of an alias has changed an issue after a version of its bead.</summary>
    public async ValueTask<bool> HasChanged(TreeKey key, string alias, long after)
    {
        await foreach (var (_, @event) in Stored(key.BeadId, after))
            if (@event is IIssueStored stored ? stored.Alias == alias && stored.Repo == key.Repo && stored.Branch == key.Branch
                : @event is BeadRemoved removed && removed.Alias == alias && removed.Repo == key.Repo && removed.Branch == key.Branch)
                return true;
        return false;
    }

    /// <summary>Who has set each field of a line last.</summary>
    /// <param name="line">The line as it stands.</param>
    /// <param name="head">The newest commit; null before the first.</param>
    /// <param name="book">The commits.</param>
    public async ValueTask<IssueBlame> Blame(TreeEntry line, ObjectHash? head, HistoryBook book)
    {
        var text = (await objects.Lines([line]))[0];
        var fields = LineMerge.Fields(text);
        var commits = await Commits(line, fields, head, book);
        var events = new Dictionary<string, IssueEvent>(StringComparer.Ordinal);
        await foreach (var @event in All(new(line.Key.BeadId, line.Key.Repo, line.Key.Branch)))
            if (@event.Change is "added" or "changed" or "removed")
                foreach (var field in @event.Fields) events[field.Field] = @event;
        return new(line.Key.BeadId, line.Key.Repo, line.Key.Branch, [.. fields.Select(field =>
        {
            var commit = commits.TryGetValue(field.Key, out var id) ? id : default(ObjectHash?);
            var node = commit is { } one ? book.Commits[one] : null;
            var by = events.GetValueOrDefault(field.Key);
            return new BlamedField(field.Key, field.Value, commit, node?.Author, node?.Time, by?.By, by?.At, by?.Command);
        })]);
    }

    /// <summary>The first commit with the value that each field has now; fields whose value is in no commit are left out.</summary>
    private async ValueTask<Dictionary<string, ObjectHash>> Commits(TreeEntry line, Dictionary<string, string> fields, ObjectHash? head,
        HistoryBook book)
    {
        var blamed = new Dictionary<string, ObjectHash>(StringComparer.Ordinal);
        if (head is not { } newest) return blamed;
        var entries = new Dictionary<ObjectHash, TreeEntry?>();
        var texts = new Dictionary<ObjectHash, Dictionary<string, string>> { [line.Line] = fields };
        var left = new Dictionary<ObjectHash, HashSet<string>>();
        var first = await Fields(newest);
        left[newest] = [.. fields.Where(field => LineMerge.Same(first.GetValueOrDefault(field.Key), field.Value))
            .Select(static field => field.Key)];
        // Each commit comes before its parents.
        foreach (var commit in book.Ancestors(newest))
        {
            if (!left.Remove(commit, out var names) || names.Count == 0) continue;
            foreach (var parent in book.Commits[commit].Parents)
            {
                if (names.Count == 0) break;
                var before = await Fields(parent);
                var passed = names.Where(name => LineMerge.Same(before.GetValueOrDefault(name), fields[name])).ToList();
                if (passed.Count == 0) continue;
                if (!left.TryGetValue(parent, out var theirs)) left[parent] = theirs = [];
                theirs.UnionWith(passed);
                names.ExceptWith(passed);
            }

            foreach (var name in names) blamed[name] = commit;
            if (left.Count == 0) break;
        }

        return blamed;

        async ValueTask<Dictionary<string, string>> Fields(ObjectHash commit)
        {
            if (!entries.TryGetValue(commit, out var entry))
            {
                // Those before it are asked for next: their trees have most chunks in common.
                var next = new List<ObjectHash>();
                for (ObjectHash? one = commit; one is { } id && next.Count < CommitsAtOnce && !entries.ContainsKey(id);
                    one = book.Commits[id].Parents is [var parent, ..] ? parent : null) next.Add(id);
                var found = await Trees.Find([.. next.Select(id => TreeNode.Stub(book.Commits[id].Root))], line.Key, objects);
                for (var i = 0; i < found.Length; i++) entries[next[i]] = found[i];
                entry = entries[commit];
            }

            if (entry is null) return [];
            if (!texts.TryGetValue(entry.Line, out var values))
                texts[entry.Line] = values = LineMerge.Fields((await objects.Lines([entry]))[0]);
            return values;
        }
    }

    private async IAsyncEnumerable<IssueEvent> All(IssueHistoryQuery query)
    {
        var lines = new Dictionary<(string, string), string>();
        await foreach (var (version, @event) in Stored(query.BeadId, 0))
        {
            switch (@event)
            {
                case IIssueStored stored when Concerns(stored.Repo, stored.Branch):
                    var line = HistoryObjects.LineOf(stored);
                    var before = lines.GetValueOrDefault((stored.Repo, stored.Branch));
                    lines[(stored.Repo, stored.Branch)] = line;
                    yield return new(version, before is null ? "added" : "changed", stored.SyncedAt, stored.Alias, stored.WorkspaceId,
                        (stored as IssueStored)?.Command, stored.Repo, stored.Branch, Changes(before, line));
                    break;
                case BeadRemoved removed when Concerns(removed.Repo, removed.Branch):
                    lines.Remove((removed.Repo, removed.Branch), out var last);
                    yield return new(version, "removed", removed.At, removed.Alias, removed.WorkspaceId, removed.Command, removed.Repo,
                        removed.Branch, Changes(last, null));
                    break;
                case BeadClaimed claimed:
                    yield return new(version, "claimed", claimed.At, claimed.Alias, claimed.WorkspaceId, null, null, null, []);
                    break;
                case BeadReleased released:
                    yield return new(version, "released", released.At, released.Alias, released.WorkspaceId, null, null, null, []);
                    break;
            }
        }

        bool Concerns(string repo, string branch) => (query.Repo ?? repo) == repo && (query.Branch ?? branch) == branch;
    }

    /// <summary>The fields in which two lines differ, as they are shown.</summary>
    public static ImmutableArray<FieldChange> Changes(string? before, string? after) =>
        [.. LineMerge.Differences(before, after).Select(static field => new FieldChange(field.Field, field.Old, field.New))];

    private async IAsyncEnumerable<(long Version, IEvent Event)> Stored(string beadId, long after)
    {
        var stream = new StreamKey(Bead.Kind.Name, IBeadGrain.Key(project, beadId));
        while (true)
        {
            var events = await log.ReadStream(stream, after, ReadAtOnce);
            foreach (var one in events)
                if (EventTypes.Parse(one.Type, one.Data) is { } @event) yield return (one.Version, @event);
            if (events.Count < ReadAtOnce) yield break;
            after = events[^1].Version;
        }
    }
}
