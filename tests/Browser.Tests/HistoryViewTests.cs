using System.Text.RegularExpressions;
using Beadhub.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Beadhub.BrowserTests;

/// <summary>Versions of beads: who has changed what, and going back.</summary>
public sealed class HistoryViewTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task Commits_are_made_compared_named_and_gone_back_to()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp"), Bead("bd-2", "Paint the door"))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "history");
        var page = tab.Page;
        await tab.Sees("No commits yet");
        await page.GetByLabel("What for").FillAsync("before the renaming");
        await tab.Button("Commit what stands").ClickAsync();
        await Tab.Sees(page.Locator(".commits").GetByText("before the renaming"));

        // What an agent does is in no commit, until somebody commits it.
        await bob.Change(Jsonl.Of(Bead("bd-1", "Fix both lamps", "Line one\nLine two <script>alert(1)</script>"))).Ok();
        await page.GetByText("What stands, and is in no commit yet").ClickAsync();
        await tab.Sees("1 bead differs");
        var changed = page.Locator(".changedbead", new() { HasText = "bd-1" });
        await Expect(changed.Locator("del").First).ToHaveTextAsync("Fix the lamp");
        await Expect(changed.Locator("ins").First).ToHaveTextAsync("Fix both lamps");
        await Expect(changed.Locator(".diff .new").Last).ToContainTextAsync("Line two <script>alert(1)</script>");
        await bob.Post("/v1/beads/commits", new { message = "the renaming" }).Ok();

        await tab.Go("history");
        await page.Locator(".commits").GetByText("the renaming").Last.ClickAsync(); // before the renaming
        await tab.Sees("Beads of the first commit");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("v1");
        await tab.Button("Name it").ClickAsync();
        await Tab.Sees(page.Locator("h1 .tag").GetByText("v1"));
        await tab.Go("history");
        await page.GetByLabel("From").FillAsync("v1");
        await page.GetByLabel("To", new() { Exact = true }).FillAsync("HEAD");
        await tab.Button("Compare").ClickAsync();
        await Expect(page.Locator(".changedbead del").First).ToHaveTextAsync("Fix the lamp");

        // Going back asks first, and says what it does.
        await tab.Go("history?at=v1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Restore 1 bead" }).ClickAsync();
        await tab.Sees("What stands is in a commit.");
        await tab.Button("No").ClickAsync();
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("Fix both lamps");
        await page.GetByRole(AriaRole.Button, new() { Name = "Restore 1 bead" }).ClickAsync();
        await tab.Button("Restore").ClickAsync();
        await tab.Sees("1 restored, 0 removed");
        await tab.Sees("All beads stand as in it.");
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("Fix the lamp");
    }

    [Fact]
    public async Task A_bead_tells_what_happened_to_it_and_who_set_each_field()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Sync(Jsonl.Of(Bead("bd-1", "Fix the lamp"))).Ok();
        await alice.Post("/v1/beads/commits", new { message = "first" }).Ok();
        await bob.Claim("bd-1", "Fix the lamp").Ok();
        await using var tab = await Tab.Of(chromium, alice, "bead/bd-1");
        await tab.Page.Locator(".facts").GetByText("History").ClickAsync();

        await Expect(tab.Page).ToHaveURLAsync(new Regex("#/history/bd-1"));
        var happened = tab.Page.Locator(".happened");
        await Expect(happened.Locator("li").First).ToContainTextAsync("added");
        await Expect(happened).ToContainTextAsync("claimed bob");
        await Expect(happened.Locator("ins", new() { HasText = "in_progress" })).ToBeVisibleAsync();
        await tab.Button("Who set each field").ClickAsync();
        var row = tab.Page.GetByRole(AriaRole.Row);
        await Expect(row.Filter(new() { HasText = "in_progress" })).ToContainTextAsync("bob");
        await Expect(row.Filter(new() { HasText = "in_progress" })).ToContainTextAsync("none yet");
        await Expect(row.Filter(new() { HasText = "Fix the lamp" })).ToContainTextAsync("alice");

        await tab.Page.GetByLabel("Restore it as it was at").SelectOptionAsync(new SelectOptionValue { Index = 1 });
        await tab.Button("Restore bd-1").ClickAsync();
        await tab.Sees("1 bead stands as in no commit");
        await tab.Button("Restore").ClickAsync();
        await tab.Sees("1 restored");
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("status").ShouldBe("open");
    }

    [Fact]
    public async Task Many_commits_come_page_by_page_and_an_observer_changes_nothing()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        for (var i = 0; i < 60; i++)
        {
            await alice.Change(Jsonl.Of(Bead("bd-1", $"Title {i}"))).Ok();
            await alice.Post("/v1/beads/commits", new { message = $"commit {i}" }).Ok();
        }

        await project.Give(bob, "observer");
        await using var tab = await Tab.Of(chromium, bob, "history");
        var rows = tab.Page.Locator(".commits li");
        await Expect(rows).ToHaveCountAsync(50);
        await tab.Button("Show more").ClickAsync();
        await Expect(rows).ToHaveCountAsync(60);
        await Expect(rows.Last).ToContainTextAsync("commit 0");
        await Tab.SeesNo(tab.Page.Locator("main form[aria-label='Commit what stands']"));
        await tab.Go("history?at=HEAD~1");
        await tab.Sees("1 bead differs");
        await Tab.SeesNo(tab.Page.Locator("main aside"));
        await tab.Go("bead/bd-1");
        await tab.Sees("Title 59");
        await Tab.SeesNo(tab.Page.Locator("main form"));
    }

    private static object Bead(string id, string title, string? description = null) =>
        new { id, title, status = "open", priority = 1, description, updated_at = DateTimeOffset.UtcNow.ToString("O") };
}
