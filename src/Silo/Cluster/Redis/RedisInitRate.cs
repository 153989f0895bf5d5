using System.Net;
using Beadhub.Gateway;

namespace Beadhub.Silo.Cluster.Redis;

/// <summary>Counts bootstraps in Redis, for all nodes together (contract 3.5 and 18). While Redis is away each node counts for itself.</summary>
internal sealed class RedisInitRate(RedisConnection redis, MemoryInitRate here, GatewaySettings settings) : IInitRate
{
    // One step, so that no count is left without an end.
    private const string Count = """
        local count = redis.call('INCR', KEYS[1])
        if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
        return {count, redis.call('PTTL', KEYS[1])}
        """;

    /// <inheritdoc/>
    public async ValueTask<TimeSpan?> Take(IPAddress client)
    {
        var (answered, counted) = await redis.Try(async database =>
            (long[])(await database.ScriptEvaluateAsync(Count, [$"ratelimit:init:{client}"], [(long)settings.InitRateWindow.TotalMilliseconds]))!);
        if (!answered) return await here.Take(client);
        return counted[0] <= settings.InitRateLimit ? null : TimeSpan.FromMilliseconds(Math.Max(0, counted[1]));
    }
}
