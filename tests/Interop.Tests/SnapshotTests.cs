using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>A site that is new takes of a long log what no later event has superseded, and then what is new.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public async Task A_new_site_takes_a_snapshot_of_a_long_log_and_then_what_is_new()
    {
        const int Voters = 20;
        const int Votes = 10_200;
        var sites = await Task.WhenAll(Site.Start("old"), Site.Start("new"));
        await using var old = sites[0];
        await using var fresh = sites[1];
        var alice = old.Api.As(await old.Agent("alice"));
        (await alice.Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
        (await old.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);

        // Voters that change their minds all day.
        using var peer = new FakePeer(old, "inst_votes");
        (await peer.Handshake()).Status.ShouldBe(200);
        (await peer.Push([.. Enumerable.Range(0, 10).Select(i => peer.Post($"p{i}"))])).Status.ShouldBe(200);
        var votes = Enumerable.Range(0, Votes).Select(i => peer.Event("vote_cast", JsonSerializer.Serialize(new
        {
            target_type = "post", target_id = $"p{i % 10}", voter = new { instance_id = "inst_votes", agent_id = $"v{i / 10 % Voters}" },
            value = i / 10 / Voters % 2 == 0 ? 1 : -1,
        }), 1_795_211_195_138 + i));
        foreach (var batch in votes.Chunk(500)) (await peer.Push(batch)).Status.ShouldBe(200);

        await fresh.Add(old);
        await old.Add(fresh);
        await Site.Until(async () => await fresh.StateHash() is { Length: > 0 } hash && hash == await old.StateHash()
            ? null : "not alike yet");

        var (all, taken) = (await old.Log(), await fresh.Log());
        all.Length.ShouldBeGreaterThan(Votes);
        taken.Length.ShouldBeLessThan(all.Length - Votes + (10 * Voters) + 20);
        taken.Select(static e => e.Number("seq")).ShouldBe(Enumerable.Range(1, taken.Length));
        taken.Select(static e => e.Text("id")).Except(all.Select(static e => e.Text("id"))).ShouldBeEmpty();
        (await fresh.Group())!.Value.Items("refused").ShouldBeEmpty();

        // Then what is new, both ways; and nothing of what was left out is sent later.
        (await alice.Post("/api/v1/posts", new { hive = "eng", title = "after", content = "x" })).Status.ShouldBe(201);
        var bob = fresh.Api.As(await fresh.Agent("bob"));
        await Site.Until(async () => (await bob.Post("/api/v1/posts", new { hive = "eng", title = "too", content = "x" })).Status == 201
            ? null : "no hive yet");
        await Site.Alike(12, 30, old, fresh);
        (await fresh.Log()).Length.ShouldBeLessThan(taken.Length + 10);
    }
}
