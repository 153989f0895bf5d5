using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Directories;

/// <summary>Which projects work on a git repository. Key: canonical origin, for example <c>github.com/acme/demo</c> (contract
/// 2.1).</summary>
[Alias("beadhub.origin")]
public interface IOriginGrain : IGrainWithStringKey
{
    /// <summary>Notes that a project has this repository.</summary>
    [Repeatable]
    Task Use(OriginUse use);

    /// <summary>Notes that a project no longer has it.</summary>
    [Repeatable]
    Task Leave(string projectId);

    /// <summary>Projects that have it, ordered by slug.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<OriginUse>> Projects();
}

/// <summary>A project's repository with this origin.</summary>
/// <param name="ProjectId">Project.</param>
/// <param name="ProjectSlug">Its slug.</param>
/// <param name="RepoId">Repository in that project.</param>
/// <param name="Name">Its name: the last segment of the path.</param>
/// <param name="TenantId">The project's tenant, or null: nobody finds a repository across tenants.</param>
[GenerateSerializer, Immutable, Alias("origin.use.v1")]
public sealed record OriginUse(
    [property: Id(0)] string ProjectId,
    [property: Id(1)] string ProjectSlug,
    [property: Id(2)] string RepoId,
    [property: Id(3)] string Name,
    [property: Id(4)] string? TenantId = null);

/// <summary>A project took the repository up.</summary>
[GenerateSerializer, Immutable, Alias("origin.used.v1")]
public sealed record OriginUsed([property: Id(0)] OriginUse Use, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>A project gave the repository up.</summary>
[GenerateSerializer, Immutable, Alias("origin.left.v1")]
public sealed record OriginLeft([property: Id(0)] string ProjectId, [property: Id(1)] DateTimeOffset At) : IEvent;
