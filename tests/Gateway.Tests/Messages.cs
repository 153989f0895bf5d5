using System.Collections.Concurrent;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/messages: mail between agents (protocol 7).</summary>
public abstract class MessagesContract(Store store) : ContractTests(store)
{
    private const string Path = "/v1/messages";
    private const string Signature = "MEUCIQDexampleexampleexampleexampleexampleexampleexampleexampleexampleexampleexample";
    private const string Did = "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd";
    private const string StableId = "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2";

    private static string NewId => Guid.NewGuid().ToString();

    private async Task<(Agent Alice, Agent Bob)> Pair()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }

    [Fact]
    public async Task What_one_has_sent_is_listed_page_by_page_and_shown_to_nobody_else()
    {
        var (alice, bob) = await Pair();
        var carol = await alice.Project.Agent("carol");
        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Add(await alice.MailId(i % 2 == 0 ? bob : carol, $"body {i}", $"subject {i}"));
        await bob.Ack(ids[0]).Ok();
        await bob.Mail(alice, "answer").Ok();

        var first = await alice.Get(Path + "/sent?limit=3").Ok();
        first.Pluck("messages", "subject").ShouldBe(["subject 4", "subject 3", "subject 2"]);
        var newest = first.Items("messages")[0];
        (newest.Text("message_id"), newest.Text("to_alias"), newest.Text("to_agent_id"), newest.Text("body"))
            .ShouldBe((ids[4], "bob", bob.Id, "body 4"));
        newest.Text("to_address").ShouldBe($"{alice.Project.Slug}/bob");
        first.Flag("has_more").ShouldBeTrue();
        // What is sent meanwhile moves nothing.
        await alice.Mail(carol, "later").Ok();
        var rest = await alice.Get($"{Path}/sent?limit=3&cursor={Uri.EscapeDataString(first.Text("next_cursor"))}").Ok();
        rest.Pluck("messages", "subject").ShouldBe(["subject 1", "subject 0"]);
        (rest.Flag("has_more"), rest.IsNull("next_cursor")).ShouldBe((false, true));
        (await bob.Get(Path + "/sent").Ok()).Pluck("messages", "body").ShouldBe(["answer"]);
        (await carol.Get(Path + "/sent").Ok()).Items("messages").ShouldBeEmpty();
        await Api.Get(Path + "/sent").Unauthorized();
        await alice.Get(Path + "/sent?cursor=x").Unprocessable();
    }

    [Fact]
    [OnAnyStore]
    public async Task A_page_of_large_sent_mail_ends_early_and_goes_on()
    {
        var (alice, bob) = await Pair();
        for (var i = 0; i < 20; i++) await alice.Mail(bob, new string((char)('a' + i), 1000 * 1000)).Ok();

        var (seen, cursor, pages) = ("", "", 0);
        do
        {
            var page = await alice.Get($"{Path}/sent?limit=50{cursor}").Ok();
            seen += string.Concat(page.Pluck("messages", "body").Select(body => body[0]));
            cursor = page.Maybe("next_cursor") is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : "";
            pages++;
        }
        while (cursor.Length > 0 && pages < 20);

        seen.ShouldBe("tsrqponmlkjihgfedcba");
        pages.ShouldBeGreaterThan(1);
    }

    [Fact]
    [Checklist("aweb", 5)]
    [OnAnyStore]
    public async Task What_is_wrong_with_a_mail_is_said_before_who_asks()
    {
        var answer = Api.Post(Path, new { });
        await answer.Invalid("body", "missing");
    }

    [Fact]
    [Checklist("aweb", 6)]
    [OnAnyStore]
    public async Task Mail_needs_credentials()
    {
        await Api.Post(Path, new { to_alias = "bob", body = "b" }).Unauthorized();
        await Api.Get(Path + "/inbox").Unauthorized();
        await Api.Post($"{Path}/{NewId}/ack").Unauthorized();
    }

    [Fact]
    [Checklist("aweb", 9)]
    [Checklist("aweb", 10)]
    public async Task Who_sends_is_not_for_the_body_to_say()
    {
        var (alice, bob) = await Pair();

        (await alice.Post(Path, new { to_agent_id = bob.Id, body = "b", project_id = alice.ProjectId })
            .Invalid("project_id", "extra_forbidden"))
            .Items("loc").Select(part => part.GetString()).ShouldBe(["body", "project_id"]);
        await alice.Post(Path, new { to_agent_id = bob.Id, body = "b", from_agent_id = bob.Id })
            .Invalid("from_agent_id", "extra_forbidden");
        await alice.Post(Path, new { to_agent_id = bob.Id, body = "b", from_alias = "bob" }).Invalid("from_alias", "extra_forbidden");
        (await bob.Inbox()).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 58)]
    public async Task Mail_is_delivered()
    {
        var (alice, bob) = await Pair();

        var sent = await alice.Post(Path,
            $$"""{"to_agent_id":"{{bob.Id}}","subject":"s","body":"b","priority":"normal","thread_id":null}""").Ok();

        sent.Text("message_id").ShouldBeUuid();
        sent.Text("status").ShouldBe("delivered");
        sent.Text("delivered_at").ShouldBeSeconds();
        var mail = (await bob.Inbox()).Single();
        mail.Text("message_id").ShouldBe(sent.Text("message_id"));
        mail.Text("created_at").ShouldBe(sent.Text("delivered_at"));
        mail.IsNull("thread_id").ShouldBeTrue();
        (await alice.Inbox()).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 59)]
    public async Task Mail_goes_to_an_alias_too()
    {
        var (alice, bob) = await Pair();

        (await alice.Post(Path, new { to_alias = "bob", body = "by alias" }).Ok()).Text("status").ShouldBe("delivered");
        (await bob.Inbox()).Single().Text("body").ShouldBe("by alias");
        await alice.Post(Path, new { to_alias = "nobody", body = "b" }).Refused(404, "Agent not found");
        await alice.Post(Path, new { to_alias = "Bob", body = "b" }).Refused(404, "Agent not found");
    }

    [Fact]
    public async Task The_id_goes_before_the_alias()
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, new { to_agent_id = bob.Id.ToUpperInvariant(), to_alias = "nobody", body = "b" }).Ok();
        await alice.Post(Path, new { to_agent_id = NewId, to_alias = "bob", body = "b" }).Refused(404, "Agent not found");
        (await bob.Inbox()).ShouldHaveSingleItem();
    }

    [Fact]
    [Checklist("aweb", 60)]
    [OnAnyStore]
    public async Task A_mail_needs_a_recipient()
    {
        var agent = await NewProject().Agent();

        await agent.Post(Path, new { body = "b" }).Refused(422, "Must provide to_agent_id or to_alias");
        await agent.Post(Path, """{"body":"b","to_agent_id":null,"to_alias":null}""").Refused(422, "Must provide to_agent_id or to_alias");
    }

    [Theory]
    [InlineData("acme/agent-2")]
    [InlineData("-x")]
    [InlineData("a b")]
    [Checklist("aweb", 61)]
    [OnAnyStore]
    public async Task An_address_is_no_alias(string alias)
    {
        var agent = await NewProject().Agent();

        await agent.Post(Path, new { to_alias = alias, body = "b" }).Unprocessable("Invalid alias format");
    }

    [Fact]
    [OnAnyStore]
    public async Task Ids_are_uuids()
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, new { to_agent_id = "bob", body = "b" }).Unprocessable("Invalid agent_id format");
        await alice.Post(Path, new { to_agent_id = bob.Id, body = "b", message_id = "x" }).Unprocessable("Invalid message_id format");
        await alice.Post(Path, new { to_alias = new string('a', 65), body = "b" }).Invalid("to_alias", "string_too_long");
        await alice.Post(Path, new { to_alias = "", body = "b" }).Invalid("to_alias", "string_too_short");
    }

    [Fact]
    [Checklist("aweb", 62)]
    public async Task Mail_stays_in_the_project()
    {
        var (agent, stranger) = (await NewProject().Agent("alice"), await NewProject().Agent("stranger"));

        await agent.Post(Path, new { to_agent_id = stranger.Id, body = "b" }).Refused(404, "Agent not found");
        await agent.Post(Path, new { to_alias = "stranger", body = "b" }).Refused(404, "Agent not found");
        await agent.Post(Path, new { to_agent_id = NewId, body = "b" }).Refused(404, "Agent not found");
        (await stranger.Inbox()).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 63)]
    public async Task The_text_may_be_empty_but_not_missing()
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, new { to_agent_id = bob.Id, subject = "s" }).Invalid("body", "missing");
        await alice.Post(Path, $$"""{"to_agent_id":"{{bob.Id}}","body":null}""").Invalid("body", "string_type");
        await alice.Post(Path, new { to_agent_id = bob.Id, body = 7 }).Invalid("body", "string_type");
        await alice.Mail(bob, "").Ok();
        var mail = (await bob.Inbox()).Single();
        mail.Text("body").ShouldBe("");
        mail.Text("subject").ShouldBe("");
    }

    [Fact]
    [Checklist("aweb", 64)]
    public async Task A_priority_is_one_of_four()
    {
        var (alice, bob) = await Pair();

        var error = await alice.Mail(bob, priority: "asap").Invalid("priority", "literal_error",
            "Input should be 'low', 'normal', 'high' or 'urgent'");
        error.At("ctx").Text("expected").ShouldBe("'low', 'normal', 'high' or 'urgent'");
        await alice.Post(Path, $$"""{"to_agent_id":"{{bob.Id}}","body":"b","priority":null}""").Invalid("priority", "literal_error");
        await alice.Post(Path, $$"""{"to_agent_id":"{{bob.Id}}","body":"b","priority":1}""").Invalid("priority", "literal_error");
        await alice.Mail(bob).Ok();
        foreach (var priority in new[] { "low", "normal", "high", "urgent" })
            await alice.Mail(bob, priority: priority).Ok();
        (await bob.Inbox()).Select(mail => mail.Text("priority")).ShouldBe(["urgent", "high", "normal", "low", "normal"]);
    }

    [Fact]
    [Checklist("aweb", 65)]
    public async Task A_thread_is_any_uuid()
    {
        var (alice, bob) = await Pair();
        var thread = NewId;

        await alice.Mail(bob, thread: "abc").Unprocessable("Invalid thread_id format");
        await alice.Mail(bob, thread: thread.ToUpperInvariant()).Ok();
        (await bob.Inbox()).Single().Text("thread_id").ShouldBe(thread);
    }

    [Fact]
    public async Task A_reply_takes_the_first_mails_id_as_its_thread()
    {
        var (alice, bob) = await Pair();
        var first = await alice.MailId(bob, "Ready?");

        await bob.Mail(alice, "Yes.", thread: first).Ok();

        (await alice.Inbox()).Single().Text("thread_id").ShouldBe(first);
    }

    [Fact]
    [Checklist("aweb", 66)]
    public async Task Mail_to_oneself_is_delivered()
    {
        var agent = await NewProject().Agent();

        await agent.Mail(agent, "Remember").Ok();

        var mail = (await agent.Inbox()).Single();
        mail.Text("body").ShouldBe("Remember");
        mail.Text("from_agent_id").ShouldBe(agent.Id);
    }

    [Fact]
    [Checklist("aweb", 67)]
    public async Task The_inbox_shows_the_newest_first()
    {
        var (alice, bob) = await Pair();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Add(await alice.MailId(bob, $"Text {i}", $"Subject {i}"));

        var mails = await bob.Inbox();

        mails.Select(mail => mail.Text("message_id")).ShouldBe(Enumerable.Reverse(ids));
        var newest = mails[0];
        newest.EnumerateObject().Select(field => field.Name).ShouldBe(
            [
                "message_id", "from_agent_id", "from_alias", "from_address", "to_address", "subject", "body", "priority", "thread_id",
                "read_at", "created_at",
                "from_did", "to_did", "signature", "signing_key_id", "rotation_announcement", "from_stable_id", "to_stable_id",
                "is_contact",
            ],
            ignoreOrder: true);
        newest.Text("from_agent_id").ShouldBe(alice.Id);
        newest.Text("from_alias").ShouldBe("alice");
        newest.Text("from_address").ShouldBe($"{alice.Project.Slug}/alice");
        newest.Text("to_address").ShouldBe($"{alice.Project.Slug}/bob");
        newest.Text("subject").ShouldBe("Subject 4");
        newest.Text("body").ShouldBe("Text 4");
        newest.Text("priority").ShouldBe("normal");
        newest.Text("created_at").ShouldBeSeconds();
        foreach (var name in new[] { "thread_id", "read_at", "from_did", "to_did", "signature", "signing_key_id", "rotation_announcement",
            "from_stable_id", "to_stable_id" })
            newest.IsNull(name).ShouldBeTrue(name);
    }

    [Fact]
    [Checklist("aweb", 68)]
    public async Task Acknowledged_mail_is_hidden_on_demand()
    {
        var (alice, bob) = await Pair();
        string[] ids = [await alice.MailId(bob), await alice.MailId(bob), await alice.MailId(bob)];

        await bob.Ack(ids[1]).Ok();

        (await bob.Get(Path + "/inbox").Ok()).Pluck("messages", "message_id").ShouldBe([ids[2], ids[1], ids[0]]);
        (await bob.Inbox(unreadOnly: true)).Select(mail => mail.Text("message_id")).ShouldBe([ids[2], ids[0]]);
        (await bob.Get(Path + "/inbox?unread_only=1&limit=1").Ok()).Pluck("messages", "message_id").ShouldBe([ids[2]]);
        await bob.Get(Path + "/inbox?unread_only=perhaps").Invalid("unread_only", "bool_parsing");
    }

    [Fact]
    [Checklist("aweb", 69)]
    public async Task An_inbox_shows_1_to_500_mails()
    {
        var (alice, bob) = await Pair();
        for (var i = 0; i < 53; i++)
            await alice.Mail(bob, $"{i}").Ok();

        await bob.Get(Path + "/inbox?limit=0").Invalid("limit", "greater_than_equal");
        await bob.Get(Path + "/inbox?limit=501").Invalid("limit", "less_than_equal");
        await bob.Get(Path + "/inbox?limit=x").Invalid("limit", "int_parsing");
        (await bob.Inbox(limit: 1)).Single().Text("body").ShouldBe("52");
        (await bob.Inbox()).Length.ShouldBe(50);
        (await bob.Inbox(limit: 500)).Length.ShouldBe(53);
        (await bob.Get(Path + "/inbox?workspace_id=x&from_alias=nobody&limit=2").Ok()).Items("messages").Length.ShouldBe(2);
    }

    [Fact]
    [Checklist("aweb", 70)]
    public async Task Looking_is_not_reading()
    {
        var (alice, bob) = await Pair();
        await alice.Mail(bob).Ok();

        await bob.Inbox();

        (await bob.Inbox()).Single().IsNull("read_at").ShouldBeTrue();
        (await bob.Inbox(unreadOnly: true)).ShouldHaveSingleItem();
    }

    [Fact]
    [Checklist("aweb", 71)]
    public async Task The_first_acknowledgement_counts()
    {
        var (alice, bob) = await Pair();
        var id = await alice.MailId(bob);

        var first = await bob.Ack(id).Ok();
        await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);
        var second = await bob.Ack(id.ToUpperInvariant()).Ok();

        first.Text("message_id").ShouldBe(id);
        first.Text("acknowledged_at").ShouldBeSeconds();
        second.Text("message_id").ShouldBe(id);
        second.Text("acknowledged_at").ShouldBe(first.Text("acknowledged_at"));
        (await bob.Inbox()).Single().Text("read_at").ShouldBe(first.Text("acknowledged_at"));
    }

    [Fact]
    [Checklist("aweb", 72)]
    public async Task Only_the_recipient_acknowledges()
    {
        var (alice, bob) = await Pair();
        var carol = await alice.Project.Agent("carol");
        var id = await alice.MailId(bob);

        await alice.Ack(id).Refused(403, "Not authorized to acknowledge this message");
        await carol.Ack(id).Refused(403, "Not authorized to acknowledge this message");
        (await bob.Inbox()).Single().IsNull("read_at").ShouldBeTrue();
    }

    [Fact]
    [Checklist("aweb", 73)]
    public async Task An_unknown_mail_is_not_found()
    {
        var (alice, bob) = await Pair();
        var stranger = await NewProject().Agent();
        var id = await alice.MailId(bob);

        await bob.Ack(NewId).Refused(404, "Message not found");
        await stranger.Ack(id).Refused(404, "Message not found");
        await bob.Ack("not-a-uuid").Refused(422, "Invalid message_id format");
        await bob.Ack("a%20b").Refused(422, "Invalid message_id format");
    }

    [Fact]
    [Checklist("aweb", 74)]
    public async Task An_acknowledgements_body_does_not_matter()
    {
        var (alice, bob) = await Pair();

        await bob.Post($"{Path}/{await alice.MailId(bob)}/ack", new { workspace_id = "x" }).Ok();
        await bob.Post($"{Path}/{await alice.MailId(bob)}/ack", Api.Plain("not json")).Ok();
        (await bob.Inbox(unreadOnly: true)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 75)]
    public async Task Without_a_signature_the_server_makes_the_id()
    {
        var (alice, bob) = await Pair();
        var request = new { to_agent_id = bob.Id, body = "b", message_id = NewId, timestamp = "not looked at", from_did = Did };

        var (first, second) = (await alice.Post(Path, request).Ok(), await alice.Post(Path, request).Ok());

        string[] ids = [first.Text("message_id"), second.Text("message_id"), request.message_id];
        ids.ShouldBeUnique();
        (await bob.Inbox()).Select(mail => mail.Text("from_did")).ShouldBe([Did, Did]);
    }

    private static object Signed(
        Agent to, string? id = null, string? timestamp = "2026-03-08T15:14:59Z", string? did = Did, string body = "signed",
        string? stable = null) => new
        {
            to_agent_id = to.Id,
            body,
            message_id = id,
            timestamp,
            from_did = did,
            to_did = "did:key:zTo",
            signature = Signature,
            signing_key_id = did,
            from_stable_id = stable,
        };

    [Fact]
    public async Task The_signed_text_that_newer_clients_send_along_is_checked_and_given_back()
    {
        // The protocol's public vector mail_basic.
        const string id = "8b1c2c69-7c2a-4fbb-9f4a-3dfb7d7a26c0",
            signature = "OF5hbFcpZi5OsYtUrWgze2K64ZP47PHFFTbXCWhKD8yjRkNUB6SQZ226M9h2tIUvoTlzmNZtMRWVUPpfT/kfDg";
        const string payload =
            $$"""{"body":"task complete","from":"mycompany/researcher","from_did":"{{Did}}","message_id":"{{id}}","subject":"status update","timestamp":"2026-02-22T10:00:00Z","to":"acme/monitor","to_did":"did:key:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2","type":"mail"}""";
        var (alice, bob) = await Pair();
        object Mail(string subject = "status update", string body = "task complete", string? signed = signature, string text = payload) =>
            new
        {
            to_alias = "bob", subject, body, message_id = id, timestamp = "2026-02-22T10:00:00Z", from_did = Did, signing_key_id = Did,
                signature = signed, signed_payload = text,
        };

        await alice.Post(Path, Mail(body: "another")).Refused(422, "signed_payload body must match the message");
        await alice.Post(Path, Mail(subject: "another")).Refused(422, "signed_payload subject must match the message");
        await alice.Post(Path, Mail(signed: Signature)).Refused(422, "signature does not match signed_payload");
        await alice.Post(Path, Mail(text: payload.Replace("acme", "acne", StringComparison.Ordinal)))
            .Refused(422, "signature does not match signed_payload");
        await alice.Post(Path, Mail(text: "{")).Refused(422, "signed_payload must be valid JSON");
        await alice.Post(Path, Mail(text: new string('x', (3 * 1024 * 1024) + 1))).Invalid("signed_payload");
        (await bob.Inbox()).ShouldBeEmpty();

        await alice.Post(Path, Mail()).Ok();
        await alice.Mail(bob, "unsigned").Ok();
        var mails = await bob.Inbox();
        (mails[1].Text("signed_payload"), mails[1].Text("signature")).ShouldBe((payload, signature));
        mails[0].Has("signed_payload").ShouldBeFalse();
    }

    [Fact]
    [Checklist("aweb", 76)]
    public async Task A_signed_mail_is_delivered_once()
    {
        var (alice, bob) = await Pair();
        var carol = await alice.Project.Agent("carol");
        var id = NewId;

        var sent = await alice.Post(Path, Signed(bob, id)).Ok();

        sent.Text("message_id").ShouldBe(id);
        sent.Text("delivered_at").ShouldBe("2026-03-08T15:14:59Z");
        await alice.Post(Path, Signed(bob, id)).Refused(409, "message_id already exists");
        await alice.Post(Path, Signed(bob, id, body: "other")).Refused(409, "message_id already exists");
        await alice.Post(Path, Signed(carol, id.ToUpperInvariant())).Refused(409, "message_id already exists");
        await carol.Post(Path, Signed(bob, id)).Refused(409, "message_id already exists");
        (await carol.Inbox()).ShouldBeEmpty();
        var mail = (await bob.Inbox()).Single();
        mail.Text("body").ShouldBe("signed");
        mail.Text("created_at").ShouldBe("2026-03-08T15:14:59Z");
        mail.Text("from_did").ShouldBe(Did);
        mail.Text("to_did").ShouldBe("did:key:zTo");
        mail.Text("signature").ShouldBe(Signature);
        mail.Text("signing_key_id").ShouldBe(Did);
        mail.IsNull("from_stable_id").ShouldBeTrue();
        mail.IsNull("to_stable_id").ShouldBeTrue();
    }

    [Fact]
    public async Task Twenty_copies_of_a_signed_mail_at_once_are_delivered_once()
    {
        var (alice, bob) = await Pair();
        var carol = await alice.Project.Agent("carol");
        var id = NewId;

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => alice.Post(Path, Signed(i % 2 == 0 ? bob : carol, id))));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 409);
        ((await bob.Inbox()).Length + (await carol.Inbox()).Length).ShouldBe(1);
    }

    [Fact]
    [Checklist("aweb", 77)]
    [OnAnyStore]
    public async Task A_signature_needs_its_signer_id_and_time()
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, Signed(bob, NewId, did: null)).Refused(422, "from_did is required when signature is provided");
        await alice.Post(Path, Signed(bob, null)).Refused(422, "message_id and timestamp are required when signature is provided");
        await alice.Post(Path, Signed(bob, NewId, timestamp: null))
            .Refused(422, "message_id and timestamp are required when signature is provided");
        (await bob.Inbox()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("2026-03-08T15:14:59.5Z", "timestamp must be second precision")]
    [InlineData("2026-03-08T15:14:59.000000001+01:00", "timestamp must be second precision")]
    [InlineData("2026-03-08T15:14:59", "timestamp must be timezone-aware")]
    [InlineData("yesterday", "Invalid timestamp format")]
    [InlineData("2026-02-30T25:61:61Z", "Invalid timestamp format")]
    [InlineData("0001-01-01T00:00:00+14:00", "Invalid timestamp format")]
    [InlineData(" ", "timestamp must not be empty")]
    [Checklist("aweb", 78)]
    [OnAnyStore]
    public async Task A_signed_time_has_whole_seconds_and_a_zone(string timestamp, string detail)
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, Signed(bob, NewId, timestamp)).Refused(422, detail);
        (await bob.Inbox()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("2026-03-08T16:14:59+01:00", "2026-03-08T15:14:59Z")]
    [InlineData("2026-03-08T15:14:59.000Z", "2026-03-08T15:14:59Z")]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    public async Task A_signed_time_is_shown_in_utc(string timestamp, string shown)
    {
        var (alice, bob) = await Pair();

        (await alice.Post(Path, Signed(bob, NewId, timestamp)).Ok()).Text("delivered_at").ShouldBe(shown);
        (await bob.Inbox()).Single().Text("created_at").ShouldBe(shown);
    }

    [Theory]
    [InlineData("did:claw:")]
    [InlineData("did:claw:0OIl")]
    [InlineData("did:key:2CiZ88hVF4JuQim8nnSuyeiV2HF2")]
    [InlineData("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2z")]
    [OnAnyStore]
    public async Task A_stable_id_is_20_bytes_in_base58(string stableId)
    {
        var (alice, bob) = await Pair();

        await alice.Post(Path, Signed(bob, NewId, stable: stableId)).Unprocessable("from_stable_id");
        await alice.Post(Path, Signed(bob, NewId, stable: " ")).Ok();
    }

    [Fact]
    public async Task Stable_ids_are_the_senders_and_the_recipients_own()
    {
        var project = NewProject();
        var alice = await Persistent(project, "alice", did: Did, key: "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg");
        var bob = await project.Agent("bob");
        var bobs = (await bob.Get($"/v1/agents/resolve/{project.Slug}/bob").Ok()).Text("stable_id");

        foreach (var own in new[] { StableId, StableId.Replace("claw", "aw", StringComparison.Ordinal) })
        {
            await alice.Post(Path, new { to_alias = "bob", body = "b", from_stable_id = own, to_stable_id = bobs }).Ok();
            var mail = (await bob.Inbox())[0];
            (mail.Text("from_stable_id"), mail.Text("to_stable_id")).ShouldBe((own, bobs));
        }

        await alice.Post(Path, new { to_alias = "bob", body = "b", from_stable_id = bobs })
            .Refused(403, "from_stable_id does not match sender stable_id");
        await alice.Post(Path, new { to_alias = "bob", body = "b", to_stable_id = StableId })
            .Refused(403, "to_stable_id does not match recipient stable_id");
        (await bob.Inbox()).Length.ShouldBe(2);
    }

    [Fact]
    [Checklist("aweb", 79)]
    [Checklist("aweb", 168)]
    public async Task Mail_to_a_retired_agent_is_answered_with_its_successor()
    {
        var project = NewProject();
        var (old, bob) = (await Persistent(project, "old"), await project.Agent("bob"));
        var (carol, dave) = (await project.Agent("carol"), await Persistent(project, "dave"));
        await old.Put("/v1/agents/me/retire", new { successor_agent_id = carol.Id }).Ok();
        await old.Put("/v1/agents/me/retire", new { successor_agent_id = carol.Id }).Refused(400, "Agent is already retired");

        foreach (var request in new object[] { new { to_agent_id = old.Id, body = "b" }, new { to_alias = "old", body = "b" },
            new { to_alias = "old", body = "b", signature = "s" } })
        {
            var answer = await bob.Post(Path, request);
            answer.Status.ShouldBe(410, answer.ToString());
            answer.Json.Text("detail").ShouldBe("Agent is retired");
            answer.Json.Text("successor_alias").ShouldBe("carol");
            answer.Json.Text("successor_agent_id").ShouldBe(carol.Id);
        }

        // What it got before it can still read, and it may still write.
        (await old.Inbox()).ShouldBeEmpty();
        await old.Mail(bob).Ok();
        await carol.Delete("/v1/agents/me").Ok();
        var gone = await dave.Mail(old);
        gone.Status.ShouldBe(410);
        gone.Json.IsNull("successor_alias").ShouldBeTrue();
        gone.Json.Text("successor_agent_id").ShouldBe(carol.Id);
    }

    [Fact]
    [Checklist("aweb", 49)]
    public async Task Within_a_project_everybody_may_write_to_everybody()
    {
        var (alice, bob) = await Pair();
        await bob.Patch("/v1/agents/me", new { access_mode = "contacts_only" }).Ok();

        await alice.Mail(bob).Ok();
        (await bob.Inbox()).ShouldHaveSingleItem();
    }

    [Fact]
    [Checklist("aweb", 53)]
    public async Task Who_has_left_has_no_inbox()
    {
        var (alice, bob) = await Pair();
        var id = await alice.MailId(bob);
        await bob.Delete("/v1/agents/me").Ok();

        await bob.Get(Path + "/inbox").Refused(404, "Agent not found");
        await bob.Mail(alice).Refused(404, "Agent not found");
        await bob.Ack(id).Refused(404, "Agent not found");
        await alice.Mail(bob).Refused(404, "Agent not found");
    }

    [Fact]
    public async Task A_changed_key_is_announced_with_mail_until_the_reader_writes_back()
    {
        await using var server = await Store.Own(("AWEB_CUSTODY_KEY", new string('a', 64)));
        var project = new Project(server.Api);
        var (alice, bob) = (await Persistent(project, "alice"), await project.Agent("bob"));
        await alice.Mail(bob, "before").Ok();
        await bob.Mail(bob, "own").Ok();
        (await bob.Inbox()).ShouldAllBe(mail => mail.IsNull("rotation_announcement"));

        var rotated = await alice.Put("/v1/agents/me/rotate", new { custody = "custodial", timestamp = "2026-02-22T10:00:00Z" }).Ok();

        for (var twice = 0; twice < 2; twice++)
        {
            var mails = await bob.Inbox();
            mails[0].IsNull("rotation_announcement").ShouldBeTrue();
            var announced = mails[1].At("rotation_announcement");
            announced.EnumerateObject().Select(field => field.Name)
                .ShouldBe(["old_did", "new_did", "timestamp", "old_key_signature"], ignoreOrder: true);
            announced.Text("old_did").ShouldBe(rotated.Text("old_did"));
            announced.Text("new_did").ShouldBe(rotated.Text("new_did"));
            announced.Text("timestamp").ShouldBe("2026-02-22T10:00:00Z");
        }

        await bob.Mail(alice, "I know").Ok();
        (await bob.Inbox()).ShouldAllBe(mail => mail.IsNull("rotation_announcement"));
    }

    [Fact]
    public async Task With_a_custody_key_the_server_signs_unsigned_mail()
    {
        await using var server = await Store.Own(("AWEB_CUSTODY_KEY", new string('a', 64)));
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var own = await Persistent(project, "own", did: Did, key: "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg");

        var sent = await alice.Mail(bob, "Signed for me").Ok();
        await own.Mail(bob, "Nobody signs for me").Ok();
        await alice.Post(Path, Signed(bob, NewId)).Ok();

        var mails = await bob.Inbox();
        var made = mails[2];
        made.Text("signature").Length.ShouldBe(86);
        made.Text("from_did").ShouldBe(alice.Init.Text("did"));
        made.Text("signing_key_id").ShouldBe(alice.Init.Text("did"));
        made.Text("to_did").ShouldBe(bob.Init.Text("did"));
        made.Text("from_stable_id").ShouldStartWith("did:claw:");
        made.Text("created_at").ShouldBe(sent.Text("delivered_at"));
        mails[1].IsNull("signature").ShouldBeTrue();
        mails[0].Text("signature").ShouldBe(Signature);

        // A tool's mail is the same mail.
        await alice.Post("/mcp", new
        {
            jsonrpc = "2.0", id = 1, method = "tools/call",
            @params = new { name = "send_message",
                arguments = new { sender_name = "alice", to = new[] { "bob" }, subject = "s", body_md = "By a tool" } },
        }).Ok();
        var byTool = (await bob.Inbox())[0];
        byTool.Text("body").ShouldBe("By a tool");
        byTool.Text("signature").Length.ShouldBe(86);
        byTool.Text("from_did").ShouldBe(alice.Init.Text("did"));
        byTool.Text("to_did").ShouldBe(bob.Init.Text("did"));
    }

    private static async Task<Agent> Persistent(Project project, string alias, string? did = null, string? key = null) =>
        new(project, project.Origin, "",
            await project.Init(new { project_slug = project.Slug, alias, lifetime = "persistent", did, public_key = key }).Ok());

    [Fact]
    public async Task What_comes_last_is_shown_first_whatever_its_signed_time()
    {
        var (alice, bob) = await Pair();
        await alice.Post(Path, Signed(bob, NewId, "2099-01-01T00:00:00Z", body: "future")).Ok();
        await alice.Mail(bob, "now").Ok();
        await alice.Post(Path, Signed(bob, NewId, "2001-01-01T00:00:00Z", body: "past")).Ok();

        (await bob.Inbox()).Select(mail => mail.Text("body")).ShouldBe(["past", "now", "future"]);
    }

    [Fact]
    [Checklist("aweb", 80)]
    [Checklist("aweb", 81)]
    [Checklist("beadhub", 277)]
    public async Task Sending_is_one_event_for_the_recipient()
    {
        var (alice, bob) = await Pair();
        await using var toBob = await alice.Stream($"?workspace_id={bob.Id}&event_types=message");
        await using var toAlice = await alice.Stream($"?workspace_id={alice.Id}&event_types=message");

        var first = (await alice.Mail(bob, "b", "The subject", "high").Ok()).Text("message_id");
        var second = await alice.MailId(bob);
        var own = await alice.MailId(alice);

        var delivered = await toBob.Next();
        delivered.Type.ShouldBe("message.delivered");
        delivered.Data.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["workspace_id", "type", "timestamp", "project_slug", "message_id", "from_workspace", "from_alias", "to_alias", "subject",
                "priority"], ignoreOrder: true);
        delivered.Data.Text("workspace_id").ShouldBe(bob.Id);
        delivered.Data.Text("timestamp").ShouldBeTimestamp();
        delivered.Data.Text("project_slug").ShouldBe(alice.Project.Slug);
        delivered.Data.Text("message_id").ShouldBe(first);
        delivered.Data.Text("from_workspace").ShouldBe(alice.Id);
        delivered.Data.Text("from_alias").ShouldBe("alice");
        delivered.Data.Text("to_alias").ShouldBe("bob");
        delivered.Data.Text("subject").ShouldBe("The subject");
        delivered.Data.Text("priority").ShouldBe("high");
        (await toBob.Next()).Data.Text("message_id").ShouldBe(second);
        (await toAlice.Next()).Data.Text("message_id").ShouldBe(own);
    }

    [Fact]
    [Checklist("aweb", 82)]
    [Checklist("beadhub", 278)]
    public async Task Acknowledging_is_one_event_for_the_reader()
    {
        var (alice, bob) = await Pair();
        string[] ids = [await alice.MailId(bob, subject: "First"), await alice.MailId(bob, subject: "Second")];
        await using var stream = await alice.Stream($"?workspace_id={bob.Id}&event_types=message");

        await bob.Ack(ids[0]).Ok();
        await bob.Ack(ids[0]).Ok();
        await bob.Ack(ids[1]).Ok();

        var read = await stream.Next();
        read.Type.ShouldBe("message.acknowledged");
        read.Data.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["workspace_id", "type", "timestamp", "project_slug", "message_id", "from_alias", "subject"], ignoreOrder: true);
        read.Data.Text("workspace_id").ShouldBe(bob.Id);
        read.Data.Text("message_id").ShouldBe(ids[0]);
        read.Data.Text("from_alias").ShouldBe("alice");
        read.Data.Text("subject").ShouldBe("First");
        (await stream.Next()).Data.Text("message_id").ShouldBe(ids[1]);
    }

    [Fact]
    public async Task Mail_to_a_deleted_workspaces_agent_is_refused()
    {
        var (alice, bob) = await Pair();
        await alice.Mail(bob, "before").Ok();
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();

        await alice.Mail(bob).Refused(404, "Agent not found");
        await alice.Post(Path, new { to_alias = "bob", body = "b" }).Refused(404, "Agent not found");

        // Somebody else under the same alias has a mailbox of their own.
        var again = await alice.Project.Agent("bob");
        (await again.Inbox()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_gateway_acts_for_the_agent_that_it_names_and_a_public_reader_for_none()
    {
        var (alice, bob) = await Pair();

        var id = (await Proxied(alice).Post(Path, new { to_alias = "bob", body = "b" }).Ok()).Text("message_id");
        (await Proxied(bob).Get(Path + "/inbox").Ok()).Items("messages").Single().Text("from_alias").ShouldBe("alice");
        await Proxied(bob).Post($"{Path}/{id}/ack").Ok();

        (await PublicReader(alice).Get(Path + "/inbox")).Status.ShouldBe(403);
        (await PublicReader(alice).Post(Path, new { to_alias = "bob", body = "b" })).Status.ShouldBe(403);
        (await PublicReader(alice).Post($"{Path}/{id}/ack")).Status.ShouldBe(403);
        await Api.With(ProxyHeaders.User(alice.ProjectId, NewId, NewId)).Get(Path + "/inbox").Refused(404, "Agent not found");
    }

    [Fact]
    public async Task Any_text_comes_back_as_it_was_but_for_nul()
    {
        var (alice, bob) = await Pair();
        const string Text = "日本語 🎯 \u202e\u2028 \"quoted\" \\ </script> \u0001\u001b[31m\ttab\r\nline \u007f\uffff";

        await alice.Mail(bob, Text, Text).Ok();

        var mail = (await bob.Inbox()).Single();
        mail.Text("body").ShouldBe(Text);
        mail.Text("subject").ShouldBe(Text);
        await alice.Mail(bob, "a\0b").Unprocessable("body must not contain NUL characters");
        await alice.Mail(bob, "b", "a\0b").Unprocessable("subject must not contain NUL characters");
        await alice.Post(Path, $$"""{"to_agent_id":"{{bob.Id}}","body":"\ud800"}""").Invalid(type: "json_invalid");
        await alice.Post(Path, $$"""{"to_agent_id":"{{bob.Id}}","body":"x","priority":"\ud800"}""").Invalid(type: "json_invalid");
        await alice.Mail(bob, "b", new string('s', 65_537)).Invalid("subject", "string_too_long");
        (await bob.Inbox()).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_text_above_a_mebibyte_is_refused()
    {
        var (alice, bob) = await Pair();
        var large = new string('é', 512 * 1024);

        await alice.Mail(bob, large + "a").Refused(413, "Message body too large: at most 1048576 bytes");
        await alice.Mail(bob, large).Ok();
        (await bob.Inbox()).Single().Text("body").ShouldBe(large);
    }

    [Fact]
    public async Task A_page_of_large_mails_ends_before_clients_stop_reading()
    {
        var (alice, bob) = await Pair();
        var large = new string('a', 1024 * 1024);
        for (var i = 0; i < 12; i++)
            await alice.Mail(bob, large, $"{i}").Ok();
        await alice.Mail(bob, "small", "12").Ok();

        var answer = await bob.Get(Path + "/inbox?unread_only=true&limit=500");

        answer.Text.Length.ShouldBeInRange(7 * 1024 * 1024, 9 * 1024 * 1024);
        var mails = answer.Ok().Items("messages");
        mails.Select(mail => mail.Text("subject")).ShouldBe(["12", "11", "10", "9", "8", "7", "6", "5"]);
        mails.Skip(1).ShouldAllBe(mail => mail.Text("body") == large);

        // What was read makes room for what is older.
        foreach (var mail in mails)
            await bob.Ack(mail.Text("message_id")).Ok();
        (await bob.Inbox(unreadOnly: true, limit: 500)).Select(mail => mail.Text("subject")).ShouldBe(["4", "3", "2", "1", "0"]);
        (await bob.Inbox(limit: 2)).Select(mail => mail.Text("subject")).ShouldBe(["12", "11"]);
    }

    [Fact]
    public async Task A_repeat_with_a_key_delivers_once()
    {
        var (alice, bob) = await Pair();
        var caller = Api.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", NewId));
        var request = new { to_agent_id = bob.Id, body = "once" };

        var (first, second) = (await caller.Post(Path, request), await caller.Post(Path, request));

        second.Ok().Text("message_id").ShouldBe(first.Ok().Text("message_id"));
        (await bob.Inbox()).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Mail_of_many_senders_at_once_all_arrives()
    {
        var project = NewProject();
        var bob = await project.Agent("bob");
        var senders = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => project.Identity($"sender-{i}")));

        var ids = await Task
            .WhenAll(senders.SelectMany(sender => Enumerable.Range(0, 25).Select(i => sender.MailId(bob, $"{sender.Alias} {i}"))));
        var acknowledged = await Task.WhenAll(ids.Where((_, i) => i % 2 == 0).Select(id => bob.Ack(id)));

        acknowledged.ShouldAllBe(answer => answer.Status == 200);
        (await bob.Inbox(limit: 500)).Select(mail => mail.Text("message_id")).ShouldBe(ids, ignoreOrder: true);
        (await bob.Inbox(unreadOnly: true, limit: 500)).Select(mail => mail.Text("message_id"))
            .ShouldBe(ids.Where((_, i) => i % 2 == 1), ignoreOrder: true);
    }

    [Fact]
    [OnAnyStore]
    public async Task An_agent_that_runs_wild_is_slowed_down()
    {
        await using var server = await Store.Own(("BEADHUB_MAIL_RATE_LIMIT", "3"));
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        for (var i = 0; i < 3; i++)
        {
            await alice.Mail(bob, "\0").Unprocessable();
            await alice.Mail(bob).Ok();
        }

        var answer = await alice.Mail(bob);

        answer.Status.ShouldBe(429, answer.ToString());
        answer.Json.Text("detail").ShouldBe("Rate limit exceeded. Too many messages.");
        int.Parse(answer.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture).ShouldBeInRange(1, 60);
        await bob.Mail(alice).Ok();
        (await bob.Inbox()).Length.ShouldBe(3);
    }

    [Fact]
    public async Task Mail_survives_a_restart()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var ids = new List<string>();
        for (var i = 0; i < 70; i++)
            ids.Add(await alice.MailId(bob, $"{i}"));
        var signed = NewId;
        await alice.Post(Path, Signed(bob, signed)).Ok();
        var receipt = await bob.Ack(ids[0]).Ok();
        foreach (var id in ids.Skip(20).Take(30))
            await bob.Ack(id).Ok();
        var (all, unread) = (await bob.Get(Path + "/inbox?limit=500"), await bob.Get(Path + "/inbox?unread_only=true&limit=500"));

        await server.Kill();
        await server.Restart();
        (alice, bob) = (alice.At(server.Api), bob.At(server.Api));

        (await bob.Get(Path + "/inbox?limit=500")).Text.ShouldBe(all.Text);
        (await bob.Get(Path + "/inbox?unread_only=true&limit=500")).Text.ShouldBe(unread.Text);
        (await bob.Ack(ids[0]).Ok()).Text("acknowledged_at").ShouldBe(receipt.Text("acknowledged_at"));
        await alice.Post(Path, Signed(bob, signed)).Refused(409, "message_id already exists");
        await alice.Ack(ids[1]).Refused(403, "Not authorized to acknowledge this message");
        await bob.Ack(ids[1]).Ok();
        (await bob.Inbox(unreadOnly: true, limit: 500)).Length.ShouldBe(unread.Ok().Items("messages").Length - 1);
    }

    [Fact]
    public async Task Mail_that_was_answered_survives_a_kill_in_the_middle()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var bob = await project.Agent("bob");
        var senders = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => project.Identity($"sender-{i}")));
        var (sent, read) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var writers = senders.Select(sender => Task.Run(async () =>
        {
            try
            {
                for (var i = 0; i < 70; i++)
                {
                    var id = await sender.MailId(bob, $"{sender.Alias} {i}");
                    sent.Enqueue(id);
                    if (i % 3 == 0)
                    {
                        await bob.Ack(id).Ok();
                        read.Enqueue(id);
                    }

                    if (sent.Count >= 150) enough.TrySetResult();
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // The server is gone.
            }
        })).ToArray();
        await enough.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await server.Kill();
        await Task.WhenAll(writers);
        await server.Restart();
        bob = bob.At(server.Api);

        var mails = await bob.Inbox(limit: 500);
        var inbox = mails.ToDictionary(mail => mail.Text("message_id"));
        sent.Except(inbox.Keys).ShouldBeEmpty("answered mails that are gone");
        inbox.Count.ShouldBeLessThanOrEqualTo(sent.Count + senders.Length);
        read.ShouldAllBe(id => !inbox[id].IsNull("read_at"));
        var unread = (await bob.Inbox(unreadOnly: true, limit: 500)).Select(mail => mail.Text("message_id"));
        unread.ShouldBe(mails.Where(mail => mail.IsNull("read_at")).Select(mail => mail.Text("message_id")));
        foreach (var sender in senders)
        {
            // Each sender waits for an answer before it writes again: its mails stand in the order of writing.
            var bodies = mails.Where(mail => mail.Text("from_alias") == sender.Alias).Select(mail => mail.Text("body")).ToArray();
            bodies.ShouldBe(Enumerable.Range(0, bodies.Length).Reverse().Select(i => $"{sender.Alias} {i}"));
        }
    }
}
