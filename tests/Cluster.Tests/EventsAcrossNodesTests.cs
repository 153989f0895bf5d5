using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>Event streams show what every node commits, each event once and in order: over Redis, over NOTIFY, and by looking when neither
/// carries.</summary>
[Collection("faults")]
public sealed class EventsAcrossNodesTests
{
    private const int Beads = 40;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_listener_sees_every_event_once_and_in_order(bool hasRedis)
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(3, hasRedis);
        var project = new Project(cluster.Api);
        var agents = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => project.Agent($"agent-{i}")));
        var streams = await Task.WhenAll(Enumerable.Range(0, 3).Select(node => agents[node].At(cluster[node].Api).Stream()));

        await Burst("first");
        if (cluster.Redis is { } redis)
        {
            // Redis goes and comes back, and forgets everything: events still come.
            await redis.Stop();
            await Burst("without");
            (await cluster[0].Api.Get("/health").Ok()).At("checks").Text("redis").ShouldStartWith("error:");
            (await cluster[0].Api.Get("/health/ready")).Status.ShouldBe(200);
            await redis.Start();
            await AcrossNodesTests.WaitUntil(async () => (await cluster[0].Api.Get("/health").Ok()).At("checks").Text("redis") == "ok");
            await Burst("again");
        }

        await cluster.Postgres.Stop();
        await cluster.Postgres.Start(TestContext.Current.CancellationToken);
        await Burst("after");
        foreach (var stream in streams) await stream.DisposeAsync();

        async Task Burst(string name)
        {
            await Task.WhenAll(agents.Select((agent, i) => Task.Run(async () =>
            {
                for (var n = 0; n < Beads / agents.Length; n++) await agent.At(cluster[i % 3].Api).Claim($"{name}-{i}-{n}").Ok();
            })));
            await agents[0].Claim($"{name}-end").Ok();
            var seen = await Task
                .WhenAll(streams.Select(stream => stream.Until(e => e.Type == "bead.claimed" && e.Data.Text("bead_id") == $"{name}-end")));
            var positions = seen.Select(events => events.Select(e => e.Position).ToArray()).ToArray();
            positions[0].ShouldBe(positions[0].Distinct().Order().ToArray());
            positions[1].ShouldBe(positions[0]);
            positions[2].ShouldBe(positions[0]);
            seen[0].Count(e => e.Type == "bead.claimed").ShouldBe(1 + (Beads / agents.Length * agents.Length));
        }
    }
}
