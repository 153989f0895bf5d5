using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Tasks;

namespace Beadhub.Grains.Tests.Tasks;

/// <summary>What a project decides on its native tasks (protocol 13.2, contract 9.2).</summary>
public class TaskBookTests
{
    private const string Slug = "proj";
    private const string Alice = "alice";
    private const string Bob = "bob";
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private TaskBook _book = TaskBook.Empty;
    private int _minutes;

    [Fact]
    public void Numbers_count_up_and_are_never_used_again()
    {
        Create("a").Number.ShouldBe(1);
        Create("b").Number.ShouldBe(2);
        Run(book => book.Delete("2", Slug, Now()));

        Create("c").Number.ShouldBe(3);
        _book.ByNumber.Keys.ShouldBe([1, 3]);
    }

    [Fact]
    public void Large_texts_are_kept_by_their_place_only()
    {
        Create("a");
        Run(book => book.Create(New("b") with { Description = "d", Notes = "n" }, Now()));
        Run(book => book.Update(new("2", Alice, Notes: "n2"), Slug, Now()));
        Run(book => book.Update(new("2", Alice, Description: ""), Slug, Now()));

        var task = _book.ByNumber[2];
        task.Description.ShouldBeNull();
        task.Notes.ShouldBe(new TextPlace(2, 4));
        (task.Revision, _book.Events).ShouldBe((3, 5));
        JsonSerializer.Serialize(_book, TaskJson.Relaxed.TaskBook).ShouldNotContain("n2");
    }

    [Fact]
    public void Who_starts_a_task_gets_it_unless_another_has_it()
    {
        Create("a");

        Update("1", Alice, "in_progress").AssigneeId.ShouldBe(Alice);
        Refused(book => book.Update(new("1", Bob, Status: "in_progress", Title: "x"), Slug, Now()))
            .ShouldBe((RefusalKind.Conflict, "Task is assigned to another agent"));
        Run(book => book.Update(new("1", Bob, Status: "in_progress", SetsAssignee: true, AssigneeId: Bob), Slug, Now())).Task.AssigneeId
            .ShouldBe(Bob);
        Run(book => book.Update(new("1", Alice, SetsAssignee: true), Slug, Now())).Task.AssigneeId.ShouldBeNull();
    }

    [Fact]
    public void An_update_that_changes_nothing_is_no_event()
    {
        Create("a");
        Update("1", Alice, "in_progress");
        var task = _book.ByNumber[1];

        var decision = _book
            .Update(new("1", Alice, Title: task.Title, Status: "in_progress", Priority: 2, Type: "task", Labels: ["l"], SetsAssignee: true,
            AssigneeId: Alice), Slug, Now());

        decision.Events.ShouldBeEmpty();
        decision.Result.Task.ShouldBe(task);
    }

    [Fact]
    public void Claims_follow_the_status()
    {
        Create("a");
        _book.Unsettled.ShouldBeEmpty();

        Update("1", Alice, "in_progress");
        _book.Claims["a"].ShouldBe(new WantedClaim(1, "a", Alice, 1));
        Settle("a", 1).ShouldBeTrue();
        _book.Unsettled.ShouldBeEmpty();
        Settle("a", 1).ShouldBeFalse();

        Update("1", Alice, "closed");
        Settle("a", 1).ShouldBeFalse("what an older change wanted is no news");
        (_book.Claims["a"].WorkspaceId, _book.Claims["a"].Sequence).ShouldBe((null, 2));
        Run(book => book.Delete("1", Slug, Now()));
        _book.Claims["a"].Sequence.ShouldBe(3);
        Settle("a", 3).ShouldBeTrue();
        _book.Claims.ShouldBeEmpty("a deleted task is forgotten once its claims are released");
    }

    [Fact]
    public void Closing_reaches_all_descendants_and_each_releases_its_claim()
    {
        Create("a");
        Create("b", "a");
        Create("c", "b");
        Create("d", "b");
        Update("4", Bob, "in_progress");
        Update("2", Alice, "closed").Status.ShouldBe("closed");
        Update("3", Alice, "open");

        var updated = Run(book => book.Update(new("1", Alice, Status: "closed"), Slug, Now()));

        updated.AutoClosed!.Value.Select(task => task.Id).ShouldBe(["c"]);
        _book.Unclosed.ShouldBeEmpty();
        _book.Unsettled.ShouldBe(["a", "b", "c", "d"], ignoreOrder: true);
        _book.ByNumber[4].ClosedBy.ShouldBe(Alice);
    }

    [Fact]
    public void The_apex_ends_at_a_deleted_parent_and_after_twenty_steps()
    {
        Create("0");
        for (var i = 1; i <= 25; i++) Create($"{i}", $"{i - 1}");

        _book.Apex(_book.ById("25")!).Id.ShouldBe("5");
        Run(book => book.Delete("11", Slug, Now()));
        _book.Apex(_book.ById("25")!).Id.ShouldBe("11");
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("0001", true)]
    [InlineData("proj-1", true)]
    [InlineData("proj-001", true)]
    [InlineData("proj-", false)]
    [InlineData("proj", false)]
    [InlineData("proj--1", false)]
    [InlineData("proj- 1", false)]
    [InlineData("PROJ-1", false)]
    [InlineData("proj-x-1", false)]
    [InlineData(" 1", false)]
    [InlineData("+1", false)]
    [InlineData("٣", false)]
    [InlineData("", false)]
    [InlineData("2", false)]
    public void A_reference_is_read_strictly(string reference, bool found)
    {
        Create("a");

        (_book.Find(reference, Slug) is not null).ShouldBe(found);
    }

    [Fact]
    public void A_task_id_is_found_in_any_form()
    {
        var id = Guid.NewGuid();
        Create(id.ToString());

        foreach (var form in new[] { "D", "N", "B" }) _book.Find(id.ToString(form).ToUpperInvariant(), Slug).ShouldNotBeNull(form);
        _book.Find(Guid.NewGuid().ToString(), Slug).ShouldBeNull();
    }

    /// <summary>Random commands against a plain model; after each the state equals its snapshot read back, and the derived indexes those
    /// made anew.</summary>
    [Fact]
    public void Random_commands_keep_the_book_whole()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            (_book, var random) = (TaskBook.Empty, new Random(seed));
            var edges = new HashSet<(int From, int To)>();
            var alive = new List<int>();
            for (var step = 0; step < 120; step++)
            {
                var (one, other) = (Pick(), Pick());
                switch (random.Next(8))
                {
                    case 0 or 1:
                        alive.Add(Create($"t{seed}-{step}", random.Next(2) == 0 && alive.Count > 0 ? _book.ByNumber[alive[0]].Id
                            : null).Number);
                        break;
                    case 2 when one != 0:
                        Run(book => book.Delete($"{one}", Slug, Now()));
                        alive.Remove(one);
                        edges.RemoveWhere(edge => edge.From == one || edge.To == one);
                        break;
                    case 3 or 4 or 5 when one != 0:
                        var refused = one == other || Reaches(edges, other, one);
                        if (refused) Refused(book => book.Depend($"{one}", $"{other}", Slug, Now())).Kind.ShouldBe(RefusalKind.Invalid);
                        else
                        {
                            Run(book => book.Depend($"{one}", $"{other}", Slug, Now()));
                            edges.Add((one, other));
                        }

                        break;
                    case 6 when one != 0:
                        Run(book => book.Undepend($"{one}", $"{other}", Slug, Now()));
                        edges.Remove((one, other));
                        break;
                    case 7 when one != 0:
                        Run(book =>
                            book.Update(new($"{one}", Alice, Status: new[] { "open", "in_progress", "closed" }[random.Next(3)]), Slug,
                            Now()));
                        break;
                }

                int Pick() => alive.Count == 0 ? 0 : alive[random.Next(alive.Count)];
            }

            _book.ByNumber.Keys.ShouldBe(alive.Order());
            _book.ByNumber.Values.SelectMany(task => task.DependsOn.Select(to => (task.Number, to))).Order().ShouldBe(edges.Order());
            var again = JsonSerializer.Deserialize(JsonSerializer.Serialize(_book, TaskJson.Relaxed.TaskBook), TaskJson.Relaxed.TaskBook)!;
            Shape(again).ShouldBe(Shape(_book));
        }
    }

    private static bool Reaches(HashSet<(int From, int To)> edges, int from, int to) =>
        from == to || edges.Where(edge => edge.From == from).Any(edge => Reaches(edges, edge.To, to));

    private static string Shape(TaskBook book) => JsonSerializer.Serialize(new
    {
        Book = JsonSerializer.Serialize(book, TaskJson.Relaxed.TaskBook).Length,
        Numbers = book.Numbers.OrderBy(n => n.Value).Select(n => $"{n.Key} {n.Value}"),
        Parts = book.Parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {string.Join(' ', p.Value)}"),
        Waiting = book.Waiting.OrderBy(p => p.Key).Select(p => $"{p.Key}: {string.Join(' ', p.Value)}"),
        Unclosed = string.Join(' ', book.Unclosed),
        Unsettled = string.Join(' ', book.Unsettled.Order()),
        book.LastNumber,
        book.LastSequence,
        book.Events,
    });

    private static CreateTask New(string id, string? parent = null) => new(id, Alice, id, "", "", 2, "task", ["l"], parent, null);

    private NativeTask Create(string id, string? parent = null) => Run(book => book.Create(New(id, parent), Now()));

    private NativeTask Update(string reference, string agent, string status) =>
        Run(book => book.Update(new(reference, agent, Status: status), Slug, Now())).Task;

    private bool Settle(string id, int sequence) => Run(book => book.Settle(id, sequence));

    private DateTimeOffset Now() => Noon.AddMinutes(_minutes++);

    private TResult Run<TResult>(Func<TaskBook, Decision<TResult>> decide)
    {
        var decision = decide(_book);
        foreach (var e in decision.Events) _book = _book.Apply(EventTypes.Parse(EventTypes.NameOf(e), EventTypes.Serialize(e))!);
        return decision.Result;
    }

    private (RefusalKind Kind, string Text) Refused<TResult>(Func<TaskBook, Decision<TResult>> decide)
    {
        var refusal = Should.Throw<RefusedException>(() => decide(_book));
        return (refusal.Kind, refusal.Message);
    }
}
