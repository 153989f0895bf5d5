using System.Collections.Concurrent;
using Beadhub.Gateway;
using Beadhub.Gateway.HiveSync;

namespace Beadhub.Silo.Tests.Cluster;

/// <summary>What a peer may send is counted for all nodes together.</summary>
public sealed class SyncLimitsTests
{
    private static readonly MeshSettings Settings = new() { EventsPerSecond = 100, EventsBurst = 1_000 };

    private readonly Clock _time = new();
    private readonly Counts _counts = new();

    [Fact]
    public async Task Nodes_together_let_through_what_one_would()
    {
        var nodes = Enumerable.Range(0, 3).Select(_ => new SyncLimits(Settings, _time, _counts)).ToArray();
        (await nodes[0].Take("bh_a", 900)).ShouldBe(TimeSpan.Zero);
        (await nodes[1].Take("bh_a", 200)).ShouldBe(TimeSpan.FromSeconds(1));
        (await nodes[2].Take("bh_a", 100)).ShouldBe(TimeSpan.Zero);
        foreach (var node in nodes) (await node.Take("bh_a", 1)).ShouldBeGreaterThan(TimeSpan.Zero);
        (await nodes[1].Take("bh_b", 1_000)).ShouldBe(TimeSpan.Zero);

        // For ten minutes as fast as it may, round and round.
        var taken = 0;
        for (var tenth = 0; tenth < 6_000; tenth++)
        {
            _time.Pass(TimeSpan.FromSeconds(0.1));
            if (await nodes[tenth % 3].Take("bh_a", 20) == TimeSpan.Zero) taken += 20;
        }

        taken.ShouldBeInRange(55_000, 62_000);
    }

    [Fact]
    public async Task A_node_alone_and_one_whose_counts_are_away_go_by_what_they_know()
    {
        _counts.IsAway = true;
        foreach (var limits in new[] { new SyncLimits(Settings, _time), new SyncLimits(Settings, _time, _counts) })
        {
            (await limits.Take("bh_a", 5_000)).ShouldBe(TimeSpan.Zero, "what is more than fits at all is let through after a silence");
            (await limits.Take("bh_a", 1)).TotalSeconds.ShouldBeInRange(40, 41);
            _time.Pass(TimeSpan.FromSeconds(41));
            (await limits.Take("bh_a", 1)).ShouldBe(TimeSpan.Zero);
        }
    }

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => _now;

        public override long GetTimestamp() => _now.Ticks;

        public void Pass(TimeSpan time) => _now += time;
    }

    private sealed class Counts : ISharedCounts
    {
        private readonly ConcurrentDictionary<string, long> _counts = new();

        public bool IsAway { get; set; }

        public ValueTask<SharedCount?> Add(string name, long by, TimeSpan window) =>
            new(IsAway ? null : new SharedCount(_counts.AddOrUpdate(name, by, (_, before) => before + by), default));
    }
}
