using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Demo;

/// <summary>Three agents that work as real ones do, over HTTP, and a person who looks on.</summary>
internal sealed class DemoTeam
{
    public const string Project = "lighthouse";
    public const string Visitor = "you";

    private const string Origin = "git@github.com:acme/lighthouse.git";
    private const int TurnsABead = 3;
    private const int TurnsAQuestion = 40;

    private static readonly string[] Things = ["lamp", "fog horn", "stairs", "radio", "boat house"];

    // What is done to each, and after which of the steps before.
    private static readonly (string Title, string Type, int Minutes, int[] After)[] Steps =
    [
        ("Inspect the {0}", "task", 30, []),
        ("Replace what is worn on the {0}", "bug", 90, [0]),
        ("Rewire the {0}", "feature", 120, [1]),
        ("Calibrate the {0}", "task", 45, [2]),
        ("Repaint the {0}", "chore", 60, [0]),
        ("Write down how the {0} is kept", "task", 20, [3, 4]),
    ];

    private static readonly (string Subject, string Situation)[] Questions =
    [
        ("May I switch the lamp off for an hour?",
            "The new bulb cannot be fitted while it is lit. Two ships are expected before midnight."),
        ("Which red for the boat house?", "The book says *signal red*; the tin in the store says *tomato*. Both are open."),
        ("The radio hears another station", "It is as loud as ours. Shall I move our channel, or call them?"),
    ];

    private readonly Random _random = new(7);
    private readonly List<Agent> _agents = [];
    private string? _visitorKey;
    private int _asked;

    private sealed record Agent(HttpClient Http, string Alias, string WorkspaceId, string Role, string Key)
    {
        public int? Holds { get; set; }

        public int TurnsLeft { get; set; }
    }

    public static int Beads => Things.Length * Steps.Length;

    public IEnumerable<string> Aliases => _agents.Select(a => a.Alias);

    /// <summary>Key of the first agent.</summary>
    public string Key => _agents[0].Key;

    /// <summary>Key of the person who looks on.</summary>
    public string VisitorKey => _visitorKey!;

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

        var visitor = await Post(http, null, "/v1/init", new()
        {
            ["project_slug"] = Project,
            ["agent_type"] = "human",
            ["alias"] = Visitor,
            ["human_name"] = "You",
        });
        team._visitorKey = (string)visitor["api_key"]!;
        await team.Open();
        await Write(team._agents[0], Visitor, "Welcome to the lighthouse",
            "We are three agents and thirty beads. Look at **Ready** to see what comes next, and at the **Board** to see it done. "
            + "When one of us asks a human, that is you: answer under **Escalations**.");
        return team;
    }

    /// <summary>Goes on until cancelled: each agent claims the best ready bead, reserves what it touches, works for a while, closes it;
    /// when all are done, all begin again.</summary>
    public async Task Work(TimeSpan pace, CancellationToken stopped)
    {
        using var clock = new PeriodicTimer(pace);
        try
        {
            for (var turn = 0; await clock.WaitForNextTickAsync(stopped); turn++)
            {
                var agent = _agents[turn % _agents.Count];
                await Present(agent);
                if (turn % TurnsAQuestion == 7) await Ask(agent);
                if (agent.Holds is null) await Begin(agent);
                else if (--agent.TurnsLeft <= 0) await Finish(agent);
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

    private async Task Begin(Agent agent)
    {
        var claimed = await Send(agent, "/v1/beads/claim-next", new() { ["strategy"] = "unblock" });
        if ((string?)claimed["bead"]?["bead_id"] is not { } id)
        {
            if (_agents.TrueForAll(static one => one.Holds is null)) await Open();
            return;
        }

        var number = Number(id);
        (agent.Holds, agent.TurnsLeft) = (number, _random.Next(1, TurnsABead + 1));
        await Sync(agent, null, [Issue(number, "in_progress")]);
        await Send(agent, "/v1/reservations", new()
        {
            ["resource_key"] = PathOf(number),
            ["ttl_seconds"] = 600,
            ["metadata"] = new JsonObject { ["bead_id"] = id },
        });
    }

    private async Task Finish(Agent agent)
    {
        var number = agent.Holds!.Value;
        agent.Holds = null;
        await Send(agent, "/v1/reservations/release", new() { ["resource_key"] = PathOf(number) });
        await Sync(agent, $"close {Id(number)}", [Issue(number, "closed")]);
        var other = _agents[_random.Next(_agents.Count)];
        if (other != agent && _random.Next(3) == 0)
            await Write(agent, other.Alias, $"{Id(number)} is done", $"*{TitleOf(number)}* is done, what waited for it can begin.");
    }

    /// <summary>Opens all beads, first or again.</summary>
    private Task Open() => Sync(_agents[0], null, [.. Enumerable.Range(1, Beads).Select(number => Issue(number, "open"))]);

    private async Task Ask(Agent agent)
    {
        var (subject, situation) = Questions[_asked++ % Questions.Length];
        await Send(agent, "/v1/escalations", new()
        {
            ["workspace_id"] = agent.WorkspaceId,
            ["alias"] = agent.Alias,
            ["subject"] = subject,
            ["situation"] = situation,
        });
    }

    private static Task Write(Agent from, string to, string subject, string body) =>
        Send(from, "/v1/messages", new() { ["to_alias"] = to, ["subject"] = subject, ["body"] = body });

    private static string Id(int number) => $"lh-{number}";

    private static int Number(string id) => int.Parse(id[3..]);

    private static string ThingOf(int number) => Things[(number - 1) / Steps.Length];

    private static string TitleOf(int number) => string.Format(null, Steps[(number - 1) % Steps.Length].Title, ThingOf(number));

    private static string PathOf(int number) =>
        $"{ThingOf(number).Replace(' ', '-')}/{Steps[(number - 1) % Steps.Length].Title.Split(' ')[0]}.md";

    private static Task<JsonObject> Send(Agent agent, string path, JsonObject body) => Post(agent.Http, agent.Key, path, body);

    private static async Task<JsonObject> Post(HttpClient http, string? key, string path, JsonObject body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonObject>())!;
    }

    private JsonObject Issue(int number, string status)
    {
        var step = (number - 1) % Steps.Length;
        var first = number - step;
        // What is worn is found by inspection; a thing is calibrated against the one that was rewired before it.
        var after = Steps[step].After.Select(one => first + one).ToList();
        if (step == 3 && first > 1) after.Add(first - Steps.Length + 2);
        return new()
        {
            ["id"] = Id(number),
            ["title"] = TitleOf(number),
            ["description"] = $"- what: the {ThingOf(number)}\n- where: `{PathOf(number)}`\n\nTake your time; the sea does, too.",
            ["status"] = status,
            ["priority"] = 1 + (number - 1) / Steps.Length % 3,
            ["issue_type"] = Steps[step].Type,
            ["estimated_minutes"] = Steps[step].Minutes,
            ["created_by"] = _agents[number % _agents.Count].Alias,
            ["updated_at"] = DateTimeOffset.UtcNow.ToString("O"),
            ["dependencies"] = new JsonArray([.. after.Select(one => new JsonObject
            {
                ["issue_id"] = Id(number),
                ["depends_on_id"] = Id(one),
                ["type"] = "blocks",
            })]),
        };
    }

    private Task Present(Agent agent) => Post(agent.Http, agent.Key, "/v1/agents/register", new()
    {
        ["workspace_id"] = agent.WorkspaceId,
        ["alias"] = agent.Alias,
        ["program"] = agent.Role == "developer" ? "codex" : "claude-code",
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
