using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Directories;

/// <inheritdoc cref="IDirectoryGrain"/>
public sealed class DirectoryGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Slug>(log), IDirectoryGrain
{
    private static readonly Func<Slug, string?> Holder = slug => slug.ProjectId;

    /// <inheritdoc/>
    public Task<string> Ensure(string proposedProjectId) => Transact(slug => slug.Ensure(proposedProjectId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<string?> Find()
    {
        var projectId = await Read(Holder);
        // Anybody may ask for any slug: what is not there must not stay in memory.
        if (projectId is null) DeactivateOnIdle();
        return projectId;
    }
}

/// <summary>A slug: free, or given to a project for ever.</summary>
/// <param name="ProjectId">The project, or null while the slug is free.</param>
public sealed record Slug(string? ProjectId) : IEventSourced<Slug>
{
    /// <inheritdoc/>
    public static Slug Empty { get; } = new(ProjectId: null);

    /// <inheritdoc/>
    public static StreamKind<Slug> Kind { get; } = new("directory", DirectoryJson.Default.Slug, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public Slug Apply(IEvent @event) => @event is SlugTaken taken ? new(taken.ProjectId) : this;

    /// <summary>Gives the slug to the proposed project unless another has it. The answer is whose it is.</summary>
    public Decision<string> Ensure(string proposedProjectId, DateTimeOffset now) =>
        ProjectId is { } holder ? Decision.None(holder) : Decision.Accept(proposedProjectId, new SlugTaken(proposedProjectId, now));
}

/// <summary>JSON of the directory's snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Slug))]
[JsonSerializable(typeof(OriginUses))]
internal sealed partial class DirectoryJson : JsonSerializerContext;
