using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;

namespace Beadhub.Silo.Tests.Cluster;

public sealed class EarlyEventsTests
{
    private readonly EarlyEvents _early = new();

    [Fact]
    public void What_follows_comes_out_in_order_and_once()
    {
        _early.Add([Event(5), Event(6)]);
        _early.Add([Event(3)]);
        _early.Add([Event(3), Event(9)]);
        _early.After(1).ShouldBeEmpty();
        _early.After(2).Select(e => e.Position).ShouldBe([3]);
        _early.After(4).Select(e => e.Position).ShouldBe([5, 6]);
        _early.After(9).ShouldBeEmpty();
        _early.Text.ShouldBe(0);
    }

    [Fact]
    public void Large_events_wait_only_as_far_as_there_is_room()
    {
        for (var position = 2; position < 40; position++) _early.Add([Event(position, new string('x', 1024 * 1024))]);
        _early.Text.ShouldBe(EarlyEvents.MostText);
        _early.Add([Event(2, new string('x', 1024 * 1024))]);
        _early.Text.ShouldBe(EarlyEvents.MostText);
        _early.After(1).Select(e => e.Position).ShouldBe([2, 3, 4, 5]);
        _early.Text.ShouldBe(0);
    }

    [Fact]
    public void Small_events_are_bounded_in_number()
    {
        _early.Add([.. Enumerable.Range(2, 20_000).Select(position => Event(position))]);
        _early.After(1).Count.ShouldBe(10_000);
    }

    private static FeedEvent Event(long position, string data = "{}") =>
        new("p", position, "bead", "p/bd-1", position, "bead.changed.v1", data, DateTimeOffset.UnixEpoch);
}
