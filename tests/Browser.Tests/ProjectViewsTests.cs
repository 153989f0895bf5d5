using System.Text.RegularExpressions;
using Beadhub.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Beadhub.BrowserTests;

/// <summary>The graph, locks, the policy, webhooks, the feed of what happens, and the server's state.</summary>
public sealed class ProjectViewsTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task Two_thousand_beads_are_drawn_and_moved_smoothly()
    {
        var random = new Random(7);
        var alice = await Upload(2000, Enumerable.Range(0, 3000).Select(_ =>
        {
            var from = random.Next(1990);
            return (from, Math.Min(1999, from + 1 + random.Next(60)));
        }));
        await using var tab = await Tab.Of(chromium, alice, "team");
        var page = tab.Page;
        // Loaded, laid out and drawn, then moved and zoomed.
        (await MainThread.Tasks(chromium, page, async () =>
        {
            await tab.Go("graph");
            await Drawn(page);
            await Move(page);
        }))[0].ShouldBeLessThan(50);

        // Whoever is looked for comes to the middle, with all that hangs on it.
        await page.GetByLabel("Find a bead").FillAsync("g-7");
        await Expect(page.Locator(".chosen")).ToContainTextAsync("wait for it");
        await page.Locator(".chosen a").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("#/bead/g-7"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_giant_circle_and_fifty_thousand_edges_do_not_hang_the_page(bool isCircle)
    {
        var random = new Random(7);
        var alice = await Upload(2000, isCircle
            ? Enumerable.Range(0, 2000).Select(static i => (i, (i + 1) % 2000))
            : Enumerable.Range(0, 50_000).Select(_ => (random.Next(1999), random.Next(1999)))
                .Where(static pair => pair.Item1 < pair.Item2));
        await using var tab = await Tab.Of(chromium, alice, "team");
        var page = tab.Page;
        (await MainThread.Tasks(chromium, page, async () =>
        {
            await tab.Go("graph");
            await Drawn(page);
            await Move(page);
        }))[0].ShouldBeLessThan(50);
        if (isCircle) await Expect(page.Locator("aside")).ToContainTextAsync("nobody can begin");
        await page.GetByRole(AriaRole.Link, new() { Name = "Locks" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Locks");
    }

    [Fact]
    public async Task The_graph_shows_the_critical_path_and_circles_and_follows_the_plan()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await alice.Sync(Jsonl.Of(
            Bead("a", "Lay the keel"), Bead("b", "Raise the mast", "a"), Bead("c", "Sew <script>alert(1)</script>", "b"),
            Bead("x", "Hen", "y"), Bead("y", "Egg", "x"))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "graph");
        var page = tab.Page;
        await Drawn(page);
        await Expect(page.Locator(".drawing")).ToHaveAttributeAsync("data-edges", "4");
        await Expect(page.Locator("aside .picks").First).ToContainTextAsync("Sew <script>alert(1)</script>");
        await Expect(page.Locator("aside .circle")).ToContainTextAsync("Hen");

        await alice.Change(Jsonl.Of(Bead("d", "Paint it", "c"))).Ok();
        await Expect(page.Locator(".drawing")).ToHaveAttributeAsync("data-edges", "5");
        await Expect(page.Locator("aside .picks").First).ToContainTextAsync("Paint it");
    }

    [Fact]
    public async Task Locks_are_a_tree_that_follows_what_is_reserved_renewed_and_given_back()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        string[] files = ["src/web/a.cs", "src/web/b.cs", "docs/c.md"];
        await bob.Post("/v1/reservations", new { resource_keys = files, ttl_seconds = 600 }).Ok();
        await using var tab = await Tab.Of(chromium, alice, "locks");
        var page = tab.Page;
        await Expect(page.Locator(".leaf")).ToHaveCountAsync(3);
        await Expect(page.Locator(".tree summary")).ToContainTextAsync("src/web/");

        await alice.Post("/v1/reservations", new { resource_key = "src/api/**", pattern = true, ttl_seconds = 600 }).Ok();
        var own = page.Locator(".leaf", new() { HasText = "alice" });
        await Expect(own).ToContainTextAsync("pattern");
        await own.GetByRole(AriaRole.Button, new() { Name = "Give back" }).ClickAsync();
        await Expect(own).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Searchbox).FillAsync("docs");
        await Expect(page.Locator(".leaf")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Of_two_who_edit_one_policy_the_second_is_told_sees_what_differs_and_loses_nothing()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var one = await Tab.Of(chromium, alice, "policy");
        await using var other = await Tab.Of(chromium, alice, "policy");
        var (first, second) = (one.Page, other.Page);
        await one.Button("Edit").ClickAsync();
        await other.Button("Edit").ClickAsync();
        await Text(second, "tracking.bdh-only").FillAsync("Mine, of the second tab.");
        await Text(second, "teamwork.collaborate").FillAsync("Both of us have changed this; mine is of the second tab.");

        await Text(first, "communication.chat").FillAsync("Theirs, of the first tab.");
        await Text(first, "teamwork.collaborate").FillAsync("Both of us have changed this; theirs is of the first tab.");
        await first.GetByRole(AriaRole.Button, new() { Name = "Save and put in force" }).ClickAsync();
        await Expect(first.GetByText("Version 2 is in force.")).ToBeVisibleAsync();

        var told = second.Locator(".overtaken");
        await Expect(told).ToContainTextAsync("Version 2 came into force while you were editing version 1");
        await Expect(told.Locator(".diff .new").First).ToContainTextAsync("of the first tab.");
        await Expect(second.GetByRole(AriaRole.Button, new() { Name = "Save and put in force" })).ToBeDisabledAsync();
        // What is written is kept, wherever one looks meanwhile.
        await other.Go("locks");
        await other.Go("policy");
        await Expect(Text(second, "tracking.bdh-only")).ToHaveValueAsync("Mine, of the second tab.");
        await second.GetByRole(AriaRole.Button, new() { Name = "Take their changes in" }).ClickAsync();
        await Expect(Text(second, "communication.chat")).ToHaveValueAsync("Theirs, of the first tab.");
        await Expect(second.Locator("fieldset.disputed")).ToContainTextAsync("theirs is of the first tab.");
        await second.GetByRole(AriaRole.Button, new() { Name = "Save and put in force" }).ClickAsync();
        await Expect(second.GetByText("Version 3 is in force.")).ToBeVisibleAsync();

        var active = await alice.Get("/v1/policies/active").Ok();
        var texts = active.Items("invariants").ToDictionary(static rule => rule.Text("id"), static rule => rule.Text("body_md"));
        texts["tracking.bdh-only"].ShouldBe("Mine, of the second tab.");
        texts["communication.chat"].ShouldBe("Theirs, of the first tab.");
        texts["teamwork.collaborate"].ShouldEndWith("mine is of the second tab.");
        active.At("roles").EnumerateObject().Count().ShouldBe(5);
        await Expect(first.Locator(".versions li")).ToHaveCountAsync(3);

        static ILocator Text(IPage page, string rule) =>
            page.Locator("fieldset", new() { Has = page.GetByText(rule, new() { Exact = true }) }).Locator("textarea");
    }

    [Fact]
    public async Task Webhooks_show_how_far_they_are_behind_and_what_was_wrong()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var tab = await Tab.Of(chromium, alice, "webhooks");
        var page = tab.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Add an endpoint" }).ClickAsync();
        await page.GetByLabel("Address").FillAsync("https://hooks.example.org/beadhub");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.GetByText("shown this once")).ToBeVisibleAsync();
        await Expect(page.GetByText(new Regex("^whsec_[0-9a-f]{64}$"))).ToBeVisibleAsync();

        await alice.Claim("bd-1").Ok();

        var row = page.Locator("tbody tr");
        await Expect(row).ToContainTextAsync("failing");
        await Expect(row).ToContainTextAsync("could not be delivered");
        await Expect(row.Locator("td").Nth(2)).Not.ToHaveTextAsync("0 events");
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(page.GetByText("No endpoints")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Activity_tells_what_happens_as_it_happens_and_what_has_happened()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Claim("bd-1", "Fix the lamp").Ok();
        await using var tab = await Tab.Of(chromium, alice, "activity");
        var page = tab.Page;
        await Expect(page.Locator(".feed")).ToContainTextAsync("took bd-1 Fix the lamp");
        await Expect(page.Locator(".feed")).ToContainTextAsync("bob joined");

        await bob.Mail(alice, subject: "Look <img src=x onerror=alert(1)>").Ok();
        await Expect(page.Locator(".feed li").First).ToContainTextAsync("wrote to alice: Look <img src=x onerror=alert(1)>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Locks" }).ClickAsync();
        await Expect(page.GetByText("Nothing of that has happened yet.")).ToBeVisibleAsync();
        await bob.Post("/v1/reservations", new { resource_key = "src/a.cs" }).Ok();
        await Expect(page.Locator(".feed li")).ToHaveCountAsync(1);

        // More than one could read: the newest is there, and the page stays small.
        await page.GetByRole(AriaRole.Button, new() { Name = "Locks" }).ClickAsync();
        await bob.Sync(Jsonl.Of(Enumerable.Range(0, 2000).Select(static n => Bead($"n-{n}", $"N {n}")))).Ok();
        await alice.Claim("n-1", "The last").Ok();
        await Expect(page.Locator(".feed")).ToContainTextAsync("took n-1 The last");
        (await page.Locator(".feed li").CountAsync()).ShouldBeLessThanOrEqualTo(400);
    }

    [Fact]
    public async Task Administrators_see_the_servers_state()
    {
        // Among the projects with most events of those that other tests have made.
        var project = (await Upload(200, [])).Project;
        await using var tab = await Tab.Open(chromium, server.Api);
        await tab.Go("instance");
        await tab.SignIn(Api.AdminKey);
        var page = tab.Page;
        await Expect(page.Locator(".tiles")).ToContainTextAsync("events");
        await Expect(page.Locator("table").First).ToContainTextAsync("delivers in the background");
        await Expect(page.Locator("main")).ToContainTextAsync(project.Slug);
    }

    private static object Bead(string id, string title, string? after = null) => new
    {
        id,
        title,
        status = "open",
        dependencies = after is null ? [] : new[] { new { issue_id = id, depends_on_id = after, type = "blocks" } },
    };

    private async Task<Agent> Upload(int count, IEnumerable<(int From, int To)> edges)
    {
        var alice = await new Project(server.Api).Agent("alice");
        var after = edges.Distinct().ToLookup(static edge => edge.To, static edge => edge.From);
        await alice.UploadJsonl(Jsonl.Of(Enumerable.Range(0, count).Select(n => (object)new
        {
            id = $"g-{n}",
            title = $"Node {n}",
            status = "open",
            dependencies = after[n].Select(from => new { issue_id = $"g-{n}", depends_on_id = $"g-{from}", type = "blocks" }),
        })), alice.Repo).Ok();
        return alice;
    }

    private static Task Drawn(IPage page) => Expect(page.Locator(".drawing[data-state=ready]")).ToBeVisibleAsync();

    /// <summary>Moves and zooms the graph, a step a frame.</summary>
    private static Task Move(IPage page) => page.EvaluateAsync("""
        async () => {
            const stage = document.querySelector('.stage'), canvas = stage.querySelector('canvas');
            for (let i = 0; i < 90; i++) {
                if (i % 3 === 0) canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: i < 45 ? -60 : 60, bubbles: true, cancelable: true }));
                else stage.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? 'ArrowLeft' : 'ArrowUp', bubbles: true }));
                await new Promise(resolve => requestAnimationFrame(resolve));
            }
        }
        """);
}
