using System.Diagnostics;
using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>What a node of a cluster owns it answers from memory.</summary>
[Collection("faults")]
public sealed class OwnersTests
{
    private const int Calls = 200;

    [Fact]
    public async Task A_status_costs_PostgreSQL_nothing_and_a_mail_one_transaction()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(1);
        var project = new Project(cluster[0].Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        (string Name, Func<Task> Call, double Most)[] kinds =
        [
            ("status", () => alice.Get("/v1/status").Ok(), 0.1), ("inbox", () => bob.Get("/v1/messages/inbox").Ok(), 0.1),
            ("mail", () => alice.Mail(bob, "Hello").Ok(), 1.1),
        ];
        foreach (var (_, call, _) in kinds)
            for (var i = 0; i < 20; i++) await call();
        var (idle, idling) = await Commits(static () => Task.Delay(TimeSpan.FromSeconds(3)));
        foreach (var (name, call, most) in kinds)
        {
            var (commits, busy) = await Commits(async () =>
            {
                for (var i = 0; i < Calls; i++) await call();
            });
            // Leases are renewed meanwhile, and when a backend tells what it has done is its own choice.
            var each = (commits - idle * (busy / idling)) / Calls;
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{name}: {commits} transactions for {Calls}, {idle} of an idle node in {idling}");
            each.ShouldBeLessThan(most, name);
        }

        async Task<(long Commits, TimeSpan Took)> Commits(Func<Task> run)
        {
            var (before, since) = (await Counter(), Stopwatch.GetTimestamp());
            await run();
            var after = await Counter();
            return (after - before, Stopwatch.GetElapsedTime(since));
        }

        async Task<long> Counter()
        {
            // Backends tell what they have done after a second.
            await Task.Delay(TimeSpan.FromSeconds(1.5), TestContext.Current.CancellationToken);
            return (long)(await PostgresCluster.Execute(cluster.DatabaseUrl,
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()", TestContext.Current.CancellationToken))!;
        }
    }

    /// <summary>A node stands still while it owns a project: whoever writes elsewhere waits for its lease, and it answers nothing old
    /// afterwards.</summary>
    [Theory]
    [InlineData(0.5)]
    [InlineData(4)]
    public async Task A_node_that_stood_still_answers_nothing_old(double seconds)
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(2);
        var alice = await new Project(cluster[0].Api).Agent("alice");
        var other = alice.At(cluster[1].Api);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 20; i++) (await alice.Get("/v1/beads/bd-1/claims").Ok()).Items("claims").Length.ShouldBe(0);
            cluster[0].Pause();
            Task<Answer> claim;
            try
            {
                claim = other.Post("/v1/beads/bd-1/claims");
                await Task.WhenAny(claim, Task.Delay(TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken));
            }
            finally
            {
                cluster[0].Continue();
            }

            (await claim).Status.ShouldBeInRange(200, 299);
            (await alice.Get("/v1/beads/bd-1/claims").Ok()).Items("claims").Length.ShouldBe(1);
            await alice.Delete("/v1/beads/bd-1/claims").Ok();
        }
    }
}
