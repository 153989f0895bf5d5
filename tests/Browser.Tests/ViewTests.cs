using Beadhub.Testing;
using Microsoft.Playwright;

namespace Beadhub.BrowserTests;

/// <summary>Each view, while others work.</summary>
public sealed class ViewTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task An_agents_claim_is_followed_from_the_ready_queue_to_done()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp", 1), Bead("bd-2", "Paint the door", 2, "bd-1"), Bead("bd-3", "Sweep", 1)))
            .Ok();
        await using var tab = await Tab.Of(chromium, alice, "ready");

        await tab.Sees("Priority 1; begins a chain of 2 minutes with its own, 1 bead waits for it; on the critical path");
        (await tab.Page.Locator(".queue [data-row] .id").AllTextContentsAsync()).ShouldBe(["bd-1", "bd-3"]);
        (await bob.Post("/v1/beads/claim-next", new { strategy = "unblock" }).Ok()).At("claim").Text("bead_id").ShouldBe("bd-1");
        await tab.SeesNo("Fix the lamp");

        await tab.Page.Keyboard.PressAsync("g");
        await tab.Page.Keyboard.PressAsync("t");
        await Tab.Sees(tab.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "bob" }).GetByText("Fix the lamp"));
        await tab.Page.Keyboard.PressAsync("g");
        await tab.Page.Keyboard.PressAsync("b");
        await Tab.Sees(Column(tab, "in_progress").GetByText("Fix the lamp"));
        await bob.Close("bd-1", "Fix the lamp").Ok();
        await Tab.Sees(Column(tab, "closed").GetByText("Fix the lamp"));
        await tab.Go("ready");
        await tab.Sees("Paint the door");
    }

    [Fact]
    public async Task The_team_shows_who_waits_for_a_human()
    {
        var (alice, bob) = await Two();
        await using var tab = await Tab.Of(chromium, alice, "team");
        await bob.Claim("bd-7", "Move the stairs").Ok();
        await Ask(bob);

        var row = tab.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "bob" });
        await Tab.Sees(row.GetByText("Move the stairs"));
        await Tab.Sees(row.GetByText("a human: May I?"));
    }

    [Fact]
    public async Task The_boards_filters_stand_in_the_address()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp", 1), Bead("bd-2", "Paint the door", 2))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "board?priority=2");

        await tab.Sees("Paint the door");
        await tab.SeesNo("Fix the lamp");
        await tab.Page.GetByLabel("Priority").SelectOptionAsync("");
        await tab.Page.Keyboard.PressAsync("Escape");
        await tab.Page.GetByLabel("Search beads").FillAsync("lamp");
        await tab.Sees("Fix the lamp");
        await tab.SeesNo("Paint the door");
        tab.Page.Url.ShouldEndWith("#/board?q=lamp");
        await bob.Change(Jsonl.Of(Bead("bd-9", "A second lamp", 0))).Ok();
        await tab.Sees("A second lamp");
        await tab.Page.ReloadAsync();
        await tab.Sees("2 of 3 beads");
    }

    [Fact]
    public async Task A_bead_is_shown_whole_and_a_person_changes_it()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(
            new { id = "bd-1", title = "Fix the lamp", status = "open", priority = 1, description = "It is **dark**.\n\n- [x] found" },
            Bead("bd-2", "Paint the door", 2, "bd-1"))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "bead/bd-1");

        await Tab.Sees(tab.Page.Locator("main strong").GetByText("dark"));
        await tab.Sees("Waits for this");
        await tab.Sees("Paint the door");
        await bob.Claim("bd-1", "Fix the lamp").Ok();
        await Tab.Sees(tab.Page.Locator("aside").GetByText("bob"));

        await tab.Page.GetByRole(AriaRole.Textbox, new() { Name = "Comment" }).FillAsync("The bulb is *broken*.");
        await tab.Button("Comment").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".said em").GetByText("broken"));
        await tab.Page.GetByLabel("Status").SelectOptionAsync("closed");
        await tab.Button("Save").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".facts").GetByText("closed"));
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("status").ShouldBe("closed");
    }

    [Fact]
    public async Task A_person_writes_a_bead()
    {
        var (alice, _) = await Two();
        await using var tab = await Tab.Of(chromium, alice, "board");
        await tab.Sees("No beads yet");
        await tab.Button("New bead").ClickAsync();
        await tab.Page.GetByLabel("Title").FillAsync("Fix the lamp");
        await tab.Page.GetByLabel("Repository").FillAsync(alice.Repo);
        await tab.Button("Create").ClickAsync();

        await Tab.Sees(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Fix the lamp" }));
        (await alice.Get("/v1/beads/issues").Ok()).Pluck("issues", "title").ShouldBe(["Fix the lamp"]);
    }

    [Fact]
    public async Task An_escalation_is_answered()
    {
        var (alice, bob) = await Two();
        await using var tab = await Tab.Of(chromium, alice, "escalations");
        await tab.Sees("Nobody waits for you");
        var id = await Ask(bob);

        await tab.Page.Locator(".list").GetByText("May I?").ClickAsync();
        await tab.Page.GetByLabel("Keep both").CheckAsync();
        await tab.Page.GetByLabel("What there is to say about it").FillAsync("For a year.");
        await tab.Button("Answer").ClickAsync();

        await Tab.Sees(tab.Page.Locator(".open .status").GetByText("responded"));
        var answered = await bob.Get($"/v1/escalations/{id}").Ok();
        (answered.Text("response"), answered.Text("response_note")).ShouldBe(("Keep both", "For a year."));
    }

    [Fact]
    public async Task Mail_comes_is_read_and_answered_and_goes_to_all()
    {
        var (alice, bob) = await Two();
        var carol = await alice.Project.Agent("carol");
        await using var tab = await Tab.Of(chromium, alice, "mail");
        await tab.Sees("No mail yet");
        await bob.Mail(alice, "It is *red*.", "The tests").Ok();

        await Tab.Sees(tab.Page.Locator("nav .count"));
        await tab.Page.Locator(".list").GetByText("The tests").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".markdown em").GetByText("red"));
        await Tab.SeesNo(tab.Page.Locator(".unread"));
        await tab.Page.GetByLabel("Answer bob").FillAsync("Thank you.");
        await tab.Button("Answer").ClickAsync();
        await Tab.Sees(tab.Text("Sent."));

        await tab.Link("Write to all").ClickAsync();
        await tab.Page.GetByLabel("Subject").FillAsync("Freeze");
        await tab.Page.GetByLabel("Text").FillAsync("Until noon.");
        await tab.Button("Send").ClickAsync();
        await Tab.Sees(tab.Text("Sent to 2 agents."));
        (await bob.Get("/v1/messages/inbox").Ok()).Pluck("messages", "subject").ShouldBe(["Freeze", "Re: The tests"], ignoreOrder: true);
        (await carol.Get("/v1/messages/inbox").Ok()).Pluck("messages", "body").ShouldBe(["Until noon."]);

        await tab.Button("Sent").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".list").GetByText("to carol"));
        (await tab.Page.Locator(".list .from").AllInnerTextsAsync()).Order().ShouldBe(["to bob", "to bob", "to carol"]);
        await tab.Page.Locator(".list").GetByText("Re: The tests").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".open .markdown").GetByText("Thank you."));
    }

    [Fact]
    public async Task A_chat_goes_both_ways()
    {
        var (alice, bob) = await Two();
        await using var tab = await Tab.Of(chromium, alice, "chat/new");
        await tab.Page.GetByLabel("With").FillAsync("bob");
        await tab.Page.GetByLabel("Message").FillAsync("Are you there?");
        await tab.Button("Send").ClickAsync();

        await Tab.Sees(tab.Page.Locator(".talk .own").GetByText("Are you there?"));
        var session = (await bob.Get("/v1/chat/sessions").Ok()).Items("sessions").Single().Text("session_id");
        await bob.Post($"/v1/chat/sessions/{session}/messages", new { body = "Yes, **here**." }).Ok();
        await Tab.Sees(tab.Page.Locator(".talk strong").GetByText("here"));
        await tab.Page.GetByRole(AriaRole.Textbox, new() { Name = "Message" }).FillAsync("Good.");
        await tab.Button("Send").ClickAsync();
        await Tab.Sees(tab.Page.Locator(".talk .own").GetByText("Good."));
        (await bob.Get($"/v1/chat/sessions/{session}/messages").Ok()).Pluck("messages", "body")
            .ShouldBe(["Are you there?", "Yes, **here**.", "Good."]);
    }

    [Fact]
    public async Task What_an_older_server_does_not_know_is_said_and_all_else_goes_on()
    {
        var (alice, bob) = await Two();
        await using var tab = await Tab.Of(chromium, alice, "team");
        tab.Expect("Failed to load resource");
        // While nodes are updated one by one, the page of a newer one may ask an older one.
        foreach (var path in new[] { "**/v1/beads/insights*", "**/v1/beads/history", "**/v1/roles" })
        {
            await tab.Page.RouteAsync(path, static route => route.FulfillAsync(
                new() { Status = 404, ContentType = "application/json", Body = """{"detail":"Not Found"}""" }));
        }

        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp", 1))).Ok();
        await tab.Go("ready");
        await tab.Sees("Fix the lamp");
        await tab.Go("history");
        await tab.Sees("it may be of an older version");
        await tab.Go("access");
        await tab.Sees("it may be of an older version");
        await bob.Claim("bd-1", "Fix the lamp").Ok();
        await tab.Go("team");
        await Tab.Sees(tab.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "bob" }).GetByText("Fix the lamp"));
    }

    [Fact]
    public async Task An_empty_project_says_how_to_connect_an_agent()
    {
        var alice = await new Project(server.Api).Identity("alice");
        await using var tab = await Tab.Of(chromium, alice, "connect");
        await tab.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await tab.Button("Make an invite").ClickAsync();
        await tab.Sees("hold an invite");
        await tab.Button("Copy").First.ClickAsync();
        await Tab.Sees(tab.Button("Copied"));

        var lines = await tab.Page.EvaluateAsync<string>("navigator.clipboard.readText()");
        lines.ShouldContain("/i/");
        lines.ShouldContain($"--project {alice.Project.Slug}");
        foreach (var tool in new[] { "bdh :init", "aw init", "mcpServers", "AGENTS.md" }) await tab.Sees(tool);
    }

    [Fact]
    public async Task The_keyboard_leads_everywhere()
    {
        var (alice, _) = await Two();
        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp", 1), Bead("bd-2", "Paint the door", 2))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "team");
        var keys = tab.Page.Keyboard;
        await keys.PressAsync("g");
        await keys.PressAsync("b");
        await tab.Sees("Paint the door");
        await keys.PressAsync("/");
        await keys.TypeAsync("door");
        await tab.SeesNo("Fix the lamp");
        await keys.PressAsync("Escape");
        await keys.PressAsync("j");
        await keys.PressAsync("Enter");
        await Tab.Sees(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Paint the door" }));

        await keys.PressAsync("?");
        await Tab.Sees(tab.Page.GetByRole(AriaRole.Dialog));
        await keys.PressAsync("Escape");
        await Tab.SeesNo(tab.Page.GetByRole(AriaRole.Dialog));
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = new Project(server.Api);
        return (await project.Agent("alice"), await project.Agent("bob"));
    }

    private static ILocator Column(Tab tab, string status) => tab.Page.Locator($"section[aria-label='{status}']");

    private static object Bead(string id, string title, int priority, string? blocker = null) => new
    {
        id,
        title,
        status = "open",
        priority,
        dependencies = blocker is null ? [] : new[] { new { issue_id = id, depends_on_id = blocker, type = "blocks" } },
    };

    private static async Task<string> Ask(Agent agent) => (await agent.Post("/v1/escalations", new
    {
        workspace_id = agent.Id,
        alias = agent.Alias,
        subject = "May I?",
        situation = "The field changes.",
        options = new[] { "Break it", "Keep both" },
    }).Ok()).Text("escalation_id");
}
