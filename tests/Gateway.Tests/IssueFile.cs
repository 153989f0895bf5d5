using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>A real project's <c>issues.jsonl</c>, named by <c>BEADHUB_TEST_ISSUES</c>: pushed whole, again, and in part.</summary>
public abstract class IssueFileContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task A_real_file_syncs_whole_again_and_in_part()
    {
        var path = Environment.GetEnvironmentVariable("BEADHUB_TEST_ISSUES");
        Assert.SkipWhen(string.IsNullOrEmpty(path), "BEADHUB_TEST_ISSUES names no file.");
        var file = await File.ReadAllTextAsync(path!, TestContext.Current.CancellationToken);
        var issues = file.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())
            .GroupBy(issue => (string)issue["id"]!).ToDictionary(same => same.Key, same => same.Last());
        var agent = await NewProject().Agent();

        (await agent.Sync(file).Ok()).At("stats").Number("inserted").ShouldBe(issues.Count);
        var again = await agent.Sync(file).Ok();
        again.At("stats").Number("inserted").ShouldBe(0);
        again.At("stats").Number("updated").ShouldBe(issues.Count);

        (await Exported(agent, "main")).ShouldBe(Lines(file));

        var one = issues.Values.Last();
        one["title"] = "Changed";
        one["updated_at"] = DateTimeOffset.UtcNow.ToString("O");
        (await agent.Change(one.ToJsonString()).Ok()).At("stats").Number("updated").ShouldBe(1);

        var stored = (await Pages.Of(agent, "/v1/beads/issues?limit=200", "issues")).ToDictionary(issue => issue.Text("bead_id"));
        stored.Keys.ShouldBe(issues.Keys, ignoreOrder: true);
        foreach (var (id, issue) in issues)
        {
            stored[id].Text("title").ShouldBe((string)issue["title"]!);
            stored[id].Text("status").ShouldBe((string)issue["status"]!);
        }

        await agent.UploadJsonl(file, agent.Repo, "uploaded").Ok();
        (await Exported(agent, "uploaded")).ShouldBe(Lines(file));
    }

    private static async Task<string[]> Exported(Agent agent, string branch)
    {
        using var answer = await agent
            .Open(agent.Signed(new(HttpMethod.Get, $"/v1/beads/export-jsonl?repo={Uri.EscapeDataString(agent.Repo)}&branch={branch}")));
        return (await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string[] Lines(string file) =>
        [.. file.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .OrderBy(line => (string)JsonNode.Parse(line)!["id"]!, StringComparer.Ordinal)];
}
