using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>Nodes with nothing but a PostgreSQL between them.</summary>
[Collection("faults")]
public sealed class WithoutRedisTests : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-without-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Nodes_share_presence_and_limits_and_tell_a_person_once()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var smtp = new SmtpReceiver();
        var notify = Path.Combine(_folder.FullName, "notify.json");
        await File.WriteAllTextAsync(notify, JsonSerializer.Serialize(new
        {
            public_url = "https://hub.example.com/",
            channels = new
            {
                mail = new
                {
                    type = "email", host = "127.0.0.1", port = smtp.Port, from = "hub@example.com", to = new[] { "ops@example.com" },
                },
            },
            rules = new object[] { new { channels = new[] { "mail" } } },
        }), TestContext.Current.CancellationToken);
        await using var cluster = await Testing.Cluster.Start(2, redis: false, ("BEADHUB_MAIL_RATE_LIMIT", "5"),
            ("BEADHUB_NOTIFY_FILE", notify));
        var project = new Project(cluster[0].Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        // Signs of life that came to one node are seen at the other.
        await alice.Heartbeat(branch: "topic").Ok();
        foreach (var node in new[] { 0, 1 })
        {
            var there = (await bob.At(cluster[node].Api).Get("/v1/agents").Ok()).Items("agents")
                .Single(agent => agent.Text("alias") == "alice");
            there.Flag("online").ShouldBeTrue();
        }

        // Two nodes, one limit.
        var answers = new List<int>();
        for (var i = 0; i < 8; i++) answers.Add((await alice.At(cluster[i % 2].Api).Mail(bob, $"{i}")).Status);
        answers.Take(5).ShouldAllBe(status => status == 200);
        answers.Skip(5).ShouldAllBe(status => status == 429);
        (await bob.At(cluster[1].Api).Mail(alice)).Status.ShouldBe(200);

        // Both nodes could send it; one does.
        foreach (var node in new[] { 0, 1 })
        {
            await alice.At(cluster[node].Api).Post("/v1/escalations",
                new { workspace_id = alice.Id, alias = alice.Alias, subject = $"Deploy {node}?", situation = "Which?" }).Ok();
            (await smtp.Next()).Head.ShouldContain($"Deploy {node}?");
        }

        // A third comes after whatever would have come twice.
        await alice.Post("/v1/escalations",
            new { workspace_id = alice.Id, alias = alice.Alias, subject = "Last?", situation = "Which?" }).Ok();
        (await smtp.Next()).Head.ShouldContain("Last?");
    }
}
