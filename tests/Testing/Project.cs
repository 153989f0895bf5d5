namespace Beadhub.Testing;

/// <summary>A project of its own for one test: a slug and a repository that no other test uses.</summary>
public sealed class Project(Api api, string? slug = null)
{
    public Api Api { get; } = api;

    public string Slug { get; } = slug ?? "p-" + Guid.NewGuid().ToString("n")[..12];

    /// <summary>The repository as a git remote.</summary>
    public string Origin => OriginOf("main");

    /// <summary>The repository as the server names it.</summary>
    public string Repo => RepoOf("main");

    public string OriginOf(string name) => $"git@github.com:{Slug}/{name}.git";

    public string RepoOf(string name) => $"github.com/{Slug}/{name}";

    /// <summary>Bootstraps an agent with a workspace in the project's repository.</summary>
    public async Task<Agent> Agent(string? alias = null, string? human = null, string? role = null, string? origin = null) =>
        new(this, origin ?? Origin, human ?? "",
            await Init(new { project_slug = Slug, repo_origin = origin ?? Origin, alias, human_name = human, role }).Ok());

    /// <summary>Bootstraps an agent without a workspace.</summary>
    public async Task<Agent> Identity(string? alias = null, string? human = null) =>
        new(this, Origin, human ?? "", await Init(new { project_slug = Slug, alias, human_name = human }).Ok());

    /// <summary>Gives an agent a role, as an administrator does.</summary>
    public async Task<Agent> Give(Agent agent, string role)
    {
        await Api.As(Testing.Api.AdminKey).Put($"/v1/projects/{agent.ProjectId}/roles/{agent.Id}", new { role }).Ok();
        return agent;
    }

    public Task<Answer> Init(object body) => Api.Post("/v1/init", body);
}
