using System.Text;
using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

/// <summary>What is ready, by the types of dependencies and the statuses that the client's tool knows.</summary>
public class ReadinessTests
{
    private Board _board = Board.Empty("p");

    private string[] Ready => [.. _board.Ready.Select(issue => issue.BeadId)];

    private void Put(params string[] lines)
    {
        foreach (var (issue, line) in IssueLines.Read(Encoding.UTF8.GetBytes(string.Join('\n', lines)), "github.com/o/r", "main",
            BoardScope.None, Noon).ChangedLines.ToList())
        {
            var known = _board.Beads.GetValueOrDefault(issue.BeadId) ?? Bead.Empty.View(issue.BeadId, 0);
            var (decision, after) = Bead.Of(known).ChangeTo(new("w", "w", "", Store: issue, Line: line), Noon);
            _board = _board.With([after.View(issue.BeadId, known.Version + decision.Events.Length)]);
        }
    }

    private static string Issue(string id, string status = "open", params (string Type, string Target, string? Metadata)[] dependencies) =>
        $$"""{"id":"{{id}}","status":"{{status}}","dependencies":[{{string.Join(',', dependencies.Select(d =>
            $$"""{"depends_on_id":"{{d.Target}}","type":"{{d.Type}}"{{(d.Metadata is null ? "" : $",\"metadata\":\"{d.Metadata}\"")}}}"""))}}]}""";

    [Theory]
    [InlineData("blocks", true)]
    [InlineData("conditional-blocks", true)]
    [InlineData("parent-child", false)]
    [InlineData("waits-for", false)]
    [InlineData("related", false)]
    [InlineData("discovered-from", false)]
    [InlineData("blocked-by", false)]
    [InlineData("something-else", false)]
    public void Some_types_of_dependencies_block(string type, bool blocks)
    {
        Put(Issue("b"));
        Put(Issue("a", dependencies: (type, "b", null)));
        Ready.Contains("a").ShouldBe(!blocks);
        Put(Issue("b", "closed"));
        Ready.ShouldBe(["a"]);
    }

    [Theory]
    [InlineData("closed", true)]
    [InlineData("tombstone", true)]
    [InlineData("pinned", true)]
    [InlineData("open", false)]
    [InlineData("in_progress", false)]
    [InlineData("blocked", false)]
    [InlineData("deferred", false)]
    [InlineData("hooked", false)]
    public void What_is_closed_deleted_or_pinned_blocks_nobody(string status, bool isDone)
    {
        Put(Issue("a", dependencies: ("blocks", "b", null)));
        Put(Issue("b", status));
        Ready.Contains("a").ShouldBe(isDone);
    }

    [Fact]
    public void A_blocker_that_is_not_stored_blocks_but_a_condition_does_not()
    {
        Put(Issue("a", dependencies: ("blocks", "none", null)), Issue("b", dependencies: ("conditional-blocks", "none", null)));
        Ready.ShouldBe(["b"]);
    }

    [Fact]
    public void Parts_of_what_is_blocked_are_blocked_down_to_the_last()
    {
        Put(Issue("blocker"), Issue("epic", "open", ("blocks", "blocker", null)));
        Put(Issue("part", "in_progress", ("parent-child", "epic", null)), Issue("leaf", "open", ("parent-child", "part", null)));
        Ready.ShouldBe(["blocker"]);
        Put(Issue("blocker", "closed"));
        Ready.ShouldBe(["epic", "leaf"]);
        Put(Issue("blocker"));
        Ready.ShouldBe(["blocker"]);
        Put(Issue("part", "closed", ("parent-child", "epic", null)));
        Ready.ShouldBe(["blocker", "leaf"], "what is above is done");
    }

    [Fact]
    public void Who_waits_for_parts_waits_for_all_of_them_or_for_the_first()
    {
        Put(Issue("spawner"));
        Put(Issue("all", dependencies: ("waits-for", "spawner", null)),
            Issue("any", dependencies: ("waits-for", "other", """{\"gate\":\"any-children\",\"spawner_id\":\"spawner\"}""")));
        Ready.ShouldBe(["all", "any", "spawner"]);
        Put(Issue("p1", "open", ("parent-child", "spawner", null)), Issue("p2", "open", ("parent-child", "spawner", null)));
        Ready.ShouldBe(["p1", "p2", "spawner"]);
        Put(Issue("p1", "closed", ("parent-child", "spawner", null)));
        Ready.ShouldBe(["any", "p2", "spawner"]);
        Put(Issue("p2", "tombstone", ("parent-child", "spawner", null)));
        Ready.ShouldBe(["all", "any", "spawner"]);
    }

    [Fact]
    public void What_is_pinned_or_ephemeral_is_no_work()
    {
        Put("""{"id":"a","status":"open","pinned":true}""", """{"id":"b","status":"open","ephemeral":true}""",
            """{"id":"c","status":"open","pinned":false,"ephemeral":null}""");
        Ready.ShouldBe(["c"]);
    }
}
