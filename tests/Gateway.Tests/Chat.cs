using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/chat: sessions, messages, history, reading and what is pending (protocol 8).</summary>
public abstract class ChatContract(Store store) : ContractTests(store)
{
    private const string Seconds = @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$";

    [Fact]
    [Checklist("aweb", 1)]
    [OnAnyStore]
    public Task Pending_needs_credentials() => Api.Get("/v1/chat/pending").Unauthorized("Authentication required");

    [Fact]
    [Checklist("aweb", 2)]
    [OnAnyStore]
    public Task Pending_refuses_an_unknown_key() => Api.As("nonsense").Get("/v1/chat/pending").Unauthorized("Invalid API key");

    [Fact]
    [Checklist("aweb", 3)]
    [OnAnyStore]
    public Task Pending_refuses_another_scheme() =>
        Api.With(("Authorization", "Basic abc")).Get("/v1/chat/pending")
            .Unauthorized("Invalid Authorization header. Expected: Bearer <token>");

    [Fact]
    [Checklist("aweb", 4)]
    [OnAnyStore]
    public async Task The_scheme_is_case_sensitive()
    {
        var (a, _, _) = await Team();

        await Api.With(("Authorization", $"bearer {a.Key}")).Get("/v1/chat/pending")
            .Unauthorized("Invalid Authorization header. Expected: Bearer <token>");
    }

    [Fact]
    [Checklist("aweb", 11)]
    [OnAnyStore]
    public async Task Fields_that_are_not_of_the_request_are_refused()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("m", b)).Text("session_id");

        foreach (var field in new[] { "project_id", "from_agent_id", "from_alias", "wait_seconds" })
        {
            var body = new JsonObject { ["to_aliases"] = new JsonArray(b.Alias), ["message"] = "m", [field] = a.ProjectId };
            var error = await a.Post("/v1/chat/sessions", body).Invalid(field, "extra_forbidden", "Extra inputs are not permitted");
            error.Items("loc").Select(part => part.GetString()).ShouldBe(["body", field]);
        }

        await a.Post($"/v1/chat/sessions/{session}/messages", new { body = "x", from_alias = "x" })
            .Invalid("from_alias", "extra_forbidden");
        await a.Post($"/v1/chat/sessions/{session}/read", new { up_to_message_id = session, agent_id = a.Id })
            .Invalid("agent_id", "extra_forbidden");
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_wrong_with_the_body_is_said_before_who_asks()
    {
        var id = Guid.NewGuid();
        await Api.Post("/v1/chat/sessions", "{}").Invalid("to_aliases", "missing");
        await Api.Post($"/v1/chat/sessions/{id}/messages", "{}").Invalid("body", "missing");
        await Api.Post($"/v1/chat/sessions/{id}/read", "{}").Invalid("up_to_message_id", "missing");
        await Api.Get($"/v1/chat/sessions/{id}/messages?limit=0").Invalid("limit");
        await Api.Get($"/v1/chat/sessions/{id}/stream").Invalid("deadline", "missing");
        await Api.Post("/v1/chat/sessions", new { to_aliases = new[] { "b" }, message = "m" }).Unauthorized();
        await Api.Post($"/v1/chat/sessions/{id}/messages", new { body = "x" }).Unauthorized();
        await Api.Post($"/v1/chat/sessions/{id}/read", new { up_to_message_id = id }).Unauthorized();
        foreach (var path in new[] { "/v1/chat/sessions", $"/v1/chat/sessions/{id}/messages", $"/v1/chat/sessions/{id}/stream?deadline=x",
            "/v1/conversations" })
            await Api.Get(path).Unauthorized();
    }

    [Fact]
    public async Task Only_agents_chat()
    {
        var (a, b, _) = await Team();
        (await Proxied(a).Post("/v1/chat/sessions", new { to_aliases = new[] { b.Alias }, message = "m" })).Status.ShouldBe(200);

        foreach (var path in new[] { "/v1/chat/pending", "/v1/chat/sessions", "/v1/conversations" })
            (await PublicReader(a).Get(path)).Status.ShouldBe(403);
        await a.Delete($"/v1/workspaces/{a.Id}").Ok();
        foreach (var path in new[] { "/v1/chat/pending", "/v1/chat/sessions", "/v1/conversations" })
            (await Proxied(a).Get(path)).Status.ShouldBe(404);
    }

    [Fact]
    [Checklist("aweb", 83)]
    public async Task A_message_begins_a_session()
    {
        var (a, b, _) = await Team();

        var sent = await a.Post("/v1/chat/sessions", new { to_aliases = new[] { b.Alias }, message = "m", leaving = false }).Ok();

        sent.Text("session_id").ShouldBeUuid();
        sent.Text("message_id").ShouldBeUuid();
        sent.Text("sse_url").ShouldBe($"/v1/chat/sessions/{sent.Text("session_id")}/stream");
        sent.Items("participants").Select(p => (p.Text("agent_id"), p.Text("alias"))).ShouldBe([(a.Id, "a"), (b.Id, "b")]);
        sent.Items("targets_connected").ShouldBeEmpty();
        sent.Items("targets_left").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 84)]
    public async Task Both_directions_are_one_session()
    {
        var (a, b, _) = await Team();
        var (there, back) = (await a.Chat("m", b), await b.Chat("m", a));

        back.Text("session_id").ShouldBe(there.Text("session_id"));
        back.Text("message_id").ShouldNotBe(there.Text("message_id"));
    }

    [Fact]
    [Checklist("aweb", 85)]
    public async Task A_session_is_its_set_of_participants()
    {
        var (a, b, c) = await Team();
        var two = (await a.Chat("m", b)).Text("session_id");
        var three = (await a.Chat("m", b, c)).Text("session_id");

        three.ShouldNotBe(two);
        (await a.Chat("m", c, b)).Text("session_id").ShouldBe(three);
        (await c.Chat("m", b, a)).Text("session_id").ShouldBe(three);
        (await a.Get("/v1/chat/sessions").Ok()).Find("sessions", "session_id", three).Texts("participants").ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    [Checklist("aweb", 86)]
    public async Task Parallel_first_messages_meet()
    {
        var (a, b, _) = await Team();

        var sent = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? a.Chat($"{i}", b) : b.Chat($"{i}", a)));

        var session = sent.Select(s => s.Text("session_id")).Distinct().ShouldHaveSingleItem();
        sent.Select(s => s.Text("message_id")).Distinct().Count().ShouldBe(10);
        (await a.History(session)).Select(m => m.Text("body")).ShouldBe(Enumerable.Range(0, 10).Select(i => $"{i}"), ignoreOrder: true);
        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").Length.ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 87)]
    public async Task Somebody_must_be_addressed()
    {
        var (a, b, _) = await Team();

        await a.Post("/v1/chat/sessions", """{"to_aliases":[],"message":"m"}""").Unprocessable("to_aliases");
        await a.Post("/v1/chat/sessions", """{"to_aliases":["  "],"message":"m"}""").Unprocessable("to_aliases must not be empty");
        await a.Post("/v1/chat/sessions", """{"to_aliases":["acme/x"],"message":"m"}""").Unprocessable("Invalid alias format");
        await a.Post("/v1/chat/sessions", """{"to_aliases":"b","message":"m"}""").Invalid("to_aliases", "list_type");
        await a.Post("/v1/chat/sessions", """{"to_aliases":[1],"message":"m"}""").Invalid("to_aliases", "string_type");
        await a.Post("/v1/chat/sessions", """{"to_aliases":["b"]}""").Invalid("message", "missing");
        await a.Post("/v1/chat/sessions", """{"to_aliases":["b"],"message":"m","leaving":"perhaps"}""").Invalid("leaving", "bool_parsing");
        (await a.Post("/v1/chat/sessions", new { to_aliases = new[] { " b ", "", "  " }, message = "" }).Ok()).Items("participants").Length
            .ShouldBe(2);
        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").Length.ShouldBe(1);
        (await b.Get("/v1/chat/pending").Ok()).Items("pending")[0].Text("last_message").ShouldBe("");
    }

    [Fact]
    [Checklist("aweb", 88)]
    public async Task Nobody_chats_with_themselves()
    {
        var (a, b, _) = await Team();

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "a" }, message = "m" }).Refused(400, "Self-chat is not supported");
        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b", "a" }, message = "m" })
            .Refused(400, "Self-chat is not supported");

        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        (await b.Get("/v1/chat/pending").Ok()).Items("pending").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 89)]
    public async Task Everybody_addressed_must_be_of_the_project()
    {
        var (a, b, _) = await Team();
        var x = await NewProject().Agent("x");

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "nobody" }, message = "m" }).Refused(404, "Agent not found: nobody");
        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b", "nobody", "noone" }, message = "m" })
            .Refused(404, "Agent not found: nobody");
        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { x.Alias }, message = "m" }).RefusedWith(404, "Agent not found");

        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        (await b.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        (await x.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 90)]
    [OnAnyStore]
    public async Task Nobody_is_addressed_twice()
    {
        var (a, _, _) = await Team();

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b", " b" }, message = "m" })
            .Refused(422, "to_aliases contains duplicates");
    }

    [Fact]
    [Checklist("aweb", 91)]
    public async Task Who_left_is_named_until_they_write_again()
    {
        var (a, b, c) = await Team();
        await a.Chat("hello", b);

        (await b.LeaveChat("bye", a)).Items("targets_left").ShouldBeEmpty();
        (await a.Chat("still there?", b)).Texts("targets_left").ShouldBe(["b"]);
        (await a.Chat("all three", b, c)).Items("targets_left").ShouldBeEmpty();
        await b.Chat("back", a);
        (await a.Chat("fine", b)).Items("targets_left").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 92)]
    [Checklist("aweb", 93)]
    public async Task A_message_goes_into_a_session()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("m", b)).Text("session_id");

        var sent = await b.Post($"/v1/chat/sessions/{session}/messages", new { body = "x" }).Ok();
        sent.Text("message_id").ShouldBeUuid();
        sent.Flag("delivered").ShouldBeTrue();
        sent.Number("extends_wait_seconds").ShouldBe(0);

        (await b.Post($"/v1/chat/sessions/{session}/messages", new { body = "wait", hang_on = true }).Ok()).Number("extends_wait_seconds")
            .ShouldBe(300);
        (await b.Post($"/v1/chat/sessions/{session.ToUpperInvariant()}/messages", new { body = "y", hang_on = "false" }).Ok())
            .Number("extends_wait_seconds").ShouldBe(0);
        (await a.History(session)).Select(m => m.Text("body")).ShouldBe(["m", "x", "wait", "y"]);
    }

    [Fact]
    [Checklist("aweb", 94)]
    public async Task A_message_has_a_text_and_does_not_leave()
    {
        var (a, b, _) = await Team();
        var path = $"/v1/chat/sessions/{(await a.Chat("m", b)).Text("session_id")}/messages";

        await b.Post(path, new { body = "" }).Invalid("body", "string_too_short");
        await b.Post(path, "{}").Invalid("body", "missing");
        await b.Post(path, """{"body":null}""").Invalid("body", "string_type");
        await b.Post(path, new { body = "x", leaving = true }).Invalid("leaving", "extra_forbidden");
        (await b.Get(path).Ok()).Items("messages").Length.ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 95)]
    public async Task Only_participants_write()
    {
        var (a, b, c) = await Team();
        var x = await NewProject().Agent("x");
        var session = (await a.Chat("m", b)).Text("session_id");

        await c.Post($"/v1/chat/sessions/{session}/messages", new { body = "x" }).Refused(403, "Not a participant in this session");
        await x.Post($"/v1/chat/sessions/{session}/messages", new { body = "x" }).Refused(404, "Session not found");
        await a.Post($"/v1/chat/sessions/{Guid.NewGuid()}/messages", new { body = "x" }).Refused(404, "Session not found");
        await a.Post("/v1/chat/sessions/nonsense/messages", new { body = "x" }).Refused(422, "Invalid id format");
        foreach (var agent in new[] { c, x })
            (await agent.Get($"/v1/chat/sessions/{session}/messages")).Status.ShouldBe(agent == c ? 403 : 404);
        await a.Get($"/v1/chat/sessions/{Guid.NewGuid()}/messages").Refused(404, "Session not found");
        await a.Get("/v1/chat/sessions/nonsense/messages").Refused(422, "Invalid id format");
        (await a.History(session)).Length.ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 96)]
    public async Task Sessions_are_listed_for_their_participants()
    {
        var (a, b, c) = await Team();
        var x = await NewProject().Agent("b");
        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        var first = (await b.Chat("m", a)).Text("session_id");
        var second = (await a.Chat("m", b, c)).Text("session_id");
        await a.Chat("m", b);

        foreach (var agent in new[] { a, b })
        {
            var sessions = (await agent.Get("/v1/chat/sessions").Ok()).Items("sessions");
            sessions.Select(s => s.Text("session_id")).ShouldBe([second, first], "newest created first");
            sessions[1].Texts("participants").ShouldBe(["a", "b"]);
            sessions[1].Text("created_at").ShouldMatch(Seconds);
            sessions[1].Flag("sender_waiting").ShouldBeFalse();
        }

        (await c.Get("/v1/chat/sessions").Ok()).Pluck("sessions", "session_id").ShouldBe([second]);
        (await x.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 97)]
    public async Task The_history_is_oldest_first()
    {
        var (a, b, c) = await Team();
        var sent = await c.Chat("first", b, a);
        await a.LeaveChat("second", b, c);

        var history = await b.History(sent.Text("session_id"));

        history.Select(m => m.Text("body")).ShouldBe(["first", "second"]);
        history[0].Text("message_id").ShouldBe(sent.Text("message_id"));
        history[0].Text("from_agent").ShouldBe("c");
        history[0].Text("from_address").ShouldBe($"{a.Project.Slug}/c");
        history[0].Text("to_address").ShouldBe($"{a.Project.Slug}/a,{a.Project.Slug}/b");
        history[0].Text("timestamp").ShouldMatch(Seconds);
        history.Select(m => m.Flag("sender_leaving")).ShouldBe([false, true]);
        foreach (var field in new[] { "from_did", "to_did", "signature", "signing_key_id", "from_stable_id", "to_stable_id" })
            history[0].IsNull(field).ShouldBeTrue(field);
        history[0].Flag("is_contact").ShouldBeFalse();
        history[0].Has("hang_on").ShouldBeFalse();
    }

    [Fact]
    [Checklist("aweb", 98)]
    public async Task The_newest_messages_count()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("1", b)).Text("session_id");
        for (var i = 2; i <= 5; i++)
            await b.Say(session, $"{i}");

        (await a.History(session, "?limit=2")).Select(m => m.Text("body")).ShouldBe(["4", "5"]);
        (await a.History(session, "?limit=1")).Select(m => m.Text("body")).ShouldBe(["5"]);
        (await a.History(session, "?limit=1000")).Length.ShouldBe(5);
        await a.Get($"/v1/chat/sessions/{session}/messages?limit=0").Invalid("limit", "greater_than_equal");
        await a.Get($"/v1/chat/sessions/{session}/messages?limit=2001").Invalid("limit", "less_than_equal");
        await a.Get($"/v1/chat/sessions/{session}/messages?unread_only=perhaps").Invalid("unread_only", "bool_parsing");
    }

    [Fact]
    [Checklist("aweb", 99)]
    public async Task Unread_are_the_others_after_the_own_position()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("1", b)).Text("session_id");
        var second = await a.Say(session, "2");
        await a.Say(session, "3");

        (await b.History(session, "?unread_only=true")).Select(m => m.Text("body")).ShouldBe(["1", "2", "3"]);
        (await b.History(session, "?unread_only=true&limit=2")).Select(m => m.Text("body")).ShouldBe(["2", "3"]);
        (await a.History(session, "?unread_only=true")).ShouldBeEmpty();
        await b.ReadUpTo(session, second);
        (await b.History(session, "?unread_only=1")).Select(m => m.Text("body")).ShouldBe(["3"]);
        (await b.History(session)).Length.ShouldBe(3, "reading the history marks nothing");
    }

    [Fact]
    [Checklist("aweb", 100)]
    public async Task What_waits_is_pending()
    {
        var (a, b, _) = await Team();
        (await b.Get("/v1/chat/pending").Ok()).GetRawText().ShouldBe("""{"pending":[],"messages_waiting":0}""");
        var session = (await a.Chat("hello", b)).Text("session_id");

        var pending = await b.Get("/v1/chat/pending").Ok();

        pending.Number("messages_waiting").ShouldBe(0);
        var item = pending.Items("pending").ShouldHaveSingleItem();
        item.Text("session_id").ShouldBe(session);
        item.Texts("participants").ShouldBe(["a", "b"]);
        item.Text("last_message").ShouldBe("hello");
        item.Text("last_from").ShouldBe("a");
        item.Number("unread_count").ShouldBe(1);
        item.Text("last_activity").ShouldMatch(Seconds);
        item.Flag("sender_waiting").ShouldBeFalse();
        item.Number("time_remaining_seconds").ShouldBe(0);
        (await a.Get("/v1/chat/pending").Ok()).Items("pending").ShouldBeEmpty();

        var mail = await a.MailId(b);
        await a.MailId(b);
        (await b.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(2);
        await b.Ack(mail).Ok();
        await b.Ack(mail).Ok();
        (await b.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(1);
        (await a.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(0);
    }

    [Fact]
    [Checklist("aweb", 148)]
    public async Task Messages_tell_whether_their_author_is_a_contact()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("m", b)).Text("session_id");
        // Nobody can make a contact of their own project: what is a contact here would come from elsewhere.
        await a.Post("/v1/contacts", new { contact_address = "elsewhere/agent" }).Ok();

        (await b.History(session))[0].Flag("is_contact").ShouldBeFalse();
        await using var stream = await b.Listen(session);
        (await stream.Message()).Flag("is_contact").ShouldBeFalse();
    }

    [Fact]
    public async Task A_mail_and_a_message_cannot_have_one_id()
    {
        var (a, b, _) = await Team();
        var mail = await a.MailId(b);

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b" }, message = "m", message_id = mail,
            timestamp = "2026-03-01T10:00:00Z", from_did = "d", signature = "s" })
            .Refused(409, "message_id already exists");
        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        var session = (await a.Chat("m", b)).Text("session_id");
        await b.Post($"/v1/chat/sessions/{session}/read", new { up_to_message_id = mail }).Refused(404, "Message not found");
    }

    [Fact]
    public async Task A_long_last_message_is_pending_whole()
    {
        var (a, b, _) = await Team();
        var text = string.Concat(Enumerable.Repeat("word 🎯 ", 500));
        await a.Chat(text, b);

        (await b.Get("/v1/chat/pending").Ok()).Items("pending")[0].Text("last_message").ShouldBe(text);
    }

    [Fact]
    [Checklist("aweb", 101)]
    public async Task Pending_is_in_order_of_activity()
    {
        var (a, b, c) = await Team();
        var with = (await a.Chat("1", b)).Text("session_id");
        var all = (await c.Chat("1", b, a)).Text("session_id");
        (await b.Get("/v1/chat/pending").Ok()).Pluck("pending", "session_id").ShouldBe([all, with]);

        await a.Say(with, "2");
        (await b.Get("/v1/chat/pending").Ok()).Pluck("pending", "session_id").ShouldBe([with, all]);

        await b.Say(with, "3");
        (await b.Get("/v1/chat/pending").Ok()).Pluck("pending", "session_id").ShouldBe([all]);
    }

    [Fact]
    [Checklist("aweb", 102)]
    public async Task Reading_is_said_explicitly()
    {
        var (a, b, _) = await Team();
        var sent = await a.Chat("1", b);
        var session = sent.Text("session_id");

        var read = await b.Post($"/v1/chat/sessions/{session}/read", new { up_to_message_id = sent.Text("message_id").ToUpperInvariant() })
            .Ok();
        read.Flag("success").ShouldBeTrue();
        read.Number("messages_marked").ShouldBe(1);
        (await b.Get("/v1/chat/pending").Ok()).Items("pending").ShouldBeEmpty();
        (await b.ReadUpTo(session, sent.Text("message_id"))).ShouldBe(0);
        (await a.ReadUpTo(session, sent.Text("message_id"))).ShouldBe(0);
    }

    [Fact]
    [Checklist("aweb", 103)]
    public async Task Only_messages_of_the_session_are_read()
    {
        var (a, b, c) = await Team();
        var sent = await a.Chat("1", b);
        var other = await a.Chat("1", b, c);
        var path = $"/v1/chat/sessions/{sent.Text("session_id")}/read";

        await b.Post(path, new { up_to_message_id = other.Text("message_id") }).Refused(404, "Message not found");
        await b.Post(path, new { up_to_message_id = Guid.NewGuid() }).Refused(404, "Message not found");
        await c.Post(path, new { up_to_message_id = sent.Text("message_id") }).Refused(403, "Not a participant in this session");
        await (await NewProject().Agent()).Post(path, new { up_to_message_id = sent.Text("message_id") }).Refused(404, "Session not found");
        await b.Post(path, "{}").Invalid("up_to_message_id", "missing");
        await b.Post(path, new { up_to_message_id = "nonsense" })
            .Invalid("up_to_message_id", "value_error", "Invalid up_to_message_id format");
        await b.Post("/v1/chat/sessions/nonsense/read", new { up_to_message_id = Guid.NewGuid() }).Refused(422, "Invalid id format");
        (await b.PendingIn(sent.Text("session_id"))).ShouldNotBeNull();
    }

    [Fact]
    [Checklist("aweb", 104)]
    public async Task An_answer_reads_what_it_answers()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("1", b)).Text("session_id");
        await b.Say(session, "2");
        (await b.PendingIn(session)).ShouldBeNull();

        await a.Say(session, "3");
        (await b.PendingIn(session)).ShouldNotBeNull();
        await b.Chat("4", a);
        (await b.PendingIn(session)).ShouldBeNull();
        (await a.PendingIn(session))!.Value.Number("unread_count").ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 105)]
    public async Task What_comes_between_looking_and_marking_stays_unread()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("1", b)).Text("session_id");
        var seen = (await b.History(session, "?unread_only=true"))[^1].Text("message_id");
        await a.Say(session, "2");

        (await b.ReadUpTo(session, seen)).ShouldBe(1);

        (await b.PendingIn(session))!.Value.Number("unread_count").ShouldBe(1);
        (await b.History(session, "?unread_only=true")).Select(m => m.Text("body")).ShouldBe(["2"]);
    }

    [Fact]
    [Checklist("aweb", 106)]
    public async Task Reading_only_goes_forward()
    {
        var (a, b, _) = await Team();
        var first = await a.Chat("1", b);
        var session = first.Text("session_id");
        var second = await a.Say(session, "2");
        await a.Say(session, "3");

        (await b.ReadUpTo(session, second)).ShouldBe(2);
        (await b.ReadUpTo(session, first.Text("message_id"))).ShouldBe(0);

        (await b.PendingIn(session))!.Value.Number("unread_count").ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 107)]
    [Checklist("beadhub", 279)]
    public async Task A_message_is_one_event_on_its_senders_channel()
    {
        var (a, b, c) = await Team();
        await using var own = await c.Stream($"?workspace_id={a.Id}");
        await using var chats = await c.Stream("?event_types=chat");
        var text = string.Concat(Enumerable.Repeat("é🎯", 50));

        var sent = await a.Chat(text, c, b);
        await b.Say(sent.Text("session_id"), "answer", hangOn: true);
        await b.ReadUpTo(sent.Text("session_id"), sent.Text("message_id"));
        await c.LeaveChat("end", a, b);
        await a.Claim("bd-1").Ok();

        var e = (await own.Next()).Data;
        e.Text("type").ShouldBe("chat.message_sent");
        e.Text("workspace_id").ShouldBe(a.Id);
        e.Text("session_id").ShouldBe(sent.Text("session_id"));
        e.Text("message_id").ShouldBe(sent.Text("message_id"));
        e.Text("from_alias").ShouldBe("a");
        e.Texts("to_aliases").ShouldBe(["b", "c"]);
        e.Text("preview").ShouldBe(string.Concat(Enumerable.Repeat("é🎯", 40)));
        e.Text("project_slug").ShouldBe(a.Project.Slug);
        (await own.Next()).Type.ShouldStartWith("bead.");
        (await chats.Until(f => f.Data.Text("from_alias") == "c")).Select(f => f.Data.Text("from_alias")).ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task Texts_come_back_as_they_were()
    {
        var (a, b, _) = await Team();
        var text = "line\r\nline\u2028\u0001\t\"\\ <é> 日本語 🎯 data: x\n\nevent: y";
        var session = (await a.Chat(text, b)).Text("session_id");
        await using var stream = await b.Listen(session);

        (await stream.Message()).Text("body").ShouldBe(text);
        (await b.History(session))[0].Text("body").ShouldBe(text);
    }

    [Fact]
    public async Task Texts_have_limits()
    {
        var (a, b, _) = await Team();
        var path = $"/v1/chat/sessions/{(await a.Chat("m", b)).Text("session_id")}/messages";
        var largest = new string('é', 512 * 1024);

        await b.Post(path, new { body = largest }).Ok();
        await b.Post(path, new { body = largest + "x" }).RefusedWith(413, "1048576");
        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b" }, message = largest + "x" }).RefusedWith(413, "1048576");
        await b.Post(path, new { body = "a\0b" }).Invalid("body", "value_error");
        await b.Post(path, """{"body":"a\ud800b"}""").Unprocessable();
        (await a.Get(path).Ok()).Items("messages").Select(m => m.Text("body").Length).ShouldBe([1, largest.Length]);
    }

    [Fact]
    public async Task A_long_history_is_read_from_the_log()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("0", b)).Text("session_id");
        var ids = new List<string>();
        for (var i = 1; i <= 200; i++)
        {
            ids.Add(await (i % 3 == 0 ? b : a).Say(session, $"{i}"));
            if (i % 7 == 0)
                await b.ReadUpTo(session, ids[^1]);
        }

        (await a.History(session, "?limit=2000")).Select(m => m.Text("body")).ShouldBe(Enumerable.Range(0, 201).Select(i => $"{i}"));
        (await a.History(session, "?limit=150")).Select(m => m.Text("body")).ShouldBe(Enumerable.Range(51, 150).Select(i => $"{i}"));
        (await b.ReadUpTo(session, ids[3])).ShouldBe(0);
        var c = await a.Project.Agent("d");
        await c.Post($"/v1/chat/sessions/{session}/read", new { up_to_message_id = ids[3] })
            .Refused(403, "Not a participant in this session");
    }

    [Fact]
    public async Task A_signed_message_keeps_its_id_and_time()
    {
        var (a, b, _) = await Team();
        var (id, other) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        var signed = new
        {
            to_aliases = new[] { "b" }, message = "m", message_id = id, timestamp = "2026-03-01T10:00:00Z", from_did = "did:key:zA",
                to_did = "did:key:zB", signature = "sig",
            signing_key_id = "did:key:zA", from_stable_id = "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2",
        };
        var sent = await a.Post("/v1/chat/sessions", signed).Ok();
        var session = sent.Text("session_id");
        sent.Text("message_id").ShouldBe(id);

        await a.Post("/v1/chat/sessions", signed).Refused(409, "message_id already exists");
        await b.Post($"/v1/chat/sessions/{session}/messages",
            new { body = "x", message_id = id, timestamp = "2026-03-01T10:00:00Z", from_did = "d", signature = "s" })
            .Refused(409, "message_id already exists");
        // Not signed: the id counts for nothing.
        foreach (var _ in Enumerable.Range(0, 2))
            (await b.Post($"/v1/chat/sessions/{session}/messages", new { body = "x", message_id = other }).Ok()).Text("message_id")
                .ShouldNotBe(other);

        var history = await a.History(session);
        history.Length.ShouldBe(3);
        history[0].Text("timestamp").ShouldBe("2026-03-01T10:00:00Z");
        history[0].Text("from_did").ShouldBe("did:key:zA");
        history[0].Text("to_did").ShouldBe("did:key:zB");
        history[0].Text("signature").ShouldBe("sig");
        history[0].Text("signing_key_id").ShouldBe("did:key:zA");
        history[0].Text("from_stable_id").ShouldBe("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2");
    }

    [Theory]
    [InlineData("from_did is required when signature is provided", null, "2026-03-01T10:00:00Z")]
    [InlineData("message_id and timestamp are required when signature is provided", "d", null)]
    [InlineData("timestamp must not be empty", "d", " ")]
    [InlineData("Invalid timestamp format", "d", "noon")]
    [InlineData("timestamp must be timezone-aware", "d", "2026-03-01T10:00:00")]
    [InlineData("timestamp must be second precision", "d", "2026-03-01T10:00:00.5Z")]
    [OnAnyStore]
    public async Task A_signature_needs_what_belongs_to_it(string says, string? did, string? timestamp)
    {
        var (a, b, _) = await Team();

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { b.Alias }, message = "m", signature = "s", message_id = Guid.NewGuid(),
            from_did = did, timestamp })
            .Refused(422, says);
        (await a.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
    }

    [Fact]
    [OnAnyStore]
    public async Task Signature_fields_are_checked_each()
    {
        var (a, _, _) = await Team();
        foreach (var (field, value) in new[]
        {
            ("message_id", "x"), ("from_did", new string('d', 257)), ("to_did", new string('d', 257)), ("signature", new string('d', 513)),
            ("signing_key_id", new string('d', 257)), ("from_stable_id", "did:claw:0"), ("to_stable_id", "did:key:x"), ("from_did", "\0"),
        })
        {
            var body = new JsonObject { ["to_aliases"] = new JsonArray("b"), ["message"] = "m", [field] = value };
            await a.Post("/v1/chat/sessions", body).Invalid(field);
        }
    }

    [Fact]
    public async Task A_repeated_write_is_one_message()
    {
        var (a, b, _) = await Team();
        var path = "/v1/chat/sessions";
        var api = a.With(("Authorization", $"Bearer {a.Key}"), ("Idempotency-Key", Guid.NewGuid().ToString()));

        var first = await api.Post(path, new { to_aliases = new[] { "b" }, message = "m" }).Ok();
        var second = await api.Post(path, new { to_aliases = new[] { "b" }, message = "m" }).Ok();

        second.GetRawText().ShouldBe(first.GetRawText());
        (await b.History(first.Text("session_id"))).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Who_is_gone_cannot_be_addressed_but_their_sessions_stay()
    {
        var (a, b, _) = await Team();
        var session = (await a.Chat("1", b)).Text("session_id");
        await a.Delete($"/v1/workspaces/{b.Id}").Ok();

        await a.Post("/v1/chat/sessions", new { to_aliases = new[] { "b" }, message = "m" }).Refused(404, "Agent not found: b");
        await a.Say(session, "2");
        (await a.History(session)).Length.ShouldBe(2);

        var again = await a.Project.Agent("b");
        (await again.Get("/v1/chat/sessions").Ok()).Items("sessions").ShouldBeEmpty();
        (await a.Chat("new", again)).Text("session_id").ShouldNotBe(session);
    }

    [Fact]
    public async Task All_is_there_after_a_crash()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        var sent = await a.Chat("1", b);
        var session = sent.Text("session_id");
        for (var i = 2; i <= 40; i++)
            await a.Say(session, $"{i}");
        await b.ReadUpTo(session, sent.Text("message_id"));
        var before = (await b.Get("/v1/chat/pending").Ok()).GetRawText();
        await server.Kill();
        await server.Restart();
        (a, b) = (a.At(server.Api), b.At(server.Api));

        (await b.Get("/v1/chat/pending").Ok()).GetRawText().ShouldBe(before);
        (await b.History(session)).Select(m => m.Text("body")).ShouldBe(Enumerable.Range(1, 40).Select(i => $"{i}"));
        (await b.History(session, "?unread_only=true")).Length.ShouldBe(39);
        (await b.ReadUpTo(session, (await b.History(session))[1].Text("message_id"))).ShouldBe(1);
        (await b.Chat("back", a)).Text("session_id").ShouldBe(session);
    }

    private async Task<(Agent A, Agent B, Agent C)> Team()
    {
        var project = NewProject();
        return (await project.Agent("a"), await project.Agent("b"), await project.Agent("c"));
    }
}
