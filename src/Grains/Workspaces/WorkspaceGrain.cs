using Beadhub.EventLog;

namespace Beadhub.Workspaces;

/// <inheritdoc cref="IWorkspaceGrain"/>
public sealed class WorkspaceGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Workspace>(log), IWorkspaceGrain
{
    private static readonly Func<Workspace, Profile> ProfileOf = workspace => workspace.Profile;

    /// <inheritdoc/>
    public Task<Profile> Update(ProfilePatch patch) => Transact(workspace => workspace.Update(patch, time.Now()));

    /// <inheritdoc/>
    public ValueTask<Profile> Get() => Read(ProfileOf);
}
