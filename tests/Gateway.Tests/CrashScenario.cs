using System.Collections.Concurrent;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>kill -9 in the middle of concurrent writes: what was acknowledged is there afterwards, once.</summary>
public abstract class CrashScenarioContract(Store store) : ContractTests(store)
{
    private const int Issues = 1200;
    private const int Writers = 8;
    private const int Acknowledged = 80;

    [Fact]
    public async Task Every_acknowledged_write_survives()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice-dev", human: "Alice"), await project.Agent("bob-dev", human: "Bob"));
        var carol = await project.Identity("carol");
        var file = IssueGenerator.File(new IssueGenerator(seed: 2, prefix: "gen").Issues(Issues));
        (await alice.Sync(file).Ok()).At("stats").Number("inserted").ShouldBe(Issues);

        var owners = new ConcurrentDictionary<string, string>();
        var watched = new List<StreamedEvent>();
        var stream = await carol.Stream();
        for (var round = 0; round < 3; round++)
        {
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var goal = owners.Count + Acknowledged;
            var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var i = 0; await Write(writer % 2 == 0 ? alice : bob, $"w{round}-{writer}-{i}", owners); i++)
                {
                    if (owners.Count >= goal)
                        enough.TrySetResult();
                }
            })).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await server.Kill();
            await Task.WhenAll(writers);
            await stream.Ended;
            watched.AddRange(stream.Rest());
            var last = stream.LastId;
            await stream.DisposeAsync();

            await server.Restart();
            (alice, bob, carol) = (alice.At(server.Api), bob.At(server.Api), carol.At(server.Api));
            stream = await carol.Stream(lastEventId: last);
            await bob.Sync(Jsonl.Of(new { id = $"marker-{round}", status = "open" })).Ok();
            watched.AddRange(await stream.Until(e => e.Data.Text("bead_id") == $"marker-{round}"));

            await Verify(carol, owners, watched);
            (await alice.Sync(file).Ok()).At("stats").Number("inserted").ShouldBe(0);
        }

        await stream.DisposeAsync();
        var held = owners.First(owner => owner.Value == alice.Id).Key;
        (await bob.Claim(held).Ok()).Text("claim_rejected_reason").ShouldBe($"{held} is being worked on by alice-dev (Alice)");
    }

    /// <summary>A sync so large that it is several commits, the board decides it by itself, and it is killed after the first of
    /// them.</summary>
    [Fact]
    public async Task A_large_sync_that_is_killed_in_the_middle_leaves_whole_issues_and_the_next_one_completes_it()
    {
        await using var server = await Store.Own();
        var alice = await new Project(server.Api).Agent("alice-dev");
        var lines = Enumerable.Range(0, 8000).Select(i =>
            $$"""{"id":"bd-{{i:0000}}","title":"Title {{i}}","status":"open","design":"{{new string('d', 300)}}"}""").ToArray();
        var file = string.Join("\n", lines);
        var stream = await alice.Stream();

        var killed = alice.Sync(file);
        await stream.Next();
        await server.Kill();
        // Whether its answer came before the end or not: what it says is in the log.
        try
        {
            (await killed).Ok().At("stats").Number("inserted").ShouldBe(lines.Length);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
        }

        await stream.DisposeAsync();
        await server.Restart();
        alice = alice.At(server.Api);
        var there = await Export(alice);
        there.ShouldBeSubsetOf(lines, "issues that nobody has sent");
        there.Distinct().Count().ShouldBe(there.Length);
        TestContext.Current.TestOutputHelper?.WriteLine($"{there.Length} of {lines.Length} were there");

        var stats = (await alice.Sync(file).Ok()).At("stats");
        (stats.Number("inserted"), stats.Number("unchanged")).ShouldBe((lines.Length - there.Length, there.Length));
        (await Export(alice)).ShouldBe(lines);

        static async Task<string[]> Export(Agent agent)
        {
            var answer = await agent.Get("/v1/beads/export-jsonl?repo=" + Uri.EscapeDataString(agent.Repo));
            answer.Status.ShouldBe(200, answer.ToString());
            return answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <summary>Syncs and claims a new bead; false when the server is gone.</summary>
    private static async Task<bool> Write(Agent agent, string bead, ConcurrentDictionary<string, string> owners)
    {
        try
        {
            (await agent.Claim(bead).Ok()).Flag("claim_rejected").ShouldBeFalse();
            owners[bead] = agent.Id;
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
    }

    private static async Task Verify(Agent carol, ConcurrentDictionary<string, string> owners, List<StreamedEvent> watched)
    {
        var issues = (await Pages.Of(carol, "/v1/beads/issues?limit=200", "issues")).ToDictionary(issue => issue.Text("bead_id"));
        var claims = (await Pages.Of(carol, "/v1/claims?limit=200", "claims"))
            .ToDictionary(claim => claim.Text("bead_id"), claim => claim.Text("workspace_id"));
        owners.Keys.Except(issues.Keys).ShouldBeEmpty("acknowledged issues that are gone");
        owners.Where(owner => claims.GetValueOrDefault(owner.Key) != owner.Value).ShouldBeEmpty("acknowledged claims that are gone");
        owners.Keys.ShouldAllBe(id => issues[id].Text("status") == "in_progress");

        var positions = watched.Select(e => e.Position).ToArray();
        positions.ShouldBe(positions.Distinct().Order().ToArray(), "events twice or out of order");
        foreach (var type in new[] { "bead.claimed", "bead.status_changed" })
            owners.Keys.Except(watched.Where(e => e.Type == type).Select(e => e.Data.Text("bead_id")))
                .ShouldBeEmpty($"acknowledged, but no {type}");
    }
}
