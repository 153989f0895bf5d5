using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Silo.Cluster;
using Beadhub.Silo.Cluster.Feeds;
using Orleans.Hosting;

namespace Beadhub.Silo.Engines;

/// <summary>What runs the grains. The build chooses: everything that differs between the engines is in this folder and in the project files.</summary>
internal static class Engine
{
    /// <summary>Key of the <see cref="IFeedPublisher"/> that announces to the subscribers of the feed's streams what was committed.</summary>
    public const string Announcer = "announcer";

#if ORLEANS
    /// <summary>Name for people.</summary>
    public const string Name = "Orleans";

    /// <summary>Runs the grains on Orleans.</summary>
    public static void AddGrains(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Services.AddKeyedSingleton<IFeedPublisher, StreamFeedPublisher>(Announcer);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            silo.AddMemoryGrainStorage("PubSubStore");
            silo.AddMemoryStreams(IFeedGrain.Stream);
        });
    }
#else
    /// <summary>Name for people.</summary>
    public const string Name = "Local";

    /// <summary>Runs the grains in this process.</summary>
    public static void AddGrains(this WebApplicationBuilder builder, Settings settings)
    {
        var services = builder.Services;
        services.AddLocalGrains(typeof(IEventLog).Assembly);
        if (settings.Cluster)
        {
            services.AddFeedRelay(settings);
            services.AddKeyedSingleton<IFeedPublisher>(Announcer, static (provider, _) => provider.GetRequiredService<FeedRelay>());
        }
        else
        {
            services.AddLocalStreams(IFeedGrain.Stream);
            services.AddKeyedSingleton<IFeedPublisher, StreamFeedPublisher>(Announcer);
        }
    }
#endif
}
