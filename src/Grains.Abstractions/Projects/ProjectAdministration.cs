using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Projects;

/// <summary>The projects of the instance, for administrators. There is one, without a state of its own.</summary>
[Alias("beadhub.projects")]
public interface IProjectsGrain : IGrainWithStringKey
{
    /// <summary>The key of the one that there is.</summary>
    const string Key = "-";

    /// <summary>A page of projects, by id. Reads them from the log: it wakes none of them.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ProjectPage> List(ProjectsQuery query);
}

/// <summary>
/// Whether those who are no members may read a project (requirements, core concepts). Null on a project says that nobody has decided.
/// </summary>
/// <remarks>
/// Public readers come by a gateway that signs for them (contract 1.7). Until somebody decides, the gateway does, as it always has; <see
/// cref="Private"/> turns it away, and nothing but <see cref="Public"/> may ever open a project to readers for whom no gateway signs.
/// </remarks>
public static class Visibilities
{
    /// <summary>Members only.</summary>
    public const string Private = "private";

    /// <summary>Everybody reads.</summary>
    public const string Public = "public";
}

/// <summary>Creates a project before anybody joins it.</summary>
/// <param name="Slug">Slug.</param>
/// <param name="Name">Name; empty means the slug.</param>
/// <param name="TenantId">Tenant, or null.</param>
/// <param name="Visibility">One of <see cref="Visibilities"/>, or null.</param>
[GenerateSerializer, Immutable, Alias("project.create.v1")]
public sealed record CreateProject(
    [property: Id(0)] string Slug,
    [property: Id(1)] string Name,
    [property: Id(2)] string? TenantId,
    [property: Id(3)] string? Visibility);

/// <summary>Changes a project; parts that are null stay.</summary>
[GenerateSerializer, Immutable, Alias("project.change.v1")]
public sealed record ChangeProject([property: Id(0)] string? Name, [property: Id(1)] string? Visibility);

/// <summary>A project as administrators see it.</summary>
/// <param name="ProjectId">Project.</param>
/// <param name="Slug">Slug, unique within the tenant.</param>
/// <param name="Name">Name.</param>
/// <param name="TenantId">Tenant, or null where there are none.</param>
/// <param name="Visibility">One of <see cref="Visibilities"/>; null while nobody has decided.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="ArchivedAt">Since when it is archived; null while it is in use.</param>
/// <param name="Agents">Living agents.</param>
/// <param name="Repos">Repositories.</param>
[GenerateSerializer, Immutable, Alias("project.details.v1")]
public sealed record ProjectDetails(
    [property: Id(0)] string ProjectId,
    [property: Id(1)] string Slug,
    [property: Id(2)] string Name,
    [property: Id(3)] string? TenantId,
    [property: Id(4)] string? Visibility,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] DateTimeOffset? ArchivedAt,
    [property: Id(7)] int Agents,
    [property: Id(8)] int Repos);

/// <summary>Which projects to list; null parts do not filter.</summary>
/// <param name="Limit">How many.</param>
/// <param name="After">Only those with a greater id.</param>
/// <param name="TenantId">Only those of a tenant.</param>
/// <param name="Archived">Only archived ones, or only those in use.</param>
[GenerateSerializer, Immutable, Alias("project.projects_query.v1")]
public sealed record ProjectsQuery([property: Id(0)] int Limit, [property: Id(1)] string? After, [property: Id(2)] string? TenantId,
    [property: Id(3)] bool? Archived);

/// <summary>A page of projects.</summary>
[GenerateSerializer, Immutable, Alias("project.projects_page.v1")]
public sealed record ProjectPage([property: Id(0)] ImmutableArray<ProjectDetails> Projects, [property: Id(1)] bool HasMore);

/// <summary>An API key that was just made. It is shown here and never again.</summary>
[GenerateSerializer, Immutable, Alias("project.key_made.v1")]
public sealed record KeyMade(
    [property: Id(0)] string ApiKeyId,
    [property: Id(1)] string ApiKey,
    [property: Id(2)] string AgentId,
    [property: Id(3)] string Alias,
    [property: Id(4)] DateTimeOffset CreatedAt,
    [property: Id(5)] DateTimeOffset? ExpiresAt = null);
