namespace Beadhub.Presence;

/// <summary>A sign of life that has not expired (contract 18). Text that is missing is empty; what sticks is null while it was never told.</summary>
/// <param name="WorkspaceId">Workspace, which is the agent.</param>
/// <param name="Alias">Alias.</param>
/// <param name="HumanName">Human name.</param>
/// <param name="ProjectId">Project.</param>
/// <param name="ProjectSlug">Its slug.</param>
/// <param name="RepoId">Repository.</param>
/// <param name="MemberEmail">E-mail of the member.</param>
/// <param name="Program">Program.</param>
/// <param name="Model">Model.</param>
/// <param name="Status">Always <c>active</c>: absence is the other status.</param>
/// <param name="CurrentBranch">Branch.</param>
/// <param name="Role">Role, normalised. Sticks.</param>
/// <param name="CanonicalOrigin">Canonical origin. Sticks.</param>
/// <param name="Timezone">Time zone. Sticks.</param>
/// <param name="LastSeen">When the sign came.</param>
/// <param name="ExpiresAt">From when on it counts no more.</param>
public sealed record AgentPresence(
    string WorkspaceId,
    string Alias,
    string HumanName,
    string ProjectId,
    string ProjectSlug,
    string RepoId,
    string MemberEmail,
    string Program,
    string Model,
    string Status,
    string CurrentBranch,
    string? Role,
    string? CanonicalOrigin,
    string? Timezone,
    DateTimeOffset LastSeen,
    DateTimeOffset ExpiresAt)
{
    /// <summary>The status of all who are present.</summary>
    public const string Active = "active";
}
