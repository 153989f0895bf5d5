using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>Nodes are replaced one by one under load: no request fails.</summary>
[Collection("faults")]
public sealed class UpgradeTests
{
    private const int Clients = 8;

    // What agents do all day, each in turn; the number is another one each time round.
    private static readonly Func<Agent, Agent, int, Task<Answer>>[] Calls =
    [
        static (me, _, round) => me.Claim($"{me.Alias}-{round}"),
        static (me, other, round) => me.Mail(other, $"Mail {round}"),
        static (me, _, round) => me.Post("/v1/reservations", new { resource_key = $"{me.Alias}/{round}" }),
        static (me, _, _) => me.Get("/v1/status"),
        static (me, _, round) => me.Post("/v1/reservations/renew", new { resource_key = $"{me.Alias}/{round}", ttl_seconds = 60 }),
        static (me, other, round) => me.Post("/v1/chat/sessions", new { to_aliases = new[] { other.Alias }, message = $"Chat {round}" }),
        static (me, _, round) => me.Post("/v1/tasks", new { title = $"Task {round}" }),
        static (me, _, round) => me.Post("/v1/reservations/release", new { resource_key = $"{me.Alias}/{round}" }),
        static (me, _, _) => me.Get("/v1/messages/inbox"),
        static (me, _, round) => me.Close($"{me.Alias}-{round}"),
        static (me, _, _) => me.Post("/v1/beads/claim-next", new { }),
        static (me, _, _) => me.Heartbeat(),
        static (me, _, round) => me.Post("/v1/escalations", new
        {
            workspace_id = me.Id, alias = me.Alias, subject = $"Question {round}", situation = "It depends",
        }),
    ];

    [Fact]
    public async Task No_request_fails_while_nodes_are_replaced_one_by_one()
    {
        if (Testing.Cluster.Missing is { } missing) Assert.Skip(missing);
        await using var cluster = await Testing.Cluster.Start(3, redis: true, ("BEADHUB_DRAIN_SECONDS", "3"));
        var project = new Project(cluster.Api);
        var agents = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => project.Agent($"agent-{i}")));
        using var upgraded = new CancellationTokenSource();
        var failures = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var clients = agents.Select((agent, client) => Task.Run(async () =>
        {
            var made = 0;
            for (var i = 0; !upgraded.IsCancellationRequested; i++)
            {
                var answer = await Try(() => Calls[i % Calls.Length](agent, agents[(client + 1) % Clients], i / Calls.Length));
                if (answer is { Status: >= 200 and < 300 }) made++;
                else if (answer is not null) failures.Enqueue(answer.ToString());
            }

            return made;

            async Task<Answer?> Try(Func<Task<Answer>> ask)
            {
                try
                {
                    return await ask();
                }
                catch (HttpRequestException e)
                {
                    failures.Enqueue(e.ToString());
                    return null;
                }
            }
        })).ToArray();

        for (var node = 0; node < cluster.Count; node++) await cluster.Upgrade(node);
        await upgraded.CancelAsync();
        var made = (await Task.WhenAll(clients)).Sum();

        failures.ShouldBeEmpty();
        made.ShouldBeGreaterThan(Clients);
        TestContext.Current.TestOutputHelper?.WriteLine($"{made} requests, none failed");
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_serves_on_and_says_that_it_is_not_ready()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-test-").FullName;
        await using var server = await ServerProcess.Start(folder, new Dictionary<string, string> { ["BEADHUB_DRAIN_SECONDS"] = "3" });
        (await server.Api.Get("/health/ready")).Status.ShouldBe(200);
        (await server.Api.Get("/health/live")).Status.ShouldBe(200);
        var agent = await new Project(server.Api).Agent("alice");

        var stopping = server.Stop();
        Answer ready;
        do ready = await server.Api.Get("/health/ready");
        while (ready.Status == 200);

        ready.Status.ShouldBe(503);
        ready.Header("Connection").ShouldBe("close");
        (await server.Api.Get("/health/live")).Status.ShouldBe(200);
        (await agent.Claim("bd-1").Ok()).Flag("claim_rejected").ShouldBeFalse();
        await stopping;
        await Should.ThrowAsync<HttpRequestException>(() => server.Api.Get("/health"));
        Directory.Delete(folder, recursive: true);
    }
}
