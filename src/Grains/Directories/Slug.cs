using Beadhub.EventLog;

namespace Beadhub.Directories;

/// <summary>A slug: free, or given to a project for ever.</summary>
/// <param name="ProjectId">The project, or null while the slug is free.</param>
public sealed record Slug(string? ProjectId) : IEventSourced<Slug>
{
    /// <inheritdoc/>
    public static Slug Empty { get; } = new(ProjectId: null);

    /// <inheritdoc/>
    public static StreamKind<Slug> Kind { get; } = new("directory", DirectoryJson.Relaxed.Slug, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public Slug Apply(IEvent @event) => @event is SlugTaken taken ? new(taken.ProjectId) : this;

    /// <summary>Gives the slug to the proposed project unless another has it. The answer is whose it is.</summary>
    public Decision<string> Ensure(string proposedProjectId, DateTimeOffset now) =>
        ProjectId is { } holder ? Decision.None(holder) : Decision.Accept(proposedProjectId, new SlugTaken(proposedProjectId, now));
}
