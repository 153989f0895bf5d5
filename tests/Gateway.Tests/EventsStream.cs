using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Control signals, and the stream of what wakes an agent (aweb 6.8, 11).</summary>
public abstract class EventsStreamContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("aweb", 57)]
    public async Task A_signal_is_queued_for_an_alias()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var stranger = await NewProject().Agent("carol");

        var queued = await alice.Post("/v1/agents/bob/control", new { signal = "pause" }).Ok();

        queued.Text("signal_id").ShouldBeUuid();
        queued.Text("signal").ShouldBe("pause");
        await alice.Post("/v1/agents/bob/control", new { signal = "stop" })
            .Invalid("signal", "literal_error", "'pause', 'resume' or 'interrupt'");
        await Api.Post("/v1/agents/bob/control", new { }).Invalid("signal", "missing");
        await Api.Post("/v1/agents/bob/control", new { signal = "pause", more = 1 }).Invalid("more", "extra_forbidden");
        await Api.Post("/v1/agents/bob/control", new { signal = "pause" }).Unauthorized();
        foreach (var alias in new[] { "nobody", "carol", "a%20b", Uri.EscapeDataString(bob.Id) })
            await alice.Post($"/v1/agents/{alias}/control", new { signal = "pause" }).Refused(404, "Agent not found");
        await stranger.Post("/v1/agents/bob/control", new { signal = "pause" }).Refused(404, "Agent not found");
        await bob.Post("/v1/agents/bob/control", new { signal = "resume" }).Ok();
    }

    [Fact]
    [Checklist("aweb", 153)]
    public async Task A_stream_begins_with_a_comment_and_who_it_is_for()
    {
        var agent = await NewProject().Agent();

        await using var stream = await agent.Events();

        stream.Response.Content.Headers.ContentType!.ToString().ShouldBe("text/event-stream; charset=utf-8");
        stream.Response.Headers.CacheControl!.NoCache.ShouldBeTrue();
        (await stream.Comment()).ShouldBe(": keepalive");
        var connected = await stream.Next();
        connected.Name.ShouldBe("connected");
        connected.Data.Text("agent_id").ShouldBe(agent.Id);
        connected.Data.Text("project_id").ShouldBe(agent.ProjectId);
        stream.Lines[0].ShouldBe(": keepalive");
    }

    [Fact]
    [Checklist("aweb", 155)]
    public async Task A_chat_message_wakes_those_it_is_for()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        var read = await bob.Chat("read", alice);
        await alice.ReadUpTo(read.Text("session_id"), read.Text("message_id"));
        var unread = await bob.Chat("unread", alice, carol);

        await using var stream = await alice.Events();
        (await stream.Next()).Name.ShouldBe("connected");
        await alice.Chat("own", bob);
        await bob.Chat("to another", carol);
        var news = await bob.Chat("new", alice);

        foreach (var message in new[] { unread, news })
        {
            var next = await stream.Next();
            (next.Name, next.Type).ShouldBe(("chat_message", "chat_message"));
            next.Data.Text("message_id").ShouldBe(message.Text("message_id"));
            next.Data.Text("session_id").ShouldBe(message.Text("session_id"));
            next.Data.Text("from_alias").ShouldBe("bob");
        }
    }

    [Fact]
    [Checklist("aweb", 156)]
    public async Task A_waiting_signal_comes_once_and_in_order()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var ids = new List<string>();
        foreach (var signal in new[] { "pause", "resume", "interrupt" })
            ids.Add((await alice.Post("/v1/agents/bob/control", new { signal }).Ok()).Text("signal_id"));

        await using var stream = await bob.Events();
        (await stream.Next()).Name.ShouldBe("connected");
        foreach (var (name, id) in new[] { "control_pause", "control_resume", "control_interrupt" }.Zip(ids))
        {
            var signal = await stream.Next();
            (signal.Name, signal.Type, signal.Data.Text("signal_id")).ShouldBe((name, name, id));
        }

        await using var second = await bob.Events(TimeSpan.FromMilliseconds(200));
        await second.Ended;
        second.Rest().Select(e => e.Name).ShouldBe(["connected"]);
    }

    [Fact]
    public async Task A_new_signal_wakes_one_of_the_open_streams_of_its_agent()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await using var others = await alice.Events();
        await using var first = await bob.Events();
        await using var second = await bob.Events();
        (await first.Next()).Name.ShouldBe("connected");
        (await second.Next()).Name.ShouldBe("connected");

        var ids = await Task
            .WhenAll(Enumerable.Range(0, 12).Select(async _ =>
            (await alice.Post("/v1/agents/bob/control", new { signal = "pause" }).Ok()).Text("signal_id")));

        var shown = (await SoFar(alice, "bob", first, second)).Concat(await SoFar(bob, "alice", others));
        shown.Select(e => e.Name == "connected" ? "connected" : e.Data.Text("signal_id"))
            .ShouldBe([.. ids, "connected"], ignoreOrder: true);
    }

    [Fact]
    [Checklist("aweb", 154)]
    public async Task Unread_mail_waits_and_new_mail_comes_to_whom_it_is_for()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        var read = await Mail("read");
        await bob.Post($"/v1/messages/{read}/ack").Ok();
        var (first, second) = (await Mail("first"), await Mail("second"));
        await using var others = await carol.Events();
        await using var stream = await bob.Events();
        (await stream.Next()).Name.ShouldBe("connected");
        foreach (var (id, subject) in new[] { (first, "first"), (second, "second") }) Shown(await stream.Next(), id, subject);

        var third = await Mail("third");

        Shown(await stream.Next(), third, "third");
        (await SoFar(alice, "bob", stream)).ShouldBeEmpty();
        (await SoFar(alice, "carol", others)).Select(e => e.Name).ShouldBe(["connected"]);

        async Task<string> Mail(string subject) =>
            (await alice.Post("/v1/messages", new { to_alias = "bob", subject, body = "b" }).Ok()).Text("message_id");

        static void Shown(StreamedEvent e, string id, string subject) =>
            (e.Name, e.Type, e.Data.Text("message_id"), e.Data.Text("from_alias"), e.Data.Text("subject"))
                .ShouldBe(("mail_message", "mail_message", id, "alice", subject));
    }

    [Fact]
    [Checklist("aweb", 157)]
    public async Task Work_appears_when_nothing_blocks_it_and_nobody_has_it()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var first = await Task("first");
        var blocked = await Task("blocked");
        await alice.Post($"/v1/tasks/{blocked}/deps", new { depends_on = first }).Ok();
        await using var stream = await bob.Events();
        (await stream.Next()).Name.ShouldBe("connected");
        Shown(await stream.Next(), "work_available", first, "first");

        // Taken by the one who listens, and closed: both show as that, and what waited for it can be taken.
        await bob.Patch($"/v1/tasks/{first}", new { status = "in_progress" }).Ok();
        var claimed = await stream.Next();
        Shown(claimed, "claim_update", first, "first");
        claimed.Data.Text("status").ShouldBe("in_progress");
        await bob.Patch($"/v1/tasks/{first}", new { status = "closed" }).Ok();
        var next = new[] { await stream.Next(), await stream.Next() };
        Shown(next.Single(e => e.Name == "work_available"), "work_available", blocked, "blocked");
        next.Single(e => e.Name == "claim_removed").Data.Text("task_id").ShouldBe(first);

        // Another's claim shows to that one only.
        await using var others = await alice.Events();
        (await others.Next()).Name.ShouldBe("connected");
        Shown(await others.Next(), "work_available", blocked, "blocked");
        await alice.Patch($"/v1/tasks/{blocked}", new { status = "in_progress" }).Ok();
        Shown(await others.Next(), "claim_update", blocked, "blocked");
        var third = await Task("third");
        Shown(await stream.Next(), "work_available", third, "third");
        Shown(await others.Next(), "work_available", third, "third");
        await bob.Post("/v1/messages", new { to_alias = "alice", body = "That is all." }).Ok();
        (await others.Next()).Name.ShouldBe("mail_message");

        async Task<string> Task(string title) => (await alice.Post("/v1/tasks", new { title }).Ok()).Text("task_id");

        static void Shown(StreamedEvent e, string name, string id, string title) =>
            (e.Name, e.Type, e.Data.Text("task_id"), e.Data.Text("title")).ShouldBe((name, name, id, title));
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_between_what_waits_and_what_is_new()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        var sending = Task
            .WhenAll(Enumerable.Range(0, 40).Select(async _ =>
            (await alice.Post("/v1/messages", new { to_alias = "bob", body = "b" }).Ok()).Text("message_id")));
        await using var stream = await bob.Events();
        var ids = await sending;

        (await SoFar(alice, "bob", stream)).Where(e => e.Name == "mail_message").Select(e => e.Data.Text("message_id"))
            .ShouldBe(ids, ignoreOrder: true);
    }

    [Fact]
    public async Task A_signal_waits_through_a_crash()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var id = (await alice.Post("/v1/agents/bob/control", new { signal = "interrupt" }).Ok()).Text("signal_id");
        await server.Kill();
        await server.Restart();

        await using (var stream = await bob.At(server.Api).Events())
        {
            await stream.Next();
            (await stream.Next()).Data.Text("signal_id").ShouldBe(id);
        }

        await server.Kill();
        await server.Restart();
        await using var again = await bob.At(server.Api).Events(TimeSpan.FromMilliseconds(200));
        await again.Ended;
        again.Rest().Select(e => e.Name).ShouldBe(["connected"]);
    }

    [Fact]
    public async Task A_repeated_signal_is_queued_once()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var keyed = Api.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", "signal-1"));

        var first = await keyed.Post("/v1/agents/bob/control", new { signal = "pause" }).Ok();
        var again = await keyed.Post("/v1/agents/bob/control", new { signal = "pause" }).Ok();

        again.Text("signal_id").ShouldBe(first.Text("signal_id"));
        await using var stream = await bob.Events(TimeSpan.FromMilliseconds(300));
        await stream.Ended;
        stream.Rest().Select(e => e.Name).ShouldBe(["connected", "control_pause"]);
    }

    [Fact]
    [Checklist("aweb", 158)]
    [OnAnyStore]
    public async Task A_deadline_is_a_time()
    {
        var agent = await NewProject().Agent();

        foreach (var deadline in new[] { "garbage", "10", "tomorrow", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+99:00",
            "2026-01-01T00:00:00 00:00" })
            await Api.Get("/v1/events/stream?deadline=" + Uri.EscapeDataString(deadline)).Refused(422, "Invalid deadline format");
        await agent.Get("/v1/events/stream").Invalid("deadline", "missing");
        await agent.Get("/v1/events/stream?deadline=").Invalid("deadline");
        await Api.Get("/v1/events/stream?deadline=2030-01-01T00:00:00Z").Unauthorized();
        await PublicReader(agent).Get("/v1/events/stream?deadline=2030-01-01T00:00:00Z").RefusedWith(403, "Public readers");

        // A past one ends the stream as soon as it has told what waits; with nine digits, without a zone, as a date.
        foreach (var past in new[] { "2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00:00", "2020-01-01", "2020-01-01T00:00:00+02:00",
            "2020-01-01 00:00:00Z" })
        {
            var answer = await agent.Get("/v1/events/stream?deadline=" + Uri.EscapeDataString(past));
            answer.Status.ShouldBe(200, answer.ToString());
            answer.Text.ShouldStartWith(": keepalive\n\nevent: connected\ndata: {");
        }
    }

    [Fact]
    public async Task A_stream_ends_at_its_deadline_and_keeps_alive_until_then()
    {
        var agent = await NewProject().Agent();
        var started = DateTimeOffset.UtcNow;

        await using var stream = await agent.Events(TimeSpan.FromSeconds(3));
        await stream.Ended;

        (DateTimeOffset.UtcNow - started).ShouldBeInRange(TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(15));
        stream.Lines.Count(line => line == ": keepalive").ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task Who_has_left_has_no_stream()
    {
        var agent = await NewProject().Agent();
        await agent.Delete("/v1/agents/me").Ok();

        await agent.Get("/v1/events/stream?deadline=2030-01-01T00:00:00Z").Refused(404, "Agent not found");
    }

    /// <summary>What streams of an agent show up to a mail that is sent now: all that is to come of what was answered before.</summary>
    private static async Task<List<StreamedEvent>> SoFar(Agent sender, string alias, params EventStream[] streams)
    {
        var last = (await sender.Post("/v1/messages", new { to_alias = alias, body = "That is all." }).Ok()).Text("message_id");
        var shown = new List<StreamedEvent>();
        foreach (var stream in streams)
            shown.AddRange((await stream.Until(e => e.Name == "mail_message" && e.Data.Text("message_id") == last)).SkipLast(1));
        return shown;
    }
}
