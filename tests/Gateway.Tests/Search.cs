using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/search: full-text search in beads and mail.</summary>
public abstract class SearchContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task Beads_are_found_by_all_their_texts_as_soon_as_they_are_written()
    {
        var agent = await NewProject().Agent("alice");
        await agent.Sync(Jsonl.Of(
            new { id = "bd-1", title = "Lock metadata", description = "Dashboard filters by the holder's alias", labels = new[] { "ui" } },
            new { id = "bd-2", title = "Other", comments = new[] { new { id = 1, text = "see the dashboard" } } })).Ok();

        (await Found(agent, "dashboard")).ShouldBe(["bd-1", "bd-2"], ignoreOrder: true);
        var found = (await agent.Get("/v1/search?query=filter+alias").Ok()).Items("results").Single();
        (found.Text("kind"), found.Text("bead_id"), found.Text("repo"), found.Text("branch"), found.Text("title"), found.Text("snippet"))
            .ShouldBe(("bead", "bd-1", agent.Repo, "main", "Lock metadata", "Dashboard filters by the holder's alias ui"));
        (await Found(agent, "ui")).ShouldBe(["bd-1"]);
        await agent.Post("/v1/beads/issues/bd-2/comments", new { text = "Größenwahn" }).Ok();
        (await Found(agent, "grossenwahn größenw")).ShouldBeEmpty();
        (await Found(agent, "größenw")).ShouldBe(["bd-2"]);
        await agent.Change(command: "delete bd-2", deleted: "bd-2").Ok();
        (await Found(agent, "dashboard")).ShouldBe(["bd-1"]);
        (await Found(await NewProject().Agent(), "dashboard")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Mail_is_found_by_those_between_whom_it_went()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        var id = await alice.MailId(bob, "The vault opens at nine", "Plan");

        foreach (var reader in new[] { alice, bob })
        {
            var mail = (await reader.Get("/v1/search?query=vault&kind=mail").Ok()).Items("results").Single();
            (mail.Text("message_id"), mail.Text("from_alias"), mail.Text("title"), mail.Text("snippet"))
                .ShouldBe((id, "alice", "Plan", "The vault opens at nine"));
        }

        (await carol.Get("/v1/search?query=vault").Ok()).Number("count").ShouldBe(0);
        (await bob.Get("/v1/search?query=vault&kind=bead").Ok()).Number("count").ShouldBe(0);
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_no_search_is_refused()
    {
        var agent = await NewProject().Agent();
        await agent.Get("/v1/search").Unprocessable();
        await agent.Get("/v1/search?query=x&kind=chat").Unprocessable();
        await agent.Get("/v1/search?query=x&limit=0").Unprocessable();
        (await agent.Get("/v1/search?query=%22%20OR%20*").Ok()).Number("count").ShouldBe(0);
        (await agent.Get("/v1/search?query=...").Ok()).Number("count").ShouldBe(0);
        (await PublicReader(agent).Get("/v1/search?query=x")).Status.ShouldBe(403);
    }

    private static async Task<string[]> Found(Agent agent, string text) =>
        [.. (await agent.Get($"/v1/search?query={Uri.EscapeDataString(text)}").Ok()).Pluck("results", "bead_id")];
}
