using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>What one node does, the others see at once; who is first is first, whichever node was asked.</summary>
[Collection("calm")]
public sealed class AcrossNodesTests(CalmCluster calm)
{
    [Fact]
    public async Task Of_64_who_ask_three_nodes_for_a_lock_one_gets_it()
    {
        var (cluster, agents) = await Team(4);

        var answers = await Task
            .WhenAll(Enumerable.Range(0, 64).Select(i =>
            agents[i % 4].At(cluster[i % 3].Api).Post("/v1/reservations", new { resource_key = "k", ttl_seconds = 60 })));

        // The holder's own further asks renew, or are refused like anybody's: others never get it.
        var holder = (await agents[0].Get("/v1/reservations").Ok()).Items("reservations").ShouldHaveSingleItem().Text("holder_agent_id");
        var granted = Enumerable.Range(0, 64).Where(i => answers[i].Status < 300).ToArray();
        granted.ShouldNotBeEmpty();
        granted.ShouldAllBe(i => agents[i % 4].Id == holder);
        answers.Where((answer, i) => agents[i % 4].Id != holder).ShouldAllBe(answer => answer.Status == 409);
    }

    [Fact]
    public async Task Of_many_who_ask_three_nodes_for_the_next_bead_each_gets_another()
    {
        var (cluster, agents) = await Team(6);
        await agents[0].Sync(Jsonl.Of(Enumerable.Range(0, 48).Select(i => new { id = $"bd-{i}", title = $"Bead {i}", status = "open" })))
            .Ok();

        var answers = await Task
            .WhenAll(Enumerable.Range(0, 54).Select(i => agents[i % 6].At(cluster[i % 3].Api).Post("/v1/beads/claim-next", new { }).Ok()));

        var beads = answers.Where(answer => answer.Flag("claimed")).Select(answer => answer.At("bead").Text("bead_id")).ToArray();
        beads.Order(StringComparer.Ordinal).ShouldBe(Enumerable.Range(0, 48).Select(i => $"bd-{i}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nobody_is_turned_away_when_all_nodes_write_one_stream()
    {
        // All locks of a project are one stream: every write of one node is a defeat for the others.
        var (cluster, agents) = await Team(6);
        await Task.WhenAll(Enumerable.Range(0, 48).Select(async worker =>
        {
            var agent = agents[worker % 6].At(cluster[worker % 3].Api);
            for (var i = 0; i < 12; i++)
            {
                await agent.Post("/v1/reservations", new { resource_key = $"w{worker}" }).Ok();
                if (i < 11) await agent.Post("/v1/reservations/release", new { resource_key = $"w{worker}" }).Ok();
            }
        }));
        (await agents[0].Get("/v1/reservations").Ok()).Items("reservations").Length.ShouldBe(48);
    }

    [Fact]
    public async Task What_one_node_acknowledged_the_others_show()
    {
        var (cluster, agents) = await Team(2);
        var (alice, bob) = (agents[0], agents[1]);
        for (var i = 0; i < 30; i++)
        {
            var (here, there) = (cluster[i % 3].Api, cluster[(i + 1) % 3].Api);
            await alice.At(here).Claim($"bd-{i}").Ok();
            (await bob.At(there).Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldContain($"bd-{i}");
            (await bob.At(there).Claim($"bd-{i}").Ok()).Flag("claim_rejected").ShouldBeTrue();
            var mail = await alice.At(here).MailId(bob, $"mail {i}");
            (await bob.At(there).Inbox()).ShouldContain(message => message.Text("message_id") == mail);
            var session = (await alice.At(here).Chat($"chat {i}", bob)).Text("session_id");
            (await bob.At(there).History(session))[^1].Text("body").ShouldBe($"chat {i}");
            (await bob.At(there).PendingIn(session)).ShouldNotBeNull();
        }
    }

    [Fact]
    public async Task Who_lives_on_one_node_is_seen_on_the_others()
    {
        var (cluster, agents) = await Team(2);
        await agents[0].At(cluster[0].Api).Heartbeat(branch: "topic").Ok();

        for (var node = 0; node < cluster.Count; node++)
        {
            var seen = (await agents[1].At(cluster[node].Api).Get("/v1/workspaces").Ok()).Find("workspaces", "workspace_id", agents[0].Id);
            (seen.Text("status"), seen.Text("branch")).ShouldBe(("active", "topic"));
        }
    }

    [Fact]
    public async Task A_key_that_was_revoked_or_rotated_on_one_node_opens_nothing_on_the_others()
    {
        var (cluster, agents) = await Team(2);
        for (var node = 0; node < cluster.Count; node++)
            foreach (var agent in agents) await agent.At(cluster[node].Api).Get("/v1/workspaces").Ok();

        var revoked = await cluster[1].Api.As(Api.AdminKey).Delete($"/v1/projects/{agents[0].ProjectId}/keys?agent_id={agents[0].Id}").Ok();
        revoked.Items("revoked").Length.ShouldBe(1);
        var rotated = (await agents[1].At(cluster[2].Api).Post("/v1/agents/me/keys/rotate").Ok()).Text("api_key");

        for (var node = 0; node < cluster.Count; node++)
        {
            foreach (var agent in agents)
            {
                (await agent.At(cluster[node].Api).Get("/v1/workspaces")).Status.ShouldBe(401);
                (await agent.At(cluster[node].Api).Heartbeat()).Status.ShouldBe(401);
            }

            await cluster[node].Api.As(rotated).Get("/v1/workspaces").Ok();
        }
    }

    [Fact]
    public async Task A_key_that_ends_and_a_role_that_is_given_on_one_node_count_on_the_others()
    {
        var (cluster, agents) = await Team(2);
        var (alice, bob) = (agents[0], agents[1]);
        for (var node = 0; node < cluster.Count; node++) await bob.At(cluster[node].Api).Get("/v1/roles").Ok();

        await alice.At(cluster[1].Api).Put($"/v1/roles/{bob.Id}", new { role = "observer" }).Ok();
        for (var node = 0; node < cluster.Count; node++) (await bob.At(cluster[node].Api).Heartbeat()).Status.ShouldBe(403);

        // Within its overlap the old key opens everywhere, after it nowhere.
        var rotated = await bob.At(cluster[2].Api).Post("/v1/agents/me/keys/rotate", new { overlap_seconds = 2 }).Ok();
        for (var node = 0; node < cluster.Count; node++) await cluster[node].Api.As(rotated.Text("api_key")).Get("/v1/roles").Ok();
        await WaitUntil(async () => (await bob.At(cluster[0].Api).Get("/v1/roles")).Status == 401);
        for (var node = 1; node < cluster.Count; node++) (await bob.At(cluster[node].Api).Get("/v1/roles")).Status.ShouldBe(401);
        (await alice.At(cluster[1].Api).Get($"/v1/keys?agent_id={bob.Id}").Ok()).Items("keys").Length.ShouldBe(2);
    }

    [Fact]
    public async Task Who_waits_on_one_node_is_known_to_wait_on_the_others()
    {
        var (cluster, agents) = await Team(2);
        var (alice, bob) = (agents[0], agents[1]);
        var session = (await alice.Chat("hello", bob)).Text("session_id");
        await using (await alice.At(cluster[0].Api).Listen(session))
            (await bob.At(cluster[1].Api).PendingIn(session))!.Value.Flag("sender_waiting").ShouldBeTrue();
        await WaitUntil(async () => !(await bob.At(cluster[2].Api).PendingIn(session))!.Value.Flag("sender_waiting"));
    }

    private async Task<(Testing.Cluster Cluster, Agent[] Agents)> Team(int count)
    {
        var cluster = await calm.Get();
        var project = new Project(cluster.Api);
        // The first one leads the project.
        var first = await project.Agent("agent-0");
        return (cluster, [first, .. await Task.WhenAll(Enumerable.Range(1, count - 1).Select(i => project.Agent($"agent-{i}")))]);
    }

    internal static async Task WaitUntil(Func<Task<bool>> so)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!await so()) watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
    }
}
