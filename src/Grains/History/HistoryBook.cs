using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.History;

/// <summary>A commit as it is kept in memory: without its message, which is in the log.</summary>
/// <param name="Parents">Ids of its parents.</param>
/// <param name="Root">Root of its tree.</param>
/// <param name="Author">Who made it.</param>
/// <param name="Time">When.</param>
/// <param name="Generation">1 without parents, else one more than the greatest of its parents'.</param>
/// <param name="Version">Version of its event in the history's stream.</param>
/// <param name="Position">Position of the feed whose working set it is at least; 0 when it came from elsewhere.</param>
/// <param name="HasTasks">Whether native tasks are in its tree, if there were any.</param>
public sealed record CommitNode(ImmutableArray<ObjectHash> Parents, ObjectHash Root, string Author, DateTimeOffset Time, int Generation,
    long Version, long Position, bool HasTasks = false);

/// <summary>A tag.</summary>
public sealed record HistoryTag(ObjectHash Commit, string Message, string By, DateTimeOffset At);

/// <summary>A merge that waits for decisions.</summary>
public sealed record WaitingMerge(ObjectHash From, string Name, string Message, string By, DateTimeOffset At,
    ImmutableArray<ConflictChoice> Choices);

/// <summary>The commits of a project and what is named among them. Pure.</summary>
/// <param name="Commits">All commits, by id.</param>
/// <param name="Branches">Newest commits of the branches.</param>
/// <param name="Tags">Tags.</param>
/// <param name="Mode">One of <see cref="CommitModes"/>.</param>
/// <param name="Merge">The merge that waits, if any.</param>
/// <param name="Events">Number of events so far, by which messages are found again.</param>
public sealed record HistoryBook(
    ImmutableDictionary<ObjectHash, CommitNode> Commits,
    ImmutableSortedDictionary<string, ObjectHash> Branches,
    ImmutableSortedDictionary<string, HistoryTag> Tags,
    string Mode,
    WaitingMerge? Merge,
    long Events) : IEventSourced<HistoryBook>
{
    /// <summary>The branch that the working set follows.</summary>
    public const string Main = "main";

    private const string HeadName = "HEAD";
    private const int ShortestPrefix = 4;
    private const int MostRefs = 1000;

    /// <inheritdoc/>
    public static HistoryBook Empty { get; } = new(ImmutableDictionary<ObjectHash, CommitNode>.Empty,
        ImmutableSortedDictionary.Create<string, ObjectHash>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, HistoryTag>(StringComparer.Ordinal), CommitModes.Manual, null, 0);

    /// <summary>A snapshot holds all commits, so it pays only after as many changes as a part of them.</summary>
    public static StreamKind<HistoryBook> Kind { get; } =
        new("history", HistoryJson.Default.HistoryBook, SnapshotEvery: 256, ProjectOf: key => key)
        {
            Fold = 2,
            EventsOf = static book => book.Commits.Count / 8,
        };

    /// <inheritdoc cref="HistoryBook"/>
    public ImmutableSortedDictionary<string, ObjectHash> Branches { get; init; } = Branches.WithComparers(StringComparer.Ordinal);

    /// <inheritdoc cref="HistoryBook"/>
    public ImmutableSortedDictionary<string, HistoryTag> Tags { get; init; } = Tags.WithComparers(StringComparer.Ordinal);

    /// <summary>The newest commit of <see cref="Main"/>; null before the first.</summary>
    [JsonIgnore]
    public ObjectHash? Head => Branches.TryGetValue(Main, out var head) ? head : null;

    /// <summary>Root of its tree.</summary>
    [JsonIgnore]
    public ObjectHash? HeadRoot => Head is { } head ? Commits[head].Root : null;

    /// <summary>The newest commit that leads to the working set by what has come to the feed since; null when there is none.</summary>
    [JsonIgnore]
    public CommitNode? Followed => Head is { } head
        ? Ancestors(head).Select(id => Commits[id]).FirstOrDefault(static commit => commit.Position > 0) : null;

    /// <inheritdoc/>
    public HistoryBook Apply(IEvent @event) => Next(@event) with { Events = Events + 1 };

    private HistoryBook Next(IEvent @event) => @event switch
    {
        CommitAdded e => this with
        {
            Commits = Commits.SetItem(e.Id, new(e.Parents, e.Root, e.Author, e.Time,
                1 + e.Parents.Select(parent => Commits.GetValueOrDefault(parent)?.Generation ?? 0).DefaultIfEmpty().Max(),
                Events + 1, e.Position, e.HasTasks ?? false)),
            Branches = e.Branch is { } branch ? Branches.SetItem(branch, e.Id) : Branches,
            // A commit of two parents on the working set's branch is what the merge waited for.
            Merge = e.Branch == Main && Merge is { } merge && e.Parents.Contains(merge.From) ? null : Merge,
        },
        HistoryBranchSet { Commit: { } commit } e => this with
        {
            Branches = Branches.SetItem(e.Name, commit),
            Merge = e.Name == Main && Merge?.From == commit ? null : Merge,
        },
        HistoryBranchSet e => this with { Branches = Branches.Remove(e.Name) },
        HistoryTagSet { Commit: { } commit } e => this with { Tags = Tags.SetItem(e.Name, new(commit, e.Message, e.By, e.At)) },
        HistoryTagSet e => this with { Tags = Tags.Remove(e.Name) },
        CommitModeSet e => this with { Mode = e.Mode },
        MergeBegun e => this with { Merge = new(e.From, e.Name, e.Message, e.By, e.At, []) },
        ConflictResolved e when Merge is { } merge => this with
        {
            Merge = merge with
            {
                Choices = [.. merge.Choices.Where(choice => choice with { Take = "", Value = null }
                    != e.Choice with { Take = "", Value = null }), e.Choice],
            },
        },
        MergeAbandoned => this with { Merge = null },
        _ => this,
    };

    /// <summary>Commits a tree onto a branch, after its newest commit and perhaps another.</summary>
    /// <returns>The commit; null when it would be the same tree again.</returns>
    public Decision<CommitObject?> Commit(ObjectHash root, long position, string branch, ObjectHash? start, ObjectHash? merged,
        HistoryAuthor by, string message, DateTimeOffset now, bool hasTasks = true)
    {
        var head = Branches.TryGetValue(branch, out var newest) ? newest : start;
        if (merged is null && (head is { } last ? Commits[last].Root == root : root == TreeNode.Empty.Hash))
            return Decision.None<CommitObject?>(null);
        ImmutableArray<ObjectHash> parents = [.. head is { } one ? [one] : Array.Empty<ObjectHash>(),
            .. merged is { } other ? [other] : Array.Empty<ObjectHash>()];
        // A clock that jumped back makes no commit that is older than its parent.
        var time = CommitObject.Whole(parents.Select(parent => Commits[parent].Time).Append(now).Max());
        var commit = new CommitObject(parents, root, OneLine(by.Alias), time, message);
        return Decision.Accept<CommitObject?>(commit,
            new CommitAdded(commit.Id(), parents, root, commit.Author, time, message, branch, position, by.AgentId,
                hasTasks ? true : null));
    }

    /// <summary>Sets or deletes a tag or a branch.</summary>
    public Decision<HistoryRef> Set(SetHistoryRef command, DateTimeOffset now)
    {
        var (name, by) = (command.Name, OneLine(command.By.Alias));
        if (!IsRefName(name)) throw new RefusedException(RefusalKind.Invalid, $"Invalid name: {name}");
        if (command.To is not { } version) return Delete(command, by, now);
        var commit = CommitOf(version);
        if (command.IsTag)
        {
            if (Tags.TryGetValue(name, out var tag))
                return tag.Commit == commit ? Decision.None(Shown(name, tag))
                    : throw new RefusedException(RefusalKind.Conflict, $"Tag {name} is at {tag.Commit}: a tag does not move");
            if (Tags.Count == MostRefs) throw new RefusedException(RefusalKind.Conflict, $"Too many tags: at most {MostRefs}");
            var made = new HistoryTag(commit, command.Message, by, now);
            return Decision.Accept(Shown(name, made), new HistoryTagSet(name, commit, command.Message, by, now));
        }

        if (name == Main) throw new RefusedException(RefusalKind.Conflict, "main follows the working set: merge or restore instead");
        ObjectHash? there = Branches.TryGetValue(name, out var at) ? at : null;
        if (command.Expected is { } expected && expected != (there ?? default))
            throw new RefusedException(RefusalKind.Conflict, $"Branch {name} has moved: it is at {there?.ToString() ?? "no commit"}");
        if (there == commit) return Decision.None(new HistoryRef(name, commit, null, null, null));
        if (there is not null && !command.Moves)
            throw new RefusedException(RefusalKind.Conflict, $"Branch {name} is there already, at {there}");
        if (there is null && Branches.Count == MostRefs)
            throw new RefusedException(RefusalKind.Conflict, $"Too many branches: at most {MostRefs}");
        return Decision.Accept(new HistoryRef(name, commit, null, null, null), new HistoryBranchSet(name, commit, by, now));
    }

    /// <summary>The commit that a version names.</summary>
    /// <exception cref="RefusedException">There is none, or there are several.</exception>
    public ObjectHash CommitOf(string version)
    {
        var steps = 0;
        var name = version;
        if (version.IndexOf('~') is >= 0 and var tilde)
        {
            name = version[..tilde];
            var count = version.AsSpan(tilde + 1);
            if (count.IsEmpty) steps = 1;
            else if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out steps))
                throw new RefusedException(RefusalKind.Invalid, $"Invalid version: {version}");
        }

        var commit = Named(name);
        for (var step = 0; step < steps; step++)
        {
            if (Commits[commit].Parents is not [var parent, ..])
                throw new RefusedException(RefusalKind.NotFound,
                    $"Unknown version: {version}: there are only {step} commits before {name}");
            commit = parent;
        }

        return commit;
    }

    private ObjectHash Named(string name)
    {
        if (name == HeadName)
            return Head ?? throw new RefusedException(RefusalKind.NotFound, "There is no commit yet");
        if (Branches.TryGetValue(name, out var branch)) return branch;
        if (Tags.TryGetValue(name, out var tag)) return tag.Commit;
        if (ObjectHash.TryParse(name, out var id) && Commits.ContainsKey(id)) return id;
        if (name.Length is >= ShortestPrefix and < ObjectHash.Digits && name.All(char.IsAsciiHexDigitLower))
        {
            var found = Commits.Keys.Where(one => one.ToString().StartsWith(name, StringComparison.Ordinal)).Take(4).ToList();
            if (found.Count == 1) return found[0];
            if (found.Count > 1)
                throw new RefusedException(RefusalKind.Invalid,
                    $"Ambiguous commit {name}: {string.Join(", ", found.Take(3))}{(found.Count > 3 ? " …" : "")}");
        }

        if (name.Length >= 10 && name[4] == '-' && Boards.Timestamps.Parse(name) is { } time) return At(name, time);
        throw new RefusedException(RefusalKind.NotFound, $"Unknown version: {name}");
    }

    /// <summary>The newest commit of the working set's branch at a time.</summary>
    private ObjectHash At(string name, DateTimeOffset time)
    {
        for (var commit = Head; commit is { } one; commit = Commits[one].Parents is [var parent, ..] ? parent : null)
            if (Commits[one].Time <= time) return one;
        throw new RefusedException(RefusalKind.NotFound, $"There is no commit as old as {name}");
    }

    /// <summary>Commits from some on, each before its parents; of those that are as far from the first, the newest first.</summary>
    public IEnumerable<ObjectHash> Ancestors(params IEnumerable<ObjectHash> from)
    {
        var next = new PriorityQueue<ObjectHash, (int, long, ObjectHash)>();
        var seen = new HashSet<ObjectHash>();
        foreach (var one in from) Add(one);
        while (next.TryDequeue(out var commit, out _))
        {
            yield return commit;
            foreach (var parent in Commits[commit].Parents) Add(parent);
        }

        void Add(ObjectHash one)
        {
            if (seen.Add(one) && Commits.TryGetValue(one, out var node)) next.Enqueue(one, (-node.Generation, -node.Time.UtcTicks, one));
        }
    }

    /// <summary>The nearest commit that both come from; null when there is none.</summary>
    public ObjectHash? MergeBase(ObjectHash one, ObjectHash other)
    {
        var ancestors = Ancestors(one).ToHashSet();
        foreach (var commit in Ancestors(other))
            if (ancestors.Contains(commit)) return commit;
        return null;
    }

    /// <summary>Whether a tag or a branch may be called so. Names of versions, and what looks like a commit's id, are none.</summary>
    public static bool IsRefName(string name) => name.Length <= 100 && Names.IsBranch(name) && name is not (HeadName or "WORKING")
        && !name.Contains("..", StringComparison.Ordinal) && !(name.Length >= ShortestPrefix && name.All(char.IsAsciiHexDigitLower))
        && Boards.Timestamps.Parse(name) is null;

    private Decision<HistoryRef> Delete(SetHistoryRef command, string by, DateTimeOffset now)
    {
        var name = command.Name;
        if (command.IsTag)
            return Tags.TryGetValue(name, out var tag)
                ? Decision.Accept(Shown(name, tag), new HistoryTagSet(name, null, "", by, now))
                : throw new RefusedException(RefusalKind.NotFound, $"There is no tag {name}");
        if (name == Main) throw new RefusedException(RefusalKind.Conflict, "main cannot be deleted");
        return Branches.TryGetValue(name, out var commit)
            ? Decision.Accept(new HistoryRef(name, commit, null, null, null), new HistoryBranchSet(name, null, by, now))
            : throw new RefusedException(RefusalKind.NotFound, $"There is no branch {name}");
    }

    private static HistoryRef Shown(string name, HistoryTag tag) => new(name, tag.Commit, tag.Message, tag.By, tag.At);

    // What commits name as their author is one line.
    private static string OneLine(string alias)
    {
        var line = string.Concat(alias.Select(static c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length == 0 ? "unknown" : line.Length <= CommitObject.MaxAuthor ? line : line[..CommitObject.MaxAuthor];
    }
}

/// <summary>JSON of the history's snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HistoryBook))]
internal sealed partial class HistoryJson : JsonSerializerContext;
