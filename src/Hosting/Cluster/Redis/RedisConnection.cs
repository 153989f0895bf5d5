using StackExchange.Redis;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>
/// The node's connection to Redis. Redis is never the truth, so nobody waits for it long: what cannot be asked now is told so at once, and
/// after a failure nothing is asked for a moment.
/// </summary>
internal sealed partial class RedisConnection : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ConnectionMultiplexer _redis;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _awayUntil;
    private int _away;

    private RedisConnection(ConnectionMultiplexer redis, string description, TimeProvider time, ILogger logger)
    {
        (_redis, Description, _time, _logger) = (redis, description, time, logger);
        _redis.ConnectionRestored += (_, e) =>
        {
            Volatile.Write(ref _awayUntil, 0);
            if (Interlocked.Exchange(ref _away, 0) == 1) LogBack(_logger, Description);
            Restored?.Invoke();
        };
    }

    /// <summary>Redis can be reached again, after it could not.</summary>
    public event Action? Restored;

    /// <summary>Where Redis is, fit for display.</summary>
    public string Description { get; }

    /// <summary>Whether Redis answers, as far as is known.</summary>
    public bool IsConnected => _redis.IsConnected && _time.GetTimestamp() >= Volatile.Read(ref _awayUntil);

    /// <summary>For subscriptions; they are made again by the library when the connection comes back.</summary>
    public ISubscriber Subscriber => _redis.GetSubscriber();

    /// <summary>Connects, or goes on trying in the background when Redis is away.</summary>
    public static async Task<RedisConnection> Open(RedisUrl url, TimeProvider time, ILogger logger)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(url.Options);
        var connection = new RedisConnection(redis, url.Description, time, logger);
        if (!redis.IsConnected) connection.Away(null);
        return connection;
    }

    /// <summary>Asks Redis. False when it is away or takes too long; what was asked may have been done all the same.</summary>
    public async ValueTask<(bool Answered, T Answer)> Try<T>(Func<IDatabase, Task<T>> ask)
    {
        if (!IsConnected) return default;
        try
        {
            return (true, await ask(_redis.GetDatabase()).WaitAsync(Patience));
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException or OperationCanceledException)
        {
            Away(e);
            return default;
        }
    }

    /// <summary>For health checks: null when Redis answers, else what is wrong.</summary>
    public async Task<string?> Check() =>
        await Try(static database => database.PingAsync()) is { Answered: true } ? null : $"Redis at {Description} does not answer";

    public async ValueTask DisposeAsync() => await _redis.CloseAsync(allowCommandsToComplete: false);

    private void Away(Exception? error)
    {
        Volatile.Write(ref _awayUntil, _time.GetTimestamp() + (long)(Patience.TotalSeconds * _time.TimestampFrequency));
        if (Interlocked.Exchange(ref _away, 1) == 0) LogAway(_logger, Description, error?.Message ?? "no connection");
        if (error is TimeoutException) _ = ComeBack();
    }

    // A Redis that hung did not close the connection, so that nothing tells of its return.
    private async Task ComeBack()
    {
        while (Volatile.Read(ref _away) == 1)
        {
            await Task.Delay(Patience, _time);
            if ((await Try(static database => database.PingAsync())).Answered && Interlocked.Exchange(ref _away, 0) == 1)
            {
                LogBack(_logger, Description);
                Restored?.Invoke();
            }
            else if (!_redis.IsConnected)
            {
                return;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Redis at {Redis} is away ({Reason}): events are read from the database, and presence is what this node knows")]
    private static partial void LogAway(ILogger logger, string redis, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis at {Redis} is back")]
    private static partial void LogBack(ILogger logger, string redis);
}
