using Beadhub.EventLog;
using Beadhub.Escalations;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Orleans.Local.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.EscalationLists;

/// <summary>The grain with its timer, on a clock that the test moves.</summary>
public sealed class EscalationsGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    private readonly FakeTime _time = new();
    private readonly FeedLog _log = new() { ExclusiveEpoch = 1 };

    [Fact]
    public async Task One_that_nobody_answers_gets_its_event_when_its_time_is_over()
    {
        await using var engine = await Start();
        var grain = engine.GetRequiredService<IGrainFactory>().GetGrain<IEscalationsGrain>(Project);
        await grain.Create(Ask("a", hours: 30));
        await grain.Create(Ask("b", hours: 3));
        (await grain.Pending()).Count.ShouldBe(2);

        await Pass(hours: 2.9);
        (await Expired()).ShouldBeEmpty();
        await Pass(hours: 0.2);
        await Until("b");
        (await grain.Pending()).Count.ShouldBe(1);

        // Nobody has called the grain all this time.
        await Pass(hours: 30);
        await Until("b", "a");
        (await grain.Pending()).Count.ShouldBe(0);
    }

    [Fact]
    public async Task One_that_expires_while_the_server_is_down_is_expired_when_it_is_up_again()
    {
        await using (var engine = await Start())
        {
            var grain = engine.GetRequiredService<IGrainFactory>().GetGrain<IEscalationsGrain>(Project);
            await grain.Create(Ask("a", hours: 3));
            await engine.GetServices<IHostedService>().Single().StopAsync(TestContext.Current.CancellationToken);
        }

        _time.Advance(TimeSpan.FromHours(4));
        (await Expired()).ShouldBeEmpty();
        await using (var engine = await Start())
        {
            var grain = engine.GetRequiredService<IGrainFactory>().GetGrain<IEscalationsGrain>(Project);
            (await grain.Find("a"))!.Status.ShouldBe("expired");
            (await grain.Get("a"))!.Status.ShouldBe("expired");
            (await grain.List(new(null, null, "expired", null, 50, null))).Escalations.ShouldHaveSingleItem();
            _time.Advance(TimeSpan.FromSeconds(1));
            await Until("a");
            (await grain.Respond(new("a", "r", "better late", null))).Response.ShouldBe("better late");
            (await grain.Get("a"))!.ShouldSatisfyAllConditions(e => e.Status.ShouldBe("responded"),
                e => e.Response.ShouldBe("better late"));
        }
    }

    [Fact]
    public async Task A_repeated_answer_is_told_again_though_another_has_replaced_it()
    {
        await using var engine = await Start();
        var grain = engine.GetRequiredService<IGrainFactory>().GetGrain<IEscalationsGrain>(Project);
        await grain.Create(Ask("a", hours: 3));
        var first = await grain.Respond(new("a", "r1", "yes", "n"));
        _time.Advance(TimeSpan.FromMinutes(1));
        await grain.Respond(new("a", "r2", "no", null));

        (await grain.Respond(new("a", "r1", "yes", "n"))).ShouldBe(first);
        (await grain.Get("a"))!.Response.ShouldBe("no");
    }

    private static CreateEscalation Ask(string id, double hours) =>
        new(id, "w", "alice", "Subject", "Situation", [], null, TimeSpan.FromHours(hours));

    private async Task<string[]> Expired() =>
        [.. (await _log.ReadFeed(Project, 0, 1000)).Select(e => EventTypes.Parse(e.Type, e.Data)).OfType<EscalationExpired>()
            .Select(e => e.EscalationId)];

    /// <summary>Lets time go by in steps in which an idle grain would be collected.</summary>
    private async Task Pass(double hours)
    {
        for (var end = _time.GetUtcNow() + TimeSpan.FromHours(hours); _time.GetUtcNow() < end;)
        {
            _time.Advance(TimeSpan.FromMinutes(3));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Timers tick on another thread than the one that moves the clock.</summary>
    private async Task Until(params string[] ids)
    {
        for (var i = 0; i < 1000 && (await Expired()).Length < ids.Length; i++)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
            _time.Advance(TimeSpan.FromTicks(1));
        }

        (await Expired()).ShouldBe(ids);
    }

    private async Task<ServiceProvider> Start()
    {
        var services = new ServiceCollection()
            .AddSingleton<TimeProvider>(_time)
            .AddSingleton<IEventLog>(_log)
            .AddLocalGrains(typeof(EscalationsGrain).Assembly)
            .BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(default);
        return services;
    }
}
