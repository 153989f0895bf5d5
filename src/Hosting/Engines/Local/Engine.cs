using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Beadhub.Hosting.EventLogs;
using Orleans.Hosting;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>What runs the grains: this process alone, or each node of a cluster its own activations over one log.</summary>
internal static class Engine
{
    /// <summary>Key of the <see cref="IFeedPublisher"/> that announces to the subscribers of the feed's streams what was
    /// committed.</summary>
    public const string Announcer = "announcer";

    /// <summary>Name for people.</summary>
    public const string Name = "Local";

    private const string WithinNode = "feed-within-node";

    /// <summary>Runs the grains in this process.</summary>
    public static void AddGrains(this WebApplicationBuilder builder, Settings settings)
    {
        var services = builder.Services;
        services.AddLocalGrains(static options => options.StreamItemSize = SizeOf, typeof(IEventLog).Assembly);
        if (settings.Cluster)
        {
            services.AddFeedRelay(settings);
            services.AddKeyedSingleton<IFeedPublisher>(Announcer, static (provider, _) => provider.GetRequiredService<FeedRelay>());
        }
        else
        {
            services.AddLocalStreams(IFeedGrain.Stream);
            // Alone, nothing that is told of a commit does more than put it into a queue.
            services.AddSingleton(new EventLogOptions { MayCommitInline = static () => LocalGrainHosting.NothingWaits });
            services.AddKeyedSingleton<IFeedPublisher, StreamFeedPublisher>(Announcer);
        }
    }

    private static long SizeOf(object item)
    {
        if (item is not FeedBatch batch) return 0;
        var size = 0L;
        foreach (var stored in batch.Events) size += 256 + (sizeof(char) * (long)stored.Data.Length);
        return size;
    }

    /// <summary>Streams of the feed that carry what all nodes commit: this engine's own stay within a node.</summary>
    private static void AddFeedRelay(this IServiceCollection services, Settings settings)
    {
        if (settings.RedisUrl is not null) services.AddSingleton<IFeedBus, RedisFeedBus>();
        else if (DatabaseUrl.Parse(settings.DatabaseUrl).ConnectionString is { } connection)
            services.AddSingleton<IFeedBus>(provider => ActivatorUtilities.CreateInstance<NotifyFeedBus>(provider, connection));
        services.AddSingleton<FeedRelay>();
        services.AddHostedService(static provider => provider.GetRequiredService<FeedRelay>());
        services.AddLocalStreams(WithinNode);
        services.AddKeyedSingleton<IStreamProvider>(IFeedGrain.Stream, static (provider, name) =>
            new RelayedStreams((string)name!, provider.GetRequiredKeyedService<IStreamProvider>(WithinNode),
                provider.GetRequiredService<FeedRelay>()));
    }
}
