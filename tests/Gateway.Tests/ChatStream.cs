using System.Net.Http.Headers;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/chat/sessions/{id}/stream: live messages and receipts, what is replayed, and who waits (protocol 8.7 to
/// 8.11).</summary>
public abstract class ChatStreamContract(Store store) : ContractTests(store)
{
    // More than the time within which an own message counts as just sent.
    private static readonly TimeSpan AWhile = TimeSpan.FromSeconds(6);

    [Fact]
    [Checklist("aweb", 108)]
    [Checklist("aweb", 109)]
    [Checklist("aweb", 119)]
    [OnAnyStore]
    public async Task Times_are_checked()
    {
        var (a, b, session) = await Pair();
        await b.Get($"/v1/chat/sessions/{session}/stream").Invalid("deadline", "missing");
        await b.Get($"/v1/chat/sessions/{session}/stream?deadline=").Invalid("deadline");
        foreach (var bad in new[] { "soon", " ", "2030-02-30T00:00:00Z", "2030-01-01T00:00:00+99:00", "2030-01-01T25:00:00Z",
            "0001-01-01T00:00:00+14:00", "1" })
            await b.Get(ChatCalls.StreamPath(session, bad)).Refused(422, "Invalid deadline format");
        await b.Get($"/v1/chat/sessions/{session}/stream?deadline=2030-01-01T00:00:00+00:00").Refused(422, "Invalid deadline format");
        await b.Get(ChatCalls.StreamPath(session, "2030-01-01T00:00:00")).Refused(422, "deadline must be timezone-aware");
        await b.Get(ChatCalls.StreamPath(session, "2030-01-01T00:00:00Z", "garbage")).Refused(422, "Invalid after format");
        await b.Get(ChatCalls.StreamPath(session, "2030-01-01T00:00:00Z", "2026-01-01T00:00:00"))
            .Refused(422, "after must be timezone-aware");

        foreach (var good in new[] { "2130-01-01T00:00:00.123456789Z", "9999-12-31T23:59:59Z", "2130-01-01T00:00:00.1+05:30",
            "2130-01-01t00:00:00z" })
            await (await b.OpenChat(ChatCalls.StreamPath(session, good, ChatCalls.Time(DateTimeOffset.UtcNow)))).DisposeAsync();
    }

    [Fact]
    [Checklist("aweb", 110)]
    public async Task Only_participants_listen()
    {
        var (a, _, session) = await Pair();
        var (c, x) = (await a.Project.Agent("c"), await NewProject().Agent("x"));

        await c.Get(ChatCalls.StreamPath(session, "2130-01-01T00:00:00Z")).Refused(403, "Not a participant in this session");
        await c.Get(ChatCalls.StreamPath(session, "soon")).Refused(403, "Not a participant in this session");
        await x.Get(ChatCalls.StreamPath(session, "2130-01-01T00:00:00Z")).Refused(404, "Session not found");
        await a.Get(ChatCalls.StreamPath(Guid.NewGuid().ToString(), "2130-01-01T00:00:00Z")).Refused(404, "Session not found");
        await a.Get(ChatCalls.StreamPath("nonsense", "2130-01-01T00:00:00Z")).Refused(422, "Invalid id format");
        (await PublicReader(a).Get(ChatCalls.StreamPath(session, "2130-01-01T00:00:00Z"))).Status.ShouldBe(403);
    }

    [Fact]
    [Checklist("aweb", 111)]
    public async Task The_stream_begins_at_once_and_is_not_cached()
    {
        var (a, _, session) = await Pair();
        var begun = DateTimeOffset.UtcNow;
        await using var stream = await a.Listen(session, after: Now);

        (DateTimeOffset.UtcNow - begun).ShouldBeLessThan(TimeSpan.FromSeconds(5));
        stream.Lines[0].ShouldBe(": keepalive");
        stream.Response.Content.Headers.ContentType.ShouldBe(MediaTypeHeaderValue.Parse("text/event-stream; charset=utf-8"));
        stream.Response.Headers.CacheControl!.NoCache.ShouldBeTrue();
        stream.Response.Headers.GetValues("X-Accel-Buffering").ShouldBe(["no"]);
        stream.Response.Content.Headers.ContentEncoding.ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 112)]
    public async Task The_stream_ends_at_its_deadline()
    {
        var (a, b, session) = await Pair();
        var begun = DateTimeOffset.UtcNow;
        await using (var stream = await b.Listen(session, wait: TimeSpan.FromSeconds(2)))
        {
            await stream.Ended;
            (DateTimeOffset.UtcNow - begun).ShouldBeInRange(TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(10));
            stream.Rest().Select(e => e.Data.Text("body")).ShouldBe(["hello"]);
        }

        await using var past = await b.OpenChat(ChatCalls.StreamPath(session, "2020-01-01T00:00:00Z"));
        await past.Ended.WaitAsync(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        past.Rest().Select(e => e.Data.Text("body")).ShouldBe(["hello"]);
        past.Lines[^1].ShouldBe("");
        (await a.PendingIn(session)).ShouldBeNull();
    }

    [Fact]
    [Checklist("aweb", 113)]
    [Checklist("aweb", 114)]
    public async Task A_message_is_on_everybodys_stream()
    {
        var (a, b, session) = await Pair();
        await using var own = await a.Listen(session, after: Now);
        await using var other = await b.Listen(session, after: Now);
        // Its own message of a moment ago is shown to the sender (rule 1).
        (await own.Message()).Text("body").ShouldBe("hello");

        var sent = await a.Chat("hi", b);

        foreach (var stream in new[] { own, other })
        {
            var message = await stream.Message();
            message.Text("type").ShouldBe("message");
            message.Text("session_id").ShouldBe(session);
            message.Text("message_id").ShouldBe(sent.Text("message_id"));
            message.Text("from_agent").ShouldBe("a");
            message.Text("from_address").ShouldBe($"{a.Project.Slug}/a");
            message.Text("to_address").ShouldBe($"{a.Project.Slug}/b");
            message.Text("body").ShouldBe("hi");
            message.Flag("hang_on").ShouldBeFalse();
            message.Number("extends_wait_seconds").ShouldBe(0);
            message.Flag("sender_leaving").ShouldBeFalse();
            message.Text("timestamp").ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$");
            foreach (var field in new[] { "from_did", "to_did", "signature", "signing_key_id", "from_stable_id", "to_stable_id" })
                message.IsNull(field).ShouldBeTrue(field);
            message.Flag("is_contact").ShouldBeFalse();
        }
    }

    [Fact]
    [Checklist("aweb", 115)]
    [Checklist("aweb", 116)]
    public async Task Hanging_on_and_leaving_are_told()
    {
        var (a, b, session) = await Pair();
        await using var stream = await b.Listen(session, after: Now);

        await a.Say(session, "wait", hangOn: true);
        await a.LeaveChat("bye", b);

        var (wait, bye) = (await stream.Message(), await stream.Message());
        (wait.Flag("hang_on"), wait.Number("extends_wait_seconds"), wait.Flag("sender_leaving")).ShouldBe((true, 300, false));
        (bye.Flag("hang_on"), bye.Number("extends_wait_seconds"), bye.Flag("sender_leaving")).ShouldBe((false, 0, true));
    }

    [Fact]
    [Checklist("aweb", 117)]
    public async Task Reading_is_told_to_the_others()
    {
        var (a, b, session) = await Pair();
        var first = (await a.History(session))[0].Text("message_id");
        var second = await a.Say(session, "2");
        await b.ReadUpTo(session, first);
        await using var own = await b.Listen(session, after: Now);
        await using var stream = await a.Listen(session);
        (await stream.Bodies(1)).ShouldBe(["2"], "the reading before is not told");

        await b.ReadUpTo(session, second);
        await b.ReadUpTo(session, second);
        await b.Say(session, "3");

        var receipt = await stream.Next();
        receipt.Name.ShouldBe("read_receipt");
        receipt.Data.Text("type").ShouldBe("read_receipt");
        receipt.Data.Text("session_id").ShouldBe(session);
        receipt.Data.Text("reader_alias").ShouldBe("b");
        receipt.Data.Text("up_to_message_id").ShouldBe(second);
        receipt.Data.Number("extends_wait_seconds").ShouldBe(300);
        receipt.Data.Text("timestamp").ShouldEndWith("Z");
        (await stream.Bodies(1)).ShouldBe(["3"]);
        (await own.Bodies(1)).ShouldBe(["3"], "nobody is told of their own reading");
    }

    [Fact]
    [Checklist("aweb", 118)]
    public async Task What_came_after_a_time_is_replayed_once()
    {
        var (a, b, session) = await Pair();
        await Task.Delay(1100, TestContext.Current.CancellationToken);
        var after = Now;
        await a.Say(session, "2");
        await a.Say(session, "3");

        await using var stream = await b.Listen(session, after);
        await a.Say(session, "4");
        await b.Say(session, "5");

        (await stream.Bodies(4)).ShouldBe(["2", "3", "4", "5"]);
        await b.ReadUpTo(session, (await b.History(session))[^1].Text("message_id"));
        await using var all = await a.Listen(session, "2020-01-01T00:00:00Z");
        (await all.Bodies(5)).ShouldBe(["hello", "2", "3", "4", "5"]);
    }

    // It waits for what counts as recent to end, which no store has a part in.
    [Fact]
    [OnAnyStore]
    [Checklist("aweb", 120)]
    public async Task Nothing_old_is_replayed()
    {
        var (a, b, session) = await Pair();
        await b.ReadUpTo(session, (await b.History(session))[^1].Text("message_id"));
        await Task.Delay(AWhile, TestContext.Current.CancellationToken);

        await using var reader = await b.Listen(session);
        await using var sender = await a.Listen(session);
        await b.Say(session, "new");

        (await reader.Bodies(1)).ShouldBe(["new"]);
        (await sender.Bodies(1)).ShouldBe(["new"]);
    }

    [Fact]
    [Checklist("aweb", 121)]
    public async Task A_sender_who_waits_sees_the_own_message_first()
    {
        var (a, b, session) = await Pair();
        await a.Say(session, "older");

        // As the first clients do: send, then listen without a time.
        var sent = await a.Chat("ready?", b);
        await b.Say(session, "yes");
        await using var stream = await a.Listen(session);

        // The answer has come already: it is unread, and comes after the own message that it answers.
        (await stream.Message()).Text("message_id").ShouldBe(sent.Text("message_id"));
        (await stream.Bodies(1)).ShouldBe(["yes"]);
        await b.Say(session, "again");
        (await stream.Bodies(1)).ShouldBe(["again"]);
    }

    [Fact]
    [OnAnyStore]
    public async Task The_signed_text_of_a_message_is_given_back()
    {
        var (a, b, session) = await Pair();
        var id = Guid.NewGuid().ToString();
        // Of a key that only clients can resolve.
        var payload =
            $$"""{"body":"signed","from":"a","from_did":"did:web:a.example","message_id":"{{id}}","subject":"","timestamp":"2026-02-22T10:00:00Z","to":"b","to_did":"","type":"chat"}""";
        object Message(string body) => new
        {
            body, message_id = id, timestamp = "2026-02-22T10:00:00Z", from_did = "did:web:a.example", signature = "c2lnbmVk",
                signed_payload = payload,
        };
        await using var stream = await b.Listen(session, after: Now);

        await a.Post($"/v1/chat/sessions/{session}/messages", Message("another"))
            .Refused(422, "signed_payload body must match the message");
        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b" }, message = "x", message_id = id,
            timestamp = "2026-02-22T10:00:00Z", from_did = "did:web:a.example", signature = "c2lnbmVk", signed_payload = payload })
            .Refused(422, "signed_payload body must match the message");
        await a.Post($"/v1/chat/sessions/{session}/messages", Message("signed")).Ok();

        (await stream.Message()).Text("signed_payload").ShouldBe(payload);
        (await b.History(session))[^1].Text("signed_payload").ShouldBe(payload);
        (await b.History(session))[0].Has("signed_payload").ShouldBeFalse();
    }

    [Fact]
    [OnAnyStore]
    public async Task A_listener_does_not_get_its_own_message_of_a_moment_ago()
    {
        var (a, b, session) = await Pair();
        await b.ReadUpTo(session, (await b.History(session))[^1].Text("message_id"));

        // As later clients do: one command sends and leaves it at that, the next one looks for the session, and listens in it without a
        // time.
        foreach (var look in new[] { "/v1/chat/pending", "/v1/chat/sessions" })
        {
            await a.Chat("ready?", b);
            await a.Get(look).Ok();
            await using var stream = await a.Listen(session);
            await b.Say(session, look);

            (await stream.Bodies(1)).ShouldBe([look]);
        }

        // Who sends once more and waits for the answer expects its message again.
        await a.Chat("and now?", b);
        await using var sender = await a.Listen(session);
        (await sender.Bodies(1)).ShouldBe(["and now?"]);
    }

    [Fact]
    [Checklist("aweb", 122)]
    public async Task A_clock_that_is_ahead_loses_nothing()
    {
        var (a, b, session) = await Pair();
        var sent = await a.Chat("ready?", b);

        await using var stream = await a.Listen(session, ChatCalls.Time(DateTimeOffset.UtcNow + TimeSpan.FromSeconds(10)));
        await b.Say(session, "yes");

        (await stream.Message()).Text("message_id").ShouldBe(sent.Text("message_id"));
        (await stream.Bodies(1)).ShouldBe(["yes"]);
    }

    [Fact]
    [Checklist("aweb", 123)]
    public async Task Messages_of_one_time_are_all_delivered()
    {
        var (a, b, session) = await Pair();
        await using var live = await b.Listen(session, after: Now);
        foreach (var (text, time) in new[] { ("1", "2026-03-01T10:00:01Z"), ("2", "2026-03-01T10:00:01Z"), ("3", "2026-03-01T10:00:00Z") })
        {
            await a.Post($"/v1/chat/sessions/{session}/messages",
                new { body = text, message_id = Guid.NewGuid(), timestamp = time, from_did = "d", signature = "s" }).Ok();
        }

        (await live.Bodies(3)).ShouldBe(["1", "2", "3"]);
        await using var replayed = await b.Listen(session, "2026-03-01T09:59:59Z");
        (await replayed.Bodies(4)).ShouldBe(["hello", "1", "2", "3"]);
        (await b.History(session)).Select(m => m.Text("body")).ShouldBe(["hello", "1", "2", "3"]);
        (await b.PendingIn(session))!.Value.Number("unread_count").ShouldBe(4);
    }

    [Fact]
    [Checklist("aweb", 124)]
    public async Task An_open_stream_waits()
    {
        var (a, b, session) = await Pair();
        await using (var first = await a.Listen(session))
        {
            await using (var second = await a.Listen(session))
            {
                (await b.PendingIn(session))!.Value.Flag("sender_waiting").ShouldBeTrue();
                (await b.Get("/v1/chat/sessions").Ok()).Items("sessions")[0].Flag("sender_waiting").ShouldBeTrue();
                (await a.Get("/v1/chat/sessions").Ok()).Items("sessions")[0].Flag("sender_waiting").ShouldBeFalse("oneself does not count");
                (await b.Chat("hi", a)).Texts("targets_connected").ShouldBe(["a"]);
                (await a.Chat("hi", b)).Items("targets_connected").ShouldBeEmpty();
            }

            // Of two streams one is left.
            await b.Until(session, waits: true, forLong: true);
            (await b.PendingIn(session))!.Value.Flag("sender_waiting").ShouldBeTrue();
        }

        await b.Until(session, waits: false);
        (await b.Get("/v1/chat/sessions").Ok()).Items("sessions")[0].Flag("sender_waiting").ShouldBeFalse();
        (await b.Chat("hi", a)).Items("targets_connected").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_stream_that_ends_by_itself_waits_no_more()
    {
        var (a, b, session) = await Pair();
        await using var stream = await a.Listen(session, wait: TimeSpan.FromSeconds(1));
        (await b.PendingIn(session))!.Value.Flag("sender_waiting").ShouldBeTrue();

        await stream.Ended;

        await b.Until(session, waits: false);
    }

    [Fact]
    [Checklist("aweb", 125)]
    public async Task Messages_tell_whether_their_author_waits()
    {
        var (a, b, session) = await Pair();
        await using var stream = await a.Listen(session, after: Now);
        (await stream.Message()).Flag("sender_waiting").ShouldBeTrue();

        await b.Say(session, "from one who does not wait");
        await a.Say(session, "from one who waits");

        (await stream.Message()).Flag("sender_waiting").ShouldBeFalse();
        (await stream.Message()).Flag("sender_waiting").ShouldBeTrue();
    }

    [Fact]
    [Checklist("aweb", 126)]
    public async Task Sessions_wait_apart()
    {
        var (a, b, session) = await Pair();
        var c = await a.Project.Agent("c");
        var all = (await a.Chat("three", b, c)).Text("session_id");
        await using var stream = await a.Listen(session, after: Now);

        (await b.PendingIn(session))!.Value.Flag("sender_waiting").ShouldBeTrue();
        (await b.PendingIn(all))!.Value.Flag("sender_waiting").ShouldBeFalse();
        (await b.Chat("hi", a, c)).Items("targets_connected").ShouldBeEmpty();
        await c.Say(all, "elsewhere");
        await b.Say(session, "here");
        (await stream.Bodies(2)).ShouldBe(["hello", "here"]);
    }

    [Fact]
    [Checklist("aweb", 127)]
    [OnAnyStore]
    public async Task A_silent_stream_is_kept_alive()
    {
        if (Stores.Store.Elsewhere is not null)
            Assert.Skip("The server's keep-alive time is not known.");
        var (_, b, session) = await Pair();
        // The server comments every second; its streams last as long as they were asked to.
        await using var stream = await b.Listen(session, after: Now, wait: TimeSpan.FromHours(24));

        for (var i = 0; i < 4; i++)
            (await stream.Comment()).ShouldBe(": keepalive");

        stream.Ended.IsCompleted.ShouldBeFalse();
        stream.Lines.ShouldAllBe(line => line.Length == 0 || line.StartsWith(':'));
    }

    [Fact]
    public async Task Unread_messages_are_replayed_until_they_are_read()
    {
        var (a, b, session) = await Pair();
        var second = await a.Say(session, "2");
        await using (var stream = await b.Listen(session))
            (await stream.Bodies(2)).ShouldBe(["hello", "2"]);

        await b.ReadUpTo(session, second);
        await using var again = await b.Listen(session);
        await a.Say(session, "3");
        (await again.Bodies(1)).ShouldBe(["3"]);
    }

    [Theory]
    [InlineData("none", "new")]
    [InlineData("own-recent", "own,answer,new")]
    [InlineData("unread+own-recent", "own,answer,new")]
    [InlineData("last50", "hello,read,own,answer,new")]
    [OnAnyStore]
    public async Task What_is_replayed_is_a_setting(string setting, string expected)
    {
        await using var server = await Store.Own(("BEADHUB_CHAT_REPLAY", setting));
        var project = new Project(server.Api);
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        var session = (await b.Chat("hello", a)).Text("session_id");
        await a.ReadUpTo(session, await b.Say(session, "read"));
        await a.Say(session, "own");
        await b.Say(session, "answer");

        await using var stream = await a.Listen(session);
        await b.Say(session, "new");

        var bodies = expected.Split(',');
        (await stream.Bodies(bodies.Length)).ShouldBe(bodies);
    }

    [Fact]
    [OnAnyStore]
    public async Task Only_own_recent_messages_are_replayed_where_that_is_set()
    {
        await using var server = await Store.Own(("BEADHUB_CHAT_REPLAY", "own-recent"));
        var project = new Project(server.Api);
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        var session = (await a.Chat("unread", b)).Text("session_id");

        await using var stream = await b.Listen(session);
        await a.Say(session, "new");

        (await stream.Bodies(1)).ShouldBe(["new"]);
    }

    [Fact]
    public async Task A_long_past_is_replayed_whole()
    {
        var (a, b, session) = await Pair();
        for (var i = 0; i < 150; i++)
        {
            var id = await a.Say(session, $"{i} {new string('x', 1000)}");
            if (i == 9)
                await b.ReadUpTo(session, id);
        }

        await using var unread = await b.Listen(session);
        await using var all = await b.Listen(session, "2020-01-01T00:00:00Z");
        await a.Say(session, "150 ");

        (await unread.Bodies(141)).Select(body => body.Split(' ')[0]).ShouldBe(Enumerable.Range(10, 141).Select(i => $"{i}"));
        (await all.Bodies(152)).Skip(1).Select(body => body.Split(' ')[0]).ShouldBe(Enumerable.Range(0, 151).Select(i => $"{i}"));
    }

    [Fact]
    public async Task Many_writers_reach_many_streams_in_one_order()
    {
        var (a, b, session) = await Pair();
        var streams = await Task
            .WhenAll(Enumerable.Range(0, 40).Select(i =>
            (i % 2 == 0 ? a : b).Listen(session, after: i % 4 == 0 ? "2020-01-01T00:00:00Z" : Now)));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            for (var i = 0; i < 15; i++)
                await (writer % 2 == 0 ? a : b).Say(session, $"{writer}-{i} {new string('x', 4000)}");
        }));
        await a.Say(session, "end");

        var expected = (await a.History(session)).Select(m => m.Text("message_id")).Skip(1).ToArray();
        expected.Length.ShouldBe(121);
        foreach (var stream in streams)
        {
            var seen = new List<string>();
            while (true)
            {
                var message = await stream.Message();
                if (message.Text("body") != "hello")
                    seen.Add(message.Text("message_id"));
                if (message.Text("body") == "end")
                    break;
            }

            seen.ShouldBe(expected);
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_reader_who_pauses_gets_everything_later()
    {
        var (a, b, session) = await Pair();
        var request = b.Signed(new HttpRequestMessage(HttpMethod.Get, ChatCalls.StreamPath(session, "2130-01-01T00:00:00Z", Now)));
        using var response = await b.Open(request);
        for (var i = 0; i < 40; i++)
            await a.Say(session, $"{i} {new string('x', 400_000)}");
        await a.Say(session, "end");

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var seen = new List<string>();
        while (seen.Count == 0 || seen[^1] != "end")
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            if (line!.StartsWith("data: ", StringComparison.Ordinal))
                seen.Add(System.Text.Json.JsonDocument.Parse(line[6..]).RootElement.Text("body").Split(' ')[0]);
        }

        seen.ShouldBe([.. Enumerable.Range(0, 40).Select(i => $"{i}"), "end"]);
    }

    [Fact]
    [OnAnyStore]
    public async Task One_agent_has_not_too_many_streams()
    {
        await using var server = await Store.Own(("BEADHUB_CHAT_STREAMS_PER_AGENT", "3"), ("BEADHUB_STREAMS_PER_AGENT", "4"));
        var project = new Project(server.Api);
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        var session = (await a.Chat("hello", b)).Text("session_id");
        var streams = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => a.Listen(session)));

        var refused = await a.Get(ChatCalls.StreamPath(session, "2130-01-01T00:00:00Z"));
        refused.Status.ShouldBe(429, refused.ToString());
        int.Parse(refused.Header("Retry-After")!).ShouldBeGreaterThan(0);
        await (await b.Listen(session)).DisposeAsync();

        await using (await a.Stream())
        {
            await a.Get("/v1/status/stream").RefusedWith(429, "Too many open event streams: at most 4 for one agent");
            await a.Get("/v1/events/stream?deadline=2130-01-01T00:00:00Z").RefusedWith(429, "Too many open event streams");
            await (await b.Stream()).DisposeAsync();
        }

        foreach (var stream in streams)
            await stream.DisposeAsync();
        await b.Until(session, waits: false);
        await (await a.Listen(session)).DisposeAsync();
    }

    [Fact]
    public async Task A_thousand_streams_hear_of_one_message()
    {
        var (a, b, session) = await Pair();
        var streams = new List<ChatListener>();
        try
        {
            foreach (var batch in Enumerable.Range(0, 1000).Chunk(100))
                streams.AddRange(await Task.WhenAll(batch.Select(i => (i % 2 == 0 ? a : b).Listen(session, after: Now))));

            var id = await a.Say(session, "to all");

            foreach (var stream in streams)
            {
                var message = await stream.Message();
                if (message.Text("body") == "hello")
                    message = await stream.Message();
                message.Text("message_id").ShouldBe(id);
            }
        }
        finally
        {
            await Task.WhenAll(streams.Select(stream => stream.DisposeAsync().AsTask()));
        }

        await b.Until(session, waits: false);
    }

    private static string Now => ChatCalls.Time(DateTimeOffset.UtcNow);

    /// <summary>Two agents, and a session in which the first has said hello.</summary>
    private async Task<(Agent A, Agent B, string Session)> Pair()
    {
        var project = NewProject();
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        return (a, b, (await a.Chat("hello", b)).Text("session_id"));
    }
}

/// <summary>Waiting for the server to notice that a connection has ended.</summary>
internal static class ChatWaiting
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Looks until others wait in the session, or do not; or, for long, that it stays so for half a second.</summary>
    public static async Task Until(this Agent agent, string session, bool waits, bool forLong = false)
    {
        var begun = DateTimeOffset.UtcNow;
        while (true)
        {
            var now = (await agent.Get("/v1/chat/sessions").Ok()).Find("sessions", "session_id", session).Flag("sender_waiting");
            var passed = DateTimeOffset.UtcNow - begun;
            if (forLong)
            {
                now.ShouldBe(waits);
                if (passed > TimeSpan.FromSeconds(0.5))
                    return;
            }
            else if (now == waits)
            {
                return;
            }

            passed.ShouldBeLessThan(Patience);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
