using Beadhub.Beads;
using Beadhub.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Beadhub.Orleans.Tests;

/// <summary>A program that is no silo reaches the grains by way of a silo's gateway.</summary>
public sealed class ClusterClientTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_program_elsewhere_writes_reads_and_follows_a_feed(bool redis)
    {
        await using var cluster = await Clusters.Start(1, redis, ("BEADHUB_SILO_GATEWAY_PORT", ServerProcess.FreePort().ToString()));
        var alice = await new Project(cluster[0].Api).Agent("alice");
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Lamp", status = "open" })).Ok();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddBeadhubClusterClient(settings =>
            settings with { DatabaseUrl = cluster.DatabaseUrl, RedisUrl = cluster.Redis?.Url });
        builder.Services.AddBeadhubClient();
        using var program = builder.Build();
        await program.StartAsync(TestContext.Current.CancellationToken);
        var hub = program.Services.GetRequiredService<BeadhubClient>();

        var project = (await hub.FindProject(alice.Project.Slug)).ShouldNotBeNull();
        (await project.Board.Ready(new(Repo: null, Branch: null, Limit: 20))).Issues.Select(issue => issue.BeadId).ShouldBe(["bd-1"]);
        (await hub.Init(alice.Project.Slug, "bob")).Alias.ShouldBe("bob");
        // What a grain refuses is told as what it is.
        (await Should.ThrowAsync<RefusedException>(() => project.Locks.Renew(new("nobody's", alice.Id, 60)))).Kind
            .ShouldBe(RefusalKind.NotFound);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        // Shorter than the pause after which a quiet follower looks for itself.
        patience.CancelAfter(TimeSpan.FromSeconds(25));
        await using var news = project.Follow(cancellation: patience.Token).GetAsyncEnumerator(patience.Token);
        var first = news.MoveNextAsync();
        // Somebody follows once it hears of what comes.
        while (!first.IsCompleted)
        {
            await alice.Claim("bd-1").Ok();
            await alice.Change(Jsonl.Of(new { id = "bd-1", title = "Lamp", status = "open" })).Ok();
            await Task.Delay(100, patience.Token);
        }

        (await first).ShouldBeTrue();
        while (EventTypes.Parse(news.Current.Type, news.Current.Data) is not BeadClaimed) (await news.MoveNextAsync()).ShouldBeTrue();
    }
}
