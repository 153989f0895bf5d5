using System.Collections.Immutable;

namespace Beadhub.Projects;

/// <summary>Which workspaces' events a stream shows (contract 14). Pure.</summary>
internal static class StreamScopes
{
    /// <summary>One workspace, those of a repository, those of a person, or all.</summary>
    public static StreamScope Compose(RosterView roster, ImmutableDictionary<string, DateTimeOffset> seen, ScopeQuery query)
    {
        var slug = roster.Project.Slug;
        if (query.WorkspaceId is { } workspaceId) return new(slug, [ActiveWorkspace(roster, workspaceId).Id]);
        if (query is { Repo: null, HumanName: null }) return new(slug, WorkspaceIds: null);

        var ids = roster.Recent(seen)
            .Select(recent => recent.Member)
            .Where(member => member.IsActive)
            .Where(member => query.Repo is { } repo ? member.Repo?.CanonicalOrigin == repo : member.Profile.HumanName == query.HumanName)
            .Take(query.Limit)
            .Select(member => member.Id)
            .ToImmutableHashSet();
        return ids.IsEmpty ? throw new RefusedException(RefusalKind.NotFound, "No workspaces found for the provided filter")
            : new(slug, ids);
    }

    /// <summary>An active workspace of the project.</summary>
    public static Member ActiveWorkspace(RosterView roster, string workspaceId) =>
        roster.Find(workspaceId) is { IsActive: true } member
            ? member : throw new RefusedException(RefusalKind.NotFound, "Workspace not found");
}
