using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>The limit of mail counts what all nodes take together, by Redis; without one it is <see cref="WithoutRedisTests"/>.</summary>
[Collection("faults")]
public sealed class MailLimitTests
{
    private const int Limit = 5;

    [Fact]
    public async Task Nodes_count_an_agents_mail_together_and_each_agents_apart()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(2, redis: true, ("BEADHUB_MAIL_RATE_LIMIT", $"{Limit}"));
        var project = new Project(cluster.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        // All of them within the minute that the first begins.
        var answers = new List<int>();
        for (var i = 0; i < 2 * Limit; i++) answers.Add((await alice.At(cluster[i % 2].Api).Mail(bob, $"{i}")).Status);

        answers.ShouldBe([.. Enumerable.Repeat(200, Limit), .. Enumerable.Repeat(429, Limit)]);
        (await bob.Inbox()).Length.ShouldBe(Limit);
        (await bob.At(cluster[0].Api).Mail(alice)).Status.ShouldBe(200);
    }
}
