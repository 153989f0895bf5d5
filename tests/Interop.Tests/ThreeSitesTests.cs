using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>Three sites, each of which is told of one other only, and what becomes of them when they are killed and stand still.</summary>
public sealed class ThreeSitesTests
{
    [Fact]
    public async Task A_chain_becomes_a_mesh_and_all_sites_end_alike_though_they_are_killed_and_stand_still_under_load()
    {
        var sites = await Task.WhenAll(Site.Start("berlin"), Site.Start("lima"), Site.Start("osaka"));
        try
        {
            var (a, b, c) = (sites[0], sites[1], sites[2]);
            var alice = await a.Agent("alice");
            (await a.Api.As(alice).Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
            for (var i = 0; i < 5; i++) await Post(a, alice, $"before {i}");

            // Two sites meet when each adds the other: b and c are told by nobody else.
            await a.Add(b);
            await b.Add(c);
            (await c.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
            await Site.Until(() => Differences(sites, 5));
            await Site.Until(async () => (await a.Admin.Get("/api/v1/sync/peers")).Ok().Items("data").Any(peer =>
                peer.Text("sync_endpoint") == c.Endpoint && peer.Text("source") == "gossip" && peer.Text("status") == "active")
                ? null : "the first site has not learnt of the third");

            // Load at all three, while one is killed and one stands still.
            var (bob, carol) = (await b.Agent("bob"), await c.Agent("carol"));
            await Join(b, bob);
            await Join(c, carol);
            string[] keys = [alice, bob, carol];
            var acknowledged = 0;
            var load = Task.WhenAll(Enumerable.Range(0, 3).Select(async site =>
            {
                for (var i = 0; i < 30; i++)
                {
                    try
                    {
                        await Post(sites[site], keys[site], $"{site} {i}");
                        Interlocked.Increment(ref acknowledged);
                    }
                    catch (HttpRequestException)
                    {
                        // The site is away: what was not acknowledged may be there or not.
                        await Task.Delay(100, TestContext.Current.CancellationToken);
                        i--;
                    }
                }
            }));
            await Task.Delay(300, TestContext.Current.CancellationToken);
            await b.Kill();
            c.Process.Pause();
            await Task.Delay(500, TestContext.Current.CancellationToken);
            await b.Restart();
            c.Process.Continue();
            await load.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

            acknowledged.ShouldBe(90);
            await Site.Until(() => Differences(sites, 95), 60);
        }
        finally
        {
            foreach (var site in sites) await site.DisposeAsync();
        }
    }

    /// <summary>How the sites differ, or what is wrong with a log; null when nothing is.</summary>
    private static async Task<string?> Differences(Site[] sites, int posts)
    {
        var hashes = await Task.WhenAll(sites.Select(static async site => (await site.Group())!.Value.Text("state_hash")));
        if (hashes.Distinct().Count() > 1) return $"state hashes {string.Join(", ", hashes)}";
        var logs = await Task.WhenAll(sites.Select(static site => site.Log()));
        var sets = logs.Select(static log => log.Select(static e => e.Text("id")).Order(StringComparer.Ordinal).ToList()).ToList();
        if (sets.Any(set => !set.SequenceEqual(sets[0])))
            return $"logs of {string.Join(", ", logs.Select(static log => log.Length))} events";
        foreach (var (log, set) in logs.Zip(sets))
        {
            // Neither a hole nor a double may ever be: no waiting mends that.
            log.Select(static e => e.Number("seq")).ShouldBe(Enumerable.Range(1, log.Length));
            set.ShouldBeUnique();
        }

        var made = logs[0].Where(static e => e.Text("event_type") == "post_created").ToList();
        // Whoever lost the answer has asked again: that makes another post, since keys of repeats are not taken under /api/v1.
        var titles = made.Select(static e => JsonDocument.Parse(e.Text("payload")).RootElement.Text("title")).Distinct().Count();
        return titles == posts ? null : $"{titles} posts";
    }

    private static Task Join(Site site, string key) => Site.Until(async () =>
        await site.Api.As(key).Post("/api/v1/hives/eng/join") is { Status: not 201 } answer ? answer.ToString() : null);

    private static async Task Post(Site site, string key, string title)
    {
        var answer = await site.Api.As(key).Post("/api/v1/posts", new { hive = "eng", title, content = "text" });
        if (answer.Status is 502 or 503) throw new HttpRequestException(answer.ToString());
        answer.Status.ShouldBe(201, answer.ToString());
    }
}
