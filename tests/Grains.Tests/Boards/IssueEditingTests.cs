using System.Text;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class IssueEditingTests
{
    private const string Repo = "github.com/o/r";
    private static readonly IssueEditor Alice = new("w1", "alice", "Alice");

    private static BeadRecord Read(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        return IssueLineReader.Read(bytes, 1, Repo, "main", LineDigest.Of(bytes), Noon)!.Value.Resolve(static _ => false);
    }

    private static string Change(string line, IssueEdit edit, Board? board = null, DateTimeOffset? now = null) =>
        IssueEditing.Change(Read(line), line, edit, Alice, board ?? Board.Empty("p"), now ?? Noon).Line;

    private static Board With(params string[] ids) =>
        Board.Empty("p").With(ids.Select(id => Bead.Empty.Apply(Stored($$"""{"id":"{{id}}"}""")).View(id, 1)));

    private static IssueStored Stored(string line) =>
        new(Repo, "main", null, null, null, null, "", Noon, null, null, null, null, line);

    private static IssueEdit Fields(params (string Name, string? Json)[] fields) =>
        new([.. fields.Select(field => new LineField(field.Name, field.Json))]);

    [Fact]
    public void What_is_not_edited_keeps_its_place_and_its_text()
    {
        const string line =
            """{"id":"bd-1","x":1.50,"title":"Old","\u00e4":[1, 2],"status":"open","updated_at":"2026-03-08T11:00:00+01:00","z":{"a" : null}}""";

        Change(line, Fields(("title", "\"New\"")) with { Status = "closed", Reason = "done <it>" }).ShouldBe(
            """{"id":"bd-1","x":1.50,"title":"New","\u00e4":[1, 2],"status":"closed","updated_at":"2026-03-08T12:00:00.000000Z","z":{"a" : null},"closed_at":"2026-03-08T12:00:00.000000Z","close_reason":"done <it>"}""");
    }

    [Fact]
    public void An_edit_that_says_what_is_there_changes_nothing()
    {
        const string line = """ {"id":"bd-1", "title":"Gr\u00f6\u00dfe","status":"closed","closed_at":"2026-01-01T00:00:00Z"}""";

        Change(line, Fields(("title", "\"Größe\"")) with { Status = "closed" }).ShouldBe(line);
        Change(line, new([])).ShouldBe(line);
    }

    [Fact]
    public void A_line_is_newer_after_each_edit_whatever_the_clocks_say()
    {
        const string line = """{"id":"bd-1","title":"a","updated_at":"2030-01-01T00:00:00Z"}""";

        var first = Change(line, Fields(("title", "\"b\"")));
        var second = Change(first, Fields(("title", "\"c\"")));

        Read(first).UpdatedAt.ShouldBe(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMicroseconds(1));
        Read(second).UpdatedAt!.Value.ShouldBeGreaterThan(Read(first).UpdatedAt!.Value);
        Read(first).IsNewerThan(Read(line)).ShouldBeTrue();
    }

    [Fact]
    public void Reopening_takes_the_end_away()
    {
        var closed = Change("""{"id":"bd-1","status":"open"}""", new([], Status: "closed", Reason: "done"));
        Change(closed, new([], Status: "open"), now: At(1))
            .ShouldBe("""{"id":"bd-1","status":"open","updated_at":"2026-03-08T12:00:01.000000Z"}""");
    }

    [Fact]
    public void Blockers_are_set_beside_what_other_dependencies_there_are()
    {
        var board = With("bd-2", "bd-3", "bd-9");
        const string line =
            """{"id":"bd-1","dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks","by":1},{"depends_on_id":"bd-7","type":"related"},{"depends_on_id":"o:bd-8","type":"blocks"},{"depends_on_id":"bd-9","type":"blocks"}],"blocked_by":["bd-9",{"repo":"o","branch":"main","bead_id":"x"}]}""";

        var changed = Change(line, new([], BlockedBy: ["bd-2", "bd-3"]), board);

        changed.ShouldStartWith(
            """{"id":"bd-1","dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks","by":1},{"depends_on_id":"bd-7","type":"related"},{"depends_on_id":"o:bd-8","type":"blocks"},{"issue_id":"bd-1","depends_on_id":"bd-3","type":"blocks","created_at":"2026-03-08T12:00:00.000000Z","created_by":"alice"}],"blocked_by":[{"repo":"o","branch":"main","bead_id":"x"}]""");
        Read(changed).BlockedBy.Select(blocker => blocker.BeadId).ShouldBe(["x", "bd-2", "bd-8", "bd-3"]);
        Change(changed, new([], BlockedBy: ["bd-2", "bd-3"]), board, At(5)).ShouldBe(changed);
        Change(changed, new([], BlockedBy: []), board).ShouldNotContain("bd-3");
    }

    [Theory]
    [InlineData("bd-1", "bd-1 cannot wait for itself, or be a part of itself")]
    [InlineData("bd-5", "There is no bead bd-5 in github.com/o/r, main")]
    public void Beads_that_are_named_must_exist(string other, string problem)
    {
        foreach (var edit in new IssueEdit[] { new([], BlockedBy: [other]), new([], Parent: other) })
        {
            var refused = Should.Throw<RefusedException>(() => Change("""{"id":"bd-1"}""", edit, With("bd-1", "bd-2")));
            (refused.Kind, refused.Message).ShouldBe((RefusalKind.Invalid, problem));
        }
    }

    [Fact]
    public void A_parent_is_set_changed_and_taken_away()
    {
        var board = With("bd-2", "bd-3");
        var child = Change("""{"id":"bd-1"}""", new([], Parent: "bd-2"), board);
        Read(child).Parent!.BeadId.ShouldBe("bd-2");
        Change(child, new([], Parent: "bd-2"), board, At(1)).ShouldBe(child);
        var other = Change(child, new([], Parent: "bd-3"), board);
        Read(other).Parent!.BeadId.ShouldBe("bd-3");
        Read(Change(other, new([], Parent: ""), board)).Parent.ShouldBeNull();
    }

    [Fact]
    public void Comments_are_numbered_as_those_before()
    {
        var first = Change("""{"id":"bd-1"}""", new([], Comment: "one"));
        first.ShouldContain("""
            "comments":[{"id":1,"issue_id":"bd-1","author":"alice","text":"one","created_at":"2026-03-08T12:00:00.000000Z"}]
            """);
        Change("""{"id":"bd-1","comments":[{"id":7,"text":"x","y":[1]}]}""", new([], Comment: "two"))
            .ShouldContain("""
                "comments":[{"id":7,"text":"x","y":[1]},{"id":8,
                """);
        Change("""{"id":"bd-1","comments":[{"id":"0193-a"}]}""", new([], Comment: "three")).ShouldMatch("\"id\":\"[0-9a-f-]{36}\"");
    }

    [Fact]
    public void A_line_that_would_not_be_in_order_is_refused() =>
        Should.Throw<RefusedException>(() => Change("""{"id":"bd-1"}""", Fields(("title", $"\"{new string('x', 501)}\""))))
            .Message.ShouldBe("Invalid issue: title must have at most 500 characters");

    /// <summary>Random lines and edits: all that is not named stays, in its order and with its very text; what is named is as it was
    /// given.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_edits_keep_all_that_they_do_not_name(int seed)
    {
        var random = new Random(seed);
        string[] names = ["title", "description", "design", "notes", "x", "y", "ä", "", "a b", "assignee", "external_ref"];
        string[] values = ["\"t\"", "\"\\u00e4\\n\\\"\"", "\"\"", "null"];
        string[] unknown = ["1.0e3", "[ 1,{\"a\":\"\\/\"}]", "{}", "true", "\"\\ud83d\\ude00\"", "0.10"];
        for (var round = 0; round < 500; round++)
        {
            var fields = names.Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next())
                .Select(name => (Name: name, Json: (name.Length > 2 ? values : unknown) is var some ? some[random.Next(some.Length)] : ""))
                .ToList();
            var line = $"{{\"id\":\"bd-1\"{string.Concat(fields.Select(field => $",\"{field.Name}\":{field.Json}"))}}}";
            var edit = Fields([.. names.Where(name => name.Length > 2 && random.Next(3) == 0)
                .Select(name => (name, random.Next(4) == 0 ? null : values[random.Next(values.Length)]))]);

            var changed = Change(line, edit);

            var named = edit.Fields.Select(field => field.Name).Append("updated_at").ToHashSet();
            Kept(changed).ShouldBe(Kept(line));
            using var document = JsonDocument.Parse(changed);
            foreach (var field in edit.Fields)
            {
                document.RootElement.TryGetProperty(field.Name, out var value).ShouldBe(field.Json is not null);
                if (field.Json is not null) JsonElement.DeepEquals(value, JsonElement.Parse(field.Json)).ShouldBeTrue();
            }

            Change(changed, edit, now: At(60)).ShouldBe(changed);

            string[] Kept(string text)
            {
                using var read = JsonDocument.Parse(text);
                return [.. read.RootElement.EnumerateObject().Where(field => !named.Contains(field.Name))
                    .Select(field => field.ToString())];
            }
        }
    }

    [Fact]
    public void Ids_are_the_same_for_a_repeat_and_fit_the_prefix()
    {
        var ids = IssueEditing.Ids("beadhub", "seed").ToArray();
        ids.ShouldBe(IssueEditing.Ids("beadhub", "seed"));
        ids.ShouldAllBe(id => id.StartsWith("beadhub-", StringComparison.Ordinal) && Names.IsBeadId(id));
        IssueEditing.Ids("--/Ö--", "seed").First().ShouldStartWith("bd-");
        IssueEditing.Ids("Acme/Shop.x", "seed").First().ShouldStartWith("acme-shop-x-");
    }

    [Fact]
    public void An_edit_of_a_line_that_is_not_stored_any_more_changes_nothing()
    {
        var bead = Bead.Empty.Apply(Stored("""{"id":"bd-1","status":"open"}"""));
        var record = Read("""{"id":"bd-1","status":"closed"}""");
        ChangeBead Edit(long place, bool claim = false, string who = "w1") =>
            new(who, "a", "", Store: record, Line: "{}", ReleaseAll: !claim, Claim: claim, EditOf: place);

        var claimed = bead.Apply(new BeadClaimed("w2", "bob", "", null, null, Noon));
        var outdated = claimed.Change(Edit(2), Noon);
        (outdated.Result.Stored, outdated.Events.Length).ShouldBe((StoreResult.Outdated, 0));
        claimed.Change(Edit(0), Noon).Result.Stored.ShouldBe(StoreResult.Outdated);
        claimed.Change(Edit(1), Noon).Events.Select(e => e.GetType().Name).ShouldBe(["IssueStored", "BeadReleased"]);
        var held = claimed.Change(Edit(1, claim: true), Noon);
        (held.Result.HeldBy!.Alias, held.Events.Length).ShouldBe(("bob", 0));
        claimed.Change(Edit(1, claim: true, "w2"), Noon).Events.Length.ShouldBe(2);
    }
}
