using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Mail to those who have subscribed to a bead, one for each change, whatever happens to the server (contract 12.4).</summary>
public abstract class NotificationsContract(Store store) : ContractTests(store)
{
    private const string Repo = "my-repo";

    [Fact]
    [Checklist("beadhub", 254)]
    [Checklist("beadhub", 255)]
    public async Task A_status_change_brings_one_mail_from_the_system()
    {
        var (alice, bob) = await Two();
        await alice.Upload(Repo, null, Issue("bd-1", "open")).Ok();
        await Subscribe(alice, "bd-1", Repo);
        await Subscribe(bob, "bd-1");

        var changed = await alice.Upload(Repo, null, Issue("bd-1", "closed")).Ok();

        (changed.Text("status"), changed.Number("notifications_sent"), changed.Number("notifications_failed"))
            .ShouldBe(("completed", 2, 0));
        foreach (var agent in new[] { alice, bob })
        {
            var mail = (await Inbox(agent)).ShouldHaveSingleItem();
            (mail.Text("from_alias"), mail.Text("subject"), mail.Text("priority"))
                .ShouldBe(("system", "Bead status changed: bd-1", "normal"));
            foreach (var part in new[] { "bd-1", "open", "closed", "Title: Fix it", $"Repo: {Repo}", "Branch: main" })
                mail.Text("body").ShouldContain(part);
            mail.Text("thread_id").ShouldBe("1d6c2d3a-3b1b-5036-b73a-51fcfd1fd387");
            mail.Text("message_id").ShouldBeUuid();
        }

        (await alice.Get("/v1/agents").Ok()).Pluck("agents", "alias").ShouldBe(["alice", "bob"]);
        (await alice.Upload(Repo, null, Issue("bd-1", "closed")).Ok()).Number("notifications_sent").ShouldBe(0);
        (await Inbox(alice)).Length.ShouldBe(1);
        await alice.Project.Init(new { project_slug = alice.Project.Slug, alias = "System" }).Unprocessable("reserved");
    }

    [Fact]
    [Checklist("beadhub", 256)]
    public async Task A_new_bead_brings_no_mail()
    {
        var agent = await NewProject().Agent("alice");
        await Subscribe(agent, "bd-1", types: ["all"]);

        (await agent.Upload(Repo, null, Issue("bd-1", "open")).Ok()).Number("notifications_sent").ShouldBe(0);

        (await Inbox(agent)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 257)]
    public async Task A_deleted_workspace_gets_no_mail()
    {
        var (alice, bob) = await Two();
        await alice.Upload(Repo, null, Issue("bd-1", "open")).Ok();
        await Subscribe(bob, "bd-1");
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();

        var changed = await alice.Upload(Repo, null, Issue("bd-1", "closed")).Ok();
        (changed.Number("notifications_sent"), changed.Number("notifications_failed"), changed.Text("status"))
            .ShouldBe((0, 0, "completed"));
    }

    [Fact]
    [Checklist("beadhub", 258)]
    public async Task Another_projects_bead_brings_no_mail()
    {
        var (agent, other) = (await NewProject().Agent("alice"), await NewProject().Agent("alice"));
        await agent.Upload(Repo, null, Issue("bd-1", "open")).Ok();
        await other.Upload(Repo, null, Issue("bd-1", "open")).Ok();
        await Subscribe(agent, "bd-1");

        (await other.Upload(Repo, null, Issue("bd-1", "closed")).Ok()).Number("notifications_sent").ShouldBe(0);
        (await Inbox(agent)).ShouldBeEmpty();
    }

    [Fact]
    [Checklist("beadhub", 259)]
    public async Task Who_subscribed_to_something_else_gets_no_mail()
    {
        var project = NewProject();
        var agents = new Dictionary<string, Agent>();
        foreach (var alias in new[] { "elsewhere", "priority", "all", "named", "nothing" })
            agents[alias] = await project.Agent(alias);
        var writer = await project.Agent("writer");
        await writer.Upload(Repo, null, Issue("bd-1", "open", 2)).Ok();
        await Subscribe(agents["elsewhere"], "bd-1", "other-repo");
        await Subscribe(agents["priority"], "bd-1", types: ["priority_change"]);
        await Subscribe(agents["all"], "bd-1", types: ["all"]);
        await Subscribe(agents["named"], $"{Repo}:bd-1");
        await Subscribe(agents["nothing"], "bd-1", types: []);

        (await writer.Upload(Repo, null, Issue("bd-1", "closed", 2)).Ok()).Number("notifications_sent").ShouldBe(2);
        await Counts(0, 0, 1, 1, 0);
        (await writer.Upload(Repo, null, Issue("bd-1", "closed", 1)).Ok()).Number("notifications_sent").ShouldBe(2);
        await Counts(0, 1, 2, 1, 0);
        (await Inbox(agents["priority"])).Single().Text("subject").ShouldBe("Bead priority changed: bd-1");
        (await writer.Upload("other-repo", null, Issue("bd-1", "open", 1)).Ok()).Number("notifications_sent").ShouldBe(0);
        (await writer.Upload("other-repo", null, Issue("bd-1", "closed", 1)).Ok()).Number("notifications_sent").ShouldBe(2);
        await Counts(1, 1, 3, 1, 0);

        async Task Counts(params int[] counts)
        {
            foreach (var (agent, count) in agents.Values.Zip(counts))
                (await Inbox(agent)).Length.ShouldBe(count, agent.Alias);
        }
    }

    [Fact]
    [Checklist("beadhub", 260)]
    public async Task All_mail_about_a_bead_is_one_thread_in_order()
    {
        var agent = await NewProject().Agent("alice");
        await agent.Upload(Repo, null, Issue("bd-1", "open")).Ok();
        await Subscribe(agent, "bd-1");

        foreach (var status in new[] { "in_progress", "blocked", "closed" })
            await agent.Upload(Repo, null, Issue("bd-1", status)).Ok();

        var mails = await Inbox(agent);
        mails.Select(mail => mail.Text("thread_id")).Distinct().ShouldHaveSingleItem();
        mails.Select(mail => mail.Text("body").Split('\n')[0].Split("-> ")[1]).ShouldBe(["closed", "blocked", "in_progress"]);
    }

    [Fact]
    public async Task A_sync_notifies_too_and_who_has_unsubscribed_is_left_alone()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Jsonl.Of(Issue("bd-1", "open"), Issue("bd-2", "open"))).Ok();
        var subscription = await Subscribe(bob, "bd-1");
        await alice.Claim("bd-1").Ok();
        (await Inbox(bob)).ShouldHaveSingleItem().Text("body").ShouldContain("open -> in_progress");

        await bob.Delete($"/v1/subscriptions/{subscription}?workspace_id={bob.Id}").Ok();
        await alice.Close("bd-1").Ok();
        (await Inbox(bob)).ShouldHaveSingleItem();

        // What happened while nobody was subscribed is not told later.
        await Subscribe(bob, "bd-1");
        await alice.Run("reopen bd-1", "bd-1", "open").Ok();
        (await Inbox(bob)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task A_large_upload_notifies_of_each_bead()
    {
        var agent = await NewProject().Agent("alice");
        object[] Issues(string status) => [.. Enumerable.Range(0, 1200).Select(i => Issue($"bd-{i}", status))];
        await agent.Upload(Repo, null, Issues("open")).Ok();
        for (var i = 0; i < 1200; i += 100)
            await Subscribe(agent, $"bd-{i}");

        (await agent.Upload(Repo, null, Issues("closed")).Ok()).Number("notifications_sent").ShouldBe(12);
        (await Inbox(agent)).Select(mail => mail.Text("subject")).ShouldBeUnique();
    }

    [Fact]
    public async Task Concurrent_changes_are_counted_where_they_were_made()
    {
        var (alice, bob) = await Two();
        await alice.Upload(Repo, null, [.. Enumerable.Range(0, 24).Select(i => Issue($"bd-{i}", "open"))]).Ok();
        for (var i = 0; i < 24; i++)
            await Subscribe(bob, $"bd-{i}");

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => alice.Upload(Repo, null, Issue($"bd-{i}", "closed")).Ok()));

        answers.ShouldAllBe(answer => answer.GetProperty("notifications_sent").GetInt32() == 1);
        (await Inbox(bob)).Select(mail => mail.Text("subject")).Order()
            .ShouldBe(Enumerable.Range(0, 24).Select(i => $"Bead status changed: bd-{i}").Order());
    }

    [Fact]
    public async Task Every_change_brings_one_mail_to_each_though_the_server_is_killed_again_and_again()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        Agent[] readers = [await project.Agent("r1"), await project.Agent("r2"), await project.Agent("r3")];
        Agent[] writers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => project.Agent($"w{i}")));
        string[] beads = [.. Enumerable.Range(0, 8).Select(i => $"bd-{i}")];
        await writers[0].Upload(Repo, null, [.. beads.Select(bead => Issue(bead, "s0"))]).Ok();
        foreach (var reader in readers)
            foreach (var bead in beads)
                await Subscribe(reader, bead);

        // Each bead has one writer, and each of its changes a status of its own, so that every change can be told from every other.
        var next = beads.ToDictionary(bead => bead, _ => 0);
        var random = new Random(7);
        for (var round = 0; round < 6; round++)
        {
            var made = 0;
            var goal = random.Next(5, 60);
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var writing = writers.Select((writer, w) => Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        foreach (var bead in beads.Where((_, b) => b % writers.Length == w))
                        {
                            await writer.Upload(Repo, null, Issue(bead, $"s{++next[bead]}")).Ok();
                            if (Interlocked.Increment(ref made) >= goal)
                                enough.TrySetResult();
                        }
                    }
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    // The server is gone.
                }
            })).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await server.Kill();
            await Task.WhenAll(writing);
            await server.Restart();
            (readers, writers) = ([.. readers.Select(r => r.At(server.Api))], [.. writers.Select(w => w.At(server.Api))]);
        }

        // The server owes mail of changes that it had written when it died. It delivers it by itself.
        var stored = (await Pages.Of(readers[0], "/v1/beads/issues?limit=200", "issues"))
            .ToDictionary(i => i.Text("bead_id"), i => i.Text("status"));
        foreach (var reader in readers)
        {
            foreach (var bead in beads)
            {
                string[] told = [];
                for (var patience = 0; patience < 200; patience++)
                {
                    told = await Told(reader, bead);
                    if (told.Length > 0 && told[^1] == stored[bead])
                        break;
                    await Task.Delay(50, TestContext.Current.CancellationToken);
                }

                // A change whose answer was lost may not have been made: then its number is missing, and the next change starts from the
                // one before.
                told.ShouldBe(told.Distinct(), $"{reader.Alias} was told twice of {bead}");
                told[^1].ShouldBe(stored[bead]);
                var steps = await Steps(reader, bead);
                steps[0].From.ShouldBe("s0");
                steps.Zip(steps.Skip(1)).ShouldAllBe(pair => pair.First.To == pair.Second.From,
                    $"{reader.Alias} was not told of every change of {bead}");
            }
        }

        static async Task<string[]> Told(Agent reader, string bead) => [.. (await Steps(reader, bead)).Select(step => step.To)];

        static async Task<(string From, string To)[]> Steps(Agent reader, string bead) =>
        [
            .. (await Inbox(reader)).Where(mail => mail.Text("subject") == $"Bead status changed: {bead}").Reverse()
                .Select(mail => mail.Text("body").Split('\n')[0].Split(": ")[1].Split(" -> ")).Select(parts => (parts[0], parts[1])),
        ];
    }

    private static object Issue(string id, string status, int? priority = null) => new { id, title = "Fix it", status, priority };

    private static async Task<string> Subscribe(Agent agent, string bead, string? repo = null, string[]? types = null) =>
        (await agent.Post("/v1/subscriptions", new { workspace_id = agent.Id, bead_id = bead, repo, event_types = types }).Ok())
            .Text("subscription_id");

    private static async Task<JsonElement[]> Inbox(Agent agent) => (await agent.Get("/v1/messages/inbox?limit=500").Ok()).Items("messages");

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }
}
