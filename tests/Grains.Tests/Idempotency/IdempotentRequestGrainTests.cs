using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Idempotency;
using Beadhub.Identities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Idempotency;

/// <summary>Answers that hold a secret.</summary>
public sealed class IdempotentRequestGrainTests : IAsyncLifetime
{
    private readonly FeedLog _log = new();
    private ServiceProvider _services = null!;

    public async ValueTask InitializeAsync()
    {
        _services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton<IEventLog>(_log).AddSingleton(new Seal(new byte[32]))
                .AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        await _services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    [Fact]
    public async Task An_answer_that_holds_a_secret_is_kept_encrypted_and_given_back_as_it_was()
    {
        const string Body = """{"secret":"whsec_1"}""";
        var request = _services.GetRequiredService<IGrainFactory>().GetGrain<IIdempotentRequestGrain>("p/key");
        await request.Keep(new("f", 200, Body, HoldsSecret: true), Guid.NewGuid(), hasWritten: true);

        var stored = (await _log.Load(new(IdempotentRequest.Kind.Name, "p/key"), TestContext.Current.CancellationToken)).Tail
            .ShouldHaveSingleItem();
        stored.Data.ShouldNotContain("whsec_1");
        (await request.Find("f")).Answer!.Body.ShouldBe(Body);
        var kept = IdempotentRequest.Empty.Apply(EventTypes.Parse(stored.Type, stored.Data)!);
        Should.Throw<RefusedException>(() => kept.Find("f", Seal.None)).Kind.ShouldBe(RefusalKind.NotConfigured);
        IdempotentRequest.Empty.Apply(new RequestAnswered(new("f", 200, Body, HoldsSecret: true), default))
            .Find("f", Seal.None).Answer!.Body.ShouldBe(Body);
    }
}
