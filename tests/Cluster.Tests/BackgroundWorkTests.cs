using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Cluster.Tests;

/// <summary>Background work is done by one node at a time, and moves when that node dies or stands still.</summary>
[Collection("faults")]
public sealed class BackgroundWorkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Another_node_takes_over_when_the_one_that_does_it_is_killed_or_stands_still()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(3);
        var first = await Holder(cluster, not: null);

        await cluster[Node(cluster, first)].Kill();
        var second = await Holder(cluster, not: first);
        // Administrators see the dead node no longer, and who took over.
        var asked = cluster[Node(cluster, second)].Api.As(Api.AdminKey);
        await AcrossNodesTests.WaitUntil(async () => (await asked.Get("/v1/instance").Ok()).Items("nodes") is { Length: 2 } nodes
            && nodes.Single(node => node.Flag("does_background_work")).Text("node_id") == second);
        await cluster.StartNode(Node(cluster, first));

        cluster[Node(cluster, second)].Pause();
        var third = await Holder(cluster, not: second);
        cluster[Node(cluster, second)].Continue();
        // Back again, it knows that it is not the one any more.
        await AcrossNodesTests.WaitUntil(() =>
            Task.FromResult(cluster[Node(cluster, second)].Output
            .Any(line => line.Contains("does the background work no longer", StringComparison.Ordinal))));
        (await Holder(cluster, not: null)).ShouldBe(third);
    }

    [Fact]
    public async Task A_webhook_gets_what_every_node_commits_in_order_also_when_its_sender_dies()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(3);
        await using var receiver = new WebhookReceiver();
        var agent = await new Project(cluster.Api).Agent("alice");
        var holder = Node(cluster, await Holder(cluster, not: null));
        // Registered with a node that does not send.
        await agent.At(cluster[(holder + 1) % 3].Api).Post("/v1/webhooks", new { url = receiver.Url, events = new[] { "bead.claimed" } })
            .Ok();
        for (var i = 0; i < 12; i++) await agent.At(cluster[i % 3].Api).Claim($"before-{i}").Ok();
        var seen = await receiver.Until(e => Bead(e) == "before-11");

        await cluster[holder].Kill();
        for (var i = 0; i < 12; i++) await agent.At(cluster[(holder + 1 + (i % 2)) % 3].Api).Claim($"after-{i}").Ok();
        var later = await receiver.Until(e => Bead(e) == "after-11");

        seen.Select(Bead).ShouldBe(Enumerable.Range(0, 12).Select(i => $"before-{i}"));
        // What the dead sender had not noted as sent comes again; nothing is left out.
        later.Select(Bead).Distinct().Where(bead => bead.StartsWith("after-", StringComparison.Ordinal))
            .ShouldBe(Enumerable.Range(0, 12).Select(i => $"after-{i}"));

        static string Bead(System.Text.Json.JsonElement e) => e.Text("bead_id");
    }

    // A node's id begins with the machine's name and the process's number.
    private static int Node(Testing.Cluster cluster, string holder)
    {
        var pid = int.Parse(holder.Split('-')[^2]);
        return Enumerable.Range(0, cluster.Count).Single(node => cluster[node].Pid == pid);
    }

    private static async Task<string> Holder(Testing.Cluster cluster, string? not)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using var connection = await PostgresCluster.Connect(cluster.DatabaseUrl);
        while (true)
        {
            await using var command = new NpgsqlCommand("SELECT holder FROM leases WHERE name = 'background' AND until > clock_timestamp()",
                connection);
            if (await command.ExecuteScalarAsync() is string holder && holder != not) return holder;
            watch.Elapsed.ShouldBeLessThan(Patience);
            await Task.Delay(50);
        }
    }
}
