using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Demo;

/// <summary>Three agents that work as real ones do: over HTTP, through <c>/v1/bdh</c>.</summary>
internal sealed class DemoTeam
{
    public const string Project = "lighthouse";
    public const int Beads = 30;

    private const string Origin = "git@github.com:acme/lighthouse.git";

    private static readonly string[] Verbs = ["Calibrate", "Repaint", "Rewire", "Document", "Inspect", "Replace"];
    private static readonly string[] Things = ["the lamp", "the fog horn", "the stairs", "the radio", "the log book"];
    private static readonly string[] Types = ["task", "bug", "feature", "chore"];

    private readonly Random _random = new(7);
    private readonly List<Agent> _agents = [];
    private readonly Queue<string> _open = new();

    private sealed record Agent(HttpClient Http, string Alias, string WorkspaceId, string Role, string Key)
    {
        public string? Holds { get; set; }
    }

    public IEnumerable<string> Aliases => _agents.Select(a => a.Alias);

    /// <summary>Key of the first agent.</summary>
    public string Key => _agents[0].Key;

    /// <summary>Bootstraps the agents and pushes the beads.</summary>
    public static async Task<DemoTeam> Gather(HttpClient http)
    {
        var team = new DemoTeam();
        foreach (var (role, human) in new[] { ("coordinator", "Ada"), ("developer", "Grace"), ("reviewer", "Linus") })
        {
            var init = await Post(http, null, "/v1/init", new()
            {
                ["project_slug"] = Project,
                ["repo_origin"] = Origin,
                ["role"] = role,
                ["human_name"] = human,
            });
            var agent = new Agent(http, (string)init["alias"]!, (string)init["workspace_id"]!, role, (string)init["api_key"]!);
            team._agents.Add(agent);
            await team.Present(agent);
        }

        for (var n = 1; n <= Beads; n++) team._open.Enqueue(Id(n));
        await team.Sync(team._agents[0], null, [.. Enumerable.Range(1, Beads).Select(n => team.Issue(n, "open"))]);
        return team;
    }

    /// <summary>Goes on until cancelled: each agent claims a bead, works on it for a while, closes it; closed beads come back as new
    /// work.</summary>
    public async Task Work(TimeSpan pace, CancellationToken stopped)
    {
        using var clock = new PeriodicTimer(pace);
        try
        {
            for (var turn = 0; await clock.WaitForNextTickAsync(stopped); turn++)
            {
                var agent = _agents[turn % _agents.Count];
                await Present(agent);
                if (agent.Holds is { } held)
                {
                    await Sync(agent, $"close {held}", [Issue(Number(held), "closed")]);
                    agent.Holds = null;
                    _open.Enqueue(held);
                    continue;
                }

                var next = _open.Dequeue();
                await Sync(agent, $"update {next} --status in_progress", [Issue(Number(next), "in_progress")]);
                agent.Holds = next;
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (HttpRequestException) when (stopped.IsCancellationRequested)
        {
            // The server was faster.
        }
    }

    private static string Id(int number) => $"lh-{number}";

    private static int Number(string id) => int.Parse(id[3..]);

    private static async Task<JsonObject> Post(HttpClient http, string? key, string path, JsonObject body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonObject>())!;
    }

    private JsonObject Issue(int number, string status) => new()
    {
        ["id"] = Id(number),
        ["title"] = $"{Verbs[number % Verbs.Length]} {Things[number % Things.Length]}",
        ["status"] = status,
        ["priority"] = number % 4,
        ["issue_type"] = Types[number % Types.Length],
        ["created_by"] = _agents[number % _agents.Count].Alias,
        ["updated_at"] = DateTimeOffset.UtcNow.ToString("O"),
        ["dependencies"] = number % 7 == 0
            ? new JsonArray(new JsonObject { ["issue_id"] = Id(number), ["depends_on_id"] = Id(number - 1), ["type"] = "blocks" })
            : new JsonArray(),
    };

    private Task Present(Agent agent) => Post(agent.Http, agent.Key, "/v1/agents/register", new()
    {
        ["workspace_id"] = agent.WorkspaceId,
        ["alias"] = agent.Alias,
        ["program"] = _random.Next(2) == 0 ? "claude-code" : "codex",
        ["branch"] = "main",
        ["repo"] = "github.com/acme/lighthouse",
    });

    private Task Sync(Agent agent, string? commandLine, JsonObject[] issues) => Post(agent.Http, agent.Key, "/v1/bdh/sync", new()
    {
        ["workspace_id"] = agent.WorkspaceId,
        ["alias"] = agent.Alias,
        ["human_name"] = "",
        ["repo_origin"] = Origin,
        ["sync_mode"] = "incremental",
        ["changed_issues"] = string.Join('\n', issues.Select(i => i.ToJsonString())),
        ["command_line"] = commandLine,
    });
}
