using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Thousands of requests to every operation of <c>/openapi/v1.json</c>, made from its description and spoiled: no server error, no status
/// that is not declared, no answer that no client reads, no dropped connection, bounded memory, and not a byte of change in a project that
/// stands by. BEADHUB_FUZZ_SEED and BEADHUB_FUZZ_REQUESTS change the run.
/// </summary>
[OnAnyStore]
public abstract class FuzzContract(Store store) : ContractTests(store)
{
    private const int InFlight = 8;
    private const int RequestsPerTeam = 500;
    private const int ShownFailures = 5;
    private const int LargestAnswer = 10 * 1024 * 1024; // clients read no more
    private const int MostMemory = 700; // MiB of the process, at any time
    private const int MostGrowth = 300; // MiB that are still there at the end

    private static readonly int Seed = Setting("BEADHUB_FUZZ_SEED", 20260105);
    private static readonly int Requests = Setting("BEADHUB_FUZZ_REQUESTS", 20_000);

    [Fact]
    public async Task Mutated_requests_break_nothing()
    {
        // A server that can sign, since otherwise some operations only say 501.
        await using var server = Store.Elsewhere is null ? await Store.Own(("AWEB_CUSTODY_KEY", new string('a', 64))) : null;
        var api = server?.Api ?? Api;
        var bystander = await Bystander(new Project(api));
        var before = await Snapshot(bystander);
        var description = await ApiDescription.Of(api);
        var tools = (await bystander.Post("/mcp", new { jsonrpc = "2.0", id = 1, method = "tools/list" }).Ok()).At("result").Items("tools")
            // Who calls it waits.
            .Where(tool => tool.Text("name") != "wait_for").ToArray();
        var requests = new FuzzRequests(description, tools);
        var teams = new FuzzTeam[(Requests + RequestsPerTeam - 1) / RequestsPerTeam];
        await Parallel.ForAsync(0, teams.Length, new ParallelOptions { MaxDegreeOfParallelism = InFlight },
            async (i, _) => teams[i] = await FuzzTeam.Make(api, i, bystander));
        var memory = Memory(server);

        var failures = new ConcurrentQueue<string>();
        var kinds = new ConcurrentDictionary<string, int>();
        var statuses = new ConcurrentDictionary<int, int>();
        var succeeded = new ConcurrentDictionary<ApiOperation, int>();
        var operations = description.Operations;
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) =>
        {
            var fuzzed = requests.Make(operations[i % operations.Count], teams[i / RequestsPerTeam], new Random(HashCode(Seed, i)));
            var (status, failure) = await Try(api, fuzzed);
            statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
            if (failure is not null)
            {
                failures.Enqueue($"seed {Seed}, request {i}: {fuzzed.Shown}\n-> {failure}\n");
                kinds.AddOrUpdate($"{status} of {fuzzed.Operation?.ToString() ?? "no operation"}", 1, (_, count) => count + 1);
            }
            else if (status < 300 && fuzzed.Operation is { } operation)
                succeeded.AddOrUpdate(operation, 1, (_, count) => count + 1);
        });

        var after = Memory(server);
        Tell($"seed {Seed}: "
            + string.Join(", ", statuses.OrderBy(status => status.Key).Select(status => $"{status.Value} x {status.Key}")));
        Tell($"memory: {memory.Now} MiB before, {after.Now} MiB after, {after.Most} MiB at most");
        var never = operations.Where(operation => !succeeded.ContainsKey(operation)).ToArray();
        Tell($"{operations.Count - never.Length} of {operations.Count} operations have succeeded; not so: "
            + string.Join(", ", never.AsEnumerable()));
        foreach (var (kind, count) in kinds.OrderByDescending(kind => kind.Value)) Tell($"{count} failures: {kind}");
        failures.Count.ShouldBe(0, string.Join('\n', failures.Take(ShownFailures)));
        (await Snapshot(bystander)).ShouldBe(before);
        (await api.Get("/health").Ok()).Text("status").ShouldBe("ok");
        after.Most.ShouldBeLessThan(MostMemory);
        (after.Now - memory.Now).ShouldBeLessThan(MostGrowth);
        if (Requests >= 100 * operations.Count)
            never.Length.ShouldBeLessThan(operations.Count / 5,
                "hardly any request got through: the mutations are too wild to test anything");
    }

    private static async Task<(int Status, string? Failure)> Try(Api api, FuzzedRequest fuzzed)
    {
        var failure = "";
        try
        {
            using var request = fuzzed.Request;
            using var response = await api.Open(request);
            var status = (int)response.StatusCode;
            if (fuzzed.Operation is { } operation && !operation.Statuses.Contains(status))
                return (status, $"{status}, which {operation} does not declare: {await Read(response)}");
            // A stream ends when its client leaves.
            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
                return (status, status == 200 ? null : "an event stream with this status");
            if (await Read(response) is not { } text)
                return (status, $"{status} with more than {LargestAnswer} bytes");
            failure = $"{status} {(text.Length > 2000 ? text[..2000] + "…" : text)}";
            // MCP says with status 200 that the server failed.
            if (status >= 500 || (fuzzed.Operation?.Path == "/mcp" && text.Contains("\"code\":-32000", StringComparison.Ordinal)))
                return (status, failure);
            if (status < 400 || request.Method == HttpMethod.Head)
                return (status, null);
            using var json = JsonDocument.Parse(text);
            return (status, IsRefusal(json.RootElement) ? null : failure);
        }
        catch (JsonException)
        {
            return (-1, $"a refusal that is not JSON: {failure}");
        }
        catch (Exception e)
        {
            return (-2, $"no answer: {e.GetType().Name} {e.Message} {e.InnerException?.Message}");
        }
    }

    /// <summary>The text of an answer; null when it is larger than any may be.</summary>
    private static async Task<string?> Read(HttpResponseMessage response)
    {
        using var read = new MemoryStream();
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[64 * 1024];
        while (await body.ReadAsync(buffer) is > 0 and var count)
        {
            read.Write(buffer, 0, count);
            if (read.Length > LargestAnswer) return null;
        }

        return Encoding.UTF8.GetString(read.GetBuffer(), 0, (int)read.Length);
    }

    /// <summary>A text, a list of what is wrong with which field, or what belongs to an endpoint, under <c>detail</c>.</summary>
    private static bool IsRefusal(JsonElement json)
    {
        // What speaks as OpenHive does.
        if (json.ValueKind == JsonValueKind.Object && json.Has("error")) return json.Has("message") || json.Has("details");
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("detail", out var detail) && detail.ValueKind switch
        {
            JsonValueKind.String or JsonValueKind.Object => true,
            JsonValueKind.Array => detail.GetArrayLength() > 0 && detail.EnumerateArray().All(IsFieldError),
            _ => false,
        };

        static bool IsFieldError(JsonElement error) =>
            error.Has("type") && error.Has("msg") && error.Has("input") && error.Items("loc").Length > 0;
    }

    /// <summary>MiB of the server's process that are in memory, and the most that were.</summary>
    private static (int Now, int Most) Memory(OwnServer? server)
    {
        if (server is null || !OperatingSystem.IsLinux()) return (0, 0);
        var lines = File.ReadAllLines($"/proc/{server.Pid}/status");
        return (Value("VmRSS:"), Value("VmHWM:"));

        int Value(string name)
        {
            var line = lines.Single(line => line.StartsWith(name, StringComparison.Ordinal));
            return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
        }
    }

    private static void Tell(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);

    private static async Task<Agent> Bystander(Project project)
    {
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
            "/v1/projects/current", "/v1/auth/introspect", "/v1/agents",
                "/v1/workspaces?include_deleted=true&include_claims=true&limit=200",
            "/v1/workspaces/team?only_with_claims=false", "/v1/workspaces/online", "/v1/repos?limit=200", "/v1/beads/issues?limit=200",
            $"/v1/beads/ready?workspace_id={agent.Id}&limit=1000", "/v1/claims?limit=200", "/v1/policies/active", "/v1/policies/history",
            "/v1/webhooks",
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
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            ? value
            : otherwise;
}
