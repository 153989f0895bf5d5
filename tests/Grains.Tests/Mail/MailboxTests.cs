using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Mail;

namespace Beadhub.Grains.Tests.Mail;

/// <summary>Mailboxes: decisions and what is left of many events.</summary>
public class MailboxTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, 123, 456, TimeSpan.Zero);

    private Mailbox _box = Mailbox.Empty;

    private string? _mark;

    private MailReceipt Deliver(DeliverMail mail, double seconds = 0) => Do(_box.Deliver(mail, "bob", Noon.AddSeconds(seconds)));

    private MailReceipt? Acknowledge(long version, double seconds = 0) =>
        Do(_box.Acknowledge(version, _box.At(version).Mail ?? MailEntry.Of(version, Delivered($"m{version}")).Mail!, "bob", false,
            Noon.AddSeconds(seconds)));

    private TResult Do<TResult>(Decision<TResult> decision)
    {
        foreach (var e in decision.Events) _box = _box.Apply(e);
        _mark = decision.Mark;
        return decision.Result;
    }

    private static DeliverMail Mail(string id, string body = "b") => new(id, "alice", "alice", "bob", "s", body);

    private static MailDelivered Delivered(string id) => new(id, "alice", "alice", "bob", "bob", "s", "b", "normal", null, Noon);

    private static string[] Ids(IEnumerable<MailEntry> mails) => [.. mails.Select(mail => mail.Mail?.MessageId ?? $"v{mail.Version}")];

    [Fact]
    public void A_mail_is_unread_and_marked_with_its_id()
    {
        Deliver(Mail("m1")).ShouldBe(new MailReceipt("m1", Noon));

        _mark.ShouldBe("message:m1");
        var mail = _box.List(new(true, 10)).ShouldHaveSingleItem();
        (mail.Version, mail.ReadAt, mail.Mail!.ToAlias, mail.Mail.CreatedAt).ShouldBe((1, null, "bob", Noon));
        Ids(_box.List(new(false, 10))).ShouldBe(["m1"]);
    }

    [Fact]
    public void A_signed_time_is_the_mails_time() =>
        Deliver(Mail("m1") with { SentAt = Noon.AddYears(-1) }).ShouldBe(new MailReceipt("m1", Noon.AddYears(-1)));

    [Fact]
    public void The_first_acknowledgement_counts_and_is_the_only_event()
    {
        Deliver(Mail("m1"));

        Acknowledge(1, 1).ShouldBe(new MailReceipt("m1", Noon.AddSeconds(1)));
        _mark.ShouldBe("read:m1");
        Acknowledge(1, 2).ShouldBe(new MailReceipt("m1", Noon.AddSeconds(1)));

        _box.Version.ShouldBe(2);
        _box.List(new(true, 10)).ShouldBeEmpty();
        _box.List(new(false, 10)).ShouldHaveSingleItem().Mail!.ReadAt.ShouldBe(Noon.AddSeconds(1));
    }

    [Fact]
    public void An_acknowledgement_says_whose_mail_it_was()
    {
        Deliver(Mail("m1"));

        var read = _box.Acknowledge(1, _box.At(1).Mail!, "bob", true, Noon).Events.ShouldHaveSingleItem().ShouldBeOfType<MailRead>();

        read.ShouldBe(new MailRead("m1", "bob", "alice", "s", Noon, true, 1, "alice"));
    }

    [Fact]
    public void An_event_of_a_later_version_takes_its_place_in_the_stream()
    {
        Deliver(Mail("m1"));
        _box = new StoredStream("p/bob", 2, 1, Snapshot(_box),
            [new(2, "mail.moved.v9", "{}", Noon), new(3, "mail.delivered.v1", EventTypes.Serialize(Delivered("m3")), Noon)])
            .Fold<Mailbox>();

        _box.Version.ShouldBe(3);
        Ids(_box.List(new(true, 10))).ShouldBe(["m3", "v1"]);
    }

    [Fact]
    public void A_snapshot_knows_where_the_newest_stand_and_nothing_they_say()
    {
        for (var i = 1; i <= 2000; i++) Deliver(Mail($"m{i}", new string('x', 2000)));
        Acknowledge(1999, 5);
        Acknowledge(3, 6);

        var snapshot = Snapshot(_box);
        var restored = JsonSerializer.Deserialize(snapshot, Mailbox.Kind.Snapshot)!;

        snapshot.ShouldNotContain("xxx");
        snapshot.Length.ShouldBeLessThan(16_000);
        restored.Version.ShouldBe(2002);
        restored.Unread.Count.ShouldBe(1998);
        restored.List(new(false, 500)).Select(mail => (mail.Version, mail.ReadAt))
            .ShouldBe(_box.List(new(false, 500)).Select(mail => (mail.Version, mail.ReadAt)));
        restored.List(new(false, 2))[1].ReadAt.ShouldBe(Noon.AddSeconds(5));
        restored.List(new(true, 3)).Select(mail => mail.Version).ShouldBe([2000, 1998, 1997]);
        Snapshot(restored).ShouldBe(snapshot);
    }

    [Fact]
    public void Memory_is_bounded_by_weight_and_by_number()
    {
        for (var i = 1; i <= 100; i++) Deliver(Mail($"large{i}", new string('x', 100_000)));
        var kept = _box.List(new(false, 500)).TakeWhile(mail => mail.Mail is not null).ToArray();
        kept.Length.ShouldBe(10);
        kept.Sum(mail => (long)mail.Weight).ShouldBeLessThanOrEqualTo(Mailbox.MaxKeptWeight);
        _box.List(new(false, 500)).Skip(10).ShouldAllBe(mail => mail.Mail == null);
        _box.Kept("large91").ShouldNotBeNull();
        _box.Kept("large90").ShouldBeNull();

        for (var i = 1; i <= 700; i++) Deliver(Mail($"small{i}"));
        _box.List(new(false, 1000)).Count.ShouldBe(Mailbox.MaxListed);
        _box.List(new(false, 1000)).ShouldAllBe(mail => mail.Mail != null);
        _box.List(new(true, 500)).Count.ShouldBe(500);
        _box.Unread.Count.ShouldBe(800);

        Deliver(Mail("huge", new string('x', 2 * Mailbox.MaxKeptWeight)));
        _box.Kept("huge").ShouldNotBeNull();
        _box.List(new(false, 2))[1].Mail.ShouldBeNull();
    }

    [Fact]
    public void An_old_acknowledgement_is_not_at_hand()
    {
        Deliver(Mail("m1"));
        Acknowledge(1);
        for (var i = 2; i <= 600; i++) Deliver(Mail($"m{i}"));

        Acknowledge(1, 9).ShouldBeNull();
        _box.Version.ShouldBe(601);
    }

    private static string Snapshot(Mailbox box) => JsonSerializer.Serialize(box, Mailbox.Kind.Snapshot);
}
