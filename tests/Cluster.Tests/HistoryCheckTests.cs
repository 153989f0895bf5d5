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
        _history.Synced.Enqueue("p/made");
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

    private IReadOnlyList<string> Violations() => HistoryCheck.Violations(_history, _ending);

    private void Held(string kind, string thing, string holder, long from, long until = long.MaxValue) =>
        _history.Holdings.Enqueue(new(kind, thing, holder, from) { Until = until });

    private void Sent(string kind, string to, string text, bool acknowledged) =>
        _history.Sendings.Enqueue(new(kind, to, text) { IsAcknowledged = acknowledged });

    private void Listens(string name, long after, long[] positions)
    {
        var listening = new Listening(name, "p") { After = after };
        listening.Positions.AddRange(positions);
        _history.Listenings.Enqueue(listening);
    }
}
