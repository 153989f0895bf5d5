using Beadhub.Workspaces;

namespace Beadhub.Presence;

/// <summary>A sign of life that has not expired (contract 18). Text that is missing is empty; what sticks is null while it was never
/// told.</summary>
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

    /// <summary>After a sign of life that tells everything anew: what it lacks is blanked, except what sticks. The times are the store's to
    /// set.</summary>
    public static AgentPresence Reported(SignOfLife sign, AgentPresence? before) => new(
        sign.WorkspaceId,
        sign.Alias,
        sign.HumanName ?? "",
        sign.ProjectId,
        sign.ProjectSlug,
        sign.RepoId ?? "",
        MemberEmail: "",
        sign.Program ?? "",
        sign.Model ?? "",
        Active,
        sign.CurrentBranch ?? "",
        Roles.Normalize(sign.Role) ?? before?.Role,
        Given(sign.CanonicalOrigin) ?? before?.CanonicalOrigin,
        Given(sign.Timezone) ?? before?.Timezone,
        LastSeen: default,
        ExpiresAt: default);

    /// <summary>After a sign of life that only fills in what is lacking.</summary>
    public static AgentPresence Refreshed(SignOfLife sign, AgentPresence? before) =>
        before is null ? Reported(sign, before) : Filled(before, sign);

    private static AgentPresence Filled(AgentPresence before, SignOfLife sign) => before with
    {
        HumanName = Given(before.HumanName) ?? sign.HumanName ?? "",
        RepoId = Given(before.RepoId) ?? sign.RepoId ?? "",
        Program = Given(before.Program) ?? sign.Program ?? "",
        Model = Given(before.Model) ?? sign.Model ?? "",
        CurrentBranch = Given(before.CurrentBranch) ?? sign.CurrentBranch ?? "",
        Role = before.Role ?? Roles.Normalize(sign.Role),
        CanonicalOrigin = before.CanonicalOrigin ?? Given(sign.CanonicalOrigin),
        Timezone = before.Timezone ?? Given(sign.Timezone),
    };

    private static string? Given(string? text) => text is "" ? null : text;
}
