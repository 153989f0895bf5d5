using Beadhub.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Beadhub.BrowserTests;

/// <summary>Hives for people, and the mesh for administrators.</summary>
public sealed class HiveViewTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task A_person_makes_a_hive_posts_answers_and_votes_beside_agents_of_other_projects()
    {
        var alice = await new Project(server.Api).Agent("alice");
        var other = await new Project(server.Api).Agent("scout");
        var hive = $"h{alice.Project.Slug}";
        await using var tab = await Tab.Of(chromium, alice, "hives");
        var page = tab.Page;
        await tab.Link("Make a hive").ClickAsync();
        await page.GetByLabel("Name").FillAsync(hive);
        await page.GetByLabel("What it is for").FillAsync("What we learn");
        await tab.Button("Make it").ClickAsync();
        await Tab.Sees(page.Locator(".hives a[aria-current]").GetByText(hive));
        await tab.Sees("Nothing here yet");
        await tab.Link("Write a post").ClickAsync();
        await Expect(page.Locator("select[name=hive]")).ToHaveValueAsync(hive);
        await page.GetByLabel("Title").FillAsync("How do you test?");
        await page.GetByLabel("Text").FillAsync("We use *Chromium* <script>alert(1)</script>.");
        await tab.Button("Post").ClickAsync();
        await Expect(page.Locator(".post em")).ToHaveTextAsync("Chromium");

        // An agent of another project answers; it shows by itself.
        var id = new Uri(page.Url).Fragment.Split('/')[^1];
        var said = (await other.Post($"/api/v1/posts/{id}/comments", new { content = "By *hand*." }).Made()).Text("id");
        await Expect(page.Locator(".thread em")).ToHaveTextAsync("hand");
        await other.Post($"/api/v1/posts/{id}/vote", new { value = 1 }).Ok();
        await page.Locator(".thread").GetByText("answer").ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Answer" }).FillAsync("All of it?");
        await tab.Button("Answer").ClickAsync();
        await Expect(page.Locator(".thread .thread")).ToContainTextAsync("All of it?");
        var comments = await other.Get($"/api/v1/posts/{id}/comments?sort=old").Ok();
        comments.Items("data").Single().Items("replies").Single().Text("content").ShouldBe("All of it?");

        var votes = page.Locator(".post .votes").First;
        await votes.GetByLabel("Vote for").ClickAsync();
        await Expect(votes.Locator("span").First).ToHaveTextAsync("2");
        await Expect(votes.GetByLabel("Vote for")).ToHaveAttributeAsync("aria-pressed", "true");
        await page.Locator(".thread .votes").First.GetByLabel("Vote against").ClickAsync();
        await Expect(page.Locator(".thread .votes").First.Locator("span").First).ToHaveTextAsync("-1");
        (await alice.Get($"/api/v1/posts/{id}").Ok()).Number("score").ShouldBe(2);
        said.ShouldNotBeEmpty();

        await tab.Go($"hives?hive={hive}&sort=top");
        await Expect(page.Locator(".posts li")).ToContainTextAsync("2 comments");
    }

    [Fact]
    public async Task A_private_hive_is_none_and_members_come_and_go()
    {
        var alice = await new Project(server.Api).Agent("alice");
        var other = await new Project(server.Api).Agent("scout");
        var (open, secret) = ($"h{alice.Project.Slug}", $"s{alice.Project.Slug}");
        await other.Post("/api/v1/hives", new { name = open }).Made();
        await other.Post("/api/v1/hives", new { name = secret, is_public = false }).Made();
        await other.Post("/api/v1/posts", new { hive = secret, title = "A secret", content = "x" }).Made();
        await using var tab = await Tab.Of(chromium, alice, "hives?sort=new");
        var row = tab.Page.Locator(".hives li", new() { HasText = open });
        await row.GetByText("join").ClickAsync();
        await Expect(row).ToContainTextAsync("2 members");
        await row.GetByText("leave").ClickAsync();
        await Expect(row).ToContainTextAsync("1 members");
        await tab.SeesNo(secret);
        await tab.SeesNo("A secret");
    }

    [Fact]
    public async Task Administrators_see_peers_and_how_far_they_are_behind()
    {
        await using var one = await new OwnServer(("BEADHUB_SYNC_HEARTBEAT_SECONDS", "1")).Start();
        await using var two = await new OwnServer(("BEADHUB_SYNC_HEARTBEAT_SECONDS", "1")).Start();
        var alice = await new Project(one.Api).Agent("alice");
        await alice.Post("/api/v1/hives", new { name = "engineering" }).Made();
        await using var tab = await Tab.Open(chromium, one.Api);
        await tab.Go("mesh");
        await tab.SignIn(Api.AdminKey);
        await tab.Sees("No hive is shared");
        await tab.Page.GetByText("Add a site").ClickAsync();
        await tab.Page.GetByLabel("Name").FillAsync("the other");
        await tab.Page.GetByLabel("Where it is reached").FillAsync($"{two.Api.Address}sync/v1");
        await tab.Page.GetByLabel("Hives that are shared").FillAsync("engineering");
        await tab.Button("Add it").ClickAsync();
        await two.Api.As(Api.AdminKey).Post("/api/v1/sync/peers",
            new { name = "one", sync_endpoint = $"{one.Api.Address}sync/v1", shared_hives = new[] { "engineering" } });

        var peer = tab.Page.Locator("section.group tbody tr");
        await Expect(peer).ToContainTextAsync("the other");
        await Expect(peer).ToContainTextAsync("0 events");
        await tab.Button("Test").ClickAsync();
        await tab.Sees("reached in");

        // While the other is away the lag grows, and shows.
        tab.Expect("Failed to load");
        await two.Kill();
        await alice.Post("/api/v1/posts", new { hive = "engineering", title = "Alone", content = "x" }).Made();
        await Expect(peer.Locator(".waits")).ToContainTextAsync("events");
        await two.Start();
        await Expect(peer.Locator(".waits")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
    }
}
