using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.ApiKeys;

/// <inheritdoc cref="IApiKeysGrain"/>
[StatelessWorker]
public sealed class ApiKeysGrain(IEventLog log) : Grain, IApiKeysGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<ApiKeyView>> List(string? agentId)
    {
        var keys = ImmutableArray.CreateBuilder<ApiKeyView>();
        await foreach (var (_, key) in Own(agentId)) keys.Add(key.View()!);
        keys.Sort(static (a, b) => (b.CreatedAt, b.ApiKeyId).CompareTo((a.CreatedAt, a.ApiKeyId)));
        return keys.DrainToImmutable();
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<string>?> Revoke(string? apiKeyId, string? agentId)
    {
        var known = false;
        var ended = ImmutableArray.CreateBuilder<string>();
        await foreach (var (hash, key) in Own(agentId))
        {
            if (apiKeyId is not null && key.Identity!.ApiKeyId != apiKeyId) continue;
            known = true;
            if (await GrainFactory.GetGrain<IApiKeyGrain>(hash).Revoke()) ended.Add(key.Identity!.ApiKeyId);
        }

        return known ? ended.DrainToImmutable() : null;
    }

    private async IAsyncEnumerable<(string Hash, ApiKey Key)> Own(string? agentId)
    {
        var project = this.GetPrimaryKeyString();
        await foreach (var stored in log.LoadAll(InstanceFeed.Id, ApiKey.Kind.Name))
        {
            var key = stored.Fold<ApiKey>();
            if (key.Identity is { } holder && holder.ProjectId == project && (agentId is null || holder.AgentId == agentId))
                yield return (stored.Key, key);
        }
    }
}
