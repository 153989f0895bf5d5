using Beadhub.Storm;

namespace Beadhub.Cluster.Tests;

/// <summary>The check of a storm's history finds what is planted, and nothing in a history without fault.</summary>
public sealed class HistoryCheckTests
{
    private readonly Storm.History _history = new();
    private readonly Ending _ending = new();

    public HistoryCheckTests()
    {
        // A history without fault: a kept bead, one that changed hands, a lock that did, a mail, and a listener.
        _history.Synced.Enqueue(new("p/made", 40));
        _ending.Beads.UnionWith(["p/made", "p/kept", "p/shared"]);
        Held("bead", "p/kept", "ann", 5);
        _ending.Holders[("bead", "p/kept")] = ["ann"];
        Held("bead", "p/shared", "ann", 10, 20);
        Held("bead", "p/shared", "bob", 20, 30);
        Held("lock", "p/file", "ann", 10, 20);
        Held("lock", "p/file", "bob", 21, 30);
        Sent("mail", "bob", "hello", acknowledged: true);
        Sent("mail", "bob", "lost on its way", acknowledged: false);
        _ending.Texts[("mail", "bob")] = ["hello"];
        Listens("first", 2, [3, 5]);
        _ending.Feeds["p"] = [1, 3, 5];
    }

    [Fact]
    public void A_history_without_fault_has_no_violations() => Violations().ShouldBeEmpty();

    [Fact]
    public void A_bead_that_is_gone()
    {
        _ending.Beads.Remove("p/made");
        Violations().ShouldHaveSingleItem().ShouldContain("p/made");
    }

    [Theory]
    [InlineData("bead", "p/shared")]
    [InlineData("lock", "p/file")]
    public void Two_holders_at_once(string kind, string thing)
    {
        Held(kind, thing, "carol", 15, 16);
        Violations().ShouldHaveSingleItem().ShouldContain("ann and carol had it at once");
    }

    [Fact]
    public void A_short_holding_in_the_middle_of_a_long_one_hides_nobody_after_it()
    {
        Held("lock", "p/long", "ann", 1, 100);
        Held("lock", "p/long", "ann", 5, 6);
        Held("lock", "p/long", "bob", 50, 60);
        Violations().ShouldHaveSingleItem().ShouldContain("ann and bob had it at once");
    }

    [Fact]
    public void A_holder_twice_in_a_row_is_one_holder()
    {
        Held("lock", "p/mine", "ann", 1, 100);
        Held("lock", "p/mine", "ann", 5, 60);
        Violations().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("bob")]
    [InlineData("ann,bob")]
    public void A_kept_bead_that_is_not_its_holders_at_the_end(string holders)
    {
        _ending.Holders[("bead", "p/kept")] = [.. holders.Split(',', StringSplitOptions.RemoveEmptyEntries)];
        Violations().ShouldHaveSingleItem().ShouldContain("never gave it back");
    }

    [Fact]
    public void A_mail_that_was_acknowledged_and_did_not_arrive()
    {
        _ending.Texts[("mail", "bob")] = [];
        Violations().ShouldHaveSingleItem().ShouldContain("did not arrive");
    }

    [Fact]
    public void A_mail_that_arrived_twice()
    {
        _ending.Texts[("mail", "bob")] = ["hello", "lost on its way", "lost on its way"];
        Violations().ShouldHaveSingleItem().ShouldContain("arrived 2 times");
    }

    [Fact]
    public void A_mail_that_nobody_sent()
    {
        _ending.Texts[("mail", "bob")].Add("who?");
        Violations().ShouldHaveSingleItem().ShouldContain("nobody sent it");
    }

    [Theory]
    [InlineData(new long[] { 3 }, "missed 5")]
    [InlineData(new long[] { 3, 3, 5 }, "saw 3 after 3")]
    [InlineData(new long[] { 5, 3 }, "saw 3 after 5")]
    [InlineData(new long[] { 3, 4, 5 }, "saw 4, which the feed does not have")]
    public void A_listener_that_misses_repeats_or_makes_up(long[] positions, string says)
    {
        Listens("second", 2, positions);
        Violations().ShouldHaveSingleItem().ShouldContain(says);
    }

    [Theory]
    [InlineData("bead", "p/kept", 6, 8, "", "ann's all the while")]
    [InlineData("bead", "p/kept", 6, 8, "bob", "ann's all the while")]
    [InlineData("bead", "p/shared", 12, 18, "", "ann's all the while")]
    [InlineData("lock", "p/file", 24, 25, "ann,bob", "ann's, who had given it back")]
    [InlineData("lock", "p/file", 33, 35, "bob", "bob's, who had given it back")]
    [InlineData("lock", "p/file", 1, 5, "ann", "ann's, who had given it back")]
    [InlineData("made", "p/made", 41, 45, "", "is not there")]
    [InlineData("mail", "bob", 41, 45, "", "is not in the inbox")]
    public void A_stale_read(string kind, string thing, long began, long ended, string shown, string says)
    {
        Read(kind, thing, began, ended, shown);
        Violations().First().ShouldContain(says);
    }

    [Theory]
    [InlineData("bead", "p/kept", 4, 8, "")]
    [InlineData("bead", "p/kept", 4, 8, "ann")]
    [InlineData("bead", "p/shared", 19, 21, "ann")]
    [InlineData("bead", "p/shared", 19, 21, "bob")]
    [InlineData("bead", "p/shared", 19, 21, "")]
    [InlineData("lock", "p/file", 20, 20, "ann")]
    [InlineData("lock", "p/file", 22, 23, "bob")]
    [InlineData("lock", "p/file", 40, 45, "")]
    [InlineData("made", "p/made", 39, 45, "")]
    [InlineData("made", "p/made", 41, 45, "p/made")]
    [InlineData("mail", "bob", 39, 45, "")]
    [InlineData("mail", "bob", 41, 45, "hello")]
    public void A_read_that_may_be(string kind, string thing, long began, long ended, string shown)
    {
        Read(kind, thing, began, ended, shown);
        Violations().ShouldBeEmpty();
    }

    [Fact]
    public void Who_has_asked_and_not_been_answered_may_be_shown()
    {
        _history.Holdings.Enqueue(new("bead", Holding.Any, "dan", long.MaxValue) { Asked = 50 });
        Read("bead", "p/shared", 55, 56, "dan");
        Violations().ShouldBeEmpty();
        Read("bead", "p/shared", 45, 46, "dan");
        Violations().ShouldHaveSingleItem().ShouldContain("dan's");
    }

    private void Read(string kind, string thing, long began, long ended, string shown) =>
        _history.Readings.Enqueue(new(kind, thing, began, ended, shown.Split(',', StringSplitOptions.RemoveEmptyEntries)));

    private IReadOnlyList<string> Violations() => HistoryCheck.Violations(_history, _ending);

    private void Held(string kind, string thing, string holder, long from, long until = long.MaxValue) =>
        _history.Holdings.Enqueue(new(kind, thing, holder, from) { Until = until, GivenBack = until == long.MaxValue ? until : until + 2 });

    private void Sent(string kind, string to, string text, bool acknowledged) =>
        _history.Sendings.Enqueue(new(kind, to, text) { AcknowledgedAt = acknowledged ? 40 : long.MaxValue });

    private void Listens(string name, long after, long[] positions)
    {
        var listening = new Listening(name, "p") { After = after };
        listening.Positions.AddRange(positions);
        _history.Listenings.Enqueue(listening);
    }
}
