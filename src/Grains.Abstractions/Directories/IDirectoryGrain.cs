using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Directories;

/// <summary>
/// Which project a name stands for. Key: a <see cref="SlugName"/>, case kept, or <see cref="RepoName"/>. One grain a name, so that no
/// bootstrap waits for another's.
/// </summary>
[Alias("beadhub.directory")]
public interface IDirectoryGrain : IGrainWithStringKey
{
    /// <summary>Name under which the project with a slug is found: a slug is unique within its tenant, and where there are no tenants,
    /// among all.</summary>
    static string SlugName(string? tenantId, string slug) => tenantId is null ? slug : $"tenant:{tenantId}/{slug}";

    /// <summary>Name under which a repository's project is found. No slug contains a colon.</summary>
    static string RepoName(string repoId) => $"repo:{repoId}";

    /// <summary>Name under which the project of a policy version is found.</summary>
    static string PolicyName(string policyId) => $"policy:{policyId}";

    /// <summary>Name under which the sync group of a hive is found: its id stands where a project's does.</summary>
    static string HiveName(string hive) => $"hive:{hive}";

    /// <summary>Name under which the sync group is found that sites meet by a name.</summary>
    static string MeshName(string group) => $"mesh:{group}";

    /// <summary>The project of this name; when there is none yet, the proposed id becomes it.</summary>
    /// <param name="proposedProjectId">Id for a new project.</param>
    [Repeatable]
    Task<string> Ensure(string proposedProjectId);

    /// <summary>Id of the project, or null.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> Find();
}

/// <summary>A name was given to a project.</summary>
/// <param name="ProjectId">The project.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("directory.slug_taken.v1")]
public sealed record SlugTaken([property: Id(0)] string ProjectId, [property: Id(1)] DateTimeOffset At) : IEvent;
