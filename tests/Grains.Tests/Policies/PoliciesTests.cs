using System.Text.Json;
using Beadhub.Policies;
using PolicyState = Beadhub.Policies.Policies;

namespace Beadhub.Grains.Tests.Policies;

public class PoliciesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 8, 15, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_default_is_made_once()
    {
        var seeded = Fold(PolicyState.Empty, PolicyState.Empty.Seed("d", "{}", Now).Events);
        seeded.ActiveId.ShouldBe("d");
        seeded.Seed("e", "{}", Now).Events.ShouldBeEmpty();
        seeded.History(10).ShouldBe([new PolicyLine("d", 1, Now, null, true)]);
    }

    [Fact]
    public void A_version_rests_on_the_one_in_force()
    {
        var seeded = Fold(PolicyState.Empty, PolicyState.Empty.Seed("d", "{}", Now).Events);
        Should.Throw<RefusedException>(() => PolicyState.Empty.Create(new("a", "{}", "d", null), Now)).Message.ShouldContain("none");
        Should.Throw<RefusedException>(() => seeded.Create(new("a", "{}", "x", null), Now)).Kind.ShouldBe(RefusalKind.Conflict);
        var decision = seeded.Create(new("a", "{}", "d", "w"), Now);
        decision.Mark.ShouldBe("policy/a");
        decision.Result.ShouldBe(new PolicyLine("a", 2, Now, "w", false));
        var created = Fold(seeded, decision.Events);
        created.ActiveId.ShouldBe("d");
        created.Create(new("a", "{}", "gone", "w"), Now.AddDays(1)).Events.ShouldBeEmpty("a repeat");
    }

    [Fact]
    public void A_version_may_be_put_in_force_in_the_step_that_stores_it()
    {
        var seeded = Fold(PolicyState.Empty, PolicyState.Empty.Seed("d", "{}", Now).Events);

        var decision = seeded.Create(new("a", "{}", "d", "w", Activate: true), Now);

        decision.Mark.ShouldBe("policy/a");
        decision.Result.ShouldBe(new PolicyLine("a", 2, Now, "w", true));
        var created = Fold(seeded, decision.Events);
        created.ActiveId.ShouldBe("a");
        Should.Throw<RefusedException>(() => created.Create(new("b", "{}", "d", "w", Activate: true), Now)).Kind
            .ShouldBe(RefusalKind.Conflict);
    }

    [Fact]
    public void Any_version_may_be_activated_again()
    {
        var policies = Fold(PolicyState.Empty, PolicyState.Empty.Seed("d", "{}", Now).Events);
        policies = Fold(policies, policies.Reset("r", "{}", "w", Now).Events);
        policies.ActiveId.ShouldBe("r");
        policies.Reset("r", "{}", "w", Now).Events.ShouldBeEmpty("a repeat");
        policies.Activate("unknown", Now).Result.ShouldBeFalse();
        policies.Activate("r", Now).Events.ShouldBeEmpty();
        policies = Fold(policies, policies.Activate("d", Now).Events);
        policies.History(1).Single().IsActive.ShouldBeFalse();
        var copy = JsonSerializer.Deserialize(JsonSerializer.Serialize(policies, PolicyState.Kind.Snapshot), PolicyState.Kind.Snapshot)!;
        copy.History(10).ShouldBe(policies.History(10));
    }

    private static PolicyState Fold(PolicyState policies, IEnumerable<IEvent> events) =>
        events.Aggregate(policies, (state, e) => state.Apply(e));
}
