using System.Diagnostics;
using Beadhub.Testing;

namespace Beadhub.Orleans.Tests;

/// <summary>Silos in processes of their own, one activation of each grain among them.</summary>
public sealed class ClusterTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_one_node_is_told_all_others_know_at_once(bool redis)
    {
        await using var cluster = await Clusters.Start(2, redis);
        var (one, other) = (cluster[0].Api, cluster[1].Api);
        var alice = await new Project(one).Agent("alice", human: "Ada");
        var bob = await new Project(other, alice.Project.Slug).Agent("bob", human: "Grace");
        bob.ProjectId.ShouldBe(alice.ProjectId);
        await using var watched = await bob.Stream();

        (await alice
            .Sync(Jsonl.Of(new { id = "bd-1", title = "Lamp", status = "open" }, new { id = "bd-2", title = "Door", status = "open" }))
            .Ok())
            .Number("issues_count").ShouldBe(2);
        (await bob.Get($"/v1/beads/ready?workspace_id={bob.Id}").Ok()).Pluck("issues", "bead_id").Order().ShouldBe(["bd-1", "bd-2"]);

        (await alice.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        var refused = await bob.Claim("bd-1").Ok();
        refused.Flag("claim_rejected").ShouldBeTrue();
        refused.Text("claim_rejected_reason").ShouldBe("bd-1 is being worked on by alice (Ada)");
        (await bob.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe(["bd-1"]);

        // The same claim at both nodes at the same time: one wins.
        var claims = await Task.WhenAll(alice.Claim("bd-2").Ok(), bob.Claim("bd-2").Ok());
        claims.Count(claim => claim.Flag("claim_rejected")).ShouldBe(1);

        var mail = await alice.MailId(bob, "Look at bd-1");
        (await bob.Inbox()).Select(message => message.Text("message_id")).ShouldBe([mail]);

        // A refusal crosses from silo to silo as what it is.
        (await bob.Get($"/v1/workspaces/{Guid.NewGuid()}")).Status.ShouldBe(404);
        (await alice.Delete($"/v1/workspaces/{Guid.NewGuid()}")).Status.ShouldBe(404);

        var seen = await watched.Until(e => e.Type == "message.delivered");
        seen.Count(e => e.Type == "bead.claimed").ShouldBe(2);
        seen.Select(e => e.Position).ShouldBeInOrder(SortDirection.Ascending);
    }

    [Fact]
    public async Task A_node_that_is_killed_takes_nothing_along()
    {
        await using var cluster = await Clusters.Start(3, redis: true);
        var alice = await new Project(cluster[2].Api).Agent("alice");
        (await alice.Sync(Jsonl.Of([.. Enumerable.Range(0, 40).Select(i => new { id = $"bd-{i}", title = $"Bead {i}", status = "open" })]))
            .Ok()).Number("issues_count").ShouldBe(40);
        for (var i = 0; i < 10; i++) (await alice.Claim($"bd-{i}").Ok()).Flag("claim_rejected").ShouldBeFalse();

        // The project lives at node 2, where its first agent came in; its followers are elsewhere.
        var there = alice.At(cluster[0].Api);
        await using var watched = await alice.At(cluster[1].Api).Stream();
        (await there.Claim("bd-10").Ok()).Flag("claim_rejected").ShouldBeFalse();
        await cluster[2].Kill();

        var watch = Stopwatch.StartNew();
        for (var i = 11; i < 20; i++)
        {
            var bead = $"bd-{i}";
            (await Clusters.Persist(() => there.Claim(bead))).Ok().Flag("claim_rejected").ShouldBeFalse();
        }

        // Detection takes about two seconds; the rest is for a busy machine.
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        (await there.Get("/v1/claims?limit=200").Ok()).Pluck("claims", "bead_id").Order(StringComparer.Ordinal)
            .ShouldBe(Enumerable.Range(0, 20).Select(i => $"bd-{i}").Order(StringComparer.Ordinal));
        var seen = await watched.Until(e => e.Type == "bead.claimed" && e.Data.Text("bead_id") == "bd-19");
        seen.Where(e => e.Type == "bead.claimed").Select(e => e.Data.Text("bead_id")).Distinct()
            .ShouldBe(Enumerable.Range(10, 10).Select(i => $"bd-{i}"));
        await cluster.UntilMembers(Clusters.Dead, 1);

        // It comes back as another silo at the same address, and is one of them.
        await cluster.StartNode(2);
        await cluster.UntilMembers(Clusters.Active, 3);
        (await alice.At(cluster[2].Api).Get("/v1/claims?limit=200").Ok()).Items("claims").Length.ShouldBe(20);
    }

    [Fact]
    public async Task What_lives_on_one_node_does_not_notice_that_another_dies()
    {
        await using var cluster = await Clusters.Start(2, redis: true);
        // A project whose grains live with those of the instance.
        Agent alice;
        int node;
        do alice = await new Project(cluster[0].Api).Agent("alice");
        while ((node = await Owner(alice.ProjectId)) != await Owner("-"));
        alice = alice.At(cluster[node].Api);
        (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Lamp", status = "open" })).Ok()).Number("issues_count").ShouldBe(1);
        var ready = $"/v1/beads/ready?workspace_id={alice.Id}";
        (await alice.Get(ready).Ok()).Number("count").ShouldBe(1);
        await cluster[1 - node].Kill();

        // All grains that this needs are where they are asked for.
        var slowest = TimeSpan.Zero;
        var whole = Stopwatch.StartNew();
        while (await cluster.Members(Clusters.Dead) == 0)
        {
            var one = Stopwatch.StartNew();
            (await alice.Get(ready).Ok()).Number("count").ShouldBe(1);
            slowest = one.Elapsed > slowest ? one.Elapsed : slowest;
            whole.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), "The dead silo is not noticed.");
        }

        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(1));

        async Task<int> Owner(string project)
        {
            // Its name has the number of its process.
            var name = (string?)await PostgresCluster.Execute(cluster.DatabaseUrl,
                $"SELECT s.node FROM owners o JOIN sessions s ON s.id = o.owner WHERE o.project = '{project}'");
            return name is null ? -1
                : Enumerable.Range(0, 2).Single(i => name.Contains($"-{cluster[i].Pid}-", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_leaves_by_itself()
    {
        await using var cluster = await Clusters.Start(2, redis: true);
        var alice = await new Project(cluster[1].Api).Agent("alice");
        (await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Lamp", status = "open" })).Ok()).Number("issues_count").ShouldBe(1);
        var there = alice.At(cluster[0].Api);
        await using var watched = await there.Stream();

        // Somebody writes at the other node all the while. What is on its way to a grain while that leaves is sent again, and nobody hears
        // of it.
        using var enough = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            var written = 0;
            for (; !enough.IsCancellationRequested; written++)
            {
                var bead = $"bd-w{written}";
                await there.Upload(there.Repo, null, new { id = bead, title = "Written", status = "open" }).Ok();
                await there.Mail(there, bead).Ok();
                await there.Post("/v1/reservations", new { resource_key = bead }).Ok();
            }

            return written;
        });
        await cluster[1].Stop();
        cluster[1].Output.ShouldNotContain(line => line.Contains("\"error\"", StringComparison.Ordinal));
        // It has said so itself: nobody had to find out.
        (await cluster.Members(Clusters.Active)).ShouldBe(1);
        (await cluster.Members(Clusters.Dead)).ShouldBe(1);
        await enough.CancelAsync();
        var count = await writing;
        foreach (var line in cluster[0].Output.Where(line => line.Contains("did not get an answer", StringComparison.Ordinal)))
            TestContext.Current.TestOutputHelper?.WriteLine(line);
        count.ShouldBeGreaterThan(0);
        (await there.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        (await watched.Until(e => e.Type == "bead.claimed")).Count.ShouldBeGreaterThan(0);
        (await there.Get($"/v1/beads/issues?limit=200").Ok()).Items("issues").Length.ShouldBe(Math.Min(200, count + 1));
    }

    [Fact]
    public async Task Two_clusters_on_one_database_do_not_meet()
    {
        await using var cluster = await Clusters.Start(1, redis: false);
        var folder = Directory.CreateTempSubdirectory("beadhub-test-").FullName;
        try
        {
            await using var other = await ServerProcess.Start(folder, new Dictionary<string, string>
            {
                ["BEADHUB_DATABASE_URL"] = cluster.DatabaseUrl,
                ["BEADHUB_CLUSTER"] = "true",
                ["BEADHUB_CLUSTER_ID"] = "another",
                ["BEADHUB_DRAIN_SECONDS"] = "0",
            });
            var names =
                (string[])(await PostgresCluster.Execute(cluster.DatabaseUrl,
                "SELECT array_agg(cluster::text ORDER BY cluster) FROM orleans_clusters", TestContext.Current.CancellationToken))!;
            names.ShouldBe(["another", "beadhub"]);
            // They share the log all the same: each checks what the other may have written.
            var alice = await new Project(cluster[0].Api).Agent("alice");
            (await alice.At(other.Api).Get("/v1/workspaces").Ok()).Pluck("workspaces", "alias").ShouldBe(["alice"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_cluster_on_SQLite_is_refused_in_words()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-test-").FullName;
        try
        {
            var refused = await Should
                .ThrowAsync<InvalidOperationException>(ServerProcess
                .Start(folder, new Dictionary<string, string> { ["BEADHUB_CLUSTER"] = "true" }));
            refused.Message.ShouldContain("for a cluster (BEADHUB_CLUSTER=true) set BEADHUB_DATABASE_URL to postgres://");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
