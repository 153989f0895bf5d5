using System.Text.Json;
using Beadhub.Escalations;

namespace Beadhub.Grains.Tests.EscalationLists;

/// <summary>Escalations: asked, answered, expired (contract 11).</summary>
public class EscalationListTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 8, 12, 0, 0, TimeSpan.Zero);

    private EscalationList _list = EscalationList.Empty;

    private static CreateEscalation Ask(string id, double hours = 4, string workspace = "w") =>
        new(id, workspace, "alice", $"Subject {id}", "Situation", ["yes", "no"], null, TimeSpan.FromHours(hours));

    private static DateTimeOffset At(double hours) => Noon.AddHours(hours);

    private T Do<T>(Func<EscalationList, EventLog.Decision<T>> decide)
    {
        var decision = decide(_list);
        _list = decision.Events.Aggregate(_list, (list, e) => list.Apply(e));
        return decision.Result;
    }

    private string StatusOf(string id, double hours) => _list.ById[id].StatusAt(At(hours));

    [Fact]
    public void One_is_pending_until_it_expires_and_is_expired_from_that_instant_on()
    {
        var row = Do(list => list.Create(Ask("a"), Noon));

        row.ShouldBe(new EscalationRow("a", "w", "alice", "Subject a", "pending", Noon, At(4)));
        (StatusOf("a", 3.999), StatusOf("a", 4), StatusOf("a", 5)).ShouldBe(("pending", "expired", "expired"));
        Do(list => list.Expire(At(3))).ShouldBe(At(4));
        StatusOf("a", 0).ShouldBe("pending");
        Do(list => list.Expire(At(4))).ShouldBeNull();
        StatusOf("a", 0).ShouldBe("expired");
        _list.Expire(At(9)).Events.ShouldBeEmpty();
    }

    [Fact]
    public void An_expired_one_can_still_be_answered_and_an_answered_one_does_not_expire()
    {
        Do(list => list.Create(Ask("a", 1), Noon));
        Do(list => list.Create(Ask("b", 1), Noon));
        Do(list => list.Respond(new("b", "r", "yes", null), Noon));
        Do(list => list.Expire(At(2)));

        (StatusOf("a", 2), StatusOf("b", 2)).ShouldBe(("expired", "responded"));
        Do(list => list.Respond(new("a", "r2", "no", "late"), At(3))).ShouldBe(new EscalationAnswer("a", "no", "late", At(3)));
        StatusOf("a", 9).ShouldBe("responded");
    }

    [Fact]
    public void A_later_answer_replaces_an_earlier_one_and_the_same_one_changes_nothing()
    {
        Do(list => list.Create(Ask("a"), Noon));
        Do(list => list.Respond(new("a", "r1", "yes", null), At(1)));
        _list.Respond(new("a", "r1", "yes", null), At(2)).ShouldSatisfyAllConditions(d => d.Events.ShouldBeEmpty(), d =>
            d.Result.At.ShouldBe(At(1)));
        var again = _list.Respond(new("a", "r2", "no", null), At(2));
        again.Mark.ShouldBe("escalation-response:r2");
        Do(_ => again).At.ShouldBe(At(2));
        _list.ById["a"].ResponseId.ShouldBe("r2");
    }

    [Fact]
    public void An_unknown_one_cannot_be_answered() =>
        Should.Throw<RefusedException>(() => _list.Respond(new("a", "r", "yes", null), Noon)).Kind.ShouldBe(RefusalKind.NotFound);

    [Fact]
    public void A_taken_id_is_refused()
    {
        Do(list => list.Create(Ask("a"), Noon));
        Should.Throw<RefusedException>(() => _list.Create(Ask("a"), At(2))).Kind.ShouldBe(RefusalKind.Conflict);
        Should.Throw<RefusedException>(() => _list.Create(Ask("a", workspace: "x"), At(2))).Kind.ShouldBe(RefusalKind.Conflict);
    }

    [Fact]
    public void Views_are_good_until_the_next_expiry()
    {
        Do(list => list.Create(Ask("a", 1), Noon));
        Do(list => list.Create(Ask("b", 2), At(0.5)));
        var query = new EscalationQuery(null, null, null, null, 50, null);

        var views = new EscalationViews(_list, At(0.5), null);
        (views.Show(_list, At(0.9)), views.Show(_list, At(1)), views.Show(_list, Noon), views.Show(EscalationList.Empty, At(0.9)))
            .ShouldBe((true, false, false, false));
        views.Pending.Count.ShouldBe(2);
        views.Page(query).ShouldBeSameAs(views.Page(query));
        views.Page(query).Escalations.Select(e => e.EscalationId).ShouldBe(["b", "a"]);

        var later = new EscalationViews(_list, At(1), views);
        later.Pending.Count.ShouldBe(1);
        later.Page(query with { Status = "expired" }).Escalations.ShouldHaveSingleItem().EscalationId.ShouldBe("a");
        later.Page(query with { Status = "pending" }).Escalations.ShouldHaveSingleItem().EscalationId.ShouldBe("b");
        new EscalationViews(_list, At(1.5), later).Pending.ShouldBeSameAs(later.Pending);
    }

    [Fact]
    public void Pages_neither_repeat_nor_skip_those_of_one_instant()
    {
        foreach (var i in Enumerable.Range(0, 17)) Do(list => list.Create(Ask($"e{i:00}"), At(i / 5)));
        var views = new EscalationViews(_list, At(3), null);
        var seen = new List<string>();
        EscalationCursor? cursor = null;
        do
        {
            var page = views.Page(new(null, null, null, null, 3, cursor));
            seen.AddRange(page.Escalations.Select(e => e.EscalationId));
            cursor = page.Next;
        }
        while (cursor is not null);
        seen.ShouldBe(_list.ById.Values.OrderByDescending(e => e.CreatedAt).ThenBy(e => e.Id, StringComparer.Ordinal).Select(e => e.Id));
    }

    [Fact]
    public void The_snapshot_keeps_the_list_but_no_texts()
    {
        Do(list => list.Create(Ask("a"), Noon));
        Do(list => list.Respond(new("a", "r", "yes", "note"), At(1)));
        var json = JsonSerializer.Serialize(_list, EscalationList.Kind.Snapshot);
        json.ShouldNotContain("Situation");
        JsonSerializer.Deserialize(json, EscalationList.Kind.Snapshot)!.ById["a"].ShouldBe(_list.ById["a"]);
    }
}
