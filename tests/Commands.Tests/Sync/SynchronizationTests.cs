using System.Text.Json.Nodes;
using Beadhub.BdDouble;
using Beadhub.Commands.Sync;

namespace Beadhub.CommandTests.Sync;

/// <summary>What a sync does with stores that keep less than they are given.</summary>
public sealed class SynchronizationTests
{
    [Fact]
    public async Task What_a_store_does_not_show_is_named_and_stays_at_the_hub()
    {
        var hub = new MemoryHub();
        var (old, later) = (new Machine("a", BdVersion.Sqlite47, default, hub), new Machine("b", BdVersion.Dolt13, default, hub));
        old.Bd.Create("a-1", "Hello", DateTimeOffset.UnixEpoch);
        old.Bd.Edit("a-1", DateTimeOffset.UnixEpoch, issue => issue["issue_type"] = "message");
        old.Bd.Create("a-2", "Lamp", DateTimeOffset.UnixEpoch);
        var cancellation = TestContext.Current.CancellationToken;
        await old.Sync(cancellation);

        for (var i = 0; i < 2; i++)
        {
            var report = await later.Sync(cancellation);
            report.Left.ShouldBeEmpty();
            report.NotTaken.Keys.ShouldBe(["a-1"]);
        }

        hub.Lines.Keys.Order().ShouldBe(["a-1", "a-2"]);
        later.Field("a-2", "title").ShouldBe("Lamp");
    }

    [Fact]
    public void Lists_grow_and_shrink_by_what_either_side_did()
    {
        var merged = ThreeWay.Merge("a", Issue("""{"labels":["x","y"]}"""), Issue("""{"labels":["x","here"]}"""),
            Issue("""{"labels":["x","y","there"],"metadata":{"n":1}}"""));
        merged.Issue.ToJsonString().ShouldBe("""{"labels":["x","here","there"],"metadata":{"n":1}}""");
        merged.Conflicts.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("open", "closed", "in_progress", "closed")]
    [InlineData("open", "in_progress", "closed", "closed")]
    [InlineData("closed", "open", "closed", "open")]
    [InlineData("open", "closed", "tombstone", "tombstone")]
    [InlineData(null, "open", "closed", "closed")]
    public void A_closing_wins_unless_it_was_taken_back(string? before, string here, string there, string expected) =>
        ThreeWay.Merge("a", before is null ? null : Status(before), Status(here), Status(there)).Issue["status"]!.ToString()
            .ShouldBe(expected);

    private static JsonObject Status(string status) => Issue($"{{\"status\":\"{status}\"}}");

    private static JsonObject Issue(string json) => JsonNode.Parse(json)!.AsObject();
}
