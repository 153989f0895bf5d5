using Orleans;
using Orleans.Runtime;

namespace Beadhub.Orleans.Local.Tests;

public sealed class TurnTests : EngineTest
{
    [Fact]
    public async Task No_two_requests_overlap_even_across_awaits()
    {
        var gate = Gate();
        var first = Actor().Do(Noting("first", gate.Task));
        var second = Actor().Do(Noting("second", Task.CompletedTask));
        var third = Actor().Read(Noting("third", Task.CompletedTask));
        second.IsCompleted.ShouldBeFalse();
        gate.SetResult();
        await Task.WhenAll(first, second, third);
        Events.ShouldBe("first starts, first ends, second starts, second ends, third starts, third ends");
    }

    [Fact]
    public async Task Requests_of_other_grains_go_on_meanwhile()
    {
        var gate = Gate();
        var first = Actor("one").Do(_ => gate.Task);
        await Actor("two").Do(_ => Task.CompletedTask);
        first.IsCompleted.ShouldBeFalse();
        gate.SetResult();
        await first;
    }

    [Fact]
    public async Task An_idle_grain_runs_its_turn_on_the_callers_thread()
    {
        await Actor().Do(_ => Task.CompletedTask);
        var here = Environment.CurrentManagedThreadId;
        var call = Actor().Ask(_ => Environment.CurrentManagedThreadId);
        call.IsCompleted.ShouldBeTrue();
        (await call).ShouldBe(here);
    }

    [Fact]
    public async Task Sixty_four_callers_lose_no_increment()
    {
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                await Actor().Do(async actor =>
                {
                    var seen = actor.Count;
                    if (i % 10 == 0) await Task.Yield();
                    actor.Count = seen + 1;
                });
            }
        })));
        (await Actor().Ask(actor => actor.Count)).ShouldBe(32_000);
    }

    [Fact]
    public async Task Interleaved_continuations_are_never_on_two_threads_at_once()
    {
        var inside = 0;
        var overlaps = 0;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(() => Actor().Interleave(async actor =>
        {
            for (var i = 0; i < 200; i++)
            {
                if (Interlocked.Increment(ref inside) > 1) Interlocked.Increment(ref overlaps);
                actor.Count++;
                Interlocked.Decrement(ref inside);
                await Task.Yield();
            }
        }))));
        overlaps.ShouldBe(0);
        (await Actor().Ask(actor => actor.Count)).ShouldBe(12_800);
    }

    [Fact]
    public async Task A_continuation_does_not_run_on_the_thread_that_completes_what_it_awaits_while_the_grain_is_busy()
    {
        var awaited = new TaskCompletionSource(); // continues synchronously where it may
        var waiting = Actor().Interleave(async _ =>
        {
            await awaited.Task;
            Note("continued");
        });
        var started = Gate();
        using var release = new ManualResetEventSlim();
        var busy = Task.Run(
            () => Actor().Interleave(_ =>
            {
                started.SetResult();
                release.Wait(TestContext.Current.CancellationToken);
                Note("busy no more");
                return Task.CompletedTask;
            }),
            TestContext.Current.CancellationToken);
        await started.Task;
        await Task.Run(awaited.SetResult, TestContext.Current.CancellationToken);
        release.Set();
        await Task.WhenAll(waiting, busy);
        Events.ShouldBe("busy no more, continued");
    }

    [Fact]
    public async Task A_continuation_stays_on_the_grains_scheduler_also_after_a_call_to_another_grain()
    {
        await Actor("one").Do(async actor =>
        {
            var scheduler = TaskScheduler.Current;
            scheduler.ShouldNotBe(TaskScheduler.Default);
            await Task.Yield();
            TaskScheduler.Current.ShouldBe(scheduler);
            await actor.Grains.GetGrain<IActor>("two").Do(async _ =>
            {
                TaskScheduler.Current.ShouldNotBe(scheduler);
                await Task.Yield();
            });
            TaskScheduler.Current.ShouldBe(scheduler);
        });
        TaskScheduler.Current.ShouldBe(TaskScheduler.Default);
    }

    [Fact]
    public async Task An_exception_reaches_the_caller_as_it_is_and_leaves_the_grain_usable()
    {
        var thrown = new InvalidDataException("no");
        (await Should.ThrowAsync<InvalidDataException>(Actor().Do(_ => throw thrown))).ShouldBeSameAs(thrown);
        (await Should.ThrowAsync<InvalidDataException>(Actor().Do(async _ =>
        {
            await Task.Yield();
            throw thrown;
        }))).ShouldBeSameAs(thrown);
        (await Should.ThrowAsync<InvalidDataException>(Actor().AskSoon(_ => throw thrown).AsTask())).ShouldBeSameAs(thrown);
        (await Should.ThrowAsync<InvalidDataException>(Actor().Peek(_ => throw thrown).AsTask())).ShouldBeSameAs(thrown);
        (await Actor().Ask(_ => 1)).ShouldBe(1);
    }

    [Fact]
    public async Task An_exception_of_a_request_that_waited_reaches_its_caller()
    {
        var gate = Gate();
        var first = Actor().Do(_ => gate.Task);
        var thrown = new InvalidDataException("no");
        var second = Actor().Do(_ => throw thrown);
        gate.SetResult();
        await first;
        (await Should.ThrowAsync<InvalidDataException>(second)).ShouldBeSameAs(thrown);
    }

    [Fact]
    public async Task A_chain_of_ten_thousand_grains_does_not_overflow_the_stack()
    {
        static Task<object?> Next(IGrainFactory grains, int left) => left == 0
            ? Task.FromResult<object?>("end")
            : Down(grains, left);
        static async Task<object?> Down(IGrainFactory grains, int left)
        {
            object? answer = null;
            await grains.GetGrain<IActor>("chain" + left).Do(async actor => answer = await Next(actor.Grains, left - 1));
            return answer;
        }
        (await Next(Grains, 10_000)).ShouldBe("end");
    }

    [Fact]
    public async Task A_caller_is_not_held_by_the_requests_of_others()
    {
        await Actor().Do(_ => Task.CompletedTask);
        using var blocked = new ManualResetEventSlim();
        Task? other = null;
        // While this caller's turn runs on its thread another request queues. That one ends only after this caller has its answer.
        var mine = Actor().Do(_ =>
        {
            var thread = new Thread(() => other = Actor().Do(_ =>
            {
                blocked.Wait();
                return Task.CompletedTask;
            }));
            thread.Start();
            thread.Join();
            return Task.CompletedTask;
        });
        mine.IsCompletedSuccessfully.ShouldBeTrue();
        blocked.Set();
        await other!;
    }

    [Fact]
    public async Task A_callers_synchronization_context_does_not_reach_the_grain()
    {
        await Actor().Do(_ => Task.CompletedTask);
        var scheduled = new List<bool>();
        Task call;
        SynchronizationContext.SetSynchronizationContext(new Foreign());
        try
        {
            call = Actor().Do(async _ =>
            {
                scheduled.Add(TaskScheduler.Current != TaskScheduler.Default);
                await Task.Yield();
                scheduled.Add(TaskScheduler.Current != TaskScheduler.Default);
            });
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
        await call;
        scheduled.ShouldBe([true, true]);
    }

    [Fact]
    public async Task The_request_context_travels_with_a_call_and_not_back()
    {
        RequestContext.Set("who", "caller");
        await Actor().Do(_ =>
        {
            RequestContext.Get("who").ShouldBe("caller");
            RequestContext.Set("who", "grain");
            return Task.CompletedTask;
        });
        RequestContext.Get("who").ShouldBe("caller");
    }

    [Fact]
    public async Task A_waiting_request_runs_in_the_context_of_its_own_caller()
    {
        var gate = Gate();
        RequestContext.Set("who", "first");
        var first = Actor().Do(_ => gate.Task);
        RequestContext.Set("who", "second");
        object? seen = null;
        var second = Actor().Do(_ => { seen = RequestContext.Get("who"); return Task.CompletedTask; });
        RequestContext.Clear();
        gate.SetResult();
        await Task.WhenAll(first, second);
        seen.ShouldBe("second");
    }

    /// <summary>An await captures a synchronization context only when it is of a type of its own.</summary>
    private sealed class Foreign : SynchronizationContext;
}
