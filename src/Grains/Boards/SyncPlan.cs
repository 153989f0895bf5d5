using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>What a sync asks of each bead, decided on the index: one change a bead, so that an issue, its claim and its removal are written
/// together or not at all. Pure.</summary>
/// <param name="Changes">The beads to change and how.</param>
/// <param name="Received">Distinct valid issues.</param>
/// <param name="Unchanged">Those that are stored as they came.</param>
/// <param name="ClaimedTask">What the command claims when that is no issue: the reference of a native task, perhaps (contract 9.3).</param>
internal sealed record SyncPlan(IReadOnlyList<KeyValuePair<string, ChangeBead>> Changes, int Received, int Unchanged, string? ClaimedTask)
{
    /// <summary>Plans a sync (contract 8.3, 7.4).</summary>
    /// <exception cref="RefusedException">The payload is not in order; nothing of it is stored.</exception>
    public static SyncPlan Of(Board board, SyncBeads command, DateTimeOffset now)
    {
        var issues = IssueLines.Read(command.Issues.AsSpan(), command.Repo, command.Branch, board.Scope(command.Repo, command.Branch), now);
        var nothing = new ChangeBead(command.WorkspaceId, command.Alias, command.HumanName, Command: Beginning(command.CommandLine));
        var others = Deletions(board, command, issues, nothing);
        var task = AddCommand(others, board, command, issues, nothing);

        var based = command.BasedOn?.ToHashSet();
        var changes = new List<KeyValuePair<string, ChangeBead>>(issues.ChangedCount + others.Count);
        foreach (var (issue, line) in issues.ChangedLines)
            changes.Add(new(issue.BeadId, (others.Remove(issue.BeadId, out var other) ? other : nothing) with
            {
                Store = issue,
                Line = line,
                Based = Base(issue.BeadId),
                ProbablyNew = !board.Beads.ContainsKey(issue.BeadId),
            }));
        foreach (var (id, other) in others) changes.Add(new(id, other.Remove is null ? other : other with { Based = Base(id) }));
        return new(changes, issues.Count, issues.Count - issues.ChangedCount, task);

        // The stored line where the client has seen it, else one that is not there: the bead decides by what it has then.
        LineDigest? Base(string id) =>
            based is null ? null
            : board.Find(new(command.Repo, command.Branch, id)) is { } stored && based.Contains(stored.Digest) ? stored.Digest
            : default(LineDigest);
    }

    // Each bead's event holds it.
    private static string? Beginning(string? commandLine)
    {
        const int longest = 256;
        return commandLine is null || commandLine.Length <= longest ? commandLine
            : commandLine[..(char.IsHighSurrogate(commandLine[longest - 1]) ? longest - 1 : longest)];
    }

    /// <summary>The plan with the topmost parent of the task that the command claims.</summary>
    public SyncPlan WithTaskApex(string taskRef) => this with
    {
        Changes =
            [.. Changes.Select(change => change.Key == ClaimedTask ? new(change.Key, change.Value with { Apex = new("", "", taskRef) })
            : change)],
    };

    /// <summary>Deleted ids lose all their claims, and in an incremental sync their issue (contract 8.3).</summary>
    private static Dictionary<string, ChangeBead> Deletions(Board board, SyncBeads command, IssueLines issues, ChangeBead nothing)
    {
        var changes = new Dictionary<string, ChangeBead>(StringComparer.Ordinal);
        foreach (var id in command.DeletedIds.OrEmpty())
        {
            // Ids are not limited in number: those of which nothing is known cost nothing.
            if (!Names.IsBeadId(id) || !board.Beads.ContainsKey(id) && issues.Find(id) is null) continue;
            changes[id] = nothing with { Remove = command.RemoveDeleted ? new(command.Repo, command.Branch, id) : null, ReleaseAll = true };
        }

        return changes;
    }

    /// <summary>The claim or the release that the command line means (contract 9.2). Answers what is claimed and no issue.</summary>
    private static string? AddCommand(Dictionary<string, ChangeBead> changes, Board board, SyncBeads command, IssueLines issues,
        ChangeBead nothing)
    {
        var line = CommandLine.Parse(command.CommandLine);
        if (line.BeadId is not { } id || !Names.IsBeadId(id)) return null;
        if (line.Releases) changes[id] = changes.GetValueOrDefault(id, nothing) with { ReleaseAll = true };
        if (!line.Claims || command.WorkspaceId is null) return null;
        var apex = Apex(id, board, command, issues);
        changes[id] = changes.GetValueOrDefault(id, nothing) with { Claim = true, Apex = apex };
        return apex is null ? id : null;
    }

    /// <summary>The apex by what will be stored when the claim is made: the payload's issues without those that it deletes.</summary>
    private static BeadRef? Apex(string beadId, Board board, SyncBeads command, IssueLines issues)
    {
        var deleted = command.RemoveDeleted ? command.DeletedIds.OrEmpty().ToHashSet(StringComparer.Ordinal) : [];
        return ApexWalk.From(Start(), Find);

        // What the payload holds was synced last.
        BeadRecord? Start() => issues.Find(beadId) is not null && Find(new(command.Repo, command.Branch, beadId)) is { } synced
            ? synced
            : (board.Beads.GetValueOrDefault(beadId)?.Records ?? []).Where(r => !IsDeleted(r.Repo, r.Branch, r.BeadId)).ToImmutableArray()
                .Latest();

        BeadRecord? Find(BeadRef reference)
        {
            if (IsDeleted(reference.Repo, reference.Branch, reference.BeadId)) return null;
            var stored = board.Find(reference);
            if (reference.Repo != command.Repo || reference.Branch != command.Branch || issues.Find(reference.BeadId) is not { } pushed)
                return stored;
            return stored is not null && stored.IsNewerThan(pushed) ? stored : pushed;
        }

        bool IsDeleted(string repo, string branch, string id) => repo == command.Repo && branch == command.Branch && deleted.Contains(id);
    }
}
