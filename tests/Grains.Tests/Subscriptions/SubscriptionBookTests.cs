using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Notifications;
using Beadhub.Subscriptions;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.SubscriptionBooks;

/// <summary>Who is told of which change, and how (contract 12).</summary>
public class SubscriptionBookTests
{
    private const string Repo = "github.com/o/r";

    private SubscriptionBook _book = SubscriptionBook.Empty;

    private Decision<T> Do<T>(Decision<T> decision)
    {
        _book = decision.Events.Aggregate(_book, (book, e) => book.Apply(e));
        return decision;
    }

    private Subscription Subscribe(string workspace, string bead, string? repo = null, params string[] types) =>
        Do(_book.Subscribe(new($"s{_book.ById.Count}", workspace, bead, repo, [.. types.DefaultIfEmpty("status_change")]),
            At(_book.ById.Count))).Result;

    private static BeadStored Change(string? from = "open", string? to = "closed", string id = "bd-1", string repo = Repo,
        BeadBefore? before = null, long? priority = 2) =>
        new(Record(id, to, repo: repo, priority: priority), from, "w", "alias", Noon, before);

    private string[] Told(BeadStored change) =>
        [.. _book.Subscribers(change.Record.BeadId, change).Select(h => h.WorkspaceId + ":" + string.Join('+', h.Changes))];

    [Fact]
    public void A_workspace_has_only_so_many_subscriptions()
    {
        _book = new(Enumerable.Range(0, SubscriptionBook.MaxOfWorkspace)
            .Select(i => new Subscription($"s{i}", "full", $"bd-{i}", null, ["all"], Noon)).ToImmutableDictionary(s => s.Id));

        var refused = Should.Throw<RefusedException>(() => Subscribe("full", "one-more"));
        (refused.Kind, refused.Message).ShouldBe((RefusalKind.Conflict, "Too many subscriptions: a workspace has at most 10000"));
        Subscribe("full", "bd-1", null, "status_change").Id.ShouldBe("s1", "what is there can be changed");
        Subscribe("other", "bd-1").WorkspaceId.ShouldBe("other");
        Do(_book.Unsubscribe("full", "s7", Noon));
        Do(_book.Subscribe(new("new", "full", "one-more", null, ["all"]), Noon)).Result.Id.ShouldBe("new");
        Should.Throw<RefusedException>(() => Subscribe("full", "two-more"));
    }

    [Fact]
    public void The_snapshots_of_a_growing_book_cost_in_proportion_to_what_is_written()
    {
        var (written, last) = (0L, 0);
        for (var i = 1; i <= 5_000; i++)
        {
            Subscribe("w", $"bd-{i}");
            if (!SubscriptionBook.Kind.IsSnapshotDue(_book, i - last)) continue;
            last = i;
            written += _book.ById.Count;
        }

        written.ShouldBeInRange(5_000, 4 * 5_000, "every 64 events it would be 39 times as much as is there");
    }

    [Fact]
    public void A_subscription_without_a_repository_matches_every_one()
    {
        Subscribe("any", "bd-1");
        Subscribe("this", "bd-1", Repo);
        Subscribe("other", "bd-1", "github.com/o/x");
        Subscribe("bead", "bd-2");

        Told(Change()).ShouldBe(["any:status_change", "this:status_change"]);
        Told(Change(repo: "github.com/o/x")).ShouldBe(["any:status_change", "other:status_change"]);
    }

    [Theory]
    [InlineData("r:bd-1", true)]
    [InlineData("o:bd-1", false)]
    [InlineData("x:bd-1", false)]
    public void A_bead_may_be_named_with_its_repository(string bead, bool told)
    {
        Subscribe("w", bead);
        Told(Change()).Length.ShouldBe(told ? 1 : 0);
        Subscribe("solo", "my-repo:bd-1");
        Told(Change(repo: "my-repo")).ShouldBe(["solo:status_change"]);
        Told(Change(repo: "not-my-repo")).ShouldBeEmpty();
    }

    [Fact]
    public void Each_is_told_once_of_what_it_wants_to_hear()
    {
        Subscribe("w", "bd-1", null, "status_change");
        Subscribe("w", "bd-1", Repo, "priority_change");
        Subscribe("all", "bd-1", null, "all");
        Subscribe("none", "bd-1", null, "assignee_change");
        Do(_book.Subscribe(new("e", "empty", "bd-1", null, []), Noon));

        Told(Change(before: new(1, null))).ShouldBe(["all:status_change+priority_change", "w:status_change+priority_change"]);
        Told(Change(from: "closed", before: new(1, null))).ShouldBe(["all:priority_change", "w:priority_change"]);
        Told(Change(from: "closed", before: new(2, "ann"))).ShouldBe(["all:assignee_change", "none:assignee_change"]);
    }

    [Theory]
    [InlineData(null, "open")]
    [InlineData("", "open")]
    [InlineData("open", null)]
    [InlineData("open", "open")]
    public void New_issues_and_missing_statuses_are_no_news(string? from, string? to)
    {
        Subscribe("w", "bd-1", null, "all");
        Told(Change(from, to)).ShouldBeEmpty();
        ((IIssueStored)Change(from, to)).IsNews.ShouldBeFalse();
    }

    [Fact]
    public void The_same_again_replaces_the_event_types_under_the_same_id()
    {
        var first = Subscribe("w", "bd-1", null, "status_change");
        var again = Do(_book.Subscribe(new("x", "w", "bd-1", "", ["all"]), At(9)));
        again.Result.ShouldBe(first with { EventTypes = again.Result.EventTypes });
        again.Result.EventTypes.ShouldBe(["all"]);
        _book.Subscribe(new("x", "w", "bd-1", null, ["all"]), At(10)).Events.IsDefaultOrEmpty.ShouldBeTrue();
        Subscribe("w", "bd-1", Repo).Id.ShouldNotBe(first.Id);
        Subscribe("v", "bd-1").Id.ShouldNotBe(first.Id);
        _book.Of("w").Subscriptions.Select(s => s.Repo).ShouldBe([Repo, null]);
    }

    [Fact]
    public void Nobody_is_told_after_the_end()
    {
        var (mine, other) = (Subscribe("w", "bd-1"), Subscribe("v", "bd-1"));
        Should.Throw<RefusedException>(() => _book.Unsubscribe("w", other.Id, Noon)).Kind.ShouldBe(RefusalKind.NotFound);
        Do(_book.Unsubscribe("w", mine.Id, Noon));
        Told(Change()).ShouldBe(["v:status_change"]);
        _book.Watched.BeadIds.ShouldBe(["bd-1"]);
        Do(_book.Unsubscribe("v", other.Id, Noon));
        _book.Watched.BeadIds.ShouldBeEmpty();
        Should.Throw<RefusedException>(() => _book.Unsubscribe("w", mine.Id, Noon));
    }

    [Fact]
    public void The_snapshot_leads_to_the_same_book()
    {
        Subscribe("w", "r:bd-1", Repo, "all");
        Subscribe("v", "bd-2");
        var copy = JsonSerializer.Deserialize(JsonSerializer.Serialize(_book, SubscriptionBook.Kind.Snapshot),
            SubscriptionBook.Kind.Snapshot)!;
        copy.Watched.BeadIds.Order().ShouldBe(["bd-1", "bd-2"]);
        copy.Subscribers("bd-1", Change()).Single().WorkspaceId.ShouldBe("w");
    }

    [Fact]
    public void Ids_of_the_system_agent_and_of_threads_are_those_of_the_contract()
    {
        SystemAgent.IdOf("11111111-1111-1111-1111-111111111111").ShouldBe("39b6f252-1af2-5a1d-a344-338abdfecc15");
        SystemAgent.ThreadOf("bd-1").ShouldBe("1d6c2d3a-3b1b-5036-b73a-51fcfd1fd387");
        SystemAgent.MailOf("p", 1, "a").ShouldBe(SystemAgent.MailOf("p", 1, "a"));
        new[] { SystemAgent.MailOf("p", 1, "a"), SystemAgent.MailOf("p", 2, "a"), SystemAgent.MailOf("p", 1, "b"),
            SystemAgent.MailOf("q", 1, "a") }.ShouldBeUnique();
    }

    [Fact]
    public void A_mail_says_what_has_changed()
    {
        var change =
            Change(before: new(null, "ann")) with { Record = Record(status: "closed", title: "Line\nbreak " + new string('x', 600)) };
        var mail = BeadMail.Of("p", 7, "bd-1", change, ["status_change", "priority_change", "assignee_change"], "w", "alice");
        (mail.MessageId, mail.FromAgentId, mail.FromAlias, mail.ToAlias, mail.Priority, mail.ThreadId, mail.IsSilent)
            .ShouldBe((SystemAgent.MailOf("p", 7, "w"), SystemAgent.IdOf("p"), "system", "alice", "normal", SystemAgent.ThreadOf("bd-1"),
                true));
        mail.Subject.ShouldBe("Bead status changed: bd-1");
        mail.Body.ShouldContain("status: open -> closed");
        mail.Body.ShouldContain("priority: none -> 2");
        mail.Body.ShouldContain("assignee: ann -> none");
        mail.Body.ShouldContain("Title: Line break xxx");
        mail.Body.ShouldContain("Repo: github.com/o/r\nBranch: main\n");
        mail.Body.Length.ShouldBeLessThan(1000);
        BeadMail.Of("p", 7, "bd-1", change, ["priority_change"], "w", "alice").Subject.ShouldBe("Bead priority changed: bd-1");
    }

    [Fact]
    public void The_notifier_starts_at_the_end_and_jumps_only_over_what_concerns_nobody()
    {
        var notifier = Notifier.Empty;
        notifier.Begin(40, 3).Events.IsDefaultOrEmpty.ShouldBeTrue("there were subscriptions that it has not seen");
        notifier = notifier.Apply(notifier.Begin(40, 0).Events.Single());
        notifier.ShouldBe(new Notifier(40, 0));
        notifier.Begin(60, 0).Events.ShouldHaveSingleItem().ShouldBe(new NotifierAdvanced(60, 0));
        notifier = notifier.Apply(notifier.Advance(80, 2).Events.Single());
        notifier.Begin(90, 4).Events.IsDefaultOrEmpty.ShouldBeTrue();
        notifier.Advance(80, 2).Events.IsDefaultOrEmpty.ShouldBeTrue();
        notifier.Advance(70, 1).Events.IsDefaultOrEmpty.ShouldBeTrue();
    }
}
