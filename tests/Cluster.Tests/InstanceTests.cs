using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary><c>GET /v1/instance</c>: whichever node is asked tells of all of them.</summary>
[Collection("calm")]
public sealed class InstanceTests(CalmCluster calm)
{
    [Fact]
    public async Task Each_node_tells_of_all_nodes_and_of_the_one_log()
    {
        var cluster = await calm.Get();
        var alice = await new Project(cluster.Api).Agent("alice");
        var nodes = Enumerable.Range(0, cluster.Count).Select(node => cluster[node].Api.As(Api.AdminKey)).ToArray();

        var answers = await Task.WhenAll(nodes.Select(node => node.Get("/v1/instance").Ok()));

        var ids = answers.Select(answer => answer.Text("node_id")).ToArray();
        ids.ShouldBeUnique();
        answers.ShouldAllBe(answer => answer.Pluck("nodes", "node_id").Order().SequenceEqual(ids.Order()));
        // One of them works in the background, by the word of all, and it alone knows how deliveries do.
        var holder = answers.Select(answer => answer.Items("nodes").Single(node => node.Flag("does_background_work")).Text("node_id"))
            .Distinct().ShouldHaveSingleItem();
        answers.ShouldAllBe(answer => answer.IsNull("webhooks") == (answer.Text("node_id") != holder));
        answers.ShouldAllBe(answer => answer.At("log").Text("store").StartsWith("postgres", StringComparison.OrdinalIgnoreCase));

        // What one node writes the others count.
        var before = answers.Max(answer => answer.At("log").Number("events"));
        for (var i = 0; i < 40; i++) await alice.At(cluster[0].Api).Claim($"bd-{i}").Ok();
        foreach (var node in nodes)
        {
            var after = await node.Get("/v1/instance").Ok();
            after.At("log").Number("events").ShouldBeGreaterThanOrEqualTo(before + 40);
            after.At("log").Number("bytes").ShouldBeGreaterThan(0);
            // Other tests' projects may have more events than this one.
            after.Items("busiest").Select(project => project.Number("events")).ShouldBeInOrder(SortDirection.Descending);
        }
    }
}
