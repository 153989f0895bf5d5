using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Locks;
using Beadhub.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.EventSourcing;

/// <summary>When a grain believes what it has in memory, and how it dates what it writes.</summary>
public sealed class EventSourcedGrainTests : IAsyncLifetime
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    private readonly ManualTime _time = new();
    private readonly FeedLog _log;
    private ServiceProvider _here = null!;
    private ServiceProvider _there = null!;

    public EventSourcedGrainTests() => _log = new() { Time = _time, ExclusiveEpoch = 1 };

    public async ValueTask InitializeAsync() => (_here, _there) = (await Node(), await Node());

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
    }

    /// <summary>A look that began before the append was refused found the version that was believed, and would undo the distrust.</summary>
    [Fact]
    public async Task A_look_that_ends_after_an_append_was_refused_does_not_make_the_old_state_trusted()
    {
        await Acquire(_here, "a");
        await Held(_there);
        _log.ExclusiveEpoch = 2;
        var (reads, writes, refused, looksAgain) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(),
            new TaskCompletionSource());

        _log.Hold = () => reads.Task;
        var reading = Held(_here);
        _log.Hold = () => Task.CompletedTask;
        _log.Gate = writes;
        var writing = Acquire(_here, "b");
        _log.Gate = null;
        await Acquire(_there, "c");
        _log.Hold = () =>
        {
            refused.TrySetResult();
            return looksAgain.Task;
        };
        writes.SetResult();
        await refused.Task; // it looks again, which takes a while
        _log.Hold = () => Task.CompletedTask;
        reads.SetResult();
        await reading;

        (await Held(_here)).ShouldBe(["a", "c"]);
        looksAgain.SetResult();
        await writing;
        (await Held(_here)).ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task Events_are_dated_by_the_clock_of_the_log()
    {
        await Acquire(_here, "a");
        (await _log.ReadStream(new("locks", Project), 0, 10, TestContext.Current.CancellationToken))
            .ShouldAllBe(e => e.At == _time.Current);
    }

    private static async Task Acquire(ServiceProvider node, string key) =>
        (await Locks(node).Acquire(new(key, [key], false, "alice", "alice", 60))).Conflicts.ShouldBeEmpty();

    private static async Task<string[]> Held(ServiceProvider node) =>
        [.. (await Locks(node).List(null)).Reservations.Select(held => held.Key)];

    private static ILocksGrain Locks(ServiceProvider node) => node.GetRequiredService<IGrainFactory>().GetGrain<ILocksGrain>(Project);

    private async Task<ServiceProvider> Node()
    {
        var services = new ServiceCollection()
            .AddSingleton<TimeProvider>(_time).AddSingleton<IEventLog>(_log).AddLocalGrains(typeof(EventSourcedGrain<>).Assembly)
                .BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
        return services;
    }
}
