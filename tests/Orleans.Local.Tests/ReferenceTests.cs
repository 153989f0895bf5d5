using Orleans;
using Orleans.Runtime;

namespace Beadhub.Orleans.Local.Tests;

public sealed class ReferenceTests : EngineTest
{
    [Fact]
    public async Task A_reference_and_its_grain_know_their_key()
    {
        Actor("k").GetPrimaryKeyString().ShouldBe("k");
        (await Actor("k").Ask(actor => actor.GetPrimaryKeyString())).ShouldBe("k");
        (await Actor("k").Ask(actor => ((IAddressable)actor).GetPrimaryKeyString())).ShouldBe("k");
    }

    [Fact]
    public async Task Any_number_of_arguments_arrives_whatever_their_names()
    {
        (await Actor().Odd(1, "two", CancellationToken.None, 4, 5, 6, 7, 8, 9)).ShouldBe("1 two False 4 5 6 7 8 9");
    }

    [Fact]
    public async Task A_cancellation_token_passes_through()
    {
        using var cancel = new CancellationTokenSource();
        (await Actor().Odd(1, null, cancel.Token, 4, 5, 6, 7, 8, 9)).ShouldBe("1  True 4 5 6 7 8 9");
        var call = Actor().Do(_ => Task.Delay(Timeout.InfiniteTimeSpan, cancel.Token));
        await cancel.CancelAsync();
        await Should.ThrowAsync<TaskCanceledException>(call);
        call.IsCanceled.ShouldBeTrue();
    }

    [Fact]
    public async Task Value_tasks_carry_results_also_when_they_had_to_wait()
    {
        (await Actor().AskSoon(_ => 1)).ShouldBe(1);
        var gate = Gate();
        var first = Actor().DoSoon(_ => gate.Task);
        var second = Actor().AskSoon(_ => 2);
        second.IsCompleted.ShouldBeFalse();
        gate.SetResult();
        await first;
        (await second).ShouldBe(2);
    }

    [Fact]
    public async Task A_one_way_call_completes_at_once_and_its_failure_is_logged()
    {
        var gate = Gate();
        var ran = Gate();
        var thrown = new InvalidDataException("no");
        var tell = Actor().Tell(async _ =>
        {
            await gate.Task;
            throw thrown;
        });
        tell.IsCompletedSuccessfully.ShouldBeTrue();
        Actor().TellToo(_ => { ran.SetResult(); return Task.CompletedTask; }).IsCompletedSuccessfully.ShouldBeTrue();
        gate.SetResult();
        Logged.Take(TestContext.Current.CancellationToken).ShouldBeSameAs(thrown);
        await ran.Task;
    }

    [Fact]
    public async Task A_grain_method_that_returns_no_task_fails()
    {
        await Should.ThrowAsync<InvalidOperationException>(Actor().Do(_ => null!));
    }

    [Fact]
    public async Task An_interface_of_several_classes_needs_the_name_of_one()
    {
        Should.Throw<ArgumentException>(() => Grains.GetGrain<IBody>("one")).Message.ShouldContain(nameof(ReentrantActor));
        var grain = Grains.GetGrain<IBody>("one", typeof(ReentrantActor).FullName);
        Type? type = null;
        await grain.Do(actor => { type = actor.GetType(); return Task.CompletedTask; });
        type.ShouldBe(typeof(ReentrantActor));
    }

    [Fact]
    public void An_empty_key_and_an_unknown_interface_are_refused()
    {
        Should.Throw<ArgumentException>(() => Grains.GetGrain<IActor>(""));
        Should.Throw<ArgumentException>(() => Grains.GetGrain<IGrainWithStringKey>("one"));
    }
}
