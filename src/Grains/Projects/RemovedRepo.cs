using System.Collections.Immutable;

namespace Beadhub.Projects;

/// <summary>A repository that was deleted.</summary>
/// <param name="Repo">The repository.</param>
/// <param name="WorkspaceIds">The workspaces that ended with it.</param>
internal sealed record RemovedRepo(Repo Repo, ImmutableArray<string> WorkspaceIds);
