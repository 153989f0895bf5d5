using Beadhub.Presence;

namespace Beadhub.Grains.Tests.Presence;

/// <summary>Presence in memory (contract 18).</summary>
public class MemoryPresenceStoreTests
{
    private readonly ManualTime _time = new();
    private readonly MemoryPresenceStore _store;

    public MemoryPresenceStoreTests() => _store = new(_time, new PresenceOptions(TimeSpan.FromSeconds(100)));

    private static SignOfLife Sign(string workspace = "w", string project = "p") => new(project, "demo", workspace, $"alias-of-{workspace}");

    private PresenceSnapshot Snapshot(string project = "p") => _store.Snapshot(project).Result;

    private bool Clear(string project, string workspace) => _store.Clear(project, workspace).Result;

    [Fact]
    public void A_presence_ends_when_its_time_has_passed()
    {
        _store.Set(Sign());

        _time.Pass(99);
        Snapshot().Find("w").ShouldNotBeNull();
        _time.Pass(1);
        Snapshot().Find("w").ShouldBeNull();
    }

    [Fact]
    public void A_sign_of_life_may_say_how_long_it_counts()
    {
        _store.Set(Sign() with { Ttl = TimeSpan.FromSeconds(5) });
        _time.Pass(5);

        Snapshot().ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public void Each_sign_of_life_counts_from_its_own_time()
    {
        _store.Set(Sign("a"));
        _time.Pass(60);
        _store.Set(Sign("b"));
        _store.Set(Sign("a"));
        _time.Pass(60);

        Snapshot().ByWorkspace.Keys.ShouldBe(["a", "b"], ignoreOrder: true);
        _time.Pass(40);
        Snapshot().ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public void Missing_fields_are_blanked_and_sticky_ones_kept()
    {
        _store.Set(Sign() with
        {
            HumanName = "Ann", RepoId = "r", Program = "claude-code", Model = "m", CurrentBranch = "main",
            Role = "Full  Stack", CanonicalOrigin = "github.com/test/repo-a", Timezone = "Europe/Madrid",
        });

        _store.Set(Sign());

        Snapshot().Find("w").ShouldBe(new AgentPresence(
            "w", "alias-of-w", "", "p", "demo", "", "", "", "", "active", "",
            "full stack", "github.com/test/repo-a", "Europe/Madrid", _time.Current, _time.Current.AddSeconds(100)));
    }

    [Theory]
    [InlineData("a b c")]
    [InlineData("")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public void A_role_that_breaks_the_rule_keeps_the_one_before(string role)
    {
        _store.Set(Sign() with { Role = "dev" });
        _store.Set(Sign() with { Role = role });

        Snapshot().Find("w")!.Role.ShouldBe("dev");
    }

    [Fact]
    public void What_sticks_ends_with_the_presence()
    {
        _store.Set(Sign() with { Role = "dev" });
        _time.Pass(100);
        _store.Set(Sign());

        Snapshot().Find("w")!.Role.ShouldBeNull();
    }

    [Fact]
    public void A_second_registration_replaces_the_first_D74()
    {
        _store.Set(Sign() with { Program = "claude-code" });
        _store.Set(Sign() with { Program = "codex-cli" });

        Snapshot().ByWorkspace.Values.ShouldHaveSingleItem().Program.ShouldBe("codex-cli");
    }

    [Fact]
    public void A_refresh_prolongs_blanks_nothing_and_fills_in_what_is_missing()
    {
        _store.Set(Sign() with { Program = "bdh", Role = "dev" });
        _time.Pass(60);
        _store.Refresh(Sign() with { Role = "other", Program = "x", CurrentBranch = "main" });
        _time.Pass(60);

        var presence = Snapshot().Find("w")!;
        (presence.Program, presence.Role, presence.CurrentBranch, presence.LastSeen).ShouldBe(("bdh", "dev", "main", _time.Current.AddSeconds(-60)));
    }

    [Fact]
    public void A_refresh_of_nobody_begins_a_presence_P44()
    {
        _store.Refresh(Sign() with { HumanName = "Ann" });

        (Snapshot().Find("w")!.HumanName, Snapshot().Find("w")!.Status).ShouldBe(("Ann", "active"));
    }

    [Fact]
    public void Clearing_tells_whether_anybody_was_there()
    {
        _store.Set(Sign());

        Clear("p", "w").ShouldBeTrue();
        Clear("p", "w").ShouldBeFalse();
        Clear("nowhere", "w").ShouldBeFalse();
        Snapshot().ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public void Clearing_whom_time_has_ended_clears_nobody()
    {
        _store.Set(Sign());
        _time.Pass(100);

        Clear("p", "w").ShouldBeFalse();
    }

    [Fact]
    public void Projects_do_not_see_each_other()
    {
        _store.Set(Sign("w", "p1"));

        Snapshot("p2").ByWorkspace.ShouldBeEmpty();
        Snapshot("p1").ByWorkspace.Count.ShouldBe(1);
    }

    [Fact]
    public void The_snapshot_is_the_same_object_until_something_changes_or_expires()
    {
        Snapshot().ShouldBeSameAs(Snapshot());
        _store.Set(Sign("a"));
        _time.Pass(50);
        _store.Set(Sign("b"));

        var both = Snapshot();
        both.ValidUntil.ShouldBe(_time.Current.AddSeconds(50));
        _time.Pass(49);
        Snapshot().ShouldBeSameAs(both);
        Snapshot("other").ShouldBeSameAs(PresenceSnapshot.Empty);

        _time.Pass(1);
        var one = Snapshot();
        one.ByWorkspace.Keys.ShouldBe(["b"]);
        one.ValidUntil.ShouldBe(_time.Current.AddSeconds(50));
        Snapshot().ShouldBeSameAs(one);
        both.ByWorkspace.Count.ShouldBe(2);
    }

    [Fact]
    public void Renewing_the_earliest_moves_the_time_that_a_snapshot_holds()
    {
        _store.Set(Sign("a"));
        _time.Pass(10);
        _store.Set(Sign("b"));
        _time.Pass(10);
        _store.Set(Sign("a"));

        Snapshot().ValidUntil.ShouldBe(_time.Current.AddSeconds(90));
        Clear("p", "b");
        Snapshot().ValidUntil.ShouldBe(_time.Current.AddSeconds(100));
    }
}
