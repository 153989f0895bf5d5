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
