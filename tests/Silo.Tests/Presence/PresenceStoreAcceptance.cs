using Beadhub.Presence;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Presence;

/// <summary>What every presence store must do (contract 18).</summary>
public abstract class PresenceStoreAcceptance : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private IPresenceStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await NewStore(_time, new PresenceOptions(TimeSpan.FromSeconds(100)));

    public abstract ValueTask DisposeAsync();

    private protected abstract Task<IPresenceStore> NewStore(TimeProvider time, PresenceOptions options);

    private static SignOfLife Sign(string workspace = "w", string project = "p") =>
        new(project, "demo", workspace, $"alias-of-{workspace}");

    private ValueTask<PresenceSnapshot> Snapshot(string project = "p") => _store.Snapshot(project);

    private ValueTask<bool> Clear(string project, string workspace) => _store.Clear(project, workspace);

    [Fact]
    public async Task A_presence_ends_when_its_time_has_passed()
    {
        await _store.Set(Sign());

        _time.Pass(99);
        (await Snapshot()).Find("w").ShouldNotBeNull();
        _time.Pass(1);
        (await Snapshot()).Find("w").ShouldBeNull();
    }

    [Fact]
    public async Task A_sign_of_life_may_say_how_long_it_counts()
    {
        await _store.Set(Sign() with { Ttl = TimeSpan.FromSeconds(5) });
        _time.Pass(5);

        (await Snapshot()).ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public async Task Each_sign_of_life_counts_from_its_own_time()
    {
        await _store.Set(Sign("a"));
        _time.Pass(60);
        await _store.Set(Sign("b"));
        await _store.Set(Sign("a"));
        _time.Pass(60);

        (await Snapshot()).ByWorkspace.Keys.ShouldBe(["a", "b"], ignoreOrder: true);
        _time.Pass(40);
        (await Snapshot()).ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public async Task Missing_fields_are_blanked_and_sticky_ones_kept()
    {
        await _store.Set(Sign() with
        {
            HumanName = "Ann", RepoId = "r", Program = "claude-code", Model = "m", CurrentBranch = "main",
            Role = "Full  Stack", CanonicalOrigin = "github.com/test/repo-a", Timezone = "Europe/Madrid",
        });

        await _store.Set(Sign());

        (await Snapshot()).Find("w").ShouldBe(new AgentPresence(
            "w", "alias-of-w", "", "p", "demo", "", "", "", "", "active", "",
            "full stack", "github.com/test/repo-a", "Europe/Madrid", _time.Current, _time.Current.AddSeconds(100)));
    }

    [Theory]
    [InlineData("a b c")]
    [InlineData("")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public async Task A_role_that_breaks_the_rule_keeps_the_one_before(string role)
    {
        await _store.Set(Sign() with { Role = "dev" });
        await _store.Set(Sign() with { Role = role });

        (await Snapshot()).Find("w")!.Role.ShouldBe("dev");
    }

    [Fact]
    public async Task What_sticks_ends_with_the_presence()
    {
        await _store.Set(Sign() with { Role = "dev" });
        _time.Pass(100);
        await _store.Set(Sign());

        (await Snapshot()).Find("w")!.Role.ShouldBeNull();
    }

    [Fact]
    public async Task A_second_registration_replaces_the_first_D74()
    {
        await _store.Set(Sign() with { Program = "claude-code" });
        await _store.Set(Sign() with { Program = "codex-cli" });

        (await Snapshot()).ByWorkspace.Values.ShouldHaveSingleItem().Program.ShouldBe("codex-cli");
    }

    [Fact]
    public async Task A_refresh_prolongs_blanks_nothing_and_fills_in_what_is_missing()
    {
        await _store.Set(Sign() with { Program = "bdh", Role = "dev" });
        _time.Pass(60);
        await _store.Refresh(Sign() with { Role = "other", Program = "x", CurrentBranch = "main" });
        _time.Pass(60);

        var presence = (await Snapshot()).Find("w")!;
        (presence.Program, presence.Role, presence.CurrentBranch, presence.LastSeen)
            .ShouldBe(("bdh", "dev", "main", _time.Current.AddSeconds(-60)));
    }

    [Fact]
    public async Task A_refresh_of_nobody_begins_a_presence_P44()
    {
        await _store.Refresh(Sign() with { HumanName = "Ann" });

        ((await Snapshot()).Find("w")!.HumanName, (await Snapshot()).Find("w")!.Status).ShouldBe(("Ann", "active"));
    }

    [Fact]
    public async Task Clearing_tells_whether_anybody_was_there()
    {
        await _store.Set(Sign());

        (await Clear("p", "w")).ShouldBeTrue();
        (await Clear("p", "w")).ShouldBeFalse();
        (await Clear("nowhere", "w")).ShouldBeFalse();
        (await Snapshot()).ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public async Task Clearing_whom_time_has_ended_clears_nobody()
    {
        await _store.Set(Sign());
        _time.Pass(100);

        (await Clear("p", "w")).ShouldBeFalse();
    }

    [Fact]
    public async Task Projects_do_not_see_each_other()
    {
        await _store.Set(Sign("w", "p1"));

        (await Snapshot("p2")).ByWorkspace.ShouldBeEmpty();
        (await Snapshot("p1")).ByWorkspace.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_snapshot_is_the_same_object_until_something_changes_or_expires()
    {
        (await Snapshot()).ShouldBeSameAs((await Snapshot()));
        await _store.Set(Sign("a"));
        _time.Pass(50);
        await _store.Set(Sign("b"));

        var both = await Snapshot();
        both.ValidUntil.ShouldBe(_time.Current.AddSeconds(50));
        _time.Pass(49);
        (await Snapshot()).ShouldBeSameAs(both);
        (await Snapshot("other")).ShouldBeSameAs(PresenceSnapshot.Empty);

        _time.Pass(1);
        var one = await Snapshot();
        one.ByWorkspace.Keys.ShouldBe(["b"]);
        one.ValidUntil.ShouldBe(_time.Current.AddSeconds(50));
        (await Snapshot()).ShouldBeSameAs(one);
        both.ByWorkspace.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Renewing_the_earliest_moves_the_time_that_a_snapshot_holds()
    {
        await _store.Set(Sign("a"));
        _time.Pass(10);
        await _store.Set(Sign("b"));
        _time.Pass(10);
        await _store.Set(Sign("a"));

        (await Snapshot()).ValidUntil.ShouldBe(_time.Current.AddSeconds(90));
        await Clear("p", "b");
        (await Snapshot()).ValidUntil.ShouldBe(_time.Current.AddSeconds(100));
    }

    [Fact]
    public async Task Who_ran_a_command_was_seen_and_is_not_present_for_that()
    {
        await _store.Touch("p", "a");
        _time.Pass(10_000);
        await _store.Touch("p", "b");

        var seen = await _store.Seen("p");
        (seen["a"], seen["b"], seen.Count).ShouldBe((_time.Current.AddSeconds(-10_000), _time.Current, 2));
        (await _store.Seen("p")).ShouldBeSameAs(seen);
        (await _store.Seen("other")).ShouldBeEmpty();
        (await Snapshot()).ByWorkspace.ShouldBeEmpty();
    }
}

/// <summary>Presence in memory.</summary>
public sealed class MemoryPresenceStoreTests : PresenceStoreAcceptance
{
    public override ValueTask DisposeAsync() => default;

    private protected override Task<IPresenceStore> NewStore(TimeProvider time, PresenceOptions options) =>
        Task.FromResult<IPresenceStore>(new MemoryPresenceStore(time, options));
}
