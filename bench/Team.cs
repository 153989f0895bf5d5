using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>A project with agents and issues, made through the API.</summary>
internal sealed class Team
{
    private Team(Project project, Agent[] agents) => (Project, Agents) = (project, agents);

    public Project Project { get; }

    public Agent[] Agents { get; }

    public Agent Agent => Agents[0];

    public static async Task<Team> Create(Api api, int agents = 1)
    {
        var project = new Project(api);
        var team = new Team(project, new Agent[agents]);
        for (var i = 0; i < agents; i++)
            team.Agents[i] = await project.Agent($"agent-{i + 1}", "Ada", "developer");
        return team;
    }

    /// <summary>Fills the project with realistic issues, 10,000 a sync.</summary>
    public async Task<Team> WithIssues(int count, string prefix = "x")
    {
        for (var done = 0; done < count; done += 10_000)
            await Agent.Sync(IssueFile(Math.Min(10_000, count - done), $"{prefix}{done / 10_000}")).Ok();
        return this;
    }

    /// <summary>Fills the project with plain open issues of known ids (<see cref="SyncScript.IssueId"/>), for clients that change them;
    /// 10,000 a sync.</summary>
    public async Task<Team> WithPlainIssues(int count)
    {
        for (var done = 0; done < count; done += 10_000)
        {
            await Agent.Sync(string.Join('\n', Enumerable.Range(done, Math.Min(10_000, count - done))
                .Select(i => SyncScript.Issue(i, "A bead to work on", "open", DateTimeOffset.UnixEpoch)))).Ok();
        }

        return this;
    }

    public static string IssueFile(int count, string prefix) => IssueGenerator.File(new IssueGenerator(count, prefix).Issues(count));

    /// <summary>The body of a sync, as bytes.</summary>
    public static byte[] SyncBody(Agent agent, string mode, string issues, string? command = null)
    {
        var body = agent.Self("developer");
        if (mode == "full")
        {
            body["issues_jsonl"] = issues;
        }
        else
        {
            body["sync_mode"] = mode;
            body["changed_issues"] = issues;
        }
        if (command is not null) body["command_line"] = command;
        return JsonSerializer.SerializeToUtf8Bytes(body, Api.Json);
    }
}
