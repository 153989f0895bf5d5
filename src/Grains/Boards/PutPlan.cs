using System.Text;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>What is asked of each bead when lines are put in the place of others. All lines are checked before anything is stored.
/// Pure.</summary>
internal static class PutPlan
{
    /// <summary>The changes, in rounds of which each has a bead once.</summary>
    /// <exception cref="RefusedException">A line is not in order, or is another bead's.</exception>
    public static List<List<KeyValuePair<string, ChangeBead>>> Of(PutLines command, Board board, DateTimeOffset now)
    {
        var read = command.Lines.Select(line => line.Line is { } text ? Read(line, text, now) : default(IssueLine?)).ToList();
        var closed = read.OfType<IssueLine>().Where(issue => issue.Record.Status == "closed")
            .Select(issue => (issue.Record.Repo, issue.Record.Branch, issue.Record.BeadId)).ToHashSet();
        var rounds = new List<List<KeyValuePair<string, ChangeBead>>>();
        var met = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < read.Count; i++)
        {
            var line = command.Lines[i];
            var have = board.Find(new(line.Repo, line.Branch, line.BeadId));
            var change = new ChangeBead(command.WorkspaceId, command.Alias, command.HumanName, ProbablyNew: have is null,
                Based: line.Replaces is { } hash ? hash.Digest() : default(LineDigest), Command: command.Command, Overrides: true);
            change = read[i] is { } issue
                ? change with
                {
                    Store = issue.Resolve(id => closed.Contains((line.Repo, line.Branch, id)) || have?.ElidedIds.Contains(id) == true),
                    Line = line.Line,
                }
                : change with { Remove = new(line.Repo, line.Branch, line.BeadId) };
            var round = met[line.BeadId] = met.GetValueOrDefault(line.BeadId, -1) + 1;
            if (round == rounds.Count) rounds.Add([]);
            rounds[round].Add(new(line.BeadId, change));
        }

        return rounds;
    }

    private static IssueLine Read(PutLine line, string text, DateTimeOffset now)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return IssueLineReader.Read(bytes, 1, line.Repo, line.Branch, LineDigest.Of(bytes), now) is { } issue
            && issue.Record.BeadId == line.BeadId
            ? issue : throw new RefusedException(RefusalKind.Invalid, $"The line of {line.BeadId} is another bead's");
    }
}
