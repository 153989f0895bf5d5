using System.Text;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/escalations: agents ask humans (contract 11).</summary>
public abstract class EscalationsContract(Store store) : ContractTests(store)
{
    private const string Path = "/v1/escalations";

    [Fact]
    [Checklist("beadhub", 235)]
    public async Task One_is_asked_and_read()
    {
        var agent = await NewProject().Agent("alice");

        var created = await Ask(agent, "Which database?", "SQLite or PostgreSQL?", new[] { "SQLite", "PostgreSQL" },
            email: "ann@example.com").Ok();

        created.Text("status").ShouldBe("pending");
        created.Text("escalation_id").ShouldBeUuid();
        created.Text("created_at").ShouldBeTimestamp();
        var detail = await agent.Get($"{Path}/{created.Text("escalation_id")}").Ok();
        (detail.Text("escalation_id"), detail.Text("workspace_id"), detail.Text("alias"), detail.Text("member_email"),
            detail.Text("subject"), detail.Text("situation"), detail.Text("status"))
            .ShouldBe((created.Text("escalation_id"), agent.Id, "alice", "ann@example.com", "Which database?", "SQLite or PostgreSQL?",
                "pending"));
        detail.Texts("options").ShouldBe(["SQLite", "PostgreSQL"]);
        foreach (var unset in new[] { "response", "response_note", "responded_at" })
            detail.IsNull(unset).ShouldBeTrue();
        (detail.Text("created_at"), detail.Text("expires_at")).ShouldBe((created.Text("created_at"), created.Text("expires_at")));
        (await PublicReader(agent).Get($"{Path}/{created.Text("escalation_id")}").Ok()).IsNull("member_email").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 236)]
    public async Task Nobody_asks_for_another()
    {
        var (alice, bob) = await Two();
        var stranger = await NewProject().Agent("alice");

        await Ask(alice, bob).Refused(403, "workspace_id does not match API key identity");
        await Ask(alice, stranger).Refused(403, "workspace_id does not match API key identity");
        await Ask(Proxied(alice), stranger).Refused(403, "Workspace not found or does not belong to your project");
        await PublicReader(alice).Post(Path, Body(alice)).RefusedWith(403, "Public readers");
        await Api.Post(Path, Body(alice)).Unauthorized();
        (await Ask(Proxied(alice), bob).Ok()).Text("status").ShouldBe("pending");
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await Ask(Proxied(alice), bob).Refused(403, "Workspace not found or does not belong to your project");
    }

    [Fact]
    [Checklist("beadhub", 237)]
    public async Task The_alias_is_the_workspaces_and_four_hours_are_given()
    {
        var agent = await NewProject().Agent("alice");

        await agent.Post(Path, Body(agent, alias: "mallory")).Refused(403, "Alias does not match workspace_id");
        foreach (var hours in new object[] { 0, -1, 8761, "soon", 1.5 })
            await agent.Post(Path, Body(agent, hours: hours)).Invalid("expires_in_hours");
        var usual = await agent.Post(Path, Body(agent)).Ok();
        (usual.At("expires_at").GetDateTimeOffset() - usual.At("created_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromHours(4));
        var year = await agent.Post(Path, Body(agent, hours: 8760)).Ok();
        (year.At("expires_at").GetDateTimeOffset() - year.At("created_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromDays(365));
    }

    [Fact]
    public async Task Texts_are_bounded()
    {
        var agent = await NewProject().Agent("alice");
        var full = await agent.Post(Path, Body(agent, subject: new string('s', 1000), situation: new string('€', 65536))).Ok();
        (await agent.Get($"{Path}/{full.Text("escalation_id")}").Ok()).Text("situation").Length.ShouldBe(65536);

        await agent.Post(Path, Body(agent, subject: "")).Invalid("subject", "string_too_short");
        await agent.Post(Path, Body(agent, subject: new string('s', 1001))).Invalid("subject", "string_too_long");
        await agent.Post(Path, Body(agent, situation: "")).Invalid("situation", "string_too_short");
        await agent.Post(Path, Body(agent, situation: new string('s', 65537))).Invalid("situation", "string_too_long");
        await agent.Post(Path, Body(agent, subject: "a\0b")).Invalid("subject", says: "NUL");
        await agent.Post(Path, Body(agent, situation: "\0")).Invalid("situation", says: "NUL");
        await agent.Post(Path, Body(agent, options: new object[] { 1 })).Invalid("options");
        await agent.Post(Path, Body(agent, options: Enumerable.Repeat("x", 101))).Invalid("options", "too_long");
        await agent.Post(Path, Body(agent, options: new[] { "\0" })).Invalid("options");
        await agent.Post(Path, Body(agent, options: "yes")).Invalid("options", "list_type");
        await agent.Post(Path, Body(agent, email: new string('x', 321))).Invalid("member_email");
        await agent.Post(Path, "{\"workspace_id\":\"" + agent.Id + "\",\"alias\":\"alice\",\"subject\":\"\\ud800\",\"situation\":\"x\"}")
            .Unprocessable();
        await agent.Post(Path, new { workspace_id = "x", alias = "bad alias" }).Invalid("situation", "missing");
        var id = full.Text("escalation_id");
        await agent.Post($"{Path}/{id}/respond", new { response = "" }).Invalid("response", "string_too_short");
        await agent.Post($"{Path}/{id}/respond", new { response = "\0" }).Invalid("response");
        await agent.Post($"{Path}/{id}/respond", new { response = new string('x', 65537) }).Invalid("response");
        await agent.Post($"{Path}/{id}/respond", new { response = "x", note = new string('x', 65537) }).Invalid("note");
        (await agent.Get($"{Path}/{id}").Ok()).Text("status").ShouldBe("pending");
    }

    [Fact]
    [Checklist("beadhub", 238)]
    public async Task Other_projects_see_nothing_of_it()
    {
        var (agent, other) = (await NewProject().Agent("alice"), await NewProject().Agent("bob"));
        var id = (await Ask(agent, "s").Ok()).Text("escalation_id");

        await other.Get($"{Path}/{id}").Refused(404, "Escalation not found");
        await other.Post($"{Path}/{id}/respond", new { response = "yes" }).Refused(404, "Escalation not found");
        (await other.Get(Path).Ok()).Items("escalations").ShouldBeEmpty();
        (await agent.Get($"{Path}/{id}").Ok()).Text("status").ShouldBe("pending");
    }

    [Fact]
    [Checklist("beadhub", 239)]
    public async Task Unknown_ids_are_not_found_and_others_are_no_ids()
    {
        var (alice, bob) = await Two();
        await alice.Get($"{Path}/{Guid.NewGuid()}").Refused(404, "Escalation not found");
        await alice.Post($"{Path}/{Guid.NewGuid()}/respond", new { response = "x" }).Refused(404, "Escalation not found");
        await alice.Get($"{Path}/not-a-uuid").RefusedWith(422, "escalation_id");
        await alice.Post($"{Path}/not-a-uuid/respond", new { response = "x" }).RefusedWith(422, "escalation_id");
        await Api.Get($"{Path}/not-a-uuid").RefusedWith(422, "escalation_id");

        var id = (await Ask(bob, "s").Ok()).Text("escalation_id");
        (await alice.Get($"{Path}/{id.ToUpperInvariant()}").Ok()).Text("escalation_id").ShouldBe(id);
        await alice.Get($"{Path}/{id}?workspace_id={alice.Id}").Refused(404, "Escalation not found");
        await alice.Get($"{Path}/{id}?workspace_id=x").RefusedWith(422, "workspace_id");
        await alice.Get($"{Path}/{id}?workspace_id={bob.Id}").Ok();
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await alice.Get($"{Path}/{id}").Refused(404, "Escalation not found");
        await alice.Post($"{Path}/{id}/respond", new { response = "x" }).Refused(404, "Escalation not found");
        (await alice.Get(Path).Ok()).Pluck("escalations", "escalation_id").ShouldBe([id]);
    }

    [Fact]
    [Checklist("beadhub", 240)]
    public async Task The_list_is_filtered_by_status()
    {
        var agent = await NewProject().Agent("alice");
        var (first, second) = ((await Ask(agent, "one").Ok()).Text("escalation_id"), (await Ask(agent, "two").Ok()).Text("escalation_id"));
        await agent.Post($"{Path}/{first}/respond", new { response = "yes" }).Ok();

        foreach (var bad in new[] { "pending'--", "not_a_valid_status" })
            await agent.Get($"{Path}?status={Uri.EscapeDataString(bad)}").RefusedWith(422, "Invalid status");
        await agent.Get($"{Path}?status={new string('x', 21)}").Invalid("status");
        (await Ids(agent, "status=pending")).ShouldBe([second]);
        (await Ids(agent, "status=responded")).ShouldBe([first]);
        (await Ids(agent, "status=expired")).ShouldBeEmpty();
        (await Ids(agent, "status=")).ShouldBe([second, first]);
    }

    [Fact]
    [Checklist("beadhub", 241)]
    public async Task The_list_is_filtered_by_alias()
    {
        var project = NewProject();
        var (main, under) = (await project.Agent("claude-main"), await project.Agent("claude_main"));
        var (first, second) = ((await Ask(main, "one").Ok()).Text("escalation_id"), (await Ask(under, "two").Ok()).Text("escalation_id"));

        foreach (var bad in new[] { "claude main", "claude'main" })
            await main.Get($"{Path}?alias={Uri.EscapeDataString(bad)}").RefusedWith(422, "Invalid alias");
        (await Ids(main, "alias=claude-main")).ShouldBe([first]);
        (await Ids(main, "alias=claude_main")).ShouldBe([second]);
        (await Ids(main, "alias=claude_main&status=pending")).ShouldBe([second]);
        (await Ids(main, "alias=claude_main&status=responded")).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 242)]
    public async Task The_list_has_pages()
    {
        var agent = await NewProject().Agent("alice");
        var empty = await agent.Get(Path).Ok();
        (empty.Items("escalations").Length, empty.Flag("has_more"), empty.IsNull("next_cursor")).ShouldBe((0, false, true));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, (await Ask(agent, $"s{i}").Ok()).Text("escalation_id"));

        foreach (var limit in new[] { 1000, 0, -1 })
            await agent.Get($"{Path}?limit={limit}").Invalid("limit");
        await agent.Get($"{Path}?cursor=invalid!!!").RefusedWith(422, "Invalid cursor");
        await Api.Get($"{Path}?cursor=invalid!!!").RefusedWith(422, "Invalid cursor");
        await agent.Get($"{Path}?cursor={Cursor("{\"created_at\":\"yesterday\"}")}").RefusedWith(422, "Invalid cursor");
        (await Pages.Of(agent, $"{Path}?limit=2", "escalations")).Select(e => e.Text("escalation_id")).ShouldBe(ids);
        (await Ids(agent, "cursor=" + Cursor("{\"created_at\":\"2999-03-08T15:14:59.123456+00:00\"}"))).ShouldBe(ids);
        (await Ids(agent, "cursor=" + Cursor("{\"other\":1}"))).ShouldBe(ids);
        var shown = (await agent.Get($"{Path}?limit=1").Ok()).Items("escalations").Single();
        (shown.Text("alias"), shown.Text("subject"), shown.Text("status")).ShouldBe(("alice", "s4", "pending"));
        shown.Text("expires_at").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 243)]
    [Checklist("beadhub", 244)]
    public async Task Question_and_answers_are_streamed_and_the_last_answer_stays()
    {
        var (alice, bob) = await Two();
        await using var stream = await bob.Stream("?event_types=escalation");
        var id = (await Ask(alice, "Which one?").Ok()).Text("escalation_id");

        var answered = await bob.Post($"{Path}/{id}/respond", new { response = "The first", note = "of course" }).Ok();
        (answered.Text("escalation_id"), answered.Text("status"), answered.Text("response"), answered.Text("response_note"))
            .ShouldBe((id, "responded", "The first", "of course"));
        answered.Text("responded_at").ShouldBeTimestamp();
        var again = await bob.Post($"{Path}/{id}/respond", new { response = "The second" }).Ok();

        var created = await stream.Next();
        (created.Type, created.Data.Text("workspace_id"), created.Data.Text("escalation_id"), created.Data.Text("alias"),
            created.Data.Text("subject"), created.Data.Text("project_slug"))
            .ShouldBe(("escalation.created", alice.Id, id, "alice", "Which one?", alice.Project.Slug));
        foreach (var text in new[] { "The first", "The second" })
        {
            var responded = await stream.Next();
            (responded.Type, responded.Data.Text("workspace_id"), responded.Data.Text("escalation_id"), responded.Data.Text("response"))
                .ShouldBe(("escalation.responded", alice.Id, id, text));
        }

        var detail = await alice.Get($"{Path}/{id}").Ok();
        (detail.Text("status"), detail.Text("response"), detail.Maybe("response_note"), detail.Text("responded_at"))
            .ShouldBe(("responded", "The second", null, again.Text("responded_at")));
    }

    [Fact]
    [Checklist("beadhub", 245)]
    public async Task The_list_is_filtered_by_workspace_or_repository()
    {
        var (alice, bob) = await Two();
        var carol = await alice.Project.Agent("carol", origin: alice.Project.OriginOf("other"));
        var stranger = await NewProject().Agent();
        var (a, b, c) = ((await Ask(alice, "a").Ok()).Text("escalation_id"), (await Ask(bob, "b").Ok()).Text("escalation_id"),
            (await Ask(carol, "c").Ok()).Text("escalation_id"));

        await alice.Get($"{Path}?workspace_id={stranger.Id}").Refused(403, "Workspace not found or does not belong to your project");
        await alice.Get($"{Path}?workspace_id=x").RefusedWith(422, "workspace_id");
        (await Ids(alice, $"workspace_id={bob.Id}")).ShouldBe([b]);
        (await Ids(alice, $"repo_id={alice.RepoId}")).ShouldBe([b, a]);
        (await Ids(alice, $"repo_id={carol.RepoId}")).ShouldBe([c]);
        (await Ids(alice, $"repo_id={carol.RepoId}&workspace_id={bob.Id}")).ShouldBe([b]);
        (await Ids(alice, $"repo_id={Guid.NewGuid()}")).ShouldBeEmpty();
        await alice.Get($"{Path}?repo_id=x").Invalid("repo_id");
        await alice.Get($"{Path}?repo_id={new string('z', 36)}").RefusedWith(422, "repo_id");
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await alice.Get($"{Path}?workspace_id={bob.Id}").RefusedWith(403, "Workspace not found");
        (await Ids(alice, $"repo_id={alice.RepoId}")).ShouldBe([a]);
        (await Ids(alice, "")).ShouldBe([c, b, a]);
    }

    [Fact]
    [Checklist("beadhub", 246)]
    public async Task No_options_are_null()
    {
        var agent = await NewProject().Agent("alice");
        foreach (var options in new object?[] { Array.Empty<string>(), null })
        {
            var id = (await agent.Post(Path, Body(agent, options: options)).Ok()).Text("escalation_id");
            (await agent.Get($"{Path}/{id}").Ok()).IsNull("options").ShouldBeTrue();
        }

        var explicitly =
            $"{{\"workspace_id\":\"{agent.Id}\",\"alias\":\"alice\",\"subject\":\"s\",\"situation\":\"x\",\"options\":null,\"unknown\":1}}";
        (await agent.Post(Path, explicitly).Ok()).Text("status").ShouldBe("pending");
    }

    [Fact]
    public async Task The_status_counts_those_that_wait()
    {
        var (alice, bob) = await Two();
        var id = (await Ask(alice, "s").Ok()).Text("escalation_id");
        await Ask(bob, "t").Ok();

        (await alice.Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(2);
        (await alice.Get($"/v1/status?workspace_id={bob.Id}").Ok()).Number("escalations_pending").ShouldBe(2);
        (await PublicReader(alice).Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(0);
        await bob.Post($"{Path}/{id}/respond", new { response = "x" }).Ok();
        (await alice.Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(1);
        (await (await NewProject().Agent()).Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(0);
    }

    [Fact]
    public async Task Everything_outlives_the_server()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent("alice");
        var ids = new List<string>();
        for (var i = 0; i < 140; i++)
            ids.Insert(0,
                (await agent.Post(Path, Body(agent, subject: $"s{i}", situation: $"what {i}", options: new[] { $"o{i}" })).Ok())
                .Text("escalation_id"));
        await agent.Post($"{Path}/{ids[3]}/respond", new { response = "yes", note = "n" }).Ok();
        var before = (await agent.Get($"{Path}/{ids[3]}")).Text;

        await server.Kill();
        await server.Restart();
        agent = agent.At(server.Api);

        (await Pages.Of(agent, $"{Path}?limit=50", "escalations")).Select(e => e.Text("escalation_id")).ShouldBe(ids);
        (await agent.Get($"{Path}/{ids[3]}")).Text.ShouldBe(before);
        (await agent.Get($"{Path}/{ids[^1]}").Ok()).Texts("options").ShouldBe(["o0"]);
        (await agent.Get("/v1/status").Ok()).Number("escalations_pending").ShouldBe(139);
    }

    private static Task<Answer> Ask(Agent agent, string subject, string situation = "x", object? options = null, string? email = null) =>
        agent.Post(Path, Body(agent, subject: subject, situation: situation, options: options, email: email));

    private static Task<Answer> Ask(Api caller, Agent self) => caller.Post(Path, Body(self));

    private static object Body(
        Agent agent, string? alias = null, string subject = "s", string situation = "x", object? options = null, object? hours = null,
        string? email = null) =>
        new { workspace_id = agent.Id, alias = alias ?? agent.Alias, subject, situation, options, expires_in_hours = hours,
            member_email = email };

    private static async Task<string[]> Ids(Agent agent, string query) =>
        (await agent.Get($"{Path}?{query}").Ok()).Pluck("escalations", "escalation_id");

    private static string Cursor(string json) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }
}
