using Beadhub.Chat;
using Beadhub.Feed;
using Beadhub.Gateway;
using Beadhub.Presence;
using Beadhub.Silo.Cluster.Feeds;
using Beadhub.Silo.Cluster.Leases;
using Beadhub.Silo.Cluster.Redis;
using Beadhub.Silo.EventLogs;
using Orleans.Hosting;
using Orleans.Streams;

namespace Beadhub.Silo.Cluster;

/// <summary>Adds what nodes share besides the event log: presence, announcements of what was committed, and who does the background work.</summary>
internal static class ClusterHosting
{
    private const string WithinNode = "feed-within-node";

    /// <summary>Presence in Redis or in this process's memory; the background lease in PostgreSQL, or none.</summary>
    public static void AddCluster(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(NodeId.New());
        services.AddSingleton<MemoryPresenceStore>();
        services.AddSingleton<MemoryChatPresence>();
        if (settings.RedisUrl is { } text)
        {
            var url = RedisUrl.Parse(text);
            services.AddSingleton(provider => Task.Run(() => RedisConnection.Open(
                url, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RedisConnection>>())).GetAwaiter().GetResult());
            services.AddSingleton<IPresenceStore, RedisPresenceStore>();
            services.AddSingleton<IChatPresence, RedisChatPresence>();
        }
        else
        {
            services.AddSingleton<IPresenceStore>(static provider => provider.GetRequiredService<MemoryPresenceStore>());
            services.AddSingleton<IChatPresence>(static provider => provider.GetRequiredService<MemoryChatPresence>());
        }

        if (settings.Cluster && DatabaseUrl.Parse(settings.DatabaseUrl).ConnectionString is { } connection)
        {
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PostgresLease>(provider, connection));
            services.AddSingleton<IBackgroundLease>(static provider => provider.GetRequiredService<PostgresLease>());
            services.AddHostedService(static provider => provider.GetRequiredService<PostgresLease>());
        }
        else
        {
            services.AddSingleton<IBackgroundLease, LoneLease>();
        }
    }

    /// <summary>Streams of the feed that carry what all nodes commit, for an engine whose own streams stay within a node.</summary>
    public static void AddFeedRelay(this IServiceCollection services, Settings settings)
    {
        if (settings.RedisUrl is not null) services.AddSingleton<IFeedBus, RedisFeedBus>();
        else if (DatabaseUrl.Parse(settings.DatabaseUrl).ConnectionString is { } connection)
            services.AddSingleton<IFeedBus>(provider => ActivatorUtilities.CreateInstance<NotifyFeedBus>(provider, connection));
        services.AddSingleton<FeedRelay>();
        services.AddHostedService(static provider => provider.GetRequiredService<FeedRelay>());
        services.AddLocalStreams(WithinNode);
        services.AddKeyedSingleton<IStreamProvider>(IFeedGrain.Stream, static (provider, name) =>
            new RelayedStreams((string)name!, provider.GetRequiredKeyedService<IStreamProvider>(WithinNode), provider.GetRequiredService<FeedRelay>()));
    }
}
