using System.Net;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>Four sites in a ring without gossip, whose ways are cut.</summary>
public sealed class RingTests
{
    [Fact]
    public async Task A_ring_that_is_cut_in_two_under_load_ends_alike()
    {
        const int PostsOfASite = 10;
        var sites = await Task.WhenAll(new[] { "berlin", "lima", "osaka", "quito" }.Select(static name =>
            // No site tells where it really is: a neighbour that is met before it was entered would be reached past its cut.
            Site.Start(name, ("BEADHUB_SYNC_GOSSIP", "false"), ("BEADHUB_SYNC_ENDPOINT", "http://127.0.0.1:9/sync/v1"))));
        // The way from each to the next and back.
        var ways = new List<CutProxy>();
        try
        {
            var keys = await Task.WhenAll(sites.Select(static (site, i) => site.Agent($"agent{i}")));
            (await sites[0].Api.As(keys[0]).Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
            for (var i = 0; i < 4; i++)
            {
                var (one, next) = (sites[i], sites[(i + 1) % 4]);
                ways.Add(new(new IPEndPoint(IPAddress.Loopback, next.Port)));
                ways.Add(new(new IPEndPoint(IPAddress.Loopback, one.Port)));
                await one.Add(next, port: ways[^2].Port);
                await next.Add(one, port: ways[^1].Port);
            }

            await Site.Alike(0, 30, sites);
            // Between the first and the second, and between the third and the fourth.
            foreach (var way in new[] { ways[0], ways[1], ways[4], ways[5] })
            {
                way.StaysCut = true;
                way.Cut();
            }

            await Load();
            await Site.Alike(PostsOfASite * 2, 30, sites[1], sites[2]);
            await Site.Alike(PostsOfASite * 2, 30, sites[3], sites[0]);
            (await sites[0].StateHash()).ShouldNotBe(await sites[1].StateHash());

            // One way is enough.
            var load = Load();
            ways[0].StaysCut = false;
            await load;
            await Site.Alike(PostsOfASite * 8, 60, sites);

            Task Load() => Task.WhenAll(sites.Select(async (site, s) =>
            {
                for (var i = 0; i < PostsOfASite; i++)
                    (await site.Api.As(keys[s]).Post("/api/v1/posts", new { hive = "eng", title = $"{s} {i}", content = "x" }))
                        .Status.ShouldBe(201);
            }));
        }
        finally
        {
            foreach (var way in ways) await way.DisposeAsync();
            foreach (var site in sites) await site.DisposeAsync();
        }
    }
}
