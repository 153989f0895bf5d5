using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/status/stream: server-sent events (contract 14), with ids that a client can resume from.</summary>
public abstract class StatusStreamContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 270)]
    [OnAnyStore]
    public async Task Event_types_are_known_categories()
    {
        var agent = await NewProject().Agent();

        await agent.Get("/v1/status/stream?event_types=not_a_real_type").RefusedWith(422, "Invalid event types:");
        await agent.Get("/v1/status/stream?event_types=bead,,chat").RefusedWith(422, "Invalid event types:");
        foreach (var types in new[] { "reservation", "message", "escalation", "bead", "chat", "%20Bead%20,CHAT,message" })
            await (await agent.Stream("?event_types=" + types)).DisposeAsync();
    }

    [Fact]
    [Checklist("beadhub", 271)]
    public async Task The_stream_is_neither_cached_nor_buffered()
    {
        var agent = await NewProject().Agent();
        await using var stream = await agent.Stream();

        stream.Response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        stream.Response.Headers.CacheControl!.NoCache.ShouldBeTrue();
        stream.Response.Headers.GetValues("X-Accel-Buffering").ShouldBe(["no"]);
        stream.Response.Content.Headers.ContentEncoding.ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 272)]
    public async Task A_claim_is_one_frame_of_id_and_data()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Jsonl.Of(new { id = "bd-1", status = "open" })).Ok();
        await using var stream = await agent.Stream();

        await agent.Change(Jsonl.Of(new { id = "bd-1", status = "open" }), "update bd-1 --status in_progress").Ok();

        (await stream.Next()).Type.ShouldBe("bead.claimed");
        var frame = stream.Lines.Where(line => !line.StartsWith(':')).SkipWhile(line => line.Length == 0).ToArray();
        frame.Length.ShouldBe(3, string.Join('\n', frame));
        frame[0].ShouldMatch("^id: [0-9]+$");
        frame[1].ShouldStartWith("data: {");
        frame[2].ShouldBe("");
    }

    [Fact]
    [Checklist("beadhub", 273)]
    public async Task A_filter_hides_other_categories()
    {
        if (Stores.Store.Elsewhere is not null)
            Assert.Skip("The server's keep-alive time is not known.");
        var agent = await NewProject().Agent();
        await using var messages = await agent.Stream("?event_types=message");
        await using var beads = await agent.Stream("?event_types=bead,message");

        await agent.Claim("bd-1").Ok();
        await beads.Next();
        await messages.Comment();
        await messages.Comment();

        messages.Lines.ShouldAllBe(line => line.Length == 0 || line.StartsWith(':'));
    }

    [Fact]
    [Checklist("beadhub", 274)]
    [OnAnyStore]
    public async Task A_silent_stream_is_kept_alive()
    {
        if (Stores.Store.Elsewhere is not null)
            Assert.Skip("The server's keep-alive time is not known.");
        var agent = await NewProject().Agent();
        await using var stream = await agent.Stream();

        (await stream.Comment()).ShouldBe(": keepalive");
        (await stream.Comment()).ShouldBe(": keepalive");
        await agent.Claim("bd-1").Ok();
        await stream.Next();
    }

    [Fact]
    [Checklist("beadhub", 275)]
    public async Task A_filter_without_workspaces_is_not_found()
    {
        var agent = await NewProject().Agent(human: "Alice");

        await agent.Get("/v1/status/stream?repo=unknown/x").Refused(404, "No workspaces found for the provided filter");
        await agent.Get("/v1/status/stream?human_name=Nobody").Refused(404, "No workspaces found for the provided filter");
        await agent.Get($"/v1/status/stream?workspace_id={Guid.NewGuid()}").Refused(404, "Workspace not found");
        await agent.Get("/v1/status/stream?workspace_id=bad").RefusedWith(422, "workspace_id");
        await agent.Get("/v1/status/stream?repo=a/../b").RefusedWith(422, "Invalid repo format");
        await agent.Get("/v1/status/stream?limit=1001").Invalid("limit");
        await agent.Get("/v1/status/stream?limit=0").Invalid("limit");
        await Api.Get("/v1/status/stream").Unauthorized();
    }

    [Fact]
    [Checklist("beadhub", 281)]
    public async Task The_public_reader_gets_other_events_too()
    {
        var agent = await NewProject().Agent();
        await using var stream = await PublicReader(agent).Stream();

        await agent.Mail(agent, subject: "Not for everybody").Ok();

        var delivered = (await stream.Until(e => e.Type == "message.delivered"))[^1].Data;
        (delivered.Text("from_alias"), delivered.Text("subject")).ShouldBe((agent.Alias, ""));
    }

    [Fact]
    public async Task What_is_said_in_a_conversation_is_shown_to_its_participants_only()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        var mail = await alice.MailId(bob, subject: "the subject");
        await alice.Chat("the text", bob);
        await bob.Ack(mail).Ok();
        await carol.Claim("bd-1").Ok();

        // From the past as well as live: each reads it all from the beginning.
        foreach (var (reader, sees) in new (Api, bool)[] { (alice, true), (bob, true), (Proxied(bob), true), (carol, false),
            (Proxied(carol), false), (PublicReader(alice), false) })
        {
            await using var stream = await reader.Stream(lastEventId: "0");
            var said = (await stream.Until(e => e.Type == "bead.claimed"))
                .Where(e => e.Type.StartsWith("message.", StringComparison.Ordinal) || e.Type.StartsWith("chat.", StringComparison.Ordinal))
                .ToArray();
            said.Select(e => (e.Type, e.Data.Text("from_alias"), e.Data.Text(e.Type == "chat.message_sent" ? "preview" : "subject")))
                .ShouldBe(
            [
                ("message.delivered", "alice", sees ? "the subject" : ""), ("chat.message_sent", "alice", sees ? "the text" : ""),
                ("message.acknowledged", "alice", sees ? "the subject" : ""),
            ]);
        }
    }

    [Fact]
    public async Task The_public_reader_gets_bead_events()
    {
        var agent = await NewProject().Agent();
        await using var stream = await PublicReader(agent).Stream();

        await agent.Claim("bd-1").Ok();

        (await stream.Until(e => e.Type == "bead.claimed"))[^1].Data.Text("bead_id").ShouldBe("bd-1");
    }

    [Fact]
    public async Task Filters_select_workspaces()
    {
        var project = NewProject();
        var alice = await project.Agent("alice", human: "Ann");
        var bob = await project.Agent("bob", human: "Bo", origin: project.OriginOf("other"));
        await using var all = await alice.Stream();
        await using var byRepo = await alice.Stream($"?repo={Uri.EscapeDataString(bob.Repo)}");
        await using var byHuman = await alice.Stream("?human_name=Ann");
        await using var byId = await alice.Stream($"?workspace_id={bob.Id}&human_name=Ann");

        await alice.Claim("bd-1").Ok();
        await bob.Claim("bd-2").Ok();
        await alice.Claim("bd-3").Ok();
        await bob.Claim("bd-4").Ok();

        static bool Claimed(StreamedEvent e, string bead) => e.Type == "bead.claimed" && e.Data.Text("bead_id") == bead;
        static IEnumerable<string> Claims(List<StreamedEvent> events) =>
            events.Where(e => e.Type == "bead.claimed").Select(e => e.Data.Text("bead_id"));
        Claims(await all.Until(e => Claimed(e, "bd-4"))).ShouldBe(["bd-1", "bd-2", "bd-3", "bd-4"]);
        Claims(await byRepo.Until(e => Claimed(e, "bd-4"))).ShouldBe(["bd-2", "bd-4"]);
        Claims(await byHuman.Until(e => Claimed(e, "bd-3"))).ShouldBe(["bd-1", "bd-3"]);
        Claims(await byId.Until(e => Claimed(e, "bd-4"))).ShouldBe(["bd-2", "bd-4"]);
    }

    [Fact]
    public async Task Events_of_other_projects_do_not_come()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await using var stream = await agent.Stream();

        await other.Claim("bd-other").Ok();
        await agent.Claim("bd-own").Ok();

        (await stream.Until(e => e.Type == "bead.claimed")).ShouldAllBe(e => e.Data.Text("bead_id") == "bd-own");
    }

    [Fact]
    public async Task A_stream_starts_now_not_at_the_beginning()
    {
        var agent = await NewProject().Agent();
        await agent.Claim("bd-old").Ok();
        await using var stream = await agent.Stream();

        await agent.Claim("bd-new").Ok();

        (await stream.Next()).Data.Text("bead_id").ShouldBe("bd-new");
    }

    [Fact]
    public async Task An_empty_projects_stream_shows_workspaces_that_come_later()
    {
        var project = NewProject();
        var identity = await project.Identity("watcher");
        await using var stream = await identity.Stream();

        var agent = await project.Agent("alice");
        await agent.Claim("bd-1").Ok();

        (await stream.Until(e => e.Type == "bead.claimed"))[^1].Data.Text("workspace_id").ShouldBe(agent.Id);
    }

    [Fact]
    public async Task Event_ids_increase()
    {
        var agent = await NewProject().Agent();
        await using var stream = await agent.Stream();

        for (var i = 0; i < 10; i++)
            await agent.Claim($"bd-{i}").Ok();

        var ids = (await stream.Until(e => e.Type == "bead.claimed" && e.Data.Text("bead_id") == "bd-9")).Select(e => e.Position).ToArray();
        ids.ShouldBe(ids.Distinct().Order());
    }

    [Fact]
    public async Task A_stream_resumes_after_its_last_event()
    {
        var agent = await NewProject().Agent();
        string last;
        await using (var stream = await agent.Stream())
        {
            await agent.Claim("bd-1").Ok();
            last = (await stream.Until(e => e.Type == "bead.claimed"))[^1].Id;
        }

        await agent.Claim("bd-2").Ok();
        await agent.Close("bd-1").Ok();
        await using var resumed = await agent.Stream(lastEventId: last);
        await agent.Claim("bd-3").Ok();

        var events = await resumed.Until(e => e.Type == "bead.claimed" && e.Data.Text("bead_id") == "bd-3");
        events.Where(e => e.Type != "bead.status_changed").Select(e => $"{e.Type} {e.Data.Text("bead_id")}")
            .ShouldBe(["bead.claimed bd-2", "bead.unclaimed bd-1", "bead.claimed bd-3"]);
        events.ShouldAllBe(e => e.Position > long.Parse(last));
    }

    [Fact]
    public async Task Resuming_at_any_event_gives_the_rest()
    {
        var agent = await NewProject().Agent();
        await using var stream = await agent.Stream();
        for (var i = 0; i < 6; i++)
            await agent.Claim($"bd-{i}").Ok();
        static bool Last(StreamedEvent e) => e.Type == "bead.claimed" && e.Data.Text("bead_id") == "bd-5";
        var all = await stream.Until(Last);

        for (var i = 0; i < all.Count - 1; i++)
        {
            await using var resumed = await agent.Stream(lastEventId: all[i].Id);
            (await resumed.Until(Last)).Select(e => e.ToString()).ShouldBe(all.Skip(i + 1).Select(e => e.ToString()));
        }
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("-1")]
    [InlineData("99999999999999999999999")]
    public async Task A_strange_last_event_id_does_no_harm(string id)
    {
        var agent = await NewProject().Agent();
        await using var stream = await agent.Stream(lastEventId: id);

        await agent.Claim("bd-1").Ok();

        (await stream.Until(e => e.Type == "bead.claimed"))[^1].Data.Text("bead_id").ShouldBe("bd-1");
    }
}
