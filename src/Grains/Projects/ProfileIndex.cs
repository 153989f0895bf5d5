using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>
/// The profiles of a project's workspaces in memory, by workspace id, so that lists need no look-up a workspace. Each workspace keeps its
/// own stream; this index is read from those streams once, told of the changes that its project makes, and follows the feed while other
/// nodes may write.
/// </summary>
internal sealed class ProfileIndex(IEventLog log, string projectId)
    : FeedProjection<ImmutableDictionary<string, Profile>>(log, projectId, ImmutableDictionary<string, Profile>.Empty)
{
    // Further behind than this, reading all profiles again is cheaper than reading the feed, most of which is about beads.
    private const long FeedLimit = 4096;

    /// <summary>Takes a workspace's profile in, unless a newer one is here.</summary>
    public void Set(string workspaceId, Profile profile) => Change(profiles => With(profiles, workspaceId, profile));

    /// <inheritdoc/>
    protected override bool IsLoadingLess(long events) => events > FeedLimit;

    /// <inheritdoc/>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        // The position first: what is written while the streams are read is then read again from the feed, not missed.
        var position = await Log.Head(Project, cancellation);
        await foreach (var stream in Log.LoadAll<Workspace>(Project, cancellation))
            Set(Workspace.IdOf(stream.Key), stream.Fold<Workspace>().Profile);
        Change(static profiles => profiles, position);
    }

    /// <inheritdoc/>
    protected override ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        Change(profiles => page.Where(e => e.Kind == Workspace.Kind.Name).Aggregate(profiles, (known, e) =>
            EventTypes.Parse(e.Type, e.Data) is ProfileChanged changed ? With(known, Workspace.IdOf(e.Key), changed.Profile) : known),
                page[^1].Position);
        return default;
    }

    private static ImmutableDictionary<string, Profile> With(ImmutableDictionary<string, Profile> profiles, string workspaceId,
        Profile profile) =>
        profiles.TryGetValue(workspaceId, out var other) && other.UpdatedAt >= profile.UpdatedAt
            ? profiles : profiles.SetItem(workspaceId, profile);
}
