using System.Collections.Immutable;

namespace Beadhub.Projects;

/// <summary>A project's repositories as answers show them (contract 6). Pure.</summary>
internal static class RepoLists
{
    /// <summary>A page of repositories, oldest first (contract 6.3).</summary>
    public static RepoPage Page(Project project, RepoQuery query)
    {
        var counts = project.Roster.Living.Where(agent => agent.Workspace is not null).CountBy(agent => agent.Workspace!.RepoId)
            .ToDictionary();
        var found = project.Repos.Values
            .Where(repo => repo.IsLiving && Comes(repo, query))
            .OrderBy(repo => repo.CreatedAt)
            .ThenBy(repo => repo.Id, StringComparer.Ordinal)
            .Take(query.Limit + 1)
            .ToImmutableArray();
        return new([.. found.Take(query.Limit).Select(repo => ViewOf(project, repo, counts.GetValueOrDefault(repo.Id)))],
            HasMore: found.Length > query.Limit);
    }

    /// <summary>The repository with an origin, unless deleted.</summary>
    public static RepoView? Find(Project project, string canonicalOrigin) =>
        project.RepoOf(canonicalOrigin) is { IsLiving: true } repo ? ViewOf(project, repo, project.WorkspacesOn(repo.Id).Count()) : null;

    private static RepoView ViewOf(Project project, Repo repo, int workspaces) =>
        new(repo.Id, project.Id, repo.CanonicalOrigin, repo.Name, repo.CreatedAt, workspaces);

    private static bool Comes(Repo repo, RepoQuery query) =>
        query.AfterCreatedAt is not { } after
        || repo.CreatedAt > after
        || (repo.CreatedAt == after && query.AfterId is { } id && string.CompareOrdinal(repo.Id, id) > 0);
}
