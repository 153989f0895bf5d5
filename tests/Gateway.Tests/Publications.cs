using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What agents show of themselves to all projects of a server.</summary>
public abstract class PublicationsContract(Store store) : ContractTests(store)
{
    private const string Publish = "/v1/agents/publish";
    private const string Directory = "/v1/network/directory";

    [Fact]
    public async Task An_agent_that_publishes_itself_is_found_by_all_projects_until_it_withdraws()
    {
        var (alice, other) = (await NewProject().Agent("alice"), await NewProject().Agent("other"));

        var published = await alice.Post(Publish,
            new { agent_id = alice.Id, capabilities = new[] { "review", " rust ", "review" }, description = "Reads what others write" })
            .Ok();
        (published.Text("org_id"), published.Text("agent_id"), published.Text("alias"), published.Text("description"))
            .ShouldBe((alice.ProjectId, alice.Id, "alice", "Reads what others write"));
        published.Texts("capabilities").ShouldBe(["review", "rust"]);
        published.Text("published_at").ShouldBeTimestamp();

        var slug = alice.Project.Slug;
        foreach (var query in new[] { $"?org_slug={slug}", $"?q={slug}", $"?org_slug={slug}&capability=RUST",
            $"?org_slug={slug}&q=others%20write&limit=1" })
        {
            var found = await other.Get(Directory + query).Ok();
            found.Number("total").ShouldBe(1, query);
            var agent = found.Items("agents").Single();
            agent.EnumerateObject().Select(field => field.Name)
                .ShouldBe(["org_name", "org_slug", "alias", "capabilities", "description"], ignoreOrder: true);
            (agent.Text("org_slug"), agent.Text("alias")).ShouldBe((slug, "alice"));
        }

        (await other.Get($"{Directory}?org_slug={slug}&capability=go").Ok()).Number("total").ShouldBe(0);
        (await other.Get($"{Directory}/{slug}/alice").Ok()).Texts("capabilities").ShouldBe(["review", "rust"]);
        (await other.Get($"{Directory}/{slug}%2Falice").Ok()).Text("description").ShouldBe("Reads what others write");

        await alice.Post(Publish, new { description = "Another" }).Ok();
        (await other.Get($"{Directory}/{slug}/alice").Ok()).Text("description").ShouldBe("Another");
        await alice.Delete("/v1/agents/alice/publish").Ok();
        await alice.Delete("/v1/agents/alice/publish").Refused(404, "Agent is not published");
        await other.Get($"{Directory}/{slug}/alice").Refused(404, "Agent not found");
    }

    [Fact]
    public async Task Nobody_is_shown_who_has_not_published_itself_or_has_left()
    {
        var project = NewProject();
        var (alice, bob, other) = (await project.Agent("alice"), await project.Agent("bob"), await NewProject().Agent("other"));
        await alice.Post(Publish, new { }).Ok();

        (await other.Get($"{Directory}?org_slug={project.Slug}").Ok()).Pluck("agents", "alias").ShouldBe(["alice"]);
        await other.Get($"{Directory}/{project.Slug}/bob").Refused(404, "Agent not found");
        await other.Get($"{Directory}/{project.Slug}/nobody").Refused(404, "Agent not found");
        await other.Get($"{Directory}/no-such-project/alice").Refused(404, "Agent not found");
        await other.Get($"{Directory}/alice").Refused(404, "Agent not found");

        await alice.Delete("/v1/agents/me").Ok();
        (await other.Get($"{Directory}?org_slug={project.Slug}").Ok()).Number("total").ShouldBe(0);
    }

    [Fact]
    public async Task Tenants_do_not_see_each_other()
    {
        var (tenant, slug) = (Guid.NewGuid().ToString(), $"t-{Guid.NewGuid():N}");
        var init = await Api.With(ProxyHeaders.TenantUser(tenant)).Post("/v1/init", new { project_slug = slug, alias = "inside" }).Ok();
        var inside = Api.With(("Authorization", $"Bearer {init.Text("api_key")}"));
        var outside = await NewProject().Agent("outside");
        await inside.Post(Publish, new { description = "here" }).Ok();
        await outside.Post(Publish, new { description = "there" }).Ok();

        foreach (var reader in new[] { inside, Api.With(ProxyHeaders.TenantUser(tenant, init.Text("project_id"))) })
        {
            (await reader.Get(Directory).Ok()).Pluck("agents", "alias").ShouldBe(["inside"]);
            (await reader.Get($"{Directory}/{slug}/inside").Ok()).Text("description").ShouldBe("here");
            await reader.Get($"{Directory}/{outside.Project.Slug}/outside").Refused(404, "Agent not found");
        }

        (await outside.Get($"{Directory}?q=inside").Ok()).Items("agents").ShouldAllBe(agent => agent.Text("org_slug") != slug);
        (await outside.Get($"{Directory}?org_slug={slug}").Ok()).Number("total").ShouldBe(0);
        await outside.Get($"{Directory}/{slug}/inside").Refused(404, "Agent not found");
    }

    [Fact]
    [OnAnyStore]
    public async Task An_agent_publishes_only_itself()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        await alice.Post(Publish, new { agent_id = bob.Id }).Refused(403, "agent_id does not match API key identity");
        await alice.Delete("/v1/agents/bob/publish").Refused(403, "Agents publish and withdraw only themselves");
        await PublicReader(alice).Post(Publish, new { }).Refused(403, "Public readers may not write");
        await Api.Post(Publish, new { }).Unauthorized();
        await Api.Get(Directory).Unauthorized();
        await Api.Get($"{Directory}/a/b").Unauthorized();
        await Api.Delete("/v1/agents/alice/publish").Unauthorized();
        await alice.Post(Publish, new { agent_id = "x" }).Invalid("agent_id");
        await alice.Post(Publish, new { description = new string('x', 2001) }).Invalid("description");
        await alice.Post(Publish, new { capabilities = Enumerable.Repeat("c", 51).ToArray() }).Invalid("capabilities");
        await alice.Post(Publish, new { capabilities = new[] { new string('c', 65) } }).Unprocessable();
        await alice.Post(Publish, new { price = 1 }).Invalid("price", "extra_forbidden");
        await alice.Get(Directory + "?limit=201").Invalid("limit");
        (await alice.Get($"{Directory}?org_slug={project.Slug}").Ok()).Number("total").ShouldBe(0);
    }
}
