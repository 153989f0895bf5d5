using Beadhub.EventLog;
using Beadhub.Projects;

namespace Beadhub.ApiKeys;

/// <inheritdoc cref="IApiKeyGrain"/>
public sealed class ApiKeyGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<ApiKey>(log), IApiKeyGrain
{
    private static readonly Func<ApiKey, KeyIdentity?> Holder = key => key.RevokedAt is null ? key.Identity : null;

    private IProjectGrain? _project;

    /// <inheritdoc/>
    public Task Issue(ApiKeyIssued issued) => Transact(key => key.Issue(issued));

    /// <inheritdoc/>
    public Task<bool> Revoke() => Transact(key => key.Revoke(time.Now()));

    /// <inheritdoc/>
    public async ValueTask<KeyHolder?> Identify()
    {
        // Runs on every request: all in memory, this completes without waiting and allocates nothing.
        if (await Read(Holder) is not { } identity)
        {
            // Anybody may send any key: what is not there must not stay in memory.
            DeactivateOnIdle();
            return null;
        }

        _project ??= GrainFactory.GetGrain<IProjectGrain>(identity.ProjectId);
        return new KeyHolder(identity, await _project.Standing(identity.AgentId));
    }
}
