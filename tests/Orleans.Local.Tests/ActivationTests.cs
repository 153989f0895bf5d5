using Orleans;

namespace Beadhub.Orleans.Local.Tests;

public sealed class ActivationTests : EngineTest
{
    [Fact]
    public async Task The_first_calls_wait_for_one_activation()
    {
        var gate = Gate();
        var activations = 0;
        Script.OnActivate = _ => { activations++; return gate.Task; };
        var calls = Enumerable.Range(0, 5).Select(i => Actor().Ask(actor => actor.Count++)).ToArray();
        calls.ShouldAllBe(call => !call.IsCompleted);
        gate.SetResult();
        (await Task.WhenAll(calls)).ShouldBe([0, 1, 2, 3, 4]);
        activations.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_activation_fails_the_calls_that_wait_and_the_next_call_tries_afresh(bool later)
    {
        var gate = Gate();
        var thrown = new InvalidDataException("no");
        Script.OnActivate = async _ =>
        {
            if (later) await gate.Task;
            throw thrown;
        };
        var first = Actor().Do(_ => Task.CompletedTask);
        var second = Actor().Do(_ => Task.CompletedTask);
        gate.SetResult();
        (await Should.ThrowAsync<InvalidDataException>(first)).ShouldBeSameAs(thrown);
        (await Should.ThrowAsync<InvalidDataException>(second)).ShouldBeSameAs(thrown);
        Script.OnActivate = _ => Task.CompletedTask;
        (await Actor().Ask(_ => 1)).ShouldBe(1);
    }

    [Fact]
    public async Task A_deactivated_grain_loses_its_state_and_is_told_once()
    {
        var ended = Gate();
        var reasons = new List<DeactivationReasonCode>();
        Script.OnDeactivate = (_, reason) => { reasons.Add(reason.ReasonCode); ended.TrySetResult(); return Task.CompletedTask; };
        await Actor().Do(actor => { actor.Count = 9; actor.DeactivateOnIdle(); actor.DeactivateOnIdle(); return Task.CompletedTask; });
        await ended.Task;
        (await Actor().Ask(actor => actor.Count)).ShouldBe(0);
        reasons.ShouldBe([DeactivationReasonCode.ApplicationRequested]);
    }

    [Fact]
    public async Task A_deactivation_waits_for_the_running_request()
    {
        var gate = Gate();
        Script.OnDeactivate = (_, _) => { Note("deactivated"); return Task.CompletedTask; };
        Script.OnActivate = _ => { Note("activated"); return Task.CompletedTask; };
        var call = Actor().Do(async actor =>
        {
            actor.DeactivateOnIdle();
            await Noting("request", gate.Task)(actor);
        });
        var next = Actor().Do(Noting("next", Task.CompletedTask));
        gate.SetResult();
        await Task.WhenAll(call, next);
        Events.ShouldBe("activated, request starts, request ends, deactivated, activated, next starts, next ends");
    }

    [Fact]
    public async Task Calls_during_a_deactivation_are_served_by_a_new_activation_after_it()
    {
        var begun = Gate();
        var gate = Gate();
        Script.OnDeactivate = async (_, _) =>
        {
            begun.SetResult();
            await gate.Task;
            Note("deactivated");
        };
        await Actor().Do(actor => { actor.Count = 9; actor.DeactivateOnIdle(); return Task.CompletedTask; });
        await begun.Task;
        var write = Actor().Ask(actor => { Note("write"); return actor.Count; });
        var read = Actor().Peek(actor => { Note("read"); return actor.Count; }).AsTask();
        Events.ShouldBe("");
        gate.SetResult();
        (await write).ShouldBe(0);
        (await read).ShouldBe(0);
        Events.ShouldStartWith("deactivated, ");
    }

    [Fact]
    public async Task A_failing_deactivation_is_logged_and_the_grain_comes_back()
    {
        var thrown = new InvalidDataException("no");
        Script.OnDeactivate = (_, _) => throw thrown;
        await Actor().Do(actor => { actor.DeactivateOnIdle(); return Task.CompletedTask; });
        (await Actor().Ask(_ => 1)).ShouldBe(1);
        Logged.Take(TestContext.Current.CancellationToken).ShouldBeSameAs(thrown);
    }

    [Fact]
    public async Task A_grain_that_gives_up_while_activating_still_serves_the_call_that_woke_it()
    {
        var activations = 0;
        Script.OnActivate = actor => { activations++; actor.DeactivateOnIdle(); return Task.CompletedTask; };
        (await Actor().Ask(_ => 1)).ShouldBe(1);
        (await Actor().Ask(_ => 2)).ShouldBe(2);
        activations.ShouldBe(2);
    }

    [Fact]
    public async Task An_idle_grain_is_collected_and_one_in_use_is_not()
    {
        var ended = new TaskCompletionSource<DeactivationReasonCode>();
        Script.OnDeactivate = (actor, reason) =>
        {
            Note(actor.GetPrimaryKeyString());
            ended.TrySetResult(reason.ReasonCode);
            return Task.CompletedTask;
        };
        var gate = Gate();
        var running = Actor("running").Do(_ => gate.Task);
        foreach (var key in (string[])["idle", "read", "written"])
            await Actor(key).Do(actor => { actor.Count = 1; return Task.CompletedTask; });
        for (var minute = 0; minute < 17; minute++)
        {
            Events.ShouldBe("");
            await Actor("written").Do(_ => Task.CompletedTask);
            await Actor("read").Peek(_ => null);
            Time.Advance(Minute);
        }
        (await ended.Task).ShouldBe(DeactivationReasonCode.ActivationIdle);
        (await Actor("idle").Ask(actor => actor.Count)).ShouldBe(0);
        (await Actor("read").Ask(actor => actor.Count)).ShouldBe(1);
        (await Actor("written").Ask(actor => actor.Count)).ShouldBe(1);
        Events.ShouldBe("idle");
        gate.SetResult();
        await running;
    }

    [Fact]
    public async Task A_grain_is_not_collected_before_its_age()
    {
        Script.OnDeactivate = (_, _) => { Note("ended"); return Task.CompletedTask; };
        Time.Advance(Minute - TimeSpan.FromTicks(1)); // the use is noted with the time of the scan a minute ago
        await Actor().Do(actor => { actor.Count = 1; return Task.CompletedTask; });
        Time.Advance(15 * Minute);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(1);
        Events.ShouldBe("");
    }

    [Fact]
    public async Task A_deactivation_asked_for_when_the_activation_is_done_and_its_first_call_not_yet_begun_keeps_no_call_waiting()
    {
        Actor? active = null;
        var rounds = 0;
        // Runs on the activating thread when it leaves the work that activated, whose context it falls out of: after that, and before the
        // call is admitted.
        var left = new AsyncLocal<Actor?>(change =>
        {
            if (change is { ThreadContextChanged: true, PreviousValue: { } actor, CurrentValue: null }
                && Interlocked.Increment(ref rounds) == 1)
                actor.DeactivateOnIdle();
        });
        Script.OnActivate = actor =>
        {
            left.Value = active = actor;
            return Task.CompletedTask;
        };
        var served = await Task.Run(() => Actor().Ask(actor => actor))
            .WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        served.ShouldNotBeNull();
        served.ShouldBeSameAs(active);
        rounds.ShouldBe(2); // it was served by a second activation
    }

    [Fact]
    public async Task What_many_idle_grains_have_left_is_collected_though_nobody_asks_for_memory()
    {
        const int Many = 1500;
        var ended = 0;
        var all = Gate();
        Script.OnDeactivate = (_, _) =>
        {
            if (Interlocked.Increment(ref ended) == Many) all.SetResult();
            return Task.CompletedTask;
        };
        var held = await Left();
        Time.Advance(16 * Minute);
        await all.Task;
        Time.Advance(Minute);
        var since = System.Diagnostics.Stopwatch.StartNew();
        while (held.Count(left => left.IsAlive) > Many / 10 && since.Elapsed < TimeSpan.FromSeconds(20))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        held.Count(left => left.IsAlive).ShouldBeLessThanOrEqualTo(Many / 10);

        async Task<List<WeakReference>> Left()
        {
            var left = new List<WeakReference>();
            for (var i = 0; i < Many; i++) left.Add((WeakReference)(await Actor($"{i}").Ask(actor => new WeakReference(actor)))!);
            return left;
        }
    }
}
