using System.Text.Json.Nodes;
using Beadhub.History;
using FsCheck;
using FsCheck.Fluent;

namespace Beadhub.Grains.Tests.History;

/// <summary>The laws of merging two versions of a line.</summary>
public class LineMergeTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Texts = ["title", "description", "assignee", "priority"];

    /// <summary>What each side does to the line: numbers that say which field gets which value.</summary>
    private static readonly Arbitrary<int[]> Edits =
        Arb.From(Gen.Choose(0, 5).SelectMany(static most => Gen.Choose(0, 10_000).ArrayOf(most)));

    private static Config Some => Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true);

    [Fact]
    public void Without_a_change_on_one_side_the_other_is_taken() => Check.One(Some, Prop.ForAll(Edits, static edits =>
    {
        var (was, one) = (Line([]), Line(edits));
        return Merge(was, one, was) is { Conflicts.IsEmpty: true } a && LineMerge.SaysTheSame(a.Line!, one)
            && Merge(was, was, one) is { Conflicts.IsEmpty: true } b && LineMerge.SaysTheSame(b.Line!, one)
            && Merge(was, one, one) is { Conflicts.IsEmpty: true } c && c.Line == one;
    }));

    [Fact]
    public void Both_orders_have_the_same_conflicts_and_come_to_the_same() => Check.One(Some,
        Prop.ForAll(Edits, Edits, static (one, other) =>
        {
            var (was, a, b) = (Line([]), Line(one), Line(other));
            var (here, there) = (Merge(was, a, b), Merge(was, b, a));
            var conflicts = here.Conflicts.Select(static conflict => conflict.Field).ToHashSet();
            return conflicts.SetEquals(there.Conflicts.Select(static conflict => conflict.Field))
                && Sorted(here.Line!, conflicts) == Sorted(there.Line!, conflicts);
        }));

    [Fact]
    public void What_only_one_side_has_changed_is_never_lost_and_nothing_else_changes() => Check.One(Some,
        Prop.ForAll(Edits, Edits, static (one, other) =>
        {
            var (was, a, b) = (Fields(Line([])), Fields(Line(one)), Fields(Line(other)));
            var merged = Fields(Merge(Line([]), Line(one), Line(other)).Line!);
            return Texts.All(name => merged[name] == (a[name] == was[name] ? b[name] : b[name] == was[name] ? a[name] : merged[name]));
        }));

    [Fact]
    public void Lists_are_sets() => Check.One(Some, Prop.ForAll(Edits, Edits, static (one, other) =>
    {
        var (was, a, b) = (Labels(Line([])), Labels(Line(one)), Labels(Line(other)));
        var merged = Labels(Merge(Line([]), Line(one), Line(other)).Line!);
        return merged.SetEquals(was.Union(a).Union(b).Except(was.Except(a)).Except(was.Except(b)));
    }));

    [Fact]
    public void A_merged_line_is_newer_than_ours_unless_it_is_ours() => Check.One(Some, Prop.ForAll(Edits, Edits, static (one, other) =>
    {
        var (a, b) = (Line(one), Line(other));
        var merged = Merge(Line([]), a, b).Line!;
        return merged == a || LineMerge.UpdatedAtOf(merged) > LineMerge.UpdatedAtOf(a);
    }));

    [Theory]
    [InlineData("ours", "b")]
    [InlineData("theirs", "c")]
    [InlineData("base", "a")]
    [InlineData("value", "d")]
    public void A_conflict_is_what_was_chosen(string take, string title)
    {
        var (was, ours, theirs) = (Titled("a"), Titled("b"), Titled("c"));
        var conflict = Assert.Single(Merge(was, ours, theirs).Conflicts);
        Assert.Equal(new("title", "\"a\"", "\"b\"", "\"c\""), conflict);
        var merged = LineMerge.Merge(was, ours, theirs, Now, _ => new(take, "\"d\""));
        Assert.Empty(merged.Conflicts);
        Assert.Equal(title, JsonNode.Parse(merged.Line!)!["title"]!.GetValue<string>());
    }

    [Fact]
    public void A_bead_that_one_removes_and_the_other_changes_is_a_conflict_and_one_left_alone_is_removed()
    {
        Assert.Equal(new(null, []), Merge(Titled("a"), Titled("a"), null), Compare);
        Assert.Equal(new(null, []), Merge(Titled("a"), null, Titled("a")), Compare);
        var conflict = Assert.Single(Merge(Titled("a"), Titled("b"), null).Conflicts);
        Assert.Null(conflict.Field);
        Assert.Null(LineMerge.Merge(Titled("a"), Titled("b"), null, Now, _ => new("theirs")).Line);
        Assert.Equal(Titled("b"), LineMerge.Merge(Titled("a"), Titled("b"), null, Now, _ => new("ours")).Line);
    }

    [Fact]
    public void A_closing_is_one_decision_in_several_fields()
    {
        const string was = """{"id":"bd-1","status":"open","updated_at":"2026-01-01T00:00:00Z"}""";
        const string closed = """{"id":"bd-1","status":"closed","closed_at":"2026-01-02T00:00:00Z","close_reason":"done","updated_at":"2026-01-02T00:00:00Z"}""";
        const string begun = """{"id":"bd-1","status":"in_progress","updated_at":"2026-01-03T00:00:00Z"}""";
        Assert.Equal("status", Assert.Single(Merge(was, begun, closed).Conflicts).Field);
        var theirs = Fields(LineMerge.Merge(was, begun, closed, Now, _ => new("theirs")).Line!);
        Assert.Equal("\"done\"", theirs["close_reason"]);
        var ours = Fields(LineMerge.Merge(was, begun, closed, Now, _ => new("ours")).Line!);
        Assert.False(ours.ContainsKey("closed_at"));
    }

    private static bool Compare(MergedLine a, MergedLine b) => a.Line == b.Line && a.Conflicts.SequenceEqual(b.Conflicts);

    private static MergedLine Merge(string? was, string? ours, string? theirs) => LineMerge.Merge(was, ours, theirs, Now, static _ => null);

    private static Dictionary<string, string> Fields(string line) => LineMerge.Fields(line);

    private static HashSet<string> Labels(string line) =>
        [.. JsonNode.Parse(line)!["labels"]!.AsArray().Select(label => label!.GetValue<string>())];

    private static string Sorted(string line, HashSet<string?> without) => string.Join('\n', Fields(line)
        .Where(field => !without.Contains(field.Key) && field.Key != "updated_at")
        .Select(field => field.Key == "labels" ? string.Join(',', Labels(line).Order()) : $"{field.Key}={field.Value}").Order());

    private static string Titled(string title) => $$"""{"id":"bd-1","title":"{{title}}","updated_at":"2026-01-01T00:00:00Z"}""";

    private static string Line(int[] edits)
    {
        var line = (JsonObject)JsonNode.Parse("""
            {"id":"bd-1","title":"t","description":"d","assignee":"a","priority":"2","labels":["x","y"],"updated_at":"2026-01-01T00:00:00Z"}
            """)!;
        foreach (var edit in edits)
        {
            var (field, value) = (edit % 6, edit / 6 % 4);
            if (field < 4) line[Texts[field]] = $"v{value}";
            else if (field == 4) line["labels"]!.AsArray().Add($"l{value}");
            else if (line["labels"]!.AsArray().Count > 0) line["labels"]!.AsArray().RemoveAt(0);
        }

        if (edits.Length > 0) line["updated_at"] = $"2026-01-{2 + edits.Sum() % 20:00}T00:00:00Z";
        return line.ToJsonString();
    }
}
