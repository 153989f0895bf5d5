using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Idempotency;
using Beadhub.Locks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Idempotency;

/// <summary>Two nodes on one log; a request that one of them still carries out, and the other has answered.</summary>
public sealed class RequestFenceGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    private readonly FeedLog _log = new();
    private readonly string _request = IIdempotentRequestGrain.Key(Project, "alice", "k");

    [Fact]
    public async Task What_another_node_has_answered_is_not_written_again()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Acquire(there, "a");

        await Answer(there);
        var late = RequestFence.During(_request, () => Locks(here).Release("a", "alice"));

        await Should.ThrowAsync<OvertakenException>(late);
        (await Held(there)).ShouldBe(["a"]);
    }

    [Fact]
    public async Task What_nobody_has_answered_yet_is_written_and_its_answer_kept()
    {
        await using var here = await Node();
        await Acquire(here, "a");

        await RequestFence.During(_request, async () =>
        {
            await Locks(here).Release("a", "alice");
            await Answer(here);
        });

        (await Held(here)).ShouldBeEmpty();
        await Acquire(here, "b"); // for no such request
    }

    [Fact]
    public async Task What_changes_nothing_is_answered_all_the_same()
    {
        await using var here = await Node();
        await Answer(here);
        await RequestFence.During(_request, () => Locks(here).Revoke(null, "alice"));
    }

    [Fact]
    public async Task Of_those_who_share_an_append_only_the_overtaken_are_refused()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Acquire(here, "a");
        await Answer(there);

        var gate = _log.Gate = new();
        var first = Acquire(here, "b");
        var late = RequestFence.During(_request, () => Locks(here).Release("a", "alice"));
        var other = Acquire(here, "c");
        gate.SetResult();
        await Task.WhenAll(first, other);

        await Should.ThrowAsync<OvertakenException>(late);
        (await Held(there)).ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task Who_writes_alone_need_not_ask()
    {
        _log.ExclusiveEpoch = 1;
        await using var here = await Node();
        await Acquire(here, "a");
        var asked = _log.Asked;
        await RequestFence.During(_request, () => Locks(here).Release("a", "alice"));
        _log.Asked.ShouldBe(asked);
    }

    private async Task Answer(ServiceProvider node)
    {
        var request = node.GetRequiredService<IGrainFactory>().GetGrain<IIdempotentRequestGrain>(_request);
        var begun = await request.Begin("f");
        begun.Step.ShouldBe(RequestStep.Proceed);
        await request.Complete(new("f", 200, "{}"), begun.Turn);
    }

    private static async Task Acquire(ServiceProvider node, string key) =>
        (await Locks(node).Acquire(new(key, [key], false, "alice", "alice", 60))).Conflicts.ShouldBeEmpty();

    private static async Task<string[]> Held(ServiceProvider node) => [.. (await Locks(node).List(null)).Reservations.Select(held => held.Key)];

    private static ILocksGrain Locks(ServiceProvider node) => node.GetRequiredService<IGrainFactory>().GetGrain<ILocksGrain>(Project);

    private async Task<ServiceProvider> Node()
    {
        var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton<IEventLog>(_log).AddSingleton(Beadhub.Identities.Seal.None).AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
        return services;
    }
}
