namespace Beadhub.Projects;

/// <summary>An agent's workspace: on which repository it works, for ever. It lives and ends with its agent.</summary>
/// <param name="RepoId">The repository.</param>
/// <param name="ChangedAt">When it was opened, deleted or restored last.</param>
public sealed record WorkspaceLink(string RepoId, DateTimeOffset ChangedAt);
