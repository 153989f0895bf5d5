namespace Beadhub.Orleans.Local.Tests;

public sealed class InterleavingTests : EngineTest
{
    [Fact]
    public async Task A_marked_request_runs_while_a_write_awaits()
    {
        var gate = Gate();
        var write = Actor().Do(Noting("write", gate.Task));
        await Actor().Interleave(Noting("read", Task.CompletedTask));
        gate.SetResult();
        await write;
        Events.ShouldBe("write starts, read starts, read ends, write ends");
    }

    [Fact]
    public async Task A_marked_request_passes_writes_that_wait()
    {
        var gate = Gate();
        var first = Actor().Do(_ => gate.Task);
        var second = Actor().Do(Noting("second", Task.CompletedTask));
        await Actor().Interleave(Noting("read", Task.CompletedTask));
        gate.SetResult();
        await Task.WhenAll(first, second);
        Events.ShouldBe("read starts, read ends, second starts, second ends");
    }

    [Fact]
    public async Task Reads_interleave_with_each_other_and_not_with_a_write()
    {
        var gate = Gate();
        var first = Actor().Read(Noting("read 1", gate.Task));
        var second = Actor().Read(Noting("read 2", Task.CompletedTask));
        await second;
        var write = Actor().Do(Noting("write", Task.CompletedTask));
        var late = Actor().Read(Noting("read 3", Task.CompletedTask));
        gate.SetResult();
        await Task.WhenAll(first, write, late);
        // The late read came after the write: writes do not starve.
        Events.ShouldBe("read 1 starts, read 2 starts, read 2 ends, read 1 ends, write starts, write ends, read 3 starts, read 3 ends");
    }

    [Fact]
    public async Task A_reentrant_grain_interleaves_all_requests()
    {
        var grain = Grains.GetGrain<IReentrantActor>("one");
        var gate = Gate();
        var first = grain.Do(Noting("first", gate.Task));
        await grain.Do(Noting("second", Task.CompletedTask));
        gate.SetResult();
        await first;
        Events.ShouldBe("first starts, second starts, second ends, first ends");
    }

    [Fact]
    public async Task A_read_of_immutable_state_runs_on_the_callers_thread_while_a_write_holds_the_grain()
    {
        await Actor().Do(_ => Task.CompletedTask);
        var started = Gate();
        using var release = new ManualResetEventSlim();
        var write = Task.Run(() => Actor().Do(actor =>
        {
            actor.Count = 7;
            started.SetResult();
            release.Wait(TestContext.Current.CancellationToken);
            return Task.CompletedTask;
        }), TestContext.Current.CancellationToken);
        await started.Task;
        var here = Environment.CurrentManagedThreadId;
        var read = Actor().Peek(actor => (actor.Count, Environment.CurrentManagedThreadId));
        read.IsCompletedSuccessfully.ShouldBeTrue();
        release.Set();
        (await read).ShouldBe((7, here));
        await write;
    }

    [Fact]
    public async Task A_read_of_immutable_state_activates_first()
    {
        var gate = Gate();
        Script.OnActivate = async actor =>
        {
            await gate.Task;
            actor.Count = 5;
        };
        var read = Actor().Peek(actor => actor.Count).AsTask();
        read.IsCompleted.ShouldBeFalse();
        gate.SetResult();
        (await read).ShouldBe(5);
    }

    [Fact]
    public async Task A_read_of_immutable_state_is_not_held_up_by_a_write_that_waited_for_the_activation()
    {
        var activation = Gate();
        var gate = Gate();
        Script.OnActivate = _ => activation.Task;
        var write = Actor().Do(_ => gate.Task);
        var read = Actor().Peek(_ => 1).AsTask();
        activation.SetResult();
        (await read).ShouldBe(1);
        gate.SetResult();
        await write;
    }
}
