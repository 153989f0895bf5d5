using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.ApiKeys;

/// <inheritdoc cref="IApiKeysGrain"/>
public sealed class ApiKeysGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<KeyList>(log), IApiKeysGrain
{
    private static readonly Func<KeyList, KeyList> WholeState = list => list;

    /// <inheritdoc/>
    public Task Begin() => Transact(list => list.Enter([], isWhole: true, time.Now()));

    /// <inheritdoc/>
    public Task Enter(ListedApiKey key) => Transact(list => list.Enter([key], isWhole: false, time.Now()));

    /// <inheritdoc/>
    public async Task<ImmutableArray<ApiKeyView>> List(string? agentId)
    {
        var keys = (await Whole()).Keys.Values.Select(static key => key.View).Where(key => agentId is null || key.AgentId == agentId);
        return [.. keys.OrderByDescending(static key => key.CreatedAt)
            .ThenByDescending(static key => key.ApiKeyId, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task<ApiKeyView?> Find(string apiKeyId) => (await Whole()).Keys.GetValueOrDefault(apiKeyId)?.View;

    /// <inheritdoc/>
    public async Task<ImmutableArray<string>?> Revoke(string? apiKeyId, string? agentId, string? except)
    {
        var meant = (await Whole()).Keys.Values
            .Where(key => (apiKeyId is null || key.View.ApiKeyId == apiKeyId) && (agentId is null || key.View.AgentId == agentId))
            .ToImmutableArray();
        if (meant.IsEmpty) return null;
        var ended = ImmutableArray.CreateBuilder<string>();
        foreach (var key in meant.Where(key => key.View.RevokedAt is null && key.View.ApiKeyId != except))
        {
            // The record first: a list that said so too early would show a key as ended that still opens.
            if (await GrainFactory.GetGrain<IApiKeyGrain>(key.Hash).Revoke()) ended.Add(key.View.ApiKeyId);
            await Transact(list => list.Revoke(key.View.ApiKeyId, time.Now()));
        }

        return ended.DrainToImmutable();
    }

    /// <inheritdoc/>
    public async Task<ApiKeyView?> SetExpiry(string apiKeyId, DateTimeOffset? expiresAt)
    {
        if (!(await Whole()).Keys.TryGetValue(apiKeyId, out var key)) return null;
        if (!await GrainFactory.GetGrain<IApiKeyGrain>(key.Hash).SetExpiry(expiresAt))
            throw new RefusedException(RefusalKind.Conflict, "API key has ended: make another one");
        return await Transact(list => list.SetExpiry(apiKeyId, expiresAt, time.Now()));
    }

    /// <inheritdoc/>
    public async Task Used(ImmutableArray<ApiKeyUse> uses)
    {
        // A node of an older version may have made keys since the list was whole.
        var list = await Read(WholeState);
        foreach (var use in uses.Where(use => !list.Keys.ContainsKey(use.ApiKeyId)))
            if (await GrainFactory.GetGrain<IApiKeyGrain>(use.Hash).Describe() is { } key) await Enter(new(use.Hash, key));
        await Transact(known => known.Used(uses, time.Now()));
    }

    private async Task<KeyList> Whole()
    {
        var list = await Read(WholeState);
        if (list.IsWhole) return list;
        var project = this.GetPrimaryKeyString();
        var found = ImmutableArray.CreateBuilder<ListedApiKey>();
        await foreach (var stored in Log.LoadAll(InstanceFeed.Id, ApiKey.Kind.Name))
        {
            var key = stored.Fold<ApiKey>();
            if (key.Identity?.ProjectId == project) found.Add(new(stored.Key, key.View()!));
        }

        await Transact(known => known.Enter(found.ToImmutable(), isWhole: true, time.Now()));
        return await Read(WholeState);
    }
}

/// <summary>The list of a project's API keys. Pure.</summary>
/// <param name="Keys">Keys by id.</param>
/// <param name="IsWhole">Whether those are all: none is missing that was made before there were lists.</param>
public sealed record KeyList(ImmutableDictionary<string, ListedApiKey> Keys, bool IsWhole) : IEventSourced<KeyList>
{
    private const int UsesAtOnce = 1000;

    private static readonly TimeSpan Coarse = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public static KeyList Empty { get; } = new(ImmutableDictionary<string, ListedApiKey>.Empty, IsWhole: false);

    /// <inheritdoc/>
    public static StreamKind<KeyList> Kind { get; } = new("api_keys", KeyListJson.Default.KeyList, SnapshotEvery: 64, key => key)
    {
        // A snapshot holds all keys.
        EventsOf = static list => list.Keys.Count,
    };

    /// <inheritdoc/>
    public KeyList Apply(IEvent @event) => @event switch
    {
        ApiKeysEntered e => new(
            Keys.SetItems(e.Keys.Select(static key => KeyValuePair.Create(key.View.ApiKeyId, key))), IsWhole || e.IsWhole),
        ApiKeyChanged e => With(e.ApiKeyId, view => view with { RevokedAt = e.RevokedAt, ExpiresAt = e.ExpiresAt }),
        ApiKeysUsed e => e.Uses.Aggregate(this, static (list, use) =>
            list.With(use.ApiKeyId, view => view with { LastUsedAt = view.LastUsedAt > use.At ? view.LastUsedAt : use.At })),
        _ => this,
    };

    /// <summary>Enters keys that are not there.</summary>
    public Decision<bool> Enter(ImmutableArray<ListedApiKey> keys, bool isWhole, DateTimeOffset now)
    {
        var news = keys.RemoveAll(key => Keys.ContainsKey(key.View.ApiKeyId));
        return news.IsEmpty && (!isWhole || IsWhole) ? Decision.None(false) : Decision.Accept(true, new ApiKeysEntered(news, isWhole, now));
    }

    /// <summary>Notes that a key was revoked.</summary>
    public Decision<bool> Revoke(string apiKeyId, DateTimeOffset now) =>
        Keys.GetValueOrDefault(apiKeyId) is { View: { RevokedAt: null } key }
            ? Decision.Accept(true, new ApiKeyChanged(apiKeyId, now, key.ExpiresAt, now)) : Decision.None(false);

    /// <summary>Notes when a key ends.</summary>
    public Decision<ApiKeyView> SetExpiry(string apiKeyId, DateTimeOffset? expiresAt, DateTimeOffset now)
    {
        var key = Keys[apiKeyId].View;
        return key.ExpiresAt == expiresAt ? Decision.None(key)
            : Decision.Accept(key with { ExpiresAt = expiresAt }, new ApiKeyChanged(apiKeyId, key.RevokedAt, expiresAt, now));
    }

    /// <summary>Notes uses that are news by an hour: a key that is always in use is worth an event an hour, not one a request.</summary>
    public Decision<bool> Used(ImmutableArray<ApiKeyUse> uses, DateTimeOffset now)
    {
        var news = uses.Where(use => Keys.GetValueOrDefault(use.ApiKeyId) is { } key
            && (key.View.LastUsedAt is not { } last || use.At - last >= Coarse)).Take(UsesAtOnce).ToImmutableArray();
        return news.IsEmpty ? Decision.None(false) : Decision.Accept(true, new ApiKeysUsed(news, now));
    }

    private KeyList With(string apiKeyId, Func<ApiKeyView, ApiKeyView> change) => Keys.GetValueOrDefault(apiKeyId) is { } key
        ? this with { Keys = Keys.SetItem(apiKeyId, key with { View = change(key.View) }) } : this;
}

/// <summary>JSON of the snapshots of lists.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeyList))]
internal sealed partial class KeyListJson : JsonSerializerContext;
