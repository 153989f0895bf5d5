using Beadhub.Chat;
using Beadhub.Gateway;
using Beadhub.Presence;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Hosting.Cluster.Postgres;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Hosting.Cluster;

/// <summary>Adds what nodes share besides the event log: presence, the count of bootstraps, and who does the background work.</summary>
internal static class ClusterHosting
{
    /// <summary>Presence and counts in Redis, in PostgreSQL for a cluster without, or in this process's memory; the background lease in
    /// PostgreSQL, or none.</summary>
    public static void AddCluster(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(NodeId.New());
        services.AddSingleton<MemoryPresenceStore>();
        services.AddSingleton<MemoryChatPresence>();
        if (settings.RedisUrl is { } text)
        {
            var url = RedisUrl.Parse(text);
            services.AddSingleton(provider => Task.Run(() => RedisConnection.Open(
                url, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RedisConnection>>())).GetAwaiter()
                    .GetResult());
            services.AddSingleton<IPresenceStore, RedisPresenceStore>();
            services.AddSingleton<IChatPresence, RedisChatPresence>();
            services.AddSingleton<MemoryInitRate>();
            services.AddSingleton<IInitRate, RedisInitRate>();
            services.AddSingleton<ISharedCounts, RedisCounts>();
        }
        else if (settings.Cluster && DatabaseUrl.Parse(settings.DatabaseUrl).ConnectionString is { } database)
        {
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SharedState>(provider, database));
            services.AddSingleton<ISharedCounts>(static provider => provider.GetRequiredService<SharedState>());
            services.AddSingleton<IPresenceStore, PostgresPresenceStore>();
            services.AddSingleton<IChatPresence, PostgresChatPresence>();
            services.AddSingleton<MemoryInitRate>();
            services.AddSingleton<IInitRate, PostgresInitRate>();
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
}
