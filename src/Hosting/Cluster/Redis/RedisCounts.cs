using Beadhub.Gateway;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>Counts of all nodes in Redis; unknown while it is away.</summary>
internal sealed class RedisCounts(RedisConnection redis, TimeProvider time) : ISharedCounts
{
    // One step, so that no count is left without an end.
    private const string CountUp = """
        local count = redis.call('INCRBY', KEYS[1], ARGV[1])
        if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
        return {count, redis.call('PTTL', KEYS[1])}
        """;

    /// <inheritdoc/>
    public async ValueTask<SharedCount?> Add(string name, long by, TimeSpan window)
    {
        var (answered, counted) = await redis.Try(async database =>
            (long[])(await database.ScriptEvaluateAsync(CountUp, [$"count:{name}"], [by, (long)window.TotalMilliseconds]))!);
        return answered ? new(counted[0], time.GetUtcNow().AddMilliseconds(Math.Max(0, counted[1]))) : null;
    }
}
