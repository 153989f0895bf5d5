using Beadhub.EventLog;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.ApiKeys;

/// <inheritdoc cref="IApiKeyGrain"/>
public sealed class ApiKeyGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<ApiKey>(log), IApiKeyGrain
{
    private static readonly Func<ApiKey, ApiKey> WholeState = key => key;

    private IProjectGrain? _project;

    /// <inheritdoc/>
    public Task Issue(ApiKeyIssued issued)
    {
        // At once, and often in one commit: nobody was shown the key before both are durable, so neither counts without the other.
        var listed = new ListedApiKey(this.GetPrimaryKeyString(), ApiKey.Empty.Apply(issued).View()!);
        return Task.WhenAll(
            Transact(key => key.Issue(issued)),
            GrainFactory.GetGrain<IApiKeysGrain>(issued.ProjectId).Enter(listed));
    }

    /// <inheritdoc/>
    public Task<bool> Revoke() => Transact(key => key.Revoke(time.Now()));

    /// <inheritdoc/>
    public Task<bool> SetExpiry(DateTimeOffset? expiresAt) => Transact(key => key.SetExpiry(expiresAt, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<KeyIdentity?> Whose()
    {
        var identity = (await Read(WholeState)).Identity;
        if (identity is null) DeactivateOnIdle();
        return identity;
    }

    /// <inheritdoc/>
    public async ValueTask<ApiKeyView?> Describe() => (await Read(WholeState)).View();

    /// <inheritdoc/>
    public async ValueTask<KeyHolder?> Identify()
    {
        // Runs on every request: all in memory, this completes without waiting and allocates nothing.
        var key = await Read(WholeState);
        if (key.Identity is not { } identity || key.RevokedAt is not null || (key.ExpiresAt is { } end && end <= time.GetUtcNow()))
        {
            // Anybody may send any key: what is not there must not stay in memory.
            DeactivateOnIdle();
            return null;
        }

        _project ??= GrainFactory.GetGrain<IProjectGrain>(identity.ProjectId);
        return new KeyHolder(identity, await _project.Standing(identity.AgentId));
    }
}
