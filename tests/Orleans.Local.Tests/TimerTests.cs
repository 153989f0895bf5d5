using Orleans;
using Orleans.Runtime;

namespace Beadhub.Orleans.Local.Tests;

public sealed class TimerTests : EngineTest
{
    private Task<object?> Register(Func<Actor, CancellationToken, Task> tick, GrainTimerCreationOptions options) =>
        Actor().Ask(actor => actor.RegisterGrainTimer(static (it, token) => it.tick(it.actor, token), (tick, actor), options));

    private static readonly GrainTimerCreationOptions EveryMinute = new(Minute, Minute);

    private Func<Actor, CancellationToken, Task> Counting => (actor, _) => { actor.Count++; return Task.CompletedTask; };

    [Fact]
    public async Task A_timer_ticks_when_due_and_then_every_period()
    {
        await Register(Counting, new(Minute / 2, Minute));
        Time.Advance(Minute / 2);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(1);
        Time.Advance(Minute - TimeSpan.FromTicks(1));
        (await Actor().Ask(actor => actor.Count)).ShouldBe(1);
        Time.Advance(TimeSpan.FromTicks(1));
        (await Actor().Ask(actor => actor.Count)).ShouldBe(2);
    }

    [Fact]
    public async Task A_tick_is_a_turn_and_the_next_is_due_a_period_after_it_has_ended()
    {
        var gate = Gate();
        var tick = Gate();
        await Register(async (actor, _) => { await Noting("tick", tick.Task)(actor); actor.Count++; }, EveryMinute);
        var request = Actor().Do(Noting("request", gate.Task));
        Time.Advance(Minute);
        gate.SetResult();
        await request;
        Time.Advance(5 * Minute); // the tick runs: no other comes
        var after = Actor().Ask(actor => actor.Count);
        tick.SetResult();
        (await after).ShouldBe(1);
        Events.ShouldBe("request starts, request ends, tick starts, tick ends");
    }

    [Fact]
    public async Task An_interleaving_tick_does_not_wait_for_a_request()
    {
        var gate = Gate();
        await Register((actor, _) => { actor.Count++; gate.SetResult(); return Task.CompletedTask; },
            EveryMinute with { Interleave = true });
        var request = Actor().Do(_ => gate.Task);
        Time.Advance(Minute);
        await request;
    }

    [Fact]
    public async Task A_changed_timer_keeps_its_new_times()
    {
        var timer = (IGrainTimer)(await Register(Counting, EveryMinute))!;
        timer.Change(3 * Minute, 2 * Minute);
        Time.Advance(3 * Minute - TimeSpan.FromTicks(1));
        (await Actor().Ask(actor => actor.Count)).ShouldBe(0);
        Time.Advance(TimeSpan.FromTicks(1));
        (await Actor().Ask(actor => actor.Count)).ShouldBe(1);
        Time.Advance(2 * Minute);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(2);
    }

    [Fact]
    public async Task A_timer_that_comes_due_during_its_own_tick_ticks_again_afterwards()
    {
        var gate = Gate();
        var second = Gate();
        IGrainTimer? timer = null;
        timer = (IGrainTimer)(await Register(async (actor, _) =>
        {
            if (++actor.Count == 2) second.SetResult();
            if (actor.Count > 1) return;
            timer!.Change(Minute, Timeout.InfiniteTimeSpan);
            await gate.Task;
        }, EveryMinute))!;
        Time.Advance(Minute);
        Time.Advance(Minute);
        gate.SetResult();
        await Actor().Do(_ => Task.CompletedTask);
        while (!second.Task.IsCompleted)
        {
            Time.Advance(TimeSpan.FromTicks(1));
            await Task.Yield();
        }
    }

    [Fact]
    public async Task A_disposed_timer_is_silent()
    {
        var timer = (IGrainTimer)(await Register(Counting, EveryMinute))!;
        Time.Advance(Minute);
        timer.Dispose();
        timer.Change(Minute, Minute);
        Time.Advance(5 * Minute);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(1);
    }

    [Fact]
    public async Task A_deactivation_stops_the_timer_and_cancels_the_token_of_its_ticks()
    {
        var token = default(CancellationToken);
        var ticks = 0;
        await Register((_, stopped) => { ticks++; token = stopped; return Task.CompletedTask; }, EveryMinute);
        Time.Advance(Minute);
        await Actor().Do(actor => { actor.DeactivateOnIdle(); return Task.CompletedTask; });
        await Actor().Do(_ => Task.CompletedTask);
        token.IsCancellationRequested.ShouldBeTrue();
        Time.Advance(5 * Minute);
        ticks.ShouldBe(1);
    }

    [Fact]
    public async Task A_failing_tick_is_logged_and_the_timer_goes_on()
    {
        var thrown = new InvalidDataException("no");
        await Register((actor, _) => actor.Count++ == 0 ? throw thrown : Task.CompletedTask, EveryMinute);
        Time.Advance(Minute);
        Logged.Take(TestContext.Current.CancellationToken).ShouldBeSameAs(thrown);
        Time.Advance(Minute);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(2);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task A_timer_keeps_its_grain_only_when_it_says_so(bool keepAlive, int kept)
    {
        await Actor().Do(actor => { actor.Count = 1; return Task.CompletedTask; });
        await Register((_, _) => Task.CompletedTask, EveryMinute with { KeepAlive = keepAlive });
        for (var minute = 0; minute < 20; minute++) Time.Advance(Minute);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(kept);
    }

    [Fact]
    public async Task A_tick_that_comes_while_the_grain_ends_is_no_failure()
    {
        await Register(Counting, EveryMinute);
        var ended = Gate();
        Script.OnDeactivate = (_, _) => { ended.SetResult(); return Task.CompletedTask; };
        // Runs when the thread leaves the work of the last request: the end has begun, and waits for this thread to dispose of the timer.
        var left = new AsyncLocal<bool>(change =>
        {
            if (change is { ThreadContextChanged: true, PreviousValue: true }) Time.Advance(Minute);
        });
        await Task.Run(() => Actor().Do(actor => { left.Value = true; actor.DeactivateOnIdle(); return Task.CompletedTask; }),
            TestContext.Current.CancellationToken);
        await ended.Task;
        Logged.ShouldBeEmpty();
    }
}
