using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Orleans.Local.Tests;

public sealed class StreamTests : EngineTest
{
    private static readonly StreamId Id = StreamId.Create("project", "one");
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IAsyncStream<int> Stream => Services.GetRequiredService<IClusterClient>().GetStreamProvider("feed").GetStream<int>(Id);

    private async Task<(ChannelReader<int> Items, StreamSubscriptionHandle<int> Handle)> Subscribe()
    {
        var items = Channel.CreateUnbounded<int>();
        var handle = await Stream.SubscribeAsync(async (item, _) => await items.Writer.WriteAsync(item), () =>
            { items.Writer.Complete(); return Task.CompletedTask; });
        return (items, handle);
    }

    private static async Task<int[]> Take(ChannelReader<int> items, int count)
    {
        var taken = new int[count];
        for (var i = 0; i < count; i++) taken[i] = await items.ReadAsync(Cancellation);
        return taken;
    }

    [Fact]
    public async Task Every_subscriber_gets_the_items_in_the_order_of_publishing()
    {
        var (first, _) = await Subscribe();
        var (second, _) = await Subscribe();
        for (var i = 0; i < 100; i++)
        {
            await Stream.OnNextAsync(i);
            (await first.ReadAsync(Cancellation)).ShouldBe(i);
            (await second.ReadAsync(Cancellation)).ShouldBe(i);
        }
        await Stream.OnNextAsync(1);
        await Stream.OnNextAsync(2);
        await Stream.OnNextAsync(3);
        await Stream.OnCompletedAsync();
        (await Take(first, 3)).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Other_streams_and_other_item_types_are_apart()
    {
        var (items, _) = await Subscribe();
        var provider = Services.GetRequiredService<IClusterClient>().GetStreamProvider("feed");
        await provider.GetStream<int>(StreamId.Create("project", "two")).OnNextAsync(1);
        await provider.GetStream<int>(StreamId.Create("other", "one")).OnNextAsync(2);
        await provider.GetStream<string>(Id).OnNextAsync("3");
        await Stream.OnNextAsync(4);
        (await items.ReadAsync(Cancellation)).ShouldBe(4);
    }

    [Fact]
    public async Task Nothing_is_delivered_after_unsubscribing()
    {
        var (items, handle) = await Subscribe();
        var (witness, _) = await Subscribe();
        (await Stream.GetAllSubscriptionHandles()).Count.ShouldBe(2);
        await handle.UnsubscribeAsync();
        (await Stream.GetAllSubscriptionHandles()).Count.ShouldBe(1);
        await Stream.OnNextAsync(1);
        await witness.ReadAsync(Cancellation);
        items.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task What_waits_for_a_subscriber_that_leaves_is_not_delivered()
    {
        var gate = Gate();
        var begun = Gate();
        var seen = new List<int>();
        var handle = await Stream.SubscribeAsync(async (item, _) => { seen.Add(item); begun.TrySetResult(); await gate.Task; });
        await Stream.OnNextAsync(1);
        await Stream.OnNextAsync(2);
        await begun.Task;
        await handle.UnsubscribeAsync();
        gate.SetResult();
        var (witness, _) = await Subscribe();
        await Stream.OnNextAsync(3);
        await witness.ReadAsync(Cancellation);
        seen.ShouldBe([1]);
    }

    [Fact]
    public async Task A_failing_subscriber_is_logged_and_hurts_nobody_not_even_itself()
    {
        var thrown = new InvalidDataException("no");
        var seen = Channel.CreateUnbounded<int>();
        await Stream.SubscribeAsync((item, _) => { seen.Writer.TryWrite(item); throw thrown; });
        var (other, _) = await Subscribe();
        await Stream.OnNextAsync(1);
        await Stream.OnNextAsync(2);
        (await Take(other, 2)).ShouldBe([1, 2]);
        (await Take(seen, 2)).ShouldBe([1, 2]);
        Logged.Take(Cancellation).ShouldBeSameAs(thrown);
    }

    [Fact]
    public async Task A_slow_subscriber_holds_nobody_up_and_loses_what_exceeds_its_backlog_but_for_the_newest()
    {
        var gate = Gate();
        var begun = Gate();
        var seen = Channel.CreateUnbounded<int>();
        await Stream.SubscribeAsync(async (item, _) => { begun.TrySetResult(); await gate.Task; seen.Writer.TryWrite(item); });
        var (other, _) = await Subscribe();
        await Stream.OnNextAsync(0);
        await begun.Task;
        for (var i = 0; i < 6; i++)
        {
            if (i > 0) await Stream.OnNextAsync(i);
            (await other.ReadAsync(Cancellation)).ShouldBe(i);
        }
        Logged.Take(Cancellation).Message.ShouldContain("too slow");
        gate.SetResult();
        // The newest comes in the end, so that who lost something sees that there was more.
        (await Take(seen, 5)).ShouldBe([0, 1, 2, 3, 5]);
        await Stream.OnNextAsync(6);
        (await seen.Reader.ReadAsync(Cancellation)).ShouldBe(6);
    }

    [Fact]
    public async Task A_backlog_is_bounded_in_bytes_too()
    {
        var gate = Gate();
        var begun = Gate();
        var seen = Channel.CreateUnbounded<int>();
        var stream = Services.GetRequiredService<IClusterClient>().GetStreamProvider("feed").GetStream<string>(Id);
        await stream.SubscribeAsync(async (item, _) => { begun.TrySetResult(); await gate.Task; seen.Writer.TryWrite(item.Length); });
        await stream.OnNextAsync("");
        await begun.Task;
        foreach (var length in new[] { 60, 50, 41, 70 }) await stream.OnNextAsync(new string('x', length));

        Logged.Take(Cancellation).Message.ShouldContain("too slow");
        gate.SetResult();
        (await Take(seen, 3)).ShouldBe([0, 60, 70], "with 50 or 41 more than 100 would wait");
        // What is larger than the whole backlog still comes through alone.
        await stream.OnNextAsync(new string('x', 1000));
        (await seen.Reader.ReadAsync(Cancellation)).ShouldBe(1000);
    }

    [Fact]
    public async Task A_grains_items_are_turns_of_the_grain_in_order()
    {
        var gate = Gate();
        var done = Gate();
        await Actor().Do(async actor => await actor.GetStreamProvider("feed").GetStream<int>(Id).SubscribeAsync(async (item, _) =>
        {
            TaskScheduler.Current.ShouldNotBe(TaskScheduler.Default);
            await Noting("item " + item, Task.CompletedTask)(actor);
            if (item == 2) done.SetResult();
        }));
        var request = Actor().Do(Noting("request", gate.Task));
        await Stream.OnNextAsync(1);
        await Stream.OnNextAsync(2);
        gate.SetResult();
        await Task.WhenAll(request, done.Task);
        Events.ShouldBe("request starts, request ends, item 1 starts, item 1 ends, item 2 starts, item 2 ends");
        Logged.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_grains_subscription_ends_with_its_activation_and_is_not_the_clients()
    {
        await Actor().Do(async actor =>
            await actor.GetStreamProvider("feed").GetStream<int>(Id)
            .SubscribeAsync((_, _) => { Note("item"); return Task.CompletedTask; }));
        object? own = null;
        await Actor().Do(async actor => own = (await actor.GetStreamProvider("feed").GetStream<int>(Id).GetAllSubscriptionHandles()).Count);
        own.ShouldBe(1);
        (await Stream.GetAllSubscriptionHandles()).ShouldBeEmpty();
        await Actor().Do(actor => { actor.DeactivateOnIdle(); return Task.CompletedTask; });
        await Actor().Do(async actor => own = (await actor.GetStreamProvider("feed").GetStream<int>(Id).GetAllSubscriptionHandles()).Count);
        own.ShouldBe(0);
        var (witness, _) = await Subscribe();
        await Stream.OnNextAsync(1);
        await witness.ReadAsync(Cancellation);
        Events.ShouldBe("");
    }

    [Fact]
    public async Task A_resumed_subscription_goes_on_with_its_new_observer()
    {
        var (_, handle) = await Subscribe();
        var observer = new Last();
        await handle.ResumeAsync(observer);
        await Stream.OnNextAsync(5);
        await Stream.OnErrorAsync(new InvalidDataException("end"));
        (await observer.End.Task).Message.ShouldBe("end");
        observer.Item.ShouldBe(5);
    }

    private sealed class Last : IAsyncObserver<int>
    {
        public int Item;
        public TaskCompletionSource<Exception> End { get; } = new();

        public Task OnNextAsync(int item, StreamSequenceToken? token = null)
        {
            Item = item;
            return Task.CompletedTask;
        }

        public Task OnCompletedAsync() => Task.CompletedTask;

        public Task OnErrorAsync(Exception ex)
        {
            End.SetResult(ex);
            return Task.CompletedTask;
        }
    }
}
