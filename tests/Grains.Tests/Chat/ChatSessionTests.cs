using System.Text.Json;
using Beadhub.Chat;
using Beadhub.EventLog;

namespace Beadhub.Grains.Tests.Chat;

/// <summary>What a chat session decides and folds (protocol 8).</summary>
public class ChatSessionTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private ChatSession _session = ChatSession.Empty;

    [Fact]
    public void A_session_is_named_by_its_participants()
    {
        var id = IChatGrain.SessionIdOf("p", ["b", "A"]);

        IChatGrain.SessionIdOf("p", ["a", "B", "a"]).ShouldBe(id);
        IChatGrain.SessionIdOf("q", ["a", "b"]).ShouldNotBe(id);
        IChatGrain.SessionIdOf("p", ["a", "b", "c"]).ShouldNotBe(id);
        Guid.Parse(id).Version.ShouldBe(8);
        Guid.Parse(id).ToString().ShouldBe(id);
    }

    [Fact]
    public void The_first_message_begins_the_session()
    {
        var decision = _session.Send("s", From("b", "1", begins: true), Noon);

        decision.Events.Select(e => e.GetType()).ShouldBe([typeof(ChatStarted), typeof(ChatMessageSent)]);
        ((ChatStarted)decision.Events[0]).Participants.Select(p => p.Alias).ShouldBe(["alice", "bob"]);
        var sent = (ChatMessageSent)decision.Events[1];
        (sent.Sequence, sent.FromAlias, string.Join(',', sent.To.Select(p => p.AgentId))).ShouldBe((1L, "bob", "a"));
        decision.Mark.ShouldBe("message:1");
        decision.Result.SessionId.ShouldBe("s");
    }

    [Fact]
    public void A_session_that_never_began_takes_nothing()
    {
        Should.Throw<RefusedException>(() => _session.Send("s", From("a", "1"), Noon)).Kind.ShouldBe(RefusalKind.NotFound);
        Should.Throw<RefusedException>(() => _session.MarkRead("a", "1", 1, Noon)).Kind.ShouldBe(RefusalKind.NotFound);
    }

    [Fact]
    public void Strangers_are_refused()
    {
        Send("a", "1");

        Should.Throw<RefusedException>(() => _session.Send("s", From("c", "2", begins: true), Noon)).Kind.ShouldBe(RefusalKind.Forbidden);
        Should.Throw<RefusedException>(() => _session.MarkRead("c", "1", 1, Noon)).Kind.ShouldBe(RefusalKind.Forbidden);
    }

    [Fact]
    public void Reading_counts_the_others_messages_and_goes_forward_only()
    {
        for (var i = 1; i <= 3; i++) Send("a", $"{i}");

        Read("b", 2).ShouldBe(2);
        Read("b", 2).ShouldBe(0);
        Read("b", 1).ShouldBe(0);
        Read("a", 3).ShouldBe(0, "sending has read them");
        Read("b", 3).ShouldBe(1);
        Send("b", "4");
        _session.SeatOf("b").ReadUpTo.ShouldBe(4);
        _session.SeatOf("a").ReadUpTo.ShouldBe(3);
    }

    [Fact]
    public void Who_has_left_comes_back_by_writing()
    {
        Send("a", "1");
        Send("b", "2", leaving: true).Left.ShouldBeEmpty();
        Send("a", "3").Left.ShouldBe(["bob"]);
        Send("b", "4").Left.ShouldBeEmpty();
        Send("a", "5").Left.ShouldBeEmpty();
    }

    [Fact]
    public void Texts_are_not_kept_in_the_snapshot()
    {
        for (var i = 1; i <= 100; i++) Send("a", $"{i}");
        Read("b", 50);

        var json = JsonSerializer.Serialize(_session, ChatSession.Kind.Snapshot);
        json.ShouldNotContain("text of");
        json.Length.ShouldBeLessThan(600);

        var restored = JsonSerializer.Deserialize(json, ChatSession.Kind.Snapshot)!;
        (restored.Count, restored.Recent.Count).ShouldBe((100, 0));
        restored.Seats.ShouldBe(_session.Seats);
        restored.Recent.Reach(100, 100).ShouldBeFalse();
        restored.Recent.Reach(101, 100).ShouldBeTrue();
    }

    [Fact]
    public void The_newest_messages_are_at_hand_within_bounds()
    {
        for (var i = 1; i <= 100; i++) Send("a", $"{i}");
        _session.Recent.Count.ShouldBe(64);
        _session.Recent.Reach(37, 100).ShouldBeTrue();
        _session.Recent.Reach(36, 100).ShouldBeFalse();
        _session.Recent.Where(m => m.Sequence >= 99).Select(m => m.MessageId).ShouldBe(["99", "100"]);
        _session.Recent.Find("36").ShouldBeNull();

        Send("a", "101", new string('x', 1_000_000));
        _session.Recent.Count.ShouldBe(0);
        Send("a", "102");
        _session.Recent.Where(_ => true).Select(m => m.MessageId).ShouldBe(["102"]);
        _session.Recent.Reach(101, 102).ShouldBeFalse();
    }

    [Theory]
    [InlineData(ChatReplay.None, 0, 7)]
    [InlineData(ChatReplay.OwnRecent, 1, 5)]
    [InlineData(ChatReplay.OwnRecent, 60, 7)]
    [InlineData(ChatReplay.UnreadAndOwnRecent, 1, 5)]
    [InlineData(ChatReplay.UnreadAndOwnRecent, 60, 6)]
    [InlineData(ChatReplay.Last50, 60, 1)]
    public void What_a_stream_replays_without_a_time(ChatReplay rule, int secondsLater, long first)
    {
        for (var i = 1; i <= 4; i++) Send("b", $"{i}");
        Send("a", "5");
        Send("b", "6");

        _session.Replay(new("a", null, rule), Noon.AddSeconds(secondsLater)).ShouldBe((first, null));
    }

    [Fact]
    public void Who_has_listed_its_sessions_since_it_wrote_only_listens()
    {
        Send("a", "1");
        Send("b", "2");
        Send("a", "3");

        (long From, DateTimeOffset? After) Replay(ChatReplay rule, DateTimeOffset? listed) =>
            _session.Replay(new("a", null, rule, listed), Noon.AddSeconds(2));
        Replay(ChatReplay.ByClient, null).ShouldBe((3, null));
        Replay(ChatReplay.ByClient, Noon.AddSeconds(-1)).ShouldBe((3, null));
        Replay(ChatReplay.ByClient, Noon.AddSeconds(1)).ShouldBe((4, null));
        Replay(ChatReplay.UnreadAndOwnRecent, Noon.AddSeconds(1)).ShouldBe((3, null), "the setting decides alone");
        Send("b", "4");
        Replay(ChatReplay.ByClient, Noon.AddSeconds(1)).ShouldBe((4, null), "what is unread is shown all the same");
    }

    [Fact]
    public void What_a_stream_replays_after_a_time()
    {
        Send("a", "1");
        Send("b", "2");

        // The own message of a moment ago is shown whatever the client's clock says; a time in the future is now.
        _session.Replay(new("a", Noon.AddSeconds(-1), ChatReplay.None), Noon.AddSeconds(14)).ShouldBe((1, Noon.AddSeconds(-1)));
        _session.Replay(new("a", Noon.AddHours(1), ChatReplay.None), Noon.AddSeconds(14)).ShouldBe((1, Noon.AddSeconds(14)));
        _session.Replay(new("a", Noon, ChatReplay.None), Noon.AddSeconds(16)).ShouldBe((3, Noon));
    }

    [Fact]
    public void Events_tell_the_way_to_what_is_replayed()
    {
        var message = new ChatMessageSent("m", 5, "a", "alice", [], "", false, false, Noon);
        var read = new ChatRead("a", "alice", "m", 2, 5, Noon);

        ChatSession.MayBeShown(5, null, message, Noon).ShouldBeTrue();
        ChatSession.MayBeShown(6, null, message, Noon).ShouldBeFalse();
        ChatSession.MayBeShown(5, null, read, Noon).ShouldBeTrue();
        ChatSession.MayBeShown(6, null, read, Noon).ShouldBeFalse();
        ChatSession.MayBeShown(99, Noon.AddMinutes(4), message, Noon).ShouldBeTrue();
        ChatSession.MayBeShown(99, Noon.AddMinutes(6), message, Noon).ShouldBeFalse();
        ChatSession.MayBeShown(99, DateTimeOffset.MinValue, message, Noon).ShouldBeTrue();
    }

    [Theory]
    [InlineData("", 3, "")]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc")]
    [InlineData("🎯🎯🎯", 2, "🎯🎯")]
    [InlineData("🎯🎯🎯", 3, "🎯🎯🎯")]
    [InlineData("a🎯", 1, "a")]
    public void A_preview_cuts_no_character(string text, int characters, string preview) => Preview.Of(text, characters).ShouldBe(preview);

    private static SendChat From(string agent, string id, bool begins = false, bool leaving = false, string? text = null) =>
        new(id, agent, text ?? $"text of {id}", leaving, false, begins ? [new("b", "bob"), new("a", "alice")] : []);

    private ChatSent Send(string agent, string id, string? text = null, bool leaving = false) =>
        Fold(_session.Send("s", From(agent, id, begins: true, leaving, text), Noon));

    private int Read(string agent, long sequence) => Fold(_session.MarkRead(agent, $"{sequence}", sequence, Noon));

    private TResult Fold<TResult>(Decision<TResult> decision)
    {
        foreach (var e in decision.Events) _session = _session.Apply(e);
        return decision.Result;
    }
}
