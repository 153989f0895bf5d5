using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Presence;

namespace Beadhub.Projects;

/// <summary>Who is there and works on what (contract 13). Pure.</summary>
internal static class StatusViews
{
    /// <summary>Greatest number of workspaces that a status covers.</summary>
    public const int ScopeLimit = 200;

    /// <summary>The status of one workspace, one repository or the project.</summary>
    public static StatusView Compose(Sources sources, StatusQuery query)
    {
        var project = sources.Roster.Project;
        // Only workspaces in the scope are ever looked at, so an empty scope shows nothing of anybody (contract 23.1).
        var scope = ScopeOf(sources, query);
        var claims = sources.Work.Claims.Where(claim => scope.Contains(claim.Claim.WorkspaceId)).ToList();
        return new(
            query switch
            {
                { WorkspaceId: { } workspaceId } => new(workspaceId, RepoId: null, project.Id, project.Slug, WorkspaceCount: null),
                { RepoId: { } repoId } => new(WorkspaceId: null, repoId, project.Id, project.Slug, scope.Count),
                _ => new(WorkspaceId: null, RepoId: null, project.Id, project.Slug, scope.Count),
            },
            [
                .. scope.Select(sources.Presence.Find)
                    .OfType<AgentPresence>()
                    .OrderByDescending(presence => presence.LastSeen)
                    .ThenBy(presence => presence.Alias, StringComparer.Ordinal)
                    .Select(presence => ViewOf(presence, WorkspaceLists.ClaimsOf(sources.Work, presence.WorkspaceId))),
            ],
            [.. claims.Select(ViewOf)],
            [.. claims.Where(claim => claim.ClaimantCount > 1).GroupBy(claim => claim.Claim.BeadId).Select(ConflictOf)],
            sources.Escalations?.Count ?? 0);
    }

    /// <summary>
    /// Whether the order of the workspaces matters to a status: below the limit all are in the scope, whoever was seen last,
    /// so that a command of somebody does not make a new status.
    /// </summary>
    public static bool DependsOnOrder(RosterView roster) => roster.Members.Count > ScopeLimit;

    private static HashSet<string> ScopeOf(Sources sources, StatusQuery query)
    {
        if (query.WorkspaceId is { } workspaceId) return [StreamScopes.ActiveWorkspace(sources.Roster, workspaceId).Id];
        return [.. sources.Roster.Recent(sources.Seen)
            .Select(recent => recent.Member)
            .Where(member => member.IsActive && (query.RepoId is null || member.Agent.Workspace!.RepoId == query.RepoId))
            .Take(ScopeLimit)
            .Select(member => member.Id)];
    }

    private static StatusAgent ViewOf(AgentPresence presence, ImmutableArray<ClaimDetail> claims) => new(
        presence.WorkspaceId,
        presence.Alias,
        Text.OrNull(presence.MemberEmail),
        Text.OrNull(presence.HumanName),
        Text.OrNull(presence.Program),
        Text.OrNull(presence.Role),
        Text.OrNull(presence.Status) ?? "unknown",
        Text.OrNull(presence.CurrentBranch),
        Text.OrNull(presence.CanonicalOrigin),
        Text.OrNull(presence.Timezone),
        CurrentIssue: claims.IsEmpty ? null : claims[0].Claim.BeadId,
        presence.LastSeen);

    private static StatusClaim ViewOf(ClaimDetail detail)
    {
        var claim = detail.Claim;
        return new(claim.BeadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, detail.ClaimantCount, detail.Title,
            claim.ProjectId);
    }

    private static StatusConflict ConflictOf(IGrouping<string, ClaimDetail> claims) =>
        new(claims.Key, [.. claims.Select(c => new StatusClaimant(c.Claim.Alias, c.Claim.HumanName, c.Claim.WorkspaceId))]);
}
