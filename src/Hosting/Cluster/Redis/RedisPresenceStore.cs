using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Beadhub.Presence;
using StackExchange.Redis;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>
/// Presence in Redis, under the protocol's keys (contract 18), for many nodes. While Redis is away a node shows the signs of life that came
/// to itself.
/// </summary>
/// <remarks>
/// Each project has a count of changes. A node that has read the project's presences reads only that count until it moves, so that a list
/// costs one short question whatever the number of agents.
/// </remarks>
internal sealed class RedisPresenceStore : IPresenceStore
{
    private const string All = "idx:all_workspaces";

    private const int MostKnown = 10_000; // projects; what is cleared is read again

    private static readonly TimeSpan Remembered = TimeSpan.FromDays(90);
    private static readonly ImmutableDictionary<string, DateTimeOffset> Nobody = ImmutableDictionary<string, DateTimeOffset>.Empty;

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);
    private readonly RedisConnection _redis;
    private readonly MemoryPresenceStore _here;
    private readonly PresenceOptions _options;
    private readonly TimeProvider _time;

    private readonly ConcurrentDictionary<string, KnownSeen> _seen = new(StringComparer.Ordinal);

    private sealed record KnownSeen(RedisValue Changes, ImmutableDictionary<string, DateTimeOffset> All);

    private sealed record Known(RedisValue Changes, PresenceSnapshot Snapshot);

    public RedisPresenceStore(RedisConnection redis, MemoryPresenceStore here, PresenceOptions options, TimeProvider time)
    {
        (_redis, _here, _options, _time) = (redis, here, options, time);
        // A Redis that came back may have forgotten its counts, and begun again at one that was seen.
        redis.Restored += _known.Clear;
        redis.Restored += _seen.Clear;
    }

    /// <inheritdoc/>
    public async ValueTask<AgentPresence> Set(SignOfLife sign) => await Change(sign, AgentPresence.Reported, await _here.Set(sign));

    /// <inheritdoc/>
    public async ValueTask<AgentPresence> Refresh(SignOfLife sign) =>
        await Change(sign, AgentPresence.Refreshed, await _here.Refresh(sign));

    /// <inheritdoc/>
    public async ValueTask<bool> Clear(string projectId, string workspaceId)
    {
        var known = await _here.Clear(projectId, workspaceId);
        var (answered, cleared) = await _redis.Try(async database =>
        {
            var present = Parse(await database.HashGetAllAsync(Key(workspaceId)));
            if (present?.ProjectId != projectId) return false;
            var transaction = database.CreateTransaction();
            var deleted = transaction.KeyDeleteAsync(Key(workspaceId));
            _ = transaction.SetRemoveAsync(All, workspaceId);
            _ = transaction.SetRemoveAsync(OfProject(projectId), workspaceId);
            _ = transaction.StringIncrementAsync(Changes(projectId));
            await transaction.ExecuteAsync();
            return await deleted && present.ExpiresAt > _time.Now();
        });
        return answered ? cleared : known;
    }

    /// <inheritdoc/>
    public async ValueTask Touch(string projectId, string workspaceId)
    {
        await _here.Touch(projectId, workspaceId);
        var now = _time.Now();
        await _redis.Try(async database =>
        {
            var transaction = database.CreateTransaction();
            _ = transaction.HashSetAsync(SeenIn(projectId), workspaceId, Text(now));
            _ = transaction.KeyExpireAsync(SeenIn(projectId), Remembered);
            _ = transaction.StringIncrementAsync(SeenChanges(projectId));
            return await transaction.ExecuteAsync();
        });
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, DateTimeOffset>> Seen(string projectId)
    {
        var (answered, seen) = await _redis.Try(database => ReadSeen(database, projectId));
        return answered ? seen : await _here.Seen(projectId);
    }

    private async Task<ImmutableDictionary<string, DateTimeOffset>> ReadSeen(IDatabase database, string projectId)
    {
        // As for the presences: the count first.
        var changes = await database.StringGetAsync(SeenChanges(projectId));
        if (changes.IsNull) return Nobody;
        if (_seen.TryGetValue(projectId, out var known) && known.Changes == changes) return known.All;
        var all = Nobody.ToBuilder();
        foreach (var entry in await database.HashGetAllAsync(SeenIn(projectId)))
            if (TryParse(entry.Value, out var at)) all[entry.Name!] = at;
        if (_seen.Count >= MostKnown) _seen.Clear();
        return (_seen[projectId] = new(changes, all.ToImmutable())).All;
    }

    /// <inheritdoc/>
    public async ValueTask<PresenceSnapshot> Snapshot(string projectId)
    {
        var (answered, snapshot) = await _redis.Try(database => Read(database, projectId));
        return answered ? snapshot : await _here.Snapshot(projectId);
    }

    private async ValueTask<AgentPresence> Change(SignOfLife sign, Func<SignOfLife, AgentPresence?, AgentPresence> change,
        AgentPresence otherwise)
    {
        var (answered, presence) = await _redis.Try(async database =>
        {
            var now = _time.Now();
            var ttl = sign.Ttl ?? _options.Ttl;
            var before = Parse(await database.HashGetAllAsync(Key(sign.WorkspaceId)));
            if (before?.ProjectId != sign.ProjectId || before.ExpiresAt <= now) before = null;
            var presence = change(sign, before) with { LastSeen = now, ExpiresAt = now + ttl };
            await Write(database, presence, ttl);
            return presence;
        });
        return answered ? presence : otherwise;
    }

    private static async Task Write(IDatabase database, AgentPresence presence, TimeSpan ttl)
    {
        var (id, project, key) = (presence.WorkspaceId, presence.ProjectId, Key(presence.WorkspaceId));
        var transaction = database.CreateTransaction();
        _ = transaction.KeyDeleteAsync(key);
        _ = transaction.HashSetAsync(key, Fields(presence, ttl));
        _ = transaction.KeyExpireAsync(key, ttl);
        Index(All);
        Index(OfProject(project));
        Index($"idx:project_slug_workspaces:{Encode(presence.ProjectSlug)}");
        if (presence.RepoId.Length > 0)
        {
            Index($"idx:repo_workspaces:{presence.RepoId}");
            if (presence.CurrentBranch.Length > 0) Index($"idx:branch_workspaces:{presence.RepoId}:{Encode(presence.CurrentBranch)}");
        }

        _ = transaction.StringSetAsync($"idx:alias:{project}:{Encode(presence.Alias)}", id, ttl * 2);
        _ = transaction.StringIncrementAsync(Changes(project));
        await transaction.ExecuteAsync();

        void Index(string set)
        {
            _ = transaction.SetAddAsync(set, id);
            _ = transaction.KeyExpireAsync(set, ttl * 2);
        }
    }

    private async Task<PresenceSnapshot> Read(IDatabase database, string projectId)
    {
        // Before the presences: what changes in between is read again the next time.
        var changes = await database.StringGetAsync(Changes(projectId));
        if (changes.IsNull) return PresenceSnapshot.Empty;
        var now = _time.Now();
        if (_known.TryGetValue(projectId, out var known) && known.Changes == changes)
        {
            if (now < known.Snapshot.ValidUntil) return known.Snapshot;
            _known[projectId] = known = known with { Snapshot = known.Snapshot.At(now) };
            return known.Snapshot;
        }

        var ids = await database.SetMembersAsync(OfProject(projectId));
        var hashes = await Task.WhenAll(ids.Select(id => database.HashGetAllAsync(Key(id!))));
        var snapshot = PresenceSnapshot.Empty;
        for (var i = 0; i < ids.Length; i++)
        {
            if (Parse(hashes[i]) is { } presence && presence.ProjectId == projectId && presence.ExpiresAt > now)
                snapshot = snapshot.With(presence);
            // What has expired leaves the index when somebody comes by.
            else if (hashes[i].Length == 0) _ = Forget(database, projectId, ids[i]);
        }

        if (_known.Count >= MostKnown) _known.Clear();
        _known[projectId] = new(changes, snapshot);
        return snapshot;
    }

    private static async Task Forget(IDatabase database, string projectId, RedisValue id)
    {
        try
        {
            await Task.WhenAll(database.SetRemoveAsync(OfProject(projectId), id), database.SetRemoveAsync(All, id));
        }
        catch (Exception e) when (e is RedisException or OperationCanceledException or ObjectDisposedException)
        {
            // The next one to come by does it.
        }
    }

    private static HashEntry[] Fields(AgentPresence presence, TimeSpan ttl)
    {
        var fields = new List<HashEntry>
        {
            new("workspace_id", presence.WorkspaceId),
            new("alias", presence.Alias),
            new("human_name", presence.HumanName),
            new("project_id", presence.ProjectId),
            new("project_slug", presence.ProjectSlug),
            new("repo_id", presence.RepoId),
            new("member_email", presence.MemberEmail),
            new("program", presence.Program),
            new("model", presence.Model),
            new("status", presence.Status),
            new("current_branch", presence.CurrentBranch),
            new("last_seen", Text(presence.LastSeen)),
            new("ttl_seconds", ttl.TotalSeconds.ToString(CultureInfo.InvariantCulture)),
        };
        if (presence.Role is { } role) fields.Add(new("role", role));
        if (presence.CanonicalOrigin is { } origin) fields.Add(new("canonical_origin", origin));
        if (presence.Timezone is { } timezone) fields.Add(new("timezone", timezone));
        return [.. fields];
    }

    private static AgentPresence? Parse(HashEntry[] fields)
    {
        if (fields.Length == 0) return null;
        var values = fields.ToDictionary(static field => (string)field.Name!, static field => (string?)field.Value);
        if (!TryParse(values.GetValueOrDefault("last_seen"), out var seen)) return null;
        if (!double.TryParse(values.GetValueOrDefault("ttl_seconds"), CultureInfo.InvariantCulture, out var ttl)) return null;
        return new(
            Field("workspace_id"), Field("alias"), Field("human_name"), Field("project_id"), Field("project_slug"), Field("repo_id"),
            Field("member_email"), Field("program"),
            Field("model"), Field("status"), Field("current_branch"), values.GetValueOrDefault("role"),
            values.GetValueOrDefault("canonical_origin"),
            values.GetValueOrDefault("timezone"), seen, seen + TimeSpan.FromSeconds(ttl));

        string Field(string name) => values.GetValueOrDefault(name) ?? "";
    }

    private static string Key(string workspaceId) => $"presence:{workspaceId}";

    private static string OfProject(string projectId) => $"idx:project_workspaces:{projectId}";

    // Never expires, lest it begin again at a count that a node remembers.
    private static string Changes(string projectId) => $"presence:changes:{projectId}";

    private static string SeenIn(string projectId) => $"seen:{projectId}";

    private static string SeenChanges(string projectId) => $"seen:changes:{projectId}";

    private static string Text(DateTimeOffset at) => at.ToString("O", CultureInfo.InvariantCulture);

    private static bool TryParse(string? text, out DateTimeOffset at) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out at);

    // A colon in a value must not end a part of the key.
    private static string Encode(string text) => Uri.EscapeDataString(text);
}
