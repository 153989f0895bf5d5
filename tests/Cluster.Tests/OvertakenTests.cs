using System.Diagnostics;
using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>
/// A node that stands still in the middle of a write, and goes on when the agent has long had its answer from another node, and has done
/// other things since.
/// </summary>
[Collection("faults")]
public sealed class OvertakenTests
{
    private const int Rounds = 60;

    [Fact]
    public async Task A_release_that_was_repeated_at_another_node_does_not_undo_what_came_after()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(2);
        var agent = await new Project(cluster.Api).Agent("alice");
        var (slow, fast) = (cluster[0], agent.At(cluster[1].Api));
        var left = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var bead = $"bd-{round}";
            await Take();
            var first = GiveBack(slow.Api);
            // Each round at another moment of the work.
            var watch = Stopwatch.StartNew();
            while (watch.Elapsed.TotalMilliseconds < round * 0.1) Thread.SpinWait(10);
            slow.Pause();
            try
            {
                if (!first.IsCompleted) left++;
                await GiveBack(fast.Project.Api);
                await Take();
            }
            finally
            {
                slow.Continue();
            }

            await first;
            (await fast.Get($"/v1/beads/{bead}/claims").Ok()).Items("claims").Length.ShouldBe(1, $"claims in round {round}");
            (await fast.Get($"/v1/reservations?prefix={bead}").Ok()).Items("reservations").Length.ShouldBe(1, $"locks in round {round}");

            async Task Take()
            {
                await fast.Post($"/v1/beads/{bead}/claims").Ok();
                await fast.Post("/v1/reservations", new { resource_key = bead }).Ok();
            }

            Task GiveBack(Api node)
            {
                var caller = node.With(("Authorization", $"Bearer {agent.Key}"), ("Idempotency-Key", bead));
                var locks = node.With(("Authorization", $"Bearer {agent.Key}"), ("Idempotency-Key", $"{bead}-lock"));
                return Task.WhenAll(caller.Delete($"/v1/beads/{bead}/claims"),
                    locks.Post("/v1/reservations/release", new { resource_key = bead }));
            }
        }

        left.ShouldBeGreaterThan(Rounds / 4);
    }
}
