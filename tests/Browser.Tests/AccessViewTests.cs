using Beadhub.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Beadhub.BrowserTests;

/// <summary>Keys, roles, invites and what was done with them: for agents, for those who lead, for administrators.</summary>
public sealed class AccessViewTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task Who_leads_issues_changes_and_revokes_keys_gives_roles_and_sees_what_was_done()
    {
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await using var tab = await Tab.Of(chromium, alice, "access");
        var page = tab.Page;
        var all = page.Locator("section[aria-label='Keys of the project']");
        await Expect(all.Locator("tbody tr")).ToHaveCountAsync(2);
        await all.GetByText("Issue a key").First.ClickAsync();
        await page.GetByLabel("For").SelectOptionAsync("bob");
        await page.GetByLabel("Ends").SelectOptionAsync("in a day");
        await tab.Button("Issue it").ClickAsync();
        var made = await page.Locator(".notice pre").InnerTextAsync();
        (await server.Api.As(made).Get("/v1/auth/introspect").Ok()).Text("alias").ShouldBe("bob");
        await tab.Button("I have it").ClickAsync();
        await Tab.SeesNo(page.Locator(".notice"));

        // Bob's first key ends at once in favour of another.
        await page.GetByLabel("Whose keys").SelectOptionAsync("bob");
        var first = all.Locator("tbody tr", new() { HasText = bob.Key[..12] });
        await first.GetByRole(AriaRole.Button, new() { Name = "Change" }).ClickAsync();
        await tab.Button("Change it").ClickAsync();
        await Tab.Sees(page.Locator(".notice pre"));
        (await bob.Get("/v1/auth/introspect")).Status.ShouldBe(401);
        var second = await page.Locator(".notice pre").InnerTextAsync();
        var row = all.Locator("tbody tr", new() { HasText = second[..12] });
        await row.GetByRole(AriaRole.Button, new() { Name = "End it in 30 days" }).ClickAsync();
        await Expect(row).ToContainTextAsync("ends in");
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await tab.Button("Revoke it").ClickAsync();
        await Expect(row).ToContainTextAsync("revoked");
        (await server.Api.As(second).Get("/v1/auth/introspect")).Status.ShouldBe(401);

        await page.GetByLabel("Role of bob").SelectOptionAsync("observer");
        await Tab.Sees(page.Locator("ul[aria-label='What was done'] li").First.GetByText("role.given"));
        (await server.Api.As(made).Post("/v1/reservations", new { resource_key = "a" })).Status.ShouldBe(403);
        await page.GetByText("Invite somebody").ClickAsync();
        await page.GetByLabel("Only as").FillAsync("carol");
        await tab.Button("Make an invite").ClickAsync();
        await Expect(page.Locator(".notice pre")).ToContainTextAsync("/i/");
        var invite = page.Locator("li", new() { HasText = "only as carol" });
        await invite.GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await tab.Button("Revoke it").ClickAsync();
        await Expect(invite).ToContainTextAsync("revoked");
        var done = await page.Locator("ul[aria-label='What was done']").InnerTextAsync();
        foreach (var deed in new[] { "key.issued", "key.rotated", "key.revoked", "key.expiry_set", "role.given", "invite.made" })
            done.ShouldContain(deed);
    }

    [Fact]
    public async Task An_agent_changes_its_own_key_and_stays_signed_in_and_sees_nobody_elses()
    {
        var project = new Project(server.Api);
        var (_, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await using var tab = await Tab.Of(chromium, bob, "access");
        var page = tab.Page;
        await tab.Sees("for those who lead the project");
        await Tab.SeesNo(page.Locator("section[aria-label='Keys of the project']"));
        await Tab.SeesNo(page.GetByLabel("Role of alice"));
        await page.Locator("tr", new() { HasText = "this one" }).GetByRole(AriaRole.Button, new() { Name = "Change" }).ClickAsync();
        await tab.Button("Change it").ClickAsync();

        var key = await page.Locator(".notice pre").InnerTextAsync();
        (await bob.Get("/v1/auth/introspect")).Status.ShouldBe(401);
        await tab.Live();
        await Tab.Sees(page.Locator("tr", new() { HasText = key[..12] }).GetByText("this one"));
        await page.ReloadAsync();
        await tab.Live();
        await Expect(page.Locator(".who")).ToHaveTextAsync("bob");
        await Tab.SeesNo(page.Locator(".notice"));
    }

    [Fact]
    public async Task Administrators_do_the_same_for_any_project()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var tab = await Tab.Open(chromium, server.Api);
        await tab.Go($"projects/{alice.ProjectId}");
        await tab.SignIn(Api.AdminKey);
        await Tab.Sees(tab.Page.GetByRole(AriaRole.Heading, new() { Name = alice.Project.Slug }));
        await Tab.Sees(tab.Page.GetByLabel("Role of alice"));
        var row = tab.Page.Locator("section[aria-label='Keys of the project'] tbody tr");
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await tab.Button("Revoke it").ClickAsync();
        await Expect(row).ToContainTextAsync("revoked");
        (await alice.Get("/v1/auth/introspect")).Status.ShouldBe(401);
    }
}
