using System.Text.Json;
using Beadhub.Directories;
using Beadhub.EventLog;

namespace Beadhub.Grains.Tests.Directories;

/// <summary>Which projects have a repository.</summary>
public class OriginUsesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private OriginUses _origin = OriginUses.Empty;

    private int Do(Decision<bool> decision)
    {
        foreach (var e in decision.Events) _origin = _origin.Apply(e);
        return decision.Events.Length;
    }

    [Fact]
    public void Projects_are_ordered_by_slug_F118()
    {
        Do(_origin.Use(new("p1", "zebra", "r1", "demo"), Noon));
        Do(_origin.Use(new("p2", "ant", "r2", "demo"), Noon));
        Do(_origin.Use(new("p3", "ant", "r3", "demo"), Noon));

        _origin.Uses.Select(use => use.ProjectId).ShouldBe(["p2", "p3", "p1"]);
    }

    [Fact]
    public void The_same_use_again_is_no_news_and_another_replaces_it()
    {
        Do(_origin.Use(new("p1", "demo", "r1", "demo"), Noon)).ShouldBe(1);
        Do(_origin.Use(new("p1", "demo", "r1", "demo"), Noon)).ShouldBe(0);
        Do(_origin.Use(new("p1", "demo", "r2", "demo"), Noon)).ShouldBe(1);

        _origin.Uses.ShouldHaveSingleItem().RepoId.ShouldBe("r2");
    }

    [Fact]
    public void A_project_leaves_once()
    {
        Do(_origin.Use(new("p1", "a", "r1", "demo"), Noon));
        Do(_origin.Use(new("p2", "b", "r2", "demo"), Noon));

        Do(_origin.Leave("p1", Noon)).ShouldBe(1);
        Do(_origin.Leave("p1", Noon)).ShouldBe(0);
        _origin.Uses.ShouldHaveSingleItem().ProjectId.ShouldBe("p2");
    }

    [Fact]
    public void A_snapshot_gives_the_uses_back()
    {
        Do(_origin.Use(new("p1", "a", "r1", "demo"), Noon));

        JsonSerializer.Deserialize(JsonSerializer.Serialize(_origin, OriginUses.Kind.Snapshot), OriginUses.Kind.Snapshot)!.Uses
            .ShouldBe(_origin.Uses);
    }
}
