using System.Net;
using Beadhub.Gateway;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>Counts bootstraps in Redis, for all nodes together (contract 3.5 and 18). While Redis is away each node counts for
/// itself.</summary>
internal sealed class RedisInitRate(RedisConnection redis, MemoryInitRate here, GatewaySettings settings) : IInitRate
{
    // One step, so that no count is left without an end.
    private const string Count = """
        local count = redis.call('INCR', KEYS[1])
        if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
        return {count, redis.call('PTTL', KEYS[1])}
        """;

    private const string Back = """
        local back = redis.call('INCR', KEYS[2])
        if back == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
        if back <= tonumber(ARGV[2]) and (tonumber(redis.call('GET', KEYS[1])) or 0) > 0 then redis.call('DECR', KEYS[1]) end
        return back
        """;

    /// <inheritdoc/>
    public async ValueTask<TimeSpan?> Take(IPAddress client)
    {
        var (answered, counted) = await redis.Try(async database =>
            (long[])(await database.ScriptEvaluateAsync(Count, [$"ratelimit:init:{client}"],
                [(long)settings.InitRateWindow.TotalMilliseconds]))!);
        if (!answered) return await here.Take(client);
        return counted[0] <= settings.InitRateLimit ? null : TimeSpan.FromMilliseconds(Math.Max(0, counted[1]));
    }

    /// <inheritdoc/>
    public async ValueTask GiveBack(IPAddress client)
    {
        var (answered, _) = await redis.Try(database => database.ScriptEvaluateAsync(
            Back,
            [$"ratelimit:init:{client}", $"ratelimit:init:{client}:invalid"],
            [(long)settings.InitRateWindow.TotalMilliseconds, settings.InitRateLimit * (long)IInitRate.Invalid]));
        if (!answered) await here.GiveBack(client);
    }
}
