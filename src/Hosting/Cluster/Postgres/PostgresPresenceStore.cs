using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Presence;
using Npgsql;
using static Beadhub.Hosting.Cluster.Postgres.SharedState;

namespace Beadhub.Hosting.Cluster.Postgres;

/// <summary>
/// Presence in PostgreSQL, for many nodes without Redis. While it cannot be reached a node shows the signs of life that came to itself.
/// </summary>
/// <remarks>
/// A row a workspace, and one a project whose value is another one after each change: a node that has read the project's presences reads
/// only that until it changes. Signs of life that only say "still here" are written every other second at most.
/// </remarks>
internal sealed class PostgresPresenceStore(SharedState shared, MemoryPresenceStore here, PresenceOptions options, TimeProvider time)
    : IPresenceStore
{
    private const string Presences = "presence";
    private const string SeenArea = "seen";
    private const int MostKnown = 10_000; // projects, or workspaces; what is cleared is read or written again

    private const string Mark = """
        marked AS (
            INSERT INTO shared_state (area, name, field, value, until) VALUES ($1, $2, '', gen_random_uuid()::text, 'infinity')
            ON CONFLICT (area, name, field) DO UPDATE SET value = excluded.value
        )
        """;

    private const string Put = $"""
        WITH {Mark} INSERT INTO shared_state (area, name, field, value, until) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (area, name, field) DO UPDATE SET value = excluded.value, until = excluded.until
        """;

    private const string Remove =
        $"WITH {Mark} DELETE FROM shared_state WHERE area = $1 AND name = $2 AND field = $3 AND field <> '' RETURNING until > $4";

    private const string Get = "SELECT value FROM shared_state WHERE area = $1 AND name = $2 AND field = $3";
    private const string All = "SELECT field, value FROM shared_state WHERE area = $1 AND name = $2 AND field <> '' AND until > $3";

    private static readonly TimeSpan Remembered = TimeSpan.FromDays(90);
    private static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (string State, PresenceSnapshot Snapshot)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string State, ImmutableDictionary<string, DateTimeOffset> All)> _seen =
        new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, (AgentPresence Said, DateTimeOffset At)> _written = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _touched = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<AgentPresence> Set(SignOfLife sign) => await Change(sign, AgentPresence.Reported, await here.Set(sign));

    /// <inheritdoc/>
    public async ValueTask<AgentPresence> Refresh(SignOfLife sign)
    {
        var known = await here.Refresh(sign);
        return _written.TryGetValue(sign.WorkspaceId, out var last) && time.GetUtcNow() - last.At < WriteEvery && last.Said == Said(known)
            ? known : await Change(sign, AgentPresence.Refreshed, known);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> Clear(string projectId, string workspaceId)
    {
        var known = await here.Clear(projectId, workspaceId);
        _written.TryRemove(workspaceId, out _);
        var (answered, cleared) = await shared.Try(async connection =>
        {
            await using var command = Command(connection, Remove, Presences, projectId, workspaceId, time.GetUtcNow());
            return await command.ExecuteScalarAsync() is true;
        });
        return answered ? cleared : known;
    }

    /// <inheritdoc/>
    public async ValueTask Touch(string projectId, string workspaceId)
    {
        await here.Touch(projectId, workspaceId);
        var now = time.Now();
        if (_touched.TryGetValue(workspaceId, out var last) && now - last < WriteEvery) return;
        if (_touched.Count >= MostKnown) _touched.Clear();
        _touched[workspaceId] = now;
        await Write(SeenArea, projectId, workspaceId, now.UtcTicks.ToString(CultureInfo.InvariantCulture), now + Remembered);
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, DateTimeOffset>> Seen(string projectId)
    {
        var (answered, seen) = await shared.Try(connection => Read(connection, _seen, SeenArea, projectId,
            ImmutableDictionary<string, DateTimeOffset>.Empty, static rows => rows.ToImmutableDictionary(
                static row => row.Field,
                static row => new DateTimeOffset(long.Parse(row.Value, CultureInfo.InvariantCulture), TimeSpan.Zero))));
        return answered ? seen : await here.Seen(projectId);
    }

    /// <inheritdoc/>
    public async ValueTask<PresenceSnapshot> Snapshot(string projectId)
    {
        var now = time.Now();
        var (answered, snapshot) = await shared.Try(connection => Read(connection, _known, Presences, projectId, PresenceSnapshot.Empty,
            static rows => rows.Aggregate(PresenceSnapshot.Empty, static (all, row) => all.With(Parse(row.Value)))));
        if (!answered) return await here.Snapshot(projectId);
        if (now < snapshot.ValidUntil) return snapshot;
        var valid = snapshot.At(now);
        if (_known.TryGetValue(projectId, out var known) && ReferenceEquals(known.Snapshot, snapshot))
            _known.TryUpdate(projectId, (known.State, valid), known);
        return valid;
    }

    private async ValueTask<AgentPresence> Change(SignOfLife sign, Func<SignOfLife, AgentPresence?, AgentPresence> change,
        AgentPresence otherwise)
    {
        var now = time.Now();
        var (answered, presence) = await shared.Try(async connection =>
        {
            await using var get = Command(connection, Get, Presences, sign.ProjectId, sign.WorkspaceId);
            var before = await get.ExecuteScalarAsync() is string there ? Parse(there) : null;
            var presence = change(sign, before?.ExpiresAt > now ? before : null) with { LastSeen = now,
                ExpiresAt = now + (sign.Ttl ?? options.Ttl) };
            await using var put = Command(connection, Put, Presences, sign.ProjectId, sign.WorkspaceId,
                JsonSerializer.Serialize(presence, PresenceJson.Default.AgentPresence), presence.ExpiresAt);
            await put.ExecuteNonQueryAsync();
            return presence;
        });
        if (!answered) return otherwise;
        if (_written.Count >= MostKnown) _written.Clear();
        _written[sign.WorkspaceId] = (Said(presence), now);
        return presence;
    }

    private ValueTask<(bool Answered, int Rows)> Write(string area, string project, string workspace, string value, DateTimeOffset until) =>
        shared.Try(async connection =>
        {
            await using var command = Command(connection, Put, area, project, workspace, value, until);
            return await command.ExecuteNonQueryAsync();
        });

    private async Task<T> Read<T>(NpgsqlConnection connection, ConcurrentDictionary<string, (string State, T All)> known, string area,
        string project, T none, Func<IEnumerable<(string Field, string Value)>, T> of)
    {
        // Before the rows: what changes in between is read again the next time.
        await using var ask = Command(connection, Get, area, project, "");
        if (await ask.ExecuteScalarAsync() is not string state) return none;
        if (known.TryGetValue(project, out var last) && last.State == state) return last.All;
        var rows = new List<(string, string)>();
        await using (var all = Command(connection, All, area, project, time.Now()))
        await using (var row = await all.ExecuteReaderAsync())
            while (await row.ReadAsync()) rows.Add((row.GetString(0), row.GetString(1)));
        if (known.Count >= MostKnown) known.Clear();
        return (known[project] = (state, of(rows))).All;
    }

    private static AgentPresence Parse(string value) => JsonSerializer.Deserialize(value, PresenceJson.Default.AgentPresence)!;

    private static AgentPresence Said(AgentPresence presence) => presence with { LastSeen = default, ExpiresAt = default };
}

/// <summary>JSON of presences in the table.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AgentPresence))]
internal sealed partial class PresenceJson : JsonSerializerContext;
