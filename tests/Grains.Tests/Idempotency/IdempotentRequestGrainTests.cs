using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Idempotency;
using Beadhub.Identities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Idempotency;

/// <summary>Who carries out a request with a key, when nodes die in the middle.</summary>
public sealed class IdempotentRequestGrainTests : IAsyncLifetime
{
    private readonly Clock _time = new();
    private readonly FeedLog _log = new();
    private ServiceProvider _services = null!;

    public async ValueTask InitializeAsync()
    {
        _services = new ServiceCollection()
            .AddSingleton<TimeProvider>(_time).AddSingleton<IEventLog>(_log).AddSingleton(new Seal(new byte[32])).AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        await _services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    [Fact]
    public async Task A_node_that_is_not_heard_of_loses_its_turn_and_ends_nobody_elses_when_it_comes_back()
    {
        var first = await Begun();
        _time.Now += TimeSpan.FromSeconds(59);
        var waiting = Request.Begin("f");
        waiting.IsCompleted.ShouldBeFalse();

        _time.Now += TimeSpan.FromSeconds(2);
        var second = await Begun();
        second.ShouldNotBe(first);
        await Request.Abandon(first);
        var third = Request.Begin("f");
        third.IsCompleted.ShouldBeFalse();

        (await Request.Complete(new("f", 200, "second"), second)).Answer!.Body.ShouldBe("second");
        (await Request.Complete(new("f", 200, "first"), first)).ShouldSatisfyAllConditions(
            late => late.Step.ShouldBe(RequestStep.Repeat), late => late.Answer!.Body.ShouldBe("second"));
        (await third).Answer!.Body.ShouldBe("second");
    }

    [Fact]
    public async Task An_answer_that_holds_a_secret_is_kept_encrypted_and_given_back_as_it_was()
    {
        const string Body = """{"secret":"whsec_1"}""";
        await Request.Complete(new("f", 200, Body, HoldsSecret: true), await Begun());

        var stored = (await _log.Load(new(IdempotentRequest.Kind.Name, "p/key"), TestContext.Current.CancellationToken)).Tail.ShouldHaveSingleItem();
        stored.Data.ShouldNotContain("whsec_1");
        (await Request.Begin("f")).Answer!.Body.ShouldBe(Body);
        var kept = IdempotentRequest.Empty.Apply(EventTypes.Parse(stored.Type, stored.Data)!);
        Should.Throw<RefusedException>(() => kept.Begin("f", Seal.None)).Kind.ShouldBe(RefusalKind.NotConfigured);
        IdempotentRequest.Empty.Apply(new RequestAnswered(new("f", 200, Body, HoldsSecret: true), default)).Begin("f", Seal.None).Answer!.Body.ShouldBe(Body);
    }

    [Fact]
    public async Task In_a_process_that_is_alone_a_request_may_take_as_long_as_it_likes()
    {
        _log.ExclusiveEpoch = 1;
        var first = await Begun();
        _time.Now += TimeSpan.FromHours(1);
        var second = Request.Begin("f");
        second.IsCompleted.ShouldBeFalse();
        await Request.Abandon(first);
        (await second).Step.ShouldBe(RequestStep.Proceed);
    }

    private IIdempotentRequestGrain Request => _services.GetRequiredService<IGrainFactory>().GetGrain<IIdempotentRequestGrain>("p/key");

    private async Task<Guid> Begun()
    {
        var begun = await Request.Begin("f").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        begun.Step.ShouldBe(RequestStep.Proceed);
        return begun.Turn;
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
