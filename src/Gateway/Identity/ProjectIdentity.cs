using Beadhub.Projects;

namespace Beadhub.Gateway.Identity;

/// <summary>A caller of a project.</summary>
internal interface IOfProject
{
    /// <summary>Who it is.</summary>
    ProjectIdentity Who { get; }
}

/// <summary>Who asks, whichever way they proved it (contract 1.1).</summary>
/// <param name="ProjectId">The only project that the request sees.</param>
/// <param name="AgentId">Agent that the caller speaks for, if any.</param>
/// <param name="ApiKeyId">Record of the key, if one was used.</param>
/// <param name="UserId">User of the proxy, if any.</param>
/// <param name="Mode">How the caller proved it.</param>
internal sealed record ProjectIdentity(string ProjectId, string? AgentId, string? ApiKeyId, string? UserId, AuthMode Mode) : IOfProject
{
    ProjectIdentity IOfProject.Who => this;

    /// <summary>How the caller stands in the project. Of those whom a proxy vouches for it is found out only where it matters: when they
    /// write.</summary>
    public Standing Standing { get; init; }

    /// <summary>The tenant that a proxy has signed for, if any; the project is of it.</summary>
    public string? TenantId { get; init; }

    /// <summary>
    /// Whether the caller leads the project: an agent with that role, or a person for whom a gateway vouches, which decides itself whom it
    /// lets in. Of who writes only: of readers for whom a gateway vouches it may not have been found out.
    /// </summary>
    public bool Leads => Mode == AuthMode.Proxy && UserId is not null || Standing.Agent?.ProjectRole == ProjectRoles.Lead;

    /// <summary>Whether the caller may read only.</summary>
    public bool Observes => !Leads && Standing.Agent?.ProjectRole == ProjectRoles.Observer;

    /// <summary>Refuses who neither is the agent nor leads the project.</summary>
    /// <param name="agentId">Whose it is.</param>
    public void MustOwn(string agentId)
    {
        if (!Leads && AgentId != agentId) throw NotLead("This is another agent's");
    }

    /// <summary>The refusal of a caller who does not lead the project.</summary>
    public static Http.ApiException NotLead(string what) =>
        Http.ApiException.Forbidden($"{what}: only an agent with the role 'lead', or an administrator, may do this");

    /// <summary>Refuses to act as a workspace that is not the caller's own (contract 1.4). Proxies vouch for whom they act.</summary>
    /// <param name="workspaceId">Whom the request acts as.</param>
    /// <param name="field">The field that says so.</param>
    public void MustBe(string workspaceId, string field = "workspace_id")
    {
        if (Mode == AuthMode.Bearer && AgentId is not null && AgentId != workspaceId)
            throw Http.ApiException.Forbidden($"{field} does not match API key identity");
    }
}

/// <summary>A caller that acts as a living agent of its project.</summary>
/// <param name="Who">The caller.</param>
/// <param name="Agent">The agent.</param>
internal sealed record Actor(ProjectIdentity Who, AgentIdentity Agent) : IOfProject
{
    /// <summary>The project.</summary>
    public string ProjectId => Who.ProjectId;

    /// <summary>Slug of the project.</summary>
    public string ProjectSlug => Who.Standing.Slug!;

    /// <summary>The agent's id, which is also its workspace's.</summary>
    public string Id => Agent.AgentId;

    /// <summary>The agent's alias.</summary>
    public string Alias => Agent.Alias;
}

/// <summary>How a caller proved who they are.</summary>
internal enum AuthMode
{
    /// <summary>By an API key.</summary>
    Bearer,

    /// <summary>By signed headers of a trusted gateway.</summary>
    Proxy,

    /// <summary>By signed headers, as a reader of a public project: nothing may be written and personal data is hidden (contract
    /// 1.7).</summary>
    PublicReader,
}
