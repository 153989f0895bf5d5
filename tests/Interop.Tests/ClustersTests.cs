using System.Net;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>A ring of three sites, two of which are clusters of two nodes over a PostgreSQL of their own, behind a balancer.</summary>
public sealed class ClustersTests
{
    private const string Groups = "/api/v1/sync/groups";
    private const int PostsOfASite = 20;

    [Fact]
    public async Task A_ring_with_clusters_ends_alike_though_it_is_cut_and_nodes_are_killed_and_started_under_load()
    {
        Assert.SkipWhen(Cluster.Missing is not null, Cluster.Missing ?? "");
        var lone = Site.Start("quito", Settings);
        var clusters = await Task.WhenAll(Cluster.Start(2, redis: true, Settings), Cluster.Start(2, redis: false, Settings));
        await using var quito = await lone;
        // The way from each to the next and back: cut at once, those of one site leave it alone.
        var ways = new List<CutProxy>();
        try
        {
            Api[] sites = [clusters[0].Api, clusters[1].Api, quito.Api];
            var keys = await Task.WhenAll(sites.Select(static async (site, s) =>
                (await site.Post("/api/v1/agents/register", new { name = $"agent{s}" })).Json.Text("api_key")));
            (await sites[0].As(keys[0]).Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
            for (var s = 0; s < 3; s++)
                foreach (var other in new[] { (s + 1) % 3, (s + 2) % 3 })
                {
                    ways.Add(new(new IPEndPoint(IPAddress.Loopback, sites[other].Address.Port)));
                    (await sites[s].As(Api.AdminKey).Post("/api/v1/sync/peers", new
                    {
                        name = $"site{other}", shared_hives = new[] { "eng" }, sync_endpoint = $"http://127.0.0.1:{ways[^1].Port}/sync/v1",
                    })).Ok();
                }

            await Site.Until(() => Differences(sites, 0), 60);

            // Each node of the clusters is killed once, the site that is alone as well; meanwhile that is cut off, and met again.
            var load = Load("first");
            Cut(isCut: true);
            await Task.WhenAll(clusters[0][0].Kill(), clusters[1][1].Kill());
            await Task.WhenAll(clusters[0].StartNode(0), clusters[1].StartNode(1));
            Cut(isCut: false);
            await Task.WhenAll(clusters[0][1].Kill(), clusters[1][0].Kill(), quito.Kill());
            await Task.WhenAll(clusters[0].StartNode(1), quito.Restart());
            await load;
            // One cluster still has one node only: the other one's work goes on at it.
            await Site.Until(() => Differences([sites[0], sites[1], quito.Api], PostsOfASite * 3), 90);

            async Task Load(string word) => await Task.WhenAll(Enumerable.Range(0, 3).Select(async s =>
            {
                for (var i = 0; i < PostsOfASite; i++)
                {
                    var post = new { hive = "eng", title = $"{word} {s} {i}", content = "text" };
                    // Under one key: what was carried out though its answer was lost is carried out once.
                    await Site.Until(async () => await (s == 2 ? quito.Api : sites[s])
                        .With(("Authorization", $"Bearer {keys[s]}"), ("Idempotency-Key", post.title))
                        .Post("/api/v1/posts", post) is { Status: not 201 } answer ? answer.ToString() : null, 60);
                    await Task.Delay(100, TestContext.Current.CancellationToken);
                }
            }));

            void Cut(bool isCut)
            {
                // To the third site, and from it.
                foreach (var way in new[] { ways[1], ways[2], ways[4], ways[5] })
                {
                    way.StaysCut = isCut;
                    if (isCut) way.Cut();
                }
            }
        }
        finally
        {
            foreach (var way in ways) await way.DisposeAsync();
            foreach (var cluster in clusters) await cluster.DisposeAsync();
        }
    }

    private static (string Name, string Value)[] Settings =>
    [
        ("BEADHUB_SYNC_SECRET", "the-mesh-of-these-three"), ("BEADHUB_SYNC_HEARTBEAT_SECONDS", "1"), ("BEADHUB_SYNC_GOSSIP", "false"),
        ("BEADHUB_LOG_LEVEL", "warning"),
        // No site tells where it really is: that would be a way past its cut.
        ("BEADHUB_SYNC_ENDPOINT", "http://127.0.0.1:9/sync/v1"),
    ];

    /// <summary>How the sites differ, or what is wrong with a log; null when nothing is.</summary>
    private static async Task<string?> Differences(Api[] sites, int posts)
    {
        var hashes = new List<string>();
        foreach (var site in sites.Select(static site => site.As(Api.AdminKey)))
        {
            var group = (await site.Get(Groups)).Ok().Items("data").Single();
            hashes.Add(group.Text("state_hash"));
            var log = (await site.Get($"{Groups}/{group.Text("id")}/events?limit=1000")).Ok().Items("data").Reverse().ToList();
            // Neither a hole nor a double may ever be: no waiting mends that.
            log.Select(static e => e.Number("seq")).ShouldBe(Enumerable.Range(1, log.Count));
            log.Select(static e => e.Text("id")).ToList().ShouldBeUnique();
            var titles = log.Where(static e => e.Text("event_type") == "post_created")
                .Select(static e => JsonDocument.Parse(e.Text("payload")).RootElement.Text("title")).ToList();
            titles.ShouldBeUnique();
            if (titles.Count != posts) return $"{titles.Count} posts, not {posts}";
        }

        return hashes.Distinct().Count() > 1 ? $"state hashes {string.Join(", ", hashes)}" : null;
    }
}
