using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class BoardPropertyTests
{
    private const string Repo = "github.com/o/repo";
    private const string Other = "github.com/o/other";
    private static readonly string[] Statuses = ["open", "open", "open", "in_progress", "closed", "closed", "tombstone", "pinned", ""];

    /// <summary>Changes beads at random through their own decisions; the index that was changed step by step, and the one built anew, must
    /// answer alike.</summary>
    [Theory]
    [InlineData(1, 12, 1)]
    [InlineData(2, 12, 1)]
    [InlineData(3, 60, 4)]
    [InlineData(4, 300, 150)]
    public void An_index_changed_step_by_step_answers_like_one_built_anew(int seed, int ids, int perStep)
    {
        var random = new Random(seed);
        var beads = new Dictionary<string, (Bead Bead, long Version)>();
        var board = Board.Empty("p");
        for (var step = 1; step <= 150; step++)
        {
            var now = At(step);
            var views = Enumerable.Range(0, perStep).Select(_ => $"bd-{random.Next(ids)}").Distinct().Select(id =>
            {
                var (bead, version) = beads.GetValueOrDefault(id, (Bead.Empty, 0));
                var events = bead.Change(Command(random, id, ids, now), now).Events;
                foreach (var @event in events) bead = bead.Apply(@event);
                beads[id] = (bead, version + events.Length);
                return bead.View(id, version + events.Length);
            }).ToList();
            board = board.With(views);
            if (step % 5 != 0) continue;

            // Views as they come from the log: nothing is shared with what the index already holds.
            var anew = Board.Empty("p").With(beads.Select(b => Copy(b.Value.Bead).View(b.Key, b.Value.Version)));
            Answers(board).ShouldBe(Answers(anew));
            board.Free.ShouldBe(board.Ready.Where(issue => board.ClaimsOn(issue.BeadId).IsEmpty));
            ReferenceEquals(board.Free, board.Ready).ShouldBe(board.Free.Count == board.Ready.Count);
            Ready(board).ShouldBe(ReadyByDefinition(beads.Values.SelectMany(b => b.Bead.Records).ToList()));
            var stored = beads.Values.SelectMany(b => b.Bead.Records).Select(r => (r.Repo, r.Branch, r.BeadId, r.Digest)).ToHashSet();
            board.Scopes.Keys.SelectMany(s => board.Scope(s.Repo, s.Branch).ByDigest())
                .Select(d => (d.Value.Repo, d.Value.Branch, d.Value.BeadId, d.Key)).ToHashSet().SetEquals(stored).ShouldBeTrue();
        }
    }

    private static ChangeBead Command(Random random, string id, int ids, DateTimeOffset now)
    {
        var workspace = $"w{random.Next(4)}";
        var (repo, branch) = (random.Next(4) == 0 ? Other : Repo, random.Next(6) == 0 ? "dev" : "main");
        var command = new ChangeBead(workspace, workspace + "-alias", "");
        return random.Next(8) switch
        {
            0 => command with { Claim = true, Apex = random.Next(3) == 0 ? null : Ref($"bd-{random.Next(ids)}", repo, branch) },
            1 => command with { ReleaseAll = true },
            2 => command with { Remove = Ref(id, repo, branch), ReleaseAll = random.Next(2) == 0 },
            3 => command with { ReleaseOf = workspace },
            _ => Store(command, random, id, ids, repo, branch, now),
        };
    }

    /// <summary>A line with blockers, conditions, waits and a parent at random.</summary>
    private static ChangeBead Store(ChangeBead command, Random random, string id, int ids, string repo, string branch, DateTimeOffset now)
    {
        var fields = new List<string> { $"\"id\":\"{id}\"", $"\"status\":\"{Statuses[random.Next(Statuses.Length)]}\"",
            $"\"title\":\"t{random.Next(3)}\"", $"\"n\":{random.NextInt64()}" };
        if (random.Next(3) > 0) fields.Add($"\"updated_at\":\"{At(random.Next(100)):O}\"");
        if (random.Next(4) > 0) fields.Add($"\"priority\":{random.Next(3)}");
        if (random.Next(12) == 0) fields.Add(random.Next(2) == 0 ? "\"pinned\":true" : "\"ephemeral\":true");
        fields.Add("\"blocked_by\":[" + string.Join(',', Enumerable.Range(0, Math.Max(0, random.Next(4) - 1)).Select(_ =>
            $"{{\"repo\":\"{(random.Next(4) == 0 ? Other : Repo)}\",\"branch\":\"{(random.Next(6) == 0 ? "dev" : "main")}\","
            + $"\"bead_id\":\"bd-{random.Next(ids)}\"}}")) + "]");
        fields.Add("\"dependencies\":[" + string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => Dependency(random, ids))) + "]");
        var (issue, line) = IssueLines.Read(System.Text.Encoding.UTF8.GetBytes("{" + string.Join(',', fields) + "}"), repo, branch,
            BoardScope.None, now).ChangedLines.Single();
        return command with { Store = issue, Line = line };
    }

    private static string Dependency(Random random, int ids)
    {
        var type = random.Next(6) switch { 0 => "conditional-blocks", 1 => "waits-for", 2 => "related", _ => "parent-child" };
        var metadata = type == "waits-for" && random.Next(2) == 0 ? ",\"metadata\":\"{\\\"gate\\\":\\\"any-children\\\"}\"" : "";
        return $"{{\"depends_on_id\":\"bd-{random.Next(ids)}\",\"type\":\"{type}\"{metadata}}}";
    }

    private static string Answers(Board board)
    {
        var all = new IssueQuery(null, null, null, null, null, null, null, null, 200, null);
        var work = board.Views.Work();
        return JsonSerializer.Serialize(new object[]
        {
            board.Listed.Select(r => r with { Description = null }), Ready(board), board.Views.Issues(all),
                board.Views.Issues(all with { Statuses = "open,closed", Repo = Repo }),
            board.Views.Claims(new(null, 200, null)), board.Views.Claims(new("w1", 200, null)), work.Claims,
            new SortedDictionary<string, WorkspaceWork>(work.Workspaces),
            board.Views.Decide(new("w0", "update bd-1 --status in_progress")), board.Scope(Repo, "main").Count,
            board.Scope(Other, "dev").Count,
            board.Scopes.Keys.Select(k => k.Repo + k.Branch).Order(), board.Apexes.OrderBy(a => a.Key), board.ByStatus.Keys.Order(),
            board.Dependents.OrderBy(d => d.Key).Select(d => d.Key + ":" + string.Join(',', d.Value.Order())),
        });
    }

    private static string[] Ready(Board board) =>
        [.. board.Views.Ready(new(null, null, 1000)).Issues.Select(i => $"{i.Repo} {i.Branch} {i.BeadId}")];

    /// <summary>Contract 7.8 and the rules of the client's tool, over all issues.</summary>
    private static string[] ReadyByDefinition(List<BeadRecord> stored)
    {
        return
        [
            .. stored.Where(i => i.Status == "open" && i.Terms?.IsNoWork != true && !Blocked(i, 0))
                .OrderBy(i => i.Priority ?? long.MaxValue).ThenBy(i => i.BeadId, StringComparer.Ordinal)
                    .ThenBy(i => i.Repo, StringComparer.Ordinal).ThenBy(i => i.Branch, StringComparer.Ordinal)
                .Select(i => $"{i.Repo} {i.Branch} {i.BeadId}"),
        ];

        BeadRecord? Find(BeadRef reference) =>
            stored.FirstOrDefault(s => s.Repo == reference.Repo && s.Branch == reference.Branch && s.BeadId == reference.BeadId);

        static bool Done(BeadRecord issue) => issue.Status is "closed" or "tombstone" or "pinned";

        bool Blocked(BeadRecord issue, int depth)
        {
            if (!issue.BlockedBy.All(b => Find(b) is { } other && Done(other))) return true;
            if (issue.Terms is { } terms && terms.Conditions.Any(c => Find(c) is { } other && !Done(other))) return true;
            if (issue.Terms is { } more && more.Waits.Any(wait =>
            {
                var parts = stored.Where(part => part.Parent == wait.Spawner).ToList();
                return parts.Any(part => !Done(part)) && !(wait.AnyPart && parts.Any(part => part.Status == "closed"));
            })) return true;
            return depth < 50 && issue.Parent is { } parent && Find(parent) is { } above && !Done(above) && Blocked(above, depth + 1);
        }
    }

    private static Bead Copy(Bead bead) =>
        JsonSerializer.Deserialize(JsonSerializer.Serialize(bead, Bead.Kind.Snapshot), Bead.Kind.Snapshot)!;
}
