using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Boards;

/// <summary>The board beside calls that fail.</summary>
public sealed class BoardGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    [Fact]
    public async Task What_a_call_wrote_whose_answer_was_lost_is_shown()
    {
        var log = new FeedLog { ExclusiveEpoch = 1 };
        await using var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton<IEventLog>(log).AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
        var board = services.GetRequiredService<IGrainFactory>().GetGrain<IBoardGrain>(Project);
        (await board.ClaimsOn("bd-1")).Claims.ShouldBeEmpty();

        log.FailsAfterwards = new TimeoutException("the answer was lost");
        await Should.ThrowAsync<TimeoutException>(() => board.ClaimTask(new("bd-1", "Title", "bd-1", "w1", "alice", "Alice")));

        (await board.ClaimsOn("bd-1")).Claims.ShouldHaveSingleItem().Alias.ShouldBe("alice");
    }
}
