using System.Collections.Concurrent;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>POST /v1/beads/claim-next: the best ready bead for each who asks, none twice and none skipped.</summary>
public abstract class ClaimNextContract(Store store) : ContractTests(store)
{
    private const string Path = "/v1/beads/claim-next";

    [Fact]
    public async Task The_most_urgent_free_bead_comes_first()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(
            new { id = "bd-3", title = "Third", status = "open", priority = 2 },
            new { id = "bd-1", title = "First", status = "open", priority = 1, issue_type = "bug", labels = new[] { "ui" },
                assignee = "ann" },
            new { id = "bd-2", title = "Second", status = "open", priority = 2 },
            new { id = "bd-0", title = "Whenever", status = "open" },
            new { id = "bd-done", status = "closed", priority = 0 },
            new { id = "bd-busy", status = "in_progress", priority = 0 },
            new { id = "bd-held", status = "open", priority = 0, blocked_by = new[] { "bd-1" } })).Ok();
        await using var stream = await bob.Stream();

        var first = await alice.Post(Path).Ok();
        var second = await bob.Post(Path, new { workspace_id = bob.Id }).Ok();
        var third = await alice.Post(Path, new { }).Ok();
        var fourth = await bob.Post(Path).Ok();
        var none = await alice.Post(Path).Ok();

        new[] { first, second, third, fourth }.Select(a => a.At("bead").Text("bead_id")).ShouldBe(["bd-1", "bd-2", "bd-3", "bd-0"]);
        first.Flag("claimed").ShouldBeTrue();
        var bead = first.At("bead");
        (bead.Text("title"), bead.Text("repo"), bead.Text("branch"), bead.Text("status"), bead.Number("priority"), bead.Text("type"),
            bead.Text("assignee"))
            .ShouldBe(("First", alice.Repo, "main", "open", 1, "bug", "ann"));
        bead.Texts("labels").ShouldBe(["ui"]);
        var claim = first.At("claim");
        (claim.Text("bead_id"), claim.Text("workspace_id"), claim.Text("alias"), claim.Text("human_name"), claim.Text("project_id"),
            claim.Text("apex_id"))
            .ShouldBe(("bd-1", alice.Id, "alice", "Alice", alice.ProjectId, "bd-1"));
        claim.Text("claimed_at").ShouldBeTimestamp();
        none.Flag("claimed").ShouldBeFalse();
        (none.IsNull("bead"), none.IsNull("claim")).ShouldBe((true, true));

        var heard = await stream.Until(e => e.Data.Text("bead_id") == "bd-0");
        heard.ShouldAllBe(e => e.Type == "bead.claimed");
        heard.Select(e => (e.Data.Text("bead_id"), e.Data.Text("workspace_id")))
            .ShouldBe([("bd-1", alice.Id), ("bd-2", bob.Id), ("bd-3", alice.Id), ("bd-0", bob.Id)]);
        (await alice.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe(["bd-0", "bd-3", "bd-2", "bd-1"]);
        (await alice.Get("/v1/workspaces").Ok()).Find("workspaces", "alias", "alice").Text("focus_apex_id").ShouldBe("bd-3");
        (await bob.Command("update bd-1 --status in_progress").Ok()).Flag("approved").ShouldBeFalse();
    }

    [Fact]
    public async Task A_bead_is_free_again_when_it_is_released_and_ready_when_its_blocker_is_closed()
    {
        var (alice, bob) = await Two();
        await alice
            .Sync(Jsonl.Of(new { id = "bd-1", status = "open" }, new { id = "bd-2", status = "open", blocked_by = new[] { "bd-1" } })).Ok();
        (await Next(alice)).ShouldBe("bd-1");
        (await Next(bob)).ShouldBeNull();

        await alice.Delete("/v1/beads/bd-1/claims").Ok();
        (await Next(bob)).ShouldBe("bd-1");
        (await Next(alice)).ShouldBeNull();

        await bob.Close("bd-1").Ok();
        (await Next(alice)).ShouldBe("bd-2");
        await alice.Delete($"/v1/workspaces/{alice.Id}").Ok();
        (await Next(bob)).ShouldBe("bd-2");
    }

    [Fact]
    public async Task What_a_sync_has_claimed_is_not_offered()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(new { id = "bd-1", status = "open" }, new { id = "bd-2", status = "open" }),
            "update bd-1 --status in_progress").Ok();

        (await Next(bob)).ShouldBe("bd-2");
        (await Next(bob)).ShouldBeNull();
        (await bob.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeTrue();
    }

    [Fact]
    public async Task Filters_must_all_hold()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Jsonl.Of(
            new { id = "bd-1", status = "open", priority = 1, issue_type = "task", labels = new[] { "api" } },
            new { id = "bd-2", status = "open", priority = 2, issue_type = "bug", labels = new[] { "api", "db" } },
            new { id = "bd-3", status = "open", priority = 3, issue_type = "bug", labels = new[] { "api", "db" }, assignee = "ann" },
            new { id = "bd-4", status = "open", issue_type = "chore" })).Ok();
        await agent.Upload("other/repo", "dev", new { id = "bd-5", status = "open", priority = 0 }).Ok();

        (await Next(agent, new { labels = new[] { "api", "absent" } })).ShouldBeNull();
        (await Next(agent, new { max_priority = -1 })).ShouldBeNull();
        (await Next(agent, new { repo = "other/repo", branch = "main" })).ShouldBeNull();
        (await Next(agent, new { assignee = "ann" })).ShouldBe("bd-3");
        (await Next(agent, new { labels = new[] { "db", "api" } })).ShouldBe("bd-2");
        (await Next(agent, new { type = "chore" })).ShouldBe("bd-4");
        (await Next(agent, new { types = new[] { "feature", "task" }, max_priority = 1, repo = agent.Repo, branch = "main" }))
            .ShouldBe("bd-1");
        (await Next(agent, new { repo = "other/repo" })).ShouldBe("bd-5");
        (await Next(agent)).ShouldBeNull();
    }

    [Fact]
    public async Task A_bead_in_two_repositories_is_claimed_once()
    {
        var (alice, bob) = await Two();
        await alice.Upload("a/a", "main", new { id = "bd-1", status = "open" }).Ok();
        await alice.Upload("b/b", "main", new { id = "bd-1", status = "open" }).Ok();

        (await Next(alice, new { repo = "b/b" })).ShouldBe("bd-1");
        (await Next(bob)).ShouldBeNull();
    }

    [Fact]
    [OnAnyStore]
    public async Task Bad_requests_are_refused()
    {
        var (alice, bob) = await Two();
        var bare = await alice.Project.Identity("carol");

        await Api.Post(Path).Unauthorized();
        await Api.Post(Path, new { workspace_id = "x" }).Invalid("workspace_id");
        await alice.Post(Path, new { workspace_id = bob.Id }).Refused(403, "workspace_id does not match API key identity");
        await bare.Post(Path).Refused(404, "Workspace not found");
        await alice.Post(Path, new { label = "api" }).Invalid("label", "extra_forbidden");
        await alice.Post(Path, new { labels = "api" }).Invalid("labels", "list_type");
        await alice.Post(Path, new { labels = new object[] { 1 } }).Invalid("labels", "string_type");
        await alice.Post(Path, new { labels = new[] { new string('x', 256) } }).Invalid("labels", "string_too_long");
        await alice.Post(Path, new { labels = Enumerable.Repeat("x", 101) }).Invalid("labels", "too_long");
        await alice.Post(Path, new { labels = new[] { "a\0" } }).Invalid("labels");
        await alice.Post(Path, new { type = "story" }).Invalid("type", says: "Invalid issue type");
        await alice.Post(Path, new { max_priority = "high" }).Invalid("max_priority");
        await alice.Post(Path, new { repo = "../x" }).Invalid("repo");
        await alice.Post(Path, new { branch = "-x" }).Invalid("branch");
        await alice.Post(Path, "[]").Invalid();
        await alice.Post(Path, "{").Invalid();
        await PublicReader(alice).Post(Path).RefusedWith(403, "Public readers");
        (await Proxied(alice).Post(Path, new { workspace_id = bob.Id }).Ok()).Flag("claimed").ShouldBeFalse();
    }

    [Fact]
    public async Task Other_projects_beads_are_not_offered()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await other.Sync(Jsonl.Of(new { id = "bd-1", status = "open" })).Ok();

        (await Next(agent)).ShouldBeNull();
        (await Next(other)).ShouldBe("bd-1");
    }

    [Fact]
    public async Task Of_32_who_ask_at_once_each_gets_another_bead_and_the_best_go_first()
    {
        var project = NewProject();
        var agents = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => project.Agent($"a{i}")));
        await agents[0].Sync(Jsonl.Of(Enumerable.Range(0, 100).Select(i => new { id = $"bd-{i:000}", status = "open", priority = i % 5 })))
            .Ok();
        var best = Enumerable.Range(0, 100).OrderBy(i => i % 5).ThenBy(i => i).Select(i => $"bd-{i:000}").ToArray();

        var first = await Task.WhenAll(agents.Select(agent => Next(agent)));
        first.Order().ShouldBe(best[..32].Order());

        var all = new ConcurrentBag<string>(first!);
        await Task.WhenAll(agents.Select(async agent =>
        {
            while (await Next(agent) is { } bead)
                all.Add(bead);
        }));
        all.Order().ShouldBe(best.Order());
        var claims = await Pages.Of(agents[0], "/v1/claims?limit=200", "claims");
        claims.Select(claim => claim.Text("bead_id")).Order().ShouldBe(best.Order());
    }

    [Fact]
    public async Task Agents_that_join_while_others_take_do_not_make_a_bead_be_taken_twice()
    {
        var project = NewProject();
        var agents = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => project.Agent($"a{i}")));
        string[] beads = [.. Enumerable.Range(0, 60).Select(i => $"bd-{i:00}")];
        await agents[0].Sync(Jsonl.Of(beads.Select(id => new { id, status = "open" }))).Ok();

        // Two sync claims on every bead while the others take what is left: a bead belongs to one of them.
        var owners = new ConcurrentBag<string>();
        await Task.WhenAll(agents.Select((agent, i) => Task.Run(async () =>
        {
            if (i < 2)
            {
                foreach (var bead in i == 0 ? beads : beads.Reverse())
                {
                    if (!(await agent.Change(deleted: "none", command: $"update {bead} --status in_progress").Ok()).Flag("claim_rejected"))
                        owners.Add(bead);
                }
            }
            else
            {
                while (await Next(agent) is { } bead)
                    owners.Add(bead);
            }
        })));

        owners.Order().ShouldBe(beads);
    }

    [Fact]
    public async Task Every_acknowledged_claim_survives_kill_9_and_none_is_made_twice()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var agents = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => project.Agent($"a{i}")));
        string[] beads = [.. Enumerable.Range(0, 600).Select(i => $"bd-{i:000}")];
        await agents[0].Sync(Jsonl.Of(beads.Select((id, i) => new { id, status = "open", priority = i % 3 }))).Ok();

        var owners = new ConcurrentDictionary<string, string>();
        var pending = new string?[agents.Length];
        for (var round = 0; round < 4; round++)
        {
            var goal = owners.Count + 90;
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var taking = agents.Select((agent, i) => Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        // Who got no answer asks again under the same key: it must not get a second bead.
                        pending[i] ??= Guid.NewGuid().ToString();
                        var taken = await Next(agent, key: pending[i]);
                        pending[i] = null;
                        if (taken is null)
                            return;
                        owners.TryAdd(taken, agent.Id).ShouldBeTrue($"{taken} twice");
                        if (owners.Count >= goal)
                            enough.TrySetResult();
                    }
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    // The server is gone.
                }
            })).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await server.Kill();
            await Task.WhenAll(taking);
            await server.Restart();
            agents = [.. agents.Select(agent => agent.At(server.Api))];

            var claims = (await Pages.Of(agents[0], "/v1/claims?limit=200", "claims"))
                .Select(claim => (Bead: claim.Text("bead_id"), Owner: claim.Text("workspace_id"))).ToArray();
            claims.Select(claim => claim.Bead).ShouldBeUnique();
            owners.Where(owner => !claims.Contains((owner.Key, owner.Value))).ShouldBeEmpty("acknowledged claims that are gone");
        }

        // Those without an answer get theirs, and then the rest is handed out.
        await Task.WhenAll(agents.Select(async (agent, i) =>
        {
            while (await Next(agent, key: pending[i]) is { } taken)
            {
                pending[i] = null;
                owners.TryAdd(taken, agent.Id).ShouldBeTrue($"{taken} twice");
            }
        }));
        owners.Keys.Order().ToArray().ShouldBe(beads, "every bead once, none skipped");
        (await Pages.Of(agents[0], "/v1/claims?limit=200", "claims"))
            .ToDictionary(claim => claim.Text("bead_id"), claim => claim.Text("workspace_id"))
            .ShouldBe(owners, ignoreOrder: true);
    }

    private static async Task<string?> Next(Agent agent, object? filters = null, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = Api.Content(filters) };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        var answer = (await agent.Send(request)).Ok();
        return answer.Flag("claimed") ? answer.At("bead").Text("bead_id") : null;
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice", human: "Alice"), await project.Agent("bob", human: "Bob"));
    }
}
