using System.Collections.Immutable;
using Beadhub.History;
using Beadhub.Tasks;
using FsCheck;
using FsCheck.Fluent;

namespace Beadhub.Grains.Tests.Tasks;

/// <summary>Native tasks as commits hold them: one form on every site, merged field by field, put back under their numbers.</summary>
public class TaskLineTests
{
    private const string Slug = "proj";
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly string[] Ids = [.. Enumerable.Range(1, 40).Select(static i => $"00000000-0000-4000-8000-{i:D12}")];

    private static readonly Arbitrary<int[]> Seeds = Arb.From(Gen.Choose(1, 1_000_000).ArrayOf(3));

    private static Config Often => Config.QuickThrowOnFailure.WithMaxTest(150).WithQuietOnSuccess(true);

    [Fact]
    public void A_task_has_one_line_for_ever()
    {
        var line = Line(new(3), Ids[0]) with
        {
            Title = "Fix \"it\" – now", Labels = ["a", "b"], Description = "D", DependsOn = [Ids[1]],
            Comments = [new("c1", "alice", "hello", Noon)],
        };
        const string text = """{"id":"00000000-0000-4000-8000-000000000001","number":1,"title":"Fix \"it\" – now","descriptio"""
            + """n":"D","status":"open","priority":2,"issue_type":"task","labels":["a","b"],"created_by":"alice","cre"""
            + """ated_at":"2026-03-01T12:00:00.000000Z","updated_at":"2026-03-01T12:00:00.000000Z","dependencie"""
            + """s":[{"depends_on_id":"00000000-0000-4000-8000-000000000002","type":"blocks"}],"comments":[{"id":"c"""
            + """1","author":"alice","text":"hello","created_at":"2026-03-01T12:00:00.000000Z"}]}""";

        line.Text().ShouldBe(text);
        TaskLine.Canonical(text).ShouldBe(text);
    }

    [Fact]
    public void A_tree_of_beads_alone_has_the_root_that_it_always_had() =>
        TreeNode.Of([TreeEntry.Of(new("github.com/o/r", "main", "bd-1"), ObjectHash.Of("""{"id":"bd-1","title":"Lamp"}"""))])
            .Hash.ToString().ShouldBe("42c9ce75cb53eca7c108de898e642a012b15ab30ed2a2f2313e1a0b27c00ea97");

    [Theory]
    [InlineData("""{"id":"bd-1","title":"t"}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001"}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001","title":7}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001","title":"t","status":"done"}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001","title":"t","priority":9}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001","title":"\ud800"}""")]
    [InlineData("""{"id":"00000000-0000-4000-8000-000000000001","title":"t","labels":"x"}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public void What_is_no_task_is_refused(string line)
    {
        TaskLine.Parse(line).ShouldBeNull();
        Should.Throw<RefusedException>(() => TaskLine.Must(line));
    }

    [Fact]
    public void The_same_tasks_have_the_same_root_in_whatever_order_they_came() => Check.One(Often, Prop.ForAll(Seeds, static seeds =>
    {
        var random = new Random(seeds[0]);
        var lines = Ids[..random.Next(1, 12)].Select((id, i) => Line(random, id) with
        {
            Number = i + 1, DependsOn = [.. Some(random, Ids[..12]).Where(other => other != id)],
        }).ToArray();
        var first = Put(TaskBook.Empty, lines);
        random.Shuffle(lines);
        // One by one, and another time changed and changed back between.
        var second = lines.Aggregate(TaskBook.Empty, static (book, line) => Put(book, line));
        second = Put(Put(second, lines[0] with { Title = "between", DependsOn = [] }), lines[0]);
        return Root(first, lines) == Root(second, lines)
            && lines.All(line => Back(first, line).Text() == line.Text() && second.ById(line.Id)!.Number == line.Number)
            && first.Waiting.Count == second.Waiting.Count && first.Unclosed.SetEquals(second.Unclosed);
    }));

    [Fact]
    public void A_merge_is_the_same_from_either_side_and_a_line_in_its_one_form() => Check.One(Often, Prop.ForAll(Seeds, static seeds =>
    {
        var random = new Random(seeds[0]);
        var was = Line(random, Ids[0]) with { Labels = Some(random, ["a", "b", "c"]), DependsOn = Some(random, Ids[1..4]) };
        var (ours, theirs) = (was with { UpdatedAt = Noon.AddMinutes(1) }, was with { UpdatedAt = Noon.AddMinutes(1) });
        // Each side has fields of its own; sets are changed by both.
        ours = random.Next(2) == 0 ? ours with { Title = "ours" } : ours;
        theirs = random.Next(2) == 0 ? theirs with { Notes = "theirs" } : theirs;
        ours = ours with { Labels = Some(random, ["a", "b", "c", "d"]), DependsOn = Some(random, Ids[1..5]) };
        theirs = theirs with { Labels = Some(random, ["b", "c", "d", "e"]), DependsOn = Some(random, Ids[1..5]) };
        ours = ours with { Comments = [.. ours.Comments, new("x", "ours", "o", Noon)] };
        theirs = theirs with { Comments = [.. theirs.Comments, new("y", "theirs", "t", Noon)] };
        var (one, other) = (Merge(was, ours, theirs), Merge(was, theirs, ours));
        return one == other && TaskLine.Must(one).Text() == one && TaskLine.Must(one) is var merged
            && ours.Labels.Except(was.Labels).All(merged.Labels.Contains)
            && was.Labels.Except(theirs.Labels).All(gone => !merged.Labels.Contains(gone))
            && merged.Comments.Length == was.Comments.Length + 2;

        static string Merge(TaskLine was, TaskLine ours, TaskLine theirs)
        {
            var merged = LineMerge.Merge(was.Text(), ours.Text(), theirs.Text(), Noon.AddHours(1), static _ => null);
            return merged.Conflicts.IsEmpty ? TaskLine.Canonical(merged.Line!) : "conflict";
        }
    }));

    [Fact]
    public void Of_two_tasks_with_one_number_each_keeps_its_own_line_and_a_number_here()
    {
        var book = Put(TaskBook.Empty, Line(new(1), Ids[0]) with { Number = 7 });
        book = Put(book, Line(new(2), Ids[1]) with { Number = 7 }, Line(new(3), Ids[2]) with { Number = 3 });

        book.ById(Ids[0])!.Number.ShouldBe(7);
        (book.ById(Ids[1])!.Number, book.ById(Ids[1])!.Origin).ShouldBe((8, 7));
        book.ById(Ids[2])!.Number.ShouldBe(3);
        Back(book, Line(new(2), Ids[1])).Number.ShouldBe(7);
        // No number is used again, but by the task that had it.
        book = Apply(book, book.Delete("7", Slug, Noon).Events);
        book = Put(book, Line(new(4), Ids[3]) with { Number = 7 });
        book.ById(Ids[3])!.Number.ShouldBe(9);
        book = Put(book, Line(new(1), Ids[0]) with { Number = 7 });
        book.ById(Ids[0])!.Number.ShouldBe(7);
    }

    [Fact]
    public void What_a_task_waits_for_comes_later_or_comes_back()
    {
        var waits = Line(new(1), Ids[0]) with { DependsOn = [Ids[1]] };
        var book = Put(TaskBook.Empty, waits);
        (book.ById(Ids[0])!.DependsOn.Count, Back(book, waits).Text()).ShouldBe((0, waits.Text()));

        book = Put(book, Line(new(2), Ids[1]) with { Number = 2 });

        book.ById(Ids[0])!.DependsOn.ShouldBe([2]);
        book.Waiting[2].ShouldBe([1]);
        Back(book, waits).Text().ShouldBe(waits.Text());
        book = Apply(book, book.Delete("2", Slug, Noon).Events);
        book.Gone![Ids[1]].WaitedBy.ShouldBe([Ids[0]]);
    }

    [Fact]
    public void What_is_put_claims_nothing_and_gives_up_the_claim_of_what_has_ended()
    {
        var book = Put(TaskBook.Empty, Line(new(1), Ids[0]) with { Status = "in_progress" });
        book.Unsettled.ShouldBeEmpty();
        book = Put(book, Line(new(1), Ids[0]));
        book = Apply(book, book.Update(new("1", "alice", Status: "in_progress"), Slug, Noon).Events);
        book.Claims[Ids[0]].WorkspaceId.ShouldBe("alice");

        Put(book, Line(new(1), Ids[0]) with { Status = "in_progress", Title = "other" }).Claims[Ids[0]].WorkspaceId.ShouldBe("alice");
        var ended = Put(book, Line(new(1), Ids[0]) with { Status = "closed", ClosedAt = Noon });
        (ended.Claims[Ids[0]].WorkspaceId, ended.Unsettled.Count).ShouldBe((null, 1));
        // And what somebody has changed since it was seen stays.
        book.Put([new(Ids[0], null, null)], null, Noon).Result.ShouldBe([Ids[0]]);
    }

    [Fact]
    public void Parents_in_a_circle_end()
    {
        var book = Put(TaskBook.Empty, Line(new(1), Ids[0]) with { Number = 1, ParentId = Ids[1], Status = "open" },
            Line(new(1), Ids[1]) with { Number = 2, ParentId = Ids[0], Status = "open" });
        book.Update(new("1", "alice", Status: "closed"), Slug, Noon).Result.AutoClosed!.Value.Length.ShouldBe(1);
    }

    private static TaskLine Line(Random random, string id) => new(id, 1, $"Task {id[^2..]}", "open", 2, "task", [], null, null, "alice",
        null, Noon, Noon, null, [], random.Next(2) == 0 ? "" : "described", "", []);

    private static ImmutableArray<string> Some(Random random, string[] of) => [.. of.Where(_ => random.Next(2) == 0)];

    private static TaskBook Put(TaskBook book, params TaskLine[] lines) =>
        Apply(book, book.Put([.. lines.Select(line => new TaskDecisions.PlacedTask(line.Id, line, book.ById(line.Id)))], null, Noon)
            .Events);

    private static TaskBook Apply(TaskBook book, ImmutableArray<IEvent> events) =>
        events.Aggregate(book, static (book, one) => book.Apply(EventTypes.Parse(EventTypes.NameOf(one), EventTypes.Serialize(one))!));

    private static ObjectHash Root(TaskBook book, IEnumerable<TaskLine> lines) => TreeNode.Of(lines.Select(line =>
        TreeEntry.Of(new("", "", line.Id), ObjectHash.Of(Back(book, line).Text())))).Hash;

    /// <summary>The line of a task as the book has it; its large texts are in the log.</summary>
    private static TaskLine Back(TaskBook book, TaskLine of)
    {
        var task = book.ById(of.Id)!;
        return TaskLine.Of(task, task.DependsOn.Select(number => book.ByNumber[number].Id), task.Description is null ? "" : of.Description,
            task.Notes is null ? "" : of.Notes, []);
    }
}
