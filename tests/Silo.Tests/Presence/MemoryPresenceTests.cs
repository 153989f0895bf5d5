using Beadhub.Presence;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Presence;

public sealed class MemoryPresenceTests
{
    [Fact]
    public async Task Projects_where_nobody_was_for_a_day_are_forgotten()
    {
        var time = new ManualTime();
        var store = new MemoryPresenceStore(time);
        for (var i = 0; i < 1000; i++)
        {
            await store.Touch($"abandoned-{i}", "w");
            await store.Set(new SignOfLife($"abandoned-{i}", "demo", "w", "alice"));
        }

        await store.Set(new SignOfLife("present", "demo", "w", "alice") { Ttl = TimeSpan.FromDays(3) });
        time.Pass(23 * 3600);
        await store.Touch("seen", "w");
        store.Count.ShouldBe(1002);
        time.Pass(2 * 3600);
        await store.Touch("now", "w");

        store.Count.ShouldBe(3);
        (await store.Seen("seen")).ShouldContainKey("w");
        (await store.Snapshot("present")).Find("w").ShouldNotBeNull();
        (await store.Seen("abandoned-1")).ShouldBeEmpty();
        await store.Touch("abandoned-1", "w");
        (await store.Seen("abandoned-1")).ShouldContainKey("w");
    }
}
