using Beadhub.Testing;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Beadhub.BrowserTests;

/// <summary>Every view on every screen: nothing serious for assistive technology, nothing wider than a phone; and what would break a page
/// that believed its texts.</summary>
public sealed class ShapeTests(Chromium chromium, OneServer server)
{
    private const string Script = "<script>alert('title')</script><img src=x onerror=alert('picture')>";

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Every_view_is_accessible_and_fits(int width, ColorScheme scheme)
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice", "Ada", "coordinator"), await project.Agent("bob", "Grace", "developer"));
        await alice.Sync(Jsonl.Of(
            new
            {
                id = "bd-1",
                title = "Fix the lamp",
                status = "open",
                priority = 0,
                description = "# Why\n\nIt is `dark`.\n\n| a | b |\n|-|-|\n| 1 | 2 |",
            },
            new
            {
                id = "bd-2",
                title = new string('w', 300),
                status = "blocked",
                priority = 1,
                labels = new[] { "light" },
                dependencies = new[] { new { issue_id = "bd-2", depends_on_id = "bd-1", type = "blocks" } },
            },
            new { id = "bd-3", title = "Done", status = "closed", issue_type = "bug" })).Ok();
        await bob.Claim("bd-4", "Paint the door").Ok();
        await bob.Mail(alice, "Hello", "A mail", "high").Ok();
        var mail = (await alice.Get("/v1/messages/inbox").Ok()).Items("messages")[0].Text("message_id");
        var chat = (await bob.Post("/v1/chat/sessions", new { to_aliases = new[] { "alice" }, message = "Hi" }).Ok()).Text("session_id");
        var question = new { workspace_id = bob.Id, alias = "bob", subject = "May I?", situation = "x", options = new[] { "Yes" } };
        var asked = (await bob.Post("/v1/escalations", question).Ok()).Text("escalation_id");
        await alice.Post("/v1/beads/commits", new { message = "first\n\nwith a reason" }).Ok();
        await bob.Change(Jsonl.Of(new { id = "bd-1", title = "Fix both lamps", status = "open", description = new string('x', 500) })).Ok();
        var commit = (await alice.Post("/v1/beads/commits", new { message = "second" }).Ok()).At("commit").Text("id");
        await alice.Post("/v1/beads/tags", new { name = "v1", message = "for the tag" }).Ok();
        var hive = $"h{project.Slug}";
        await alice.Post("/api/v1/hives", new { name = hive, description = "What we learn" }).Made();
        var inHive = new { hive, title = "How do you test?", content = "In *Chromium*.", url = "https://a.example" };
        var post = (await alice.Post("/api/v1/posts", inHive).Made()).Text("id");
        var comment = (await bob.Post($"/api/v1/posts/{post}/comments", new { content = "So do we." }).Made()).Text("id");
        await alice.Post($"/api/v1/posts/{post}/comments", new { content = "Good.", parent_id = comment }).Made();
        await alice.Post("/v1/invites").Ok();
        await using var members = await Tab.Open(chromium, server.Api, width, scheme);
        var tab = members;
        await tab.Go("");
        await tab.Page.GetByText("Where is my key?").ClickAsync();
        await Check("sign in");
        await tab.SignIn(alice.Key);
        await tab.Live();

        // Those of the navigation, and those that are about one thing.
        var places = await Places();
        places.Length.ShouldBeGreaterThan(6);
        string[] things =
        [
            "history?from=HEAD~1&to=HEAD", "history?from=HEAD", $"history?at={commit}", "history?at=HEAD~1", "history/bd-1",
            "history/bd-1?show=blame",
            $"hives?hive={hive}&sort=new", $"hives/{post}", "hives/new", "hives/make", "bead/bd-1", "bead/bd-2", $"mail/{mail}", "mail/new",
            "mail/sent", $"chat/{chat}", "chat/new", $"escalations/{asked}",
        ];
        foreach (var place in places.Concat(things))
        {
            await tab.Go(place);
            await tab.Live();
            await Look(place);
        }

        // The administrators' views.
        await using var admins = await Tab.Open(chromium, server.Api, width, scheme);
        tab = admins;
        await tab.Go("projects");
        await tab.SignIn(Api.AdminKey);
        await Tab.Sees(tab.Page.GetByLabel("Search projects"));
        places = await Places();
        places.ShouldBe(["projects", "mesh", "instance"], ignoreOrder: true);
        foreach (var place in places.Append($"projects/{alice.ProjectId}"))
        {
            await tab.Go(place);
            await Tab.SeesNo(tab.Page.Locator(".loading"));
            await Look(place);
        }

        Task<string[]> Places() =>
            tab.Page.Locator("nav ul a").EvaluateAllAsync<string[]>("all => all.map(a => a.getAttribute('href').slice(2))");

        async Task Look(string place)
        {
            await Tab.Sees(tab.Page.Locator("main :is(h1, h2)"));
            await Tab.SeesNo(tab.Page.Locator("main .problem"));
            // What is folded away is looked at too.
            await tab.Page.EvaluateAsync("document.querySelectorAll('main details').forEach(one => one.open = true)");
            await Check(place);
        }

        async Task Check(string place)
        {
            var found = (await tab.Page.RunAxe()).Violations.Where(one => one.Impact is "serious" or "critical")
                .Select(one => $"{place}: {one.Id}: {one.Nodes[0].Html}").ToList();
            found.ShouldBeEmpty();
            (await tab.Page.EvaluateAsync<int>("document.documentElement.scrollWidth")).ShouldBeLessThanOrEqualTo(width, place);
        }
    }

    [Fact]
    public async Task Texts_are_texts_whatever_they_say()
    {
        var alice = await new Project(server.Api).Agent("alice");
        var bob = await alice.Project.Agent("bob");
        var description = $"{Script}\n\n[run](javascript:alert('link')) ![p](javascript:alert('image')) "
            + "<a href=\"javascript:alert(1)\">a</a>\n\n<iframe src=/></iframe>";
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = Script, status = "open", description })).Ok();
        await bob.Mail(alice, Script, Script).Ok();
        var mail = (await alice.Get("/v1/messages/inbox").Ok()).Items("messages")[0].Text("message_id");
        await using var tab = await Tab.Of(chromium, alice, "board");

        foreach (var place in new[] { "board", "bead/bd-1", "ready", $"mail/{mail}" })
        {
            await tab.Go(place);
            await tab.Sees(Script);
            (await tab.Page.Locator("main :is(script, iframe, img, a[href^='javascript'])").CountAsync()).ShouldBe(0, place);
        }
    }

    [Fact]
    public async Task A_description_of_a_mebibyte_does_not_stop_the_page()
    {
        var alice = await new Project(server.Api).Agent("alice");
        // As long as an issue's line may be, and of what takes long to read.
        var description = string.Concat(Enumerable.Repeat("**[](<*_`", 120_000))[..(1024 * 1024 - 200)];
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Long", status = "open", description })).Ok();
        await using var tab = await Tab.Of(chromium, alice, "bead/bd-1");

        await tab.Sees("1024 KiB");
        await tab.Page.Keyboard.PressAsync("g");
        await tab.Page.Keyboard.PressAsync("b");
        await tab.Text("Long").ClickAsync();
        await tab.Sees("1024 KiB");
    }
}
