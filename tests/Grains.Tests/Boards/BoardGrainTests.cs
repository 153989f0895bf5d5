using System.Text;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Identities;
using Beadhub.Presence;
using Beadhub.Projects;
using Beadhub.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Boards;

/// <summary>The board beside calls that fail.</summary>
public sealed class BoardGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_call_wrote_whose_answer_was_lost_is_shown()
    {
        var log = new FeedLog { ExclusiveEpoch = 1 };
        await using var services = await Start(log);
        var board = Board(services);
        (await board.ClaimsOn("bd-1")).Claims.ShouldBeEmpty();

        log.FailsAfterwards = new TimeoutException("the answer was lost");
        await Should.ThrowAsync<TimeoutException>(() => board.ClaimTask(new("bd-1", "Title", "bd-1", "w1", "alice", "Alice")));

        (await board.ClaimsOn("bd-1")).Claims.ShouldHaveSingleItem().Alias.ShouldBe("alice");
    }

    /// <summary>
    /// A sync so large that the board itself decides it, of which appends fail in the middle: before they are written, or also afterwards,
    /// so that their outcome is unknown.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_large_sync_that_fails_in_the_middle_leaves_whole_issues_and_the_next_one_completes_it(bool unknown)
    {
        const int Issues = 300;
        var log = new FeedLog { ExclusiveEpoch = 1 };
        await using var services = await Start(log);
        var board = Board(services);
        (await board.Sync(Sync(1, Issues / 3))).Added.ShouldBe(Issues / 3);

        var appends = 0;
        var lost = new EventLogUnavailableException("lost");
        log.Fails = _ => ++appends > Issues / 3 ? lost : null;
        if (unknown) log.FailsAfterwards = lost;
        await Should.ThrowAsync<EventLogUnavailableException>(() => board.Sync(Sync(2, Issues)));
        appends.ShouldBe(Issues);
        (log.Fails, log.FailsAfterwards) = (null, null);

        // What memory shows is what the log holds: each issue as it was before, or as the sync made it.
        var shown = await Shown(board);
        shown.Values.ShouldAllBe(title => title == "Title 1" || title == "Title 2");
        shown.Values.Count(title => title == "Title 2").ShouldBe(Issues / 3);
        await using (var restarted = await Start(log)) (await Shown(Board(restarted))).ShouldBe(shown);

        var completed = await board.Sync(Sync(2, Issues));
        (completed.Added, completed.Updated).ShouldBe((Issues - shown.Count, shown.Count));
        (completed.Unchanged, completed.Total).ShouldBe((Issues / 3, Issues));
        shown = await Shown(board);
        (shown.Count, shown.Values.Distinct().ShouldHaveSingleItem()).ShouldBe((Issues, "Title 2"));
        // Nothing was written twice.
        (await log.ReadFeed(Project, 0, int.MaxValue, Cancelled)).Count.ShouldBe(Issues / 3 + Issues);
    }

    private static SyncBeads Sync(int round, int count) => new("w1", "alice", "Alice", "github.com/o/r", "main",
        [.. Encoding.UTF8
            .GetBytes(Jsonl.Of(Enumerable.Range(0, count).Select(i => new { id = $"bd-{i}", title = $"Title {round}", status = "open" })))],
        [], RemoveDeleted: false, null);

    private static async Task<Dictionary<string, string?>> Shown(IBoardGrain board)
    {
        var shown = new Dictionary<string, string?>(StringComparer.Ordinal);
        IssueCursor? after = null;
        do
        {
            var page = await board.Issues(new(null, null, null, null, null, null, null, null, 200, after));
            foreach (var issue in page.Issues) shown.Add(issue.BeadId, issue.Title);
            after = page.Next;
        }
        while (after is not null);
        return shown;
    }

    private static IBoardGrain Board(ServiceProvider services) =>
        services.GetRequiredService<IGrainFactory>().GetGrain<IBoardGrain>(Project);

    private static async Task<ServiceProvider> Start(FeedLog log)
    {
        var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IEventLog>(log)
            // Of the project, which the board asks about its quotas.
            .AddSingleton<IPresenceStore, MemoryPresenceStore>().AddSingleton(PresenceOptions.Default)
            .AddSingleton(Seal.None).AddSingleton(ProjectQuotas.None)
            .AddLocalGrains(typeof(EventSourcedGrain<>).Assembly)
            .BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(Cancelled);
        return services;
    }
}
