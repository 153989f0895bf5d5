using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Redis;
using StackExchange.Redis;

namespace Beadhub.Hosting.Cluster.Feeds;

/// <summary>Announces over Redis: one channel a project, subscribed to while somebody on this node follows it. Small batches travel
/// whole.</summary>
internal sealed partial class RedisFeedBus(RedisConnection redis, NodeId node, ILogger<RedisFeedBus> logger) : IFeedBus
{
    private const string Prefix = "beadhub:feed:";
    private const int LargestPayload = 64 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // With those whose subscription did not succeed yet; the library itself renews the others.
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    private Action<Announcement> _heard = static _ => { };

    /// <inheritdoc/>
    public bool IsConnected => redis.IsConnected && !_subscribed.Values.Contains(false);

    /// <inheritdoc/>
    public Task Start(Action<Announcement> heard, Action restored)
    {
        _heard = heard;
        redis.Restored += () =>
        {
            foreach (var project in _subscribed.Keys) _ = Watch(project);
            restored();
        };
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task Watch(string project)
    {
        _subscribed[project] = false;
        if (!redis.IsConnected) return;
        try
        {
            await redis.Subscriber.SubscribeAsync(Channel(project), Receive).WaitAsync(Patience);
            _subscribed.TryUpdate(project, true, false);
        }
        catch (Exception e) when (IsAway(e))
        {
            LogUnheard(logger, project, e.Message);
        }
    }

    /// <inheritdoc/>
    public async Task Unwatch(string project)
    {
        _subscribed.TryRemove(project, out _);
        try
        {
            await redis.Subscriber.UnsubscribeAsync(Channel(project), Receive).WaitAsync(Patience);
        }
        catch (Exception e) when (IsAway(e))
        {
            // What still comes is for nobody.
        }
    }

    /// <inheritdoc/>
    public void Announce(string project, IReadOnlyList<FeedEvent> events)
    {
        if (!redis.IsConnected) return;
        try
        {
            var size = 0;
            foreach (var e in events) size += e.Data.Length;
            var message = new FeedMessage(node.Id, events[^1].Position, size <= LargestPayload ? [.. events.Select(FeedItem.Of)] : null);
            _ = Watched(redis.Subscriber.PublishAsync(Channel(project),
                JsonSerializer.SerializeToUtf8Bytes(message, FeedMessages.Default.FeedMessage)));
        }
        catch (Exception e) when (IsAway(e))
        {
            // Those who follow look at the log as long as Redis is away.
        }
    }

    public ValueTask DisposeAsync() => default;

    private void Receive(RedisChannel channel, RedisValue value)
    {
        try
        {
            var project = ((string)channel!)[Prefix.Length..];
            if (JsonSerializer.Deserialize((byte[])value!, FeedMessages.Default.FeedMessage) is not { } message || message.Node == node.Id)
                return;
            _heard(new(project, message.Last, message.Events is { Count: > 0 } items ? [.. items.Select(item => item.For(project))]
                : null));
        }
        catch (JsonException e)
        {
            LogUnreadable(logger, e.Message);
        }
    }

    private static async Task Watched(Task<long> published)
    {
        try
        {
            await published;
        }
        catch (Exception e) when (IsAway(e))
        {
            // As above.
        }
    }

    private static RedisChannel Channel(string project) => new(Prefix + project, RedisChannel.PatternMode.Literal);

    private static bool IsAway(Exception e) =>
        e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Announcements of project {Project} do not come in yet: {Reason}")]
    private static partial void LogUnheard(ILogger logger, string project, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An announcement could not be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);
}

/// <summary>On the wire between nodes.</summary>
internal sealed record FeedMessage(
    [property: JsonPropertyName("n")] string Node, [property: JsonPropertyName("l")] long Last,
    [property: JsonPropertyName("e")] IReadOnlyList<FeedItem>? Events);

/// <summary>An event on the wire between nodes, without the project, which the channel names.</summary>
internal sealed record FeedItem(
    [property: JsonPropertyName("p")] long Position, [property: JsonPropertyName("k")] string Kind,
    [property: JsonPropertyName("y")] string Key,
    [property: JsonPropertyName("v")] long Version, [property: JsonPropertyName("t")] string Type,
    [property: JsonPropertyName("d")] string Data,
    [property: JsonPropertyName("a")] DateTimeOffset At)
{
    public static FeedItem Of(FeedEvent e) => new(e.Position, e.Kind, e.Key, e.Version, e.Type, e.Data, e.At);

    public FeedEvent For(string project) => new(project, Position, Kind, Key, Version, Type, Data, At);
}

[JsonSerializable(typeof(FeedMessage))]
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class FeedMessages : JsonSerializerContext;
