using System.Text.Json;
using Beadhub.Locks;
using LockState = Beadhub.Locks.Locks;

namespace Beadhub.Grains.Tests.Locks;

public class LocksTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 8, 15, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1, 60)]
    [InlineData(59, 60)]
    [InlineData(120, 120)]
    [InlineData(3601, 3600)]
    [InlineData(long.MaxValue, 3600)]
    public void The_time_to_live_is_clamped(long asked, int granted)
    {
        var locks = LockState.Empty.Acquired("a", "k", ttl: asked);
        locks.List(null, Start).Reservations[0].ExpiresAt.ShouldBe(Start.AddSeconds(granted));
        locks.List(null, Start).Reservations[0].SecondsLeft.ShouldBe(granted);
    }

    [Fact]
    public void An_end_that_has_come_is_over()
    {
        var locks = LockState.Empty.Acquired("a", "k");
        locks.List(null, Start.AddSeconds(60).AddMicroseconds(-1)).Reservations.Length.ShouldBe(1);
        locks.List(null, Start.AddSeconds(60)).Reservations.ShouldBeEmpty();
        Should.Throw<RefusedException>(() => locks.Renew(new("k", "a", 60), Start.AddSeconds(60))).Kind.ShouldBe(RefusalKind.NotFound);
        locks.Acquire(Command("b", "k"), Start.AddSeconds(60)).Result.Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public void What_has_expired_leaves_the_state_with_the_next_write()
    {
        var locks = LockState.Empty.Acquired("a", "k1").Acquired("a", "k2").Acquired("a", "src/**", pattern: true);
        locks.Reservations.Length.ShouldBe(3);
        var later = locks.Acquired("b", "other", at: Start.AddSeconds(61));
        later.Reservations.Select(r => r.Key).ShouldBe(["other"]);
        later.Acquire(Command("b", "src/x"), Start.AddSeconds(61)).Result.Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public void All_keys_or_none()
    {
        var locks = LockState.Empty.Acquired("a", "k2");
        var decision = locks.Acquire(Command("b", "k1", "k2", "k3"), Start);
        decision.Events.ShouldBeEmpty();
        decision.Result.Conflicts.Single().ShouldBe(new("k2", "k2", false, "a", "A", Start.AddSeconds(60)));

        var granted = locks.Acquire(Command("b", "k1", "k3"), Start);
        locks.Apply(granted.Events.Single()).Reservations.Select(r => r.Key + r.AgentId).ShouldBe(["k1b", "k2a", "k3b"]);
    }

    [Fact]
    public void What_is_done_again_because_its_answer_was_lost_leaves_what_it_left()
    {
        var taking = Command("a", "k1", "k2") with { ReservationId = "mine" };
        var first = LockState.Empty.Acquire(taking, Start);
        var locks = LockState.Empty.Apply(first.Events.Single());
        var again = locks.Acquire(taking, Start.AddSeconds(2));
        (again.Events.IsDefaultOrEmpty, again.Result).ShouldBe((true, first.Result));
        // Held by its holder for another reason, it is a conflict as ever.
        locks.Acquire(taking with { ReservationId = "another" }, Start).Result.Conflicts.Length.ShouldBe(2);
        locks.Acquire(taking with { Keys = ["k1", "k3"] }, Start).Result.Conflicts.Single().Key.ShouldBe("k1");

        var others = LockState.Empty.Acquired("b", "k1");
        Should.Throw<RefusedException>(() => others.Release("k1", "a", Start));
        others.Release("k1", "a", Start, mayBeDone: true).Events.IsDefaultOrEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_pattern_conflicts_with_what_it_covers_unless_it_is_ones_own()
    {
        var locks = LockState.Empty.Acquired("a", "src/api/**", pattern: true).Acquired("a", "doc/x.md");

        locks.Acquire(Command("b", "src/api/x.cs"), Start).Result.Conflicts.Single().HeldKey.ShouldBe("src/api/**");
        locks.Acquire(Command("b", "src/api"), Start).Result.Conflicts.ShouldBeEmpty();
        locks.Acquire(Command("b", "src/*/x.cs") with { IsPattern = true }, Start).Result.Conflicts.Single().HeldIsPattern.ShouldBeTrue();
        locks.Acquire(Command("b", "doc/*") with { IsPattern = true }, Start).Result.Conflicts.Single().HeldKey.ShouldBe("doc/x.md");
        locks.Acquire(Command("b", "doc/*.cs") with { IsPattern = true }, Start).Result.Conflicts.ShouldBeEmpty();
        locks.Acquire(Command("b", "doc/*"), Start).Result.Conflicts.ShouldBeEmpty("a plain key is opaque");

        locks.Acquire(Command("a", "src/api/x.cs"), Start).Result.Conflicts.ShouldBeEmpty();
        locks.Acquire(Command("a", "**") with { IsPattern = true }, Start).Result.Conflicts.ShouldBeEmpty();
        locks.Acquire(Command("a", "src/api/**") with { IsPattern = true }, Start).Result.Conflicts.Length
            .ShouldBe(1, "one's own key again");
        locks.Acquire(Command("a", "src/api/**"), Start).Result.Conflicts.Length.ShouldBe(1, "a text names one reservation");
    }

    [Fact]
    public void Only_the_holder_renews_and_releases()
    {
        var locks = LockState.Empty.Acquired("a", "k");
        Should.Throw<RefusedException>(() => locks.Renew(new("k", "b", 60), Start)).Kind.ShouldBe(RefusalKind.Conflict);
        Should.Throw<RefusedException>(() => locks.Release("k", "b", Start)).Kind.ShouldBe(RefusalKind.Conflict);
        locks.Release("other", "b", Start).Events.ShouldBeEmpty();

        var renewed = locks.Apply(locks.Renew(new("k", "a", 300), Start.AddSeconds(10)).Events.Single());
        var view = renewed.List(null, Start.AddSeconds(100)).Reservations.Single();
        view.AcquiredAt.ShouldBe(Start);
        view.ExpiresAt.ShouldBe(Start.AddSeconds(310));
        renewed.Apply(renewed.Release("k", "a", Start).Events.Single()).Reservations.ShouldBeEmpty();
    }

    [Fact]
    public void Revoking_takes_ones_own_only()
    {
        var locks = LockState.Empty.Acquired("a", "x/1").Acquired("a", "y/1").Acquired("b", "x/2").Acquired("b", "z");
        locks.Revoke(null, "a", Start).Result.ShouldBe(["x/1", "y/1"]);
        locks.Revoke("", "a", Start).Result.ShouldBe(["x/1", "y/1"]);
        locks.Revoke("x", "a", Start).Result.ShouldBe(["x/1"]);
        locks.Revoke("nothing", "a", Start).Result.ShouldBeEmpty();
        Should.Throw<RefusedException>(() => locks.Revoke("z", "a", Start)).Kind.ShouldBe(RefusalKind.Forbidden);
        locks.Revoke("z", "a", Start.AddSeconds(60)).Result.ShouldBeEmpty("theirs is over");
        locks.Revoke(null, "c", Start).Result.ShouldBeEmpty();
    }

    [Fact]
    public void Keys_come_in_the_order_of_their_bytes()
    {
        string[] keys = ["a", "B", "é", "a/b", "\uff5e", "🎯", "ab"];
        var locks = LockState.Empty.Acquired("a", [.. keys]);
        locks.List(null, Start).Reservations.Select(r => r.Key)
            .ShouldBe(keys.OrderBy(key => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(key)), StringComparer.Ordinal));
    }

    [Fact]
    public void A_project_holds_only_so_much()
    {
        var full = LockState.Empty;
        for (var i = 0; i < LockState.MaxKeys; i += 100) full = full.Acquired("a", [.. Enumerable.Range(i, 100).Select(n => $"k{n}")]);
        Should.Throw<RefusedException>(() => full.Acquire(Command("a", "more"), Start)).Kind.ShouldBe(RefusalKind.Invalid);
        full.Acquire(Command("a", "more"), Start.AddSeconds(60)).Result.Conflicts.ShouldBeEmpty();

        var patterns = LockState.Empty;
        for (var i = 0; i < LockState.MaxPatterns; i += 20)
            patterns = patterns.Acquired($"b{i}", [.. Enumerable.Range(i, 20).Select(n => $"{n}/*")], pattern: true);
        Should.Throw<RefusedException>(() => patterns.Acquire(Command("a", "x/*") with { IsPattern = true }, Start));
        patterns.Acquire(Command("a", "x/*"), Start).Result.Conflicts.ShouldBeEmpty();

        var metadata = $"{{\"a\":\"{new string('x', 60_000)}\"}}";
        var heavy = LockState.Empty;
        for (var i = 0; i < 2; i++)
            heavy = heavy
                .Apply(heavy.Acquire(Command("a", [.. Enumerable.Range(i * 130, 130).Select(n => $"k{n}")]) with { Metadata = metadata },
                Start).Events.Single());
        Should.Throw<RefusedException>(() =>
            heavy.Acquire(Command("a", [.. Enumerable.Range(300, 100).Select(n => $"k{n}")]) with { Metadata = metadata }, Start));
    }

    [Fact]
    public void One_agent_cannot_hold_all_of_a_projects_patterns()
    {
        var patterns = LockState.Empty.Acquired("a", [.. Enumerable.Range(0, LockState.MaxPatternsOfAgent).Select(n => $"{n}/*")],
            pattern: true);

        var refused = Should.Throw<RefusedException>(() => patterns.Acquire(Command("a", "x/*") with { IsPattern = true }, Start));
        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, "Too many patterns: an agent holds at most 20"));
        patterns.Acquire(Command("b", "x/*") with { IsPattern = true }, Start).Events.Length.ShouldBe(1);
        patterns.Acquire(Command("a", "x/y"), Start).Events.Length.ShouldBe(1);
    }

    [Fact]
    public void What_was_taken_while_the_clock_was_ahead_is_held_no_longer_than_its_time_to_live()
    {
        var ahead = Start.AddYears(4);
        var locks = LockState.Empty.Acquired("a", "k", ttl: 120, at: ahead);

        locks.List(null, Start).Reservations.Single().SecondsLeft.ShouldBe(120);
        var waits = locks.Acquire(Command("b", "k"), Start);
        waits.Result.Conflicts.Single().ExpiresAt.ShouldBe(Start.AddSeconds(120));
        // That the clock is right again is noted once: from then on the time runs.
        locks = locks.Apply(waits.Events.Single());
        locks.Acquire(Command("b", "k"), Start.AddSeconds(10)).Events.ShouldBeEmpty();
        locks.List(null, Start.AddSeconds(30)).Reservations.Single().SecondsLeft.ShouldBe(90);
        locks.Acquire(Command("b", "k"), Start.AddSeconds(120)).Result.Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public void What_was_renewed_while_the_clock_was_ahead_is_held_no_longer_than_its_time_to_live_also_after_a_snapshot()
    {
        var ahead = Start.AddDays(2);
        var locks = LockState.Empty.Acquired("a", "k", ttl: 60, at: ahead.AddSeconds(-30));
        locks = locks.Apply(locks.Renew(new("k", "a", 300), ahead).Events.Single());
        locks = JsonSerializer.Deserialize(JsonSerializer.Serialize(locks, LockState.Kind.Snapshot), LockState.Kind.Snapshot)!;

        locks.List(null, Start).Reservations.Single().ExpiresAt.ShouldBe(Start.AddSeconds(300));
        // Whatever else is written notes it as well.
        locks = locks.Acquired("b", "other", at: Start);
        locks.Acquire(Command("b", "k"), Start.AddSeconds(299)).Result.Conflicts.Length.ShouldBe(1);
        locks.Acquire(Command("b", "k"), Start.AddSeconds(300)).Result.Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public void A_clock_that_is_behind_by_a_moment_changes_nothing()
    {
        var locks = LockState.Empty.Acquired("a", "k", ttl: 60, at: Start);
        var conflict = locks.Acquire(Command("b", "k"), Start.AddSeconds(-2));

        conflict.Events.ShouldBeEmpty();
        locks.List(null, Start.AddSeconds(-2)).Reservations.Single().SecondsLeft.ShouldBe(60);
        locks.Acquired("b", "other", at: Start.AddSeconds(-2)).List(null, Start).Reservations[0].ExpiresAt.ShouldBe(Start.AddSeconds(60));
    }

    /// <summary>Random commands by three agents against the plainest thinkable model, through snapshots now and then.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Locks_behave_like_a_plain_list(int seed)
    {
        var random = new Random(seed);
        var (locks, model, now) = (LockState.Empty, new Dictionary<string, (string Agent, bool Pattern, DateTimeOffset Until)>(), Start);
        string[] texts = ["a", "b", "a/b", "a/*", "*", "**", "?/b", "{a,b}", "c/**", "c/d"];
        for (var step = 0; step < 2000; step++)
        {
            now = now.AddSeconds(random.Next(20));
            foreach (var over in model.Where(held => held.Value.Until <= now).Select(held => held.Key).ToList()) model.Remove(over);
            var (agent, key) = ($"agent{random.Next(3)}", texts[random.Next(texts.Length)]);
            if (random.Next(3) > 0)
            {
                var command = Command(agent, key) with { IsPattern = random.Next(3) == 0, TtlSeconds = random.Next(1, 200),
                    ReservationId = $"{step}" };
                var decision = locks.Acquire(command, now);
                var inTheWay = model.Where(held => held.Key == key
                    || (held.Value.Agent != agent && Meet(key, command.IsPattern, held.Key, held.Value.Pattern)));
                decision.Result.Conflicts.Select(c => c.HeldKey).ShouldBe(inTheWay.Select(held => held.Key), ignoreOrder: true);
                if (decision.Events.Length > 0)
                    model[key] = (agent, command.IsPattern, now.AddSeconds(LockState.Clamp(command.TtlSeconds)));
                locks = decision.Events.Aggregate(locks, (state, e) => state.Apply(e));
            }
            else if (model.TryGetValue(key, out var held) && held.Agent == agent)
            {
                locks = locks.Release(key, agent, now).Events.Aggregate(locks, (state, e) => state.Apply(e));
                model.Remove(key);
            }

            if (step % 50 == 0)
                locks = JsonSerializer.Deserialize(JsonSerializer.Serialize(locks, LockState.Kind.Snapshot), LockState.Kind.Snapshot)!;
            locks.List(null, now).Reservations.Select(r => (r.Key, r.HolderAgentId, r.IsPattern, r.ExpiresAt))
                .ShouldBe(model.OrderBy(m => m.Key, StringComparer.Ordinal)
                    .Select(m => (m.Key, m.Value.Agent, m.Value.Pattern, m.Value.Until)));
        }
    }

    private static bool Meet(string key, bool isPattern, string held, bool heldIsPattern) => (isPattern, heldIsPattern) switch
    {
        (false, false) => key == held,
        (false, true) => KeyPattern.Parse(held).Covers(key, new()),
        (true, false) => KeyPattern.Parse(key).Covers(held, new()),
        _ => KeyPattern.Parse(key).Overlaps(KeyPattern.Parse(held), new()),
    };

    internal static AcquireReservations Command(string agent, params string[] keys) =>
        new(Guid.NewGuid().ToString(), [.. keys], false, agent, agent.ToUpperInvariant(), 60);
}

internal static class LocksMaking
{
    public static LockState Acquired(this LockState locks, string agent, string key, long ttl = 60, bool pattern = false,
        DateTimeOffset? at = null) =>
        locks.Acquired(agent, [key], ttl, pattern, at);

    public static LockState Acquired(this LockState locks, string agent, string[] keys, long ttl = 60, bool pattern = false,
        DateTimeOffset? at = null)
    {
        var decision = locks.Acquire(LocksTests.Command(agent, keys) with { TtlSeconds = ttl, IsPattern = pattern }, at
            ?? new DateTimeOffset(2026, 3, 8, 15, 0, 0, TimeSpan.Zero));
        decision.Result.Conflicts.ShouldBeEmpty();
        return locks.Apply(decision.Events.Single());
    }
}
