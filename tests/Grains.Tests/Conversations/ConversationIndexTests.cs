using System.Text.Json;
using Beadhub.Chat;
using Beadhub.Conversations;
using Beadhub.Feed;
using Beadhub.Mail;

namespace Beadhub.Grains.Tests.Conversations;

/// <summary>Lists of conversations, folded from a project's feed (protocol 8.4, 8.5, 10.2).</summary>
public class ConversationIndexTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<FeedEvent> _feed = [];
    private ConversationIndex _index = new();

    [Fact]
    public void Chats_are_unread_by_position()
    {
        Begin("s", "a", "b");
        Say("s", 1, "a");
        Say("s", 2, "a");
        Unread("b").ShouldBe(["s:2"]);
        Unread("a").ShouldBeEmpty();

        Read("s", "b", 1);
        Unread("b").ShouldBe(["s:1"]);
        Say("s", 3, "b");
        (Unread("b").Length, Unread("a").Single()).ShouldBe((0, "s:1"));
    }

    [Fact]
    public void Lists_are_in_order_of_the_feed_not_of_the_clock()
    {
        Begin("s", "a", "b");
        Say("s", 1, "a", Noon.AddHours(2));
        Begin("t", "a", "b", "c");
        Say("t", 1, "a", Noon.AddHours(-2));
        Mail("m", "a", "b", at: Noon);

        _index.ListsOf("b").Sessions.Select(s => s.SessionId).ShouldBe(["t", "s"]);
        _index.ListsOf("b").Pending.Select(s => s.Row.SessionId).ShouldBe(["t", "s"]);
        _index.ConversationsOf("b").Select(c => c.Row.ConversationId).ShouldBe(["m", "t", "s"]);
        Say("s", 2, "a");
        _index.ListsOf("b").Pending.Select(s => s.Row.SessionId).ShouldBe(["s", "t"]);
    }

    [Fact]
    public void Mail_is_grouped_by_thread_for_each_of_both()
    {
        Mail("m1", "a", "b", subject: "first");
        Mail("m2", "b", "a", thread: "m1", subject: "re");
        Mail("m3", "b", "c", thread: "m1", subject: "between others");

        var a = _index.ConversationsOf("a").ShouldHaveSingleItem().Row;
        (a.ConversationType, a.ConversationId, a.Subject, a.LastMessageFrom, a.UnreadCount).ShouldBe(("mail", "m1", "re", "b-alias", 1));
        a.Participants.ShouldBe(["a-alias", "b-alias"]);
        var b = _index.ConversationsOf("b").ShouldHaveSingleItem().Row;
        (b.Subject, b.UnreadCount).ShouldBe(("between others", 1));
        b.Participants.ShouldBe(["a-alias", "b-alias", "c-alias"]);
        _index.ConversationsOf("c").Single().Row.Participants.ShouldBe(["b-alias", "c-alias"]);

        Ack("m2", "a");
        (_index.ListsOf("a").UnreadMails, _index.ConversationsOf("a")[0].Row.UnreadCount).ShouldBe((0, 0));
        _index.ListsOf("b").UnreadMails.ShouldBe(1);
    }

    [Fact]
    public void Mail_to_oneself_is_one_conversation()
    {
        Mail("m", "a", "a");

        var row = _index.ConversationsOf("a").ShouldHaveSingleItem().Row;
        (row.UnreadCount, string.Join(',', row.Participants)).ShouldBe((1, "a-alias"));
    }

    [Fact]
    public void The_same_lists_are_given_until_something_changes()
    {
        Begin("s", "a", "b");
        Say("s", 1, "a");
        Begin("t", "c", "d");
        var (a, c) = (_index.ListsOf("a"), _index.ListsOf("c"));

        Read("s", "b", 1);
        _index.ListsOf("a").ShouldBeSameAs(a);
        Say("s", 2, "b");
        _index.ListsOf("a").ShouldNotBeSameAs(a);
        _index.ListsOf("c").ShouldBeSameAs(c);
        _index.ListsOf("nobody").ShouldBeSameAs(AgentLists.Empty);
    }

    [Fact]
    public void Events_count_once()
    {
        Begin("s", "a", "b");
        Say("s", 1, "a");
        Mail("m", "a", "b");
        foreach (var e in _feed) _index.Take(e);

        (_index.ListsOf("b").UnreadMails, Unread("b").Single()).ShouldBe((1, "s:1"));
        _index.Position.ShouldBe(3);
    }

    [Fact]
    public void What_is_kept_is_all()
    {
        Begin("s", "a", "b");
        Say("s", 1, "a", text: new string('x', 500));
        Read("s", "b", 1);
        Say("s", 2, "a", text: new string('y', 500));
        Begin("t", "b", "c");
        Mail("m1", "a", "b", text: new string('z', 500));
        Mail("m2", "a", "b");
        Mail("m3", "c", "b");
        Ack("m2", "b");
        var before = Show();

        var json = JsonSerializer.Serialize(_index.Save(), ConversationsJson.Relaxed.ConversationsSnapshot);
        _index = ConversationIndex.From(JsonSerializer.Deserialize(json, ConversationsJson.Relaxed.ConversationsSnapshot)!);

        Show().ShouldBe(before);
        json.ShouldNotContain(new string('x', 100));
        json.ShouldNotContain(new string('z', 101));
        // And it goes on from there.
        foreach (var e in _feed) _index.Take(e);
        Show().ShouldBe(before);
        Ack("m1", "b");
        Say("s", 3, "b");
        _index.ListsOf("b").UnreadMails.ShouldBe(1);
        Unread("b").ShouldBeEmpty();

        string Show() =>
            string.Join('\n', new[] { "a", "b", "c" }.Select(agent =>
            (Lists: _index.ListsOf(agent), Conversations: _index.ConversationsOf(agent))).Select(found => string.Join('\n',
            [
                .. found.Conversations.Select(c =>
                    $"{c.Position} {c.Row with { Participants = [] }} {string.Join(',', c.Row.Participants)}"),
                .. found.Lists.Sessions.Select(s => $"{s with { Participants = [] }} {string.Join(',', s.Participants)}"),
                .. found.Lists.Pending.Select(s => $"{s with { Row = s.Row with { Participants = [] } }}"),
                $"{found.Lists.UnreadMails}",
            ])))
            + string.Join(' ', _index.SentBy("a", null, 10).Concat(_index.SentBy("c", null, 10)));
    }

    [Fact]
    public void Where_sent_mail_stands_is_known_for_the_newest()
    {
        const int Many = ConversationIndex.MostSent * 11 / 10 + 1;
        for (var i = 0; i < Many; i++) Mail($"m{i}", "a", i % 2 == 0 ? "b" : "c", thread: "t");
        Mail("own", "a", "a");

        var newest = _index.SentBy("a", null, 3);
        newest.Select(mail => (mail.Position, mail.To)).ShouldBe([(Many + 1, "a"), (Many, "b"), (Many - 1, "c")]);
        _index.SentBy("a", newest[2].Position, 1).Single().Position.ShouldBe(Many - 2);
        _index.SentBy("a", null, Many).Length.ShouldBe(ConversationIndex.MostSent + 1);
        _index.SentBy("b", null, 3).ShouldBeEmpty();
        _index.SentBy("nobody", null, 3).ShouldBeEmpty();
    }

    [Fact]
    public void Very_old_threads_are_let_go_and_their_mail_still_counts()
    {
        const int Many = ConversationIndex.MostThreads * 11 / 10 + 1;
        for (var i = 0; i < Many; i++) Mail($"m{i}", "a", "b");

        _index.ConversationsOf("b").Length.ShouldBe(ConversationIndex.MostThreads);
        _index.ConversationsOf("b")[^1].Row.ConversationId.ShouldBe($"m{Many - ConversationIndex.MostThreads}");
        _index.ListsOf("b").UnreadMails.ShouldBe(Many);
        Ack("m0", "b");
        _index.ListsOf("b").UnreadMails.ShouldBe(Many - 1);
    }

    [Fact]
    public void News_fill_the_way_from_a_position_or_say_that_they_do_not()
    {
        var news = new CommittedBacklog(ConversationIndex.Matters);
        Begin("s", "a", "b");
        for (var i = 1; i <= 9; i++) Say("s", i, "a");
        news.Last.ShouldBe(0);

        news.Add(_feed[2..4]);
        news.Last.ShouldBe(4);
        news.After(1).ShouldBeNull("what came before was not told");
        news.After(2)!.Value.Events.Select(e => e.Position).ShouldBe([3, 4]);
        news.After(4)!.Value.ShouldSatisfyAllConditions(found => found.Events.ShouldBeEmpty(), found => found.Position.ShouldBe(4));

        news.Add(_feed[4..5]);
        news.Add(_feed[6..8]);
        news.After(4).ShouldBeNull("there is a hole");
        news.After(6)!.Value.Events.Select(e => e.Position).ShouldBe([7, 8]);

        for (var i = 10; i <= 400; i++) Say("s", i, "a");
        news.Add(_feed[8..]);
        news.After(8).ShouldBeNull("nobody asked for too long");
        news.Last.ShouldBe(401);
    }

    private string[] Unread(string agent) => [.. _index.ListsOf(agent).Pending.Select(s => $"{s.Row.SessionId}:{s.Row.UnreadCount}")];

    private void Begin(string session, params string[] agents) =>
        Happen("chat", $"p/{session}", new ChatStarted(session, [.. agents.Select(a => new ChatParticipant(a, $"{a}-alias"))], Noon));

    private void Say(string session, long sequence, string from, DateTimeOffset? at = null, string text = "text") =>
        Happen("chat", $"p/{session}", new ChatMessageSent($"{session}-{sequence}", sequence, from, $"{from}-alias", [], text, false, false,
            Noon, at));

    private void Read(string session, string reader, long sequence) =>
        Happen("chat", $"p/{session}", new ChatRead(reader, $"{reader}-alias", $"{session}-{sequence}", sequence, sequence, Noon));

    private void Mail(string id, string from, string to, string? thread = null, string subject = "s", DateTimeOffset? at = null,
        string text = "text") =>
        Happen("mailbox", $"p/{to}", new MailDelivered(id, from, $"{from}-alias", to, $"{to}-alias", subject, text, "normal", thread, at
            ?? Noon));

    private void Ack(string id, string agent) => Happen("mailbox", $"p/{agent}", new MailRead(id, agent, "x", "s", Noon));

    private void Happen(string kind, string key, IEvent e)
    {
        _feed.Add(new("p", _feed.Count + 1, kind, key, 0, EventTypes.NameOf(e), EventTypes.Serialize(e), Noon));
        _index.Take(_feed[^1]);
    }
}
