using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Directories;

/// <inheritdoc cref="IOriginGrain"/>
public sealed class OriginGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<OriginUses>(log), IOriginGrain
{
    private static readonly Func<OriginUses, ImmutableArray<OriginUse>> All = origin => origin.Uses;

    /// <inheritdoc/>
    public Task Use(OriginUse use) => Transact(origin => origin.Use(use, time.Now()));

    /// <inheritdoc/>
    public Task Leave(string projectId) => Transact(origin => origin.Leave(projectId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<OriginUse>> Projects()
    {
        var uses = await Read(All);
        // Anybody may look any origin up: what is not there must not stay in memory.
        if (uses.IsEmpty) DeactivateOnIdle();
        return uses;
    }
}

/// <summary>The projects that have a repository with one origin.</summary>
/// <param name="Uses">One a project, ordered by slug.</param>
public sealed record OriginUses(ImmutableArray<OriginUse> Uses) : IEventSourced<OriginUses>
{
    /// <inheritdoc/>
    public static OriginUses Empty { get; } = new(ImmutableArray<OriginUse>.Empty);

    /// <inheritdoc/>
    public static StreamKind<OriginUses> Kind { get; } = new("origin", DirectoryJson.Default.OriginUses, SnapshotEvery: 16, _ =>
        InstanceFeed.Id);

    /// <inheritdoc/>
    public OriginUses Apply(IEvent @event) => @event switch
    {
        OriginUsed e => new([.. Without(e.Use.ProjectId)
            .Append(e.Use)
            .OrderBy(use => use.ProjectSlug, StringComparer.Ordinal)
            .ThenBy(use => use.ProjectId, StringComparer.Ordinal)]),
        OriginLeft e => new([.. Without(e.ProjectId)]),
        _ => this,
    };

    /// <summary>Notes a project's use unless it is known as it is.</summary>
    public Decision<bool> Use(OriginUse use, DateTimeOffset now) =>
        Uses.Contains(use) ? Decision.None(false) : Decision.Accept(true, new OriginUsed(use, now));

    /// <summary>Notes that a project gave the repository up, unless it does not have it.</summary>
    public Decision<bool> Leave(string projectId, DateTimeOffset now) =>
        Uses.Any(use => use.ProjectId == projectId) ? Decision.Accept(true, new OriginLeft(projectId, now)) : Decision.None(false);

    private IEnumerable<OriginUse> Without(string projectId) => Uses.Where(use => use.ProjectId != projectId);
}
