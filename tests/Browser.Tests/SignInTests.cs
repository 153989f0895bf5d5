using Beadhub.Testing;

namespace Beadhub.BrowserTests;

/// <summary>Who gets in, and as whom.</summary>
public sealed class SignInTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task A_key_signs_in_for_this_tab_and_stands_in_no_address()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var tab = await Tab.Of(chromium, alice);

        await Tab.Sees(tab.Page.GetByRole(Microsoft.Playwright.AriaRole.Heading, new() { Name = "Team" }));
        await tab.Sees("alice");
        tab.Page.Url.ShouldNotContain("aw_sk_");
        (await tab.Page.EvaluateAsync<string>("JSON.stringify(localStorage) + document.cookie")).ShouldNotContain("aw_sk_");
        await tab.Page.ReloadAsync();
        await tab.Live();
        var other = await tab.Page.Context.NewPageAsync();
        await other.GotoAsync("");
        await Tab.Sees(other.GetByLabel("Key or invite"));

        await tab.Button("Sign out").ClickAsync();
        await Tab.Sees(tab.Page.GetByLabel("Key or invite"));
        (await tab.Page.EvaluateAsync<int>("sessionStorage.length")).ShouldBe(0);
    }

    [Fact]
    public async Task A_key_that_nobody_has_is_refused_in_words()
    {
        await using var tab = await Tab.Open(chromium, server.Api);
        tab.Expect("401");
        await tab.Go("");
        await tab.SignIn("aw_sk_" + new string('0', 64));

        await Tab.Sees(tab.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert));
        await Tab.Sees(tab.Page.GetByLabel("Key or invite"));
    }

    [Fact]
    public async Task An_invites_address_lets_one_person_in()
    {
        var alice = await new Project(server.Api).Agent("alice");
        var url = (await alice.Post("/v1/invites").Ok()).Text("url");
        await using var tab = await Tab.Open(chromium, server.Api);
        tab.Expect("40");
        await tab.Page.GotoAsync(url);
        await tab.Page.Locator("[name=human_name]").FillAsync("Ada");
        new Uri(tab.Page.Url).AbsolutePath.ShouldBe("/", "the code is not left in the address");
        await tab.Page.GetByLabel("Alias").FillAsync("ada");
        await tab.Button("Join").ClickAsync();

        await tab.Live();
        await Tab.Sees(tab.Page.Locator(".who").GetByText("ada"));
        (await alice.Get("/v1/agents").Ok()).Find("agents", "alias", "ada").Text("agent_type").ShouldBe("human");
    }

    [Fact]
    public async Task An_administrator_sees_the_projects_and_enters_one()
    {
        var project = new Project(server.Api);
        await project.Agent("alice");
        await using var tab = await Tab.Open(chromium, server.Api);
        await tab.Go("");
        await tab.SignIn(Api.AdminKey);
        await tab.Page.GetByLabel("Search projects").FillAsync(project.Slug);
        await tab.Text("Enter").ClickAsync();
        await tab.Page.GetByLabel("Alias").FillAsync("root");
        await tab.Button("Enter as this person").ClickAsync();

        await tab.Live();
        await tab.Sees("alice");
        (await tab.Page.EvaluateAsync<string>("JSON.stringify(sessionStorage)")).ShouldNotContain(Api.AdminKey);
    }

    [Fact]
    public async Task A_public_reader_sees_the_project_and_no_form()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Fix the lamp", status = "open" })).Ok();
        await using var tab = await Tab.Open(chromium, server.Api, headers: ProxyHeaders.Public(alice.ProjectId));
        await tab.Go("board");

        await tab.Live();
        await tab.Sees("Fix the lamp");
        await Tab.SeesNo(tab.Button("New bead"));
        await Tab.SeesNo(tab.Page.Locator("nav").GetByText("Mail"));
        await tab.Text("Fix the lamp").ClickAsync();
        await tab.Sees("Who works on it");
        await Tab.SeesNo(tab.Page.Locator("main form"));
        await tab.Go("ready");
        await tab.Sees("Fix the lamp");
        await Tab.SeesNo(tab.Button("Take it"));
    }

    [Fact]
    public async Task A_key_that_is_revoked_ends_the_page()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var tab = await Tab.Of(chromium, alice, "board");
        tab.Expect("401", "410", "Failed to load resource");
        await server.Api.As(Api.AdminKey).Delete($"/v1/projects/{alice.ProjectId}/keys?agent_id={alice.Id}").Ok();

        await Tab.Sees(tab.Page.GetByText("Your key is no longer good"));
        await Tab.Sees(tab.Page.GetByLabel("Key or invite"));
        (await tab.Page.EvaluateAsync<int>("sessionStorage.length")).ShouldBe(0);
    }
}
