using System.Text.Json;
using Beadhub.Webhooks;
using HookState = Beadhub.Webhooks.Webhooks;

namespace Beadhub.Grains.Tests.Webhooks;

public class WebhooksTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 8, 15, 0, 0, TimeSpan.Zero);
    private static readonly WebhookLimits Limits = new(3, TimeSpan.FromHours(24));

    [Fact]
    public void A_repeat_gets_the_first_secret()
    {
        var hooks = Registered();
        var again = hooks.Register(new("w", "https://other/", [], "other", 9, null), Now);
        again.Events.ShouldBeEmpty();
        again.Result.Secret.ShouldBe("s");
    }

    [Fact]
    public void Enough_failures_in_a_row_disable()
    {
        var hooks = Registered();
        for (var i = 1; i <= 3; i++)
        {
            var failed = hooks.Failed("w", $"e{i}", Limits, Now.AddSeconds(i));
            hooks = Fold(hooks, failed.Events);
            (failed.Result!.Failures, failed.Result.IsActive, failed.Result.LastError).ShouldBe((i, i < 3, $"e{i}"));
        }

        hooks.Failed("w", "late", Limits, Now).Events.ShouldBeEmpty();
        hooks = Fold(hooks, hooks.Enable("w", Now).Events);
        var view = hooks.Find("w")!;
        (view.IsActive, view.Failures, view.Position).ShouldBe((true, 0, 5));
        hooks.Enable("w", Now).Events.ShouldBeEmpty();
    }

    [Fact]
    public void So_does_failing_for_long()
    {
        var hooks = Registered();
        hooks = Fold(hooks, hooks.Failed("w", "e", Limits, Now).Events);
        hooks.Failed("w", "e", Limits, Now.AddHours(23)).Result!.IsActive.ShouldBeTrue();
        hooks.Failed("w", "e", Limits, Now.AddHours(24)).Result!.IsActive.ShouldBeFalse();
        hooks = Fold(hooks, hooks.Delivered("w", 5, Now).Events);
        hooks.Failed("w", "e", Limits, Now.AddHours(24)).Result!.IsActive.ShouldBeTrue("it has worked in between");
    }

    [Fact]
    public void A_position_only_grows()
    {
        var hooks = Registered();
        hooks.Delivered("w", 5, Now).Events.ShouldBeEmpty();
        hooks.Delivered("gone", 9, Now).Events.ShouldBeEmpty();
        hooks = Fold(hooks, hooks.Delivered("w", 9, Now).Events);
        hooks.Delivered("w", 8, Now).Events.ShouldBeEmpty();
        var copy = JsonSerializer.Deserialize(JsonSerializer.Serialize(hooks, HookState.Kind.Snapshot), HookState.Kind.Snapshot)!;
        (copy.Find("w")! with { Events = [] }).ShouldBe(hooks.Find("w")! with { Events = [] });
        hooks = Fold(hooks, hooks.Remove("w", Now).Events);
        hooks.All.ShouldBeEmpty();
        hooks.Remove("w", Now).Result.ShouldBeFalse();
    }

    [Fact]
    public void A_project_has_only_so_many()
    {
        var hooks = HookState.Empty;
        for (var i = 0; i < HookState.Max; i++) hooks = Fold(hooks, hooks.Register(new($"w{i}", "https://x/", [], "s", 0, null), Now).Events);
        Should.Throw<RefusedException>(() => hooks.Register(new("more", "https://x/", [], "s", 0, null), Now)).Kind.ShouldBe(RefusalKind.Conflict);
    }

    private static HookState Registered() => Fold(HookState.Empty, HookState.Empty.Register(new("w", "https://x/", ["bead"], "s", 5, "a"), Now).Events);

    private static HookState Fold(HookState hooks, IEnumerable<IEvent> events) => events.Aggregate(hooks, (state, e) => state.Apply(e));
}
