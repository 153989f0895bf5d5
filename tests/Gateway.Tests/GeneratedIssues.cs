using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>The generator makes what the tests that use it rely on.</summary>
public sealed class GeneratedIssues
{
    private static readonly List<JsonObject> Issues = new IssueGenerator(seed: 1).Issues(1200);

    [Fact]
    public void The_same_seed_makes_the_same_file()
    {
        IssueGenerator.File(new IssueGenerator(seed: 1).Issues(1200)).ShouldBe(IssueGenerator.File(Issues));
        IssueGenerator.File(new IssueGenerator(seed: 2).Issues(1200)).ShouldNotBe(IssueGenerator.File(Issues));
    }

    [Fact]
    public void A_file_has_one_issue_a_line_and_each_id_once()
    {
        var lines = IssueGenerator.File(Issues).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        lines.Select(line => JsonDocument.Parse(line).RootElement.Text("id")).Distinct().Count().ShouldBe(1200);
    }

    [Fact]
    public void A_file_has_everything_that_a_real_one_has()
    {
        Values("issue_type").ShouldBe(["bug", "chore", "epic", "feature", "task"]);
        Values("status").ShouldBe(["blocked", "closed", "deferred", "in_progress", "open", "tombstone"]);
        Issues.SelectMany(issue => issue["dependencies"]?.AsArray() ?? []).Select(dependency => (string)dependency!["type"]!).Distinct()
            .Order()
            .ShouldBe(["blocks", "discovered-from", "parent-child"]);
        Issues.Select(issue => (string)issue["id"]!).ShouldAllBe(id => id.StartsWith("x-"));
        Issues.ShouldContain(issue => ((string)issue["id"]!).Contains('.'));
        Issues.Select(issue => ((string)issue["updated_at"]!).Split('.')[1].TakeWhile(char.IsDigit).Count()).Distinct().Order()
            .ShouldBe(Enumerable.Range(1, 9));
        Issues.ShouldContain(issue => ((string)issue["title"]!).Any(c => c > 127));
        Issues.ShouldContain(issue => issue["labels"] is JsonArray);
    }

    [Fact]
    public void A_change_is_later_than_what_it_changes()
    {
        var generator = new IssueGenerator(seed: 3);
        foreach (var issue in generator.Issues(200))
        {
            var changed = generator.Changed(issue, "closed");
            ((string)changed["status"]!).ShouldBe("closed");
            Time(changed).ShouldBeGreaterThan(Time(issue));
        }
    }

    private static string[] Values(string field) => [.. Issues.Select(issue => (string)issue[field]!).Distinct().Order()];

    private static DateTimeOffset Time(JsonObject issue)
    {
        var text = (string)issue["updated_at"]!;
        var zone = text.LastIndexOfAny(['Z', '+', '-']);
        return DateTimeOffset.Parse(text[..Math.Min(zone, 27)] + text[zone..]);
    }
}
