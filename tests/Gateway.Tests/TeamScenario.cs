using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What Beadhub is for: agents that sync one project, claim its beads, and see each other live.</summary>
public abstract class TeamScenarioContract(Store store) : ContractTests(store)
{
    private const int Issues = 1200;

    [Fact]
    public async Task Two_agents_sync_and_claim_while_others_watch()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice-dev", human: "Alice"), await project.Agent("bob-dev", human: "Bob"));
        var (carol, dave) = (await project.Agent("carol-dev"), await project.Identity("dave"));
        var generator = new IssueGenerator(seed: 1, prefix: "gen");
        var issues = generator.Issues(Issues).ToDictionary(issue => (string)issue["id"]!);
        var file = IssueGenerator.File(issues.Values);

        // Both sync the same file; then nothing is new any more, and nobody hears of it.
        Stats(await alice.Sync(file).Ok()).ShouldBe((Issues, Issues, 0));
        Stats(await bob.Sync(file).Ok()).ShouldBe((Issues, 0, Issues));
        await using var whole = await dave.Stream();
        var watched = new List<StreamedEvent>();
        string last;
        await using (var first = await carol.Stream())
        {
            Stats(await alice.Sync(file).Ok()).ShouldBe((Issues, 0, Issues));

            // An incremental sync of some changes is announced, issue by issue.
            var changed = issues.Values.Where(issue => (string)issue["status"]! == "open").Take(25)
                .Select(issue => generator.Changed(issue, "blocked")).ToList();
            foreach (var issue in changed)
                issues[(string)issue["id"]!] = issue;
            Stats(await alice.Change(IssueGenerator.File(changed)).Ok()).ShouldBe((25, 0, 25));
            for (var i = 0; i < changed.Count; i++)
                watched.Add(await first.Next());
            watched.ShouldAllBe(e =>
                e.Type == "bead.status_changed" && e.Data.Text("old_status") == "open" && e.Data.Text("new_status") == "blocked");
            watched.Select(e => e.Data.Text("bead_id")).Order().ShouldBe(changed.Select(issue => (string)issue["id"]!).Order());

            // One claims; the other is refused in the contract's words, before and in the sync.
            var bead = issues.Values.First(issue => (string)issue["status"]! == "open");
            var id = (string)bead["id"]!;
            var reason = $"{id} is being worked on by alice-dev (Alice)";
            bead = issues[id] = generator.Changed(bead, "in_progress");
            (await alice.Command($"update {id} --status in_progress").Ok()).Flag("approved").ShouldBeTrue();
            (await alice.Change(IssueGenerator.File([bead]), $"update {id} --status in_progress").Ok()).Flag("claim_rejected")
                .ShouldBeFalse();
            (await bob.Command($"update {id} --status in_progress").Ok()).Text("reason").ShouldBe(reason);
            var rejected = await bob.Change(IssueGenerator.File([bead]), $"update {id} --status in_progress").Ok();
            rejected.Flag("claim_rejected").ShouldBeTrue();
            rejected.Text("claim_rejected_reason").ShouldBe(reason);
            watched.AddRange(await first.Until(e => e.Type == "bead.claimed"));
            watched[^1].Data.Text("bead_id").ShouldBe(id);
            watched[^1].Data.Text("title").ShouldBe((string)bead["title"]!);
            last = watched[^1].Id;

            // While the watcher is away, the bead changes hands.
            await first.DisposeAsync();
            bead = issues[id] = generator.Changed(bead, "closed");
            await alice.Change(IssueGenerator.File([bead]), $"close {id}").Ok();
            bead = issues[id] = generator.Changed(bead, "in_progress");
            (await bob.Change(IssueGenerator.File([bead]), $"update {id} --status in_progress").Ok()).Flag("claim_rejected")
                .ShouldBeFalse();
        }

        // It resumes, misses nothing, and gets nothing twice.
        await using var second = await carol.Stream(lastEventId: last);
        await bob.Sync(Jsonl.Of(new { id = "marker", status = "open" })).Ok();
        watched.AddRange(await second.Until(Marker));
        watched.Select(e => e.ToString()).ShouldBe((await whole.Until(Marker)).Select(e => e.ToString()));
        watched.Skip(watched.FindIndex(e => e.Id == last)).Where(e => e.Type != "bead.status_changed")
            .Select(e => $"{e.Type} {e.Data.Text("alias")}")
                .ShouldBe(["bead.claimed alice-dev", "bead.unclaimed alice-dev", "bead.claimed bob-dev"]);

        var stored = (await Pages.Of(carol, "/v1/beads/issues?limit=200", "issues")).ToDictionary(issue => issue.Text("bead_id"));
        stored.Count.ShouldBe(Issues + 1);
        foreach (var (id, issue) in issues)
        {
            stored[id].Text("title").ShouldBe((string)issue["title"]!);
            stored[id].Text("status").ShouldBe((string)issue["status"]!);
            stored[id].Number("priority").ShouldBe((int)issue["priority"]!);
            stored[id].Text("type").ShouldBe((string)issue["issue_type"]!);
            var labels = issue["labels"] is JsonArray { Count: > 0 } list ? list.Select(label => (string)label!).ToArray() : null;
            (stored[id].IsNull("labels") ? null : stored[id].Texts("labels")).ShouldBe(labels);
        }
    }

    [Fact]
    public async Task Of_32_agents_that_race_for_a_bead_one_gets_it()
    {
        var project = NewProject();
        var agents = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => project.Agent()));
        await using var stream = await agents[0].Stream();

        for (var round = 0; round < 5; round++)
        {
            var bead = $"bd-{round}";
            var syncs = await Task.WhenAll(agents.Select(agent => agent.Claim(bead).Ok()));

            var winner = agents[Array.FindIndex(syncs, sync => !sync.Flag("claim_rejected"))];
            syncs.Count(sync => sync.Flag("claim_rejected")).ShouldBe(31);
            syncs.Where(sync => sync.Flag("claim_rejected")).ShouldAllBe(sync =>
                sync.Text("claim_rejected_reason").StartsWith($"{bead} is being worked on by {winner.Alias}", StringComparison.Ordinal));
            var claims = await winner.Get("/v1/claims").Ok();
            claims.Find("claims", "bead_id", bead).Text("workspace_id").ShouldBe(winner.Id);
        }

        await agents[0].Sync(Jsonl.Of(new { id = "marker", status = "open" })).Ok();
        (await stream.Until(Marker)).Count(e => e.Type == "bead.claimed").ShouldBe(5);
    }

    private static bool Marker(StreamedEvent e) => e.Data.Text("bead_id") == "marker";

    private static (int Received, int Inserted, int Updated) Stats(System.Text.Json.JsonElement sync)
    {
        var stats = sync.At("stats");
        return (stats.Number("received"), stats.Number("inserted"), stats.Number("updated"));
    }
}
