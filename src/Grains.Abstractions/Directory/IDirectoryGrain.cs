using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Directory;

/// <summary>Which project a slug names. Key: the slug, case kept. One grain a slug, so that no bootstrap waits for another's.</summary>
[Alias("beadhub.directory")]
public interface IDirectoryGrain : IGrainWithStringKey
{
    /// <summary>The project of this slug; when there is none yet, the proposed id becomes it.</summary>
    /// <param name="proposedProjectId">Id for a new project.</param>
    Task<string> Ensure(string proposedProjectId);

    /// <summary>Id of the project, or null.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<string?> Find();
}

/// <summary>A slug was given to a project.</summary>
/// <param name="ProjectId">The project.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("directory.slug_taken.v1")]
public sealed record SlugTaken([property: Id(0)] string ProjectId, [property: Id(1)] DateTimeOffset At) : IEvent;
