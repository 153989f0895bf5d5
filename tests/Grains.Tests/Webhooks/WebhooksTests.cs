using System.Text.Json;
using Beadhub.Identities;
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
        var again = hooks.Register(new("w", "https://other/", [], "other", 9, null), Seal.None, Now);
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
        for (var i = 0; i < HookState.Max; i++)
            hooks = Fold(hooks, hooks.Register(new($"w{i}", "https://x/", [], "s", 0, null), Seal.None, Now).Events);
        Should.Throw<RefusedException>(() => hooks.Register(new("more", "https://x/", [], "s", 0, null), Seal.None, Now)).Kind
            .ShouldBe(RefusalKind.Conflict);
    }

    [Fact]
    public void A_secret_is_kept_under_seal()
    {
        var (seal, other) = (new Seal(new byte[32], holdsSeeds: false), new Seal([.. Enumerable.Repeat((byte)1, 32)]));
        var registered = HookState.Empty.Register(new("w", "https://x/", [], "whsec_1", 5, "a"), seal, Now);
        registered.Result.Secret.ShouldBe("whsec_1");
        var hooks = Fold(HookState.Empty, registered.Events);

        EventTypes.Serialize(registered.Events.Single()).ShouldNotContain("whsec_1");
        JsonSerializer.Serialize(hooks, HookState.Kind.Snapshot).ShouldNotContain("whsec_1");
        hooks.Register(new("w", "https://x/", [], "whsec_2", 5, "a"), seal, Now).Result.Secret.ShouldBe("whsec_1");
        hooks.Find("w")!.Target(other).Secret.ShouldBeNull("another key does not open it");
        hooks.Find("w")!.Target(Seal.None).Secret.ShouldBeNull();
        hooks.Find("w")!.Target(new Seal([.. Enumerable.Repeat((byte)1, 32)], older: [new byte[32]])).Secret
            .ShouldBe("whsec_1", "a key that was used before opens it");
        hooks.Sealing(hooks.Enable("w", Now), "w", seal, Now).Events.ShouldBeEmpty();
    }

    [Fact]
    public void One_that_was_kept_as_it_is_comes_under_seal_with_the_next_change()
    {
        var seal = new Seal(new byte[32]);
        var hooks = Registered();
        hooks.Sealing(hooks.Enable("w", Now), "w", seal, Now).Events.ShouldBeEmpty("nothing changes");
        hooks.Sealing(hooks.Delivered("w", 9, Now), "w", Seal.None, Now).Events.Length.ShouldBe(1, "there is no key");

        var delivered = hooks.Sealing(hooks.Delivered("w", 9, Now), "w", seal, Now);
        hooks = Fold(hooks, delivered.Events);
        (hooks.Find("w")!.Secret, hooks.Find("w")!.Position).ShouldBe(("", 9));
        hooks.Find("w")!.Target(seal).Secret.ShouldBe("s");
        hooks.Sealing(hooks.Delivered("w", 10, Now), "w", seal, Now).Events.Length.ShouldBe(1, "it is under seal");
    }

    [Fact]
    public void What_is_no_seal_opens_to_nothing()
    {
        var seal = new Seal(new byte[32]);
        foreach (var text in new[] { "", "x", "AAAA", "not base64!", Convert.ToBase64String(new byte[28]),
            Convert.ToBase64String(new byte[400]) }) seal.OpenText(text).ShouldBeNull(text);
        new Seal(new byte[32], holdsSeeds: false).Close([1, 2, 3]).ShouldBeNull("nobody has asked the server to sign");
    }

    private static HookState Registered() =>
        Fold(HookState.Empty, HookState.Empty.Register(new("w", "https://x/", ["bead"], "s", 5, "a"), Seal.None, Now).Events);

    private static HookState Fold(HookState hooks, IEnumerable<IEvent> events) => events.Aggregate(hooks, (state, e) => state.Apply(e));
}
