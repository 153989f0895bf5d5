using System.Collections.Immutable;
using System.Globalization;
using Beadhub.Chat;
using Beadhub.Presence;
using static Beadhub.Hosting.Cluster.Postgres.SharedState;

namespace Beadhub.Hosting.Cluster.Postgres;

/// <summary>
/// Who waits in which session, in PostgreSQL, for many nodes without Redis: a row an open stream, which counts for a time. What a lost node
/// has left runs out by itself. While PostgreSQL cannot be reached a node knows of its own streams.
/// </summary>
internal sealed class PostgresChatPresence(SharedState shared, MemoryChatPresence here, TimeProvider time) : IChatPresence
{
    private const string Put = """
        INSERT INTO shared_state (area, name, field, value, until) SELECT $1, s.name, s.field, $4, $5 FROM unnest($2, $3) AS s (name, field)
        ON CONFLICT (area, name, field) DO UPDATE SET value = excluded.value, until = excluded.until
        """;

    /// <inheritdoc/>
    public async ValueTask Enter(IReadOnlyCollection<ChatSeat> seats)
    {
        await here.Enter(seats);
        await Write("waiting", [.. seats.Select(static seat => seat.Session)], [.. seats.Select(Field)], "", IChatPresence.Ttl);
    }

    /// <inheritdoc/>
    public async ValueTask Leave(ChatSeat seat)
    {
        await here.Leave(seat);
        await shared.Try(async connection =>
        {
            await using var command = Command(connection, "DELETE FROM shared_state WHERE area = 'waiting' AND name = $1 AND field = $2",
                seat.Session, Field(seat));
            return await command.ExecuteNonQueryAsync();
        });
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<ImmutableHashSet<string>>> Waiting(ImmutableArray<string> sessions)
    {
        if (sessions.IsEmpty) return [];
        var (answered, waiting) = await shared.Try(async connection =>
        {
            await using var command = Command(connection,
                "SELECT name, field FROM shared_state WHERE area = 'waiting' AND name = ANY($1) AND until > $2", sessions.ToArray(),
                time.GetUtcNow());
            await using var row = await command.ExecuteReaderAsync();
            var seats = new List<(string Session, string Agent)>();
            while (await row.ReadAsync()) seats.Add((row.GetString(0), row.GetString(1).Split('|')[0]));
            return seats.ToLookup(static seat => seat.Session, static seat => seat.Agent, StringComparer.Ordinal);
        });
        return answered
            ? [.. sessions.Select(session => waiting[session].ToImmutableHashSet(StringComparer.Ordinal))]
            : await here.Waiting(sessions);
    }

    /// <inheritdoc/>
    public async ValueTask Listed(string agentId)
    {
        await here.Listed(agentId);
        await Write("listed", [agentId], [""], time.GetUtcNow().UtcTicks.ToString(CultureInfo.InvariantCulture), IChatPresence.ListedTtl);
    }

    /// <inheritdoc/>
    public async ValueTask<DateTimeOffset?> LastListed(string agentId)
    {
        var (answered, ticks) = await shared.Try(async connection =>
        {
            await using var command = Command(connection,
                "SELECT value FROM shared_state WHERE area = 'listed' AND name = $1 AND until > $2", agentId, time.GetUtcNow());
            return await command.ExecuteScalarAsync() as string;
        });
        if (!answered) return await here.LastListed(agentId);
        return ticks is null ? null : new DateTimeOffset(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero);
    }

    private ValueTask<(bool Answered, int Rows)> Write(string area, string[] names, string[] fields, string value, TimeSpan ttl) =>
        shared.Try(async connection =>
        {
            await using var command = Command(connection, Put, area, names, fields, value, time.GetUtcNow() + ttl);
            return await command.ExecuteNonQueryAsync();
        });

    private static string Field(ChatSeat seat) => $"{seat.AgentId}|{seat.StreamId:N}";
}
