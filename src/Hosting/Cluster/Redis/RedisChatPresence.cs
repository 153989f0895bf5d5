using System.Collections.Immutable;
using Beadhub.Chat;
using Beadhub.Presence;
using StackExchange.Redis;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>
/// Who waits in which session, in Redis, for many nodes: one sorted set a session, with an entry for each open stream that counts until its
/// score. What a lost node has left runs out by itself. While Redis is away a node knows of its own streams.
/// </summary>
internal sealed class RedisChatPresence(RedisConnection redis, MemoryChatPresence here, TimeProvider time) : IChatPresence
{
    /// <inheritdoc/>
    public async ValueTask Enter(IReadOnlyCollection<ChatSeat> seats)
    {
        await here.Enter(seats);
        var until = Score(time.GetUtcNow() + IChatPresence.Ttl);
        await redis.Try(async database =>
        {
            await Task.WhenAll(seats.SelectMany(seat => new Task[]
            {
                database.SortedSetAddAsync(Key(seat.Session), Member(seat), until),
                database.KeyExpireAsync(Key(seat.Session), IChatPresence.Ttl),
            }));
            return true;
        });
    }

    /// <inheritdoc/>
    public async ValueTask Leave(ChatSeat seat)
    {
        await here.Leave(seat);
        await redis.Try(database => database.SortedSetRemoveAsync(Key(seat.Session), Member(seat)));
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<ImmutableHashSet<string>>> Waiting(ImmutableArray<string> sessions)
    {
        if (sessions.IsEmpty) return [];
        var now = Score(time.GetUtcNow());
        var (answered, members) = await redis.Try(database =>
            Task.WhenAll(sessions.Select(session => database.SortedSetRangeByScoreAsync(Key(session), now, exclude: Exclude.Start))));
        return answered
            ? [.. members.Select(static seats =>
                seats.Select(static seat => ((string)seat!).Split('|')[0]).ToImmutableHashSet(StringComparer.Ordinal))]
            : await here.Waiting(sessions);
    }

    /// <inheritdoc/>
    public async ValueTask Listed(string agentId)
    {
        await here.Listed(agentId);
        await redis.Try(database => database.StringSetAsync(ListedKey(agentId), time.GetUtcNow().UtcTicks, IChatPresence.ListedTtl));
    }

    /// <inheritdoc/>
    public async ValueTask<DateTimeOffset?> LastListed(string agentId)
    {
        var (answered, at) = await redis.Try(database => database.StringGetAsync(ListedKey(agentId)));
        if (!answered) return await here.LastListed(agentId);
        return at.HasValue && at.TryParse(out long ticks) ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
    }

    private static string ListedKey(string agentId) => $"chat:listed:{agentId}";

    private static double Score(DateTimeOffset at) => at.ToUnixTimeMilliseconds();

    private static string Key(string session) => $"chat:waiting:{session}";

    private static string Member(ChatSeat seat) => $"{seat.AgentId}|{seat.StreamId:N}";
}
