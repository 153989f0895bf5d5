using Beadhub.EventLog;
using Beadhub.HiveSync;

namespace Beadhub.Grains.Tests.HiveSync;

/// <summary>Who is meshed with, and who was removed.</summary>
public sealed class SyncPeersTests
{
    private const string Lima = "http://10.0.0.5:8000/sync/v1";
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Who_was_removed_is_refused_until_it_is_entered_by_hand()
    {
        var peers = After(SyncPeers.Empty, static peers => peers.Add("pc_1", Entry("manual"), Now));
        peers = After(peers, static peers => peers.Note(new("pc_1", "active", "bh_lima", null, 0, true), Now));
        peers = After(peers, static peers => peers.Refuse(new("lima", Lima, "bh_lima"), Now));
        peers.All.ShouldBeEmpty();
        // Under another address it is the same; another one at its address is not.
        var site = peers.Refused.ShouldHaveSingleItem();
        (site.Is("bh_lima", "http://10.0.0.9:8000/sync/v1"), site.Is("bh_other", Lima), site.Is(null, Lima)).ShouldBe((true, false, true));

        peers.Refuse(new("lima", Lima, "bh_lima"), Now.AddDays(1)).Events.IsDefaultOrEmpty.ShouldBeTrue("it was refused before");
        peers.Add("pc_2", Entry("gossip"), Now).Events.IsDefaultOrEmpty.ShouldBeTrue("gossip does not bring it back");
        Should.Throw<RefusedException>(() => peers.Add("pc_2", Entry("hub"), Now)).Kind.ShouldBe(RefusalKind.Conflict);
        peers = After(peers, static peers => peers.Add("pc_2", Entry("manual"), Now));
        (peers.All.Single().PeerId, peers.Refused.Length).ShouldBe(("pc_2", 0));
    }

    [Fact]
    public void One_that_is_entered_by_hand_under_another_address_is_refused_no_longer_once_it_is_known_who_it_is()
    {
        var peers = After(SyncPeers.Empty, static peers => peers.Refuse(new("lima", Lima, "bh_lima"), Now));
        peers = After(peers, static peers => peers.Add("pc_1", Entry("manual") with { Endpoint = "http://10.0.0.9:8000/sync/v1" }, Now));
        peers.Refused.Length.ShouldBe(1);
        peers = After(peers, static peers => peers.Note(new("pc_1", "active", "bh_lima", null, 0, true), Now));
        peers.Refused.ShouldBeEmpty();
    }

    private static AddSyncPeer Entry(string source) => new("lima", Lima, ["eng"], source, 2, null, 50);

    private static SyncPeers After<T>(SyncPeers peers, Func<SyncPeers, Decision<T>> decide) =>
        decide(peers).Events.Aggregate(peers, static (now, e) => now.Apply(e));
}
