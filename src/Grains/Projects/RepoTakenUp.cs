namespace Beadhub.Projects;

/// <summary>A repository that was found, taken up again or added.</summary>
/// <param name="Repo">The repository.</param>
/// <param name="Created">Whether the project never had it before.</param>
internal sealed record RepoTakenUp(Repo Repo, bool Created);
