using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>Joining by invite, where several nodes serve.</summary>
[Collection("faults")]
public sealed class JoiningTests
{
    [Fact]
    public async Task An_invite_lets_one_in_whichever_nodes_are_asked_at_once()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        await using var cluster = await Testing.Cluster.Start(2, redis: false, ("BEADHUB_JOIN", "invite"));
        var project = new Project(cluster[0].Api);
        var alice = await project.Agent("alice");
        (await cluster[1].Api.Post("/v1/init", new { project_slug = project.Slug, alias = "alice" })).Status.ShouldBe(403);
        for (var round = 0; round < 5; round++)
        {
            var invite = (await alice.At(cluster[round % 2].Api).Post("/v1/invites")).Ok();

            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => cluster[i % 2].Api
                .Post($"/i/{invite.Text("code")}/v1/init", new { project_slug = project.Slug, alias = $"agent-{round}-{i}" })));

            answers.Select(answer => answer.Status).Order().ShouldBe([200, .. Enumerable.Repeat(403, 15)]);
        }

        (await alice.At(cluster[1].Api).Get("/v1/agents").Ok()).Items("agents").Length.ShouldBe(6);
    }
}
