using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Thousands of mutated requests over every endpoint: no server error, no dropped connection, and not a byte of change in a project that
/// stands by. BEADHUB_FUZZ_SEED and BEADHUB_FUZZ_REQUESTS change the run.
/// </summary>
[OnAnyStore]
public abstract class FuzzContract(Store store) : ContractTests(store)
{
    private const int InFlight = 8;
    private const int RequestsPerTeam = 200;
    private const int ShownFailures = 5;

    // Answers that the HTTP layer itself gives, without a body.
    private static readonly int[] Bare = [400, 414, 431];

    private static readonly int Seed = Setting("BEADHUB_FUZZ_SEED", 20260105);
    private static readonly int Requests = Setting("BEADHUB_FUZZ_REQUESTS", 3000);

    [Fact]
    public async Task Mutated_requests_break_nothing()
    {
        var bystander = await Bystander();
        var before = await Snapshot(bystander);
        var teams = new List<FuzzRequests>();
        for (var i = 0; i < Requests; i += RequestsPerTeam)
        {
            var project = NewProject();
            var (alice, bob) = (await project.Agent(human: "Alice"), await project.Agent());
            await alice.Sync(IssueGenerator.File(new IssueGenerator(i, "bd").Issues(20))).Ok();
            await alice.Claim("bd-1").Ok();
            teams.Add(new FuzzRequests(alice, bob, bystander, (await alice.Chat("hello", bob)).Text("session_id")));
        }

        var failures = new ConcurrentQueue<string>();
        var statuses = new ConcurrentDictionary<int, int>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) =>
        {
            var (request, shown) = teams[i / RequestsPerTeam].Make(new Random(HashCode(Seed, i)));
            var (status, failure) = await Try(request);
            statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
            if (failure is not null)
                failures.Enqueue($"seed {Seed}, request {i}: {shown}\n-> {failure}\n");
        });

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {Seed}: " + string.Join(", ", statuses.OrderBy(status => status.Key).Select(status => $"{status.Value} x {status.Key}")));
        (await Snapshot(bystander)).ShouldBe(before);
        failures.Count.ShouldBe(0, string.Join('\n', failures.Take(ShownFailures)));
        (await Api.Get("/health").Ok()).Text("status").ShouldBe("ok");
        statuses.GetValueOrDefault(200).ShouldBeGreaterThan(Requests / 20, "hardly any request got through: the mutations are too wild to test anything");
    }

    private async Task<(int Status, string? Failure)> Try(HttpRequestMessage request)
    {
        var failure = "";
        try
        {
            using var response = await Api.Open(request);
            var status = (int)response.StatusCode;
            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
                return (status, status == 200 ? null : "an event stream with this status");
            var text = await response.Content.ReadAsStringAsync();
            failure = $"{status} {(text.Length > 2000 ? text[..2000] + "…" : text)}";
            // MCP says with status 200 that the server failed.
            if (status >= 500 || text.Contains("\"code\":-32000", StringComparison.Ordinal))
                return (status, failure);
            if (status < 400 || request.Method == HttpMethod.Head || (text.Length == 0 && Bare.Contains(status)))
                return (status, null);
            return (status, JsonDocument.Parse(text).RootElement.Has("detail") ? null : failure);
        }
        catch (JsonException)
        {
            return (-1, $"a refusal that is not JSON: {failure}");
        }
        catch (Exception e)
        {
            return (-2, $"no answer: {e.GetType().Name} {e.Message} {e.InnerException?.Message}");
        }
        finally
        {
            request.Dispose();
        }
    }

    private async Task<Agent> Bystander()
    {
        var project = NewProject();
        var agent = await project.Agent("alice", human: "Alice", role: "developer");
        var (bob, gone) = (await project.Agent("bob", origin: project.OriginOf("other")), await project.Agent("gone"));
        await agent.Sync(IssueGenerator.File(new IssueGenerator(7, "bd").Issues(60))).Ok();
        await agent.Claim("bd-1").Ok();
        await bob.Claim("bd-2").Ok();
        await agent.Heartbeat("main", "Europe/Madrid", "box").Ok();
        await agent.Post("/v1/tasks", new { title = "T", description = "D" }).Ok();
        await agent.Post("/v1/tasks", new { title = "T2" }).Ok();
        await agent.Post("/v1/tasks/1/deps", new { depends_on = "2" }).Ok();
        await agent.Post("/v1/tasks/1/comments", new { body = "said" }).Ok();
        await bob.Chat("hello", agent, gone);
        await agent.Delete($"/v1/workspaces/{gone.Id}").Ok();
        return agent;
    }

    private static async Task<string> Snapshot(Agent agent)
    {
        var all = new StringBuilder();
        foreach (var path in new[]
        {
            "/v1/projects/current", "/v1/auth/introspect", "/v1/agents", "/v1/workspaces?include_deleted=true&include_claims=true&limit=200",
            "/v1/workspaces/team?only_with_claims=false", "/v1/workspaces/online", "/v1/repos?limit=200", "/v1/beads/issues?limit=200",
            $"/v1/beads/ready?workspace_id={agent.Id}&limit=1000", "/v1/claims?limit=200", "/v1/policies/active", "/v1/policies/history", "/v1/webhooks",
            "/v1/status", $"/v1/status?workspace_id={agent.Id}", "/v1/tasks", "/v1/tasks/1", "/v1/tasks/1/comments",
            "/v1/chat/sessions", "/v1/chat/pending", "/v1/conversations",
        })
        {
            var answer = await agent.Get(path).Ok();
            all.Append(path).Append('\n');
            foreach (var field in answer.EnumerateObject().Where(field => field.Name != "timestamp"))
                all.Append(field.Name).Append(": ").Append(field.Value.GetRawText()).Append('\n');
        }

        foreach (var id in (await agent.Get("/v1/beads/issues?limit=200").Ok()).Pluck("issues", "bead_id"))
            all.Append((await agent.Get($"/v1/beads/issues/{id}").Ok()).GetRawText()).Append('\n');
        return all.ToString();
    }

    // Not System.HashCode: that one differs from run to run.
    private static int HashCode(int seed, int i) => unchecked((seed * 397) ^ (i * 7919));

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
