using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>A workspace with all that its project knows of it.</summary>
/// <param name="Agent">Its agent.</param>
/// <param name="Repo">Its repository; null when that was deleted.</param>
/// <param name="Profile">Its profile.</param>
internal sealed record Member(Agent Agent, Repo? Repo, Profile Profile)
{
    public string Id => Agent.Id;

    public bool IsActive => Agent.IsLiving;

    /// <summary>When its profile or its link changed last.</summary>
    public DateTimeOffset ChangedAt { get; } =
        Profile.UpdatedAt > Agent.Workspace!.ChangedAt ? Profile.UpdatedAt.Value : Agent.Workspace.ChangedAt;
}
