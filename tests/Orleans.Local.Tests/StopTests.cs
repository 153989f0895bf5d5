using Orleans;
using Orleans.Runtime;

namespace Beadhub.Orleans.Local.Tests;

public sealed class StopTests : EngineTest
{
    [Fact]
    public async Task A_stop_lets_requests_finish_with_those_that_wait_and_those_they_make()
    {
        Script.OnDeactivate = (actor, reason) =>
        {
            reason.ReasonCode.ShouldBe(DeactivationReasonCode.ShuttingDown);
            Note(actor.GetPrimaryKeyString() + " ended");
            return Task.CompletedTask;
        };
        var gate = Gate();
        var running = Actor("a").Do(async actor =>
        {
            await gate.Task;
            await actor.Grains.GetGrain<IActor>("b").Do(Noting("call", Task.CompletedTask));
        });
        var waiting = Actor("a").Do(Noting("waiting", Task.CompletedTask));
        var stop = Stop();
        stop.IsCompleted.ShouldBeFalse();
        gate.SetResult();
        await Task.WhenAll(running, waiting, stop);
        Events.ShouldBe("call starts, call ends, waiting starts, waiting ends, a ended, b ended", customMessage: Events);
    }

    [Fact]
    public async Task After_the_stop_calls_fail()
    {
        await Actor().Do(_ => Task.CompletedTask);
        await Stop();
        await Should.ThrowAsync<SiloUnavailableException>(Actor().Do(_ => Task.CompletedTask));
        await Should.ThrowAsync<SiloUnavailableException>(Actor().Peek(_ => null).AsTask());
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_ever()
    {
        var gate = Gate();
        var running = Actor().Do(_ => gate.Task);
        var waiting = Actor().Do(_ => Task.CompletedTask);
        var stop = Stop();
        Time.Advance(TimeSpan.FromSeconds(15));
        await stop;
        await Should.ThrowAsync<SiloUnavailableException>(waiting);
        gate.SetResult();
        await running;
    }
}
