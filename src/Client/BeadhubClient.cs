using Beadhub.ApiKeys;
using Beadhub.Directories;
using Beadhub.Projects;
using Orleans;

namespace Beadhub;

/// <summary>
/// Beadhub for programs that run where the grains do: no HTTP, no JSON, and no credentials, so whoever holds it may do everything.
/// Every method may throw <see cref="RefusedException"/> (the grain says no) and <see cref="UnavailableException"/> (the event log is
/// away).
/// </summary>
public sealed class BeadhubClient(IClusterClient cluster)
{
    /// <summary>A project by its id, whether it exists or not.</summary>
    public ProjectClient Project(string projectId) => new(cluster, projectId);

    /// <summary>A project by its slug; null when there is none.</summary>
    public async ValueTask<ProjectClient?> FindProject(string slug) =>
        await cluster.GetGrain<IDirectoryGrain>(slug).Find() is { } id ? Project(id) : null;

    /// <summary>Bootstraps an agent, and its project when that is new (contract 3).</summary>
    /// <param name="slug">Slug of the project.</param>
    /// <param name="alias">Alias of the agent; null allots one.</param>
    /// <param name="origin">Git remote to open a workspace on; null for an identity alone.</param>
    /// <param name="humanName">Human behind the agent.</param>
    /// <param name="role">Role of the workspace.</param>
    /// <exception cref="ArgumentException">A name is not one (contract 2).</exception>
    public async Task<AgentInitialized> Init(string slug, string? alias = null, string? origin = null, string humanName = "",
        string role = "agent")
    {
        if (!Names.IsSlug(slug)) throw new ArgumentException("Invalid project_slug format", nameof(slug));
        if (alias is not null && !Names.IsAlias(alias)) throw new ArgumentException("Invalid alias format", nameof(alias));
        if (!Names.IsHumanName(humanName)) throw new ArgumentException("Invalid human_name format", nameof(humanName));
        Origin? remote = null;
        if (origin is not null)
            remote = Names.TryCanonicalizeOrigin(origin, out var canonical)
                ? new(origin, canonical) : throw new ArgumentException("Not a git remote", nameof(origin));
        var project = await cluster.GetGrain<IDirectoryGrain>(slug).Ensure(Guid.NewGuid().ToString());
        return await cluster.GetGrain<IProjectGrain>(project).Init(
            new(slug, "", alias, humanName, AgentType: "agent", Lifetime: "ephemeral", remote, role, Hostname: "", WorkspacePath: ""));
    }

    /// <summary>Whom an API key stands for; null when it is not a good one.</summary>
    public async ValueTask<KeyIdentity?> Identify(string apiKey) =>
        await cluster.GetGrain<IApiKeyGrain>(IApiKeyGrain.Key(apiKey)).Identify() is { } holder
            && holder.Standing.Agent is not { KeysRevoked: true } ? holder.Key : null;
}
